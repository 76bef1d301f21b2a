"""Labels of window functions: over rows, and over the groups of an aggregating SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from veil.lineage.aggregates import OVER_ROWS, Call, aggregated, bare, counted, taken_apart
from veil.lineage.classes import PrivacyClass, Reach
from veil.lineage.functions import Behaviour, function_name
from veil.lineage.label import PUBLIC, Label, combine, key_owners, steered
from veil.lineage.refusals import Rule
from veil.lineage.steering import refuse_identifiers

if TYPE_CHECKING:
    from veil.lineage.expressions import Expressions

_HANDED_OVER = frozenset(["lag", "lead", "first_value", "last_value", "nth_value"])


def window(ev: Expressions, node: exp.Expr) -> Label:
    """The label of a window function."""
    call = taken_apart(node.this)
    partition, orders, framed = _window(ev, node)
    if call is None or call.kind not in OVER_ROWS | {Behaviour.POSITION, Behaviour.NEIGHBOUR}:
        ev.shared.refuse(Rule.UNKNOWN_FUNCTION, function_name(bare(node.this)))
        return combine([*ev.labels(node.this.iter_expressions()), ev.select.scope.everything()])
    keys, by = ev.labels(partition), ev.labels(orders)
    for label in (*keys, *by):
        refuse_identifiers(ev.shared, label, least=PrivacyClass.DIRECT_IDENTIFIER)
    if not ev.by_row:
        return _over_groups(ev, call, keys, by)
    arguments = ev.labels(call.arguments)
    everything = combine([*arguments, ev.label(call.filters), *keys, *by])
    if not ev.select.has_open_rows and not everything.is_personal:
        content = combine(arguments, f"{call.name}()")
        reach = max(everything.reach, Reach.GUARDED if ev.select.guarded else Reach.PUBLIC)
        flat = steered(content, [*keys, *by])
        return replace(flat, reach=reach, key=None, why=everything.why)
    # Among the rows of one person a place is a number of that person's own.
    among = not any(key.key is not None and key.key.person for key in keys)
    if call.kind is Behaviour.POSITION:
        flows = {
            flow if flow.privacy_class < PrivacyClass.PSEUDONYM else counted(flow): path
            for flow, path in combine([*arguments, *by], f"{call.name}()").explicit.items()
        }
        place = Label(flows, reach=Reach.PERSONAL, place=among, why=everything.why)
        return steered(place, [*keys, *by])
    if call.kind is Behaviour.NEIGHBOUR:
        call, framed = replace(call, kind=Behaviour.VALUE), True
    cell = _partition(ev, partition)
    framed = framed or bool(by)
    label = aggregated(ev, call, cell=cell, keys=keys, framed=framed)
    first = arguments[0] if arguments else PUBLIC
    if first.key and call.name in _HANDED_OVER and key_owners(label) == key_owners(first):
        label = replace(label, key=replace(first.key, claims=frozenset()))
    # What chose among public values is told by the choice.
    label = replace(
        steered(label, [*keys, *by]),
        reach=max(label.reach, everything.reach),
        place=label.place or (among and framed and label.is_personal),
    )
    return ev.behind(label)


def _over_groups(ev: Expressions, call: Call, keys: Sequence[Label], by: Sequence[Label]) -> Label:
    """A window over the groups of an aggregating SELECT: it mixes cells, so no cell's guard covers
    it."""
    content = combine([*ev.labels(call.arguments), ev.label(call.filters)], f"{call.name}()")
    everything = combine([content, *keys, *by])
    if not ev.select.has_open_rows and not everything.is_personal:
        return replace(steered(content, [*keys, *by]), reach=everything.reach, key=None)
    if everything.is_personal and not everything.grain:
        return replace(
            steered(content, [*keys, *by]),
            reach=Reach.PERSONAL, cell=0, lowered=None, aggregated=True, key=None, counts=None,
        )  # fmt: skip
    if everything.is_personal:
        return everything
    return replace(steered(content, [*keys, *by]), reach=Reach.GUARDED, key=None)


def _window(
    ev: Expressions, node: exp.Expr
) -> tuple[tuple[exp.Expr, ...], tuple[exp.Expr, ...], bool]:
    """Partition, order, and whether a frame narrows it, named windows included."""
    partition: list[exp.Expr] = []
    orders: list[exp.Expr] = []
    framed = False
    at: exp.Expr | None = node
    seen: set[str] = set()
    while at is not None:
        partition.extend(at.args.get("partition_by") or ())
        order = at.args.get("order")
        if order is not None:
            orders.extend(one.this for one in order.expressions)
        spec = at.args.get("spec")
        if spec is not None:
            framed = True
            orders.extend(spec.iter_expressions())
        base = at.args.get("alias")
        name = base.name.lower() if base is not None else ""
        if not name or name in seen:
            break
        seen.add(name)
        at = ev.select.windows.get(name)
    return tuple(partition), tuple(orders), framed


def _partition(ev: Expressions, partition: tuple[exp.Expr, ...]) -> int:
    known = ev.select.partitions
    if partition not in known:
        known[partition] = ev.shared.tags.fresh()
    return known[partition]
