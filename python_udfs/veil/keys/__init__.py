"""Keys: one sealed keyring file, keys wrapped under a key-encryption key that is kept elsewhere.

The names below are the interface; the modules behind them may change.
"""

from veil.keys.disabling import disable
from veil.keys.entry import KeyEntry, Status
from veil.keys.errors import KeyringError, ProviderError, UnwrapError
from veil.keys.keyring import DEFAULT_PURPOSES, Keyring
from veil.keys.providers import EnvProvider, KekProvider, LocalFileProvider, open_provider

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
    "disable",
    "open_provider",
]
