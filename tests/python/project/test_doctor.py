"""`veil doctor` on the demo as it is built, and as a command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import DbtProject
from veil.cli.doctor import doctor
from veil.doctor import CHECKS, Place, examine
from veil.doctor.leftovers import is_encrypted
from veil.errors import FindingError
from veil.findings import Level

# The demo is copied for the tests without its lock file, and lies in no git repository.
EXPECTED = {"python_lock", "anchor"}


def _run(*arguments: str) -> tuple[str, BaseException | None]:
    done = CliRunner().invoke(doctor, arguments, standalone_mode=False)
    return done.output, done.exception


@pytest.mark.project
def test_the_freshly_built_demo_is_healthy(built: DbtProject) -> None:
    """No error, and no warning but those that the copy explains; the machine is set aside."""
    here = Place.here(built.veil)
    place = replace(here, core_pattern="core", umask=0o077, swap=False)
    outcomes = examine(place)
    heavy = [
        (outcome.check.rule, one.message)
        for outcome in outcomes
        for one in outcome.findings
        if one.level is not Level.NOTE and outcome.check.rule not in EXPECTED
    ]

    assert heavy == []
    assert {one.check.rule for one in outcomes if one.status == "fail"} == set()


@pytest.mark.project
def test_every_check_is_listed_and_errors_end_with_a_finding(project: DbtProject) -> None:
    """One line a check; an open keyring makes the command fail and names the file alone."""
    before, fine = _run("--project-dir", str(project.root))
    project.veil.keyring.chmod(0o644)
    after, failure = _run("--project-dir", str(project.root))

    assert fine is None
    assert all(check.title in before for check in CHECKS)
    assert "fail  permissions of state/ and the keyring" in after
    assert isinstance(failure, FindingError)
    assert str(project.root) not in after


@pytest.mark.project
def test_a_machine_reads_the_same(built: DbtProject, tmp_path: Path) -> None:
    """JSON has the checks and the findings; SARIF goes into its file."""
    sarif = tmp_path / "doctor.sarif"
    text, _ = _run("--project-dir", str(built.root), "--json", "--sarif", str(sarif))
    document = json.loads(text)

    assert [one["rule"] for one in document["checks"]] == [check.rule for check in CHECKS]
    assert {one["rule"] for one in document["findings"]} <= {check.rule for check in CHECKS}
    assert json.loads(sarif.read_text())["version"] == "2.1.0"


@pytest.mark.project
def test_a_zone_and_a_release_are_told_apart(built: DbtProject) -> None:
    """The encrypted zones of a real build are told from a published file by their headers."""
    zones = [is_encrypted(built.veil.zone_file(zone)) for zone in ("identified", "marts")]

    assert zones == [True, True]
    assert is_encrypted(built.root / "published/research.duckdb") is False
