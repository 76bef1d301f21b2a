"""The project as it was in a commit, in a folder of its own outside the working tree.

git writes the commit's files there from an index of its own: no worktree is registered, no hook
runs, and nothing in the repository changes, however the process ends.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from veil.check.manifest import Profile, check_folder
from veil.errors import UsageError, VeilError
from veil.project import Project

_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""What git sets for a hook, and would lead a call elsewhere."""


@dataclass(frozen=True)
class Repository:
    """A git repository; `root` is its working tree."""

    root: Path

    @classmethod
    def of(cls, project: Project) -> Repository:
        """The repository that a project lies in.

        Raises:
            VeilError: where git is not installed, or the project is in no repository.
        """
        done = _git(project.root, "rev-parse", "--show-toplevel")
        if done.returncode:
            if "dubious ownership" in done.stderr:
                raise VeilError(
                    "git refuses the repository, because another user owns it.",
                    remedy="git config --global --add safe.directory <its folder>",
                )
            raise VeilError(
                "the project is in no git repository, so there is nothing to compare with.",
                remedy="Run it in a clone.",
            )
        return cls(Path(done.stdout.removesuffix("\n")).resolve())

    def commit(self, ref: str) -> str:
        """The hash of the commit that a name means.

        Raises:
            UsageError: where no commit has the name.
            VeilError: the same, where the clone is shallow and may lack it.
        """
        done = _git(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )
        if not done.returncode:
            return done.stdout.strip()
        shallow = _git(self.root, "rev-parse", "--is-shallow-repository")
        if shallow.stdout.strip() == "true":
            raise VeilError(
                f"this shallow clone does not hold `{ref}`.",
                remedy="git fetch --unshallow; in GitHub Actions, `fetch-depth: 0` at checkout.",
            )
        raise UsageError(
            f"the repository has no commit `{ref}`.",
            remedy="`git branch --all` lists names; `git fetch` brings those of others.",
        )

    @contextmanager
    def files(self, commit: str) -> Iterator[Path]:
        """A temporary folder with the files of a commit; gone at the end, also after Ctrl-C."""
        with tempfile.TemporaryDirectory(prefix="veil-diff-", ignore_cleanup_errors=True) as name:
            folder = Path(name).resolve()
            environ = {"GIT_INDEX_FILE": str(folder / "index"), "GIT_LFS_SKIP_SMUDGE": "1"}
            tree = folder / "tree"
            tree.mkdir()
            plain = ("-c", "core.sparseCheckout=false", "-c", f"core.hooksPath={os.devnull}")
            for command in (
                ("read-tree", commit),
                ("checkout-index", "--all", "--force", f"--prefix={tree}/"),
            ):
                done = _git(self.root, *plain, *command, environ=environ)
                if done.returncode:
                    raise VeilError(
                        f"git could not write the files of commit {commit[:12]} to a temporary"
                        " folder.",
                        remedy="Check the free space there, and `git fsck`.",
                    )
            yield tree


def _git(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: one for name, one in os.environ.items() if name not in _OWN}
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            env={**inherited, "LC_ALL": "C", **(environ or {})},
            check=False,
        )
    except OSError:
        raise VeilError("git cannot be run.", remedy="Install git.") from None


def prepare(
    tree: Path, repository: Repository, project: Project, environ: Mapping[str, str]
) -> tuple[Project, dict[str, str]]:
    """Make the project of an earlier commit parse: it gets what git does not hold.

    That is a profile, which opens nothing and holds no secret, and the installed packages.

    Args:
        tree: the files of the commit.
        repository: where they come from.
        project: the project as it is.
        environ: the environment.

    Returns:
        The earlier project, and the environment to look at it in.

    Raises:
        VeilError: where the commit holds no dbt project in that folder, or one that would write
            outside of it.
    """
    place = tree / project.root.resolve().relative_to(repository.root)
    if not (place / "dbt_project.yml").is_file():
        raise VeilError("the base has no dbt project in this folder.")
    before = Project(place)
    if not check_folder(before).resolve().is_relative_to(tree):
        raise VeilError("the base names a `target-path` outside the repository.")
    profiles = tree.parent / "profiles"
    profiles.mkdir()
    (profiles / "profiles.yml").write_text(
        yaml.safe_dump(_profiles(before, project, environ), sort_keys=True), encoding="utf-8"
    )
    _link_packages(tree, repository, project, before)
    return before, {**environ, "DBT_PROFILES_DIR": str(profiles)}


def _profiles(before: Project, project: Project, environ: Mapping[str, str]) -> dict[str, object]:
    """The project's profile under the name that the earlier project calls it by."""
    profile = Profile.find(project, environ)
    (body,) = profile.harmless().values()
    for target, output in body["outputs"].items():
        output["plugins"] = profile.plugins(target)
    name = environ.get("DBT_PROFILE") or before.config().get("profile")
    return {str(name): body}


def _link_packages(tree: Path, repository: Repository, project: Project, before: Project) -> None:
    """Installed packages, which git does not hold; one of this repository as the commit has it."""
    config = "packages-install-path"
    installed = project.root / str(project.config().get(config) or "dbt_packages")
    wanted = before.root / str(before.config().get(config) or "dbt_packages")
    if wanted.exists() or not installed.is_dir() or not wanted.resolve().is_relative_to(tree):
        return
    wanted.mkdir(parents=True)
    for one in sorted(installed.iterdir()):
        place = one.resolve()
        if one.is_symlink() and place.is_relative_to(repository.root):
            place = tree / place.relative_to(repository.root)
        if place.exists():
            (wanted / one.name).symlink_to(place, target_is_directory=place.is_dir())
