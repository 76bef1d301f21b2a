"""The gate of a suppressed mart: what it lets through, what it rolls back, and when."""

from __future__ import annotations

import pytest

from harness import DbtProject

pytestmark = pytest.mark.project

NODE = "model.veil.wic_participation"
YAML = "models/marts/_marts.yml"


def mart(project: DbtProject, rows: str) -> None:
    """Replace the mart `wic_participation` by literal rows, still behind its own YAML."""
    project.write(
        "models/marts/wic_participation.sql",
        "-- {{ ref('psn_wic') }}\n"
        "select decade, participant, race_group, cast(people_count as bigint) as people_count\n"
        f"from (values {rows}) as t (decade, participant, race_group, people_count)\n",
    )


def set_threshold(project: DbtProject, line: str) -> None:
    """Replace the threshold line of the mart `wic_participation`."""
    head, name, tail = (project.root / YAML).read_text().partition("  - name: wic_participation")
    project.write(YAML, head + name + tail.replace("        privacy_threshold: 11\n", line, 1))


BREACHES = {
    "a count below the threshold": "(2020, 'child', 'White', 10)",
    "a count of zero": "(2020, 'child', 'White', 0)",
    "a negative count": "(2020, 'child', 'White', -1)",
    "a cell that stands twice": "(2020, 'child', 'White', 12), (2020, 'child', 'White', 13)",
    "a cell without coordinates that stands twice": (
        "(2020, null::varchar, null::varchar, 12), (2020, null, null, 13)"
    ),
}


BREACHES["a table of people whose counts are hidden"] = ", ".join(
    f"({year}, 'child', 'White', null)" for year in range(2000, 2030)
)


@pytest.mark.parametrize("breach", BREACHES)
def test_breach_rolls_the_mart_back(project: DbtProject, breach: str) -> None:
    """Each breach fails the gate inside the transaction, and the same test as a dbt test."""
    before = project.rows("from marts.main.wic_participation order by all")
    mart(project, BREACHES[breach])

    outcome = project.dbt("build", "--select", "wic_participation")

    assert outcome.results[NODE] == "error"
    assert "its gate `no_small_cells` found" in outcome.messages[NODE]
    assert project.rows("from marts.main.wic_participation order by all") == before


def test_sound_mart_passes(project: DbtProject) -> None:
    """A count at the threshold and a hidden one pass, and are published."""
    mart(project, "(2020, 'child', 'White', 11), (2020, 'child', 'Black', null)")

    outcome = project.dbt("build", "--select", "wic_participation")

    assert outcome.ok, outcome.text
    with project.published() as conn:
        shown = conn.execute("select people_count from wic_participation order by all").fetchall()
    assert shown == [(11,), (None,)]


def test_measure_of_a_hidden_cell_is_a_breach(project: DbtProject) -> None:
    """A mean beside a hidden count would speak of the few; the gate sees every other column."""
    project.write(
        "models/marts/earnings_by_sex_and_age.sql",
        "-- {{ ref('psn_earnings') }}\n"
        "select 2020 as tax_year, 'Male' as sex, '20-29' as age_band,\n"
        "    cast(null as bigint) as people_count, cast(52000 as bigint) as wages_mean\n",
    )

    outcome = project.dbt("build", "--select", "earnings_by_sex_and_age")

    assert outcome.results["model.veil.earnings_by_sex_and_age"] == "error"


def test_threshold_of_the_mart_beats_the_projects(project: DbtProject) -> None:
    """`privacy_threshold` decides for its mart; `veil:threshold` for a mart without one."""
    mart(project, "(2020, 'child', 'White', 15)")
    set_threshold(project, "        privacy_threshold: 20\n")

    outcome = project.dbt("build", "--select", "wic_participation")

    assert outcome.results[NODE] == "error"


def test_project_threshold_counts_where_a_mart_has_none(project: DbtProject) -> None:
    """Without a threshold of its own a mart stands under `veil:threshold`."""
    set_threshold(project, "")
    mart(project, "(2020, 'child', 'White', 15)")

    assert project.dbt("build", "--select", "wic_participation").ok
    outcome = project.dbt("build", "--select", "wic_participation", "--vars", "veil:threshold: 20")
    assert outcome.results[NODE] == "error"


def test_retry_gates_again(project: DbtProject) -> None:
    """`dbt retry` after a failed gate runs the gate again, and publishes when it passes."""
    good = (project.root / "models/marts/wic_participation.sql").read_text()
    mart(project, "(2020, 'child', 'White', 3)")
    assert not project.dbt("build", "--select", "wic_participation").ok
    assert not project.dbt("retry").ok
    project.write("models/marts/wic_participation.sql", good)

    assert project.dbt("retry").ok


@pytest.mark.parametrize("materialized", ["table", "incremental"])
def test_full_refresh_and_incremental_are_gated(project: DbtProject, materialized: str) -> None:
    """Every way of writing a mart runs its gate before the commit."""
    before = project.rows("from marts.main.wic_participation order by all")
    mart(project, "(2020, 'child', 'White', 3)")
    project.replace(
        "models/marts/wic_participation.sql",
        "-- {{ ref('psn_wic') }}",
        f"{{{{ config(materialized='{materialized}') }}}} -- {{{{ ref('psn_wic') }}}}",
    )

    assert not project.dbt("run", "--select", "wic_participation").ok
    assert not project.dbt("run", "--full-refresh", "--select", "wic_participation").ok
    assert project.rows("from marts.main.wic_participation order by all") == before


def test_suppress_small_equals_counting_by_hand(built: DbtProject) -> None:
    """What is shown is what a plain count shows where it reaches eleven, and nothing else."""
    plain = built.rows(
        "select census_year, sex, age_band, count(distinct person_key) as n"
        " from pseudonymized.main.psn_census group by all order by all"
    )
    shown = built.rows("from marts.main.population_pyramid order by all")
    expected = [(*cell, n if n >= 11 else None) for *cell, n in plain]

    assert any(row[-1] is None for row in shown)
    assert sorted(shown, key=repr) == sorted(expected, key=repr)


def test_arguments_never_lower_a_threshold(project: DbtProject) -> None:
    """A smaller `threshold` in the mask's call and in its gate is overruled by the declared one."""
    project.write(
        "models/marts/wic_participation.sql",
        "select 2020 as decade, 'child' as participant, race_group,\n"
        "    {{ veil.suppress_small('count(distinct person_key)', threshold=2) }} as people_count\n"
        "from {{ ref('psn_wic') }} group by race_group\n",
    )
    text = (project.root / YAML).read_text()
    grain = "grain: [decade, participant, race_group]"
    project.write(YAML, text.replace(grain, f"{grain}\n            threshold: 2"))

    assert project.dbt("build", "--select", "wic_participation").ok
    (smallest,) = project.rows("select min(people_count) from marts.main.wic_participation")[0]
    assert smallest is None or smallest >= 11
    mart(project, "(2020, 'child', 'White', 5)")
    assert not project.dbt("build", "--select", "wic_participation").ok
