"""`veil scan` on the demo and the stranger's project: what is declared, and what a tag let by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from harness import ROOT, DbtProject
from veil.cli.scan import scan
from veil.detect import Verdict, find_targets, judge_table
from veil.errors import EXIT_FINDING
from veil.lineage.classes import PrivacyClass
from veil.project import Project
from veil.warehouse.sampling import open_sampler

DIRECT = "direct_identifier"
STRICTER = {
    # Public in the stranger's words; the scan cannot know that a ward or an analyte says little.
    ("visits", "ward"),
    ("lab_results", "analyte"),
}
CAREFUL = {
    # Declared sensitive; to the scan the length of a visit is a number like any other.
    ("seed_visits", "minutes")
}
SEED = "seeds/_seeds.yml"
RAW = "models/raw/_raw.yml"
PSN = "models/pseudonymized/_pseudonymized.yml"


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(scan, [*arguments, "--project-dir", str(root)])


def findings(result: Result) -> list[dict[str, str]]:
    return json.loads(result.stdout)["findings"]


def judged(project: Project, *names: str) -> dict[tuple[str, str], tuple[Verdict, str, str]]:
    """By table and column: the verdict, the declared class and type."""
    found = {}
    targets = find_targets(project, names, masked=False)
    with open_sampler(project, targets) as sampler:
        for target in targets:
            for verdict in judge_table(sampler.sample(target, rows=10_000)):
                key = verdict.column.lower()
                found[target.name, key] = (verdict, target.classes[key], target.types[key])
    return found


def test_demo_seeds_are_classified_as_declared(tmp_path: Path) -> None:
    """69 of 70 columns of the demo: the class of each, and the type of each that is personal."""
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    shutil.copy2(ROOT / "dbt_project.yml", tmp_path)
    found = judged(Project(tmp_path))
    wrong = {
        key
        for key, (verdict, declared, kind) in found.items()
        if verdict.privacy_class != declared
        or (declared != "non_sensitive" and verdict.privacy_type != kind)
    }

    assert len(found) == 70
    assert wrong == CAREFUL
    assert run(tmp_path).exit_code == 0


def test_stranger_is_classified_as_declared(tmp_path: Path) -> None:
    """Class and type of 23 of 25 columns; of the other two the scan is stricter, by a guess."""
    root = tmp_path / "stranger"
    for name in ("seeds", "data"):
        shutil.copytree(ROOT / "integration_tests" / name, root / name)
    shutil.copy2(ROOT / "integration_tests" / "dbt_project.yml", root)
    staging = ROOT / "integration_tests" / "models" / "staging" / "_staging.yml"
    found = judged(Project(root))
    for source in yaml.safe_load(staging.read_text())["sources"]:
        for table in source["tables"]:
            declared = {one["name"]: one["config"]["meta"] for one in table["columns"]}
            (target,) = find_targets(Project(root), [f"data/{table['name']}.csv"], masked=False)
            with open_sampler(Project(root), [target]) as sampler:
                for verdict in judge_table(sampler.sample(target, rows=10_000)):
                    meta = declared[verdict.column]
                    key = (table["name"], verdict.column)
                    found[key] = (verdict, meta["privacy_class"], meta["privacy_type"])
    other = {
        key: verdict.confidence
        for key, (verdict, privacy_class, kind) in found.items()
        if (verdict.privacy_class, verdict.privacy_type) != (privacy_class, kind)
    }

    assert len(found) == 25
    assert set(other) == STRICTER
    assert max(other.values()) < 0.5
    assert run(root).exit_code == 0


@pytest.mark.parametrize("column", ["ssn", "first_name", "simulant_id"])
def test_lowered_class_in_the_demo_is_an_error(tmp_path: Path, column: str) -> None:
    """Each way of knowing: by checksum rules, by lists of names, by the name of the column."""
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    shutil.copy2(ROOT / "dbt_project.yml", tmp_path)
    yaml_file = tmp_path / SEED
    declared = yaml.safe_load(yaml_file.read_text())
    for seed in declared["seeds"]:
        for one in seed["columns"]:
            if one["name"] == column:
                one["config"]["meta"]["privacy_class"] = "non_sensitive"
    yaml_file.write_text(yaml.safe_dump(declared))

    result = run(tmp_path, "--json")

    assert result.exit_code == EXIT_FINDING
    assert {one["column"] for one in findings(result)} == {column}
    assert {one["file"] for one in findings(result)} == {SEED}


@pytest.mark.project
def test_masked_output_of_the_demo_is_clean(built: DbtProject) -> None:
    """Pseudonyms, bands and counts are no identifiers; every psn model and mart is looked at."""
    result = run(built.root, "--masked", "--json")
    tables = json.loads(result.stdout)["tables"]

    assert result.exit_code == 0, result.output
    assert findings(result) == []
    assert sum(table["kind"] == "mart" for table in tables) == len(built.graph().marts)
    assert {"psn_census", "psn_earnings", "psn_social_security", "psn_visits", "psn_wic"} <= {
        table["name"] for table in tables
    }


@pytest.mark.project
def test_identified_zone_is_read_with_its_key(built: DbtProject) -> None:
    """A raw model by name: out of the encrypted zone, and classified as declared."""
    found = judged(built.veil, "raw_social_security")

    assert found["raw_social_security", "ssn"][0].hits > 1000
    assert all(
        (PrivacyClass.named(verdict.privacy_class) or 0) <= (PrivacyClass.named(declared) or 0)
        for verdict, declared, _ in found.values()
    )


@pytest.mark.project
def test_kept_identifier_is_found_in_masked_output(project: DbtProject) -> None:
    """Names tagged as public all the way pass every gate with `keep`; their values do not."""
    for path in (SEED, RAW):
        declared = yaml.safe_load((project.root / path).read_text())
        for table in [*declared.get("seeds", []), *declared.get("models", [])]:
            for column in table["columns"]:
                if column["name"] in {"first_name", "last_name", "full_name"}:
                    column["config"]["meta"]["privacy_class"] = "non_sensitive"
        project.write(path, yaml.safe_dump(declared))
    project.replace(PSN, "meta: {privacy_mask: redact}", "meta: {privacy_mask: keep}")
    outcome = project.dbt("run", "--select", "raw_social_security", "psn_social_security")
    assert outcome.ok, outcome.text
    (name,) = project.rows("select min(full_name) from pseudonymized.main.psn_social_security")[0]

    result = run(project.root, "--masked", "--json")
    (finding,) = findings(result)

    assert result.exit_code == EXIT_FINDING
    assert finding["rule"] == "identifier_in_masked_output"
    assert (finding["model"], finding["column"]) == ("psn_social_security", "full_name")
    assert "`person_name`" in finding["message"]
    assert name not in result.output


@pytest.mark.project
def test_published_identifier_is_found(project: DbtProject) -> None:
    """A register number that came into a published file by whatever way."""
    import duckdb

    with duckdb.connect(str(project.root / "published" / "research.duckdb")) as conn:
        conn.execute(
            "create or replace table wic_participation as"
            " select 'x' || range || '@example.org' as decade from range(30)"
        )

    result = run(project.root, "--masked", "wic_participation", "--json")

    assert result.exit_code == EXIT_FINDING
    assert [one["column"] for one in findings(result)] == ["decade"]


@pytest.mark.project
def test_source_that_is_not_there_is_said_and_not_passed_over(built: DbtProject) -> None:
    """The full sample is not shipped: a warning for each of its tables, and the seeds scanned."""
    result = run(built.root, "--json")
    unread = {one["model"] for one in findings(result) if one["rule"] == "not_scanned"}

    assert result.exit_code == 0
    assert "sample.census" in unread
    assert len(json.loads(result.stdout)["tables"]) >= 8


@pytest.mark.project
def test_artifacts_of_the_demo_are_searched(built: DbtProject) -> None:
    """`--artifacts` runs the other scan, over files; the built demo is clean."""
    result = run(built.root, "--artifacts", "--json")

    assert result.exit_code == 0, result.output
    assert not [one for one in findings(result) if one["level"] == "error"]
