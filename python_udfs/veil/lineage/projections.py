"""The columns that a SELECT gives, stars included, and what puts its rows in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from veil.lineage.classes import PrivacyClass
from veil.lineage.expressions import Expressions
from veil.lineage.functions import function_name
from veil.lineage.label import PUBLIC, Label, combine
from veil.lineage.refusals import Rule
from veil.lineage.steering import choose, refuse_identifiers

_PATTERNS = (exp.Like, exp.ILike, exp.Glob, exp.SimilarTo, exp.RegexpLike, exp.Not, exp.Escape)


def columns(ev: Expressions, projections: Sequence[exp.Expr]) -> Iterator[tuple[str, Label]]:
    """Name and label of every column, in order."""
    for index, projection in enumerate(projections, 1):
        if isinstance(projection, exp.Star) or (
            isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
        ):
            yield from _star(ev, projection)
            continue
        name = projection.alias or (
            projection.name if isinstance(projection, exp.Column | exp.Dot) else f"#{index}"
        )
        inner = projection.unalias()
        with ev.shared.within(name):
            if isinstance(inner, _PATTERNS) and inner.find(exp.Star):
                ev.shared.refuse(Rule.UNFOLLOWABLE, "COLUMNS")
            label = ev.label(inner)
        yield name, label
        if isinstance(inner, exp.Func) and function_name(inner) == "unnest":
            # A struct becomes a column for each field, under names that nobody knows here.
            yield "*", label


def _star(ev: Expressions, node: exp.Expr) -> Iterator[tuple[str, Label]]:
    scope = ev.select.scope
    star = node if isinstance(node, exp.Star) else node.this
    ev.shared.only(star, frozenset({"except_", "replace", "rename"}))
    table = node.text("table").lower() if isinstance(node, exp.Column) else ""
    items = [item for item in scope.visible() if not table or item.alias == table]
    if table and not items:
        ev.shared.refuse(Rule.UNKNOWN_RELATION, table)
    out = {one.name.lower() for one in star.args.get("except_") or ()}
    replaced = {one.alias.lower(): one.this for one in star.args.get("replace") or ()}
    renamed = {one.this.name.lower(): one.alias for one in star.args.get("rename") or ()}
    seen: set[str] = set()
    for item in items:
        for name, own in item.columns.items():
            merged = None if table else scope.merged.get(name)
            if name in out or (merged is not None and name in seen):
                continue
            seen.add(name)
            shown = renamed.get(name, item.names.get(name, name))
            if name in replaced:
                with ev.shared.within(shown):
                    yield shown, ev.label(replaced[name])
            else:
                yield shown, _column(ev, own if merged is None else merged)
        if item.wild is not None:
            yield "*", _column(ev, item.wild)


def _column(ev: Expressions, label: Label) -> Label:
    return ev.behind(label) if ev.by_row else ev.as_key(label)


def order(
    ev: Expressions,
    query: exp.Expr,
    by_name: Mapping[str, Label],
    by_place: Sequence[Label] = (),
) -> None:
    """DISTINCT ON, ORDER BY, LIMIT: what they look at decides rows and their order.

    Args:
        ev: of the query.
        query: the query that has the clauses.
        by_name: its columns by lower-case name.
        by_place: its columns in order.
    """
    looked_at: list[Label] = []
    clause = query.args.get("order")
    for ordered in clause.expressions if clause else ():
        looked_at.append(_ordered(ev, ordered.this, by_name, by_place))
    distinct = query.args.get("distinct")
    if isinstance(distinct, exp.Distinct) and distinct.args.get("on"):
        looked_at.extend(ev.labels(distinct.args["on"].unnest().iter_expressions()))
    for label in looked_at:
        refuse_identifiers(ev.shared, label, least=PrivacyClass.DIRECT_IDENTIFIER)
    for key in ("limit", "offset"):
        clause = query.args.get(key)
        if clause is not None:
            looked_at.extend(ev.labels(clause.iter_expressions()))
    for label in looked_at:
        choose(ev.shared, ev.select, label, groups=True)


def _ordered(
    ev: Expressions, node: exp.Expr, by_name: Mapping[str, Label], by_place: Sequence[Label]
) -> Label:
    if isinstance(node, exp.PositionalColumn):
        node = node.this
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        index = int(node.this) - 1
        return by_place[index] if index < len(by_place) else PUBLIC
    if isinstance(node, exp.Column) and len(node.parts) == 1:
        found = by_name.get(node.name.lower())
        if found is not None:
            return found
    if isinstance(node, exp.Var):
        return combine(by_place)
    if not ev.select.scope.items and by_name:
        # ORDER BY of a set operation sees its columns alone.
        return combine(by_name.values())
    with ev.aliases("first"):
        return ev.behind(ev.label(node))
