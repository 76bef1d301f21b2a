"""The ledger killed at any moment, run twice at once, on a full disk: both or neither."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ledger_support import (
    CELLS,
    budget,
    cells,
    create,
    draw,
    events,
    ledger,
    line,
    many_cells,
    new_project,
)
from veil.project import Project
from veil.warehouse.ledger_file import ledger_file

HERE = Path(__file__).parents[1]
KILLS = int(os.environ.get("VEIL_KILLS", "60"))
"""Fewer while working on the test itself."""
NEW, REPLAYED, SPENT, FAILED, KILLED = 0, 10, 1, 3, -9
SERVER = """
import json, os, resource, signal, sys, time
import veil.warehouse.ledger as module
from ledger_support import Project, Path, cells, draw, ledger, line, many_cells
from veil.differential.budgets import BudgetSpentError

def child(one, ready):
    opened = ledger(Project(Path(sys.argv[1])))
    asked = draw(one["period"], line(one["loss"]))
    if one.get("apart"):
        # The broken version: the check and the charge are two openings.
        if not all(quote.fits for quote in opened.quote([asked])):
            os._exit(1)
        module.afford_draws = lambda *_, **__: None
    ready()
    if one.get("bytes") is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (one["bytes"],) * 2)
    try:
        made = opened.charge_and_store(asked, many_cells if one.get("many") else cells)
        os._exit(0 if made.is_new else 10)
    except BudgetSpentError:
        os._exit(1)
    except BaseException:
        os._exit(3)

for text in sys.stdin:
    requests = json.loads(text)
    reading, writing = os.pipe()   # closed by us when everybody is ready
    counting, telling = os.pipe()
    children = []
    for one in requests:
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            os.close(counting)
            def ready():
                os.write(telling, b"x")
                os.read(reading, 1)
            try:
                child(one, ready)
            finally:
                os._exit(4)
        children.append(pid)
    for _ in requests:
        os.read(counting, 1)
    for end in (writing, reading, counting, telling):
        os.close(end)
    started = time.monotonic()
    for one, pid in zip(requests, children):
        if one.get("kill_after") is not None:
            time.sleep(one["kill_after"])
            os.kill(pid, signal.SIGKILL)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    print(json.dumps([codes, time.monotonic() - started]), flush=True)
"""


class Charges:
    """Calls of `charge_and_store` in children of a process that has opened nothing."""

    def __init__(self, project: Project) -> None:
        path = os.pathsep.join((str(HERE), *sys.path))
        self.lasted = 0.0
        """Seconds from the moment at which all of the last calls began."""
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(project.root)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *requests: dict[str, Any]) -> list[int]:
        """Their exit codes; they begin at one moment."""
        server = self._server
        assert server.stdin and server.stdout
        server.stdin.write(json.dumps(requests) + "\n")
        server.stdin.flush()
        codes, self.lasted = json.loads(server.stdout.readline())
        return list(codes)

    def close(self) -> None:
        with self._server:
            self._server.terminate()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a ledger and a budget of epsilon 1."""
    found = new_project(tmp_path / "project")
    create(found).declare([budget()])
    return found


@pytest.fixture
def charges(project: Project) -> Iterator[Charges]:
    running = Charges(project)
    yield running
    running.close()


def charged(project: Project) -> Fraction:
    """What the record says was charged."""
    return sum((Fraction(one["epsilon"]) for one in events(project, "ledger.charged")), Fraction(0))


def is_whole(project: Project, period: str, *, expected: pa.Table = CELLS) -> bool:
    """Whether the release stands, after checking that its charge does if and only if it does."""
    opened = ledger(project)
    made = opened.releases()
    charges = (Fraction(one["epsilon"]) for one in events(project, "ledger.charged"))
    assert list(charges) == [one.draw.lines[0].charge.loss for one in made]
    if not any(one.draw.period == period for one in made):
        return False
    stored = opened.stored(draw(period).id)
    assert stored is not None
    assert stored.cells.equals(expected)
    return True


def test_killed_at_sixty_moments_charge_and_cells_stand_or_neither_does(
    project: Project, charges: Charges
) -> None:
    """After each SIGKILL file and record agree; what stood is given again, the rest drawn anew."""
    moments = random.Random(20261123)
    assert charges.run({"period": "0", "loss": "1/1000"}) == [NEW]
    assert charges.run({"period": "1", "loss": "1/1000"}) == [NEW]
    lasts = charges.lasted
    outcomes = []
    for number in range(2, 2 + KILLS):
        one = {"period": str(number), "loss": "1/1000"}
        (code,) = charges.run(
            {**one, "kill_after": moments.triangular(0, 1.1 * lasts, 0.8 * lasts)}
        )
        stands = is_whole(project, one["period"])
        outcomes.append((code, stands))

        assert stands or code == KILLED

    assert sum(code == KILLED for code, _ in outcomes) > KILLS // 3, "many were hit before the end"
    assert {stands for _, stands in outcomes} == {True, False}
    code, stands = outcomes[-1]
    assert charges.run(one) == [REPLAYED if stands else NEW]
    assert charged(project) == Fraction(2 + sum(s for _, s in outcomes) + (not stands), 1000)
    assert len(events(project, "ledger.abandoned")) <= sum(not s for _, s in outcomes)


def test_of_two_processes_one_gets_the_last_share(project: Project, charges: Charges) -> None:
    """The other is told that the budget is spent; the same release asked for twice costs once."""
    share = {"period": "0", "loss": "3/10"}
    assert sorted(charges.run(share, share)) == [NEW, REPLAYED]
    for number in range(1, 4):
        last = Fraction(7, 10) * Fraction(3, 4) / 4 ** (number - 1)
        codes = charges.run(
            *({"period": f"{number}{which}", "loss": str(last)} for which in range(2))
        )

        assert sorted(codes) == [NEW, SPENT]
    assert charged(project) == ledger(project).spent()[0].spent.loss < 1


def test_a_check_apart_from_the_charge_would_let_both_through(
    project: Project, charges: Charges
) -> None:
    """The twin: the last share goes twice."""
    last = [{"period": str(which), "loss": "3/4", "apart": True} for which in range(2)]

    assert charges.run(*last) == [NEW, NEW]
    assert charged(project) == Fraction(3, 2)


def test_on_a_full_disk_charge_and_cells_stand_or_neither_does(
    project: Project, charges: Charges
) -> None:
    """No file may grow beyond some size: that of the record, of the journal, of the ledger."""
    assert charges.run({"period": "0", "loss": "1/1000"}) == [NEW]
    full = ledger_file(project).stat().st_size
    record = project.record.stat().st_size
    limits = [0, record + 100, record + 700, 30_000, 100_000, 150_000, full, full + 10**6]
    outcomes = []
    for number, limit in enumerate(limits, start=1):
        one = {"period": str(number), "loss": "1/1000", "many": True}
        (code,) = charges.run({**one, "bytes": limit})
        stands = is_whole(project, one["period"], expected=many_cells())
        outcomes.append((code, stands))

        assert code in (NEW, FAILED)
        assert stands or code == FAILED
    assert charges.run(one) == [REPLAYED]
    assert outcomes[:3] == [(FAILED, False)] * 3
    assert outcomes[-1] == (NEW, True)
    assert events(project, "ledger.abandoned"), "the journal was cut in the middle of a charge"


def test_cells_of_a_full_disk_are_not_seen(project: Project, charges: Charges) -> None:
    """Whatever failed: what is given is what stands, and it was charged."""
    codes = [
        charges.run({"period": "0", "loss": "1/1000", "bytes": limit})[0]
        for limit in (0, 4096, 10**7)
    ]

    assert codes[-1] in (NEW, REPLAYED)
    assert ledger(project).charge_and_store(draw("0", line("1/1000")), cells).cells.equals(CELLS)
    assert charged(project) == Fraction(1, 1000)
