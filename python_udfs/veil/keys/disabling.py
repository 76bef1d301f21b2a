"""The emergency stop: a key can be disabled at once, whether its provider answers or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from veil.files import locked, write_atomic
from veil.keys.document import Document, read_raw
from veil.keys.entry import Status
from veil.keys.errors import ProviderError
from veil.keys.keyring import LOCK_SECONDS, Keyring
from veil.keys.providers import ProviderOpener, open_provider


def disable(path: Path | str, kid: str, *, providers: ProviderOpener = open_provider) -> bool:
    """Disable a key; safe to repeat.

    Returns:
        True when the disabling is sealed; False when the provider could not be reached: then it
        stands in `pending_disable`, which every `load` honours and the next `save` seals.

    Raises:
        KeyringError: no such key, a destroyed one, the key of the file MAC, or (where the provider
            answers) an edited keyring.
    """
    path = Path(path)
    try:
        ring = Keyring.load(path, providers=providers)
        if ring.entry(kid).status is not Status.DISABLED:
            ring.set_status(kid, Status.DISABLED)
        elif not ring.unsealed:
            return True
        ring.save()
    except ProviderError:
        _disable_unsealed(path, kid)
        return False
    return True


def _disable_unsealed(path: Path, kid: str) -> None:
    """Add to `pending_disable`. The sealed body is written back untouched and unverified."""
    with locked(path, timeout=LOCK_SECONDS):
        document = Document.parse(read_raw(path))
        if any(e.kid == kid and e.status is Status.DISABLED for e in document.effective_entries()):
            return
        pending = tuple(sorted({*document.pending_disable, kid}))
        write_atomic(path, replace(document, pending_disable=pending).render())
