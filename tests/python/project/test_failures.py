"""Bad days: a missing key, a locked file, a full disk. One clear line, nothing half-written."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import KEK, DbtProject, new_project

pytestmark = pytest.mark.project

MARTS = "models/marts/_marts.yml"


def published(project: DbtProject) -> dict[str, bytes]:
    folder = project.root / "published"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def veil_lines(text: str) -> list[str]:
    stripped = (line.strip(" '") for line in text.splitlines())  # dbt's debug log adds a quote
    return [line for line in stripped if line.startswith("veil: ")]


def missing(project: DbtProject) -> None:
    project.veil.keyring.unlink()


def unreadable(project: DbtProject) -> None:
    project.veil.keyring.chmod(0o644)


def a_folder(project: DbtProject) -> None:
    project.veil.keyring.unlink()
    project.veil.keyring.mkdir()


def edited(project: DbtProject) -> None:
    raw = bytearray(project.veil.keyring.read_bytes())
    raw[len(raw) // 2] ^= 1
    project.veil.keyring.write_bytes(bytes(raw))


def cut_short(project: DbtProject) -> None:
    raw = project.veil.keyring.read_bytes()
    project.veil.keyring.write_bytes(raw[: len(raw) // 2])


def damaged_zone(project: DbtProject) -> None:
    file = project.veil.zone_file("pseudonymized")
    raw = bytearray(file.read_bytes())
    for position in range(0, 8192, 64):
        raw[position] ^= 0xFF
    file.write_bytes(bytes(raw))


@pytest.mark.parametrize(
    "break_it", [missing, unreadable, a_folder, edited, cut_short, damaged_zone]
)
def test_bad_state_stops_the_build_with_one_line(
    project: DbtProject, break_it: Callable[[DbtProject], None]
) -> None:
    """Whatever is wrong with keyring or zones: one line, nothing built, nothing published."""
    before = published(project)
    break_it(project)

    outcome = project.dbt("build")
    lines = set(veil_lines(outcome.text))

    assert not outcome.ok
    assert len(lines) == 1, outcome.text
    assert "Traceback" not in outcome.text
    assert outcome.results == {}
    assert published(project) == before


def test_wrong_key_stops_the_build(project: DbtProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key-encryption key opens nothing and is not printed."""
    wrong = secrets.token_hex(32)
    monkeypatch.setenv(KEK, wrong)

    outcome = project.dbt("build")

    assert not outcome.ok
    assert len(set(veil_lines(outcome.text))) == 1
    assert wrong not in outcome.text


def test_another_keyring_is_refused(project: DbtProject, tmp_path: Path) -> None:
    """A whole other keyring is not the one that was recorded; with its record, no zone opens."""
    other = new_project(tmp_path / "other")
    before = {path.name: path.read_bytes() for path in project.veil.warehouse.glob("*.duckdb")}

    shutil.copy2(other.veil.keyring, project.veil.keyring)
    first = project.dbt("build")
    shutil.rmtree(project.veil.state)
    shutil.copytree(other.veil.state, project.veil.state)
    second = project.dbt("build")

    assert not first.ok and not second.ok
    assert any("do not belong together" in line for line in first.lines)
    assert any("does not open with the key" in line for line in second.lines)
    assert before == {
        path.name: path.read_bytes() for path in project.veil.warehouse.glob("*.duckdb")
    }


def test_locked_zone_is_reported(project: DbtProject) -> None:
    """While another process holds a zone, the build stops and says so."""
    code = (
        "import fcntl, sys, time\n"
        f"file = open({str(project.veil.zone_file('marts'))!r}, 'r+b')\n"
        "fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        outcome = project.dbt("build")
        holder.kill()

    assert not outcome.ok
    assert "warehouse/marts.duckdb is in use by another process" in outcome.text


@pytest.mark.parametrize("command", [("parse",), ("ls",), ("compile", "--target", "lint")])
def test_reading_commands_need_no_key(project: DbtProject, command: tuple[str, ...]) -> None:
    """`dbt parse`, `dbt ls` and what sqlfluff does work without a keyring."""
    shutil.rmtree(project.veil.state)
    shutil.rmtree(project.veil.warehouse)

    outcome = project.dbt(*command)

    assert outcome.ok, outcome.text


def test_target_without_plugin_builds_nothing(project: DbtProject) -> None:
    """A target that lacks the plugin cannot build a single model."""
    outcome = project.dbt("build", "--target", "lint")

    assert not outcome.ok
    assert not any(status == "success" for status in outcome.results.values())


def test_file_profile_is_refused(project: DbtProject) -> None:
    """A profile whose own database is a file would write in clear; the plugin refuses it."""
    project.replace("profiles.yml", 'path: ":memory:"  #', 'path: "plain.duckdb"  #')

    outcome = project.dbt("build")

    assert not outcome.ok
    assert "`path` must be ':memory:'" in outcome.text
    assert not (project.root / "plain.duckdb").exists()


def in_own_mounts(
    project: DbtProject, mount: str, *command: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a mount namespace of its own, after `mount`."""
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, *command],
        cwd=project.root,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.fail(f"this machine lets no test mount a file system: {done.stderr}")
    return done


DBT = ("-m", "dbt.cli.main", "--no-use-colors", "--quiet")


def test_full_disk_while_publishing_keeps_the_release(project: DbtProject) -> None:
    """No room for the new release: one line, exit code not 0, the old one readable."""
    project.replace(MARTS, "privacy_threshold: 11", "privacy_threshold: 12")
    project.dbt("build", "--vars", "veil:publish: false")
    before = published(project)
    # The release folder is on a full disk; the links beside it are on the ordinary one.
    mount = (
        "cp -a published/.releases kept && mount -t tmpfs -o size=3m tmpfs published/.releases"
        " && cp -a kept/. published/.releases/"
        " && dd if=/dev/zero of=published/.releases/fill bs=64k 2>/dev/null; true"
    )

    done = in_own_mounts(project, f"{{ {mount}; }}", "-m", "veil", "publish")

    assert done.returncode != 0
    assert len(set(veil_lines(done.stdout + done.stderr))) == 1
    assert "Traceback" not in done.stdout + done.stderr
    shutil.rmtree(project.root / "kept")
    assert published(project) == before


def test_full_disk_while_building_keeps_the_release(project: DbtProject) -> None:
    """A warehouse without room fails the build; the published files stay."""
    before = published(project)
    mount = "mount -t tmpfs -o size=1m,mode=700 tmpfs warehouse"

    done = in_own_mounts(project, mount, *DBT, "build")

    assert done.returncode != 0
    assert published(project) == before


@pytest.mark.parametrize("folder", ["warehouse", "published", "state"])
def test_read_only_folder_is_reported(project: DbtProject, folder: str) -> None:
    """A folder that cannot be written: a clear line or no need of it, never a half-written file."""
    project.replace(MARTS, "privacy_threshold: 11", "privacy_threshold: 12")
    before = published(project)
    mount = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"

    done = in_own_mounts(project, mount, *DBT, "build")

    assert done.returncode != 0
    assert len(set(veil_lines(done.stdout + done.stderr))) == 1, done.stdout
    assert published(project) == before


def test_killed_build_leaves_the_release(project: DbtProject) -> None:
    """SIGKILL in the middle of a build: the release stays, and the next build succeeds."""
    project.replace(MARTS, "privacy_threshold: 11", "privacy_threshold: 12")
    before = published(project)
    running = subprocess.Popen(
        [sys.executable, *DBT, "build"], cwd=project.root, stdout=subprocess.DEVNULL
    )
    wal = project.veil.warehouse / "pseudonymized.duckdb.wal"
    deadline = time.monotonic() + 60
    while not wal.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    running.kill()
    running.wait()

    assert published(project) == before
    assert project.dbt("build").ok
    assert published(project) != before
