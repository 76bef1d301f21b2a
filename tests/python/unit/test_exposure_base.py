"""The earlier commit: found, laid out beside the project, and gone afterwards."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from check_support import PROFILE, leaking
from click.testing import CliRunner

from veil.check import project as checking
from veil.cli.diff import diff
from veil.errors import UsageError, VeilError
from veil.exposure import Severity
from veil.exposure.base import Repository, prepare
from veil.exposure.difference import Difference, difference
from veil.project import Project

WAIVER = {"rule": "unfollowable", "owner": "ada", "until": "2027-01-31"}
SECRET = "Zq9-profile-secret"


def git(folder: Path, *arguments: str) -> str:
    author = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "init.defaultBranch=main",
    )
    done = subprocess.run(
        ["git", *author, "-c", "commit.gpgsign=false", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "more") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


class Bench:
    """A repository with a project in a subfolder; its parse is a file of the tree, so no dbt."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.project = leaking().write(root / "data" / "shop")
        self.environ = {"HOME": str(root), "PATH": os.environ["PATH"]}
        self.parses: list[Path] = []
        self.small = leaking()
        self.write()
        (root / ".gitignore").write_text("target/\nprofiles.yml\ndbt_packages/\n")
        git(root, "init", "--quiet")
        commit(root, "first")
        patch.setattr(checking, "parse_project", self._parse)

    def _parse(self, project: Project, *_args: object, **_kwargs: object) -> bytes:
        self.parses.append(project.root)
        file = project.root / "models" / "parsed.md"
        if not file.exists():
            raise VeilError("dbt cannot parse the project.")
        return file.read_bytes()

    def write(self) -> None:
        """Put the project as `small` has it into the tree."""
        text = json.dumps(self.small.document())
        (self.project.root / "models" / "parsed.md").write_text(text)

    def diff(self, base: str = "HEAD", **more: bool) -> Difference:
        return difference(self.project, base, target=None, environ=self.environ, **more)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path / "repository", monkeypatch)


def test_uncommitted_changes_are_compared(bench: Bench) -> None:
    """Nothing differs from the commit until a file does, and then only that."""
    unchanged = bench.diff()
    bench.small.columns["seed_people"]["mail"] = {"data_type": "varchar", "meta": {}, "config": {}}
    bench.write()
    found = bench.diff()

    assert (unchanged.changes, unchanged.must_look, unchanged.notice) == ((), False, "")
    assert {(one.kind, one.column) for one in found.changes} == {("column_unclassified", "mail")}
    assert found.must_look


def test_the_other_direction_reads_the_commit(bench: Bench) -> None:
    """Once committed it is no difference from HEAD, and still one from the commit before."""
    bench.small.metas["step"] = {"privacy_retention": "1 year"}
    bench.write()
    commit(bench.root)

    assert bench.diff().changes == ()
    assert [one.kind for one in bench.diff("HEAD~1").changes] == ["promise_changed"]


def test_an_earlier_commit_is_looked_at_once(bench: Bench) -> None:
    """What it shows is kept, and not used without the cache or where the kept file is damaged."""
    bench.diff()
    first = len(bench.parses)
    bench.diff()
    second = len(bench.parses)
    bench.diff(use_cache=False)
    third = len(bench.parses)
    (kept,) = (bench.project.root / "target" / "veil" / "base").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"seed_people", b"seed_queens"))
    changes = bench.diff().changes

    assert (first, second, third) == (2, 2, 4)
    assert changes == ()
    assert len(bench.parses) == 5


def test_the_kept_picture_is_of_what_is_installed(bench: Bench) -> None:
    """Another profile makes what was kept useless."""
    bench.diff()
    (bench.project.root / "profiles.yml").write_text(PROFILE.replace("dev", "prod"))
    bench.diff()

    assert len(bench.parses) == 4


def test_a_base_that_does_not_parse_makes_everything_new(bench: Bench) -> None:
    """It is said so, and every protected thing is to be looked at."""
    (bench.project.root / "models" / "parsed.md").unlink()
    commit(bench.root)
    bench.write()
    found = bench.diff()

    assert found.notice == "Everything counts as new: dbt cannot parse the project."
    assert {one.model for one in found.changes if one.severity is Severity.LOOK} == {"seed_people"}


def test_a_base_without_the_project_or_without_veil_makes_everything_new(bench: Bench) -> None:
    """The same for a commit from before the project, and from before the first tag."""
    git(bench.root, "rm", "--quiet", "-r", "--cached", "data")
    git(bench.root, "commit", "--quiet", "--message", "without")
    without = bench.diff()
    bench.small.columns.clear()
    bench.write()
    commit(bench.root)
    bench.small = leaking()
    bench.write()
    untagged = bench.diff()

    assert without.notice == "Everything counts as new: the base has no dbt project in this folder."
    assert without.must_look
    assert untagged.notice == "Everything counts as new: the base does not use veil yet."
    assert untagged.must_look


def test_a_project_that_does_not_parse_is_an_error(bench: Bench) -> None:
    """Only the base is allowed to be broken."""
    (bench.project.root / "models" / "parsed.md").unlink()

    with pytest.raises(VeilError, match="dbt cannot parse"):
        bench.diff()


def test_nothing_of_the_repository_changes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worktree, no change of the index, no hook; and variables of a hook lead nowhere else."""
    hook = bench.root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(bench.root / "elsewhere"))
    before = (bench.root / ".git" / "index").read_bytes()
    bench.diff()
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name)

    assert (bench.root / ".git" / "index").read_bytes() == before
    assert not (bench.root / ".git" / "worktrees").exists()
    assert not list(bench.root.rglob("ran"))
    assert not (bench.root / "elsewhere").exists()
    assert git(bench.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("stop", [KeyboardInterrupt, VeilError("no")])
def test_the_temporary_folder_goes_away(bench: Bench, stop: type | VeilError) -> None:
    """Whatever stops the comparison, Ctrl-C too; what an archive would leave out is there."""
    (bench.root / ".gitattributes").write_text("data/** export-ignore\n")
    commit(bench.root)
    repository = Repository.of(bench.project)
    seen: list[Path] = []
    with pytest.raises((KeyboardInterrupt, VeilError)):  # noqa: SIM117
        with repository.files(repository.commit("HEAD")) as tree:
            seen = [tree, tree.parent]
            assert (tree / "data" / "shop" / "dbt_project.yml").is_file()
            assert not tree.is_relative_to(bench.root)
            assert tree.parent.stat().st_mode & 0o077 == 0
            raise stop

    assert not any(path.exists() for path in seen)


@pytest.mark.parametrize("ref", ["nowhere", "--help", "-x", "HEAD:data", "", "HEAD~9"])
def test_a_name_of_no_commit_is_refused(bench: Bench, ref: str) -> None:
    """An unknown name, an option in place of a name, a folder."""
    with pytest.raises(UsageError, match="has no commit"):
        Repository.of(bench.project).commit(ref)


def test_a_shallow_clone_says_how_to_get_the_commit(bench: Bench, tmp_path: Path) -> None:
    """The way out for continuous integration is in the message."""
    commit(bench.root)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{bench.root}", "clone")
    repository = Repository.of(Project(tmp_path / "clone" / "data" / "shop"))

    with pytest.raises(VeilError, match="fetch-depth: 0"):
        repository.commit("HEAD~1")


def test_a_project_in_no_repository_is_refused(tmp_path: Path) -> None:
    """There is nothing to compare with."""
    with pytest.raises(VeilError, match="in no git repository"):
        Repository.of(leaking().write(tmp_path))


def test_the_base_gets_the_profile_without_its_secrets(bench: Bench) -> None:
    """Under the name that the base calls it by; a key or a path in it stays where it is."""
    body = yaml.safe_load(PROFILE)
    body["demo"]["outputs"]["dev"] |= {"path": f"/{SECRET}", "settings": {"key": SECRET}}
    (bench.project.root / "profiles.yml").write_text(yaml.safe_dump(body))
    (bench.project.root / "dbt_project.yml").write_text("name: demo\nprofile: older\n")
    commit(bench.root)
    (bench.project.root / "dbt_project.yml").write_text("name: demo\nprofile: demo\n")
    repository = Repository.of(bench.project)
    with repository.files(repository.commit("HEAD")) as tree:
        before, environ = prepare(tree, repository, bench.project, bench.environ)
        text = (Path(environ["DBT_PROFILES_DIR"]) / "profiles.yml").read_text()

    assert before.root.name == "shop"
    assert yaml.safe_load(text)["older"]["outputs"]["dev"]["plugins"] == [
        {"module": "veil.plugin", "alias": "veil"}
    ]
    assert SECRET not in text


def test_the_base_gets_packages_as_it_had_them(bench: Bench) -> None:
    """A package of the same repository is the commit's own; one from elsewhere is the installed."""
    own, installed = bench.root / "own", bench.project.root / "dbt_packages"
    own.mkdir()
    (own / "dbt_project.yml").write_text("name: own\nversion: 1\n")
    commit(bench.root)
    (own / "dbt_project.yml").write_text("name: own\nversion: 2\n")
    (installed / "hub").mkdir(parents=True)
    (installed / "hub" / "dbt_project.yml").write_text("name: hub\n")
    (installed / "own").symlink_to(own)
    repository = Repository.of(bench.project)
    with repository.files(repository.commit("HEAD")) as tree:
        before, _ = prepare(tree, repository, bench.project, bench.environ)
        versions = {one.config()["name"]: one.config().get("version") for one in before.packages()}

    assert versions == {"own": 1, "hub": None}


def test_a_base_that_would_write_elsewhere_is_not_looked_at(bench: Bench, tmp_path: Path) -> None:
    """An absolute `target-path` would mix up the two sides."""
    file = bench.project.root / "dbt_project.yml"
    file.write_text(f"name: demo\nprofile: demo\ntarget-path: {tmp_path / 'elsewhere'}\n")
    commit(bench.root)
    file.write_text("name: demo\nprofile: demo\n")
    found = bench.diff()

    assert "outside the repository" in found.notice
    assert not (tmp_path / "elsewhere").exists()


def test_only_a_few_pictures_are_kept(bench: Bench) -> None:
    """The folder does not grow with the history."""
    for _ in range(6):
        commit(bench.root)
        bench.diff()

    assert len(list((bench.project.root / "target" / "veil" / "base").iterdir())) == 4


def test_a_folder_that_cannot_be_written_is_refused(bench: Bench) -> None:
    """An older check would be read in the place of this one."""
    (bench.project.root / "target").mkdir()
    (bench.project.root / "target" / "veil").write_text("no folder")

    with pytest.raises(VeilError, match="target/veil cannot be written"):
        bench.diff()


def test_a_first_line_of_data_is_never_shown(bench: Bench) -> None:
    """A header that shares no name with the YAML is taken for a row; a strange name is a number."""
    seed = bench.project.root / "seeds" / "seed_people.csv"
    seed.write_text(f"{SECRET},12\n")
    row = bench.diff()
    seed.write_text(f"ssn,kind,e mail {SECRET},iban\n")
    header = bench.diff()

    assert row.changes == ()
    assert [one.column for one in header.changes] == ["iban", "number 3"]
    assert SECRET not in repr(header)


def test_packages_are_compared_as_the_project_asks_for_them(bench: Bench) -> None:
    """A new revision is looked at; a package that is gone is not."""
    file = bench.project.root / "packages.yml"
    file.write_text(
        "packages:\n  - {git: acme, revision: v1}\n"
        "  - {package: a/b, version: ['>=1', '<2']}\n  - {local: ../own}\n"
    )
    commit(bench.root)
    file.write_text("packages:\n  - {git: acme, revision: v2}\n  - {local: ../own}\n")
    found = [(one.message, one.before, one.after, one.severity) for one in bench.diff().changes]

    assert found == [
        ("package `acme` changed.", "`v1`", "`v2`", Severity.LOOK),
        ("package `a/b` is gone.", "`>=1, <2`", "", Severity.NOTE),
    ]


def test_the_command_ends_with_the_right_code(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """0 without a change, 1 where somebody must look; an error where a file cannot be written."""
    monkeypatch.setenv("HOME", str(bench.root))
    line = ["--project-dir", str(bench.project.root), "--base", "HEAD"]
    same = CliRunner().invoke(diff, line)
    bench.small.metas["step"] = {"privacy_waiver": {**WAIVER, "reason": SECRET}}
    bench.write()
    look = CliRunner().invoke(diff, [*line, "--json"])
    nowhere = CliRunner().invoke(diff, [*line, "--sarif", str(tmp_path / "no" / "file")])
    document = json.loads(look.output)

    assert (same.exit_code, look.exit_code) == (0, 1)
    assert [one["kind"] for one in document["changes"]] == ["waiver_changed"]
    assert document["findings"][0]["level"] == "warning"
    assert SECRET not in look.output
    assert isinstance(nowhere.exception, VeilError)
