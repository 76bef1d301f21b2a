"""What a name means at one place of a query, and whether it is the unit that owns the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp

from veil.stability.relations import Rows, fold


@dataclass(slots=True)
class Column:
    """A column of a relation in FROM.

    Attributes:
        name: folded; empty where DuckDB makes one up.
        unit: its value is the unit that owns the row.
        merged: USING made one of it and an earlier column, which is meant by the bare name.
    """

    name: str
    unit: bool
    merged: bool = False


@dataclass(slots=True)
class Item:
    """One relation of a FROM clause.

    Attributes:
        alias: folded.
        columns: in order; no name stands twice.
        hidden: joined with SEMI or ANTI: visible in its own ON alone.
        unknown: it was refused, and may have any column.
    """

    alias: str
    columns: list[Column]
    hidden: bool = False
    unknown: bool = False

    @classmethod
    def of(cls, rows: Rows, alias: str) -> Item:
        """A relation under its alias."""
        columns = [Column(name, unit) for name, unit in _unlike(rows.columns)]
        return cls(fold(alias), columns, unknown=rows.unknown)


def _unlike(columns: Iterable[tuple[str, bool]]) -> Iterable[tuple[str, bool]]:
    """Folded names as DuckDB makes them differ: the second `sex` becomes `sex_1`.

    A name that was made up is never the unit's.
    """
    seen: set[str] = set()
    for base, unit in columns:
        name, number = fold(base), 0
        while base and name in seen:
            number += 1
            name = f"{fold(base)}_{number}"
        seen.add(name)
        yield name, unit and not number


class Reading(NamedTuple):
    """One thing that a name may mean: a column, or what is inside of one or is no column."""

    item: Item
    column: Column | None

    @property
    def unit(self) -> bool:
        return self.column is not None and self.column.unit


class Parent(NamedTuple):
    """What stands around a query.

    Attributes:
        scope: the names of the query around it.
        beside: it stands in that query's FROM, beside the relations that the names mean.
    """

    scope: Scope
    beside: bool = False


class Scope:
    """The names of one SELECT, and those around it."""

    def __init__(self, parent: Parent | None) -> None:
        self.parent = parent
        self.items: list[Item] = []
        self.aliases: dict[str, list[exp.Expr]] = {}
        self.variables: list[frozenset[str]] = []
        """Of lambdas."""
        self.calls = 0
        """How many aggregates or windows are around what is looked at."""

    def visible(self) -> list[Item]:
        return [item for item in self.items if not item.hidden]

    def has(self, parts: Sequence[str]) -> bool:
        """Whether a name means something in this SELECT itself."""
        return (
            any(parts[0] in names for names in self.variables)
            or bool(readings(parts, self.visible()))
            or parts[0] in self.aliases
            or any(item.unknown for item in self.visible())
        )

    def is_unit(self, node: exp.Expr) -> bool:
        """Whether an expression is the owner's unit: a plain column, in each of its readings.

        DuckDB prefers a column of FROM to an alias, or the reverse, clause by clause: where a name
        is both, both must be the unit.
        """
        parts = plain_parts(node)
        units = self._units(parts)
        if len(parts) == 1:
            named = self.aliases.get(parts[0], ())
            units += [bool(found) and all(found) for found in map(self._of_from, named)]
        return bool(units) and all(units)

    def _of_from(self, node: exp.Expr) -> list[bool]:
        return self._units(plain_parts(node))

    def _units(self, parts: Sequence[str]) -> list[bool]:
        """Of each column of FROM that a name may mean, whether it is the unit."""
        return [reading.unit for reading in readings(parts, self.visible())] if parts else []


def readings(parts: Sequence[str], items: Iterable[Item]) -> list[Reading]:
    """All that a name of one or more folded parts may mean among relations."""
    found: list[Reading] = []
    for item in items:
        for column in item.columns:
            for index in range(1, len(parts)):
                if item.alias == parts[index - 1] and column.name == parts[index]:
                    found.append(Reading(item, column if index == len(parts) - 1 else None))
            if column.name == parts[0] and not column.merged:
                found.append(Reading(item, column if len(parts) == 1 else None))
        if parts[-1] == item.alias and len(parts) == 1:
            found.append(Reading(item, None))  # the whole row
    return found


def column_parts(node: exp.Column) -> list[str]:
    """The folded parts of a column reference, the outermost first."""
    return [fold(part.name) for part in node.parts]


def plain_parts(node: exp.Expr) -> list[str]:
    """The folded parts of a plain column reference, brackets left out; empty for anything else."""
    node = node.unnest()
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return []
    return column_parts(node)
