"""Labels of function calls, by the table of functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from veil.lineage import aggregates, conditions
from veil.lineage.classes import Flow, Path, PrivacyClass, Reach, Source
from veil.lineage.functions import MASK_PREFIX, Behaviour, behaviour, function_name, words
from veil.lineage.inputs import Layer
from veil.lineage.label import PUBLIC, Key, Label, combine, steers
from veil.lineage.masks import KEYED_FUNCTIONS
from veil.lineage.refusals import Rule
from veil.lineage.scope import column_parts

if TYPE_CHECKING:
    from veil.lineage.expressions import Expressions

AGGREGATES = frozenset({Behaviour.COUNT, Behaviour.SAFE, Behaviour.QUANTILE, Behaviour.VALUE})

PREDICATES = words(
    """
    contains starts_with prefix ends_with suffix regexp_matches regexp_full_match list_contains
    list_has array_contains array_has list_has_all list_has_any array_has_all array_has_any
    isnan isinf isfinite json_exists json_contains json_valid struct_contains struct_has
    map_contains map_contains_entry map_contains_value
    """
)
"""Functions that answer yes or no: a sum of them counts a part of the rows."""

LOOKUPS = words(
    """
    map map_from_entries map_extract map_extract_value element_at list_extract list_element
    array_extract list_where array_where list_select array_select list_slice array_slice
    list_position list_indexof array_position array_indexof constant_or_null switch try
    json_object json_value json_extract_path json_extract_path_text json_transform from_json
    json_merge_patch struct_update union_extract regexp_extract_all enum_code try_strptime
    """
)
"""Functions whose value may be there for a part of the rows only."""

BENT = words(
    """
    abs ceil ceiling floor trunc greatest least
    """
)
"""Functions with a corner: `greatest(age - 96, 0)` times an income is the income of the oldest."""

SMOOTH = words(
    """
    round round_even roundbankers sqrt cbrt ln log log2 log10 coalesce ifnull year month day
    quarter week hour minute second date_part datepart date_trunc datetrunc date_diff datediff
    date_sub datesub date_add age epoch epoch_ms julian length len char_length list_sum list_avg
    struct_extract json_extract json_extract_string cardinality to_days to_hours to_minutes
    to_seconds extract
    """
)
"""Functions whose sum over people is a plain total: none makes one person's value stand out."""


def called(ev: Expressions, node: exp.Expr, *, first: exp.Expr | None = None) -> Label:
    """The label of a call; `first` is what stands before the dot of `value.function(...)`."""
    name = function_name(node)
    if name.startswith(MASK_PREFIX):
        return _mask(ev, node, name)
    if name == "columns":
        ev.shared.refuse(Rule.UNFOLLOWABLE, "COLUMNS")
        return ev.select.scope.everything()
    given = [*([first] if first is not None else []), *node.iter_expressions()]
    if name in {"coalesce", "ifnull"}:
        return conditions.coalesce(ev, node, given)
    if name == "nullif":
        return conditions.nullif(ev, node, given)
    kind = behaviour(name)
    if kind in AGGREGATES or kind in {Behaviour.POSITION, Behaviour.NEIGHBOUR}:
        return aggregates.called(ev, node, name=name, kind=kind, first=first)
    label = _arguments(ev, node, first, name)
    if kind is Behaviour.CONSTANT:
        return PUBLIC
    if kind is Behaviour.RANDOM:
        ev.shared.refuse(Rule.UNFOLLOWABLE, name)
        return label
    if kind is Behaviour.ERROR:
        if label.explicit or label.reach is not Reach.PUBLIC:
            flow = next(iter(label.explicit), None)
            ev.shared.recorder.add(
                Rule.ERROR_MESSAGE,
                column=ev.shared.column,
                source=flow.source.name if flow else "",
                source_class=flow.privacy_class.word if flow else "",
                path=str(label.explicit[flow]) if flow else "",
            )
        return PUBLIC
    if kind is Behaviour.REFUSED:
        ev.shared.refuse(Rule.REFUSED_FUNCTION, name)
    elif kind is None:
        ev.shared.refuse(Rule.UNKNOWN_FUNCTION, name)
    if not label.is_personal:
        return label
    if name in PREDICATES:
        return replace(label, conditions=frozenset({conditions.tag(ev, node)}), shaped=True)
    if name in LOOKUPS:
        # A value that is there for some only, as `map {age: income}[97]` is.
        tags = label.conditions | {conditions.tag(ev, node)}
        return replace(label, conditions=tags, shaped=True)
    if name in BENT:
        return replace(label, bent=True)
    return label if name in SMOOTH else replace(label, shaped=True)


def _arguments(ev: Expressions, node: exp.Expr, first: exp.Expr | None, name: str) -> Label:
    """All arguments in one label; a lambda's variables are whatever the other arguments are."""
    lambdas = [one for one in node.iter_expressions() if isinstance(one, exp.Lambda)]
    plain = [one for one in node.iter_expressions() if not isinstance(one, exp.Lambda)]
    label = combine([ev.label(first), *ev.labels(plain)], f"{name}()")
    for one in lambdas:
        variables = {variable.name.lower(): label for variable in one.expressions}
        with ev.variables(variables):
            label = combine([label, ev.label(one.this)])
    return label


def _mask(ev: Expressions, node: exp.Expr, name: str) -> Label:
    """A function that only masks may call, on a classified column as it is."""
    arguments = list(node.iter_expressions())
    column = arguments[0].unnest() if arguments else None
    if isinstance(column, exp.Cast):
        column = column.this.unnest()
    label = ev.label(column)
    rest = [one for one in arguments[1:] if not _is_literal(one)]
    if (
        ev.shared.layer is not Layer.PSEUDONYMIZED
        or name not in KEYED_FUNCTIONS
        or not _is_stored(ev, column)
        or not label.flows()
        or rest
    ):
        ev.shared.refuse(Rule.MASK_FUNCTION, name)
        return combine([label, *ev.labels(rest)], f"{name}()")
    return _masked(ev, label, name)


def _is_stored(ev: Expressions, node: exp.Expr | None) -> bool:
    """Whether a node is a column of a table: in a query's result guesses may stand beside it."""
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return False
    item, _ = ev.select.scope.resolve(column_parts(node)) or (None, None)
    return item is not None and item.stored


def _is_literal(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Cast | exp.Neg):
        return _is_literal(node.this)
    return isinstance(node, exp.Literal)


def _masked(ev: Expressions, label: Label, name: str) -> Label:
    left = KEYED_FUNCTIONS[name]
    flows = dict(label.explicit)
    implicit = steers(label)
    if left is None:
        return Label(implicit=implicit, reach=Reach.PERSONAL)
    explicit = {
        Flow(_lowered(flow.source, left), flow.owner): Path(path, f"{name}()")
        for flow, path in flows.items()
    }
    key = None
    if left is PrivacyClass.PSEUDONYM:
        person = PrivacyClass.DIRECT_IDENTIFIER in label.classes
        key = Key(domain="", name="", person=person)
    return Label(explicit=explicit, implicit=implicit, reach=Reach.PERSONAL, key=key)


def _lowered(source: Source, left: PrivacyClass) -> Source:
    return Source(source.relation, source.column, min(source.privacy_class, left))


def nodes_by_row(node: exp.Expr) -> Iterator[exp.Expr]:
    """A node and what is in it, subqueries left out."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Query):
            continue
        yield one
        waiting.extend(one.iter_expressions())


def aggregates_rows(node: exp.Expr) -> bool:
    """Whether an aggregate over rows stands in an expression; a window function is none."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Query):
            continue
        children = list(one.iter_expressions())
        if isinstance(one, exp.Window):
            inner = aggregates.bare(one.this)
            children = [*inner.iter_expressions(), *(c for c in children if c is not one.this)]
            if isinstance(one.this, exp.Filter):
                children.append(one.this.expression)
        elif isinstance(one, exp.Func) and behaviour(function_name(one)) in AGGREGATES:
            return True
        waiting.extend(children)
    return False
