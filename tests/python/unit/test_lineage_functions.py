"""The table of functions, held against DuckDB's own catalogue."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import duckdb
import sqlglot
from sqlglot import exp

from veil.lineage.functions import BEHAVIOURS, TABLE, Behaviour, behaviour, function_name
from veil.lineage.parsing import VeilDuckDB

AGGREGATES = {Behaviour.COUNT, Behaviour.SAFE, Behaviour.QUANTILE, Behaviour.VALUE}
WINDOWS = {Behaviour.POSITION, Behaviour.NEIGHBOUR}
MACROS = {  # aggregates that DuckDB writes as macros over others
    "wavg", "weighted_avg", "geomean", "geometric_mean", "json_group_array", "json_group_object",
    "json_group_structure",
}  # fmt: skip
SYNTAX = {  # what DuckDB's grammar knows and its catalogue does not
    "array", "coalesce", "current_time", "current_timestamp", "extract", "grouping", "grouping_id",
    "ifnull", "localtime", "localtimestamp", "overlay", "percentile_cont", "percentile_disc",
    "rand", "try", "duckdb_logs_parsed",
}  # fmt: skip


@cache
def catalogue() -> dict[str, tuple[frozenset[str], frozenset[int]]]:
    """Kinds and numbers of parameters of every function of DuckDB."""
    kinds, counts = defaultdict(set), defaultdict(set)
    with duckdb.connect() as conn:
        rows = conn.execute(
            "select function_name, function_type, len(parameters), varargs is not null"
            " from duckdb_functions() where function_name ~ '^[a-z_][a-z0-9_]*$'"
        ).fetchall()
    for name, kind, count, more in rows:
        kinds[name].add(kind)
        counts[name] |= {count, count + 2} if more else {count}
    return {name: (frozenset(kinds[name]), frozenset(counts[name])) for name in kinds}


def test_every_listed_function_is_one_of_duckdbs():
    """A name that DuckDB does not have is a typing error, and hides one that it has."""
    assert set(BEHAVIOURS) - SYNTAX <= set(catalogue())


def test_no_aggregate_is_listed_as_a_plain_function_nor_the_reverse():
    """The one would show a group as a row, the other lower what no guard covers."""
    wrong = []
    for name in set(BEHAVIOURS) - SYNTAX - MACROS:
        kinds, kind = catalogue()[name][0], behaviour(name)
        if kind in WINDOWS or kind is Behaviour.REFUSED:
            continue
        if ("aggregate" in kinds) != (kind in AGGREGATES):
            wrong.append(name)

    assert not wrong


def test_call_keeps_its_name_and_every_argument():
    """sqlglot as it comes drops arguments; a dropped argument is a lost label."""
    lost, renamed = [], []
    for name, (_, counts) in catalogue().items():
        for count in counts:
            names = [f"c{index}" for index in range(count)]
            call = f"select {name}({', '.join(names)})"
            try:
                node = sqlglot.parse_one(call, dialect=VeilDuckDB()).expressions[0]
            except sqlglot.errors.ParseError:
                continue  # refused
            if isinstance(node, exp.Aliases):
                continue  # `apply(x, y)`: refused, because no handler knows the node
            if set(names) - {column.name for column in node.find_all(exp.Column)}:
                lost.append(call)
            if function_name(node) != name:
                renamed.append(call)

    assert not lost
    assert renamed in ([], ["select position(c0, c1)"])


def test_sqlglot_as_it_comes_drops_an_argument():
    """Why veil has a dialect of its own; when this fails, that may no longer be needed."""
    node = sqlglot.parse_one("select decode(x, secret)", dialect="duckdb")

    assert "secret" not in {column.name for column in node.find_all(exp.Column)}


def test_function_that_nobody_has_looked_at_has_no_behaviour():
    """The table is an allow-list."""
    assert behaviour("some_new_function") is None


def test_every_line_gives_a_reason():
    """Why a function stands where it stands can be reviewed."""
    assert all(len(row.reason) > 8 for row in TABLE)


def test_readers_of_files_secrets_and_sql_are_refused():
    """Whatever reads past the lineage."""
    names = [
        "read_text", "read_csv", "read_parquet", "glob", "query", "query_table", "getvariable",
        "duckdb_secrets", "current_setting", "json_execute_serialized_sql", "stats",
    ]  # fmt: skip

    assert {behaviour(name) for name in names} == {Behaviour.REFUSED}
