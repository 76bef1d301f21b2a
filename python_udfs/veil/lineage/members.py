"""Values made of others: casts, products, structs, maps, lists, and what is taken out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from veil.lineage import calls, conditions
from veil.lineage.label import PUBLIC, Label, combine

if TYPE_CHECKING:
    from veil.lineage.expressions import Expressions


def cast(ev: Expressions, node: exp.Expr) -> Label:
    label = ev.label(node.this)
    to = node.args["to"]
    if label is PUBLIC:
        return label
    if isinstance(to, exp.DataType) and to.this in exp.DataType.TEXT_TYPES:
        return replace(label, counts=None)
    if isinstance(to, exp.DataType) and to.this is exp.DType.BOOLEAN:
        return conditions.tagged(ev, node, label)
    if isinstance(node, exp.TryCast) and label.is_personal:
        # There for those only whose value fits.
        found = label.conditions | {conditions.tag(ev, node)}
        return replace(label, key=None, counts=None, conditions=found)
    return replace(label, key=None)


def product(ev: Expressions, node: exp.Expr) -> Label:
    sides = ev.labels([node.this, node.expression])
    label = combine(sides)
    # `greatest(age - 96, 0) * income` is the income of one person.
    if any(side.bent or side.place for side in sides) and all(side.is_personal for side in sides):
        return replace(label, shaped=True)
    return label


def named_value(ev: Expressions, node: exp.Expr) -> Label:
    """`name: value` of a struct, `name := value` of a call."""
    named = PUBLIC if isinstance(node.this, exp.Identifier) else ev.label(node.this)
    return combine([named, ev.label(node.expression)])


def looked_up(ev: Expressions, node: exp.Expr) -> Label:
    """A member by its place or name: where a person's value says which, only some have it."""
    keys: list[object] = [node.expression]
    label = ev.children(node)
    if isinstance(node, exp.ToMap):
        inner = node.this
        while isinstance(inner, exp.Bracket):  # `map {…}[key]` is parsed as `map ({…}[key])`
            inner = inner.this
        # In a map, unlike in a struct, a bare name is a column.
        keys = [one.this for one in inner.expressions]
        label = combine([label, *ev.labels(keys)])
    elif isinstance(node, exp.Bracket):
        keys = [*node.expressions]
    if label.is_personal and combine(ev.labels(keys)).is_personal:
        return replace(label, conditions=label.conditions | {conditions.tag(ev, node)})
    return label


def comprehension(ev: Expressions, node: exp.Expr) -> Label:
    """`[x + 1 for x in list if x > 2]`."""
    members = ev.label(node.args["iterator"])
    with ev.variables({node.expression.name.lower(): members}):
        condition = node.args.get("condition")
        label = combine([members, ev.label(node.this), ev.label(condition)])
        if condition is None or not label.is_personal:
            return label
        return replace(label, conditions=label.conditions | conditions.tags(ev, condition))


def dot(ev: Expressions, node: exp.Expr) -> Label:
    """`value.function(…)`, or a field of a struct."""
    if isinstance(node.expression, exp.Func):
        return calls.called(ev, node.expression, first=node.this)
    return ev.label(node.this)
