"""Conditions, and values that depend on them: comparisons, CASE, IF, COALESCE, NULLIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from veil.lineage import guards
from veil.lineage.classes import PrivacyClass
from veil.lineage.label import PUBLIC, Key, Label, combine, tallied

if TYPE_CHECKING:
    from veil.lineage.expressions import Expressions

COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
PREDICATES = (
    exp.Between, exp.Like, exp.ILike, exp.SimilarTo, exp.Glob, exp.Or, exp.Xor, exp.Not, exp.Escape,
    exp.RegexpLike, exp.ArrayContainsAll, exp.ArrayOverlaps,
)  # fmt: skip
_TRUE_OR_FALSE = (*COMPARISONS, *PREDICATES, exp.Is, exp.In, exp.Exists, exp.Column)


def tagged(ev: Expressions, node: exp.Expr, label: Label) -> Label:
    """A condition on personal values: what is computed from it speaks of a part of the rows."""
    if label is PUBLIC:
        return label
    if not label.is_personal:
        return replace(label, key=None, counts=None)
    found = frozenset({tag(ev, node)})
    return replace(label, conditions=found, place=False, key=None, counts=None)


def tag(ev: Expressions, node: exp.Expr) -> int:
    """The tag of a condition: the same text in the same SELECT, the same tag."""
    known = ev.select.conditions
    if node not in known:
        known[node] = ev.shared.tags.fresh()
    return known[node]


def tags(ev: Expressions, node: exp.Expr) -> frozenset[int]:
    """Tags of the conditions that hold where, and only where, a condition is true."""
    node = node.unnest()
    if isinstance(node, exp.And):
        return tags(ev, node.this) | tags(ev, node.expression)
    label = ev.label(node)
    if not label.is_personal:
        return frozenset()
    if isinstance(node, _TRUE_OR_FALSE) and label.conditions:
        return label.conditions
    return frozenset({tag(ev, node)})


def conjunction(ev: Expressions, node: exp.Expr) -> Label:
    label = combine([ev.label(node.this), ev.label(node.expression)])
    return label if label is PUBLIC else replace(label, conditions=tags(ev, node))


def comparison(ev: Expressions, node: exp.Expr) -> Label:
    return tagged(ev, node, compared(ev.label(node.this), ev.label(node.expression)))


def compared(one: Label, other: Label) -> Label:
    """A pseudonym compared with one of its own domain tells only whether the two are equal."""
    both = combine([one, other])
    if one.key and other.key and one.key.domain == other.key.domain:
        return tallied(both)
    return both


def null_test(ev: Expressions, node: exp.Expr) -> Label:
    """IS NULL and its kin: only a direct identifier is too much for that."""
    label = ev.label(node.this)
    if PrivacyClass.DIRECT_IDENTIFIER not in label.classes:
        label = tallied(label) if label is not PUBLIC else label
    return tagged(ev, node, label)


def case(ev: Expressions, node: exp.Expr) -> Label:
    branches = [(one.this, one.args["true"]) for one in node.args["ifs"]]
    return _chosen(ev, node, node.args.get("this"), branches, node.args.get("default"))


def choice(ev: Expressions, node: exp.Expr) -> Label:
    branches = [(node.this, node.args["true"])]
    return _chosen(ev, node, None, branches, node.args.get("false"))


def _chosen(
    ev: Expressions,
    node: exp.Expr,
    subject: exp.Expr | None,
    branches: Sequence[tuple[exp.Expr, exp.Expr]],
    default: exp.Expr | None,
) -> Label:
    """One of several results; behind the guards that lead to each."""
    known: list[guards.Guard] = []
    threshold = ev.shared.threshold
    asked, results = [_behind(ev, ev.label(subject), known)], []
    for condition, result in branches:
        label = _behind(ev, ev.label(condition), known)
        here = known
        if subject is None:
            here = [*known, *guards.positive(condition, ev.label, threshold=threshold)]
            known = [*known, *guards.negative(condition, ev.label, threshold=threshold)]
        # A guard is what it guards by: that a cell is hidden is no secret.
        asked.append(_behind(ev, label, [*here, *known]))
        results.append(_behind(ev, ev.label(result), here))
    otherwise = _behind(ev, ev.label(default), known)
    label = combine([*asked, *results, otherwise], "case")
    if label.place:
        label = replace(label, place=any(one.place for one in (*results, otherwise)))
    if not label.is_personal or not combine(asked).is_personal:
        return label
    if len(branches) > 1 or otherwise is not PUBLIC:
        found = frozenset({tag(ev, node)})
        return replace(label, conditions=found.union(*(one.conditions for one in results)))
    found = frozenset({tag(ev, node)}) if subject else tags(ev, branches[0][0])
    label = replace(label, conditions=results[0].conditions | found)
    key = results[0].key
    if key and subject is None and (default is None or isinstance(default, exp.Null)):
        # `case when <condition> then person_key end` is still the person's, or nobody's.
        key = replace(key, claims=key.claims | found)
        return replace(label, explicit=results[0].explicit, key=key)
    return label


def _behind(ev: Expressions, label: Label, found: Sequence[guards.Guard]) -> Label:
    lowered, closed = ev.shared.guarding.behind(label, found)
    if closed:
        ev.select.closed.setdefault(label.cell, []).extend(found)
    return lowered


def coalesce(ev: Expressions, node: exp.Expr, arguments: Sequence[exp.Expr]) -> Label:
    found = ev.labels(arguments)
    label = combine(found, "coalesce()")
    keys = [one.key for one in found if one.key]
    if not keys or len(keys) < len(found) or len({key.domain for key in keys}) > 1:
        return label
    claims = frozenset[int]()
    if all(one.conditions for one in found):
        # There where any of them is: a condition of its own, the same wherever it is written so.
        claims = frozenset({tag(ev, node)})
    names = {key.name for key in keys}
    name = names.pop() if len(names) == 1 else ""
    key = Key(keys[0].domain, name, all(key.person for key in keys), claims)
    return replace(label, conditions=claims, key=key)


def nullif(ev: Expressions, node: exp.Expr, arguments: Sequence[exp.Expr]) -> Label:
    found = ev.labels(arguments)
    both = combine(found, "nullif()")
    if not both.is_personal:
        return both
    return replace(both, conditions=found[0].conditions | {tag(ev, node)})
