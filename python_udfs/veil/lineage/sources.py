"""FROM and JOIN: which relations a SELECT reads, and how their rows are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from veil.lineage.classes import OpenRow
from veil.lineage.conditions import compared
from veil.lineage.context import Select, Walker, clause
from veil.lineage.expressions import Expressions
from veil.lineage.functions import function_name
from veil.lineage.inputs import Layer, Relation, Zone, short_name
from veil.lineage.label import PUBLIC, Label, combine
from veil.lineage.refusals import Rule
from veil.lineage.scope import Item, Rows, as_mapping, column_parts
from veil.lineage.steering import choose, conjuncts, link, spread, spread_over, steer

_READS = {
    Layer.RAW: {Zone.IDENTIFIED},
    Layer.PSEUDONYMIZED: {Zone.IDENTIFIED},
    Layer.INTERMEDIATE: {Zone.PSEUDONYMIZED, Zone.MARTS},
    Layer.MART: {Zone.PSEUDONYMIZED, Zone.MARTS},
}
_FREE_FUNCTIONS = frozenset({"range", "generate_series"})
_TABLE_ARGS = frozenset({"this", "alias", "db", "catalog", "joins", "sample"})
_JOIN_ARGS = frozenset({"this", "on", "side", "kind", "using", "method"})
_METHODS = {"", "NATURAL", "ASOF"}
"""POSITIONAL is not among them: it pairs a row with whatever stands at its place."""
_KINDS = {"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI"}
_SIDES = {"": (False, False), "LEFT": (False, True), "RIGHT": (True, False), "FULL": (True, True)}


class Sources:
    """Fills the scope of one SELECT from its FROM clause."""

    def __init__(self, ev: Expressions, walker: Walker) -> None:
        self._ev = ev
        self._shared = ev.shared
        self._select: Select = ev.select
        self._walker = walker

    def read(self, start: exp.Expr | None, joins: Sequence[exp.Join]) -> None:
        """Everything in FROM, joins included."""
        since = 0
        if start is not None:
            self._add(start)
        for join in joins:
            if not any(join.args.get(key) for key in ("on", "using", "kind", "side", "method")):
                # A comma binds less than a join: what follows joins with what follows.
                since = len(self._select.scope.items)
                self._add(join.this)
            else:
                self._join(join, since)

    # -- one relation

    def _add(self, node: exp.Expr) -> list[Item]:
        before = len(self._select.scope.items)
        if isinstance(node, exp.Table):
            self._table(node)
        elif isinstance(node, exp.Subquery):
            self._derived(node)
        elif isinstance(node, exp.Lateral):
            self._shared.only(node, frozenset({"this", "alias"}))
            inner = node.this
            if isinstance(inner, exp.Subquery):
                self._enter(self._rows(inner), node.args.get("alias"))
            elif isinstance(inner, exp.Unnest):
                self._unnest(inner.expressions, node.args.get("alias"))
            else:
                self._function(inner, node.args.get("alias"))
        elif isinstance(node, exp.Unnest):
            self._shared.only(node, frozenset({"expressions", "alias"}))
            self._unnest(node.expressions, node.args.get("alias"))
        elif isinstance(node, exp.Values):
            self._enter(self._rows(node), node.args.get("alias"))
        else:
            self._unfollowable(type(node).__name__, node.args.get("alias"))
        return self._select.scope.items[before:]

    def _rows(self, query: exp.Expr) -> Rows:
        return self._walker.rows(query, self._select.ctes, self._select.scope)

    def _table(self, node: exp.Table) -> None:
        alias = node.args.get("alias")
        since = len(self._select.scope.items)
        self._shared.sampled(node.args.get("sample"))
        if extra := _extra(node, _TABLE_ARGS):
            self._unfollowable(extra, alias)
        elif not isinstance(node.this, exp.Identifier):
            self._function(node.this, alias)
        else:
            parts = tuple(part.name.lower() for part in node.parts)
            cte = self._select.ctes.get(parts[0]) if len(parts) == 1 else None
            relation = self._shared.relations.get(parts)
            if cte is not None:
                self._enter(cte, alias, default=parts[0])
            elif relation is not None:
                self._relation(relation, alias)
            else:
                self._shared.refuse(Rule.UNKNOWN_RELATION, parts[-1])
                self._enter(Rows([], wild=PUBLIC), alias, default=parts[-1])
        for join in node.args.get("joins") or ():
            self._join(join, since)

    def _relation(self, relation: Relation, alias: exp.Expr | None) -> None:
        name = short_name(relation.name)
        if relation.is_personal and relation.zone not in _READS[self._shared.layer]:
            self._shared.refuse(Rule.LAYER, name)
        if relation.unclassified:
            # Each is named, also where it is not selected: nobody can say what its rows tell.
            for column in sorted(relation.unclassified):
                self._shared.refuse(Rule.UNCLASSIFIED, f"{name}.{column}")
        tag = self._shared.tags.enter(relation.links)
        rows = Rows(
            columns=[(column, label.mapped(tag)) for column, _, label in relation.columns],
            open_rows={
                tag(old): OpenRow(row.source, tag(row.cell))
                for old, row in relation.open_rows.items()
            },
            chosen=relation.chosen,
            steered=relation.steered,
            steers=relation.steers,
            guarded=any(label.reach for _, _, label in relation.columns),
        )
        self._item(rows, alias, name)
        self._select.scope.items[-1].stored = True

    def _derived(self, node: exp.Subquery) -> None:
        alias = node.args.get("alias")
        since = len(self._select.scope.items)
        extra = _extra(node, frozenset({"this", "alias", "joins", "sample"}))
        self._shared.sampled(node.args.get("sample"))
        if extra:
            self._unfollowable(extra, alias)
        elif isinstance(node.this, exp.Table):
            # `(people join orders using (person_key)) as j`: DuckDB ignores the alias.
            self._table(node.this)
        else:
            self._enter(self._rows(node.this), alias)
        for join in node.args.get("joins") or ():
            self._join(join, since)

    def _function(self, node: exp.Expr, alias: exp.Expr | None) -> None:
        name = function_name(node)
        if name == "unnest":
            self._unnest(list(node.iter_expressions()), alias)
            return
        label = combine(self._ev.labels(node.iter_expressions()), f"{name}()")
        if name not in _FREE_FUNCTIONS:
            self._shared.refuse(Rule.TABLE_FUNCTION, name)
            self._item(Rows([], wild=label), alias, name)
            return
        if label.is_personal:
            steer(self._shared, self._select, label)
        self._item(Rows([(name, label)]), alias, name)

    def _unnest(self, nodes: Sequence[exp.Expr], alias: exp.Expr | None) -> None:
        label = replace(combine(self._ev.labels(nodes), "unnest()"), key=None)
        choose(self._shared, self._select, label)
        self._item(Rows([("unnest", label)], wild=label), alias, "unnest")

    def _unfollowable(self, what: str, alias: exp.Expr | None) -> None:
        self._shared.refuse(Rule.UNFOLLOWABLE, what)
        self._item(Rows([], wild=PUBLIC), alias, "unfollowable")

    def _enter(self, rows: Rows, alias: exp.Expr | None, default: str = "") -> None:
        self._item(rows.scanned(self._shared.tags), alias, default)

    def _item(self, rows: Rows, alias: exp.Expr | None, default: str) -> None:
        """Make rows visible under an alias, columns renamed as the alias says."""
        name = default
        if isinstance(alias, exp.TableAlias):
            name = alias.name or default
            if not alias.name and alias.columns:
                name = alias.columns[0].name
            for index, column in enumerate(alias.columns[: len(rows.columns)]):
                rows.columns[index] = (column.name, rows.columns[index][1])
            # `unnest(…) as t(a, b)` and `range(…) as i`: a name that stands for the one column.
            if (
                len(rows.columns) == 1
                and not alias.columns
                and default in {"unnest", "range", "generate_series"}
            ):
                rows.wild = rows.columns[0][1]
        item = as_mapping(rows, name.lower())
        self._select.scope.items.append(item)
        self._select.open_rows.update(rows.open_rows)
        self._select.chosen |= rows.chosen
        self._select.steered |= rows.steered
        self._select.guarded = self._select.guarded or rows.guarded
        if rows.steers:
            self._select.steers.append(Label(implicit=rows.steers))

    # -- joins

    def _join(self, join: exp.Join, since: int) -> None:
        """One join of the items from number `since` on with one more relation."""
        left = [item for item in self._select.scope.items[since:] if not item.hidden]
        if extra := _extra(join, _JOIN_ARGS):
            self._unfollowable(extra, None)
            return
        method, kind, side = (
            str(join.args.get(key) or "").upper() for key in ("method", "kind", "side")
        )
        if method not in _METHODS or kind not in _KINDS or side not in _SIDES:
            self._unfollowable(f"{method} JOIN".strip(), None)
            return
        right = self._add(join.this)
        names = [column.name.lower() for column in join.args.get("using") or ()]
        if method == "NATURAL":
            have = {name for item in left for name in item.columns}
            names = [name for item in right for name in item.columns if name in have]
        hidden = kind in {"SEMI", "ANTI"}
        self._ev.forget()
        for name in names:
            self._using(name, left, right, side=side, hidden=hidden)
        # Where rows stay that do not meet the condition, it says nothing of two items on one side.
        apart = right if side or kind == "ANTI" else None
        for condition in conjuncts(join.args.get("on")):
            self.condition(condition, apart=apart)
        for item in right:
            item.hidden = hidden
        for items, nullable in zip((left, right), _SIDES[side], strict=True):
            if nullable:
                self._nullable(items)
        self._ev.forget()

    def condition(self, condition: exp.Expr, *, apart: list[Item] | None = None) -> None:
        """One condition of ON or WHERE.

        Args:
            condition: one that holds for every row, alone or with others.
            apart: items of which it may fail for rows that stay: it links them with others only.
        """
        label = self._ev.behind(self._ev.label(condition))
        linked = False
        if isinstance(condition, exp.EQ):
            sides = condition.this, condition.expression
            one, other = self._ev.labels(sides)
            if apart is None or self._is_in(sides[0], apart) != self._is_in(sides[1], apart):
                linked = link(self._shared, self._select, one, other)
        steer(self._shared, self._select, label)
        if not linked and spread(self._shared, self._select, condition, label):
            self._ev.forget()

    def _is_in(self, node: exp.Expr, items: list[Item]) -> bool:
        node = node.unnest()
        if not isinstance(node, exp.Column):
            return False
        found = self._select.scope.resolve(column_parts(node))
        return found is not None and any(found[0] is item for item in items)

    def _using(
        self, name: str, left: list[Item], right: list[Item], *, side: str, hidden: bool
    ) -> None:
        mine = next((item for item in left if name in item.columns), None)
        theirs = next((item for item in right if name in item.columns), None)
        if mine is None or theirs is None:
            self._shared.refuse(Rule.UNKNOWN_COLUMN, name)
            return
        merged = self._select.scope.merged
        one = merged.get(name, mine.columns[name])
        other = theirs.columns[name]
        linked = link(self._shared, self._select, one, other)
        both = compared(one, other)
        steer(self._shared, self._select, both)
        if not linked:
            spread_over(self._shared, [mine, theirs], both)
        if not hidden:
            merged[name] = _merged(one, other, linked=linked, side=side)

    def _nullable(self, items: list[Item]) -> None:
        """The outer side of a join: its values are there for a part of the rows only."""
        tag = self._shared.tags.fresh()
        for item in items:
            for name, label in item.columns.items():
                if label.is_personal:
                    item.columns[name] = replace(
                        label,
                        conditions=label.conditions | {tag},
                        key=label.key and replace(label.key, claims=label.key.claims | {tag}),
                    )


def _merged(one: Label, other: Label, *, linked: bool, side: str) -> Label:
    """The one column that USING makes of two."""
    both = combine([one, other])
    if not linked or one.key is None or other.key is None:
        return both
    kept, key = (other, other.key) if side == "RIGHT" else (one, one.key)
    claims = one.key.claims & other.key.claims if side == "FULL" else key.claims
    person = one.key.person and other.key.person
    merged = replace(key, person=person, claims=claims)
    return replace(both if side == "FULL" else kept, key=merged)


def _extra(node: exp.Expr, known: frozenset[str]) -> str:
    """The first clause of a node that nobody has thought of, as a word; empty where there is
    none."""
    return next((clause(key) for key, value in node.args.items() if value and key not in known), "")
