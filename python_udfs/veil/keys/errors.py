"""What can go wrong with keys; all of it means "cannot run" (exit code 3)."""

from __future__ import annotations

from veil.errors import VeilError

RESTORE = "Restore it from a backup."


class KeyringError(VeilError):
    """The keyring, or an entry of it, is missing, edited, or not usable for what was asked."""


class ProviderError(KeyringError):
    """The key-encryption key is not to be had: no such provider, unreachable, malformed."""


class UnwrapError(KeyringError):
    """Wrapped material does not open: another key-encryption key, or an edited entry."""
