"""`veil budget` and `veil utility`, and releases that are drawn again when the data has changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from demo_marts import COSTS, DAILY, PEOPLE, WAGES, add_mart, edit_visits, rows, spent
from harness import DbtProject
from veil.cli.budget import budget
from veil.cli.utility import utility
from veil.errors import UsageError

pytestmark = pytest.mark.project


def asked(project: DbtProject, *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of `veil budget`."""
    line = ["--project-dir", str(project.root), "--json", *arguments]
    done = CliRunner().invoke(budget, line)
    return done.exit_code, json.loads(done.stdout)


def test_what_is_spent_and_what_the_next_build_costs(project: DbtProject) -> None:
    """After a build nothing more; a new mart is priced before it is built, and one too dear too."""
    code, plain = asked(project)
    accounts = {one["name"]: one for one in plain["budgets"]}

    assert code == 0
    assert accounts["visitors"]["spent"] == {"loss": "24/5", "delta": "1/1000000"}
    assert accounts["visitors"]["left"] == {"loss": "6/5", "delta": "9/1000000"}
    assert {one["mart"].rpartition(".")[2] for one in plain["next_build"]} == {COSTS, DAILY, WAGES}
    assert all(one["costs"] == {} for one in plain["next_build"])

    add_mart(project, "visits_by_region", rows(f"select * from {PEOPLE}"), epsilon=1)
    code, plain = asked(project)
    costs = {one["mart"].rpartition(".")[2]: one["costs"] for one in plain["next_build"]}

    assert code == 0
    assert costs["visits_by_region"] == {
        "visitors": {"loss": "1/1", "delta": "0/1", "fits": True, "releases": 1}
    }

    project.replace("models/marts/_visits_by_region.yml", "epsilon: 1\n", "epsilon: 2\n")
    code, plain = asked(project)

    assert (code, plain["fits"]) == (1, False)
    assert spent(project)["visitors"] == 4.8


def test_budgets_are_shown_for_people(built: DbtProject) -> None:
    """Limit, spent and left of each, and the error to expect of each metric."""
    done = CliRunner().invoke(budget, ["--project-dir", str(built.root)])

    assert done.exit_code == 0
    for said in (
        "budget `visitors`, for each visitor",
        "spent     epsilon 4.8, delta 0.000001",
        "left      epsilon 1.2, delta 0.000009",
        f"{WAGES}: given again as it was released, at no cost",
        "employees: ±",
    ):
        assert said in done.stdout


def test_the_realised_error_is_for_those_who_have_the_key(built: DbtProject) -> None:
    """One line a metric and release, next to what the declared noise lets expect."""
    line = ["--project-dir", str(built.root), "--json"]
    found = json.loads(CliRunner().invoke(utility, [DAILY, *line]).stdout)
    visits = [one for one in found if one["metric"] == "visits"]

    assert len(visits) == 14
    # Laplace noise of scale 20 on three cells a day: its mean over 42 draws is 20 with a standard
    # error of 3.1, and 16 of these are not reached once in a billion builds.
    assert 4 < sum(one["mean_error"] for one in visits) / 14 < 70
    assert all(one["expected"] == 60 and 0 < one["kept"] < 1 for one in visits)
    for file in (built.root / "published").rglob("*"):
        assert not file.is_file() or b"mean_error" not in file.read_bytes()
    with pytest.raises(UsageError, match="no differential mart"):
        CliRunner().invoke(
            utility, ["nothing", *line], standalone_mode=False, catch_exceptions=False
        )


def test_on_change_draws_again_for_other_rows_alone(project: DbtProject) -> None:
    """The same rows in another order cost nothing, nor does a new key; one row more does."""
    add_mart(
        project,
        "visits_by_region",
        rows(f"select person_key, region from {PEOPLE}"),
        privacy_refresh="on_change",
        epsilon=0.25,
    )
    chosen = ("build", "--select", "+visits_by_region")
    assert project.dbt(*chosen).ok
    first = spent(project)["visitors"]
    edit_visits(project, lambda all_rows: all_rows[::-1])
    assert project.dbt(*chosen).ok
    again = spent(project)["visitors"]
    edit_visits(project, lambda all_rows: all_rows[1:])
    outcome = project.dbt(*chosen)
    _, plain = asked(project)
    costs = {one["mart"].rpartition(".")[2]: one["costs"] for one in plain["next_build"]}

    assert outcome.ok, outcome.text
    assert costs["visits_by_region"]["visitors"]["loss"] == "1/4", "quoted as if it had changed"
    assert (first, again, spent(project)["visitors"]) == (5.05, 5.05, 5.3)
