"""`veil diff` over the demo and a stranger's project, in a git repository, with dbt's parse."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness import DbtProject, new_stranger
from veil.cli.diff import diff

pytestmark = pytest.mark.project

PARTS = ("dbt_project.yml", "profiles.example.yml", "macros", "models", "seeds")
HOUSEHOLDS = "{{ veil.suppress_small('count(distinct household_key)') }} as household_count"
ROOT = Path(__file__).parents[3]


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def run(project: DbtProject, *arguments: str) -> Result:
    line = ["--project-dir", str(project.root), *arguments]
    return CliRunner().invoke(diff, line)


@pytest.fixture
def demo(tmp_path: Path) -> DbtProject:
    """The demo in a subfolder of a repository, committed, with a profile that git ignores."""
    project = DbtProject(tmp_path / "repository" / "analytics")
    for part in PARTS:
        source = ROOT / part
        target = project.root / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    shutil.copy2(ROOT / ".gitignore", project.root)
    shutil.copy2(project.root / "profiles.example.yml", project.root / "profiles.yml")
    git(project.root.parent, "init", "--quiet", "--initial-branch", "main")
    commit(project.root.parent, "first")
    return project


def test_a_branch_is_reviewed(demo: DbtProject, tmp_path: Path) -> None:
    """Uncommitted, then committed: the same changes, the right exit code, nothing left behind."""
    repository, comment, sarif = demo.root.parent, tmp_path / "diff.md", tmp_path / "diff.sarif"
    mart = "models/marts/population_pyramid.sql"
    demo.replace(mart, "as people_count\n", f"as people_count,\n        {HOUSEHOLDS}\n")
    demo.replace("models/pseudonymized/_pseudonymized.yml", "{width: 10, top: 90}", "{width: 5}")
    reviewed = run(demo, "--base", "HEAD", "--markdown", str(comment), "--sarif", str(sarif))
    text = comment.read_text()
    places = {
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads(sarif.read_text())["runs"][0]["results"]
        for place in result.get("locations", ())
    }
    commit(repository, "second")
    same = run(demo, "--base", "HEAD", "--markdown", str(comment))
    earlier = run(demo, "--base", "main~1", "--json")
    document = json.loads(earlier.output)
    found = {(one["kind"], one["model"], one["column"]): one for one in document["changes"]}

    assert reviewed.exit_code == 1, reviewed.output
    assert "\n| `research` | `population_pyramid` | `household_count` | aggregated from " in text
    assert "`psn_census.household_key` (pseudonym)" in text
    assert "masked less: argument `width` of the mask `age_band` changed. Was 10, is 5." in text
    assert places == {f"analytics/{mart}", "analytics/models/pseudonymized/psn_census.sql"}
    assert (same.exit_code, same.output) == (
        0,
        "veil diff: nothing changes in what anybody can see.\n",
    )
    assert comment.read_text().count("\n") == 1
    assert earlier.exit_code == 1
    assert document["must_look"] is True
    assert ("column_visible", "population_pyramid", "household_count") in found
    masked = found["mask_changed", "psn_census", "age_band"]
    assert (masked["severity"], masked["reaches"]) == ("look", "`research`")
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "worktree", "list").count("\n") == 1


def test_a_stranger_is_compared_under_the_packages_of_the_commit(tmp_path: Path) -> None:
    """Packages are not in git, and the base parses all the same."""
    project = new_stranger(tmp_path / "repository" / "shop")
    repository = project.root.parent
    (repository / ".gitignore").write_text(
        "target/\nlogs/\ndbt_packages/\nprofiles.yml\npackage-lock.yml\nstate/\nwarehouse/\n"
    )
    git(repository, "init", "--quiet", "--initial-branch", "main")
    commit(repository, "first")
    project.replace("dbt_project.yml", '"veil:threshold": 8', '"veil:threshold": 5')
    lowered = run(project, "--base", "HEAD", "--json")
    document = json.loads(lowered.output)

    assert lowered.exit_code == 1
    assert document["notice"] == ""
    assert {one["kind"] for one in document["changes"]} == {"threshold_changed"}
    assert {one["audience"] for one in document["changes"] if one["model"]} != set()


def test_a_base_that_dbt_cannot_parse_makes_everything_new(demo: DbtProject) -> None:
    """A commit that dbt cannot parse is said to be one, and its reason is told."""
    repository = demo.root.parent
    broken = demo.write("models/marts/broken.sql", "select * from {{ ref('nowhere') }}")
    commit(repository, "broken")
    broken.unlink()
    result = run(demo, "--base", "HEAD")

    assert result.exit_code == 1
    assert "Everything counts as new: dbt cannot parse the project." in result.output
    assert "nowhere" in result.output
    assert "there is a new audience, `research`." in result.output
    assert "pseudonymized model `psn_wic` is new." in result.output
