"""Re-encryption and the emergency, killed at any moment: every zone opens, no number changes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from harness import ROOT, DbtProject
from ledger_support import budget, cells, draw, ledger
from veil.emergency_plan import pending_emergency
from veil.keys import Status
from veil.recording import open_keeper
from veil.state import load_keyring
from veil.warehouse.rekey import rekey_stored

pytestmark = pytest.mark.project

KILLS = int(os.environ.get("VEIL_KILLS", "40"))
"""Fewer while working on the test itself."""
SERVER = """
import json, os, signal, sys, time
import veil.warehouse.emergency
from veil.cli.rekey import emergency, reencrypt

for line in sys.stdin:
    request = json.loads(line)
    pid = os.fork()
    if pid == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        try:
            {"emergency": emergency, "reencrypt": reencrypt}[request["command"]].main([])
        except SystemExit as stop:
            os._exit(stop.code or 0)
        except BaseException:
            os._exit(3)
    if request["kill_after"] is not None:
        time.sleep(request["kill_after"])
        os.kill(pid, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
NUMBERS = """
    select count(*), count(distinct person_key), count(distinct household_key)
    from pseudonymized.main.psn_census
    inner join pseudonymized.main.psn_wic using (person_key)
    inner join pseudonymized.main.psn_earnings using (person_key)
"""


class Commands:
    """`veil keys` commands in children of a process that has opened nothing."""

    def __init__(self, project: DbtProject) -> None:
        path = os.pathsep.join((str(ROOT / "python_udfs"), os.environ.get("PYTHONPATH", "")))
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            cwd=project.root,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *, kill_after: float | None = None) -> int:
        server = self._server
        assert server.stdin and server.stdout
        server.stdin.write(json.dumps({"command": command, "kill_after": kill_after}) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline())

    def close(self) -> None:
        with self._server:
            self._server.terminate()


@pytest.fixture
def commands(project: DbtProject) -> Iterator[Commands]:
    running = Commands(project)
    yield running
    running.close()


def as_the_next_build_finds_it(project: DbtProject, folder: Path) -> list[tuple[int, ...]]:
    """The numbers after what a build does first, in a copy; all opens there, no two primaries."""
    for part in ("state", "warehouse"):
        shutil.copytree(project.root / part, folder / part)
    shutil.copy2(project.root / "dbt_project.yml", folder)
    copy = DbtProject(folder)
    ring = load_keyring(copy.veil)
    primaries = Counter(
        (one.purpose, one.domain) for one in ring.entries if one.status is Status.PRIMARY
    )
    assert set(primaries.values()) == {1}
    assert [one.spent.loss for one in ledger(copy.veil).spent()] == [Fraction(1, 10)]
    with copy.connect() as conn:
        assert rekey_stored(conn, ring, project.graph()) == []
        numbers: list[tuple[int, ...]] = conn.execute(NUMBERS).fetchall()
    shutil.rmtree(folder)
    return numbers


def published(project: DbtProject) -> dict[str, bytes]:
    folder = project.root / "published" / "research"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def test_killed_at_forty_moments_every_key_change_can_be_finished(
    project: DbtProject, commands: Commands, tmp_path: Path
) -> None:
    """After each SIGKILL the project opens with the same numbers; run again, each one finishes."""
    moments = random.Random(20261122)
    numbers, files = project.rows(NUMBERS), published(project)
    ledger(project.veil).declare([budget()])
    ledger(project.veil).charge_and_store(draw(), cells)
    lasts = {}
    for command in ("reencrypt", "emergency"):
        started = time.monotonic()
        assert commands.run(command) == 0
        lasts[command] = time.monotonic() - started
    killed = 0
    for number in range(KILLS):
        command = moments.choice(["reencrypt", "emergency", "emergency"])
        moment = moments.uniform(0, lasts[command] * 1.1)
        killed += commands.run(command, kill_after=moment) == -9

        assert as_the_next_build_finds_it(project, tmp_path / "copy") == numbers
        if number % 10 == 9:
            assert commands.run("emergency") == 0

    assert commands.run("emergency") == 0
    assert killed > KILLS // 2, "most were hit before their end"
    assert as_the_next_build_finds_it(project, tmp_path / "copy") == numbers
    ring = load_keyring(project.veil)
    usable = [one for one in ring.entries if one.status not in (Status.DESTROYED, Status.DISABLED)]
    assert {one.status for one in usable} == {Status.PRIMARY}
    assert not pending_emergency(open_keeper(project.veil, ring))
    assert sorted(path.name for path in project.veil.warehouse.glob("*.duckdb")) == [
        "identified.duckdb",
        "marts.duckdb",
        "pseudonymized.duckdb",
    ]
    assert not list(project.veil.warehouse.glob(".*"))
    assert project.dbt("build").ok
    assert published(project) == files


def test_build_between_a_killed_emergency_and_its_end_publishes_the_same(
    project: DbtProject, commands: Commands
) -> None:
    """Nobody has to finish it first: a build in the middle works, and the next run finishes."""
    files = published(project)
    started = time.monotonic()
    assert commands.run("emergency") == 0
    lasts = time.monotonic() - started
    for share in (0.3, 0.6, 0.85):
        commands.run("emergency", kill_after=share * lasts)

        outcome = project.dbt("build")
        assert outcome.ok, outcome.text
        assert published(project) == files

    assert commands.run("emergency") == 0
    assert project.dbt("build").ok
    assert published(project) == files
