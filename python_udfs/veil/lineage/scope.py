"""What a name means at one place of a query: the relations in FROM, aliases, lambdas, outer
queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from veil.lineage.classes import OpenRow, Source
from veil.lineage.label import Label, Steers, combine
from veil.lineage.tags import Tags


@dataclass
class Rows:
    """A relation inside a query: a CTE, a subquery, the result of a set operation.

    Attributes:
        columns: name and label of each column, in order; names may repeat.
        open_rows: the rows that no guard covers, by their tag.
        chosen: what chose rows and no guard covers; gone once they are aggregated.
        steered: the same, for what stays.
        steers: what chose the rows.
        steer: the same as a label, for EXISTS, whose value it decides.
        wild: label of any column that is not listed, where the list is not known.
        mark: tags up to this one belong to an outer query.
        guarded: the rows come from guarded cells, so even a number of them is no public fact.
    """

    columns: list[tuple[str, Label]]
    open_rows: dict[int, OpenRow] = field(default_factory=dict)
    chosen: frozenset[Source] = frozenset()
    steered: frozenset[Source] = frozenset()
    steers: Steers = field(default_factory=dict)
    steer: Label = field(default_factory=Label)
    wild: Label | None = None
    mark: int = 0
    guarded: bool = False

    def scanned(self, tags: Tags) -> Rows:
        """The same relation read once more, with tags of its own and names that do not repeat."""
        tag = tags.scan(self.mark)
        return Rows(
            columns=[(name, label.mapped(tag)) for name, label in unique(self.columns)],
            open_rows={
                tag(old): OpenRow(row.source, tag(row.cell)) for old, row in self.open_rows.items()
            },
            chosen=self.chosen,
            steered=self.steered,
            steers=self.steers,
            steer=self.steer.mapped(tag),
            wild=self.wild and self.wild.mapped(tag),
            mark=self.mark,
            guarded=self.guarded,
        )

    @property
    def is_open(self) -> bool:
        """Whether its rows, or which of them are there, tell what no guard covers."""
        return bool(self.open_rows or self.chosen or self.steered)


def unique(columns: list[tuple[str, Label]]) -> Iterator[tuple[str, Label]]:
    """Column names as DuckDB makes them differ: the second `ssn` becomes `ssn_1`."""
    seen: set[str] = set()
    for base, label in columns:
        name, number = base, 1
        while name.lower() in seen:
            name = f"{base}_{number}"
            number += 1
        seen.add(name.lower())
        yield name, label


@dataclass
class Item:
    """One relation of a FROM clause.

    Attributes:
        alias: lower case.
        columns: by lower-case name, in order.
        names: the names as they are written.
        owners: whose rows they are, and whose values are in them.
        hidden: joined with SEMI or ANTI: visible in its own ON alone.
        stored: a table as it stands in the database, and not the result of a query.
    """

    alias: str
    columns: dict[str, Label]
    names: dict[str, str]
    owners: frozenset[int] = frozenset()
    wild: Label | None = None
    hidden: bool = False
    stored: bool = False

    @property
    def row(self) -> Label:
        """The label of a whole row."""
        found = list(self.columns.values())
        return combine([*found, self.wild] if self.wild else found)

    def find(self, name: str) -> Label | None:
        return self.columns.get(name, self.wild)


Found = tuple["Item | None", Label]


class Scope:
    """The names of one SELECT, and those around it."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.items: list[Item] = []
        self.merged: dict[str, Label] = {}
        """Columns of USING and NATURAL: one name for both sides."""
        self.lambdas: list[dict[str, Label]] = []
        self.aliases: dict[str, list[exp.Expr]] = {}
        self.alias_label: Callable[[str], Label | None] = lambda name: None

    def visible(self) -> list[Item]:
        return [item for item in self.items if not item.hidden]

    def item(self, alias: str) -> Item | None:
        return next((item for item in self.visible() if item.alias == alias), None)

    def column(self, name: str) -> Found | None:
        """A column by its bare name, aliases and outer queries left out."""
        if name in self.merged:
            first = next((i for i in self.visible() if name in i.columns), None)
            return first, self.merged[name]
        found = [(i, i.columns[name]) for i in self.visible() if name in i.columns]
        if not found:
            found = [(i, i.wild) for i in self.visible() if i.wild is not None]
        if len(found) == 1:
            return found[0]
        # Ambiguous: DuckDB refuses it; whatever it may mean is in the union.
        return (found[0][0], combine(label for _, label in found)) if found else None

    def resolve(self, parts: list[str], *, alias_first: bool = False) -> Found | None:
        """What a name of one to four parts means; None where it means nothing.

        Where it has two readings (a table's column, or a field of a struct), both are in the label.

        Args:
            parts: the parts of the name, lower case.
            alias_first: an alias wins over a column, as in ORDER BY.
        """
        for variables in reversed(self.lambdas):
            if parts[0] in variables:
                return None, variables[parts[0]]
        found = self._local(parts, alias_first=alias_first)
        if found is None and self.parent is not None:
            found = self.parent.resolve(parts)
            return (None, found[1]) if found else None
        return found

    def _local(self, parts: list[str], *, alias_first: bool) -> Found | None:
        if alias_first and len(parts) == 1 and parts[0] in self.aliases:
            label = self.alias_label(parts[0])
            if label is not None:
                return None, label
        readings: list[Found] = []
        for index in range(len(parts) - 1):
            item = self.item(parts[index])
            label = item.find(parts[index + 1]) if item else None
            if label is not None:
                readings.append((item, label))
        bare = self.column(parts[0])
        listed = any(parts[0] in item.columns for item in self.visible())
        if bare and (listed or not readings):
            readings.append(bare)
        if not readings:
            item = self.item(parts[-1])
            if item and len(parts) == 1:
                return item, item.row
            if parts[0] in self.aliases:
                label = self.alias_label(parts[0])
                if label is not None:
                    return None, label
            return None
        if len(readings) == 1:
            return readings[0]
        return readings[0][0], combine(label for _, label in readings)

    def everything(self) -> Label:
        """All that is visible, in one label: what an unknown name may be."""
        found = combine(item.row for item in self.visible())
        return combine([found, self.parent.everything()]) if self.parent else found


def column_parts(node: exp.Column) -> list[str]:
    """The lower-case parts of a column reference, the outermost first."""
    return [part.name.lower() for part in node.parts]


def as_mapping(rows: Rows, alias: str) -> Item:
    """A scanned relation as an item of FROM."""
    columns: Mapping[str, Label] = {name.lower(): label for name, label in rows.columns}
    labels = [*columns.values(), rows.wild or Label()]
    owners = frozenset(flow.owner for label in labels for flow in label.explicit)
    return Item(
        alias=alias,
        columns=dict(columns),
        names={name.lower(): name for name, _ in rows.columns},
        owners=frozenset(rows.open_rows) | owners,
        wild=rows.wild,
    )
