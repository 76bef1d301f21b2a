"""The ledger and its key: the file follows a rotation, and no key is stopped that it is under.

Nothing but the ledger says what was spent. So its key is changed together with the file, and
whatever would leave the file without its key is refused.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from veil.errors import VeilError
from veil.files import locked, sync
from veil.keys import Keyring, Status, promote
from veil.project import Project
from veil.recording import open_keeper
from veil.state import change_keyring, load_keyring
from veil.warehouse.ledger import LOCK_SECONDS, Ledger
from veil.warehouse.ledger_file import SHOWN, ledger_file, open_ledger
from veil.warehouse.ledger_rows import LedgerError
from veil.warehouse.ledger_traces import is_charged

_WAY_OUT = {
    Status.PENDING: "`veil keys promote {kid}` finishes what was begun.",
    Status.PRIMARY: "Run `veil keys rotate --purpose ledger`, then `veil keys promote` with the new"
    " key, which writes the ledger anew; after a leak `veil keys emergency`.",
    Status.ACTIVE: "Run `veil init`, which puts the ledger under the newest key.",
}


def is_there(project: Project) -> bool:
    """Whether the project has a ledger, or something stands where it belongs."""
    file = ledger_file(project)
    return file.exists() or file.is_symlink()


def kid_of_ledger(project: Project, keyring: Keyring) -> str:
    """Id of the key that the ledger is under.

    Raises:
        VeilError: it is in use, damaged, or under a key that is not in use.
    """
    with (
        locked(ledger_file(project), timeout=LOCK_SECONDS),
        open_ledger(project, keyring) as opened,
    ):
        return opened.kid


def rekey_ledger(project: Project, keyring: Keyring) -> None:
    """Put the ledger, where there is one, under the keyring's newest key; safe to repeat.

    Raises:
        VeilError: as the methods of `Ledger`.
    """
    if is_there(project):
        Ledger(project, keyring, open_keeper(project, keyring)).rekey()


def settle_ledger(project: Project, keyring: Keyring) -> None:
    """Check the ledger, if there ever was a charge, and end a promotion of its key that was killed.

    Args:
        project: whose ledger it is.
        keyring: loaded; a pending key that the file is under already is promoted and saved.

    Raises:
        VeilError: as the methods of `Ledger`, or the keyring cannot be written.
    """
    keeper = open_keeper(project, keyring)
    if not is_there(project) and not is_charged(keeper):
        return
    # One that is gone is refused: without its key a copy in a backup would be of no use.
    Ledger(project, keyring, keeper).check()
    kid = kid_of_ledger(project, keyring)
    if keyring.entry(kid).status is Status.PENDING:
        promote(keyring, kid, window_days=None)
        change_keyring(project, keyring, "key.promoted", kids=[kid])


def refuse_needed(project: Project, kid: str) -> None:
    """Refuse to stop, or to drop, a key of the ledger that the file is under, or may be.

    Raises:
        LedgerError: it is; or nobody can tell, because no key in use opens the file.
    """
    if not is_there(project):
        return
    try:
        keyring = load_keyring(project)
        used = kid_of_ledger(project, keyring)
    except VeilError as error:
        raise LedgerError(
            f"nobody can tell now whether {SHOWN} is under key {kid}: {error.message}",
            remedy=error.remedy,
        ) from None
    if used == kid:
        raise LedgerError(
            f"{SHOWN} is under key {kid}: without it nobody knows what was spent.",
            remedy=_WAY_OUT[keyring.entry(kid).status].format(kid=kid),
        )


def set_aside(project: Project) -> Path | None:
    """Move a ledger that no key opens any more out of the way, with its journal; None without one.

    It is kept, as evidence, and in case its keyring turns up.

    Raises:
        LedgerError: it cannot be moved.
    """
    file = ledger_file(project)
    if not is_there(project):
        return None
    names = (file.with_name(f"ledger.closed-{number}.duckdb") for number in count(1))
    kept = next(name for name in names if not name.exists())
    try:
        for end in (".wal", ""):
            former = file.with_name(f"{file.name}{end}")
            if former.exists() or former.is_symlink():
                former.rename(kept.with_name(f"{kept.name}{end}"))
        sync(file.parent)
    except OSError:
        raise LedgerError(
            f"{SHOWN} cannot be moved out of the way.", remedy="Check owner and mode of state/."
        ) from None
    return kept
