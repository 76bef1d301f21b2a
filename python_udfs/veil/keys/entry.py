"""One key of the keyring as the file holds it: its names, its life, its wrapped material."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn

from veil.keys.errors import RESTORE, KeyringError
from veil.keys.names import is_domain

ANY_DOMAIN = "*"
MAC_PURPOSE = "keyring-mac"
HMAC_SHA256 = "HMAC-SHA256"
AES_256_GCM = "AES-256-GCM"
ED25519 = "Ed25519"

# A purpose fixes its algorithm: an entry that says otherwise was edited.
ALGORITHMS = {
    MAC_PURPOSE: HMAC_SHA256,
    "zone": AES_256_GCM,
    "pseudonym": HMAC_SHA256,
    "perturbation": HMAC_SHA256,
    "receipt": HMAC_SHA256,
    # The material derives the seed of the signer.
    "audit": ED25519,
    # Lookups in the sealed table of random tokens.
    "token": HMAC_SHA256,
    # The chain of the ledger's rows; derives the key of its file too.
    "ledger": HMAC_SHA256,
    # Ranks by which contributions are bounded.
    "bounding": HMAC_SHA256,
}
# Of keyrings that an earlier version wrote: read, so that they open, and never made again.
FORMER_ALGORITHMS = {"audit": HMAC_SHA256}

_KID = re.compile(r"k[a-z2-7]{7}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_WRAPPED_LIMIT = 4096
_REF_LIMIT = 1024


class Status(StrEnum):
    """Where a key stands in its life. It only ever moves forward."""

    PENDING = "pending"
    """Made and distributed, protects nothing yet."""
    PRIMARY = "primary"
    """Protects what is new; one for each (purpose, domain)."""
    ACTIVE = "active"
    """Was primary; still opens and matches what it protected."""
    DISABLED = "disabled"
    """Refused for every use; the material is still there."""
    DESTROYED = "destroyed"
    """The material is gone; the entry stays so that its kid is never given again."""


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PRIMARY, Status.DISABLED}),
    Status.PRIMARY: frozenset({Status.ACTIVE, Status.DISABLED}),
    Status.ACTIVE: frozenset({Status.DISABLED}),
    Status.DISABLED: frozenset({Status.DESTROYED}),
    Status.DESTROYED: frozenset(),
}
USABLE = frozenset({Status.PENDING, Status.PRIMARY, Status.ACTIVE})


@dataclass(frozen=True, kw_only=True)
class KeyEntry:
    """One entry; an invalid one cannot be constructed.

    `not_before` and `not_after` bound the time in which the key may be primary; `wrapped` is empty
    exactly when the key is destroyed. `repr` does not show it.

    Raises:
        KeyringError: a field has the wrong type or form; the message names the field alone.
    """

    kid: str
    purpose: str
    domain: str
    alg: str
    status: Status
    created: str
    not_before: str | None
    not_after: str | None
    wrapped: bytes = field(repr=False)
    kek_ref: str

    def __post_init__(self) -> None:
        _expect("kid", is_kid(self.kid))
        _expect("purpose", isinstance(self.purpose, str) and self.purpose in ALGORITHMS)
        _expect("domain", is_domain(self.domain))
        _expect("alg", self.alg == ALGORITHMS[self.purpose] or self.is_former)
        _expect("status", isinstance(self.status, Status))
        _expect("created", is_time(self.created))
        _expect("not_before", self.not_before is None or is_time(self.not_before))
        _expect("not_after", self.not_after is None or is_time(self.not_after))
        if self.not_before is not None and self.not_after is not None:
            _expect("not_after", self.not_before < self.not_after)
        _expect("wrapped", isinstance(self.wrapped, bytes) and len(self.wrapped) <= _WRAPPED_LIMIT)
        _expect("wrapped", (not self.wrapped) == (self.status is Status.DESTROYED))
        _expect(
            "kek_ref",
            isinstance(self.kek_ref, str)
            and self.kek_ref.isprintable()
            and 0 < len(self.kek_ref) <= _REF_LIMIT,
        )

    @classmethod
    def parse(cls, value: object) -> KeyEntry:
        """Read the JSON form; a missing or unknown field is refused like a malformed one."""
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise KeyringError("a key entry does not have exactly the expected fields.")
        given: dict[str, Any] = dict(value)
        given["status"] = _parse_status(given["status"])
        given["wrapped"] = _parse_base64(given["wrapped"])
        return cls(**given)

    def to_json(self) -> dict[str, str | None]:
        """Return the JSON form, fields in the order of the class."""
        return {
            "kid": self.kid,
            "purpose": self.purpose,
            "domain": self.domain,
            "alg": self.alg,
            "status": self.status.value,
            "created": self.created,
            "not_before": self.not_before,
            "not_after": self.not_after,
            "wrapped": base64.b64encode(self.wrapped).decode("ascii"),
            "kek_ref": self.kek_ref,
        }

    @property
    def is_former(self) -> bool:
        """Whether the algorithm is the one that the purpose had in an earlier version."""
        return self.purpose in FORMER_ALGORITHMS and self.alg == FORMER_ALGORITHMS[self.purpose]

    def in_period(self, at: str) -> bool:
        """Say whether `at` lies in [not_before, not_after)."""
        return (self.not_before is None or self.not_before <= at) and (
            self.not_after is None or at < self.not_after
        )


_FIELDS = frozenset(item.name for item in fields(KeyEntry))


def check_transition(entry: KeyEntry, status: Status) -> None:
    """Refuse a status that the entry's present one does not lead to."""
    allowed = TRANSITIONS[entry.status]
    if status not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing: it is the last one"
        raise KeyringError(
            f"key `{entry.kid}` is {entry.status} and cannot become {status}.",
            remedy=f"From {entry.status} it can become {names}.",
        )


def new_kid(taken: Collection[str]) -> str:
    """Return a random key id that is not in `taken`: `k` and 7 characters of base32."""
    while True:
        kid = "k" + base64.b32encode(secrets.token_bytes(5)).decode("ascii").lower()[:7]
        if kid not in taken:
            return kid


def is_kid(value: object) -> bool:
    """Say whether `value` has the form of a key id."""
    return isinstance(value, str) and _KID.fullmatch(value) is not None


def is_time(value: object) -> bool:
    """Say whether `value` is a UTC time as the keyring writes it, `2026-11-21T08:00:00Z`."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.strptime(value, _TIME_FORMAT)
    except ValueError:
        return False
    return True


def parse_time(text: str) -> datetime:
    """Return the moment that `time_text` wrote."""
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)


def time_text(at: datetime | None = None) -> str:
    """Return `at`, or now, as the keyring writes it: UTC, whole seconds.

    Raises:
        KeyringError: `at` has no time zone.
    """
    if at is not None and at.tzinfo is None:
        raise KeyringError("a moment must carry its time zone.")
    return (at or datetime.now(UTC)).astimezone(UTC).strftime(_TIME_FORMAT)


def _parse_status(value: object) -> Status:
    for status in Status:
        if isinstance(value, str) and value == status.value:
            return status
    return _refuse("status")


def _parse_base64(value: object) -> bytes:
    if isinstance(value, str):
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return _refuse("wrapped")
        # The last character may carry unused bits: only one spelling is accepted.
        if base64.b64encode(data).decode("ascii") == value:
            return data
    return _refuse("wrapped")


def _expect(name: str, holds: object) -> None:
    if not holds:
        _refuse(name)


def _refuse(name: str) -> NoReturn:
    raise KeyringError(f"a key entry's `{name}` is malformed.", remedy=RESTORE)
