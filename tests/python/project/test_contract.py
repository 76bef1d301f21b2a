"""`veil contract` on the demo: valid files that the published data keeps."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft201909Validator

from harness import DbtProject
from veil.check import check_project
from veil.cli.contract import contract
from veil.contracts import read_contracts
from veil.errors import FindingError, VeilError

pytestmark = pytest.mark.project


def _run(project: DbtProject, *arguments: str) -> tuple[str, BaseException | None]:
    line = ["--project-dir", str(project.root), *arguments]
    done = CliRunner().invoke(contract, line, standalone_mode=False)
    return done.output, done.exception


def test_the_demo_keeps_its_own_contracts(built: DbtProject) -> None:
    """Every draft is valid in the standard, and every rule that runs holds on the released file."""
    text, failure = _run(built, "--json")
    drafted = json.loads(text)
    schema = resources.files("open_data_contract_standard").joinpath("schema.json").read_text()
    validator = Draft201909Validator(json.loads(schema))

    assert failure is None
    assert {one["name"] for one in drafted} == {mart.name for mart in built.graph().marts}
    for one in drafted:
        assert list(validator.iter_errors(one)) == []
        with built.published(one["roles"][0]["role"]) as conn:
            table = one["schema"][0]
            types = {
                name: kind for name, kind, *_ in conn.execute(f"describe {one['name']}").fetchall()
            }
            assert types == {p["name"]: p["physicalType"] for p in table["properties"]}
            queries = [rule["query"] for rule in table["quality"] if rule.get("type") == "sql"]
            assert [conn.execute(query).fetchall() for query in queries] == [[(0,)]] * len(queries)
        assert all(
            (built.root / str(server.get("path") or server.get("database"))).is_file()
            for server in one["servers"]
        )


def test_a_rule_of_a_contract_can_fail(built: DbtProject) -> None:
    """The same rules with a higher threshold do not hold: they look at the data."""
    drafted = json.loads(_run(built, "population_pyramid", "--json")[0])
    rules = {rule["name"]: rule for rule in drafted[0]["schema"][0]["quality"]}
    query = rules["no_small_cells"]["query"].replace("< 11", "< 100000")
    with built.published() as conn:
        found = conn.execute(query).fetchall()

    assert found != [(0,)]


def test_written_contracts_bind_the_next_change(project: DbtProject) -> None:
    """Written, checked green; a retyped column is refused, by --check and by --write alike."""
    written, _ = _run(project, "--write", "contracts")
    agreed, fine = _run(project, "--check")
    before = {path: path.read_text() for path in (project.root / "contracts").iterdir()}
    project.replace("models/marts/_marts.yml", "privacy_threshold: 11", "privacy_threshold: 7")
    _, too_old = _run(project, "--check")
    assert project.dbt("parse").ok
    refused, failure = _run(project, "--check")
    checked = [one for one in check_project(project.veil).findings if one.rule == "contract_break"]
    _, not_written = _run(project, "--write", "contracts")

    assert written.count("version 1.0.0") == len(read_contracts(project.root / "contracts")) == 9
    assert (agreed, fine) == ("contracts/ and the models agree.\n", None)
    assert isinstance(too_old, VeilError)
    assert "dbt parse" in str(too_old)
    assert isinstance(failure, FindingError)
    assert "the threshold was 11 and is 7" in refused
    assert any("the threshold was 11 and is 7" in one.message for one in checked)
    assert isinstance(not_written, FindingError)
    assert {path: path.read_text() for path in before} == before


def test_no_manifest_is_said(project: DbtProject, tmp_path: Path) -> None:
    """Without dbt's manifest the command cannot run, and says what to do."""
    (project.root / "target/manifest.json").unlink()
    _, failure = _run(project)

    assert isinstance(failure, VeilError)
    assert failure.exit_code == 3
    assert "dbt parse" in str(failure)
