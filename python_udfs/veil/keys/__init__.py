"""Keys: one sealed keyring file, keys wrapped under a key-encryption key that is kept elsewhere.

The names below are the interface; the modules behind them may change.
"""

from veil.keys.disabling import disable
from veil.keys.entry import KeyEntry, Status
from veil.keys.errors import KeyringError, ProviderError, UnwrapError
from veil.keys.keyring import Keyring
from veil.keys.making import DEFAULT_PURPOSES
from veil.keys.providers import EnvProvider, KekProvider, LocalFileProvider, open_provider
from veil.keys.rewrapping import replace_mac, rewrap
from veil.keys.rotation import (
    add_missing,
    destroy,
    due,
    expiring,
    promote,
    reset,
    retire,
    rotate,
    stale_entries,
)

__all__ = [
    "DEFAULT_PURPOSES",
    "EnvProvider",
    "KekProvider",
    "KeyEntry",
    "Keyring",
    "KeyringError",
    "LocalFileProvider",
    "ProviderError",
    "Status",
    "UnwrapError",
    "add_missing",
    "destroy",
    "disable",
    "due",
    "expiring",
    "open_provider",
    "promote",
    "replace_mac",
    "reset",
    "retire",
    "rewrap",
    "rotate",
    "stale_entries",
]
