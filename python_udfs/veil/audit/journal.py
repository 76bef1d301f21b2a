"""The journal: one JSON line an event, each carrying the hash of the line before.

An entry holds no value, pseudonym or free text: an event's name, a moment, and ids.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from veil.errors import VeilError
from veil.files import locked, private_dir

START = "0" * 64


def append_event(path: Path, event: str, **details: str | int | bool) -> None:
    """Append one event and fsync it.

    Args:
        path: the journal; it and its folder are made where they are absent.
        event: what happened, for example `init`.
        details: ids and choices; never a value from the data.

    Raises:
        VeilError: where the journal cannot be written.
    """
    private_dir(path.parent)
    with locked(path, timeout=10.0):
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
            previous = hashlib.sha256(lines[-1]).hexdigest() if lines else START
            entry = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "event": event,
                "details": details,
                "previous": previous,
            }
            line = json.dumps(entry, sort_keys=True, separators=(",", ":")) + "\n"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            raise VeilError(
                "state/audit/events.jsonl cannot be written.",
                remedy="Free some space, and check that you may write to state/.",
            ) from None


def read_events(path: Path) -> list[dict[str, object]]:
    """The events of a journal, oldest first; an absent journal has none.

    Raises:
        VeilError: where a line is not whole, or does not carry the hash of the line before.
    """
    events = []
    previous = START
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
        for line in lines:
            event = json.loads(line)
            if event["previous"] != previous:
                raise ValueError
            previous = hashlib.sha256(line).hexdigest()
            events.append(event)
    except (OSError, ValueError, KeyError, TypeError):
        raise VeilError(
            "state/audit/events.jsonl is not whole: a line is damaged, missing or added.",
            remedy="Restore state/ from a backup.",
        ) from None
    return events
