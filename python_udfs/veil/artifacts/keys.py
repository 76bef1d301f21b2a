"""Every secret that a file must not hold: the keyring's keys, and the key above them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from veil.artifacts.needles import Secret
from veil.errors import VeilError
from veil.keys import Keyring
from veil.keys.derive import derive
from veil.keys.entry import ANY_DOMAIN, MAC_PURPOSE, USABLE
from veil.keys.providers import open_provider
from veil.keys.providers.env import PREFIX
from veil.keys.providers.static import StaticKek

USES: dict[str, tuple[str, ...]] = {
    "zone": ("duckdb",),
    "pseudonym": ("mac",),
    "perturbation": ("shift",),
    "receipt": ("mac",),
    "audit": ("checkpoint",),
    "token": ("lookup",),
    "ledger": ("chain", "duckdb"),
}
"""What sub-keys of each purpose are derived for."""

_LEAST_CHARACTERS = 16
"""A shorter value may stand anywhere by chance."""


def secrets_of(
    keyring: Keyring, *, domains: Iterable[str] = (), uses: Iterable[str] = ()
) -> list[Secret]:
    """The material of each usable key, its sub-keys, and the key-encryption key where it is local.

    Args:
        keyring: opened; the key of its own MAC stays inside.
        domains: the project's linkage domains, each of which has sub-keys of its own.
        uses: further uses of the `perturbation` key, one for each noisy column.

    Returns:
        Material in memory, to build a `KeySearch` from and to forget.

    Raises:
        VeilError: a key cannot be unwrapped.
    """
    secrets = []
    refs = set()
    for entry in keyring.entries:
        refs.add(entry.kek_ref)
        if entry.purpose == MAC_PURPOSE or entry.status not in USABLE:
            continue
        name = f"{entry.purpose} key `{entry.kid}`"
        material = keyring.material(entry)
        secrets.append(Secret(name, material))
        own = sorted({ANY_DOMAIN, *domains}) if entry.domain == ANY_DOMAIN else [entry.domain]
        more = tuple(uses) if entry.purpose == "perturbation" else ()
        for domain in own:
            for use in (*USES.get(entry.purpose, ()), *more):
                data = derive(material, purpose=entry.purpose, domain=domain, use=use)
                secrets.append(Secret(name, data))
    above = (secret for ref in sorted(refs) for secret in _key_above(ref))
    return [*secrets, *above, *_of_environment()]


def _key_above(ref: str) -> list[Secret]:
    """The key-encryption key, where this process can read it; a service never hands it out."""
    try:
        provider = open_provider(ref)
        if isinstance(provider, StaticKek):
            return [Secret("key-encryption key", provider.searched())]
    except VeilError:
        # The keyring did open: its key is gone since, or was derived in another process.
        return []
    return []


def _of_environment() -> list[Secret]:
    """Passphrases and tokens of services: what dbt too takes for secret."""
    return [
        Secret(f"the value of the environment variable {name}", text.strip().encode())
        for name, text in sorted(os.environ.items())
        if PREFIX in name and len(text.strip()) >= _LEAST_CHARACTERS
    ]
