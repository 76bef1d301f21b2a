"""How an entry comes into being, and the one door to its material.

Every call that hands material to a provider, or gets it from one, goes through `seal` and `unseal`.
An error that a provider raises there leaves without its traceback and its cause: the frames below
hold material, and in a local provider the key-encryption key, as local variables, which a
traceback printed with locals would show.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from veil.errors import VeilError
from veil.keys.derive import MATERIAL_BYTES
from veil.keys.entry import (
    ALGORITHMS,
    ANY_DOMAIN,
    MAC_PURPOSE,
    KeyEntry,
    Status,
    new_kid,
    time_text,
)
from veil.keys.envelope import binding
from veil.keys.errors import KeyringError, UnwrapError
from veil.keys.providers import KekProvider

DEFAULT_PURPOSES: tuple[tuple[str, str], ...] = (
    ("zone", "identified"),
    ("zone", "pseudonymized"),
    ("zone", "marts"),
    ("pseudonym", ANY_DOMAIN),
    ("perturbation", ANY_DOMAIN),
    ("receipt", ANY_DOMAIN),
    ("audit", ANY_DOMAIN),
    ("token", ANY_DOMAIN),
    ("ledger", ANY_DOMAIN),
    ("bounding", ANY_DOMAIN),
)
"""Purpose and domain of each key that a new keyring has."""


def first_entries(
    keyring_id: str, purposes: Iterable[tuple[str, str]], *, kek_ref: str, provider: KekProvider
) -> tuple[KeyEntry, ...]:
    """Make a primary key for the file MAC and for each pair of purpose and domain."""
    entries: list[KeyEntry] = []
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
        entries.append(entry)
    return tuple(entries)


def make_entry(
    keyring_id: str,
    *,
    purpose: str,
    domain: str,
    status: Status,
    kek_ref: str,
    provider: KekProvider,
    taken: Collection[str],
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> KeyEntry:
    """Make an entry with 32 random bytes of material under the provider's key.

    Raises:
        KeyringError: unknown purpose, malformed domain or dates.
        ProviderError: the key-encryption key is not to be had.
    """
    if purpose not in ALGORITHMS:
        raise KeyringError(
            "that is no purpose of a key.", remedy="One of: " + ", ".join(sorted(ALGORITHMS))
        )
    draft = KeyEntry(
        kid=new_kid(taken),
        purpose=purpose,
        domain=domain,
        alg=ALGORITHMS[purpose],
        status=status,
        created=time_text(),
        not_before=None if not_before is None else time_text(not_before),
        not_after=None if not_after is None else time_text(not_after),
        # Replaced below: the binding is computed from the entry that it binds to.
        wrapped=b"\0",
        kek_ref=kek_ref,
    )
    return _seal(keyring_id, draft, provider, secrets.token_bytes(MATERIAL_BYTES))


def reseal(
    keyring_id: str, entry: KeyEntry, *, old: KekProvider, new: KekProvider, kek_ref: str
) -> KeyEntry:
    """Return the entry with the same material under another key-encryption key.

    The new wrapping is opened once before it is believed: a service that wraps and does not open
    again would cost the key.

    Raises:
        ProviderError: one of the two is not to be had.
        UnwrapError: the old wrapping does not open, or the new one gives other material.
    """
    material = unseal(keyring_id, entry, old)
    again = b""
    try:
        sealed = _seal(keyring_id, replace(entry, kek_ref=kek_ref), new, material)
        again = unseal(keyring_id, sealed, new)
        same = hmac.compare_digest(again, material)
    finally:
        del material, again
    if not same:
        raise UnwrapError(
            "what the new key-encryption key wrapped opens as something else.",
            remedy="Name another one; the keyring stays as it was.",
        )
    return sealed


def unseal(keyring_id: str, entry: KeyEntry, provider: KekProvider) -> bytes:
    """Return the 32 bytes of material of an entry.

    Raises:
        ProviderError: the key-encryption key is not to be had.
        UnwrapError: it is another one, or the entry was edited.
    """
    try:
        return provider.unwrap(entry.wrapped, aad=entry_binding(keyring_id, entry))
    except VeilError as error:
        raise _bare(error) from None


def entry_binding(keyring_id: str, entry: KeyEntry) -> bytes:
    """Return the additional data under which an entry's material is wrapped."""
    return binding(
        keyring_id=keyring_id,
        kid=entry.kid,
        purpose=entry.purpose,
        domain=entry.domain,
        alg=entry.alg,
        created=entry.created,
    )


def _seal(keyring_id: str, entry: KeyEntry, provider: KekProvider, material: bytes) -> KeyEntry:
    aad = entry_binding(keyring_id, entry)
    try:
        return replace(entry, wrapped=provider.wrap(material, aad=aad))
    except VeilError as error:
        raise _bare(error) from None
    finally:
        del material


def _bare(error: VeilError) -> VeilError:
    """The error as if it were raised here, without what it came from."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
