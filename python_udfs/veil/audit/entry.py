"""One entry of the record: a line of canonical JSON (RFC 8785) that carries the hash of the last.

The line without its newline is the leaf of the tree. `previous` chains the entries for a reader
who holds no tree: it is the SHA-256 of the line before, and 64 zeros in the first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import rfc8785

from veil.audit.errors import AuditError
from veil.audit.events import EventError, Value, check_event
from veil.audit.fields import DIGEST, EVENT_ID, WHOLE, is_moment

FORMAT = 1
START = "0" * 64
"""`previous` of the first entry."""

MAX_LINE = 16_384
"""Bytes of the longest line; a keyring event with all its kids takes a fifth of it."""

_FIELDS = {"at", "details", "event", "id", "mac", "previous", "seq", "v"}
# The C encoder. For ASCII text without escapes, and whole numbers below 2^53, it writes what RFC
# 8785 demands, seven times as fast as `rfc8785`: a million lines are read with it.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class EntryError(AuditError):
    """A line is not an entry in canonical form."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the record holds it.

    Attributes:
        at: when, a UTC second; from the clock of the machine, which may be wrong.
        event: what happened, of `veil.audit.events.CATALOGUE`.
        details: as the catalogue demands.
        id: 32 random hexadecimal digits.
        previous: SHA-256 of the line before, in hexadecimal.
        seq: number of the entry, from 0.
        mac: seals the line, see `veil.audit.seal`; empty while there is none yet.
    """

    at: str
    event: str
    details: Mapping[str, Value]
    id: str
    previous: str
    seq: int
    mac: str = ""

    def line(self) -> bytes:
        """The canonical line, without newline."""
        return rfc8785.dumps({**self._body(), "mac": self.mac})

    def unsealed(self) -> bytes:
        """The canonical line without its MAC: what the MAC is computed over."""
        return _encode(self._body()).encode("ascii")

    def with_mac(self, mac: str) -> Self:
        """The same entry, sealed."""
        return replace(self, mac=mac)

    def _body(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "details": dict(self.details),
            "event": self.event,
            "id": self.id,
            "previous": self.previous,
            "seq": self.seq,
            "v": FORMAT,
        }

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Read a line without newline.

        Raises:
            EntryError: it is not canonical, or not an entry of the catalogue. The message repeats
                nothing of it.
        """
        # RecursionError: brackets without end. ValueError: not ASCII, not JSON, endless digits.
        try:
            text = line.decode("ascii")
            body = json.loads(text)
            canonical = isinstance(body, dict) and _encode(body) == text
        except (ValueError, RecursionError):
            canonical = False
        if not canonical or len(line) > MAX_LINE:
            raise EntryError("it is not canonical JSON.")
        if body.keys() != _FIELDS or type(body["v"]) is not int or body["v"] != FORMAT:
            raise EntryError("it is not an entry of a version that this veil reads.")
        if not (
            is_moment(body["at"])
            and EVENT_ID.fits(body["id"])
            and DIGEST.fits(body["mac"])
            and DIGEST.fits(body["previous"])
            and WHOLE.fits(body["seq"])
            and isinstance(body["details"], dict)
        ):
            raise EntryError("a field of it is malformed.")
        try:
            check_event(body["event"], body["details"])
        except EventError:
            raise EntryError("its event is not one that this veil knows.") from None
        return cls(
            at=body["at"],
            event=body["event"],
            details=body["details"],
            id=body["id"],
            previous=body["previous"],
            seq=body["seq"],
            mac=body["mac"],
        )


def line_hash(line: bytes) -> str:
    """What the next entry carries as `previous`."""
    return hashlib.sha256(line).hexdigest()
