"""Macros that read data of which the arguments say what: the value's origin decides.

Each stands here by package and name, with its parameters in order and what is asked of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from veil.bypass.queries import (
    is_column,
    is_plain_expression,
    query_is_public,
    reads_columns_of,
)
from veil.bypass.values import Const, Data, Relation, Text, Value
from veil.bypass.world import World


class Kind(Enum):
    """What a reader reads."""

    QUERY = "a query handed in as text"
    STATEMENT = "a query that stands in a call block"
    COLUMN = "one column of a relation"
    EXPRESSION = "expressions that need no relation"
    NAMES = "names of relations"


@dataclass(frozen=True, slots=True)
class Reader:
    """A macro that reads, and its parameters in order."""

    kind: Kind
    parameters: tuple[str, ...]


_SPINE = Reader(Kind.EXPRESSION, ("datepart", "start_date", "end_date"))
_INTERVALS = Reader(Kind.EXPRESSION, ("start_date", "end_date", "datepart"))
READERS: Mapping[tuple[str, str], Reader] = {
    ("dbt", "run_query"): Reader(Kind.QUERY, ("sql",)),
    ("dbt", "statement"): Reader(
        Kind.STATEMENT, ("name", "fetch_result", "auto_begin", "language")
    ),
    ("dbt", "date_spine"): _SPINE,
    ("dbt", "get_intervals_between"): _INTERVALS,
    ("dbt_utils", "date_spine"): _SPINE,
    ("dbt_utils", "get_intervals_between"): _INTERVALS,
    ("dbt_utils", "get_column_values"): Reader(
        Kind.COLUMN, ("table", "column", "order_by", "max_records", "default", "where")
    ),
    ("dbt_utils", "get_query_results_as_dict"): Reader(Kind.QUERY, ("query",)),
    ("dbt_utils", "get_single_value"): Reader(Kind.QUERY, ("query", "default")),
    ("dbt_utils", "get_relations_by_pattern"): Reader(
        Kind.NAMES, ("schema_pattern", "table_pattern", "exclude", "database")
    ),
    ("dbt_utils", "get_relations_by_prefix"): Reader(
        Kind.NAMES, ("schema", "prefix", "exclude", "database")
    ),
    ("dbt_date", "date_spine"): _SPINE,
    ("dbt_date", "get_intervals_between"): _INTERVALS,
    ("dbt_date", "get_base_dates"): Reader(
        Kind.EXPRESSION, ("start_date", "end_date", "n_dateparts", "datepart")
    ),
    ("dbt_date", "get_date_dimension"): Reader(Kind.EXPRESSION, ("start_date", "end_date")),
}
_PATTERN = re.compile(r"[\w%*.$-]*")


def reads_public(
    reader: Reader, arguments: Mapping[str, Value], body: Text | None, world: World
) -> bool:
    """Whether everything that a call reads is public.

    Args:
        reader: what is called.
        arguments: its arguments by parameter.
        body: the text of its call block, None where there is none.
        world: knows which relations and columns are public.
    """
    if not set(arguments) <= set(reader.parameters):
        return False
    if reader.kind is Kind.QUERY:
        query = arguments.get(reader.parameters[0])
        return isinstance(query, Text) and query_is_public(query, world.is_public_relation)
    if reader.kind is Kind.STATEMENT:
        return body is not None and query_is_public(body, world.is_public_relation)
    if reader.kind is Kind.EXPRESSION:
        return all(_is_expression(value) for value in arguments.values())
    if reader.kind is Kind.NAMES:
        return all(
            (name != "database" and _matches(value)) or (isinstance(value, Data) and value.place)
            for name, value in arguments.items()
        )
    return _column_is_public(arguments, world)


def _literal(value: Value | None) -> str | None:
    return value.literal if isinstance(value, Text) else None


def _matches(value: Value) -> bool:
    text = _literal(value)
    return text is not None and _PATTERN.fullmatch(text) is not None


def _is_expression(value: Value) -> bool:
    text = _literal(value)
    if text is None:
        return isinstance(value, Const)
    return is_plain_expression(text, columns=text.isalpha())


def _column_is_public(arguments: Mapping[str, Value], world: World) -> bool:
    table, column = arguments.get("table"), _literal(arguments.get("column"))
    if not isinstance(table, Relation) or not table.ids or column is None or not is_column(column):
        return False
    if not isinstance(arguments.get("max_records", Const(None)), Const):
        return False
    name = column.strip('"')
    chosen = frozenset({name.lower(), "value"})
    everything = all(world.is_public_relation(one) for one in table.ids)
    for clause in ("order_by", "where"):
        given = arguments.get(clause)
        if given is None or given == Const(None):
            continue
        text = _literal(given)
        if text is None:
            return False
        word = " where " if clause == "where" else " order by "
        if not query_is_public(Text(("select 1 from ", table, word, text)), lambda _: True):
            return False
        # A column that steers which values are seen counts as read.
        bare = re.sub(r"\b(?:asc|desc|nulls (?:first|last))\b", "", text, flags=re.IGNORECASE)
        if not (everything or reads_columns_of(bare, chosen)):
            return False
    return all(world.is_public(one, name) for one in table.ids)
