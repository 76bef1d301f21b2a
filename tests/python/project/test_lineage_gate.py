"""The lineage gate in a build: what a model reads is judged by what stands in the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from harness import DbtProject

pytestmark = pytest.mark.project

YAML = """
version: 2
models:
  - name: {name}
    config:
      contract: {{enforced: true}}
      meta:
        privacy_audience: research
        privacy_population: Residents
        privacy_release: suppressed
        privacy_unit: person_key
{more}
    columns:
      - {{name: sex, data_type: varchar}}
      - {{name: people_count, data_type: bigint}}
    data_tests:
      - veil.no_small_cells: {{count_column: people_count, grain: [sex]}}
"""
SOON = datetime.now(UTC).date() + timedelta(days=30)
WAIVER = (
    "        privacy_waiver:\n"
    f"          - {{rule: unguarded_aggregate, owner: ada, reason: test, until: {SOON}}}"
)
COUNTED = "select sex, {count} as people_count from {{{{ ref('{parent}') }}}} group by sex\n"
GUARDED = "{{ veil.suppress_small('count(distinct person_key)') }}"


def add_mart(
    project: DbtProject, *, parent: str = "psn_census", count: str = GUARDED, more: str = ""
) -> None:
    """A mart `people_by_sex` over `parent`."""
    project.write("models/marts/people_by_sex.sql", COUNTED.format(count=count, parent=parent))
    project.write("models/marts/_people_by_sex.yml", YAML.format(name="people_by_sex", more=more))


def add_between(project: DbtProject, sql: str, *, config: str = "") -> None:
    """An intermediate model `psn_between` in the pseudonymized zone."""
    project.write("models/pseudonymized/psn_between.sql", f"{config}{sql}\n")


def message(project: DbtProject, *arguments: str, name: str = "people_by_sex") -> str:
    """What dbt says of one model that must not build."""
    outcome = project.dbt(*arguments)
    assert outcome.results.get(f"model.veil.{name}") == "error", outcome.text
    return outcome.messages[f"model.veil.{name}"]


def stands(project: DbtProject, name: str = "people_by_sex") -> bool:
    sql = f"select count(*) from duckdb_tables() where table_name = '{name}'"
    return project.rows(sql) != [(0,)]


# it works


def test_guarded_mart_is_built(project: DbtProject) -> None:
    """What the lineage can follow and a guard covers is built and published."""
    add_mart(project)
    outcome = project.dbt("build", "--select", "people_by_sex")

    assert outcome.ok, outcome.text
    assert stands(project)


def test_waiver_sets_one_rule_aside(project: DbtProject) -> None:
    """With owner, reason and day the lineage lets it pass; the gate on the numbers still stands."""
    add_mart(project, count="count(distinct person_key)", more=WAIVER)
    outcome = project.dbt("build", "--select", "people_by_sex")

    assert outcome.ok, outcome.text


def test_mart_over_a_model_between_is_followed_through_it(project: DbtProject) -> None:
    """A pseudonym that a model between renames is named by its whole path."""
    add_between(project, "select person_key as code, sex from {{ ref('psn_census') }}")
    add_mart(project, parent="psn_between", count="min(length(code))")

    text = message(project, "build", "--select", "psn_between", "people_by_sex")

    assert "psn_census.person_key -> psn_between.code -> length() -> min()" in text


@pytest.mark.parametrize("materialized", ["ephemeral", "table", "incremental"])
def test_every_way_of_building_a_model_between_is_followed(
    project: DbtProject, materialized: str
) -> None:
    """An ephemeral model has no table; an incremental one reads itself."""
    add_between(
        project,
        "select person_key, sex, census_year from {{ ref('psn_census') }}"
        "{% if is_incremental() %}"
        " where census_year > (select max(census_year) from {{ this }}){% endif %}",
        config="{{ config(materialized='" + materialized + "') }}\n",
    )
    add_mart(project, parent="psn_between")

    for _ in range(2):
        outcome = project.dbt("build", "--select", "psn_between", "people_by_sex")
        assert outcome.ok, outcome.text
    add_mart(project, parent="psn_between", count="count(distinct person_key)")
    assert "has no guard" in message(project, "run", "--select", "people_by_sex")


# it is refused


@pytest.mark.parametrize(
    "arguments",
    [
        ("build", "--select", "people_by_sex"),
        ("run", "--select", "people_by_sex"),
        ("run", "--full-refresh", "--select", "people_by_sex"),
        ("build", "--exclude", "resource_type:seed", "resource_type:test"),
    ],
)
def test_leak_is_refused_whatever_the_command(
    project: DbtProject, arguments: tuple[str, ...]
) -> None:
    """However the run is cut, a mart without a guard is not written."""
    add_mart(project, count="count(distinct person_key)")
    text = message(project, *arguments)

    assert "column `people_count`: an aggregate over people has no guard" in text
    assert not stands(project)


def test_retry_refuses_again(project: DbtProject) -> None:
    """`dbt retry` looks as `dbt build` did."""
    add_mart(project, count="count(distinct person_key)")
    message(project, "build", "--select", "people_by_sex")

    assert "has no guard" in message(project, "retry")
    assert not stands(project)


@pytest.mark.parametrize(
    ("waiver", "says"),
    [
        ("{rule: unguarded_aggregate, owner: ada, reason: x, until: 2026-01-31}", "has expired"),
        ("{rule: unguarded_aggregate, owner: ada, reason: x, until: 2099-01-31}", "than a year"),
        ("{rule: direct_identifier, owner: ada, reason: x, until: SOON}", "never be waived"),
        ("{rule: unguarded_aggregate, reason: x, until: SOON}", "has no `owner`"),
        ("{rule: unguarded_aggregate, owner: ada, until: SOON}", "has no `reason`"),
        ("{rule: unguarded_aggregate, owner: ada, reason: x}", "has no `until`"),
        ("{rule: [1], owner: ada, reason: x, until: SOON}", "has no `rule`"),
        ("everything", "is no mapping"),
    ],
)
def test_waiver_that_does_not_hold_stops_the_run(
    project: DbtProject, waiver: str, says: str
) -> None:
    """An expired, endless, anonymous or impossible waiver is refused, not ignored."""
    more = f"        privacy_waiver: [{waiver}]".replace("SOON", str(SOON))
    add_mart(project, count="count(distinct person_key)", more=more)
    outcome = project.dbt("build", "--select", "people_by_sex")

    assert not outcome.ok
    assert says in outcome.text
    assert not stands(project)


def test_table_of_an_older_definition_is_what_counts(project: DbtProject) -> None:
    """A clean file over a leaky table helps nothing: the stored table's own SQL is followed."""
    add_between(project, "select sex, person_key as people from {{ ref('psn_census') }}")
    assert project.dbt("run", "--select", "psn_between").ok
    add_between(project, "select distinct sex, 1 as people from {{ ref('psn_census') }}")
    add_mart(project, parent="psn_between", count="count(people)", more="")

    text = message(project, "run", "--select", "people_by_sex")

    assert "psn_census.person_key -> psn_between.people" in text


def test_parent_that_stands_on_something_that_changed_is_refused(project: DbtProject) -> None:
    """A table built before a mask was changed may not vouch for the mask of today."""
    add_between(project, "select person_key, sex from {{ ref('psn_census') }}")
    add_mart(project, parent="psn_between")
    assert project.dbt("build", "--select", "psn_between", "people_by_sex").ok
    project.replace(
        "models/raw/_raw.yml",
        "meta: {privacy_class: quasi_identifier, privacy_type: sex}",
        "meta: {privacy_class: sensitive, privacy_type: sex}",
    )
    assert project.dbt("run", "--select", "raw_census", "psn_census").ok

    text = message(project, "run", "--select", "people_by_sex")

    assert "`psn_between` was built from `psn_census` as it was before it changed" in text


def test_parent_that_veil_did_not_build_is_refused(project: DbtProject) -> None:
    """A table of the right name that nobody checked is not read."""
    with project.connect() as conn:
        conn.execute("delete from pseudonymized.veil.definitions")
    add_mart(project)

    assert "was not built by veil as it stands" in message(
        project, "run", "--select", "people_by_sex"
    )


def test_model_out_of_scope_may_not_reach_into_a_zone(project: DbtProject) -> None:
    """No `ref()`, no lineage: a zone named by a string stops the run before it begins."""
    project.write(
        "models/marts/aside.sql", "select ssn from identified.main.seed_social_security\n"
    )
    outcome = project.dbt("run", "--select", "aside")

    assert not outcome.ok
    assert "`aside`" in outcome.text
    assert not stands(project, "aside")


def test_zone_named_in_the_compiled_sql_is_found_too(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no text of the model gave it away, its compiled SQL does, before it runs."""
    monkeypatch.setattr("veil.warehouse.bridge.check_run", lambda project: None)
    project.write(
        "models/marts/aside.sql", "select ssn from identified.main.seed_social_security\n"
    )
    text = message(project, "run", "--select", "aside", name="aside")

    assert "names a relation of a zone" in text
    assert not stands(project, "aside")


# drift


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("sex,", "sex,nickname,", "seed `seed_wic` has the column `nickname`"),
        ("sex,", "", "seed `seed_wic` lacks the column `sex`"),
        ("sex,", "gender,", "seed `seed_wic` lacks the column `sex`"),
    ],
)
def test_drifted_seed_stops_the_run(project: DbtProject, old: str, new: str, says: str) -> None:
    """A column that came or went is named before anything is built."""
    file = project.root / "seeds" / "seed_wic.csv"
    header, _, rows = file.read_text().partition("\n")
    assert old in header
    file.write_text(f"{header.replace(old, new)}\n{rows}")

    outcome = project.dbt("build")

    assert not outcome.ok
    assert says in outcome.text
    assert not [one for one in outcome.results if not one.startswith("operation.")]


def test_seed_without_its_header_prints_no_row(project: DbtProject) -> None:
    """Its first line is then a person; not one of its words is shown."""
    file = project.root / "seeds" / "seed_social_security.csv"
    _, _, rows = file.read_text().partition("\n")
    file.write_text(rows)

    outcome = project.dbt("build")

    assert "has none of the columns that its YAML promises" in outcome.text
    words = [word for word in rows.partition("\n")[0].split(",") if len(word) > 3]
    assert words
    assert not [word for word in words if word in outcome.text]


# an attacker learns nothing


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "--select", "raw_social_security"),
        ("show", "--select", "psn_social_security"),
        ("show", "--inline", "select * from {{ ref('seed_social_security') }}"),
        ("run-operation", "steal"),
    ],
)
def test_rows_are_not_printed_from_the_zones(
    project: DbtProject, arguments: tuple[str, ...]
) -> None:
    """`dbt show` and operations work outside the zones."""
    project.write(
        "macros/steal.sql",
        "{% macro steal() %}{% do print(run_query("
        "'select ssn from identified.main.seed_social_security').columns[0].values()) %}"
        "{% endmacro %}",
    )
    outcome = project.dbt(*arguments)
    ssn = project.rows("select ssn from identified.main.seed_social_security limit 1")[0][0]

    assert not outcome.ok
    assert "no zone is attached" in outcome.text
    assert ssn not in outcome.text
