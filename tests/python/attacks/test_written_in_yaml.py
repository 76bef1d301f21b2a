"""SQL that is smuggled in where a name, a test or a constraint should stand.

Found by an attacker who knew the documents and not the code; each stood in a green build once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from harness import DbtProject
from veil.warehouse.statements import refusal

pytestmark = pytest.mark.project

COPY = "copy (select * from pseudonymized.main.psn_earnings) to 'data/leak.csv'"
RAW = "models/raw/_raw.yml"
MARTS = "models/marts/_marts.yml"
SSN = "      - name: ssn\n        data_type: varchar\n"


def test_copying(project: DbtProject) -> None:
    """A singular test that ends dbt's own statement and begins one of its own."""
    project.write(
        "tests/sql/copying.sql",
        "-- {{ ref('psn_earnings') }}\nselect 1 as x where false) as t; "
        f"{COPY}; select 0 as failures, false as should_warn, false as should_error from (select 1",
    )
    (project.root / "data").mkdir(exist_ok=True)
    project.dbt("test", "--select", "copying")

    assert not (project.root / "data" / "leak.csv").exists()


def test_taking_the_place_of_a_function(project: DbtProject) -> None:
    """A macro of the name of a function, made by a test: every later mask would call it."""
    project.write(
        "tests/sql/taking.sql",
        "select 1 as x where false) as t; commit; begin; "
        "create or replace macro memory.main.veil_pseudonym(a, b, c) as a; commit; begin; "
        "select 0 as failures, false as should_warn, false as should_error from (select 1\n"
        "-- {{ ref('seed_w2') }}\n",
    )
    outcome = project.dbt("build", "--select", "taking", "psn_census", "seed_w2")
    plain = project.rows(
        "select count(*) from pseudonymized.main.psn_census where person_key not like 'p1_%'"
    )

    assert outcome.results["test.veil.taking"] == "error"
    assert plain == [(0,)]


def test_counting(project: DbtProject) -> None:
    """A singular test whose number of failures would spell out a social security number."""
    project.write(
        "tests/sql/counting.sql",
        "select i from range(2000) as t (i) where i < (\n"
        "    select cast(left(ssn, 3) as integer) from {{ ref('seed_w2') }}\n"
        "    where ssn is not null order by ssn limit 1\n)",
    )
    outcome = project.dbt("test", "--select", "counting")

    assert outcome.results["test.veil.counting"] == "fail"
    assert "Got 1 result," in outcome.messages["test.veil.counting"]


def test_own_counts_of_dbt_stay(project: DbtProject) -> None:
    """The twin: dbt's own tests say how many rows break their rule."""
    project.replace(
        "models/pseudonymized/_pseudonymized.yml",
        "        data_tests: [not_null]",
        "        data_tests: [not_null, unique]",
    )
    outcome = project.dbt("test", "--select", "psn_census,test_name:unique")
    told = [text for text in outcome.messages.values() if "Got" in text]

    assert told
    assert not [text for text in told if "Got 1 result," in text]


def test_erring(project: DbtProject) -> None:
    """A singular test that stops with a person's name in its text."""
    project.write(
        "tests/sql/erring.sql",
        "select 1 as x from {{ ref('seed_w2') }} where error(ssn) is null",
    )
    ssns = {ssn for (ssn,) in project.rows("select ssn from identified.main.seed_w2") if ssn}
    outcome = project.dbt("test", "--select", "erring")

    assert "it is not shown" in outcome.text
    assert not [ssn for ssn in ssns if ssn in outcome.text]


def test_pivoting(project: DbtProject) -> None:
    """A misspelt column of a PIVOT, whose real ones are people: DuckDB would offer them instead."""
    project.write(
        "tests/sql/pivoting.sql",
        "select zz as x from (pivot (select ssn, 1 as one from {{ ref('seed_w2') }} limit 5)"
        " on ssn using sum(one))",
    )
    ssns = {ssn for (ssn,) in project.rows("select ssn from identified.main.seed_w2") if ssn}
    outcome = project.dbt("test", "--select", "pivoting")

    assert outcome.results["test.veil.pivoting"] == "error"
    assert not [ssn for ssn in ssns if ssn in outcome.text]


def test_signing_for_oneself(project: DbtProject) -> None:
    """A waiver of what names people: nobody can give it, not even with a reason."""
    until = datetime.now(UTC).date() + timedelta(days=30)
    for rule in ("pseudonym", "personal_rows", "direct_identifier"):
        project.write(
            "models/marts/_aside.yml",
            "models:\n  - name: aside\n    config:\n      meta:\n        privacy_waiver:\n"
            f"          - {{rule: {rule}, owner: me, reason: mine, until: {until}}}\n",
        )
        project.write("models/marts/aside.sql", "select person_key from {{ ref('psn_wic') }}")
        outcome = project.dbt("run", "--select", "aside")

        assert "can never be waived" in outcome.text


@pytest.mark.parametrize(
    "sql",
    [
        "select * from query_table(['identi' || 'fied.main.raw_w2'])",
        "select * from query('from identi' || 'fied.main.raw_w2')",
        "select 1 as a) ; select * from (select 1",
        "select 1; select 2",
        "select x from identified.main.raw_w2",
        'select x from "IDENTIFIED".main.raw_w2',
    ],
)
def test_standing_aside(project: DbtProject, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    """A model out of scope that reaches into a zone, whatever way it writes its name."""
    monkeypatch.setattr("veil.warehouse.bridge.check_run", lambda project: None)
    project.write("models/marts/aside.sql", sql)
    outcome = project.dbt("run", "--select", "aside")

    assert "names a relation of a zone" in outcome.messages["model.veil.aside"]


def _constraint(project: DbtProject) -> None:
    project.replace(
        RAW,
        SSN,
        f'{SSN}        constraints: [{{type: check, expression: "true)); {COPY}; --"}}]\n',
    )


def _index(project: DbtProject) -> None:
    project.replace(
        MARTS,
        "      meta:\n        privacy_audience: research\n",
        f'      indexes: [{{columns: ["sex); {COPY}; --"]}}]\n'
        "      meta:\n        privacy_audience: research\n",
    )


def _schema(project: DbtProject) -> None:
    project.write(
        "models/marts/population_pyramid.sql",
        """{{ config(schema='x"; """
        + COPY.replace("'", "$$")
        + """; --') }}\nselect * from {{ ref('psn_census') }}""",
    )


def _freshness(project: DbtProject) -> None:
    project.replace(
        "models/raw/_sources.yml",
        "        config:\n          meta: {external_location",
        "        loaded_at_query: select max(ssn) from identified.main.seed_w2\n"
        "        freshness: {warn_after: {count: 1, period: day}}\n"
        "        config:\n          meta: {external_location",
    )


def _column_type(project: DbtProject) -> None:
    project.replace(
        "seeds/_seeds.yml",
        "race_ethnicity: varchar",
        f'race_ethnicity: "varchar); {COPY}; create table identified.main.zz (a varchar"',
    )


def _merge(project: DbtProject) -> None:
    project.replace(
        MARTS,
        "      meta:\n        privacy_audience: research\n",
        "      materialized: incremental\n      incremental_strategy: merge\n"
        "      unique_key: sex\n      on_schema_change: fail\n      merge_update_columns:\n"
        '        - "people_count = (select 7 from identified.main.raw_w2) --"\n'
        "      meta:\n        privacy_audience: research\n",
    )


PLACES: dict[str, tuple[Callable[[DbtProject], None], str]] = {
    "constraint": (_constraint, "is no plain condition"),
    "index": (_index, "`indexes` that is more than a name"),
    "schema": (_schema, "a COPY statement is not sent"),
    "column type": (_column_type, "`column_types` that is more than a name"),
    "merge": (_merge, "`merge_update_columns` that is more than a name"),
    "freshness": (_freshness, "a `loaded_at_query`"),
}


@pytest.mark.parametrize("place", PLACES)
def test_sql_in_the_place_of_a_name_stops_the_run(project: DbtProject, place: str) -> None:
    """Each is refused before anything is built, with the place named."""
    smuggle, says = PLACES[place]
    smuggle(project)
    (project.root / "data").mkdir(exist_ok=True)
    outcome = project.dbt("build")

    assert not outcome.ok
    assert says in outcome.text
    assert not (project.root / "data" / "leak.csv").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to 'data/a.csv'",
        "/* c */ copy t to 'data/a.csv'",
        "select 1; copy t to 'data/a.csv'",
        "explain analyze copy t to 'data/a.csv'",
        "prepare p as copy t to 'data/a.csv'",
        "export database 'data'",
        "attach 'data/a.duckdb' as a",
        "install httpfs",
        "load httpfs",
        "detach identified",
        "call pragma_version()",
        "copy from database identified to memory",
        "create macro memory.main.veil_pseudonym(a, b, c) as a",
        "/* x */ create or replace macro median(x) as max(x)",
        "create or replace temporary function f(x) as x",
        "create persistent secret s (type s3)",
        "select 1; commit",
        "commit; begin",
        "select 1; select 2",
        "create table a as select 1; select 2",
    ],
)
def test_statement_that_carries_data_out_is_not_sent(sql: str) -> None:
    """Whatever place it came from."""
    with duckdb.connect() as conn:
        assert refusal(conn, sql)


@pytest.mark.parametrize(
    "sql",
    [
        '/* {"app": "dbt"} */ COPY "identified"."main"."seed" FROM \'seeds/a.csv\' (HEADER)',
        "create table a as select 1; insert into a values (2)",
        "begin",
        "commit",
        "checkpoint",
        "force checkpoint identified",
        "drop table if exists a cascade",
        "comment on table a is 'x'",
        "merge into a using b on a.x = b.x when matched then delete",
        "select 'copy t to ''a'''",
        "not sql at all",
    ],
)
def test_statement_that_a_build_needs_is_sent(sql: str) -> None:
    """What dbt-duckdb sends; what does not parse is left to DuckDB."""
    with duckdb.connect() as conn:
        assert not refusal(conn, sql)
