"""Changes of what stands above the keys: the key of the file MAC, and the key-encryption key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from veil.keys.entry import ANY_DOMAIN, MAC_PURPOSE, KeyEntry, Status
from veil.keys.keyring import Keyring
from veil.keys.making import reseal


def replace_mac(ring: Keyring) -> KeyEntry:
    """Put a new key of the file MAC in place of the old one, which is destroyed in the same save.

    There is no overlap: two keys that seal would be two ways to forge.

    Returns:
        The new entry; `save` seals with it.

    Raises:
        ProviderError: the key-encryption key is not to be had.
    """
    new = ring.make(MAC_PURPOSE, ANY_DOMAIN, Status.PRIMARY)
    kept = (
        replace(entry, status=Status.DESTROYED, wrapped=b"")
        if entry.purpose == MAC_PURPOSE and entry.status is Status.PRIMARY
        else entry
        for entry in ring.entries
    )
    ring.change((*kept, new))
    return new


def rewrap(
    ring: Keyring, kek_ref: str, *, progress: Callable[[], None] = lambda: None
) -> tuple[KeyEntry, ...]:
    """Wrap the material of every key anew under another key-encryption key; `save` keeps it.

    Material, names, states and dates stay. Disabled keys are wrapped too, because they may still
    be looked into before they are destroyed; destroyed ones have nothing to wrap. Where it stops
    half-way, the keyring is as it was. The old key-encryption key is not touched: copies of the
    old file open with it.

    Args:
        ring: the keyring.
        kek_ref: reference of a key-encryption key that exists; the present one is allowed, for a
            service that has a new version of it.
        progress: called after each key.

    Returns:
        The entries that were wrapped.

    Raises:
        ProviderError: one of the two key-encryption keys is not to be had.
        UnwrapError: an entry does not open, or the new provider does not give back what it took.
    """
    new = ring.provider(kek_ref)
    done: dict[str, KeyEntry] = {}
    for entry in ring.entries:
        if entry.status is not Status.DESTROYED:
            done[entry.kid] = reseal(
                ring.id, entry, old=ring.provider(entry.kek_ref), new=new, kek_ref=kek_ref
            )
            progress()
    ring.change(tuple(done.get(entry.kid, entry) for entry in ring.entries))
    return tuple(done.values())
