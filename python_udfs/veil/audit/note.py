"""Signed notes: a text, an empty line, and the signatures of it (c2sp.org/signed-note).

A signature line is an em dash, a space, the name of the key, a space, and the base64 of four bytes
of key id and the signature. Keys are Ed25519 (RFC 8032). The text is worth nothing until
`open_note` has found the signature of a key that the reader already knew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veil.audit.errors import NoteError

MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100
SEED_BYTES = 32
NAME = re.compile(r"[a-z0-9./_-]{1,200}")
"""Names of veil's own keys and records: the part of what the specification allows that nobody can
mistake for another one."""

_ED25519 = b"\x01"
_ID_BYTES = 4
_KEY_BYTES = 32
# Names of other people's keys: neither space nor plus, as the specification has it.
_ANY_NAME = re.compile(r"[^\s+]+")
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_RESTORE = "Restore the note from a backup or from where it was anchored."


class Signer:
    """A key that signs notes. Its `repr` does not show the seed, and it cannot be pickled.

    Args:
        name: of the key, `NAME`; for a record it is the record's origin.
        seed: 32 secret bytes, the Ed25519 private key of RFC 8032.

    Raises:
        NoteError: the name or the length of the seed is off.
    """

    __slots__ = ("_private", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        if not NAME.fullmatch(name):
            raise NoteError(
                "A key that signs notes has a malformed name.",
                remedy="Use lower-case letters, digits, `.`, `/`, `_` and `-`.",
            )
        if len(seed) != SEED_BYTES:
            raise NoteError(f"A key that signs notes is not made of {SEED_BYTES} bytes.")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The name of the key."""
        return self.verifier.name

    @property
    def key_id(self) -> bytes:
        """The key id, 4 bytes."""
        return self.verifier.key_id

    @property
    def vkey(self) -> str:
        """The public half, as `Verifier.parse` reads it."""
        return self.verifier.vkey

    def sign(self, text: bytes) -> bytes:
        """The signature over the text of a note, 64 bytes."""
        return self._private.sign(text)

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"


@dataclass(frozen=True)
class Verifier:
    """A public key that vouches for notes.

    Attributes:
        name: of the key.
        public: the 32 bytes of the Ed25519 public key.

    Raises:
        NoteError: the name or the length of the key is off.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _ANY_NAME.fullmatch(self.name) or not self.name.isprintable():
            raise _malformed_key()
        if len(self.public) != _KEY_BYTES:
            raise _malformed_key()

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read `<name>+<key id in hex>+<base64 of 0x01 and the public key>`.

        Raises:
            NoteError: it has another form, another kind of key, or the id is not that of the key.
        """
        parts = _VKEY.fullmatch(vkey)
        data = _unbase64(parts[3]) if parts else None
        if parts is None or data is None or data[:1] != _ED25519:
            raise _malformed_key()
        verifier = cls(parts[1], data[1:])
        if verifier.key_id.hex() != parts[2]:
            raise _malformed_key()
        return verifier

    @property
    def key_id(self) -> bytes:
        """The key id: 4 bytes of SHA-256 over the name, a newline, 0x01 and the key."""
        data = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(data).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The text that `parse` reads; it is public."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.public)}"

    def holds(self, text: bytes, signature: bytes) -> bool:
        """Whether this key made that signature over that text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signature:
    """One signature line of a note, which nobody has verified yet."""

    name: str
    key_id: bytes
    value: bytes


def sign(text: str, signers: Iterable[Signer]) -> str:
    """Sign a text, with one line for each signer in their order.

    Args:
        text: ends in a newline and has no other control character.
        signers: one at least, no key twice.

    Raises:
        NoteError: the text is malformed or too long, or the signers are none or too many.
    """
    data = text.encode("utf-8", "replace")
    lines = [
        f"— {signer.name} {_base64(signer.key_id + signer.sign(data))}\n" for signer in signers
    ]
    if not lines or len(set(lines)) < len(lines):
        raise NoteError("A note is signed by one key at least, and by none twice.")
    note = f"{text}\n{''.join(lines)}"
    # A text without its last newline could otherwise pass a part of itself off as a signature.
    if split_note(note)[0] != text:
        raise _malformed_note("has a text that does not end in a newline")
    return note


def open_note(note: str | bytes, verifiers: Iterable[Verifier]) -> tuple[str, tuple[str, ...]]:
    """Return the text of a note that a known key has signed.

    Signatures of unknown keys are ignored, as the specification demands, also where such a key
    shares its name or its id with a known one.

    Args:
        note: the whole note; bytes are UTF-8.
        verifiers: the keys that the reader knows and trusts.

    Returns:
        The text, and the names of the known keys that signed it, in the order of their lines.

    Raises:
        NoteError: the note is malformed; a known key's signature does not hold, even where
            another one does; no known key signed it; or two known keys share name and id.
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise NoteError("Two known keys have the same name and id: nobody can tell them apart.")
    text, signatures = split_note(note)
    data = text.encode()
    names: dict[str, None] = {}
    for signature in signatures:
        found = known.get((signature.name, signature.key_id))
        if found is None:
            continue
        if not found.holds(data, signature.value):
            raise NoteError(
                f"The signature of `{found.name}` under a note does not hold: "
                "the note or the signature was changed.",
                remedy=_RESTORE,
            )
        names[found.name] = None
    if not names:
        raise NoteError(
            "No known key has signed the note.",
            remedy="Check which public keys you hold it against.",
        )
    return text, tuple(names)


def split_note(note: str | bytes) -> tuple[str, tuple[Signature, ...]]:
    """Take a note apart without verifying anything: its text is NOT to be trusted.

    Raises:
        NoteError: the note is malformed, longer than 1 MB, or has more than 100 signatures.
    """
    try:
        whole = note.decode() if isinstance(note, bytes) else note
        size = len(note) if isinstance(note, bytes) else len(note.encode())
    except UnicodeError:
        raise _malformed_note("is not UTF-8") from None
    if size > MAX_BYTES:
        raise _malformed_note(f"is longer than {MAX_BYTES} bytes")
    if _CONTROL.search(whole):
        raise _malformed_note("holds a control character")
    text, empty_line, block = whole.rpartition("\n\n")
    if not empty_line or not block.endswith("\n"):
        raise _malformed_note("has no empty line with signature lines behind it")
    lines = block.removesuffix("\n").split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise _malformed_note(f"has more than {MAX_SIGNATURES} signatures")
    return f"{text}\n", tuple(_signature(line) for line in lines)


def _signature(line: str) -> Signature:
    parts = _LINE.fullmatch(line)
    data = _unbase64(parts[2]) if parts else None
    if parts is None or data is None or len(data) <= _ID_BYTES:
        raise _malformed_note("has a malformed signature line")
    return Signature(parts[1], data[:_ID_BYTES], data[_ID_BYTES:])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unbase64(text: str) -> bytes | None:
    """Decode the one base64 text that encodes these bytes; another one is None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _base64(data) == text else None


def _malformed_key() -> NoteError:
    return NoteError(
        "A public key for notes is malformed: it is `<name>+<8 hex digits>+<base64>`.",
        remedy="Copy it again from `veil audit key`.",
    )


def _malformed_note(why: str) -> NoteError:
    return NoteError(f"A signed note {why}.", remedy=_RESTORE)
