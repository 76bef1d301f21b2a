"""`veil tune` on the demo: charged before it shows, kept, refused when the budget is spent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from harness import DbtProject
from veil.check import check_project
from veil.cli.tune import tune
from veil.differential.budgets import BudgetSpentError
from veil.errors import FindingError, UsageError, VeilError
from veil.state import load_state
from veil.tuning.look import Look
from veil.warehouse import tuning
from veil.warehouse.ledger import Ledger

MART = "visit_costs_by_service"
DAILY = "visits_by_region_and_day"
PRIVATE = ("--private", "--cells", "6", "--epsilon", "0.5")


@pytest.fixture(autouse=True, scope="module")
def _parsed(built: DbtProject) -> None:
    """Parse the demo once, before it is copied."""
    check_project(built.veil)


def run(project: DbtProject, *arguments: str, mart: str = MART) -> None:
    tune.main([mart, *arguments, "--project-dir", str(project.root)], standalone_mode=False)


def machine(
    project: DbtProject, capsys: pytest.CaptureFixture[str], *arguments: str, mart: str = MART
) -> dict[str, Any]:
    capsys.readouterr()
    run(project, *arguments, "--json", mart=mart)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def looks(project: DbtProject) -> list[tuple[str, str, Fraction]]:
    """Name, period and loss of each look in the ledger."""
    made = Ledger(project.veil, *load_state(project.veil)).releases()
    return [
        (one.draw.name, one.draw.period, sum(line.charge.loss for line in one.draw.lines))
        for one in made
        if one.draw.name.endswith(".tune")
    ]


def digests(project: DbtProject) -> Mapping[str, str]:
    """What lies in the project that a person wrote."""
    files = [project.root / "dbt_project.yml", *(project.root / "models").rglob("*.*")]
    return {str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def never(*_arguments: Any, **_more: Any) -> Any:
    raise AssertionError("the rows were read")


def test_a_look_is_charged_kept_and_changes_nothing(
    project: DbtProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call draws; the same again reads no row and costs nothing; `--again` draws anew."""
    before = digests(project)
    first = machine(project, capsys, *PRIVATE)
    charged = looks(project)
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "people_by_bin", never)
        second = machine(project, capsys, *PRIVATE)
    kept = looks(project)
    third = machine(project, capsys, *PRIVATE, "--again")
    (loss,) = [loss for _, _, loss in charged]

    assert [(name, period) for name, period, _ in charged] == [(f"{MART}.tune", "1")]
    assert Fraction("0.4999999") < loss <= Fraction(1, 2)
    assert kept == charged
    assert (first["from"]["charged"], second["from"]["charged"]) == (True, False)
    # All that is shown follows from the stored noisy numbers.
    assert {**first, "from": 0, "yaml": 0} == {**second, "from": 0, "yaml": 0}
    assert [period for _, period, _ in looks(project)] == ["1", "2"]
    assert third["from"]["period"] == "2"
    assert third["people"] != first["people"]
    assert first["proposed"]["total"] <= first["now"]["total"]
    assert digests(project) == before


def test_a_look_is_charged_before_anything_is_shown(
    project: DbtProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off between the draw and its display, the charge stands; the next call shows it."""

    def cut_off(*_arguments: Any) -> Any:
        assert [period for _, period, _ in looks(project)] == ["1"]
        raise VeilError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(Look, "shape", cut_off)
        with pytest.raises(VeilError, match="cut off"):
            run(project, *PRIVATE)
    shown = capsys.readouterr().out
    again = machine(project, capsys, *PRIVATE)

    assert shown == ""
    assert again["from"]["charged"] is False


def test_a_spent_budget_refuses_before_a_row_is_read(
    project: DbtProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that does not fit is not taken, charged or shown."""
    monkeypatch.setattr(tuning, "people_by_bin", never)

    with pytest.raises(BudgetSpentError, match="budget `visitors`"):
        run(project, "--private", "--cells", "6", "--epsilon", "100")
    assert looks(project) == []
    assert capsys.readouterr().out == ""


def test_look_and_release_stay_inside_what_was_said(
    project: DbtProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tenth of `--inside` is the look's, and what is left is proposed as the mart's own."""
    found = machine(project, capsys, "--private", "--cells", "6", "--inside", "2")
    (loss,) = [loss for _, _, loss in looks(project)]

    assert loss + Fraction(found["proposed"]["loss"]) <= 2
    assert found["proposed"]["loss"] == "9/5"
    assert "epsilon: 1.8" in found["yaml"]


def test_nothing_is_looked_at_that_no_build_would_release(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query that depends on other people's rows is refused, and nothing is charged."""
    monkeypatch.setattr(tuning, "people_by_bin", never)
    path = f"models/marts/{MART}.sql"
    project.replace(
        path, "from {{ ref('psn_visits') }}", "from {{ ref('psn_visits') }} order by cost limit 9"
    )

    with pytest.raises(FindingError, match="no look is taken"):
        run(project, *PRIVATE)
    assert looks(project) == []


def test_a_day_of_an_increment_is_looked_at_by_itself(
    project: DbtProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its days are releases of their own: one is named, another one is another look."""
    with pytest.raises(UsageError, match="release of its own"):
        run(project, "--private", mart=DAILY)
    arguments = ("--private", "--epsilon", "0.5", "--day")
    found = machine(project, capsys, *arguments, "2026-06-03", mart=DAILY)
    machine(project, capsys, *arguments, "2026-06-04", mart=DAILY)

    assert found["cells"] == 3
    assert [name for name, _, _ in looks(project)] == [f"{DAILY}.tune"] * 2


@pytest.mark.parametrize(
    "arguments, says",
    [
        ((), "costs epsilon 0.2 of budget `visitors`"),
        (("--look",), "without noise"),
        (("--private", "--synthetic", "FILE"), "one place"),
        (("--synthetic", "FILE", "--epsilon", "1"), "costs nothing"),
        (("--private", "--rho", "1"), "use `--epsilon`"),
        (("--private", "--cells", "6", "--inside", "1", "--epsilon", "1"), "leave nothing"),
        (("--private",), "--cells"),
        (("--private", "--cells", "6", "--outer", "minutes=0..9"), "no bounds are tuned"),
        (("--private", "--cells", "6", "--day", "2026-06-01"), "no `privacy_increment`"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(
    built: DbtProject, arguments: tuple[str, ...], says: str
) -> None:
    """Usage errors name the option, charge nothing, and need no look."""
    file = str(built.root / "dbt_project.yml")

    with pytest.raises(UsageError) as caught:
        run(built, *(file if one == "FILE" else one for one in arguments))
    assert says in str(caught.value)
    assert looks(built) == []


def test_a_mart_without_noise_is_not_tuned(built: DbtProject) -> None:
    """The message says which marts are."""
    with pytest.raises(UsageError, match="no differential mart"):
        run(built, "--private", mart="population_pyramid")


def test_a_synthetic_file_costs_nothing_and_is_noted(
    built: DbtProject,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its digest and what it was declared stand in the lines to paste; a plot is written."""
    folder = tmp_path_factory.mktemp("synthetic")
    rows = [
        f"p{person},{service},{10 + person % 90}.5,{person % 60}"
        for person in range(500)
        for service in ("north", "south", "east")
    ]
    file = folder / "visits.csv"
    file.write_text("\n".join(["person_key,service,cost,minutes", *rows]) + "\n")
    plot = folder / "plot.svg"
    arguments = ("--synthetic", str(file), "--people", "5000", "--plot", str(plot))
    found = machine(built, capsys, *arguments)
    run(built, *arguments)
    text = capsys.readouterr().out

    assert found["people"] == 5000
    assert found["cells"] == 3
    assert found["pairs"] == 15_000
    assert found["proposed"]["max_partitions_contributed"] == 3
    assert found["proposed"]["max_contributions_per_partition"] == 1
    assert Fraction(found["proposed"]["metrics"]["cost_mean"]["upper"]) in (100, 120)
    assert found["from"] == {
        "kind": "synthetic",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "charged": False,
    }
    assert "# bounds: veil tune, a file declared synthetic (SHA-256 " in text
    assert plot.read_text().startswith("<svg")
    assert looks(built) == []


def test_a_file_without_a_column_is_refused_by_name(
    built: DbtProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The column is the mart's; no value of the file is shown."""
    file = tmp_path_factory.mktemp("short") / "visits.csv"
    file.write_text("person_key,service,minutes\nSECRET,SECRET,SECRET\n")

    with pytest.raises(VeilError, match="no column `cost`") as caught:
        run(built, "--public", str(file))
    assert "SECRET" not in str(caught.value)
