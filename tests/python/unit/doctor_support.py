"""A project in which the doctor finds nothing, and one check at a time to run on it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from veil.doctor import CHECKS, Place, examine
from veil.findings import Finding
from veil.project import Project

PROJECT = """\
name: demo
profile: demo
flags:
  send_anonymous_usage_stats: false
  skip_nodes_if_on_run_start_fails: true
data_tests:
  +store_failures: false
"""
PROFILE = """\
demo:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: ":memory:"
      plugins:
        - module: veil.plugin
          alias: veil
"""
KEYRING = '{"entries": [{"purpose": "zone", "kek_ref": "file:~/.config/veil/a.kek"}]}'
LOCK = "duckdb==1.5.5 \\\n    --hash=sha256:00\n"
IGNORED = "/state/\n/warehouse/\n/published/\nlogs/\ntarget/\nprofiles.yml\n"
VERSIONS = {"duckdb": "1.5.5", "cryptography": "50.0.2", "dbt-core": "1.11.16"}
RELEASE = "published/.releases/board-1"
# What DuckDB's main header begins with: checksum, magic, version, flags.
CLEAR_FILE = b"\0" * 8 + b"DUCK" + b"\x40" + b"\0" * 43
SEALED_FILE = CLEAR_FILE[:20] + b"\1" + CLEAR_FILE[21:]


def good_place(root: Path, *, with_git: bool = False) -> Place:
    """A project that every check passes, on a machine that every check passes."""
    project = root / "project"
    for folder, mode in (
        ("state", 0o700),
        ("warehouse", 0o700),
        ("warehouse/spill", 0o700),
        ("macros", 0o755),
        ("published", 0o755),
        (RELEASE, 0o755),
    ):
        (project / folder).mkdir(parents=True)
        (project / folder).chmod(mode)
    write(project / "dbt_project.yml", PROJECT)
    write(project / "profiles.yml", PROFILE)
    write(project / "requirements.lock", LOCK)
    write(project / ".gitignore", IGNORED)
    write(project / "state/keyring.json", KEYRING, mode=0o600)
    write(project / RELEASE / "RELEASE.json", "{}")
    (project / "published/board").symlink_to(".releases/board-1")
    for zone in ("identified", "pseudonymized", "marts"):
        file = project / f"warehouse/{zone}.duckdb"
        file.write_bytes(SEALED_FILE)
        file.chmod(0o600)
    project.chmod(0o700)
    if with_git:
        git(project, "init", "--quiet")
    return Place(
        project=Project(project),
        environ={},
        home=root / "home",
        version_of=VERSIONS.get,
        python="3.11.9",
        core_pattern="core",
        umask=0o077,
        swap=False,
        locks="",
        now=datetime.now(UTC),
    )


def write(path: Path, text: str, *, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def edit(place: Place, name: str, old: str, new: str) -> Place:
    """Replace text in a file of the project; the place comes back without what it remembered."""
    path = place.root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return replace(place)


def found(place: Place, rule: str) -> list[Finding]:
    """What one check finds."""
    checks = [check for check in CHECKS if check.rule == rule]
    assert len(checks) == 1, f"there is no one check `{rule}`"
    return [one for outcome in examine(place, checks) for one in outcome.findings]


def levels(place: Place, rule: str) -> list[str]:
    return [one.level.value for one in found(place, rule)]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )
