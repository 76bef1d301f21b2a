"""What shows that there were differential releases before: then no ledger may begin with nothing.

Looked at are the audit record and those that were closed, what lies under published/, and whether
the anchor keeps the checkpoints of another record. None of it is proof that there were none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from veil.audit.keeper import Keeper
from veil.audit.lines import Lines
from veil.audit.record import RECORD
from veil.project import Project
from veil.warehouse.ledger_file import SHOWN
from veil.warehouse.ledger_record import CHARGED, INTENDED
from veil.warehouse.ledger_rows import LedgerError

_RELEASE_FILE = "RELEASE.json"
_MARKS = tuple(b'"event":"%s"' % name for name in (CHARGED.encode(), b"release.drawn"))


def earlier_releases(project: Project, keeper: Keeper) -> list[str]:
    """What shows earlier releases, each as the subject of a sentence; none where nothing does.

    Raises:
        TamperedError: the record is not what veil wrote.
        AnchorError: the anchor cannot be read.
        OSError: a file cannot be read.
    """
    return [*_recorded(project, keeper), *_published(project), *_anchored(keeper)]


def is_charged(keeper: Keeper) -> bool:
    """Whether the record knows a charge, or that one was about to be written.

    Raises:
        TamperedError: the record is not what veil wrote.
    """
    entries = keeper.entries(CHARGED, INTENDED)
    # The first row of a ledger is its making; an intent that was abandoned is no charge, but
    # whoever takes the ledger away decides what looks abandoned.
    newest = entries[-1:] if entries and entries[-1].event == INTENDED else []
    return any(one.event == CHARGED for one in entries) or any(
        one.details["rows"] != 1 for one in newest
    )


def _recorded(project: Project, keeper: Keeper) -> Iterator[str]:
    if is_charged(keeper):
        yield "the audit record, which knows charges,"
    if keeper.entries("record.replaced"):
        yield "the audit record, which was begun anew after a loss,"
    if any(one.details["after_loss"] for one in keeper.entries("keyring.created")):
        yield "the audit record, whose keyring was made after a loss,"
    for path in sorted(project.audit.glob(f"closed-*/{RECORD}")):
        with path.open("rb") as file:
            if any(mark in line for line in Lines(file) for mark in _MARKS):
                yield f"state/audit/{path.parent.name}/"


def _published(project: Project) -> Iterator[str]:
    files = [
        *project.published.glob(f"*/{_RELEASE_FILE}"),
        *project.published.glob(f".releases/*/{_RELEASE_FILE}"),
    ]
    for path in sorted(files):
        if _is_differential(path):
            yield str(path.relative_to(project.root))


def _is_differential(path: Path) -> bool:
    """Whether a release has a differential mart, or does not say."""
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))["tables"]
        return any(table["release"] == "differential" for table in tables)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return True


def _anchored(keeper: Keeper) -> Iterator[str]:
    """The anchor's checkpoints of another record than this one: of a former keyring, for example.

    An anchor that is shared by projects shows that too; the flag says that somebody has looked.
    """
    if keeper.anchor is not None and keeper.anchor.origins() - {keeper.origin}:
        yield "the anchor, which keeps checkpoints of another record,"


def refuse_traces(project: Project, keeper: Keeper) -> None:
    """Refuse a new ledger where something shows earlier releases.

    Raises:
        LedgerError: what shows them, or that it cannot be read.
    """
    try:
        traces = earlier_releases(project, keeper)
    except OSError:
        raise LedgerError(
            "state/, published/ or the anchor cannot be read, so nobody knows what was spent.",
            remedy="Check owner and mode of their files.",
        ) from None
    if traces:
        raise LedgerError(
            f"{traces[0]} shows earlier releases, and {SHOWN} is gone: a new one would begin with"
            " nothing spent.",
            remedy="Put state/ back from a backup; or make a new ledger with `veil init"
            " --after-loss`, which is recorded.",
        )
