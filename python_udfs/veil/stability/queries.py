"""Walks a row query: CTEs, set operations, VALUES, and SELECT."""

from __future__ import annotations

from sqlglot import exp

from veil.stability.expressions import Expressions
from veil.stability.names import Item, Parent, Scope
from veil.stability.relations import Rows, fold
from veil.stability.rules import Found, Rule
from veil.stability.selects import OneSelect
from veil.stability.sources import Ctes, Relations

_SET_OPERATION = frozenset(
    ["with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"]
)
_SUBQUERY = frozenset(["with_", "this", "alias", "order", "limit", "offset", "sample"])
_VALUES = frozenset(["with_", "expressions", "alias"])


class Queries:
    """The walk over all queries of one row query.

    Args:
        found: collects refusals.
        relations: what may be read, by the folded parts of its name.
    """

    def __init__(self, found: Found, relations: Relations) -> None:
        self._found = found
        self._relations = relations

    def rows(self, query: exp.Expr, ctes: Ctes, parent: Parent | None) -> Rows:
        """The rows of a query.

        Args:
            query: a SELECT, set operation, VALUES, or one of them in brackets.
            ctes: the CTEs that it sees.
            parent: what stands around it.
        """
        ctes = self._ctes(query, ctes, parent)

        def inner(query: exp.Expr, parent: Parent) -> Rows:
            return self.rows(query, ctes, parent)

        if isinstance(query, exp.Table):  # `(people)`
            query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=query))
        if isinstance(query, exp.Select):
            select = OneSelect(self._found, self._relations, inner, query, ctes=ctes, parent=parent)
            return select.rows()
        if isinstance(query, exp.SetOperation):
            self._found.only(query, _SET_OPERATION)
            if isinstance(query, exp.Intersect) and isinstance(query.this, exp.Union | exp.Except):
                # Without brackets it binds more than UNION to DuckDB, and as much to sqlglot.
                self._found.add(Rule.SET_OPERATION, "INTERSECT")
            sides = [self.rows(side, ctes, parent) for side in (query.this, query.expression)]
            rows = self._merged(query, *sides)
        elif isinstance(query, exp.Subquery):
            self._found.only(query, _SUBQUERY)
            rows = self.rows(query.this, ctes, parent)
        elif isinstance(query, exp.Values):
            self._found.only(query, _VALUES)
            values = Expressions(self._found, Scope(parent), inner)
            for row in query.expressions:
                values.check(row)
            first = query.expressions[0]
            cells = first.expressions if isinstance(first, exp.Tuple) else [first]
            return Rows(False, tuple((f"col{index}", False) for index in range(len(cells))))
        else:
            self._found.add(Rule.CONSTRUCT, type(query).__name__.upper())
            return Rows(owned=False, unknown=True)
        self._found.chosen(query)
        order = query.args.get("order")
        if order is not None:
            # It sees the columns alone; it changes no row, but may hold what does.
            scope = Scope(parent)
            scope.items.append(Item.of(rows, ""))
            Expressions(self._found, scope, inner).check(order)
        return rows

    def _ctes(self, query: exp.Expr, ctes: Ctes, parent: Parent | None) -> Ctes:
        clause = query.args.get("with_")
        if clause is None:
            return ctes
        self._found.only(clause, {"expressions"})  # RECURSIVE is none of them
        known = dict(ctes)
        for cte in clause.expressions:
            self._found.only(cte, {"this", "alias", "materialized"})
            rows = self.rows(cte.this, known, parent)
            alias = cte.args["alias"]
            known[fold(cte.alias)] = rows.renamed([column.name for column in alias.columns])
        return known

    def _merged(self, query: exp.SetOperation, left: Rows, right: Rows) -> Rows:
        """The rows of two queries: people's only where both have the owner in the same column."""
        unknown = left.unknown or right.unknown
        if query.args.get("by_name"):
            theirs = {fold(name): unit for name, unit in right.columns}
            columns = [
                (name, unit and theirs.get(fold(name), False)) for name, unit in left.columns
            ]
            mine = {fold(name) for name, _ in left.columns}
            columns += [(name, False) for name, _ in right.columns if fold(name) not in mine]
        else:
            others = [unit for _, unit in right.columns]
            columns = [
                (name, unit and index < len(others) and others[index])
                for index, (name, unit) in enumerate(left.columns)
            ]
        kept = left.owned and right.owned and any(unit for _, unit in columns)
        if (left.owned or right.owned) and not kept and not unknown:
            self._found.add(Rule.SET_OPERATION, query.key.upper())
        return Rows(left.owned or right.owned, tuple(columns), unknown)
