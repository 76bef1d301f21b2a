"""What a differential mart asks of the ledger, from its YAML and SQL alone: nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from veil.differential.windows import Confinement, Part
from veil.gate.chain import stand_in
from veil.gate.declared import parents_of
from veil.gate.differential import public_partitions
from veil.policy.budgets import sources_of, unit_of
from veil.policy.canonical import canonical_query
from veil.policy.graph import Graph, Node
from veil.releases import Declared, Plan, read_declared, release_name
from veil.releases.plan import plan
from veil.warehouse.ledger_rows import Draw, Line, Unit, definition_of


class Planned:
    """A differential mart as it is declared now.

    Args:
        graph: dbt's graph.
        node: the mart.
        sql: its compiled SQL.
        now: decides the period.

    Attributes:
        node: the mart.
        sql: its row query.
        listed: the relation that lists its cells, as the SQL names it; None where none does.
        declared: its parameters.
        plan: its noise and charges.

    Raises:
        VeilError: it is not whole.
    """

    def __init__(self, graph: Graph, node: Node, sql: str, *, now: datetime | None = None) -> None:
        self.node = node
        self.sql = sql
        self.listed = public_partitions(sql)
        self.declared: Declared = read_declared(node, public_relation=self.listed is not None)
        self.plan: Plan = plan(self.declared)
        domain, columns = unit_of(graph, node)
        self._unit = Unit(name=domain, columns=columns, within=self.declared.unit_within or "")
        self._sources = sources_of(graph, node)
        self._now = now or datetime.now(UTC)
        relations = {}
        for parent in parents_of(graph, node):
            name = stand_in(parent)
            relations[name or parent.relation] = parent.unique_id
            if name is not None:
                sql = sql.replace(parent.relation, name)
        self._relations = relations
        self._canonical = canonical_query(sql, relations)
        parameters = dict(self.declared.parameters())
        if self.listed is not None:
            parameters["public_partitions"] = self.cells_listed
        self._definition = self.definition(parameters)

    @property
    def cells_listed(self) -> object:
        """Which cells there are: the relation that lists them, or the mart's own keys."""
        if self.listed is not None:
            return self._relations.get(self.listed, self.listed)
        return self.declared.parameters()["keys"]

    def definition(self, parameters: Mapping[str, object]) -> str:
        """The definition of a release with these parameters over the mart's row query."""
        return definition_of(parameters, self._canonical)

    def days(self) -> Sequence[date | None]:
        """The parts that are released one by one; one part that is the whole, in the usual case."""
        name = self.declared.increment
        if name is None:
            return [None]
        key = next(one for one in self.declared.keys if one.name == name)
        return [one for one in key.values or () if isinstance(one, date)]

    def draw(self, day: date | None, *, period: str = "", change: str | None = None) -> Draw:
        """The release of a part, and what it costs.

        Args:
            day: from `days`.
            period: another one than that of the present moment.
            change: digest of what it reads.
        """
        declared, part = self.declared, None
        if day is not None and declared.unit_within == declared.increment:
            confined = Confinement.UNIT_AND_PART
            part = Part(series=self.node.name, name=day.isoformat(), confinement=confined)
        return Draw(
            name=release_name(declared, day),
            period=period or declared.period.at(self._now),
            definition=self._definition,
            mart=self.node.unique_id,
            budget=declared.budget,
            unit=self._unit,
            sources=self._sources,
            lines=tuple(
                Line(metric=name, charge=charge, part=part) for name, charge in self.plan.charges
            ),
            change=change,
        )

    def draws(self, *, period: str = "") -> list[Draw]:
        """All that the next build asks for.

        Args:
            period: the number of the next draw, for a mart that is drawn on change.
        """
        return [self.draw(day, period=period) for day in self.days()]
