"""The keyring file as bytes: one spelling, one seal, one list that may only take rights away.

The file is JSON with `format`, `id`, `generation`, `entries` (the sealed body), `mac` (HMAC-SHA256
over the canonical form of the body) and `pending_disable` (unsealed, see `Document`). A file that
is not, byte for byte, what `render` would write is refused, so there is no white space, escape,
duplicate name or letter case to hide a change in.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from veil.errors import VeilError
from veil.files import MissingFileError, read_private
from veil.keys.entry import (
    ANY_DOMAIN,
    MAC_PURPOSE,
    USABLE,
    KeyEntry,
    Status,
    check_transition,
    is_kid,
)
from veil.keys.errors import RESTORE, KeyringError

FORMAT = 1
LIMIT_BYTES = 1 << 20
TEMPORARY = ".veil-*.tmp"
"""What `write_atomic` leaves behind when it is killed."""

_HEAD_BYTES = 100

_ID = re.compile(r"[0-9a-f]{32}")
_MAC = re.compile(r"[0-9a-f]{64}")
_NAMES = {"format", "id", "generation", "entries", "mac", "pending_disable"}


@dataclass(frozen=True, kw_only=True)
class Document:
    """The content of a keyring file; one whose parts contradict each other cannot be constructed.

    `pending_disable` is how a key is disabled while the provider, and so the key of the file MAC,
    is out of reach. It is not under the MAC: whoever may write the file may add to it or empty it.
    So it means one thing only: the named keys, if the sealed body would let them be used, are
    disabled. It cannot name a status, make a key usable, or bring one in. Emptying it returns to
    what was sealed, which the same hands could do with yesterday's file; it is therefore folded
    into the sealed body by the next `save`.

    Raises:
        KeyringError: see the message; it names kids and never another content.
    """

    id: str
    generation: int
    entries: tuple[KeyEntry, ...]
    mac: str = field(repr=False)
    pending_disable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or not _MAC.fullmatch(self.mac) or self.generation < 1:
            raise KeyringError(
                "the keyring's `id`, `generation` or `mac` is malformed.", remedy=RESTORE
            )
        check_entries(self.entries)
        if list(self.pending_disable) != sorted(set(self.pending_disable)):
            raise KeyringError("the keyring's `pending_disable` is malformed.", remedy=RESTORE)
        usable = {
            entry.kid
            for entry in self.entries
            if entry.status in USABLE and entry.purpose != MAC_PURPOSE
        }
        if not usable.issuperset(self.pending_disable):
            raise KeyringError("the keyring's `pending_disable` names a key it cannot disable.")

    @classmethod
    def parse(cls, raw: bytes) -> Document:
        """Read a file's bytes. Nothing of it may be trusted before `verify`."""
        try:
            value = json.loads(raw.decode("ascii"))
        except (ValueError, RecursionError):
            raise KeyringError("the keyring is not whole JSON.", remedy=RESTORE) from None
        if not isinstance(value, dict):
            raise KeyringError("the keyring is not a JSON object.", remedy=RESTORE)
        # The version comes first: another version may well have other fields.
        version = value.get("format")
        if type(version) is not int or version != FORMAT:
            raise KeyringError(
                f"the keyring has another format than {FORMAT}.",
                remedy="Use the veil version that wrote it.",
            )
        if set(value) != _NAMES:
            raise KeyringError(
                "the keyring does not have exactly the expected fields.", remedy=RESTORE
            )
        document = cls._from_json(value)
        if document.render() != raw:
            raise KeyringError(
                "the keyring is not written the way veil writes it: it was edited.", remedy=RESTORE
            )
        return document

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> Document:
        entries, pending = value["entries"], value["pending_disable"]
        if (
            type(value["generation"]) is not int
            or not isinstance(value["id"], str)
            or not isinstance(value["mac"], str)
            or not isinstance(entries, list)
            or not isinstance(pending, list)
            or not all(is_kid(kid) for kid in pending)
        ):
            raise KeyringError("a field of the keyring has the wrong type.", remedy=RESTORE)
        return cls(
            id=value["id"],
            generation=value["generation"],
            entries=tuple(KeyEntry.parse(entry) for entry in entries),
            mac=value["mac"],
            pending_disable=tuple(pending),
        )

    def render(self) -> bytes:
        """Return the one spelling of the file."""
        value = {**self._body(), "mac": self.mac, "pending_disable": list(self.pending_disable)}
        return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode("ascii")

    def sealed(self, mac_key: bytes) -> Document:
        """Return the document with the MAC of its body."""
        return replace(self, mac=self._tag(mac_key))

    def verify(self, mac_key: bytes) -> None:
        """Check the MAC.

        Raises:
            KeyringError: the body is not the one that was sealed.
        """
        same = hmac.compare_digest(self._tag(mac_key), self.mac)
        del mac_key  # a traceback may show local variables
        if not same:
            raise KeyringError(
                "the keyring was edited: its content does not match its MAC.", remedy=RESTORE
            )

    def mac_entry(self) -> KeyEntry:
        """Return the entry whose material seals the file."""
        return next(
            entry
            for entry in self.entries
            if entry.purpose == MAC_PURPOSE and entry.status is Status.PRIMARY
        )

    def effective_entries(self) -> tuple[KeyEntry, ...]:
        """Return the entries with `pending_disable` applied."""
        return tuple(
            replace(entry, status=Status.DISABLED) if entry.kid in self.pending_disable else entry
            for entry in self.entries
        )

    def _body(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "id": self.id,
            "generation": self.generation,
            "entries": [entry.to_json() for entry in self.entries],
        }

    def _tag(self, mac_key: bytes) -> str:
        body = json.dumps(self._body(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hmac.digest(mac_key, body.encode("ascii"), "sha256").hex()


def check_entries(entries: tuple[KeyEntry, ...]) -> None:
    """Refuse entries that contradict each other.

    Raises:
        KeyringError: a kid twice, two primaries of one (purpose, domain), or not exactly one
            primary entry for the file MAC beside destroyed ones.
    """
    kids = Counter(entry.kid for entry in entries)
    for kid, count in kids.items():
        if count > 1:
            raise KeyringError(f"key id `{kid}` stands in the keyring twice.")
    primaries = Counter(
        (entry.purpose, entry.domain) for entry in entries if entry.status is Status.PRIMARY
    )
    for (purpose, domain), count in primaries.items():
        if count > 1:
            raise KeyringError(
                f"purpose `{purpose}`, domain `{domain}` would have two primary keys.",
                remedy="Rotate: `veil keys rotate`, then `veil keys promote`.",
            )
    macs = [entry for entry in entries if entry.purpose == MAC_PURPOSE]
    in_use = [entry.status for entry in macs if entry.status is not Status.DESTROYED]
    if in_use != [Status.PRIMARY] or any(entry.domain != ANY_DOMAIN for entry in macs):
        raise KeyringError("the keyring does not have exactly one key for its own MAC.")


def check_change(old: tuple[KeyEntry, ...], new: tuple[KeyEntry, ...]) -> None:
    """Refuse a change that takes an entry away, sends it back in its life, or renames it.

    Raises:
        KeyringError: one of these, or entries that contradict each other.
    """
    check_entries(new)
    if len(new) < len(old):
        raise KeyringError("an entry never leaves the keyring.")
    for before, after in zip(old, new, strict=False):
        if _names(before) != _names(after):
            raise KeyringError("an entry never leaves its place in the keyring.")
        if before.status is not after.status:
            # The key of the file MAC has no time between: two of them would both open the file.
            if before.purpose == MAC_PURPOSE and after.status is Status.DESTROYED:
                continue
            check_transition(before, after.status)


def _names(entry: KeyEntry) -> tuple[str, ...]:
    return entry.kid, entry.purpose, entry.domain, entry.alg, entry.created


def remove_leftovers(path: Path, keyring_id: str) -> None:
    """Remove the temporary files of writers of this keyring that were killed.

    They hold wrapped keys, also of those that are destroyed later. The caller holds the keyring's
    lock, so that no writer is alive; other files of that form are somebody else's.
    """
    mark = f'"id": "{keyring_id}"'.encode("ascii")
    for file in path.parent.glob(TEMPORARY):
        with suppress(VeilError, OSError):
            if mark in read_private(file, limit=LIMIT_BYTES)[:_HEAD_BYTES]:
                file.unlink()


def read_raw(path: Path) -> bytes:
    """Return the bytes of a keyring file.

    Raises:
        KeyringError: it is missing, open to others, a link, not a regular file, or unreadable.
    """
    try:
        return read_private(path, limit=LIMIT_BYTES)
    except MissingFileError:
        raise KeyringError(
            f"there is no keyring at `{path}`.",
            remedy="Restore the one that built the data; in a new project run `veil init`.",
        ) from None
    except VeilError as error:
        raise KeyringError(f"keyring: {error.message}", remedy=error.remedy) from None
