"""Which key protects what is new."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from veil.keys.entry import ALGORITHMS, ANY_DOMAIN, KeyEntry, Status, time_text
from veil.keys.errors import KeyringError
from veil.keys.names import is_domain


def primary_of(
    entries: Iterable[KeyEntry], purpose: str, domain: str, *, at: datetime | None = None
) -> KeyEntry:
    """Return the primary key of the domain, else that of all domains; see `Keyring.primary`.

    Raises:
        KeyringError: there is none, it is disabled, or its dates do not cover the moment.
    """
    if purpose not in ALGORITHMS or not is_domain(domain):
        raise KeyringError("that is no purpose of a key, or no name of a domain.")
    in_life = [entry for entry in entries if entry.status is not Status.PENDING]
    for wanted in dict.fromkeys((domain, ANY_DOMAIN)):
        own = [entry for entry in in_life if (entry.purpose, entry.domain) == (purpose, wanted)]
        if own:
            return _only_primary(own, at=time_text(at))
    raise KeyringError(
        f"the keyring has no primary key for purpose `{purpose}`, domain `{domain}`.",
        remedy="Add one, or promote a pending one.",
    )


def _only_primary(own: list[KeyEntry], *, at: str) -> KeyEntry:
    found = next((entry for entry in own if entry.status is Status.PRIMARY), None)
    if found is None:
        raise KeyringError(
            f"purpose `{own[0].purpose}`, domain `{own[0].domain}` has keys, but no primary one.",
            remedy="Promote a pending key, or make one with `veil keys rotate`.",
        )
    if not found.in_period(at):
        raise KeyringError(
            f"key `{found.kid}` is primary, but outside its dates.",
            remedy="Rotate to a new key, or wait for its `not_before`.",
        )
    return found
