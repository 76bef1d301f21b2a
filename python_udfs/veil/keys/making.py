"""How an entry comes into being: fresh material, wrapped and bound to the entry's fixed fields."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from veil.keys.derive import MATERIAL_BYTES
from veil.keys.entry import ALGORITHMS, KeyEntry, Status, new_kid, time_text
from veil.keys.envelope import binding
from veil.keys.errors import KeyringError
from veil.keys.providers import KekProvider


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
    material = secrets.token_bytes(MATERIAL_BYTES)
    return replace(draft, wrapped=provider.wrap(material, aad=entry_binding(keyring_id, draft)))


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
