"""SIGKILL and a full disk at any moment: the old keyring or the new one stands, whole.

Run as a script it is the process that is killed: a child of a server that has imported veil and
opened nothing, so that a round costs milliseconds.
"""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from keys_support import spellings

from veil.errors import VeilError
from veil.keys import (
    KeyEntry,
    Keyring,
    LocalFileProvider,
    Status,
    destroy,
    promote,
    replace_mac,
    rewrap,
    rotate,
)

SHARED = ("pseudonym", "*")
KILLS = int(os.environ.get("VEIL_KILLS", "60"))


def kek(folder: Path, name: str) -> str:
    """The reference of a key file beside the folder of the keyring."""
    return f"file:{folder.parent}/private/{name}"


def prepared(folder: Path) -> Keyring:
    """A keyring in `folder`, under the first of two key files."""
    folder.mkdir(mode=0o700)
    for name in ("one", "two"):
        LocalFileProvider(kek(folder, name).removeprefix("file:")).create()
    purposes = [SHARED, ("receipt", "*")]
    return Keyring.create(folder / "keyring.json", kek_ref=kek(folder, "one"), purposes=purposes)


def first(ring: Keyring, status: Status) -> KeyEntry:
    """The first pseudonym key of that status."""
    return next(e for e in ring.entries if e.purpose == "pseudonym" and e.status is status)


STEPS: dict[str, Callable[[Keyring, Path], object]] = {
    "rotate": lambda ring, _: rotate(ring, *SHARED),
    "promote": lambda ring, _: promote(ring, first(ring, Status.PENDING).kid, window_days=0),
    "rewrap": lambda ring, folder: rewrap(ring, kek(folder, "two")),
    "disable": lambda ring, _: ring.set_status(first(ring, Status.ACTIVE).kid, Status.DISABLED),
    "destroy": lambda ring, _: destroy(ring, first(ring, Status.DISABLED).kid),
    "replace_mac": lambda ring, _: replace_mac(ring),
    "rewrap back": lambda ring, folder: rewrap(ring, kek(folder, "one")),
}
"""In an order in which each of them is legal, again and again."""


def live(folder: Path, *, rounds: int) -> None:
    """Take all steps in turn, so often; note the material that is to be destroyed, outside."""
    ring = Keyring.load(folder / "keyring.json")
    for _ in range(rounds):
        for name, step in STEPS.items():
            if name in ("destroy", "replace_mac"):
                with (folder.parent / "destroyed").open("ab", buffering=0) as notes:
                    for entry in ring.entries:
                        if entry.wrapped and (name == "replace_mac" or entry.status == "disabled"):
                            parts = (entry.kid.encode(), ring._unwrap(entry), entry.wrapped)
                            notes.write(b" ".join(part.hex().encode() for part in parts) + b"\n")
            step(ring, folder)
            ring.save()


def serve() -> None:
    """For each line, a folder and rounds: live in a child, print its id, and how it ended."""
    for line in sys.stdin:
        folder, rounds = line.split()
        pid = os.fork()
        if pid == 0:
            live(Path(folder), rounds=int(rounds))
            os._exit(0)
        print(pid, flush=True)
        # Its number stays its own until whoever kills it has said so.
        sys.stdin.readline()
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


class Server:
    """The process whose children are killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *, rounds: int, kill_after: float | None = None) -> int:
        """Live in a child, killed after so many seconds; returns its exit code."""
        pid = int(self._ask(f"{folder} {rounds}"))
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        return int(self._ask("done"))

    def _ask(self, line: str) -> str:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def close(self) -> None:
        with self._process:
            self._process.terminate()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def check_whole(ring: Keyring) -> None:
    """One primary of each purpose, and every key that is not destroyed opens."""
    for purpose in ("keyring-mac", "pseudonym", "receipt"):
        found = [e.status for e in ring.entries if e.purpose == purpose]
        assert found.count(Status.PRIMARY) == 1
    for entry in ring.entries:
        if entry.status is not Status.DESTROYED:
            assert len(ring._unwrap(entry)) == 32


def traces(folder: Path, ring: Keyring) -> list[str]:
    """Files under the keyring's folder that hold material of a destroyed key."""
    notes = folder.parent / "destroyed"
    files = {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    found = []
    for line in notes.read_bytes().splitlines() if notes.exists() else []:
        kid, *parts = (bytes.fromhex(part.decode()) for part in line.split())
        if ring.entry(kid.decode()).status is Status.DESTROYED:
            needles = [n for part in parts for n in (part, *(s.encode() for s in spellings(part)))]
            found += [name for name, raw in files.items() if any(n in raw for n in needles)]
    return found


def test_killed_at_sixty_moments_the_keyring_is_whole(tmp_path: Path, server: Server) -> None:
    """SIGKILL between and within all steps: readable, one primary each, nothing destroyed left."""
    moments = random.Random(4)
    folder, notes = tmp_path / "state", tmp_path / "destroyed"
    prepared(folder)
    path = folder / "keyring.json"
    pristine = path.read_bytes()
    started = time.monotonic()
    assert server.run(folder, rounds=1) == 0
    round_seconds = time.monotonic() - started
    generations = set()
    for _ in range(KILLS):
        path.write_bytes(pristine)
        notes.unlink(missing_ok=True)
        kill_after = moments.uniform(0, 2 * round_seconds)
        assert server.run(folder, rounds=100, kill_after=kill_after) == -signal.SIGKILL
        ring = Keyring.load(path)
        generations.add(ring.generation)
        check_whole(ring)
        ring.save()
        for left in folder.glob(".veil-*.tmp"):
            assert left.stat().st_size == 0
            left.unlink()
        assert traces(folder, ring) == []

    assert len(generations) > min(4, KILLS // 8)


@contextmanager
def failing(name: str, number: int) -> Iterator[list[int]]:
    """Let the call of that number to an `os` function fail as on a full disk; yields its count."""
    calls, true = [0], getattr(os, name)

    def fail(*given: object, **named: object) -> object:
        calls[0] += 1
        if calls[0] == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return true(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, name, fail)
        yield calls


def at_step(folder: Path, name: str) -> Keyring:
    """The keyring just before that step."""
    ring = prepared(folder)
    for earlier, step in STEPS.items():
        if earlier == name:
            return ring
        step(ring, folder)
        ring.save()
    raise AssertionError(name)


@pytest.mark.parametrize("name", STEPS)
def test_a_disk_full_at_any_call_leaves_the_old_keyring_or_the_new_one(
    tmp_path: Path, name: str
) -> None:
    """Every open, write-out, mode, rename and folder sync of the save fails once."""
    folder = tmp_path / "state"
    ring = at_step(folder, name)
    path = folder / "keyring.json"
    refused = 0
    for call in ("open", "fdopen", "fsync", "fchmod", "replace"):
        for number in range(1, 20):
            old = path.read_bytes()
            ring = Keyring.load(path)
            STEPS[name](ring, folder)
            announced = ring.rendered_digest()
            with failing(call, number) as calls:
                try:
                    ring.save()
                except VeilError as error:
                    assert "disk is full" in str(error)
                    refused += 1
            now = Keyring.load(path)
            check_whole(now)
            assert path.read_bytes() == old or now.digest == announced
            assert list(folder.glob(".veil-*")) == []
            path.write_bytes(old)
            if calls[0] < number:
                break

    assert refused >= 8


def test_a_write_cut_short_at_any_length_leaves_the_old_keyring(tmp_path: Path) -> None:
    """The system refuses to let the file grow any further; the change can be saved afterwards."""
    folder = tmp_path / "state"
    ring = prepared(folder)
    path = folder / "keyring.json"
    rotate(ring, *SHARED)
    old = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for length in range(0, len(old), 97):
        resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
        try:
            with pytest.raises(VeilError, match="cannot be written"):
                ring.save()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == old
        assert list(folder.glob(".veil-*")) == []
    ring.save()

    assert Keyring.load(path).generation == 2


if __name__ == "__main__":
    serve()
