"""What a build leaves in the audit record, and that nothing is published past it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness import DbtProject
from veil.audit.checkpoint import Checkpoint
from veil.audit.entry import Entry
from veil.audit.note import open_note
from veil.audit.record import Record
from veil.recording import audit_verifiers
from veil.state import load_keyring

pytestmark = pytest.mark.project


def events(project: DbtProject, *names: str) -> list[Entry]:
    """The entries of the record, of some events or of all."""
    with project.here():
        return list(Record.open(project.veil.audit).events(names or None))


def released(project: DbtProject) -> dict[str, Any]:
    """What RELEASE.json says."""
    found: dict[str, Any] = json.loads(
        (project.veil.published / "research" / "RELEASE.json").read_text()
    )
    return found


def anchored(project: DbtProject, folder: Path) -> None:
    """Copy checkpoints to a folder from now on."""
    folder.mkdir()
    setting = f'\nvars:\n  "veil:anchor": {{path: {folder}}}\n'
    project.replace("dbt_project.yml", "\nvars:\n", setting)


def test_a_build_is_recorded_from_start_to_publication(built: DbtProject) -> None:
    """Configuration, start, end, a receipt a mart, the release: ids and numbers, and no value."""
    found = events(built)
    gates = [one.details["mart"] for one in found if one.event == "gate.passed"]
    others = ("keyring", "record", "ledger", "budget", "release")
    last = [one.event for one in found if not one.event.startswith(others)]
    (ended,) = (one for one in found if one.event == "build.ended")

    assert last[:3] == ["configuration.changed", "build.started", "build.ended"]
    assert sorted(gates) == sorted(mart.unique_id for mart in built.graph().marts)
    assert last[-1] == "publication.made"
    assert ended.details["counts"]["success"] > 0
    assert set(ended.details["counts"]) <= {"success", "pass", "no_op"}


def test_a_release_names_the_checkpoint_that_it_was_made_under(built: DbtProject) -> None:
    """An auditor needs the public key alone: the note in RELEASE.json covers every gate."""
    release = released(built)
    with built.here():
        verifiers = audit_verifiers(load_keyring(built.veil))
    text, _names = open_note(release["record"]["checkpoint"], verifiers)
    checkpoint = Checkpoint.parse(text)
    made = {one.details["audience"]: one.details for one in events(built, "publication.made")}
    gates = events(built, "gate.passed")

    assert release["record"]["anchored"] is False
    assert set(made) == {"open_data", "research"}
    assert made["research"] == {
        "audience": "research",
        "release": release["id"],
        "size": checkpoint.size,
    }
    assert all(one.seq < checkpoint.size for one in gates)


def test_nothing_is_published_without_its_anchor(project: DbtProject, tmp_path: Path) -> None:
    """The anchor is away: the build stops before it begins, and the release stays as it was."""
    anchored(project, tmp_path / "anchor")
    first = project.dbt("build", "--select", "population_pyramid")
    before = released(project)
    (tmp_path / "anchor").rename(tmp_path / "gone")
    second = project.dbt("build", "--select", "population_pyramid")
    (tmp_path / "gone").rename(tmp_path / "anchor")

    assert first.ok, first.text
    assert list((tmp_path / "anchor").iterdir())
    assert not second.ok
    assert any("anchor" in line for line in second.lines)
    assert released(project) == before


def test_all_of_state_put_back_stops_the_next_build(project: DbtProject, tmp_path: Path) -> None:
    """With an anchor a rollback of keyring, record and checkpoints together is noticed."""
    copy = tmp_path / "state"
    anchored(project, tmp_path / "anchor")
    assert project.dbt("run", "--select", "raw_wic").ok
    shutil.copytree(project.veil.state, copy)
    assert project.dbt("run", "--select", "raw_wic").ok
    shutil.rmtree(project.veil.state)
    shutil.copytree(copy, project.veil.state)
    outcome = project.dbt("run", "--select", "raw_wic")

    assert not outcome.ok
    assert any("rolled back" in line for line in outcome.lines)


def test_a_receipt_of_a_killed_build_is_recorded_by_the_next(project: DbtProject) -> None:
    """Gates that passed and were never noted, because the build did not come to its end."""
    known = len(events(project, "gate.passed"))
    sql = "delete from marts.veil.noted where mart like '%population_pyramid'"
    with project.connect() as conn:
        conn.execute(sql)
    outcome = project.dbt("run-operation", "veil.publish")
    found = events(project, "gate.passed")[known:]

    assert outcome.ok, outcome.text
    assert [one.details["mart"] for one in found] == ["model.veil.population_pyramid"]


def test_what_an_audience_keeps_is_recorded(project: DbtProject) -> None:
    """A mart that fails holds its audience back: an entry, and no publication."""
    known = len(events(project))
    project.replace("models/marts/_marts.yml", "privacy_threshold: 11", "privacy_threshold: 12")
    outcome = project.dbt("run", "--select", "raw_wic")
    new = [one.event for one in events(project)[known:]]

    assert outcome.ok, outcome.text
    assert new == ["build.started", "build.ended", "publication.held"]
