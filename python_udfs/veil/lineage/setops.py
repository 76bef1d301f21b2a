"""UNION, INTERSECT, EXCEPT, and recursive CTEs: rows of several queries in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from veil.lineage.classes import Flow
from veil.lineage.context import Ctes, Shared
from veil.lineage.label import PUBLIC, Key, Label, combine
from veil.lineage.refusals import Rule
from veil.lineage.scope import Rows

_ROUNDS = 12
"""A label can grow only by the sources of one query; this many rounds are never needed."""


def merged(shared: Shared, sides: Sequence[Rows], *, by_name: bool) -> Rows:
    """The rows of two queries in one relation.

    A row of either side speaks of its own people, so the two owners become one: that of each side's
    first pseudonym. Whoever else a side speaks of stays apart.
    """
    own = shared.tags.fresh()
    left, right = (_own(shared, side, own) for side in sides)
    names = [name for name, _ in left.columns]
    if by_name:
        have = {name.lower() for name in names}
        names += [name for name, _ in right.columns if name.lower() not in have]
    columns: list[tuple[str, Label]] = []
    for index, name in enumerate(names):
        labels = [_pick(side, index, name, by_name=by_name) for side in (left, right)]
        columns.append((name, _either(shared, labels)))
    wild = [side.wild for side in (left, right) if side.wild is not None]
    return Rows(
        columns=columns,
        open_rows={**left.open_rows, **right.open_rows},
        chosen=left.chosen | right.chosen,
        steered=left.steered | right.steered,
        steers={**right.steers, **left.steers},
        steer=combine([left.steer, right.steer]),
        wild=combine(wild) if wild else None,
        guarded=left.guarded or right.guarded,
    )


def _pick(side: Rows, index: int, name: str, *, by_name: bool) -> Label:
    if by_name:
        found = [label for one, label in side.columns if one.lower() == name.lower()]
        return found[0] if found else side.wild or PUBLIC
    return side.columns[index][1] if index < len(side.columns) else side.wild or PUBLIC


def _either(shared: Shared, labels: Sequence[Label]) -> Label:
    """A value that comes from one query or the other."""
    label = combine(labels)
    if not label.is_personal:
        return label
    keys = [one.key for one in labels if one.key]
    key = None
    if len(keys) == len(labels) and len({one.domain for one in keys}) == 1:
        claims = frozenset.intersection(*(one.claims for one in keys))
        names = {one.name for one in keys}
        key = Key(
            keys[0].domain,
            names.pop() if len(names) == 1 else "",
            all(one.person for one in keys),
            claims,
        )
    conditions = label.conditions
    if any(not one.flows() for one in labels) and label.flows():
        # A constant on one side: the value is there for the other side's people only.
        conditions |= {shared.tags.fresh()}
    return replace(label, key=key, conditions=conditions, cell=0, lowered=None, grain=False)


def _own(shared: Shared, side: Rows, own: int) -> Rows:
    """A side with the owner of its first pseudonym under a tag that both sides share."""
    keyed = [label for _, label in side.columns if label.key and label.explicit]
    flowing = [label for _, label in side.columns if label.flows()]
    first = next(iter(keyed or flowing), PUBLIC)
    if not first.explicit:
        return side
    tags = shared.tags
    owner = tags.same(next(iter(first.flows() or first.explicit)).owner)
    tags.link(own, owner, person=False)

    def tag(old: int) -> int:
        return own if tags.same(old) == owner else old

    return replace(side, columns=[(name, label.mapped(tag)) for name, label in side.columns])


def recursive(
    shared: Shared,
    body: exp.SetOperation,
    name: str,
    names: Sequence[str],
    walk: Callable[[exp.Expr, Ctes], Rows],
    ctes: Mapping[str, Rows],
) -> Rows:
    """A recursive CTE: walked until its labels grow no more."""
    ctes = {key: rows for key, rows in ctes.items() if key != name}
    anchor = walk(body.this, ctes)
    found = _loose(shared, named(anchor, names))
    for _ in range(_ROUNDS):
        step = walk(body.expression, {**ctes, name: found})
        grown = _loose(shared, named(merged(shared, [found, step], by_name=False), names))
        if _shape(grown) == _shape(found):
            return grown
        found = grown
    shared.refuse(Rule.UNFOLLOWABLE, "RECURSIVE")
    return found


def named(rows: Rows, names: Sequence[str]) -> Rows:
    columns = [
        (names[index] if index < len(names) else name, label)
        for index, (name, label) in enumerate(rows.columns)
    ]
    return replace(rows, columns=columns)


def _loose(shared: Shared, rows: Rows) -> Rows:
    """Rows of which nobody can say any more whom they speak of: no guard covers them."""
    columns = []
    for name, label in rows.columns:
        if label.explicit:
            owner = shared.tags.fresh()
            explicit = {Flow(f.source, owner, f.tally): path for f, path in label.explicit.items()}
            label = replace(label, explicit=explicit, key=None, counts=None, cell=0, lowered=None)
        columns.append((name, label))
    return replace(rows, columns=columns)


def _shape(rows: Rows) -> list[tuple[str, frozenset[tuple[str, bool]], int, bool]]:
    """What of the labels can grow, owners left out."""
    return [
        (
            name,
            frozenset((flow.source.name, flow.tally) for flow in label.explicit),
            label.reach,
            rows.is_open,
        )
        for name, label in rows.columns
    ]
