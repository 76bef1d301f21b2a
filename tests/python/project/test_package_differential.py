"""A differential mart in a stranger's project, integration_tests/, on the stranger's own budget."""

from __future__ import annotations

import json
import sys

import pytest

from harness import DbtProject, new_stranger
from ledger_support import ledger

pytestmark = pytest.mark.project

MART = "patients_by_diagnosis"
CHAPTERS = {"Circulatory", "Endocrine", "Injury", "Musculoskeletal", "Respiratory"}
"""Which of them are named is decided with noise; that none is has a probability below 1e-11."""


def cells(project: DbtProject) -> list[tuple[object, ...]]:
    with project.published("partners") as conn:
        return conn.execute(f"select * from {MART} order by all").fetchall()


def spent(project: DbtProject) -> dict[str, float]:
    """Epsilon that was ever charged, by budget."""
    accounts = ledger(project.veil).spent()
    return {one.declared.name: float(one.lifetime.loss) for one in accounts}


def test_stranger_releases_once_on_a_budget_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn and charged, then given again for nothing, also where OpenDP is gone; a new draw is
    refused there before it is charged; and a spent budget refuses what does not fit."""
    project = new_stranger(tmp_path_factory.mktemp("repository") / "lakeside")
    first = project.dbt("build")
    made, cost = cells(project), spent(project)
    monkeypatch.setitem(sys.modules, "opendp.measurements", None)
    again = project.dbt("build")
    given = cells(project)
    project.replace("models/reporting/_reporting.yml", "epsilon: 1", "epsilon: 0.5")
    shown = project.dbt("docs", "generate"), project.dbt("compile", "--select", MART)
    without = project.dbt("build", "--select", MART)
    kept = spent(project)
    monkeypatch.undo()
    project.replace("models/reporting/_reporting.yml", "epsilon: 0.5", "epsilon: 1.5")
    dear = project.dbt("build", "--select", MART)

    assert first.ok, first.text
    assert f"`{MART}` is drawn anew: budget `patients` is charged epsilon 1." in first.text
    assert made
    assert {row[0] for row in made} <= CHAPTERS
    assert all(low <= number <= high for _, number, low, high in made)
    assert cost == {"patients": pytest.approx(1, abs=1e-9)}
    assert again.ok, again.text
    assert f"`{MART}` is given again as it was released" in again.text
    assert given == made
    assert [one.ok for one in shown] == [True, True]
    assert not without.ok
    assert "pip install 'dbt-veil[differential]'" in without.text
    assert "Traceback" not in without.text
    assert kept == cost
    assert not dear.ok
    assert "the release costs epsilon 1.5" in dear.text
    assert cells(project) == made
    assert spent(project) == cost


def test_stranger_sees_macro_and_materialization(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What a differential mart calls ships with the package; the docs site shows each parameter
    under its own label; and looking at a mart draws nothing."""
    project = new_stranger(tmp_path_factory.mktemp("repository") / "lakeside")
    parsed, listed = project.dbt("parse"), project.dbt("ls")
    compiled = project.dbt("compile", "--select", MART)
    manifest = json.loads((project.root / "target" / "manifest.json").read_text())
    node = manifest["nodes"][f"model.lakeside.{MART}"]

    assert parsed.ok
    assert listed.ok
    assert compiled.ok
    assert node["config"]["materialized"] == "private_release"
    assert (node["meta"]["epsilon"], node["meta"]["privacy_budget"]) == (1, "patients")
    assert node["columns"]["patients"]["meta"] == {"metric": "privacy_unit_count"}
    assert set(node["depends_on"]["macros"]) >= {"macro.veil.dp_aggregate"}
    assert "macro.veil.materialization_private_release_duckdb" in manifest["macros"]
    assert ledger(project.veil).releases() == []
