"""What the check is told: the relations that a row query may read, and the rows inside it."""

from __future__ import annotations

import string
from dataclasses import dataclass

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """A relation with people's rows.

    Attributes:
        name: `"database"."schema"."identifier"`, as compiled SQL has it.
        columns: names of all of its columns, in order.
        units: lower-case names of its columns that are the privacy unit, in one linkage domain.
            A row must belong to one unit: a relation with none, or with two (who pays, and who is
            paid), is refused where it is read.
    """

    name: str
    columns: tuple[str, ...]
    units: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """A relation whose rows depend on no person.

    Attributes:
        name: `"database"."schema"."identifier"`, as compiled SQL has it.
        columns: names of all of its columns, in order.
    """

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A relation inside a query.

    Attributes:
        owned: each of its rows belongs to one privacy unit; False where no row depends on anybody.
        columns: name of each column in order (empty where DuckDB makes one up), and whether its
            value is the unit that owns the row.
        unknown: it was refused, and has columns that nobody knows.
    """

    owned: bool
    columns: tuple[tuple[str, bool], ...] = ()
    unknown: bool = False

    def renamed(self, names: list[str]) -> Rows:
        """The same rows under the column names of an alias."""
        columns = tuple(
            (names[index] if index < len(names) else name, unit)
            for index, (name, unit) in enumerate(self.columns)
        )
        return Rows(self.owned, columns, self.unknown)


def fold(name: str) -> str:
    """A name as DuckDB compares it: only the letters of ASCII have no case."""
    return name.translate(_LOWER)
