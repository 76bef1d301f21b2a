"""Where the key-encryption key lives. One small interface; a provider is named by a URI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from veil.keys.errors import ProviderError
from veil.keys.providers.aws_kms import AwsKmsProvider
from veil.keys.providers.env import EnvProvider
from veil.keys.providers.local_file import LocalFileProvider
from veil.keys.providers.os_keyring import OsKeyringProvider
from veil.keys.providers.passphrase import PassphraseProvider
from veil.keys.providers.vault_transit import VaultTransitProvider


class KekProvider(Protocol):
    """Holds a key-encryption key, or talks to the service that does."""

    def wrap(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Encrypt 32 bytes of material so that it opens only with the same `aad`.

        Raises:
            ProviderError: the key is not to be had.
        """

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        """Return the 32 bytes that `wrap` was given.

        Raises:
            ProviderError: the key is not to be had (missing, unreachable, no permission).
            UnwrapError: another key, other `aad`, or edited bytes.
        """

    def describe(self) -> str:
        """Name the place of the key for a message; never the key."""

    def destroy(self) -> None:
        """Destroy the key-encryption key, and so every key under it, for good.

        Raises:
            ProviderError: it cannot be destroyed from here.
        """


ProviderOpener = Callable[[str], KekProvider]

_SCHEMES: dict[str, ProviderOpener] = {
    "file": LocalFileProvider,
    "env": EnvProvider,
    "keyring": OsKeyringProvider,
    "aws-kms": AwsKmsProvider,
    "vault": VaultTransitProvider,
    "passphrase": PassphraseProvider,
}


def open_provider(ref: str) -> KekProvider:
    """Return the provider that a reference such as `file:~/.config/veil/kek` names.

    Raises:
        ProviderError: unknown scheme, or a reference that its provider refuses. The message never
            repeats the reference: it may be a key, pasted in the wrong place.
    """
    scheme, colon, rest = ref.partition(":")
    opener = _SCHEMES.get(scheme) if colon else None
    if opener is None:
        raise ProviderError(
            "the key reference names no known provider.",
            remedy="Begin it with one of: " + ", ".join(f"{name}:" for name in _SCHEMES),
        )
    return opener(rest)


__all__ = [
    "AwsKmsProvider",
    "EnvProvider",
    "KekProvider",
    "LocalFileProvider",
    "OsKeyringProvider",
    "PassphraseProvider",
    "ProviderOpener",
    "VaultTransitProvider",
    "open_provider",
]
