"""Tables inside files, as the scanner asks for them; `warehouse.artifacts` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

CELL, ROW = "\x1f", "\n"
"""What stands between two cells and two rows in the text of a table."""


class UnreadableError(Exception):
    """A table could be opened, and not read to its end."""


class Kind(Enum):
    """What a file is to a table reader."""

    OTHER = "no table file"
    TABLES = "readable tables"
    ENCRYPTED = "an encrypted database: without its key nobody reads it"
    BROKEN = "a table file that cannot be opened"


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """One table, view, or the names and comments of a whole file.

    Attributes:
        name: the table's name; empty for names and comments.
        columns: its columns.
        texts: its rows, many at a time: cells joined by `CELL`, rows by `ROW`.
        distinct: the distinct values of a column of words, at most some thousands; empty for a
            column of any other type.
    """

    name: str
    columns: tuple[str, ...]
    texts: Iterable[str]
    distinct: Callable[[str], list[str]]


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A file, opened by a table reader."""

    kind: Kind
    sheets: Iterable[Sheet] = ()


Opener = Callable[[Path], AbstractContextManager[Opened]]
