"""FROM and JOIN: whose rows come out when relations are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from veil.lineage.functions import function_name
from veil.lineage.steering import conjuncts
from veil.stability.expressions import Expressions
from veil.stability.names import Item, Parent, Reading, Scope, plain_parts, readings
from veil.stability.relations import Personal, Public, Rows, fold
from veil.stability.rules import Found, Rule

Relations = Mapping[tuple[str, ...], Personal | Public]
Ctes = Mapping[str, Rows]

_TABLE = frozenset({"this", "alias", "db", "catalog", "joins", "sample"})
_DERIVED = frozenset({"this", "alias", "joins", "sample"})
_JOIN = frozenset({"this", "on", "side", "kind", "using", "method"})
_METHODS = {"", "NATURAL"}
_KINDS = {"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI"}
_SIDES = {"", "LEFT", "RIGHT", "FULL"}
_FUNCTIONS = {"range", "generate_series"}


class Side(NamedTuple):
    """One side of a join.

    Attributes:
        items: its relations.
        owned: its rows are people's.
        spread: it is the unnested list of a row of its neighbours.
    """

    items: list[Item]
    owned: bool
    spread: bool = False


class Sources:
    """Fills the scope of one SELECT from its FROM clause.

    Args:
        found: collects refusals.
        relations: what may be read, by the folded parts of its name.
        ctes: the CTEs that the SELECT sees.
        expressions: of the SELECT.
        rows: walks a query in FROM.
    """

    def __init__(
        self,
        found: Found,
        relations: Relations,
        ctes: Ctes,
        expressions: Expressions,
        rows: Callable[[exp.Expr, Parent], Rows],
    ) -> None:
        self._found = found
        self._relations = relations
        self._ctes = ctes
        self._expressions = expressions
        self._scope: Scope = expressions.scope
        self._rows = rows

    def read(self, start: exp.Expr | None, joins: Sequence[exp.Join]) -> bool:
        """Everything in FROM, joins included; whether its rows are people's."""
        if start is None:
            return False
        sides: list[Side] = []
        side = self._add(start)
        for join in joins:
            if any(join.args.get(key) for key in ("on", "using", "kind", "side", "method")):
                side = self._join(side, join)
            else:
                # A comma binds less than a join: what follows joins with what follows.
                sides.append(side)
                side = self._add(join.this)
        owned = sum(one.owned for one in (*sides, side))
        if owned > 1:
            self._found.add(Rule.JOIN, "CROSS JOIN")
        return bool(owned)

    # -- one relation

    def _add(self, node: exp.Expr) -> Side:
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.Subquery):
            return self._derived(node)
        alias = node.args.get("alias")
        if isinstance(node, exp.Values):
            return self._enter(self._rows(node, self._beside), alias)
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Unnest):
            self._found.only(node, {"this", "alias"})
            node = node.this
        if isinstance(node, exp.Unnest):
            return self._unnest(node, alias)
        return self._refused(Rule.LATERAL, type(node).__name__.upper(), alias)

    @property
    def _beside(self) -> Parent:
        return Parent(self._scope, beside=True)

    def _table(self, node: exp.Table) -> Side:
        alias = node.args.get("alias")
        self._found.only(node, _TABLE)
        self._found.chosen(node)
        parts = tuple(fold(part.name) for part in node.parts)
        if not isinstance(node.this, exp.Identifier):
            side = self._function(node.this, alias)
        elif len(parts) == 1 and parts[0] in self._ctes:
            side = self._enter(self._ctes[parts[0]], alias, default=parts[0])
        elif parts in self._relations:
            side = self._relation(self._relations[parts], alias, default=parts[-1])
        else:
            side = self._refused(Rule.RELATION, parts[-1], alias, default=parts[-1])
        return self._joined(side, node)

    def _relation(
        self, relation: Personal | Public, alias: exp.Expr | None, *, default: str
    ) -> Side:
        units: frozenset[str] = frozenset()
        if isinstance(relation, Personal):
            units = frozenset(map(fold, relation.units)) & set(map(fold, relation.columns))
            if len(units) != 1 or len(relation.units) != 1:
                self._found.name(Rule.OWNER, default)
                units = frozenset()
        columns = tuple((column, fold(column) in units) for column in relation.columns)
        rows = Rows(isinstance(relation, Personal), columns)
        return self._enter(rows, alias, default=default)

    def _derived(self, node: exp.Subquery) -> Side:
        alias = node.args.get("alias")
        self._found.only(node, _DERIVED)
        self._found.chosen(node)
        if not isinstance(node.this, exp.Table):
            return self._joined(self._enter(self._rows(node.this, self._beside), alias), node)
        if alias is not None:
            # `(people join orders using (person_key)) as j`: DuckDB ignores the alias.
            self._found.add(Rule.CONSTRUCT, "AS")
        return self._joined(self._table(node.this), node)

    def _joined(self, side: Side, node: exp.Expr) -> Side:
        for join in node.args.get("joins") or ():
            side = self._join(side, join)
        return side

    def _function(self, node: exp.Expr, alias: exp.Expr | None) -> Side:
        name = function_name(node)
        if name not in _FUNCTIONS:
            return self._refused(Rule.RELATION, name, alias)
        inner = Expressions(self._found, Scope(self._beside), self._rows)
        for one in node.iter_expressions():
            inner.check(one)
        return self._enter(Rows(False, ((name, False),)), alias, default=name)

    def _unnest(self, node: exp.Unnest, alias: exp.Expr | None) -> Side:
        """The members of a list, of constants or of a column of the row beside it."""
        self._found.only(node, {"expressions", "alias"})
        if len(node.expressions) != 1:
            self._found.add(Rule.CONSTRUCT, "UNNEST")
        for one in node.expressions:
            self._expressions.check(one)
        side = self._enter(Rows(False, (("unnest", False),)), alias, default="unnest")
        return side._replace(spread=node.find(exp.Column) is not None)

    def _refused(self, rule: Rule, name: str, alias: exp.Expr | None, *, default: str = "") -> Side:
        self._found.name(rule, name)
        return self._enter(Rows(owned=False, unknown=True), alias, default=default)

    def _enter(self, rows: Rows, alias: exp.Expr | None, *, default: str = "") -> Side:
        """Make rows visible under an alias, columns renamed as the alias says."""
        name = default
        if isinstance(alias, exp.TableAlias):
            name = alias.name or default
            rows = rows.renamed([column.name for column in alias.columns])
        elif alias is not None:
            self._found.add(Rule.CONSTRUCT, "AS")
        item = Item.of(rows, name)
        self._scope.items.append(item)
        return Side([item], rows.owned)

    # -- joins

    def _join(self, left: Side, join: exp.Join) -> Side:
        """One join; whose rows come out is decided by what it keeps and by what it compares."""
        self._found.only(join, _JOIN)
        method, kind, side = (
            str(join.args.get(key) or "").upper() for key in ("method", "kind", "side")
        )
        if method not in _METHODS or kind not in _KINDS or side not in _SIDES:
            self._found.add(Rule.CONSTRUCT, f"{method or side} {kind} JOIN".replace("  ", " "))
        right = self._add(join.this)
        hides = kind in {"SEMI", "ANTI"}
        keyed = self._using(_names(join, left, right, natural=method == "NATURAL"), left, right)
        condition = join.args.get("on")
        self._expressions.check(condition)
        keyed = self._keyed(condition, left, right) or keyed
        said = f"{side} {kind or 'JOIN'}".strip()
        owned = left.owned or right.owned
        if owned and (side in {"RIGHT", "FULL"} or (not left.owned and (side or hides))):
            self._found.add(Rule.PRESERVED, said)
        elif left.owned and right.owned and not keyed:
            self._found.add(Rule.JOIN, said)
        if right.spread and (hides or side not in {"", "LEFT"}):
            self._found.add(Rule.LATERAL, said)
        for item in right.items:
            item.hidden = item.hidden or hides
            for column in item.columns:
                # Where nothing matched there is no value: NULL is not the owner.
                column.unit = column.unit and not side
        return Side([*left.items, *right.items], owned, left.spread or right.spread)

    def _using(self, names: Sequence[str], left: Side, right: Side) -> bool:
        """Make one column of two for each name of USING; whether one of them is the unit."""
        keyed = False
        for name in names:
            mine, theirs = (_visible(side, name) for side in (left, right))
            if len(mine) != 1 or len(theirs) != 1:
                if not any(item.unknown for item in (*left.items, *right.items)):
                    self._found.name(Rule.COLUMN, name)
                continue
            keyed = keyed or (mine[0].unit and theirs[0].unit)
            if theirs[0].column is not None:
                theirs[0].column.merged = True
        return keyed

    def _keyed(self, condition: exp.Expr | None, left: Side, right: Side) -> bool:
        """Whether rows meet only where both sides' units are equal."""
        if condition is None or _is_loose(condition):
            return False
        return any(
            isinstance(one, exp.EQ)
            and (
                (_is_unit(one.this, left, right) and _is_unit(one.expression, right, left))
                or (_is_unit(one.this, right, left) and _is_unit(one.expression, left, right))
            )
            for one in conjuncts(condition)
        )


def _visible(side: Side, name: str) -> list[Reading]:
    items = [item for item in side.items if not item.hidden]
    return [one for one in readings([name], items) if one.column is not None]


def _names(join: exp.Join, left: Side, right: Side, *, natural: bool) -> list[str]:
    """The folded names of USING, or those that both sides of a natural join have."""
    names = [fold(column.name) for column in join.args.get("using") or ()]
    if natural:
        here = (column.name for item in right.items for column in item.columns)
        names += [name for name in here if name and _visible(left, name)]
    return names


def _is_unit(node: exp.Expr, side: Side, other: Side) -> bool:
    """Whether a side of `=` is one side's unit, and nothing of the other."""
    parts = plain_parts(node)
    if not parts:
        return False
    mine, theirs = (
        readings(parts, [item for item in one.items if not item.hidden]) for one in (side, other)
    )
    return len(mine) == 1 and mine[0].unit and not theirs


def _is_loose(condition: exp.Expr) -> bool:
    """Whether an arrow stands in it outside of all brackets: to DuckDB it binds less than AND."""

    def parts(node: exp.Expr) -> Iterator[exp.Expr]:
        yield node
        if not isinstance(node, exp.Paren | exp.Anonymous | exp.Query):
            for one in node.iter_expressions():
                yield from parts(one)

    return any(
        isinstance(one, exp.JSONExtract | exp.JSONExtractScalar | exp.Lambda)
        for one in parts(condition)
    )
