"""What one file holds: values by source, keys by name; counted, never kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from veil.artifacts.fingerprints import CHUNK, Fingerprints
from veil.artifacts.fold import fold, texts
from veil.artifacts.needles import KeySearch
from veil.artifacts.reading import OVERLAP, Chunk, legible
from veil.artifacts.search import Hit, Search
from veil.artifacts.sheets import CELL, ROW, Sheet
from veil.artifacts.weight import Weight

LEAST_NAMES = 5
"""Distinct words of one source from which a whole column of them counts."""
MOST_VALUES = 100_000
"""Values in one place from which on it is not read further."""
_MOST_NAMES = 0.5
"""Share of a column's distinct words that must be the source's."""


@dataclass(slots=True, repr=False)
class Tally:
    """What was found in one place; `values` are rows of the fingerprints, by source."""

    values: dict[int, set[int]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    columns: dict[int, str] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.values or self.keys)

    @property
    def is_full(self) -> bool:
        """Whether so much was found that more would change nothing."""
        return sum(map(len, self.values.values())) >= MOST_VALUES


class Inspector:
    """Looks into texts and tables for one set of fingerprints and keys."""

    def __init__(self, found: Fingerprints, keys: KeySearch) -> None:
        self.sources = found.sources
        self._found = found
        self._keys = keys
        self._search = Search(found)

    def chunk(self, chunk: Chunk, tally: Tally, *, encrypted: bool = False) -> None:
        """Look into some bytes of a file; of an encrypted one, into what is legible."""
        data = legible(chunk.data) if encrypted else chunk.data
        if tally.is_full or not data.strip():
            return
        tally.keys |= self._keys.search(data)
        anywhere = b"\0" in data
        for encoding in chunk.encodings:
            for number, text in enumerate(texts(data, encoding)):
                # Only the first reading keeps the lines where they are.
                line = chunk.line if number == 0 and not anywhere else 0
                self._text(
                    text,
                    tally,
                    line=line,
                    is_start=chunk.is_start or number > 0,
                    is_end=chunk.is_end or number > 0,
                    anywhere=anywhere,
                )

    def name(self, text: str) -> Tally:
        """Look into the name of a file, table or column."""
        tally = Tally(keys=self._keys.search(text.encode("utf-8", "replace")))
        for reading in texts(text.encode("utf-8", "replace"), "utf-8"):
            self._text(reading, tally)
        return tally

    def sheet(self, sheet: Sheet, tally: Tally) -> None:
        """Look into a table: each row is a company of its own, each column may be a list."""
        for text in sheet.texts:
            if tally.is_full:
                return
            tally.keys |= self._keys.search(text.encode("utf-8", "replace"))
            self._text(text, tally, columns=sheet.columns, is_table=bool(sheet.name))
            for reading in list(texts(text.encode("utf-8", "replace"), "utf-8"))[1:]:
                self._text(reading, tally, is_table=bool(sheet.name))
        for column in sheet.columns:
            self._column(column, sheet.distinct(column), tally)

    def _text(
        self,
        text: str,
        tally: Tally,
        *,
        line: int = 0,
        is_start: bool = True,
        is_end: bool = True,
        anywhere: bool = False,
        columns: tuple[str, ...] = (),
        is_table: bool = False,
    ) -> None:
        for piece, begins, ends in _pieces(fold(text)):
            hits = self._search.hits(
                piece, is_start=is_start and begins, is_end=is_end and ends, anywhere=anywhere
            )
            rows = _places(piece, ROW) if is_table and hits else []
            for hit in self._search.counted(hits, rows=rows):
                source = self._count(hit, tally)
                if line and source not in tally.lines:
                    tally.lines[source] = line + piece.count(b"\n", 0, hit.start)
                if columns and source not in tally.columns:
                    row = piece[piece.rfind(b"\n", 0, hit.start) + 1 : hit.start]
                    at = row.count(CELL.encode())
                    tally.columns[source] = columns[at] if at < len(columns) else ""

    def _count(self, hit: Hit, tally: Tally) -> int:
        source = int(self._found.source[hit.value])
        tally.values.setdefault(source, set()).add(hit.value)
        return source

    def _column(self, column: str, cells: list[str], tally: Tally) -> None:
        """A column of nothing but names: none of them counts alone, all of them together do."""
        names: dict[int, set[int]] = {}
        for cell in cells:
            for value in self._found.find(cell):
                if self._found.weights[value] < Weight.STRONG and not self._found.numbers[value]:
                    names.setdefault(int(self._found.source[value]), set()).add(value)
        for source, values in names.items():
            if len(values) >= max(LEAST_NAMES, _MOST_NAMES * len(cells)):
                tally.values.setdefault(source, set()).update(values)
                tally.columns.setdefault(source, column)


def _places(text: bytes, mark: str) -> list[int]:
    places, at = [], text.find(mark.encode())
    while at >= 0:
        places.append(at)
        at = text.find(mark.encode(), at + 1)
    return [*places, len(text)]


def _pieces(text: bytes) -> Iterator[tuple[bytes, bool, bool]]:
    """Cut a folded text to what can be searched at once; pieces overlap."""
    step = CHUNK - OVERLAP
    for start in range(0, max(len(text) - OVERLAP, 1), step):
        yield text[start : start + CHUNK], start == 0, start + CHUNK >= len(text)
