"""The emergency stop: a key can be disabled at once, whether its provider answers or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from veil.files import locked, write_atomic
from veil.keys.document import Document, read_raw
from veil.keys.entry import KeyEntry, Status
from veil.keys.errors import KeyringError, ProviderError
from veil.keys.keyring import LOCK_SECONDS, Keyring
from veil.keys.providers import ProviderOpener, open_provider


def disable(
    path: Path | str,
    kid: str,
    *,
    providers: ProviderOpener = open_provider,
    load: Callable[[], Keyring] | None = None,
    save: Callable[[Keyring], object] = Keyring.save,
) -> bool:
    """Disable a key; safe to repeat.

    Args:
        path: the keyring file.
        kid: the key.
        providers: opens a provider by its URI.
        load: opens the keyring where more than its own seal is to be checked.
        save: keeps the change, and may note it elsewhere.

    Returns:
        True when the disabling is sealed; False when the provider could not be reached: then it
        stands in `pending_disable`, which every `load` honours and the next `save` seals.

    Raises:
        KeyringError: no such key, a destroyed one, the key of the file MAC, or (where the provider
            answers) an edited keyring.
    """
    path = Path(path)
    try:
        ring = Keyring.load(path, providers=providers) if load is None else load()
        if ring.entry(kid).status is not Status.DISABLED:
            ring.set_status(kid, Status.DISABLED)
        elif not ring.unsealed:
            return True
        save(ring)
    except ProviderError:
        disable_unsealed(path, kid)
        return False
    return True


def peek(path: Path | str, kid: str) -> KeyEntry:
    """Return the entry of a key without its provider. Nothing of it is verified: for a message.

    Raises:
        KeyringError: no keyring, one that is not whole, or no such key.
    """
    for entry in Document.parse(read_raw(Path(path))).effective_entries():
        if entry.kid == kid:
            return entry
    raise KeyringError("the keyring has no key of that id.", remedy="See `veil keys list`.")


def disable_unsealed(path: Path, kid: str) -> None:
    """Disable a key without its provider, in `pending_disable`.

    The sealed body is written back untouched and unverified.

    Raises:
        KeyringError: no such key, a destroyed one, or the key of the file MAC.
        VeilError: the file cannot be written.
    """
    with locked(path, timeout=LOCK_SECONDS):
        document = Document.parse(read_raw(path))
        if any(e.kid == kid and e.status is Status.DISABLED for e in document.effective_entries()):
            return
        pending = tuple(sorted({*document.pending_disable, kid}))
        write_atomic(path, replace(document, pending_disable=pending).render())
