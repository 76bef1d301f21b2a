"""The strongest proof: models are run on databases that differ in one thing.

What differs in their results is held against what the lineage says of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest

import lineage_corpus as corpus
import lineage_data as data
import lineage_fuzz as fuzz
from veil.lineage import Analysis, Layer, Model, analyse

MARTS, ROWS = 400, 120
CANARY = 7654321
"""Income of the one person aged 97: no total, mean or median of several people is ever this."""
KEYS = {"person_key", "household_key", "order_key", "employer_key"}
SENSITIVE = {"income", "diagnosis", "amount", "cost", "wages"}
TIES = ("list(", "any_value(", "mode(", "arg_max(", "min(", "max(")
"""Of rows that are equal but for their keys, these may take any."""


@pytest.fixture(scope="module")
def people() -> Iterator[duckdb.DuckDBPyConnection]:
    with data.database() as conn:
        _plant(conn)
        yield conn


@pytest.fixture(scope="module")
def renamed() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same people under other pseudonyms."""
    with data.database(keys="b") as conn:
        _plant(conn)
        yield conn


@pytest.fixture(scope="module")
def ten() -> Iterator[duckdb.DuckDBPyConnection]:
    """Fewer people than any guard lets through."""
    with data.database(people=10) as conn:
        yield conn


@pytest.fixture(scope="module")
def other_ten() -> Iterator[duckdb.DuckDBPyConnection]:
    """The same ten with other incomes, diagnoses, amounts, costs and wages."""
    with data.database(people=10, values="b") as conn:
        yield conn


def _plant(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute(f"update pseudonymized.main.psn_people set income = {CANARY} where age = 97")


def mart(sql: str) -> Analysis:
    model = Model("m", Layer.MART, unit=corpus.UNIT, threshold=corpus.THRESHOLD)
    return analyse(sql, corpus.relations(), model)


def measured(conn: duckdb.DuckDBPyConnection, sql: str, analysis: Analysis) -> set[str]:
    """All values but NULL in the columns that are no grain."""
    places = [i for i, column in enumerate(analysis.columns) if not column.classes]
    return {repr(row[i]) for row in data.result(conn, sql) for i in places if row[i] is not None}


def numbers(conn: duckdb.DuckDBPyConnection, sql: str) -> set[float]:
    values = (value for row in data.result(conn, sql) for value in row)
    return {float(one) for one in values if isinstance(one, int | float)}


def test_clean_marts_do_not_change_with_the_pseudonyms(people, renamed):
    """Every pseudonym is replaced, one to one: no published value may notice."""
    changed = [
        case.path.name
        for case in corpus.cases("clean")
        if data.result(people, case.sql) != data.result(renamed, case.sql)
    ]

    assert not changed


def test_clean_marts_tell_nothing_of_ten_people(ten, other_ten):
    """Below the threshold nobody's income, diagnosis, amount, cost or wage changes anything."""
    changed = [
        case.path.name
        for case in corpus.cases("clean")
        if data.result(ten, case.sql) != data.result(other_ten, case.sql)
    ]

    assert not changed


def test_clean_marts_show_something(people):
    """The two tests above would pass for a mart that shows nothing."""
    silent = [
        case.path.name
        for case in corpus.cases("clean")
        if not any(value is not None for row in data.result(people, case.sql) for value in row)
    ]

    assert len(silent) <= 2


@pytest.mark.parametrize(
    "stem", ["alias_plain", "hash_md5", "window_neighbour_lag", "unnest_select"]
)
def test_leak_of_an_identifier_shows_in_the_same_comparison(people, renamed, stem):
    """The twin: for models that are refused, the comparison does see the difference."""
    case = next(one for one in corpus.cases("leaky") if one.path.stem.endswith(stem))

    assert data.result(people, case.sql) != data.result(renamed, case.sql)


@pytest.mark.parametrize("stem", ["unguarded_mean_avg", "open_guard_below", "wrong_unit_rows"])
def test_leak_of_a_small_cell_shows_in_the_same_comparison(ten, other_ten, stem):
    """The twin of the test on ten people."""
    case = next(one for one in corpus.cases("leaky") if one.path.stem.endswith(stem))

    assert data.result(ten, case.sql) != data.result(other_ten, case.sql)


@pytest.mark.parametrize(
    "stem",
    ["subgroup_filter", "broadcast_window_max", "value_aggregate_max", "false_link_outer_join"],
)
def test_leak_of_one_person_shows_as_the_canary(people, stem):
    """The twin of the search for the canary: these refused models do publish it."""
    case = next(one for one in corpus.cases("leaky") if one.path.stem.endswith(stem))

    assert CANARY in numbers(people, case.sql)


def test_random_marts_that_pass_tell_nothing(people, renamed, ten, other_ten):
    """Of 400 random marts those that the lineage lets through keep all three promises."""
    broken, passed = [], 0
    for seed in range(MARTS):
        sql = fuzz.Writer(seed).mart()
        analysis = mart(sql)
        if analysis.refusals:
            continue
        passed += 1
        if not any(tie in sql for tie in TIES) and data.result(people, sql) != data.result(
            renamed, sql
        ):
            broken.append((seed, "changes with the pseudonyms"))
        if measured(ten, sql, analysis) != measured(other_ten, sql, analysis):
            broken.append((seed, "tells something of ten people"))
        if CANARY in numbers(people, sql):
            broken.append((seed, "publishes the canary"))

    assert not broken
    assert passed >= MARTS // 8


def test_random_models_lose_no_label():
    """Where a column's values differ between two databases, the label names what differs."""
    model, lost, differed = Model("m", Layer.INTERMEDIATE), [], 0
    with (
        data.database(people=30) as base,
        data.database(people=30, keys="b") as keys,
        data.database(people=30, values="b") as values,
    ):
        for seed in range(ROWS):
            sql = fuzz.Writer(seed).rows()
            analysis = analyse(sql, corpus.relations(), model)
            rows = data.result(base, sql)
            for conn, names in ((keys, KEYS), (values, SENSITIVE)):
                others = data.result(conn, sql)
                for index, column in enumerate(analysis.columns):
                    mine = Counter(repr(row[index]) for row in rows)
                    if mine == Counter(repr(row[index]) for row in others):
                        continue
                    differed += 1
                    found = (*column.explicit, *column.implicit)
                    if not {name.rsplit(".", 1)[-1] for name in found} & names:
                        lost.append((seed, column.name))

    assert not lost
    assert differed >= ROWS // 4
