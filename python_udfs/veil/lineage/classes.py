"""Privacy classes, and where a label comes from.

A label holds a set of classes; joining two labels is the union. Two of them are compared only where
a YAML class must not be lower than what lineage finds, and there this order holds:

    direct_identifier > pseudonym > sensitive > quasi_identifier > non_sensitive

A sensitive column is treated at least as strictly as a quasi-identifier everywhere in veil (it can
never name a cell), so declaring the one where lineage finds the other lowers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum


class PrivacyClass(IntEnum):
    """What a column says about a person; the greater, the more."""

    NON_SENSITIVE = 0
    QUASI_IDENTIFIER = 1
    SENSITIVE = 2
    PSEUDONYM = 3
    DIRECT_IDENTIFIER = 4

    @classmethod
    def named(cls, name: str) -> PrivacyClass | None:
        """The class of a YAML word, `quasi_identifier` for example; None for any other word."""
        return cls.__members__.get(name.upper())

    @property
    def word(self) -> str:
        """As it stands in YAML and in messages."""
        return self.name.lower()


class Reach(IntEnum):
    """How a value depends on people."""

    PUBLIC = 0
    """On nobody."""
    GUARDED = 1
    """Only through cells of which each speaks of enough people."""
    PERSONAL = 2
    """On single people, or on groups that nobody has counted."""


@dataclass(frozen=True, slots=True)
class Source:
    """A column of a relation, or `*` for the rows of one."""

    relation: str
    column: str
    privacy_class: PrivacyClass = field(compare=False)

    @property
    def name(self) -> str:
        return f"{self.relation}.{self.column}" if self.relation else self.column


@dataclass(frozen=True, slots=True)
class Path:
    """How a value got where it is: a chain of steps, the last one first."""

    before: Path | None
    step: str

    def __iter__(self) -> Iterator[str]:
        """The steps, the first one first."""
        steps = []
        at: Path | None = self
        while at is not None:
            steps.append(at.step)
            at = at.before
        return reversed(steps)

    def __str__(self) -> str:
        return " -> ".join(self)


@dataclass(frozen=True, slots=True)
class OpenRow:
    """Rows that no guard covers.

    Attributes:
        source: what they are rows of.
        cell: the unguarded cell that each is, 0 where they are not groups.
    """

    source: Source
    cell: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """A source that a value depends on, and whose rows it came from.

    Attributes:
        source: the column.
        owner: the scan whose people it speaks of. The same table scanned twice has two owners,
            until a join over a pseudonym says that they are one. 0 for what a guarded cell has
            released.
        tally: what flows is a number of rows or persons, or whether there are any, and not the
            value.
    """

    source: Source
    owner: int
    tally: bool = False

    @property
    def privacy_class(self) -> PrivacyClass:
        """The class of what flows: a tally is at most a quasi-identifier."""
        found = self.source.privacy_class
        return min(found, PrivacyClass.QUASI_IDENTIFIER) if self.tally else found
