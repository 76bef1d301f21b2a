"""Which functions a row query may call, taken from the table of functions of the lineage."""

from __future__ import annotations

from enum import Enum

from sqlglot import exp

from veil.lineage.calls import AGGREGATES
from veil.lineage.functions import Behaviour, behaviour, words
from veil.stability.rules import Rule


class Kind(Enum):
    """What a function's result is made of."""

    ROW = "row"
    """Its arguments alone."""
    AGGREGATE = "aggregate"
    WINDOW = "window"


CONSTANTS = words("pi range generate_series")
"""Not in the table of functions as functions of a row: `range(3)` is a list."""

REFUSED = words(
    """
    enum_code enum_first enum_last enum_range enum_range_boundary reservoir_quantile
    """
)
"""The values of an enum may have been taken from the data; `reservoir_quantile` draws a sample."""

LISTS = words(
    """
    list_value list_pack array_value string_split str_split split string_to_array
    string_split_regex str_split_regex regexp_split_to_array regexp_extract_all list_transform
    list_apply array_transform list_filter array_filter list_distinct array_distinct list_sort
    array_sort list_concat array_concat list_slice array_slice map_keys map_values flatten range
    generate_series
    """
)
"""Functions that give a list, and so one column where they are unnested in a SELECT list."""

UNORDERED = words(
    """
    first last any_value arbitrary list array_agg string_agg group_concat listagg mode
    json_group_array json_group_object approx_top_k approx_quantile row_number ntile lag lead
    first_value last_value nth_value fill rows
    """
)
"""Their result depends on the order of the rows, also among those of one person.

`rows` is the frame of a window."""

_BY_NAME = words("list_aggregate list_aggr array_aggregate array_aggr aggregate")
_KINDS = {
    **dict.fromkeys(AGGREGATES, Kind.AGGREGATE),
    Behaviour.PASSES: Kind.ROW,
    Behaviour.POSITION: Kind.WINDOW,
    Behaviour.NEIGHBOUR: Kind.WINDOW,
}


def judged(name: str, arguments: list[exp.Expr]) -> Kind | Rule:
    """What a call is, or the rule by which it is refused.

    Args:
        name: DuckDB's name, lower case.
        arguments: of the call, what stands before the dot of `value.function()` included.
    """
    if name in CONSTANTS:
        return Kind.ROW
    found = behaviour(name)
    if found in {Behaviour.RANDOM, Behaviour.CONSTANT} or name in words("nextval currval setseed"):
        return Rule.VOLATILE
    if name == "columns":
        return Rule.CONSTRUCT
    if name == "age" and len(arguments) < 2:
        return Rule.VOLATILE  # since today
    if name in REFUSED or found not in _KINDS:
        return Rule.FUNCTION
    if name in _BY_NAME and not _names_an_aggregate(arguments):
        return Rule.FUNCTION
    return _KINDS[found]


def _names_an_aggregate(arguments: list[exp.Expr]) -> bool:
    """Whether the second argument is the name of a known aggregate, as a literal."""
    named = arguments[1] if len(arguments) > 1 else None
    if not isinstance(named, exp.Literal) or not named.is_string:
        return False
    name = named.this.lower()
    return behaviour(name) in AGGREGATES and name not in REFUSED
