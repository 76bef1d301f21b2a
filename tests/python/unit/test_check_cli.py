"""`veil check` as a command: what it prints, to whom, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from check_support import Small, column, leaking
from click.testing import CliRunner, Result

from veil.check import project as checking
from veil.cli.check import check
from veil.errors import EXIT_CANNOT_RUN, EXIT_FINDING, UsageError, VeilError

SECRET = "canary-of-the-environment"


@pytest.fixture
def leaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one leak, dbt's parse replaced by what it would say."""
    return written(tmp_path / "p", leaking(), monkeypatch)


def written(root: Path, small: Small, monkeypatch: pytest.MonkeyPatch) -> Path:
    small.write(root)
    data = json.dumps(small.document()).encode()
    monkeypatch.setattr(checking, "parse_project", lambda *_args, **_kwargs: data)
    monkeypatch.setenv("DBT_ENV_SECRET_TOKEN", SECRET)
    monkeypatch.setenv("TOKEN", SECRET)
    return root


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(check, ["--project-dir", str(root), *arguments])


def test_a_leak_is_printed_with_its_path_and_the_ways_out(leaky: Path) -> None:
    """Model, column, flow, remedy; exit code 1; a line that sums up."""
    done = run(leaky)

    assert done.exit_code == EXIT_FINDING
    assert "error [direct_identifier] models/step.sql" in done.output
    assert "seed_people.ssn -> raw_people.ssn" in done.output
    assert "Ways out:" in done.output
    assert done.output.splitlines()[-1].startswith("veil check: 3 models, ")


def test_a_fine_project_ends_with_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and nothing else."""
    root = written(tmp_path / "p", Small(models={"m": "select 1 as one"}), monkeypatch)
    done = run(root)

    assert done.exit_code == 0
    assert done.output.startswith("veil check: 1 model, 0 findings, ")
    assert len(done.output.splitlines()) == 1


def test_json_holds_every_finding(leaky: Path) -> None:
    """For a machine: the same findings, with their places."""
    done = run(leaky, "--json")
    document = json.loads(done.stdout)
    (found,) = [one for one in document["findings"] if one["path"]]

    assert done.exit_code == EXIT_FINDING
    assert document["models"] == 3
    assert (found["rule"], found["model"], found["column"]) == ("direct_identifier", "step", "ssn")


def test_sarif_is_written_beside_the_text(leaky: Path, tmp_path: Path) -> None:
    """A review tool shows the finding at its file."""
    file = tmp_path / "found.sarif"
    run(leaky, "--sarif", str(file))
    results = json.loads(file.read_text())["runs"][0]["results"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in results]

    assert {"uri": "models/step.sql"} in places


def test_sarif_to_nowhere_is_refused(leaky: Path, tmp_path: Path) -> None:
    """It says which file."""
    done = run(leaky, "--sarif", str(tmp_path / "none" / "x.sarif"))

    assert isinstance(done.exception, VeilError)
    assert done.exception.exit_code == EXIT_CANNOT_RUN


def test_scope_lists_what_is_guarded_and_why(leaky: Path) -> None:
    """Each with its layer and zone; a model that stands on nothing personal is not there."""
    done = run(leaky, "--scope")
    lines = {line.split()[0]: line for line in done.output.splitlines()[:-1]}

    assert done.exit_code == 0
    assert set(lines) == {"seed_people", "raw_people", "step"}
    assert "intermediate" in lines["step"]
    assert "it is built from `raw_people`" in lines["step"]
    assert "identified" in lines["raw_people"]
    assert json.loads(run(leaky, "--scope", "--json").stdout)["scope"][0]["why"]


def test_select_reports_on_that_model_alone(leaky: Path) -> None:
    """What stands against others is not printed, and does not fail."""
    fine, leaking_one = run(leaky, "--select", "other"), run(leaky, "--select", "step")

    assert fine.exit_code == 0
    assert leaking_one.exit_code == EXIT_FINDING
    assert "1 model," in leaking_one.output


def test_a_name_that_no_model_has_is_a_usage_error(leaky: Path) -> None:
    """It is not taken for «nothing found»."""
    assert isinstance(run(leaky, "--select", "nobody").exception, UsageError)


def test_what_depends_on_data_is_a_note_and_fails_nothing_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build looks at it."""
    small = Small(
        models={
            "n": "select 1 as x",
            "m": "{% set all = adapter.get_columns_in_relation(ref('n')) %}{{ all[0].dtype }}",
        },
        columns={"n": {"x": column("")}},
    )
    done = run(written(tmp_path / "p", small, monkeypatch))

    assert done.exit_code == 0, done.output
    assert "note [needs_build] models/m.sql" in done.output


def test_no_value_of_the_environment_is_printed_or_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the text nor in the cache, also where a template raises it."""
    code = "{{ exceptions.raise_compiler_error('no: ' ~ env_var('TOKEN')) }}"
    root = written(tmp_path / "p", Small(models={"m": code}), monkeypatch)
    done = run(root)
    kept = b"".join(one.read_bytes() for one in (root / "target").rglob("*") if one.is_file())

    assert "error [unrenderable] models/m.sql" in done.output
    assert SECRET not in done.output
    assert SECRET.encode() not in kept


def test_nothing_but_the_cache_folder_is_written(leaky: Path) -> None:
    """No key, no warehouse, no log."""
    before = {path for path in leaky.rglob("*") if path.is_file()}
    run(leaky)
    made = {path for path in leaky.rglob("*") if path.is_file()} - before

    assert {str(path.parent.relative_to(leaky)) for path in made} == {"target/veil/check"}


def test_help_shows_an_example() -> None:
    """As every command's does."""
    assert "Example:" in CliRunner().invoke(check, ["--help"]).output
