"""Every secret that a file must not hold: the keyring's keys, and the key above them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from veil.artifacts.needles import Secret
from veil.errors import VeilError
from veil.files import read_private
from veil.keys import Keyring
from veil.keys.derive import derive
from veil.keys.entry import ANY_DOMAIN, MAC_PURPOSE, USABLE
from veil.keys.providers.static import parse_hex, parse_hex_or_base64

USES: dict[str, tuple[str, ...]] = {
    "zone": ("duckdb",),
    "pseudonym": ("mac",),
    "perturbation": ("shift",),
    "receipt": ("mac",),
    "audit": ("mac",),
}
"""What sub-keys of each purpose are derived for."""

_KEK_FILE_BYTES = 65


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
    return [*secrets, *(secret for ref in sorted(refs) for secret in _key_above(ref))]


def _key_above(ref: str) -> list[Secret]:
    """The key-encryption key, where this process can read it; a service never hands it out."""
    scheme, _, place = ref.partition(":")
    name = "key-encryption key"
    try:
        if scheme == "env":
            return [Secret(name, parse_hex_or_base64(os.environ.get(place, "").strip(), where=ref))]
        if scheme == "file":
            data = read_private(Path(place).expanduser(), limit=_KEK_FILE_BYTES)
            return [Secret(name, parse_hex(data.decode("latin-1").strip(), where=ref))]
    except (VeilError, RuntimeError):
        # The keyring did open, so its provider knows a way that this function does not.
        return []
    return []
