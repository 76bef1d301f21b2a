"""Reading the record's file: forward, from its end, and by number, never all of it at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from veil.audit.entry import MAX_LINE, START, Entry, EntryError, line_hash
from veil.audit.errors import AuditError

_BLOCK = 2 * MAX_LINE
_SEQ = re.compile(rb',"seq":(\d{1,16}),"v":1\}$')


class TamperedError(AuditError):
    """The record is not as veil wrote it.

    Args:
        message: what is wrong, one line, no value.
        line: number of the first line that is wrong, from 1; 0 where no single one is.
        remedy: the way out.
    """

    def __init__(self, message: str, *, line: int = 0, remedy: str = "") -> None:
        super().__init__(
            message,
            remedy=remedy
            or "Look at it with `veil audit verify`, and restore state/ from one backup.",
        )
        self.line = line


@dataclass(frozen=True, slots=True)
class End:
    """The end of the record: its open file, its length in bytes and in entries, and its head."""

    descriptor: int
    length: int
    size: int
    head: str


class Lines:
    """The whole lines of an open file from `start` on; `torn` counts the bytes behind the last.

    Args:
        file: open for reading bytes.
        start: offset of the first line.
        number: of the first line, for messages.
    """

    def __init__(self, file: BinaryIO, *, start: int = 0, number: int = 1) -> None:
        self._file = file
        self._number = number
        self.torn = 0
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        """Yields lines without newline.

        Raises:
            TamperedError: a line is longer than any that veil writes.
        """
        while line := self._file.readline(MAX_LINE + 2):
            if line[-1:] != b"\n":
                if len(line) > MAX_LINE:
                    raise too_long(self._number)
                self.torn = len(line)
                return
            self._number += 1
            yield line[:-1]


def follow(
    lines: Iterable[bytes], *, seq: int = 0, previous: str = START
) -> Iterator[tuple[bytes, Entry]]:
    """The lines and their entries, each checked against the one before.

    Args:
        lines: without newlines.
        seq: what the first must have as its number.
        previous: what the first must carry as the hash of the line before.

    Raises:
        TamperedError: a line is not canonical, is not in the catalogue, or does not follow.
    """
    for line in lines:
        try:
            entry = Entry.parse(line)
        except EntryError as error:
            raise TamperedError(
                f"line {seq + 1} is damaged: {error.message}", line=seq + 1
            ) from None
        if entry.seq != seq or entry.previous != previous:
            raise TamperedError(
                f"line {seq + 1} does not follow the line before it: one was changed, added or"
                " removed.",
                line=seq + 1,
            )
        yield line, entry
        seq += 1
        previous = line_hash(line)


def backwards(descriptor: int, end: int) -> Iterator[bytes]:
    """The lines before offset `end`, at which one ended, the last first, without newlines.

    Raises:
        TamperedError: a line is longer than any that veil writes.
    """
    while end > 0:
        start, block = _before(descriptor, end)
        lines = block[:-1].split(b"\n")
        # The first of a block may have begun earlier: it is read with the next block.
        whole = lines if start == 0 else lines[1:]
        if not whole:
            raise too_long(0)
        for line in reversed(whole):
            yield line
            end -= len(line) + 1


def last_newline(descriptor: int, size: int) -> int:
    """The offset behind the last newline before `size`; 0 where there is none.

    Raises:
        TamperedError: more stands behind it than a crash can leave.
    """
    start, block = _before(descriptor, size)
    end = start + block.rfind(b"\n") + 1 if b"\n" in block else start
    if size - end > MAX_LINE or (end == start and start > 0):
        raise too_long(0)
    return end


def offset_of(descriptor: int, end: int, *, seq: int) -> int:
    """Where line number `seq` (from 0) begins, found by bisection: its number stands in it.

    Args:
        descriptor: of the record.
        end: offset at which its last line ends.
        seq: of the line; the number behind the last gives `end`.

    Raises:
        TamperedError: the lines are not in order.
    """
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        start, block = _before(descriptor, middle + 1)
        begin = start + block.rfind(b"\n", 0, middle - start) + 1
        line = os.pread(descriptor, MAX_LINE + 1, begin).partition(b"\n")[0]
        found = _SEQ.search(line)
        if found is None:
            raise TamperedError("the record's lines are not in order.")
        at = int(found[1])
        if at == seq:
            return begin
        if at < seq:
            low = begin + len(line) + 1
        else:
            high = begin
    if low != end:
        raise TamperedError("the record's lines are not in order.")
    return end


def parsed(line: bytes) -> Entry:
    """One line by itself.

    Raises:
        TamperedError: it is damaged.
    """
    try:
        return Entry.parse(line)
    except EntryError as error:
        raise TamperedError(f"a line of the record is damaged: {error.message}") from None


def too_long(line: int) -> TamperedError:
    """The refusal of a line that veil cannot have written."""
    return TamperedError("a line of the record is longer than any that veil writes.", line=line)


def _before(descriptor: int, end: int) -> tuple[int, bytes]:
    """A block that ends at `end`, and where it begins."""
    start = max(0, end - _BLOCK)
    return start, os.pread(descriptor, end - start, start)
