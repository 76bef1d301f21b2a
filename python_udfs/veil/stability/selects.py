"""One SELECT of a row query: where rows are chosen, put together, made few, and named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from veil.lineage.calls import aggregates_rows
from veil.lineage.functions import function_name
from veil.stability.expressions import Expressions
from veil.stability.functions import LISTS
from veil.stability.names import Parent, Scope, plain_parts
from veil.stability.relations import Rows, fold
from veil.stability.rules import Found, Rule
from veil.stability.sources import Ctes, Relations, Sources

_ARGS = frozenset(
    [
        "with_", "expressions", "distinct", "limit", "from_", "joins", "where", "group", "having",
        "qualify", "windows", "order", "offset", "sample",
    ]
)  # fmt: skip
_SETS = ("rollup", "cube", "grouping_sets", "grouping_sets_as_group_by_element")
_WORD = re.compile(r"(?!true$|false$|null$)[a-z_]\w*", re.ASCII)
"""A name that DuckDB never makes up for a column without one: those hold brackets or spaces."""


class OneSelect:
    """The walk over one SELECT.

    Args:
        found: collects refusals.
        relations: what may be read.
        rows: walks a query inside of it.
        query: the SELECT.
        ctes: the CTEs that it sees.
        parent: what stands around it.
    """

    def __init__(
        self,
        found: Found,
        relations: Relations,
        rows: Callable[[exp.Expr, Parent], Rows],
        query: exp.Select,
        *,
        ctes: Ctes,
        parent: Parent | None,
    ) -> None:
        self._found = found
        self._query = query
        self._scope = Scope(parent)
        self._expressions = Expressions(found, self._scope, rows, query.args.get("windows") or ())
        self._sources = Sources(found, relations, ctes, self._expressions, rows)

    def rows(self) -> Rows:
        query, scope, expressions = self._query, self._scope, self._expressions
        self._found.only(query, _ARGS)
        self._found.chosen(query)
        start = query.args.get("from_")
        owned = self._sources.read(start.this if start else None, query.args.get("joins") or ())
        expressions.owned = owned
        for alias, node in _aliases(query.expressions):
            scope.aliases.setdefault(alias, []).append(node)
        for clause in ("where", "having", "qualify"):
            condition = query.args.get(clause)
            expressions.check(condition.this if condition is not None else None)
        columns = list(self._columns())
        self._group(columns)
        self._distinct(columns)
        self._order()
        unknown = any(item.unknown for item in scope.visible())
        return Rows(owned, tuple(columns), unknown)

    # -- rows made of several

    def _group(self, columns: list[tuple[str, bool]]) -> None:
        query, group = self._query, self._query.args.get("group")
        places = [*query.expressions, *(query.args.get(k) for k in ("having", "qualify", "order"))]
        if group is None:
            aggregates = any(aggregates_rows(place) for place in places if place is not None)
            if self._expressions.owned and (aggregates or query.args.get("having") is not None):
                self._found.add(Rule.GROUP, "SELECT")
            return
        self._found.only(group, {"expressions", "all", *_SETS})
        if any(group.args.get(key) for key in _SETS):
            self._found.add(Rule.CONSTRUCT, "GROUPING SETS")
        keyed = bool(group.args.get("all")) and any(unit for _, unit in columns)
        for key in group.expressions:
            keyed = self._is_key(key, columns) or keyed
        if self._expressions.owned and not keyed:
            self._found.add(Rule.GROUP, "GROUP BY")

    def _distinct(self, columns: list[tuple[str, bool]]) -> None:
        distinct = self._query.args.get("distinct")
        if distinct is None:
            return
        on = distinct.args.get("on")
        if on is None:
            keyed = any(unit for _, unit in columns)
        else:
            keyed = False
            for key in on.expressions if isinstance(on, exp.Tuple) else [on]:
                keyed = self._is_key(key, columns) or keyed
            if self._found.ordered and self._query.args.get("order") is None:
                self._found.add(Rule.ORDER, "DISTINCT ON")
        if self._expressions.owned and not keyed:
            self._found.add(Rule.DISTINCT, "DISTINCT" if on is None else "DISTINCT ON")

    def _is_key(self, node: exp.Expr, columns: list[tuple[str, bool]]) -> bool:
        """Whether a key of GROUP BY or DISTINCT ON is the unit: by its name or by its place."""
        node = node.unnest()
        if isinstance(node, exp.Tuple):
            # A row of values: in it a number is no place.
            self._expressions.check(node)
            return any(map(self._scope.is_unit, node.expressions))
        if isinstance(node, exp.Literal) and not node.is_string:
            index = int(node.this) - 1 if node.this.isdigit() else -1
            return 0 <= index < len(columns) and columns[index][1]
        self._expressions.check(node)
        return self._scope.is_unit(node)

    def _order(self) -> None:
        """An order alone changes no row; what it is made of is looked at all the same."""
        order = self._query.args.get("order")
        for one in order.expressions if order is not None else ():
            self._expressions.check(one)

    # -- columns

    def _columns(self) -> Iterator[tuple[str, bool]]:
        """Name of each column, and whether it is the unit, in order."""
        made_up = False
        for projection in self._query.expressions:
            star = _star(projection)
            if star is not None:
                yield from self._starred(star, table=fold(projection.text("table")))
                continue
            inner = projection.unalias()
            self._value(inner)
            parts = plain_parts(inner)
            name = fold(projection.alias) or (parts[-1] if parts else "")
            made_up = made_up or not name
            # `upper(x)` without a name is called so, and hides a later column of that name.
            certain = not made_up or _WORD.fullmatch(name) is not None
            yield name, certain and self._scope.is_unit(inner)

    def _value(self, node: exp.Expr) -> None:
        if not isinstance(node, exp.Func) or function_name(node) != "unnest":
            self._expressions.check(node)
            return
        given = list(node.iter_expressions())
        if len(given) != 1 or not _is_list(given[0]):
            # A struct becomes columns under names that nobody knows here.
            self._found.name(Rule.CONSTRUCT, "unnest")
        for one in given:
            self._expressions.check(one)

    def _starred(self, star: exp.Star, *, table: str) -> Iterator[tuple[str, bool]]:
        self._found.only(star, {"except_", "replace", "rename"})
        items = [item for item in self._scope.visible() if not table or item.alias == table]
        if table and len(items) != 1:
            self._found.name(Rule.COLUMN, table)  # `home.*`: fields of a struct
        out = {name for one in star.args.get("except_") or () for name in self._listed(one)}
        replaced = {fold(one.alias): one.this for one in star.args.get("replace") or ()}
        renamed = {
            name: fold(one.alias)
            for one in star.args.get("rename") or ()
            for name in self._listed(one.this)
        }
        for one in replaced.values():
            self._value(one)
        for item in items:
            for column in item.columns:
                name = column.name
                if name in out or (column.merged and not table):
                    continue
                if name in replaced:
                    yield renamed.get(name, name), self._scope.is_unit(replaced[name])
                else:
                    yield renamed.get(name, name), column.unit

    def _listed(self, node: exp.Expr) -> list[str]:
        """A name in EXCLUDE or RENAME; with a qualifier it means one of several columns."""
        name = plain_parts(node) if isinstance(node, exp.Column) else [fold(node.name)]
        if len(name) != 1:
            self._found.add(Rule.CONSTRUCT, "EXCLUDE")
        return name[-1:]


def _star(projection: exp.Expr) -> exp.Star | None:
    """The star of `*` and `people.*`."""
    node = projection.this if isinstance(projection, exp.Column) else projection
    return node if isinstance(node, exp.Star) else None


def _aliases(projections: list[exp.Expr]) -> Iterator[tuple[str, exp.Expr]]:
    """The names that a SELECT list gives, with what they stand for."""
    for projection in projections:
        star = _star(projection)
        if star is not None:
            for one in star.args.get("replace") or ():
                yield fold(one.alias), one.this
            for one in star.args.get("rename") or ():
                yield fold(one.alias), one.this
        elif isinstance(projection, exp.Alias):
            yield fold(projection.alias), projection.this


def _is_list(node: exp.Expr) -> bool:
    """Whether a value is a list whatever its arguments are, and so no struct."""
    node = node.unnest()
    if isinstance(node, exp.Array | exp.Comprehension):
        return True
    return isinstance(node, exp.Func) and function_name(node) in LISTS
