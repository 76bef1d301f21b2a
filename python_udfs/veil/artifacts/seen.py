"""What the last scan found clean, so that the next one reads only what changed.

The record is sealed with a key of the keyring and names content by SHA-256. A missing, damaged,
forged or foreign record is no record: everything is scanned.
"""

from __future__ import annotations

import hmac
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from veil.errors import VeilError
from veil.files import read_private, write_atomic
from veil.keys import Keyring
from veil.project import Project

_LIMIT = 1 << 26
_Entry = tuple[int, int, int, int, str]


def seen_file(project: Project) -> Path:
    """Where the record is kept."""
    return project.warehouse / "scanned.json"


@dataclass(repr=False)
class Seen:
    """Files that were clean: name, size, times and inode, SHA-256.

    Attributes:
        path: file of the record.
        key: seals it.
        scope: digest of what was looked for; another scope makes every entry void.
    """

    path: Path
    key: bytes
    scope: str
    _old: dict[str, _Entry] = field(default_factory=dict)
    _new: dict[str, _Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project, keyring: Keyring, *, scope: str, since_last: bool) -> Seen:
        """The record of a project; without `since_last` it begins empty."""
        kid, key = keyring.subkey("receipt", "*", use="artifacts")
        seen = cls(path=seen_file(project), key=key, scope=f"{kid}:{scope}")
        if since_last:
            # A record that cannot be read only means that more is scanned.
            with suppress(VeilError, ValueError, KeyError, TypeError, AttributeError):
                seen._read()
        return seen

    def _read(self) -> None:
        sealed = json.loads(read_private(self.path, limit=_LIMIT))
        body = sealed["body"]
        if not hmac.compare_digest(self._seal(body), sealed["mac"]):
            return
        content = json.loads(body)
        if content["scope"] == self.scope:
            self._old = {name: tuple(entry) for name, entry in content["files"].items()}

    def _seal(self, body: str) -> str:
        return hmac.digest(self.key, body.encode(), "sha256").hex()

    def is_same(self, name: str, found: os.stat_result) -> bool:
        """Whether a file is, by size, times and inode, the one that was clean."""
        entry = self._old.get(name)
        if entry is None or entry[:4] != _identity(found):
            return False
        self._new[name] = entry
        return True

    def known(self, name: str) -> tuple[int, str]:
        """Size and SHA-256 of a file when it was clean; (0, "") where it never was."""
        entry = self._old.get(name)
        return (entry[0], entry[4]) if entry else (0, "")

    def clean(self, name: str, found: os.stat_result, digest: str) -> None:
        """Record a file as clean in the first `found.st_size` bytes, with that SHA-256."""
        self._new[name] = (*_identity(found), digest)

    def save(self) -> None:
        """Write the record.

        Raises:
            VeilError: it cannot be written.
        """
        body = json.dumps({"scope": self.scope, "files": self._new}, sort_keys=True)
        if self._new == self._old and self.path.exists():
            return
        text = json.dumps({"body": body, "mac": self._seal(body)})
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomic(self.path, text.encode())


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
