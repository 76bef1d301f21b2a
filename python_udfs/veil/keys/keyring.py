"""The keyring: every key of a project in one sealed file, each wrapped under a key kept elsewhere.

What the file MAC does not notice: an older copy of the whole file (the audit record holds the
generation for that), and a whole other keyring under another key-encryption key (give `load` the
`kek_ref` that the project names for that).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from veil.files import locked, write_atomic
from veil.keys.choosing import primary_of
from veil.keys.derive import derive
from veil.keys.document import (
    LIMIT_BYTES,
    Document,
    check_change,
    read_raw,
    remove_leftovers,
)
from veil.keys.entry import (
    ANY_DOMAIN,
    MAC_PURPOSE,
    USABLE,
    KeyEntry,
    Status,
    check_transition,
)
from veil.keys.errors import KeyringError
from veil.keys.making import DEFAULT_PURPOSES, first_entries, make_entry, unseal
from veil.keys.names import is_name
from veil.keys.providers import KekProvider, ProviderOpener, open_provider

BeforeWrite = Callable[[str, int], None]
"""Called with the digest and the generation of a file that is about to be written."""

LOCK_SECONDS = 10.0
_NO_MAC = "0" * 64


class Keyring:
    """The keys of one project.

    Made by `create` and `load`. No object of this class holds key material: each use unwraps it
    anew. A change (`add`, `set_status`) is in memory until `save`.
    """

    def __init__(
        self, path: Path, document: Document, *, raw: bytes | None, providers: ProviderOpener
    ) -> None:
        self._path = path
        self._document = document
        self._entries = document.effective_entries()
        self._raw = raw
        self._providers = providers

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        kek_ref: str,
        purposes: Iterable[tuple[str, str]] = DEFAULT_PURPOSES,
        providers: ProviderOpener = open_provider,
        before_write: BeforeWrite | None = None,
    ) -> Keyring:
        """Make and save a keyring with a primary key for each (purpose, domain).

        Args:
            path: the file; its folder must exist, an existing file is never overwritten.
            kek_ref: provider URI of a key-encryption key that exists already.
            purposes: pairs of purpose and domain; the key of the file MAC is added to them.
            providers: opens a provider by its URI.
            before_write: as for `save`.

        Raises:
            KeyringError: no such provider or key, or an unknown purpose.
            VeilError: the file exists or cannot be written.
        """
        keyring_id = secrets.token_hex(16)
        entries = first_entries(keyring_id, purposes, kek_ref=kek_ref, provider=providers(kek_ref))
        document = Document(id=keyring_id, generation=1, entries=entries, mac=_NO_MAC)
        ring = cls(Path(path), document, raw=None, providers=providers)
        ring._write(ring._sealed(document), before_write)
        return ring

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        kek_ref: str | None = None,
        providers: ProviderOpener = open_provider,
    ) -> Keyring:
        """Read a keyring and check its seal; unwraps the key of the file MAC and nothing else.

        Args:
            path: the file, private to this user.
            kek_ref: what the project names as its key-encryption key. Without it, whoever can
                write the file can put a keyring of his own in its place.
            providers: opens a provider by its URI.

        Raises:
            KeyringError: missing, edited, cut short, of another format, or under another
                key-encryption key.
            VeilError: the file is open to others, a link or not a regular file.
        """
        path = Path(path)
        raw = read_raw(path)
        try:
            document = Document.parse(raw)
            # Before the provider is opened: its reference stands in a file not yet verified.
            _check_ref(document.mac_entry().kek_ref, expected=kek_ref)
            ring = cls(path, document, raw=raw, providers=providers)
            document.verify(ring._mac_key(document))
        except KeyringError as error:
            raise type(error)(f"keyring `{path}`: {error.message}", remedy=error.remedy) from None
        return ring

    def __repr__(self) -> str:
        path, count = str(self._path), len(self._entries)
        return f"Keyring({path!r}, generation={self.generation}, keys={count})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be copied or pickled: a cache or another process is no place for keys."""
        raise KeyringError(
            "a keyring is not copied or pickled.", remedy="Load it where it is used."
        )

    @property
    def id(self) -> str:
        """Random id of the keyring, 32 hexadecimal characters; every key is bound to it."""
        return self._document.id

    @property
    def generation(self) -> int:
        """How often the keyring was saved."""
        return self._document.generation

    @property
    def digest(self) -> str:
        """SHA-256 of the file as it was loaded or saved, 64 hexadecimal characters."""
        return hashlib.sha256(self._raw or b"").hexdigest()

    @property
    def sealed_digest(self) -> str:
        """The digest of the file without unsealed disablings: as it was when it was saved."""
        sealed = replace(self._document, pending_disable=())
        return hashlib.sha256(sealed.render()).hexdigest()

    @property
    def entries(self) -> tuple[KeyEntry, ...]:
        """All entries, destroyed ones too, with unsealed disablings applied."""
        return self._entries

    @property
    def unsealed(self) -> tuple[str, ...]:
        """Kids that were disabled without the provider and wait for the next `save`."""
        return self._document.pending_disable

    def entry(self, kid: str) -> KeyEntry:
        """Return the entry of a key id.

        Raises:
            KeyringError: the keyring has no such key.
        """
        for entry in self._entries:
            if entry.kid == kid:
                return entry
        raise KeyringError("the keyring has no key of that id.", remedy="See `veil keys list`.")

    def primary(self, purpose: str, domain: str, *, at: datetime | None = None) -> KeyEntry:
        """Return the key that protects what is new: the domain's own, else that of all domains.

        A domain that has, or ever had, a key of its own (pending ones aside) never falls back to
        the shared key: disabling a key stops its use and does not silently replace it.

        Args:
            purpose: for example `pseudonym`.
            domain: for example `person`.
            at: the moment that the key's dates are compared with; now when not given.

        Raises:
            KeyringError: there is none, it is disabled, or its dates do not cover the moment.
        """
        return primary_of(self._entries, purpose, domain, at=at)

    def material(self, entry: KeyEntry) -> bytes:
        """Unwrap the 32 bytes of a pending, primary or active key.

        Raises:
            KeyringError: the entry is not, or no longer, the keyring's; it is disabled or
                destroyed; it is the key of the file MAC, which is for the keyring alone.
            ProviderError: the key-encryption key is not to be had.
            UnwrapError: it is another one.
        """
        if self.entry(entry.kid) != entry:
            raise KeyringError(
                f"key `{entry.kid}` has changed since it was looked up.",
                remedy="Look it up again in the keyring.",
            )
        if entry.purpose == MAC_PURPOSE:
            raise KeyringError("the key of the keyring's own MAC is not handed out.")
        if entry.status not in USABLE:
            raise KeyringError(
                f"key `{entry.kid}` is {entry.status} and may not be used.",
                remedy="Rotate to another key; a disabled key is never enabled again.",
            )
        return self._unwrap(entry)

    def subkey(
        self, purpose: str, domain: str, use: str, *, kid: str | None = None
    ) -> tuple[str, bytes]:
        """Derive the 32-byte key for one use in one domain.

        Args:
            purpose: for example `pseudonym`.
            domain: for example `person`; also under a key for all domains, every domain has a
                sub-key of its own.
            use: what it is for, for example `mac`.
            kid: an older key, to match what it protected; the primary when not given.

        Returns:
            The key id that belongs into the output, and the sub-key.

        Raises:
            KeyringError: as `primary` and `material`; or `kid` is for something else.
        """
        if not is_name(use):
            raise KeyringError("that is no name of a use.")
        if kid is None:
            entry = self.primary(purpose, domain)
        else:
            entry = self.entry(kid)
            if entry.purpose != purpose or entry.domain not in (domain, ANY_DOMAIN):
                raise KeyringError(f"key `{entry.kid}` is not for that purpose and domain.")
        return entry.kid, derive(self.material(entry), purpose=purpose, domain=domain, use=use)

    def add(
        self,
        purpose: str,
        domain: str,
        status: Status = Status.PENDING,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> KeyEntry:
        """Make a key; `save` keeps it.

        Args:
            purpose: one of `ALGORITHMS`, not the file MAC.
            domain: a linkage domain or zone, `*` for all.
            status: pending (the first of the two steps of a rotation) or primary.
            not_before: moment from which it may be primary.
            not_after: moment from which it may not.

        Raises:
            KeyringError: another status, an unknown purpose, or a second primary.
        """
        if status not in (Status.PENDING, Status.PRIMARY):
            raise KeyringError("a new key is pending or primary.")
        entry = self.make(purpose, domain, status, not_before=not_before, not_after=not_after)
        self.change((*self._entries, entry))
        return entry

    def make(
        self,
        purpose: str,
        domain: str,
        status: Status,
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> KeyEntry:
        """Make a key without taking it in; for the modules of `veil.keys`, with `change`."""
        kek_ref = self._document.mac_entry().kek_ref
        return make_entry(
            self.id,
            purpose=purpose,
            domain=domain,
            status=status,
            kek_ref=kek_ref,
            provider=self.provider(kek_ref),
            taken={known.kid for known in self._entries},
            not_before=not_before,
            not_after=not_after,
        )

    def provider(self, ref: str) -> KekProvider:
        """Open the provider of a key-encryption key as this keyring does."""
        return self._providers(ref)

    def set_status(self, kid: str, status: Status) -> KeyEntry:
        """Move a key forward in its life; `save` keeps it.

        Destroying drops the wrapped material from the keyring. Older copies of the file still hold
        it, under the key-encryption key.

        Raises:
            KeyringError: unknown kid, a transition that is not legal, a second primary, or the key
                of the file MAC, which lives as long as the keyring.
        """
        old = self.entry(kid)
        if old.purpose == MAC_PURPOSE:
            raise KeyringError("the key of the keyring's own MAC keeps its status.")
        check_transition(old, status)
        wrapped = b"" if status is Status.DESTROYED else old.wrapped
        new = replace(old, status=status, wrapped=wrapped)
        self.change(tuple(new if item.kid == kid else item for item in self._entries))
        return new

    def change(self, entries: tuple[KeyEntry, ...]) -> None:
        """Take `entries` in place of the present ones, all at once; `save` keeps them.

        For the modules of `veil.keys`: how several keys move in one step.

        Raises:
            KeyringError: an entry would be gone, renamed or sent back in its life, or there would
                be two primaries; then nothing has changed.
        """
        check_change(self._entries, entries)
        self._entries = entries

    def rendered_digest(self) -> str:
        """Return the `digest` of the file that the next `save` would write.

        Raises:
            ProviderError, UnwrapError: the key of the file MAC is not to be had.
        """
        return hashlib.sha256(self._next().render()).hexdigest()

    def save(self, *, before_write: BeforeWrite | None = None) -> None:
        """Seal and write the keyring, one generation later; disablings that waited are sealed too.

        Args:
            before_write: called with the digest and the generation of the file to be written, once
                it is certain that the file is still the one that was loaded, under the lock. What
                it raises stops the save.

        Raises:
            KeyringError: the file is not the one that was loaded: somebody else changed it.
            ProviderError, VeilError: it could not be sealed or written.
        """
        self._write(self._next(), before_write)

    def _next(self) -> Document:
        return self._sealed(
            replace(
                self._document,
                generation=self.generation + 1,
                entries=self._entries,
                pending_disable=(),
            )
        )

    def _sealed(self, document: Document) -> Document:
        return document.sealed(self._mac_key(document))

    def _write(self, document: Document, before_write: BeforeWrite | None) -> None:
        raw = document.render()
        if len(raw) > LIMIT_BYTES:
            raise KeyringError(f"the keyring would be longer than {LIMIT_BYTES} bytes.")
        with locked(self._path, timeout=LOCK_SECONDS):
            if self._raw is not None and read_raw(self._path) != self._raw:
                raise KeyringError(
                    f"keyring `{self._path}` was changed by somebody else since it was loaded.",
                    remedy="Load it again and repeat the change.",
                )
            if before_write is not None:
                before_write(hashlib.sha256(raw).hexdigest(), document.generation)
            remove_leftovers(self._path, document.id)
            write_atomic(self._path, raw, overwrite=self._raw is not None)
        self._document, self._raw, self._entries = document, raw, document.entries

    def _mac_key(self, document: Document) -> bytes:
        material = self._unwrap(document.mac_entry())
        return derive(material, purpose=MAC_PURPOSE, domain=ANY_DOMAIN, use="file-mac")

    def _unwrap(self, entry: KeyEntry) -> bytes:
        return unseal(self.id, entry, self.provider(entry.kek_ref))


def _check_ref(kek_ref: str, *, expected: str | None) -> None:
    if expected is not None and kek_ref != expected:
        raise KeyringError(
            "it is under another key-encryption key than the project names.",
            remedy="Check the project's key reference; if it is right, the keyring was replaced: "
            "restore it from a backup.",
        )
