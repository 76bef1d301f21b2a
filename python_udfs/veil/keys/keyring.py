"""The keyring: every key of a project in one sealed file, each wrapped under a key kept elsewhere.

What the file MAC does not notice: an older copy of the whole file (the audit record holds the
generation for that), and a whole other keyring under another key-encryption key (give `load` the
`kek_ref` that the project names for that).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from veil.files import locked, write_atomic
from veil.keys.derive import derive
from veil.keys.document import LIMIT_BYTES, Document, check_entries, read_raw
from veil.keys.entry import (
    ALGORITHMS,
    ANY_DOMAIN,
    MAC_PURPOSE,
    USABLE,
    KeyEntry,
    Status,
    check_transition,
    time_text,
)
from veil.keys.errors import KeyringError
from veil.keys.making import entry_binding, make_entry
from veil.keys.names import is_domain
from veil.keys.providers import ProviderOpener, open_provider

DEFAULT_PURPOSES: tuple[tuple[str, str], ...] = (
    ("zone", "identified"),
    ("zone", "pseudonymized"),
    ("zone", "marts"),
    ("pseudonym", ANY_DOMAIN),
    ("perturbation", ANY_DOMAIN),
    ("receipt", ANY_DOMAIN),
    ("audit", ANY_DOMAIN),
)
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
    ) -> Keyring:
        """Make and save a keyring with a primary key for each (purpose, domain).

        Args:
            path: the file; its folder must exist, an existing file is never overwritten.
            kek_ref: provider URI of a key-encryption key that exists already.
            purposes: pairs of purpose and domain; the key of the file MAC is added to them.
            providers: opens a provider by its URI.

        Raises:
            KeyringError: no such provider or key, or an unknown purpose.
            VeilError: the file exists or cannot be written.
        """
        keyring_id = secrets.token_hex(16)
        provider = providers(kek_ref)
        entries: tuple[KeyEntry, ...] = ()
        for purpose, domain in ((MAC_PURPOSE, ANY_DOMAIN), *purposes):
            entry = make_entry(
                keyring_id,
                purpose=purpose,
                domain=domain,
                status=Status.PRIMARY,
                kek_ref=kek_ref,
                provider=provider,
                taken={known.kid for known in entries},
            )
            entries = (*entries, entry)
        document = Document(id=keyring_id, generation=1, entries=entries, mac=_NO_MAC)
        ring = cls(Path(path), document, raw=None, providers=providers)
        ring._write(document)
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
            document.verify(ring._mac_key())
        except KeyringError as error:
            raise type(error)(f"keyring `{path}`: {error.message}", remedy=error.remedy) from None
        return ring

    def __repr__(self) -> str:
        path, count = str(self._path), len(self._entries)
        return f"Keyring({path!r}, generation={self.generation}, keys={count})"

    @property
    def id(self) -> str:
        """Random id of the keyring, 32 hexadecimal characters; every key is bound to it."""
        return self._document.id

    @property
    def generation(self) -> int:
        """How often the keyring was saved."""
        return self._document.generation

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
        if purpose not in ALGORITHMS or not is_domain(domain):
            raise KeyringError("that is no purpose of a key, or no name of a domain.")
        for wanted in dict.fromkeys((domain, ANY_DOMAIN)):
            own = [
                entry
                for entry in self._entries
                if (entry.purpose, entry.domain) == (purpose, wanted)
                and entry.status is not Status.PENDING
            ]
            if own:
                return _only_primary(own, at=time_text(at))
        raise KeyringError(
            f"the keyring has no primary key for purpose `{purpose}`, domain `{domain}`.",
            remedy="Add one, or promote a pending one.",
        )

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
        if kid is None:
            entry = self.primary(purpose, domain)
        else:
            entry = self.entry(kid)
            if entry.purpose != purpose or entry.domain not in (domain, ANY_DOMAIN):
                raise KeyringError(f"key `{entry.kid}` is not for that purpose and domain.")
        material = self.material(entry)
        return entry.kid, derive(material, purpose=purpose, domain=domain, use=use)

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
        kek_ref = self._document.mac_entry().kek_ref
        entry = make_entry(
            self.id,
            purpose=purpose,
            domain=domain,
            status=status,
            kek_ref=kek_ref,
            provider=self._providers(kek_ref),
            taken={known.kid for known in self._entries},
            not_before=not_before,
            not_after=not_after,
        )
        self._replace_entries((*self._entries, entry))
        return entry

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
        self._replace_entries(tuple(new if item.kid == kid else item for item in self._entries))
        return new

    def save(self) -> None:
        """Seal and write the keyring, one generation later; disablings that waited are sealed too.

        Raises:
            KeyringError: the file is not the one that was loaded: somebody else changed it.
            ProviderError, VeilError: it could not be sealed or written.
        """
        self._write(
            replace(
                self._document,
                generation=self.generation + 1,
                entries=self._entries,
                pending_disable=(),
            )
        )

    def _write(self, document: Document) -> None:
        document = document.sealed(self._mac_key())
        raw = document.render()
        if len(raw) > LIMIT_BYTES:
            raise KeyringError(f"the keyring would be longer than {LIMIT_BYTES} bytes.")
        with locked(self._path, timeout=LOCK_SECONDS):
            if self._raw is not None and read_raw(self._path) != self._raw:
                raise KeyringError(
                    f"keyring `{self._path}` was changed by somebody else since it was loaded.",
                    remedy="Load it again and repeat the change.",
                )
            write_atomic(self._path, raw, overwrite=self._raw is not None)
        self._document, self._raw, self._entries = document, raw, document.entries

    def _replace_entries(self, entries: tuple[KeyEntry, ...]) -> None:
        check_entries(entries)
        self._entries = entries

    def _mac_key(self) -> bytes:
        material = self._unwrap(self._document.mac_entry())
        return derive(material, purpose=MAC_PURPOSE, domain=ANY_DOMAIN, use="file-mac")

    def _unwrap(self, entry: KeyEntry) -> bytes:
        return self._providers(entry.kek_ref).unwrap(
            entry.wrapped, aad=entry_binding(self.id, entry)
        )


def _check_ref(kek_ref: str, *, expected: str | None) -> None:
    if expected is not None and kek_ref != expected:
        raise KeyringError(
            "it is under another key-encryption key than the project names.",
            remedy="Check the project's key reference; if it is right, the keyring was replaced: "
            "restore it from a backup.",
        )


def _only_primary(own: list[KeyEntry], *, at: str) -> KeyEntry:
    found = next((entry for entry in own if entry.status is Status.PRIMARY), None)
    if found is None:
        raise KeyringError(
            f"purpose `{own[0].purpose}`, domain `{own[0].domain}` has keys, but no primary one.",
            remedy="Promote a pending key, or add a new one.",
        )
    if not found.in_period(at):
        raise KeyringError(
            f"key `{found.kid}` is primary, but outside its dates.",
            remedy="Rotate to a new key, or wait for its `not_before`.",
        )
    return found
