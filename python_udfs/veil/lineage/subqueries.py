"""Subqueries as values: scalar ones, IN, EXISTS, ANY and ALL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from veil.lineage.classes import Reach
from veil.lineage.conditions import compared, tag, tagged
from veil.lineage.label import Label, combine, key_owners
from veil.lineage.scope import Rows

if TYPE_CHECKING:
    from veil.lineage.expressions import Expressions


def _rows(ev: Expressions, query: exp.Expr) -> Rows:
    """The rows of a subquery, correlated or not, with tags of their own."""
    while isinstance(query, exp.Subquery) and isinstance(query.this, exp.Query) and _bare(query):
        query = query.this
    return ev.walker.rows(query, ev.select.ctes, ev.select.scope).scanned(ev.shared.tags)


def _bare(query: exp.Subquery) -> bool:
    return not any(value for key, value in query.args.items() if key != "this")


def scalar(ev: Expressions, node: exp.Expr) -> Label:
    rows = _rows(ev, node)
    found = [label for _, label in rows.columns]
    label = found[0] if len(found) == 1 else combine(found)
    label = replace(_of_rows(rows, label), cell=0, lowered=None, grain=False, counts=None)
    if label.is_personal:
        # There for those only of whom the subquery finds something.
        label = replace(label, conditions=label.conditions | {tag(ev, node)})
    return label


def membership(ev: Expressions, node: exp.Expr) -> Label:
    """IN, over a list or a subquery."""
    query = node.args.get("query")
    if query is None:
        return tagged(ev, node, ev.children(node))
    rows = _rows(ev, query)
    left = node.this.unnest()
    sides = left.expressions if isinstance(left, exp.Tuple) else [left]
    found = [rows.steer]
    for side, (_, column) in zip(sides, rows.columns, strict=False):
        label = ev.label(side)
        _one_person(ev, label, column)
        found.append(compared(label, column))
    found.extend(ev.labels(sides[len(rows.columns) :]))
    return tagged(ev, node, _of_rows(rows, combine(found)))


def existence(ev: Expressions, node: exp.Expr) -> Label:
    """EXISTS: what chose the rows is what it tells."""
    rows = _rows(ev, node.this)
    return tagged(ev, node, _of_rows(rows, rows.steer))


def _one_person(ev: Expressions, one: Label, other: Label) -> None:
    """What a subquery tells of the pseudonym that it is compared with, it tells of that person."""
    if one.key and other.key and one.key.domain == other.key.domain:
        for mine in key_owners(one):
            for flow in other.explicit:
                ev.shared.tags.link(mine, flow.owner, person=one.key.person)


def _of_rows(rows: Rows, label: Label) -> Label:
    reach = label.reach
    if rows.is_open:
        reach = Reach.PERSONAL
    elif rows.guarded:
        reach = max(reach, Reach.GUARDED)
    implicit = dict(label.implicit)
    for source, path in rows.steers.items():
        implicit.setdefault(source, path)
    return replace(label, implicit=implicit, reach=reach)
