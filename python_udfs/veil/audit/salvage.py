"""What a lost or damaged record still shows, for the one that begins in its place."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.entry import Entry, EntryError
from veil.audit.errors import NoteError, TornCheckpointsError
from veil.audit.note import split_note


def taken_back(record: Path, *checkpoints: Path) -> tuple[list[dict[str, str]], bool]:
    """The details of every recall that a damaged record still shows, so that none is forgotten.

    Whether one was lifted is not believed: somebody may have written that.

    Args:
        record: `record.jsonl`; it may be gone.
        checkpoints: files of checkpoints, which say how many lines there were; they may be gone.

    Returns:
        The details, and whether a line is gone or cannot be read, which may have been a recall.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    lines = record.read_bytes().splitlines() if record.exists() else []
    lacks = not lines or len(lines) < max(map(_covered, checkpoints), default=0)
    for seq, line in enumerate(lines):
        try:
            entry = Entry.parse(line)
        except EntryError:
            lacks = True
            continue
        lacks = lacks or entry.seq != seq
        if entry.event == "publication.recalled":
            details = {name: str(value) for name, value in entry.details.items()}
            found[details["audience"], details["content"]] = details
    return list(found.values()), lacks


def _covered(path: Path) -> int:
    """Lines under the newest checkpoint of a file; 0 where it shows none. Nothing is verified."""
    if not path.exists():
        return 0
    with suppress(NoteError):
        try:
            notes = read_checkpoints(path.read_bytes())
        except TornCheckpointsError as torn:
            notes = list(torn.notes)
        return max((Checkpoint.parse(split_note(one)[0]).size for one in notes), default=0)
    return 0
