"""Kills and full disks: the record always opens, and nothing that was confirmed is lost."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from audit_support import SAMPLES, fill, keeper, outcome, sealed

from veil.audit import AuditError, Outcome
from veil.audit.record import Record

WAIVER = SAMPLES["waiver.used"]
CALLS = ("write", "pwrite", "fsync", "ftruncate")

# Forks children that append and sign, and kills each at a moment of its own. A child writes a
# number to a pipe only after `append` or `checkpoint` returned: that is what was confirmed.
KILLS = """
import json, os, random, signal, sys, time
from audit_support import SAMPLES, keeper, outcome
from pathlib import Path

folder, times = Path(sys.argv[1]), int(sys.argv[2])
moments = random.Random(4)
keeper(folder)
confirmed = covered = 0
for _ in range(times):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            mine = keeper(folder)
            while True:
                entry = mine.note("waiver.used", **SAMPLES["waiver.used"])
                os.write(writer, b"%d " % (entry.seq + 1))
                if entry.seq % 3 == 0:
                    os.write(writer, b"c%d " % mine.checkpoint().size)
        finally:
            os._exit(1)
    os.close(writer)
    time.sleep(moments.uniform(0, 0.02))
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status), "the child stopped by itself"
    with os.fdopen(reader) as pipe:
        said = pipe.read().split(" ")[:-1]
    confirmed = max([confirmed, *(int(one) for one in said if one[0] != "c")])
    covered = max([covered, *(int(one[1:]) for one in said if one[0] == "c")])
    after = keeper(folder)
    after.check()
    assert after.record.size >= confirmed
    newest = after.newest()
    assert (newest[1].size if newest else 0) >= covered
keeper(folder).checkpoint()
print(json.dumps([confirmed, covered, str(outcome(folder))]))
"""
FULL = """
import json, resource, sys
from audit_support import SAMPLES, keeper, outcome
from pathlib import Path

from veil.audit import AuditError

folder = Path(sys.argv[1])
made = keeper(folder)
made.checkpoint()
size = made.record.path.stat().st_size
refused = 0
for more in range(0, 400, 7):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + more, resource.RLIM_INFINITY))
    try:
        made.note("waiver.used", **SAMPLES["waiver.used"])
        size = made.record.path.stat().st_size
    except AuditError as error:
        refused += 1
        assert made.record.path.stat().st_size == size, "it was not undone"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
made.checkpoint()
print(json.dumps([refused, str(outcome(folder))]))
"""
APPENDS = """
import sys
from audit_support import SAMPLES
from pathlib import Path

from veil.audit.record import Record

record = Record.open(Path(sys.argv[1]))
sys.stdin.read()
for _ in range(50):
    record.append("waiver.used", **SAMPLES["waiver.used"])
"""


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Python in a process of its own, which has no threads and may fork."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", code, *(str(one) for one in arguments)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_writers_lose_nothing_that_was_confirmed(tmp_path: Path) -> None:
    """Sixty writers, each killed while it appends and signs; the next goes on from there."""
    with child(KILLS, tmp_path, 60) as process:
        said, _ = process.communicate(timeout=120)
    confirmed, covered, found = json.loads(said)

    assert process.returncode == 0
    assert confirmed > 60
    assert covered > 20
    assert found == "ok"


def test_a_file_that_may_not_grow_is_left_as_it_was(tmp_path: Path) -> None:
    """The kernel takes a part of the line, or none of it: neither stays."""
    with child(FULL, tmp_path) as process:
        said, _ = process.communicate(timeout=60)
    refused, found = json.loads(said)

    assert process.returncode == 0
    assert refused > 20
    assert found == "ok"


def test_four_processes_append_in_turns(tmp_path: Path) -> None:
    """Each sees the entries of the others: one chain of all of them."""
    Record.open(tmp_path)
    writers = [child(APPENDS, tmp_path) for _ in range(4)]
    for one in writers:
        assert one.stdin
        one.stdin.close()
    for one in writers:
        with one:
            assert one.wait(timeout=120) == 0
    keeper(tmp_path).checkpoint()

    assert [one.seq for one in Record.open(tmp_path).events()] == list(range(201))
    assert outcome(tmp_path) is Outcome.OK


class Disk:
    """Lets so many calls pass, and fails the next one, or that and all after it."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, *, call: str, stays: bool) -> None:
        self.calls = 0
        self.failed = False
        real: Callable[..., int] = getattr(os, call)

        def wrapped(descriptor: int, *rest: object) -> int:
            self.calls += 1
            if self.calls == number or (stays and self.calls > number):
                self.failed = True
                if call in {"write", "pwrite"}:
                    data, *where = rest
                    real(descriptor, bytes(data)[: len(data) // 2], *where)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(descriptor, *rest)

        patch.setattr(os, call, wrapped)


@pytest.mark.parametrize("stays", [False, True], ids=["once", "for-good"])
@pytest.mark.parametrize("call", CALLS)
def test_a_full_disk_at_any_call_leaves_a_record_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, stays: bool
) -> None:
    """Half a line, half a note, half a hash: what was confirmed stands, and it is resumed."""
    made = sealed(tmp_path, 4)
    confirmed = covered = 4
    refused = 0
    for number in range(1, 40):
        with monkeypatch.context() as patch:
            disk = Disk(patch, number, call=call, stays=stays)
            try:
                confirmed = made.note("waiver.used", **WAIVER).seq + 1
                covered = made.checkpoint().size
            except AuditError as error:
                refused += 1
                assert "No space left" in str(error)
        assert made.record.size >= confirmed
        made.check()
        newest = made.newest()
        assert newest is not None
        assert newest[1].size >= covered
        if not disk.failed:
            break
    else:
        pytest.fail("the disk was always full")
    made.checkpoint()

    assert refused or call in {"pwrite", "ftruncate"}
    assert outcome(tmp_path) is Outcome.OK
    assert [one.event for one in made.record.events()].count("record.resumed") <= refused


def test_a_full_disk_at_the_first_entry_leaves_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record begins when there is room."""
    for call in CALLS:
        for number in range(1, 5):
            folder = tmp_path / f"{call}{number}"
            with monkeypatch.context() as patch:
                Disk(patch, number, call=call, stays=True)
                try:
                    Record.open(folder)
                except AuditError as error:
                    assert "No space left" in str(error)
            record = Record.open(folder)
            fill(record, 2)

            assert record.size >= 3
            assert record.last("record.began") is not None
