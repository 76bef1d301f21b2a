"""The proof that the verdicts on row queries are right: each is run with and without each person.

What the check lets through changes nobody else's rows; what it refuses mostly does, so that the
check is what stands between a person and the release.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stability_corpus as corpus
from stability_corpus import STABLE, UNIT, UNSTABLE, Case, check
from stability_fuzz import Writer
from veil.lineage.inputs import name_parts
from veil.lineage.parsing import parse
from veil.lineage.refusals import Recorder
from veil.stability import Personal, Rule, check_stable
from veil.stability.queries import Queries
from veil.stability.rules import Found

Worlds = dict[object, duckdb.DuckDBPyConnection]
BITING = [case for case in UNSTABLE if case.bites]


def _id(case: Case) -> str:
    return f"{case.rule or 'stable'}: {case.reason}"


@pytest.fixture(scope="module")
def worlds() -> Iterator[Worlds]:
    """The small data, whole and without each person."""
    with corpus.worlds() as found:
        for conn in found.values():
            conn.execute("set threads = 1")
        yield found


@pytest.mark.parametrize("case", STABLE, ids=_id)
def test_passing_query_changes_nobody_elses_rows(worlds: Worlds, case: Case):
    """Whoever is taken away, the others' rows are the same, each as often as before."""
    assert sum(corpus.others(worlds["nobody"], case.compiled, "nobody").values())
    assert corpus.changed(worlds, case.compiled) == []


@pytest.mark.parametrize("case", BITING, ids=_id)
def test_refused_query_would_have_changed_somebody_elses_rows(worlds: Worlds, case: Case):
    """With the gate off the attack succeeds: somebody's absence shows in rows of others."""
    assert corpus.changed(worlds, case.compiled)


def test_a_good_part_of_what_is_refused_is_an_attack_that_succeeds():
    """Most rules are shown to bear load; those that are not depend on chance or on declarations."""
    assert len(BITING) >= 100
    assert {case.rule for case in BITING} >= {
        Rule.LIMIT, Rule.OWNER, Rule.COLUMN, Rule.CONSTRUCT, Rule.JOIN, Rule.PRESERVED, Rule.GROUP,
        Rule.DISTINCT, Rule.WINDOW, Rule.SET_OPERATION, Rule.SUBQUERY, Rule.UNIT,
    }  # fmt: skip


@pytest.mark.parametrize("case", STABLE, ids=_id)
def test_columns_are_named_as_duckdb_names_them(worlds: Worlds, case: Case):
    """A name that the check reads otherwise than DuckDB could stand for another column."""
    relations = {name_parts(one.name): one for one in corpus.RELATIONS}
    tree = parse(case.compiled, Recorder(""))
    assert tree is not None
    rows = Queries(Found(ordered=False), relations).rows(tree, {}, None)
    names = [column[0] for column in worlds["nobody"].execute(case.compiled).description]

    assert [one or two.lower() for (one, _), two in zip(rows.columns, names, strict=True)] == [
        name.lower() for name in names
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_random_query_that_passes_changes_nobody_elses_rows(worlds: Worlds, seed: int):
    """Joins, groups, windows, set operations and shadowed names, put together at random."""
    random, passed = Random(seed), 0
    for _ in range(12):
        sql = Writer(random, careful=9).row_query()
        if check(sql):
            continue
        try:
            changed = corpus.changed(worlds, corpus.compiled(sql))
        except duckdb.Error:
            continue  # no SQL that DuckDB runs
        passed += 1
        assert changed == [], sql
        if passed == 3:
            break


def test_random_queries_that_are_refused_would_often_have_changed_them(worlds: Worlds):
    """The twin: one rule less, and the same random queries find the hole."""
    wanted = {Rule.JOIN, Rule.PRESERVED, Rule.GROUP, Rule.WINDOW, Rule.UNIT}
    holes: set[Rule] = set()
    for seed in range(1500):
        if holes >= wanted:
            break
        sql = Writer(Random(seed)).row_query()
        rules = {one.rule for one in check(sql)}
        if len(rules) != 1 or rules <= holes:
            continue
        try:
            changed = corpus.changed(worlds, corpus.compiled(sql))
        except duckdb.Error:
            continue
        if changed:
            holes |= rules

    assert holes >= wanted


def test_one_person_with_many_rows_decides_which_of_anothers_rows_is_first():
    """Why `ordered` exists: DuckDB plans a join by the number of rows, and the plan orders them."""
    sql = """
        select person_key, first(v) as v from visits join readings using (ward)
        group by person_key
    """
    relation = Personal(name="visits", columns=(UNIT, "ward"), units=frozenset({UNIT}))
    public = corpus.Public(name="readings", columns=("ward", "v"))
    results = []
    for without in ("nobody", "big"):
        with duckdb.connect() as conn:
            conn.execute("set threads = 1")
            conn.execute(f"""
                create table visits as select * from (
                    select 'u' || i % 50 as person_key, i % 7 as ward from range(500) as r(i)
                    union all select 'big', i % 7 from range(20000) as r(i)
                ) where person_key <> '{without}'""")
            conn.execute(
                "create table readings as select i % 7 as ward, i as v from range(2000) r(i)"
            )
            rows = conn.execute(f"from ({sql}) where person_key <> 'big'").fetchall()
            results.append(set(rows))

    assert results[0] != results[1]
    assert check_stable(sql, [relation, public], unit=UNIT) == []
    assert check_stable(sql, [relation, public], unit=UNIT, ordered=True)
