"""Labels of aggregates and window functions, unguarded and as a guard would leave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from veil.lineage import conditions
from veil.lineage.classes import Flow, Path, PrivacyClass, Reach
from veil.lineage.context import Select
from veil.lineage.functions import Behaviour, behaviour, function_name
from veil.lineage.label import (
    PUBLIC,
    Count,
    Flows,
    Label,
    Part,
    combine,
    key_owners,
    steered,
    steers,
)
from veil.lineage.refusals import Rule

if TYPE_CHECKING:
    from veil.lineage.expressions import Expressions

_WRAPPERS = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
_PICKS = frozenset(["min", "max", "any_value", "arbitrary", "first", "last", "mode"])
"""One of the values comes out as it is."""
_BY = frozenset(
    "arg_min arg_max argmin argmax min_by max_by"
    " arg_min_null arg_max_null arg_min_nulls_last arg_max_nulls_last".split()
)
"""The first argument comes out; the second only chooses the row."""
OVER_ROWS = {Behaviour.COUNT, Behaviour.SAFE, Behaviour.QUANTILE, Behaviour.VALUE}
_INSIDE = (0.1, 0.9)
"""Fractions at which a quantile of a cell of 11 is neither its least nor its greatest value."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an aggregate or window function, taken apart.

    Attributes:
        name: DuckDB's name.
        kind: what it does to labels.
        arguments: its arguments; empty for `count(*)`.
        distinct: over distinct values.
        filters: the condition of FILTER.
        orders: what it is ordered by inside its brackets.
        node: the function's own node.
    """

    name: str
    kind: Behaviour
    arguments: tuple[exp.Expr, ...]
    distinct: bool
    filters: exp.Expr | None
    orders: tuple[exp.Expr, ...]
    node: exp.Expr


def bare(node: exp.Expr) -> exp.Expr:
    """The function inside FILTER, WITHIN GROUP, IGNORE NULLS."""
    while isinstance(node, _WRAPPERS):
        node = node.this
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        return node.expression
    return node


def taken_apart(
    node: exp.Expr, *, name: str = "", kind: Behaviour | None = None, first: exp.Expr | None = None
) -> Call | None:
    """A call taken apart; None where it is no aggregate and no window function."""
    filters: exp.Expr | None = None
    orders: list[exp.Expr] = []
    within: list[exp.Expr] = []
    while isinstance(node, _WRAPPERS):
        if isinstance(node, exp.Filter):
            filters = node.expression.this
        elif isinstance(node, exp.WithinGroup):
            # `quantile_cont(0.5) within group (order by x)`: x is what comes out.
            within.extend(one.this for one in node.expression.expressions)
        node = node.this
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        first = node.this
        node = bare(node)
    if not isinstance(node, exp.Func):
        return None
    name = name or function_name(node)
    kind = kind or behaviour(name)
    if kind is None:
        return None
    arguments, distinct = [*within, *([first] if first is not None else [])], False
    for argument in node.iter_expressions():
        if isinstance(argument, exp.Order):
            orders.extend(argument.expressions)
            argument = argument.this
        while isinstance(argument, exp.IgnoreNulls | exp.RespectNulls):
            argument = argument.this
        if isinstance(argument, exp.Distinct):
            distinct = True
            arguments.extend(argument.expressions)
        elif isinstance(argument, exp.Limit | exp.Star):
            continue
        else:
            arguments.append(argument)
    found: list[exp.Expr] = []
    for one in arguments:
        is_ordered = isinstance(one, exp.Order)  # `distinct x order by y`
        orders.extend(one.expressions if is_ordered else ())
        found.append(one.this if is_ordered else one)
    return Call(name, kind, tuple(found), distinct, filters, tuple(orders), node)


def wrapped(ev: Expressions, node: exp.Expr) -> Label:
    """The label of a call inside FILTER, WITHIN GROUP, IGNORE NULLS."""
    call = taken_apart(node)
    if call is None or call.kind not in OVER_ROWS:
        ev.shared.refuse(Rule.UNKNOWN_FUNCTION, function_name(bare(node)))
        return combine([*ev.labels(bare(node).iter_expressions()), ev.select.scope.everything()])
    return _grouped(ev, call)


def called(
    ev: Expressions, node: exp.Expr, *, name: str, kind: Behaviour | None, first: exp.Expr | None
) -> Label:
    """The label of an aggregate over a group."""
    call = taken_apart(node, name=name, kind=kind, first=first)
    assert call is not None
    if call.kind in {Behaviour.POSITION, Behaviour.NEIGHBOUR}:
        ev.shared.refuse(Rule.UNKNOWN_FUNCTION, name)
        return combine([*ev.labels(call.arguments), ev.select.scope.everything()])
    return _grouped(ev, call)


def _grouped(ev: Expressions, call: Call) -> Label:
    select = ev.select
    with ev.of_rows():
        label = aggregated(ev, call, cell=select.cell, keys=select.keys, framed=False)
    return ev.behind(label)


def aggregated(
    ev: Expressions, call: Call, *, cell: int, keys: Sequence[Label], framed: bool
) -> Label:
    """The label of an aggregate over the rows of one group or one window partition."""
    select, step = ev.select, f"{call.name}()"
    arguments = ev.labels(call.arguments)
    filters = ev.label(call.filters)
    orders = ev.labels(call.orders)
    if call.name in _BY and len(arguments) > 1:
        orders, arguments = [*orders, *arguments[1:]], arguments[:1]
    content = combine(arguments, step)
    everything = combine([content, filters, *orders])
    if not select.has_open_rows and not everything.is_personal:
        reach = max(everything.reach, Reach.GUARDED if select.guarded else Reach.PUBLIC)
        flat = steered(combine([content, filters]), orders)
        return PUBLIC if flat is PUBLIC and not reach else replace(flat, reach=reach, key=None)
    kind = call.kind
    if kind is Behaviour.QUANTILE:
        kind = Behaviour.SAFE if _is_inside(call) else Behaviour.VALUE
    explicit = dict(content.explicit)
    if kind is Behaviour.COUNT:
        explicit = {counted(flow): path for flow, path in explicit.items()}
    # What holds nothing of a person is a number of rows: `count(*)`, `sum(1)`.
    picks = call.name in _PICKS or call.name in _BY
    if not content.flows() and not (picks and content.explicit):
        for tag, row in select.open_rows.items():
            explicit[Flow(row.source, tag, True)] = Path(Path(None, row.source.name), step)
    for flow, path in filters.explicit.items():
        chosen = flow if flow.privacy_class >= PrivacyClass.PSEUDONYM else counted(flow)
        explicit.setdefault(chosen, Path(path, step))
    asked = content.conditions | _tags(ev, call)
    if content.shaped and (kind is Behaviour.SAFE or not call.distinct):
        asked |= {ev.shared.tags.fresh()}
    if not keys and any(_is_outer(ev, owner) for owner in select.open_rows):
        # Of a correlated subquery: over what it finds of each row around it, be it nothing.
        asked |= {ev.shared.tags.fresh()}
    part = Part(asked, _owners(content, filters) | rows_of(select))
    lowered = None
    if cell and not framed:
        kept = content.explicit if picks else explicit
        lowered = _lowered(kind, content, filters, part, orders, step, kept)
    label = Label(
        explicit={
            Flow(f.source, _owner_after(ev, f, keys), f.tally): path for f, path in explicit.items()
        },
        implicit=steered(content, orders).implicit,
        reach=Reach.PERSONAL,
        conditions=asked,
        shaped=content.shaped,
        cell=cell if lowered else 0,
        aggregated=True,
        lowered=lowered,
        why=content.why,
    )
    first = arguments[0] if arguments else PUBLIC
    if first.key and picks and key_owners(label) == key_owners(first):
        return replace(label, key=replace(first.key, claims=frozenset()))
    if first.key and lowered and call.name == "count" and call.distinct and len(arguments) == 1:
        return replace(label, counts=_count(ev, call, first, cell))
    return label


def _tags(ev: Expressions, call: Call) -> frozenset[int]:
    """Conditions of FILTER."""
    return conditions.tags(ev, call.filters) if call.filters is not None else frozenset()


def _count(ev: Expressions, call: Call, first: Label, cell: int) -> Count:
    assert first.key is not None
    owners = key_owners(first)
    claims = first.key.claims | _tags(ev, call)
    unit = (first.key.domain, first.key.name) in ev.shared.units and len(
        {ev.shared.tags.same(o) for o in owners}
    ) == 1
    return Count(cell, min(owners, default=0), claims, unit)


def counted(flow: Flow) -> Flow:
    """What is left of a source in a number; a direct identifier is lowered by a guard alone."""
    if flow.privacy_class is PrivacyClass.DIRECT_IDENTIFIER:
        return flow
    return Flow(flow.source, flow.owner, True)


def _owners(*labels: Label) -> frozenset[tuple[int, bool]]:
    return frozenset((flow.owner, flow.tally) for label in labels for flow in label.flows())


def rows_of(select: Select) -> frozenset[tuple[int, bool]]:
    """Whoever's rows are joined decides which groups there are, and how often each value counts."""
    return frozenset((tag, True) for tag in select.open_rows)


def _is_outer(ev: Expressions, owner: int) -> bool:
    """Whether rows are, by a join over a pseudonym, those of a row around a correlated subquery."""
    return ev.shared.tags.kin(owner) <= ev.select.mark


def _owner_after(ev: Expressions, flow: Flow, keys: Sequence[Label]) -> int:
    """Whose value an aggregate is: a person's where the person's pseudonym is a key of the group.

    A number may belong to what any pseudonym stands for, an employer or a household. Everything
    else is the group's, and no guard over people covers it.
    """
    tags = ev.shared.tags
    root = tags.kin if flow.tally else tags.same
    if root(flow.owner) <= ev.select.mark:
        # Released already, or a value of the row around a correlated subquery.
        return flow.owner
    for label in keys:
        stands_for = label.key and (flow.tally or label.key.person)
        if stands_for and any(root(one) == root(flow.owner) for one in key_owners(label)):
            return flow.owner
    return ev.select.others or tags.fresh()


def _lowered(
    kind: Behaviour,
    content: Label,
    filters: Label,
    part: Part,
    orders: Sequence[Label],
    step: str,
    whole: Flows,
) -> Label:
    """What a guard leaves of an aggregate; `whole` is all that a collection would hand out."""
    least = {
        Behaviour.COUNT: None,
        Behaviour.SAFE: PrivacyClass.PSEUDONYM,
        Behaviour.VALUE: PrivacyClass.QUASI_IDENTIFIER,
    }[kind]
    kept = {} if least is None else {f: p for f, p in whole.items() if f.privacy_class >= least}
    for flow in filters.flows(PrivacyClass.PSEUDONYM):
        kept.setdefault(flow, Path(filters.explicit[flow], step))
    return Label(
        explicit=kept,
        implicit=steers(steered(content, [filters, *orders])),
        reach=Reach.GUARDED,
        aggregated=True,
        parts=frozenset({part}) | content.parts,
        why=Rule.VALUE_AGGREGATE.value if kept and kind is Behaviour.VALUE else "",
    )


def _is_inside(call: Call) -> bool:
    """Whether every fraction of a quantile is a literal well inside 0 and 1."""
    if len(call.arguments) < 2:
        return False
    given = call.arguments[1].unnest()
    fractions = given.expressions if isinstance(given, exp.Array | exp.Tuple) else [given]
    try:
        return all(
            isinstance(one, exp.Literal) and _INSIDE[0] <= float(one.this) <= _INSIDE[1]
            for one in fractions
        )
    except ValueError:
        return False
