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

DECISIVE = frozenset(
    "keyring.intended keyring.saved keyring.abandoned emergency.begun emergency.ended"
    " publication.recalled publication.allowed gate.passed configuration.changed".split()
)
"""Events that every build asks for: the first question looks for all of them."""


class Trusted:
    """The entries that a record was found to hold, kept for the next question.

    The first question hashes every line, which takes a few seconds for a million. Later ones read
    what was added since: it must follow, and be sealed.

    Args:
        path: `record.jsonl`.
        keys: of the lines behind the checkpoint.
    """

    def __init__(self, path: Path, keys: LineKeys) -> None:
        self._path = path
        self._keys = keys
        self._names: frozenset[str] = frozenset()
        self._found: list[Entry] = []
        self._offset = self._seq = 0
        self._previous = START

    def entries(
        self, names: Collection[str], *, length: int, size: int, root: bytes
    ) -> list[Entry]:
        """The entries of some events, oldest first.

        Args:
            names: of the events.
            length: bytes of the record's whole lines; the caller holds its lock.
            size: entries under the newest checkpoint.
            root: its root.

        Raises:
            TamperedError: a line is not the one that was signed or sealed.
        """
        if not self._names.issuperset(names) or length < self._offset:
            self._names = self._names.union(DECISIVE, names)
            self._read_signed(size, root)
        self._read_sealed(length)
        return [entry for entry in self._found if entry.event in names]

    def _read_signed(self, size: int, root: bytes) -> None:
        """Hash the lines under the newest checkpoint into its root again."""
        markers = tuple(b'"event":"' + name.encode() + b'"' for name in self._names)
        frontier, last = Frontier(), b""
        self._found, self._offset = [], 0
        with self._path.open("rb") as file:
            lines = iter(Lines(file))
            while frontier.size < size:
                line = next(lines, None)
                if line is None:
                    raise TamperedError("the record has fewer entries than its checkpoint covers.")
                frontier.add(leaf_hash(line))
                self._offset += len(line) + 1
                if any(marker in line for marker in markers):
                    self._found.append(parsed(line))
                last = line
        if frontier.root() != root:
            raise TamperedError("the record is not the one that its checkpoint was made of.")
        self._seq = size
        self._previous = line_hash(last) if size else START

    def _read_sealed(self, length: int) -> None:
        """Read on from where the last question ended."""
        with self._path.open("rb") as file:
            lines = Lines(file, start=self._offset, number=self._seq + 1)
            rest = _up_to(lines, length - self._offset)
            for line, entry in follow(rest, seq=self._seq, previous=self._previous):
                check_sealed(self._keys, entry)
                if entry.event in self._names:
                    self._found.append(entry)
                self._seq, self._previous = entry.seq + 1, line_hash(line)
                self._offset += len(line) + 1


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
