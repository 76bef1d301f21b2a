"""Records, keys and events for the tests of the audit record."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from veil.audit import CATALOGUE, Keeper, Outcome, Signer, Verdict, fields, verify_record
from veil.audit.record import Record

ORIGIN = "example.com/record"
SIGNER = Signer(ORIGIN, bytes(range(32)))
OTHER = Signer(ORIGIN, bytes(range(32, 64)))
KEYS = [SIGNER.verifier]

_EXAMPLES: dict[str, Any] = {
    fields.DIGEST.name: "0123456789abcdef" * 4,
    fields.EVENT_ID.name: "cd" * 16,
    fields.RELEASE_ID.name: "ab" * 8,
    fields.INVOCATION.name: "12345678-1234-1234-1234-123456789abc",
    fields.COMMIT.name: "ab" * 20,
    fields.VERSION.name: "1.2.0rc1",
    fields.KID.name: "kabcdefg",
    fields.many(fields.KID).name: ["kabcdefg", "kbcdefg2"],
    fields.PERIOD.name: "2026-11",
    fields.NAME.name: "earnings_by_sex",
    fields.NODE.name: "model.veil.earnings_by_sex",
    fields.WORD.name: "fraud-case",
    fields.DATE.name: "2026-12-31",
    fields.WHOLE.name: 17,
    fields.FRACTION.name: "1/10",
    fields.FLAG.name: False,
    "dbt command": "build",
    "key event": "key.promoted",
    "counts by status": {"success": 12, "pass": 40, "skipped": 0},
}

SAMPLES: dict[str, dict[str, Any]] = {
    event: {name: _EXAMPLES[kind.name] for name, kind in {**one.fields, **one.optional}.items()}
    for event, one in CATALOGUE.items()
}
"""Details that fit, for every event of the catalogue."""


WRITTEN = [event for event in SAMPLES if not event.startswith("record.")]
"""Events that a caller appends; the others are the record's own."""


def keeper(folder: Path, **more: Any) -> Keeper:
    """The keeper of the record in `folder`."""
    return Keeper(folder, ORIGIN, more.pop("signer", SIGNER), **more)


def fill(record: Record | Keeper, entries: int) -> None:
    """Append so many events of all kinds, in turn."""
    write = record.note if isinstance(record, Keeper) else record.append
    for event in itertools.islice(itertools.cycle(WRITTEN), entries):
        write(event, **SAMPLES[event])


def sealed(folder: Path, entries: int) -> Keeper:
    """A record of so many entries, under one checkpoint."""
    made = keeper(folder)
    fill(made, entries - 1)  # the first is `record.began`
    made.checkpoint()
    return made


def verdict(folder: Path, **more: Any) -> Verdict:
    """What a verifier says who holds the public key and the files alone."""
    return verify_record(
        folder / "record.jsonl", folder / "checkpoints", more.pop("keys", KEYS), **more
    )


def outcome(folder: Path, **more: Any) -> Outcome:
    """The outcome alone."""
    return verdict(folder, **more).outcome
