"""What a differential mart must not be: refused through dbt, and nothing is drawn or charged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from demo_marts import (
    COLUMNS,
    COSTS,
    DAILY,
    MARTS,
    PEOPLE,
    YAML,
    add_mart,
    drawn,
    rows,
    shown,
)
from harness import DbtProject, Outcome, new_stranger

pytestmark = pytest.mark.project


def nothing_is_lost(project: DbtProject, before: tuple[Any, Any], outcome: Outcome) -> bool:
    """Whether a run failed, and ledger and published files are as they were."""
    return not outcome.ok and (drawn(project), shown(project)) == before


# by what its SQL and its budget say, when it is its turn


BY_ITSELF = {
    "limited": (rows(f"select * from {PEOPLE} limit 100"), "is not stable"),
    "sampled": (rows(f"select * from {PEOPLE} using sample 10%"), "is not stable"),
    "by_chance": (rows(f"select * from {PEOPLE} where random() < 0.5"), "`random` cannot be"),
    "numbered": (
        rows(f"select *, row_number() over (order by cost) as place from {PEOPLE}"),
        "is not stable",
    ),
    "above_all": (
        rows(f"select * from {PEOPLE} where cost = (select max(cost) from {PEOPLE})"),
        "is not stable",
    ),
    "by_person": (
        rows(f"select person_key, person_key as region from {PEOPLE}"),
        "has the partition key `region`, which names single people",
    ),
}


def test_mart_that_is_not_stable_or_does_not_fit_is_refused_by_itself(project: DbtProject) -> None:
    """Each with its model and a way out, while it is its turn; no cell and no charge."""
    before = drawn(project), shown(project)
    for name, (sql, _) in BY_ITSELF.items():
        add_mart(project, name, sql)
    add_mart(project, "too_dear", rows(f"select * from {PEOPLE}"), epsilon=1.3)
    project.write("models/marts/plain.sql", rows(f"select * from {PEOPLE}"))
    numbers = [{"name": "region", "data_type": "integer"}, *COLUMNS[1:]]
    listed = {"region": [1, 2]}
    add_mart(
        project, "typed", rows(f"select * from {PEOPLE}"), columns=numbers, public_partitions=listed
    )
    names = [*BY_ITSELF, "too_dear", "plain", "typed"]
    outcome = project.dbt("build", "--select", *names)

    assert nothing_is_lost(project, before, outcome)
    assert {outcome.results[f"model.veil.{name}"] for name in names} == {"error"}
    for name, (_, says) in BY_ITSELF.items():
        message = outcome.messages[f"model.veil.{name}"]
        assert f"model `{name}`" in message and says in message, message
    assert "left are epsilon 1.2" in outcome.messages["model.veil.too_dear"]
    assert "Set `materialized: private_release`" in outcome.messages["model.veil.plain"]
    assert "column `region` is of another kind" in outcome.messages["model.veil.typed"]
    assert not re.search(r"\b[NCS][1-3]\b", outcome.text), "no message shows a region of a person"


# before anything is built


def test_project_with_a_mart_that_is_not_whole_is_refused_whole(project: DbtProject) -> None:
    """All that can be told without data is told at once, before the first model."""
    before = drawn(project), shown(project)
    listed = f"{{{{ veil.dp_aggregate({PEOPLE[3:-3]}, public_partitions={PEOPLE[3:-3]}) }}}}\n"
    office: dict[str, Any] = {"privacy_audience": "office"}
    all_rows = rows(f"select * from {PEOPLE}")
    add_mart(project, "as_table", all_rows, materialized="table", **office)
    add_mart(project, "no_bound", all_rows, max_partitions_contributed=None, **office)
    add_mart(project, "no_delta", all_rows, public_partitions=None, **office)
    add_mart(project, "personal_list", listed, public_partitions=None, **office)
    exact = "select region, {{ veil.suppress_small('count(*)') }} as n from"
    add_mart(
        project,
        "exact",
        f"{exact} {PEOPLE} group by region\n",
        columns=COLUMNS[:2],
        materialized="table",
        privacy_release="suppressed",
    )
    add_mart(project, "not_noisy", all_rows, privacy_release="suppressed", **office)
    project.write(
        "tests/sql/close_to_the_truth.sql",
        f"select 1 from {{{{ ref('{COSTS}') }}}}, {PEOPLE} as b where visitors > b.cost\n",
    )
    outcome = project.dbt("build")

    assert nothing_is_lost(project, before, outcome)
    assert outcome.results == {}
    for part in (
        "model `as_table` promises `differential`, but is not written by",
        "model `no_bound` has no `max_partitions_contributed`",
        "model `no_delta` has no `delta`",
        "model `personal_list` takes its `public_partitions` from `psn_visits`",
        f"model `exact` publishes the number of rows exactly, over the people of `{DAILY}`",
        "model `not_noisy` is `private_release`, but no mart",
        f"test `close_to_the_truth` reads `{COSTS}`",
    ):
        assert part in outcome.text, outcome.text


def test_hook_that_changes_a_release_is_refused(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is built; and where that rule is off, what was changed is not published."""
    before = drawn(project), shown(project)
    hook = "{{ config(post_hook='update {{ this }} set visitors = 0') }}\n\n"
    sql = (project.root / f"models/marts/{COSTS}.sql").read_text()
    project.write(f"models/marts/{COSTS}.sql", hook + sql)
    refused = project.dbt("build", "--select", *MARTS)
    monkeypatch.setattr("veil.warehouse.bridge.check_run", lambda project: None)
    monkeypatch.setattr("veil.plugin.check_run", lambda project: None)
    outcome = project.dbt("build", "--select", COSTS)

    assert nothing_is_lost(project, before, refused)
    assert refused.results == {}
    assert f"model `{COSTS}` has SQL of its own in its `post-hook`" in refused.text
    assert (drawn(project), shown(project)) == before
    assert f"mart `{COSTS}` has other content than its gates saw" in outcome.text


def test_part_of_the_input_makes_no_release(project: DbtProject) -> None:
    """Neither with `--empty` or `--sample`, nor afterwards over what they left."""
    before = drawn(project), shown(project)
    project.replace(YAML, "        epsilon: 2\n", "        epsilon: 0.1\n")
    empty = project.dbt("build", "--empty", "--select", COSTS)
    sample = project.dbt("build", "--sample", "1 day", "--select", COSTS)
    left = project.dbt("run", "--empty", "--select", "psn_visits")
    outcome = project.dbt("build", "--select", COSTS)

    for one in (empty, sample):
        assert nothing_is_lost(project, before, one)
        assert f"build no mart, and the selection holds `{COSTS}`" in one.text
    assert left.ok, left.text
    assert nothing_is_lost(project, before, outcome)
    assert f"model `{COSTS}` stands on `psn_visits`, which was last built with" in outcome.text


def test_project_without_its_budgets_builds_nothing(project: DbtProject) -> None:
    """Taking the budgets out does not make the marts free."""
    before = drawn(project), shown(project)
    text = (project.root / "dbt_project.yml").read_text()
    project.write("dbt_project.yml", text.partition("\nvars:")[0] + "\n")
    outcome = project.dbt("build")

    assert nothing_is_lost(project, before, outcome)
    assert outcome.results == {}
    for mart in (COSTS, DAILY):
        assert f"model `{mart}` has no `privacy_budget` that is declared" in outcome.text


def test_project_with_a_private_release_of_its_own_builds_nothing(tmp_path: Path) -> None:
    """A stranger's macro of that name would write the rows themselves."""
    stranger = new_stranger(tmp_path / "veil" / "integration_tests")
    stranger.write(
        "macros/mine.sql",
        "{% materialization private_release, adapter='duckdb' %}\n"
        "{% call statement('main') %}{{ create_table_as(False, this, sql) }}{% endcall %}\n"
        "{{ return({'relations': [this]}) }}\n{% endmaterialization %}\n",
    )
    outcome = stranger.dbt("build")

    assert not outcome.ok
    assert outcome.results == {}
    assert "mine.sql defines an implementation of `veil.private_release`" in outcome.text
