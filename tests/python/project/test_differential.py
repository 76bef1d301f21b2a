"""Differential marts through dbt: drawn once, charged once, and given again ever after."""

from __future__ import annotations

import shutil

import pytest

from demo_marts import (
    COLUMNS,
    CONFIG,
    COSTS,
    DAILY,
    DAYS,
    MARTS,
    PEOPLE,
    RELEASES,
    SPENT,
    WAGES,
    YAML,
    add_mart,
    drawn,
    edit_visits,
    kept,
    promises,
    published,
    rows,
    shown,
    spent,
    visit,
)
from harness import DbtProject
from ledger_support import events

pytestmark = pytest.mark.project

METRICS = ("visitors", "cost_mean", "minutes_median")


# drawn and given again


def test_first_build_draws_charges_and_publishes_each_release(built: DbtProject) -> None:
    """Each day and each other mart is a release; the record, the ledger and the file agree."""
    made, promised = drawn(built), promises(built)
    costs = promised[COSTS]["differential"]

    assert [name for name, _, _ in made] == RELEASES
    assert spent(built) == SPENT
    for event in ("release.drawn", "ledger.charged"):
        assert sorted(one["release"] for one in events(built.veil, event)) == RELEASES
    assert published(built, COSTS) == kept(built, COSTS)
    assert published(built, WAGES) == kept(built, WAGES)
    assert published(built, DAILY) == kept(built, *DAYS)
    assert [promised[mart]["differential"]["counted_for_each"] for mart in MARTS] == [
        "release",
        "day",
        "release",
    ]
    assert (costs["epsilon"], costs["delta"], costs["partitions"]) == ("2", "0.000001", "private")
    assert promised[WAGES]["differential"]["rho"] == "0.5"


def test_the_same_bytes_come_again_whatever_happened_to_the_data(project: DbtProject) -> None:
    """Other data, `dbt clean`, no warehouse, another target and `--full-refresh`, all at once."""
    before, files = drawn(project), shown(project)
    edit_visits(project, lambda rows: rows[: len(rows) // 3])
    text = (project.root / "profiles.yml").read_text()
    dev = text.partition("    dev:\n")[2].partition("    lint:\n")[0]
    project.write("profiles.yml", text.replace("    dev:\n", f"    nightly:\n{dev}    dev:\n"))
    assert project.dbt("clean").ok
    shutil.rmtree(project.veil.warehouse)
    outcome = project.dbt("build", "--full-refresh", "--target", "nightly")

    assert outcome.ok, outcome.text
    assert drawn(project) == before
    assert spent(project) == SPENT
    assert shown(project) == files
    assert len(files) == 3


def test_other_words_for_the_same_release_cost_nothing(project: DbtProject) -> None:
    """Spelling, descriptions, order of columns, the name of the budget; a second one counts all."""
    before, files = drawn(project), shown(project)
    sql = f"models/marts/{COSTS}.sql"
    project.replace(sql, "select * from", "SELECT  *  -- all of it\n    FROM")
    project.replace(YAML, "Mean cost of a visit in dollars", "What a visit costs, in dollars")
    minutes = (
        "      - name: minutes_median\n"
        + ((project.root / YAML).read_text().partition("- name: minutes_median\n")[2]).partition(
            "      - name: minutes_median_low"
        )[0]
    )
    project.replace(YAML, minutes, "")
    project.replace(YAML, "      - name: cost_mean\n", minutes + "      - name: cost_mean\n")
    project.replace(YAML, "privacy_budget: visitors", "privacy_budget: guests")
    project.replace(
        CONFIG,
        "    visitors: {unit: visitor,",
        "    too: {unit: visitor, epsilon: 5, delta: 0.00001}\n    guests: {unit: visitor,",
    )
    outcome = project.dbt("build", "--select", *MARTS)
    changes = {
        one["budget"]: one["raised"]
        for event in ("budget.declared", "budget.withdrawn")
        for one in events(project.veil, event)[-2:]
    }
    with project.published("open_data") as conn:
        columns = [one[0] for one in conn.execute(f"describe {COSTS}").fetchall()]

    assert outcome.ok, outcome.text
    assert drawn(project) == before
    assert spent(project) == {"people": 0.5, "guests": 4.8, "too": 4.8}
    assert changes == {"too": False, "guests": False, "visitors": False}
    assert columns.index("minutes_median") < columns.index("cost_mean")
    assert {name: text for name, text in shown(project).items() if COSTS not in name} == {
        name: text for name, text in files.items() if COSTS not in name
    }


def test_another_release_is_drawn_and_charged(project: DbtProject) -> None:
    """Another period, query or parameter; the limits that allow it are raised in the record."""
    before = set(drawn(project))
    project.replace(CONFIG, "unit: visitor, epsilon: 6", "unit: visitor, epsilon: 20")
    project.replace(CONFIG, "unit: person, rho: 1", "unit: person, rho: 2")
    project.replace(
        YAML, "privacy_increment: day", "privacy_increment: day\n        privacy_release_period: 2"
    )
    project.replace(f"models/marts/{COSTS}.sql", "}}\n\n)", "}} where cost < 200\n\n)")
    project.replace(YAML, "rho: 0.5", "rho: 0.25")
    outcome = project.dbt("build", "--select", *MARTS)
    new = set(drawn(project)) - before

    assert outcome.ok, outcome.text
    assert sorted((name, period) for name, period, _ in new) == sorted(
        [(COSTS, "once"), (WAGES, "once"), *((day, "2") for day in DAYS)]
    )
    assert spent(project) == {"people": 0.75, "visitors": 9.6}
    assert before < set(drawn(project))
    assert [one["raised"] for one in events(project.veil, "budget.declared")[-2:]] == [True, True]
    assert published(project, DAILY) == kept(project, *DAYS, period="2")
    assert published(project, DAILY) != kept(project, *DAYS)


def test_a_release_on_change_is_drawn_when_its_rows_have_changed(project: DbtProject) -> None:
    """Not by their order, and not by a column that it does not read; and by one row less."""
    project.replace(CONFIG, "unit: visitor, epsilon: 6", "unit: visitor, epsilon: 20")
    project.replace(YAML, "epsilon: 2\n", "epsilon: 2\n        privacy_refresh: on_change\n")
    first = project.dbt("build", "--select", COSTS)
    after_first = drawn(project)
    edit_visits(project, lambda rows: [{**row, "region": "C1"} for row in reversed(rows)])
    same = project.dbt("build", "--select", f"+{COSTS}")
    after_same = drawn(project)
    edit_visits(project, lambda rows: rows[1:])
    changed = project.dbt("build", "--select", f"+{COSTS}")
    periods = [period for name, period, _ in drawn(project) if name == COSTS]

    for outcome in (first, same, changed):
        assert outcome.ok, outcome.text
    assert len(after_first) == len(RELEASES) + 1, "that it was drawn once before does not count"
    assert after_same == after_first
    assert periods == ["1", "2", "once"]
    assert published(project, COSTS) == kept(project, COSTS, period="2")
    assert spent(project) == {"people": 0.5, "visitors": 8.8}


# one day after the other


PERSON_DAYS = """
models:
  - name: visits_of_a_day
    description: Visits by day, with noise that hides what one person does on one day.
    config:
      materialized: private_release
      contract: {enforced: true}
      meta:
        privacy_audience: open_data
        privacy_population: Visitors of public clinics, by day
        privacy_release: differential
        privacy_unit: person_key
        privacy_unit_within: day
        privacy_increment: day
        privacy_budget: visitor_days
        epsilon: 0.3
        max_partitions_contributed: 1
        max_contributions_per_partition: 2
        public_partitions: {day: {from: 2026-06-01, to: 2026-06-15}}
    columns:
      - {name: day, data_type: date, description: Day.}
      - {name: n, data_type: bigint, description: Visits., config: {meta: {metric: count}}}
      - {name: n_low, data_type: bigint, description: Lower end.}
      - {name: n_high, data_type: bigint, description: Upper end.}
"""


def test_one_more_day_is_charged_alone_and_old_days_stay(project: DbtProject) -> None:
    """Late rows of an old day change nothing in it; who is there every day pays for every day."""
    before, files = drawn(project), published(project, DAILY)
    late = [visit(n, person_id=f"C-9{n:05d}", visited_at="2026-06-03 10:00") for n in range(2000)]
    new = [visit(n, person_id=f"C-8{n:05d}", visited_at="2026-06-15 10:00") for n in range(3000)]
    edit_visits(project, lambda rows: [*rows, *late, *new])
    project.replace(YAML, "to: 2026-06-14", "to: 2026-06-15")
    project.replace(
        CONFIG,
        "unit: visitor, epsilon: 6, delta: 0.00001}",
        "unit: visitor, epsilon: 12, delta: 0.00001}\n"
        "    visitor_days: {unit: visitor, within: day, epsilon: 8, delta: 0.00001}",
    )
    project.write("models/marts/_days.yml", f"version: 2\n{PERSON_DAYS}")
    project.write(
        "models/marts/visits_of_a_day.sql", "{{ veil.dp_aggregate(ref('psn_visits')) }}\n"
    )
    outcome = project.dbt("build", "--select", "+visits_by_region_and_day", "+visits_of_a_day")
    after = [name for name, _, _ in drawn(project) if (name, "once") not in {b[:2] for b in before}]
    rows = published(project, DAILY)
    days = [row[1] for row in published(project, "visits_of_a_day")]
    promise = promises(project)["visits_of_a_day"]["differential"]

    assert outcome.ok, outcome.text
    assert set(before) < set(drawn(project))
    assert sorted(after) == [
        f"{DAILY}.2026-06-15",
        *(f"visits_of_a_day.2026-06-{day:02d}" for day in range(1, 16)),
    ]
    assert [row for row in rows if row in files] == files
    assert len(rows) == len(files) + 3
    assert days[2] > 2000 and days[14] > 2500, "the late rows are there where a day is drawn now"
    # A person's own loss is that of all fifteen days; a person-day's is that of the dearest one.
    assert spent(project)["visitors"] == round(2 + 15 * 0.2 + 15 * 0.3, 9)
    assert spent(project)["visitor_days"] == round(2 + 15 * 0.2 + 0.3, 9)
    assert promise["privacy_unit"] == "person_key within a day"


# what a gate does to a release


def test_mart_that_its_gate_refuses_is_charged_once(project: DbtProject) -> None:
    """It is rolled back and the charge stays; with the gate met the same cells come for nothing."""
    before = shown(project)
    project.replace(YAML, "epsilon: 2\n", "epsilon: 0.5\n        privacy_release_period: 2\n")
    magnitudes = [f"{name}{end}" for name in METRICS for end in ("", "_low", "_high")]
    gate = f"""
    data_tests:
      - veil.no_small_cells:
          arguments:
            count_column: visitors
            grain: [service]
            magnitudes: [{", ".join(magnitudes[1:])}]
            threshold: 100000
"""
    project.replace(YAML, f"  - name: {COSTS}", f"  - name: {COSTS}{gate.rstrip()}")
    refused = project.dbt("build", "--select", COSTS)
    charged, kept_back = drawn(project), shown(project)
    project.replace(YAML, "threshold: 100000", "threshold: 11")
    outcome = project.dbt("build", "--select", COSTS)

    assert f"model `{COSTS}` is rolled back: its gate `no_small_cells`" in refused.text
    assert "budget `visitors` is charged epsilon 0.5." in refused.text
    assert kept_back == before
    assert len(charged) == len(RELEASES) + 1
    assert outcome.ok, outcome.text
    assert drawn(project) == charged
    assert spent(project) == {"people": 0.5, "visitors": 5.3}
    assert published(project, COSTS) == kept(project, COSTS, period="2")


# a budget that is spent


def test_ten_charges_of_a_tenth_fit_and_no_eleventh_of_any_size(project: DbtProject) -> None:
    """Exactly; and days that do not fit together are not drawn one by one until the last fails."""
    project.replace(
        CONFIG,
        "    people:",
        "    tenths: {unit: visitor, epsilon: 5.8, delta: 0.00001}\n    people:",
    )
    columns = [{"name": "day", "data_type": "date"}, *COLUMNS[1:]]
    ten = {"privacy_increment": "day", "epsilon": 0.1}

    def days(last: int) -> None:
        until = {"day": {"from": "2026-06-01", "to": f"2026-06-{last}"}}
        sql = rows(f"select * from {PEOPLE}")
        add_mart(project, "ten", sql, columns=columns, public_partitions=until, **ten)

    days(11)
    eleven = project.dbt("build", "--select", "ten")
    nothing = spent(project)
    days(10)
    outcome = project.dbt("build", "--select", "ten")
    after = drawn(project)
    days(11)
    add_mart(project, "tiny", rows(f"select * from {PEOPLE}"), epsilon=0.000001)
    more = project.dbt("build", "--select", "ten", "tiny")

    assert "budget `tenths`: the release costs epsilon 0.1 " in eleven.messages["model.veil.ten"]
    assert nothing == {**SPENT, "tenths": 4.8}
    assert outcome.ok, outcome.text
    for name in ("ten", "tiny"):
        assert "budget `tenths`" in more.messages[f"model.veil.{name}"]
        assert "left are epsilon 0 " in more.messages[f"model.veil.{name}"]
    assert drawn(project) == after
    assert spent(project) == {"people": 0.5, "visitors": 5.8, "tenths": 5.8}
