"""The check of row queries: which pass, which are refused and by which rule, and what is said."""

from __future__ import annotations

from functools import cache

import duckdb
import pytest
from sqlglot import exp

from stability_corpus import NAMES, STABLE, UNIT, UNSTABLE, Case, check
from veil.lineage.functions import BEHAVIOURS
from veil.stability import Personal, Public, Rule, check_stable
from veil.stability.functions import CONSTANTS, LISTS, REFUSED, UNORDERED, judged


def _id(case: Case) -> str:
    return f"{case.rule or 'stable'}: {case.reason}"


@pytest.mark.parametrize("case", STABLE, ids=_id)
def test_stable_query_passes(case: Case):
    """What keeps the rows of two people apart is not in anybody's way."""
    assert check(case.sql) == []


@pytest.mark.parametrize("case", UNSTABLE, ids=_id)
def test_unstable_query_is_refused(case: Case):
    """Each for the reason that stands beside it; others may come with it."""
    assert case.rule in {one.rule for one in check(case.sql)}


def test_corpora_are_large_and_every_rule_is_broken_in_them():
    """A rule that no query breaks may be a rule that refuses nothing."""
    assert len(STABLE) >= 60
    assert len(UNSTABLE) >= 60
    assert {case.rule for case in UNSTABLE} | {Rule.ORDER} == set(Rule)


# -- an order that nobody gave

UNORDERED_QUERIES = (
    "select person_key, any_value(code) as code from EVENTS group by person_key",
    "select person_key, list(code) as codes from EVENTS group by person_key",
    "select person_key, string_agg(distinct code, ',') as codes from EVENTS group by person_key",
    "select person_key, first(code) filter (where amount > 5) as code from EVENTS group by all",
    "select person_key, code.first() as code from EVENTS group by person_key",
    "select person_key, row_number() over (partition by person_key) as n from EVENTS",
    "select person_key, lag(amount) over w as a from EVENTS window w as (partition by person_key)",
    "select person_key, sum(amount) over (partition by person_key rows 1 preceding) s from EVENTS",
    "select distinct on (person_key) * from EVENTS",
    "select person_key, n from PEOPLE join (select first(weight) as n from CODES) as c on true",
)
ORDERED_QUERIES = (
    "select person_key, first(code order by day, code) as code from EVENTS group by person_key",
    "select person_key, list(distinct code order by code) as codes from EVENTS group by person_key",
    "select person_key, mode() within group (order by code) as code from EVENTS group by all",
    "select person_key, arg_max(code, amount) as code from EVENTS group by person_key",
    "select person_key, row_number() over (partition by person_key order by day) as n from EVENTS",
    "select person_key, lag(amount) over (w order by day) as a from EVENTS"
    " window w as (partition by person_key)",
    "select person_key, sum(amount) over (partition by person_key) as s from EVENTS",
    "select distinct on (person_key) * from EVENTS order by person_key, day",
)


@pytest.mark.parametrize("sql", UNORDERED_QUERIES)
def test_an_order_that_nobody_gave_is_refused_on_demand(sql: str):
    """Which row is first is the plan's business, and the plan depends on everybody."""
    assert check(sql) == []
    assert {one.rule for one in check(sql, ordered=True)} == {Rule.ORDER}


@pytest.mark.parametrize("sql", ORDERED_QUERIES)
def test_an_order_that_is_given_passes(sql: str):
    """ORDER BY inside the brackets, or a function that needs none."""
    assert check(sql, ordered=True) == []


# -- what it is told


def test_relation_that_is_declared_twice_is_people_s():
    """The careful reading wins, in either order."""
    both = (
        Public(name=NAMES["EVENTS"], columns=("person_key", "code")),
        Personal(name=NAMES["EVENTS"], columns=("person_key",), units=frozenset({UNIT})),
    )
    sql = f"select person_key, (select count(*) from {NAMES['EVENTS']}) from {NAMES['EVENTS']}"

    for relations in (both, both[::-1]):
        assert Rule.SUBQUERY in {one.rule for one in check_stable(sql, relations, unit=UNIT)}


@pytest.mark.parametrize("units", [{"person_key", "partner_key"}, {"nobody_key"}, set()])
def test_relation_without_exactly_one_unit_column_is_refused(units: set[str]):
    """With two people in a row, whoever leaves takes the other one's row along."""
    pairs = Personal(name="pairs", columns=("person_key", "partner_key"), units=frozenset(units))
    found = check_stable("select person_key from pairs", [pairs], unit=UNIT)

    assert [one.rule for one in found] == [Rule.OWNER]


def test_name_of_the_unit_has_no_case():
    """As little as any other name of DuckDB's."""
    relation = Personal(name='"Main"."People"', columns=("Person_Key",), units=frozenset({UNIT}))

    assert check_stable('select * from MAIN."people"', [relation], unit="PERSON_KEY") == []


# -- what is said


def test_refusal_names_the_construct_and_never_a_literal():
    """A literal of the SQL may be somebody's name."""
    secret = "Rumpelstiltskin"
    queries = (
        f"select * from EVENTS where code = '{secret}' limit 3",
        f'select person_key, "{secret} 7" from EVENTS',
        f"select * from '{secret} 7.csv'",
        f'select person_key, "{secret} 7"(code) from EVENTS',
        f"select '{secret}' as person_key from EVENTS group by '{secret}'",
        f"select '{secret} from",
        f'select person_key::"{secret} 7" from EVENTS',
    )

    for sql in queries:
        found = check(sql)
        assert found
        assert not [one for one in found if secret in str(one)]


def test_every_rule_has_a_way_out():
    """Whoever is refused reads what to do."""
    remedies = {one.remedy for case in UNSTABLE for one in check(case.sql)}

    assert all(remedy.endswith(".") for remedy in remedies)
    assert len(remedies) == len(Rule) - 1


def test_reasons_come_once_each():
    """Two branches that do the same wrong are one finding."""
    found = check("select * from EVENTS limit 1 union all select * from EVENTS limit 1")

    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "wrap", ["({})", "select * from ({}) as d", "select (select 1), * from ({})"]
)
def test_deep_nesting_ends_in_a_verdict(wrap: str):
    """A query that exhausts the walk is refused, and one that does not is followed."""
    sql = "select person_key, code from EVENTS"
    assert check(wrap.format(sql)) == []
    for _ in range(400):
        sql = wrap.format(sql)

    assert {one.rule for one in check(sql)} <= {Rule.UNREADABLE}


# -- functions


@cache
def _stabilities() -> dict[str, set[str]]:
    """What DuckDB says of each function: `CONSISTENT`, or that it changes."""
    found: dict[str, set[str]] = {}
    with duckdb.connect() as conn:
        rows = conn.execute("select function_name, stability from duckdb_functions()").fetchall()
    for name, stability in rows:
        found.setdefault(name, set()).add(stability)
    return found


def test_no_function_passes_that_duckdb_calls_volatile():
    """DuckDB's own catalogue knows what changes from row to row or from query to query."""
    arguments = [exp.Null(), exp.Literal.string("max")]
    passing = [
        name for name in (*BEHAVIOURS, *CONSTANTS) if not isinstance(judged(name, arguments), Rule)
    ]
    wrong = [name for name in passing if _stabilities().get(name, set()) - {"CONSISTENT", None}]

    assert len(passing) > 300
    assert wrong == []


def test_what_duckdb_calls_volatile_is_noticed():
    """The comparison above has something to find."""
    volatile = {name for name, kinds in _stabilities().items() if kinds - {"CONSISTENT", None}}

    assert {"random", "uuid", "now", "nextval", "setseed"} <= volatile


def test_lists_of_functions_name_functions():
    """A name that DuckDB does not have is a typing error, and hides one that it has."""
    assert set(_stabilities()) >= (REFUSED | LISTS | CONSTANTS)
    assert UNORDERED - set(_stabilities()) <= {"rows"}
