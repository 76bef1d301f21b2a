"""What one SELECT knows while it is walked, and what all of a model's queries share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from veil.lineage.classes import OpenRow, Source
from veil.lineage.guards import Guard, Guarding
from veil.lineage.inputs import Layer, Relation
from veil.lineage.label import Label
from veil.lineage.refusals import Recorder, Rule
from veil.lineage.scope import Rows, Scope
from veil.lineage.tags import Tags

Ctes = Mapping[str, Rows]


def clause(key: str) -> str:
    """A clause as SQL writes it, by sqlglot's name for it."""
    return {"pivots": "PIVOT", "when": "AT", "key_expressions": "USING KEY"}.get(
        key, key.strip("_").upper()
    )


class Walker(Protocol):
    """Walks a query; expressions call it for their subqueries."""

    def rows(self, query: exp.Expr, ctes: Ctes, parent: Scope | None) -> Rows: ...


class Shared:
    """What every query of one model shares."""

    def __init__(
        self,
        *,
        relations: Mapping[tuple[str, ...], Relation],
        recorder: Recorder,
        layer: Layer,
        units: frozenset[tuple[str, str]],
        threshold: int,
    ) -> None:
        self.relations = relations
        self.recorder = recorder
        self.layer = layer
        self.units = units
        """Linkage domain and column name of the declared privacy unit."""
        self.threshold = threshold
        self.tags = Tags()
        self.guarding = Guarding(self.tags, is_off=recorder.is_off)
        self._column: list[str] = []

    @property
    def column(self) -> str:
        """Name of the output column that is being walked; empty outside of a projection."""
        return self._column[-1] if self._column else ""

    @contextmanager
    def within(self, column: str) -> Iterator[None]:
        self._column.append(column)
        try:
            yield
        finally:
            self._column.pop()

    def only(self, node: exp.Expr, known: frozenset[str]) -> None:
        """Refuse a clause that nobody has thought of."""
        for key, value in node.args.items():
            if value and key not in known:
                self.refuse(Rule.UNFOLLOWABLE, clause(key))

    def sampled(self, sample: exp.Expr | None) -> None:
        """Refuse a sample whose size is no plain number."""
        if sample is not None and sample.find(exp.Column, exp.Query, exp.Func):
            self.refuse(Rule.UNFOLLOWABLE, "SAMPLE")

    def refuse(self, rule: Rule, what: str = "") -> bool:
        return self.recorder.add(rule, column=self.column, what=what)


@dataclass
class Select:
    """One SELECT while it is walked.

    Attributes:
        scope: the names in it.
        ctes: the CTEs that it sees.
        mark: tags up to this one belong to an outer query.
        open_rows: the rows that come out of FROM and WHERE and that no guard covers, by their tag.
        guarded: some of its rows come from guarded cells.
        steers: what chose its rows.
        aggregating: it groups, or has an aggregate.
        cell: names its groups, 0 where it does not aggregate.
        others: owner of what an aggregate mixes.
        keys: labels of the columns that every group has one value of.
        key_nodes: the expressions of GROUP BY that are more than a column.
        guards: what WHERE, HAVING or QUALIFY made sure of.
        closed: cells that a guard covers in one of its projections.
        chosen: what chose rows and no guard covers; gone once they are aggregated.
        chosen_groups: the same for the groups of an aggregating SELECT.
        steered: the same where it speaks of other people than those in the rows: it stays.
        windows: named windows.
        conditions: tag of each condition, by its text.
        partitions: tag of each window partition, by its text.
    """

    scope: Scope
    ctes: Ctes
    mark: int
    open_rows: dict[int, OpenRow] = field(default_factory=dict)
    guarded: bool = False
    steers: list[Label] = field(default_factory=list)
    aggregating: bool = False
    cell: int = 0
    others: int = 0
    keys: Sequence[Label] = ()
    key_nodes: dict[exp.Expr, exp.Expr] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    closed: dict[int, list[Guard]] = field(default_factory=dict)
    chosen: set[Source] = field(default_factory=set)
    chosen_groups: set[Source] = field(default_factory=set)
    steered: set[Source] = field(default_factory=set)
    windows: dict[str, exp.Window] = field(default_factory=dict)
    conditions: dict[exp.Expr, int] = field(default_factory=dict)
    partitions: dict[tuple[exp.Expr, ...], int] = field(default_factory=dict)

    @property
    def has_open_rows(self) -> bool:
        """Whether its rows, before any grouping, tell what no guard covers."""
        return bool(self.open_rows or self.chosen or self.steered)

    def close(self, cell: int) -> None:
        """A guard covers a cell: its rows tell no more than they may."""
        for tag in [tag for tag, row in self.open_rows.items() if row.cell == cell]:
            del self.open_rows[tag]
