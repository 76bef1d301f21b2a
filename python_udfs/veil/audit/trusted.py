"""What a decision may stand on: entries of a record that is whole from its first line to its last.

The lines under the newest checkpoint are hashed into the tree again, whose root is signed; those
behind it carry MACs. So no line can be changed, moved, added or left out that a decision looks at,
and none that it does not look at either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from veil.audit.entry import START, Entry, line_hash
from veil.audit.lines import Lines, TamperedError, follow, parsed
from veil.audit.merkle import Frontier, leaf_hash
from veil.audit.seal import LineKeys


def trusted_entries(
    path: Path, length: int, keys: LineKeys, names: Collection[str], *, size: int, root: bytes
) -> list[Entry]:
    """The entries of some events, oldest first. A million lines take a few seconds.

    Args:
        path: `record.jsonl`; the caller holds its lock.
        length: bytes of its whole lines.
        keys: of the lines behind the checkpoint.
        names: of the events.
        size: entries under the newest checkpoint.
        root: its root.

    Raises:
        TamperedError: a line is not the one that was signed or sealed.
    """
    markers = tuple(b'"event":"' + name.encode() + b'"' for name in names)
    found: list[Entry] = []
    frontier, last = Frontier(), b""
    with path.open("rb") as file:
        lines = _up_to(Lines(file), length)
        while frontier.size < size:
            line = next(lines, None)
            if line is None:
                raise TamperedError("the record has fewer entries than its checkpoint covers.")
            frontier.add(leaf_hash(line))
            if any(marker in line for marker in markers):
                found.append(parsed(line))
            last = line
        if frontier.root() != root:
            raise TamperedError("the record is not the one that its checkpoint was made of.")
        previous = line_hash(last) if size else START
        for _line, entry in follow(lines, seq=size, previous=previous):
            check_sealed(keys, entry)
            if entry.event in names:
                found.append(entry)
    return found


def check_sealed(keys: LineKeys, entry: Entry) -> None:
    """Refuse a line behind the newest checkpoint that no key of the record sealed.

    Raises:
        TamperedError: somebody else wrote it.
    """
    if not keys.holds(entry):
        raise TamperedError(
            f"line {entry.seq + 1} was not written by veil: its seal does not hold.",
            line=entry.seq + 1,
        )


def _up_to(lines: Lines, length: int) -> Iterator[bytes]:
    for line in lines:
        length -= len(line) + 1
        if length < 0:
            return
        yield line
