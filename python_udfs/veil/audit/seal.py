"""The seal of a line: a MAC that only a holder of the audit key can make.

A checkpoint vouches for the lines under it. Behind the newest one anybody who can write to the file
could add lines, and the next checkpoint would sign them. So each line carries a MAC, which is
looked at before anything is signed or believed. Verifiers without the key hold the signed root.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from veil.audit.entry import Entry


@dataclass(frozen=True, slots=True, repr=False)
class LineKeys:
    """The keys of a record's lines: what is new is sealed under the first, all of them open.

    Without keys it seals nothing: whoever can write can make such a line too. That is for records
    of no project.
    """

    keys: tuple[bytes, ...] = (b"",)

    def sealed(self, entry: Entry) -> Entry:
        """The entry with its MAC."""
        return entry.with_mac(self._mac(self.keys[0], entry))

    def holds(self, entry: Entry) -> bool:
        """Whether one of the keys made the entry's MAC."""
        return any(hmac.compare_digest(self._mac(key, entry), entry.mac) for key in self.keys)

    @staticmethod
    def _mac(key: bytes, entry: Entry) -> str:
        return hmac.digest(key, entry.unsealed(), "sha256").hex()
