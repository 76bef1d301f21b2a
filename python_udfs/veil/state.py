"""The project's keyring, opened as the project knows it."""

from __future__ import annotations

from veil.audit.journal import read_events
from veil.errors import VeilError
from veil.keys import Keyring
from veil.project import Project


def load_keyring(project: Project) -> Keyring:
    """Load the keyring and check that it is the one that `veil init` last recorded.

    The keyring's own MAC does not notice a whole other keyring, sealed under somebody else's key;
    the journal does. Where there is no journal (a keyring restored by itself), nothing is compared.

    Raises:
        VeilError: no keyring, one that does not open, or another one than recorded.
    """
    keyring = Keyring.load(project.keyring)
    recorded = [event for event in read_events(project.journal) if event.get("event") == "init"]
    details = recorded[-1].get("details") if recorded else None
    if isinstance(details, dict) and details.get("keyring") != keyring.id:
        raise VeilError(
            "state/keyring.json is not the keyring that `veil init` recorded for this project.",
            remedy="Restore keyring and state/audit/ from the same backup.",
        )
    return keyring


def change_keyring(project: Project, keyring: Keyring, event: str, **details: str | int) -> None:
    """Save a changed keyring, and note in the record what was done.

    Args:
        project: whose keyring it is.
        keyring: with the change made in memory.
        event: what was done, for example `key.promoted`.
        details: ids alone.

    Raises:
        VeilError: it was changed by somebody else meanwhile, or cannot be written.
    """
    keyring.save()
