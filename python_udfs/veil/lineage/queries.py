"""Walks a query: CTEs, set operations, VALUES, and SELECT."""

from __future__ import annotations

from sqlglot import exp

from veil.lineage.context import Ctes, Select, Shared
from veil.lineage.expressions import Expressions
from veil.lineage.label import PUBLIC, Label, combine
from veil.lineage.projections import order
from veil.lineage.refusals import Rule
from veil.lineage.scope import Rows, Scope
from veil.lineage.selects import OneSelect
from veil.lineage.setops import merged, named, recursive

_SETOP_ARGS = frozenset(
    ["with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"]
)
_SUBQUERY_ARGS = frozenset(["with_", "this", "alias", "order", "limit", "offset", "sample"])


class Queries:
    """The walk over all queries of one model."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def rows(self, query: exp.Expr, ctes: Ctes, parent: Scope | None) -> Rows:
        """The rows of a query.

        Args:
            query: a SELECT, set operation, VALUES, or one of them in brackets.
            ctes: the CTEs that it sees.
            parent: names of the queries around it.
        """
        mark = self._shared.tags.mark
        ctes = self._ctes(query, ctes, parent)
        if isinstance(query, exp.Table):
            query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=query))
        if isinstance(query, exp.Select):
            rows = OneSelect(self._shared, self, query, ctes=ctes, parent=parent).rows()
        elif isinstance(query, exp.SetOperation):
            self._shared.only(query, _SETOP_ARGS)
            sides = [self.rows(side, ctes, parent) for side in (query.this, query.expression)]
            rows = merged(self._shared, sides, by_name=bool(query.args.get("by_name")))
            self._order(query, rows, ctes, parent)
        elif isinstance(query, exp.Subquery):
            self._shared.only(query, _SUBQUERY_ARGS)
            rows = self.rows(query.this, ctes, parent)
            self._order(query, rows, ctes, parent)
        elif isinstance(query, exp.Values):
            rows = self._values(query, ctes, parent)
        else:
            self._shared.refuse(Rule.UNFOLLOWABLE, type(query).__name__)
            rows = Rows([], wild=PUBLIC)
        rows.mark = mark
        return rows

    def _ctes(self, query: exp.Expr, ctes: Ctes, parent: Scope | None) -> Ctes:
        clause = query.args.get("with_")
        if clause is None:
            return ctes
        self._shared.only(clause, frozenset({"expressions", "recursive"}))
        known = dict(ctes)
        for cte in clause.expressions:
            name = cte.alias.lower()
            names = [column.name for column in cte.args["alias"].columns]
            mark, body = self._shared.tags.mark, cte.this
            self._shared.only(cte, frozenset({"this", "alias", "materialized"}))
            if not isinstance(body, exp.Query | exp.Values):
                self._shared.refuse(Rule.STATEMENT)
                rows = Rows([], wild=PUBLIC)
            elif (
                clause.args.get("recursive")
                and isinstance(body, exp.SetOperation)
                and _reads_itself(body, name)
            ):
                rows = recursive(
                    self._shared, body, name, names, lambda q, c: self.rows(q, c, parent), known
                )
            else:
                rows = named(self.rows(body, known, parent), names)
            rows.mark = mark
            known[name] = rows
        return known

    def _values(self, query: exp.Values, ctes: Ctes, parent: Scope | None) -> Rows:
        self._shared.only(query, frozenset({"with_", "expressions", "alias"}))
        select = Select(Scope(parent), ctes, self._shared.tags.mark)
        ev = Expressions(self._shared, select, self)
        columns: list[Label] = []
        for row in query.expressions:
            cells = row.expressions if isinstance(row, exp.Tuple) else [row]
            columns = [
                combine([columns[index] if index < len(columns) else PUBLIC, label])
                for index, label in enumerate(ev.labels(cells))
            ]
        return Rows([(f"col{index}", label) for index, label in enumerate(columns)])

    def _order(self, query: exp.Expr, rows: Rows, ctes: Ctes, parent: Scope | None) -> None:
        """ORDER BY and LIMIT of a set operation or of brackets."""
        select = Select(Scope(parent), ctes, self._shared.tags.mark)
        ev = Expressions(self._shared, select, self)
        labels = [label for _, label in rows.columns]
        order(ev, query, {name.lower(): label for name, label in rows.columns}, labels)
        rows.steered |= select.steered
        rows.chosen |= select.chosen_groups


def _reads_itself(body: exp.Expr, name: str) -> bool:
    return any(table.name.lower() == name and not table.db for table in body.find_all(exp.Table))
