"""The audit record at a million entries, beside a hash chain in a file and in SQLite.

    python benchmarks/record.py --entries 1000000

Prints Markdown tables. All three hold the same lines. veil's record is filled with its own
classes, without an fsync for each line; what is timed afterwards is what a build does. The other
two keep their head in memory between two appends; veil looks at the end of its file each time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_udfs"))

from veil.audit import Entry, Keeper, Outcome, Record, Signer, anchor_from, verify_record
from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.checkpoint_file import CheckpointFile
from veil.audit.entry import START, line_hash
from veil.audit.hashes import HashFile
from veil.audit.merkle import leaf_hash, verify_consistency
from veil.audit.note import sign
from veil.audit.prove import check_proof, prove
from veil.audit.record import CHECKPOINTS, HASHES, RECORD
from veil.audit.seal import LineKeys

ORIGIN = "example.com/benchmark"
SIGNER = Signer(ORIGIN, bytes(range(32)))
DIGEST = "0123456789abcdef" * 4
INVOCATION = "12345678-1234-1234-1234-123456789abc"
RUN: dict[str, Any] = {"command": "build", "invocation": INVOCATION, "version": "1.0.0"}
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("build.started", RUN),
    (
        "gate.passed",
        {
            "mart": "model.veil.earnings_by_sex_and_age",
            "content_hash": DIGEST,
            "policy_hash": DIGEST,
            "definition_hash": DIGEST,
            "rows": 48,
        },
    ),
    ("publication.made", {"audience": "research", "release": "ab" * 8, "size": 17}),
    ("build.ended", {**RUN, "counts": {"success": 12, "pass": 40}, "partial": False}),
]
AT = "2026-11-21T08:00:00Z"
KEYS = LineKeys((bytes(range(32)),))


class Progress:
    """A line on a terminal, overwritten now and then."""

    def __init__(self, what: str) -> None:
        self._what, self._shown = what, 0.0

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is."""
        now = time.monotonic()
        if sys.stderr.isatty() and (now - self._shown > 0.2 or done >= total):
            self._shown = now
            end = "\n" if done >= total else ""
            print(f"\r{self._what}: {100 * done // total} %", end=end, file=sys.stderr, flush=True)


def fill(folder: Path, entries: int) -> None:
    """Write a record of so many entries, its hashes, and one checkpoint over them."""
    Record.open(folder, KEYS)
    path = folder / RECORD
    first = path.read_bytes().rstrip(b"\n")
    hashes = HashFile(folder / HASHES)
    with path.open("ab") as file:
        hashes.append(_written(file, first, entries))
    checkpoint = Checkpoint(ORIGIN, entries, hashes.root())
    CheckpointFile(folder / CHECKPOINTS).append(sign(checkpoint.text(), [SIGNER]))


def _written(file: BinaryIO, first: bytes, entries: int) -> Iterator[bytes]:
    """Write entries behind the first one; gives the leaf of each."""
    progress = Progress("filling the record")
    line = first
    for seq, (event, details) in enumerate(islice(cycle(EVENTS), entries - 1), start=1):
        entry = Entry(AT, event, details, secrets.token_hex(16), line_hash(line), seq)
        line = KEYS.sealed(entry).line()
        file.write(line + b"\n")
        yield leaf_hash(line)
        if not (seq + 1) % 4096 or seq + 1 == entries:
            progress(seq + 1, entries)


def stored_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, without newlines."""
    with path.open("rb") as file:
        yield from (line[:-1] for line in file)


class FileChain:
    """Lines that each carry the hash of the one before, in a file."""

    def __init__(self, path: Path, lines: Iterable[bytes]) -> None:
        self.path, self.head, self.size = path, START, 0
        with path.open("wb") as file:
            for line in lines:
                file.write(line + b"\n")
                self.head, self.size = line_hash(line), self.size + 1
        self._file = path.open("ab", buffering=0)

    def append(self) -> None:
        """One line, on the disk."""
        line = next_line(self.head, self.size)
        self._file.write(line + b"\n")
        os.fsync(self._file.fileno())
        self.head, self.size = line_hash(line), self.size + 1

    def lines(self) -> Iterator[bytes]:
        """All lines, as they are stored."""
        yield from stored_lines(self.path)


class SqliteChain:
    """The same lines as rows of a table; every append is a transaction of its own."""

    def __init__(self, path: Path, lines: Iterable[bytes]) -> None:
        self.path, self.head, self.size = path, START, 0
        self._conn = sqlite3.connect(path, isolation_level=None)
        self._conn.execute("pragma synchronous = full")
        self._conn.execute("create table record (seq integer primary key, line blob)")
        self._conn.execute("begin")
        self._conn.executemany("insert into record (line) values (?)", self._counted(lines))
        self._conn.execute("commit")

    def _counted(self, lines: Iterable[bytes]) -> Iterator[tuple[bytes]]:
        for line in lines:
            self.head, self.size = line_hash(line), self.size + 1
            yield (line,)

    def append(self) -> None:
        """One row, committed."""
        line = next_line(self.head, self.size)
        self._conn.execute("insert into record (line) values (?)", [line])
        self.head, self.size = line_hash(line), self.size + 1

    def lines(self) -> Iterator[bytes]:
        """All lines, as they are stored."""
        for (line,) in self._conn.execute("select line from record order by seq"):
            yield line


Chain = FileChain | SqliteChain


def next_line(previous: str, seq: int) -> bytes:
    """A line that follows, made with the standard library."""
    event, details = EVENTS[seq % len(EVENTS)]
    body = {
        "at": AT,
        "details": details,
        "event": event,
        "id": secrets.token_hex(16),
        "previous": previous,
        "seq": seq,
        "v": 1,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def holds(chain: Chain) -> bool:
    """Whether every line carries the hash of the one before, and the last is the head."""
    head = START
    for line in chain.lines():
        if json.loads(line)["previous"] != head:
            return False
        head = hashlib.sha256(line).hexdigest()
    return head == chain.head


def timed(work: Callable[[], object], *, repeats: int) -> list[float]:
    """Seconds of each of some calls."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def row(name: str, taken: list[float]) -> str:
    """A line of the first table, in milliseconds."""
    return f"| {name} | {1000 * statistics.median(taken):.2f} | {1000 * max(taken):.2f} |"


def measure(folder: Path, chains: tuple[Chain, Chain], *, repeats: int) -> list[str]:
    """Time what a build and an auditor ask of a long record."""
    record = Record.open(folder, KEYS)
    alone, anchored = (Keeper(folder, ORIGIN, SIGNER, keys=KEYS) for _ in range(2))
    (folder / "anchor").mkdir()
    anchored.anchor = anchor_from({"path": "anchor"}, root=folder)
    event, details = EVENTS[1]
    chosen = random.Random(1)  # which entries are asked for is no secret
    size = record.size

    def append() -> None:
        record.append(event, **details)

    def after_append(keeper: Keeper) -> list[float]:
        taken = []
        for _ in range(repeats):
            append()
            taken += timed(keeper.checkpoint, repeats=1)
        return taken

    file, sqlite = chains
    lines = [
        "| | median ms | max ms |",
        "|---|---|---|",
        row("append an entry", timed(append, repeats=repeats)),
        row("the same to the chain in a file", timed(file.append, repeats=repeats)),
        row("the same to the chain in SQLite", timed(sqlite.append, repeats=repeats)),
        row("sign and keep a checkpoint", after_append(alone)),
        row("the same with a folder as anchor", after_append(anchored)),
        row("check record and anchor before a build", timed(anchored.check, repeats=repeats)),
    ]
    proofs: list[dict[str, Any]] = []
    made = timed(lambda: proofs.append(prove(record, chosen.randrange(size))), repeats=repeats)
    newest = alone.newest()
    assert newest is not None
    grown = newest[1]
    olds = [chosen.randrange(1, size) for _ in range(repeats)]
    roots = [record.root(old) for old in olds]
    asked = iter(olds)
    extended: list[list[bytes]] = []
    consistent = timed(
        lambda: extended.append(record.consistency_proof(next(asked), new=grown.size)),
        repeats=repeats,
    )
    for old, root, proof in zip(olds, roots, extended, strict=True):
        verify_consistency(old=old, new=grown.size, old_root=root, new_root=grown.root, proof=proof)
    held = iter(proofs)
    checked = timed(lambda: check_proof(next(held), [SIGNER.verifier]), repeats=repeats)
    length = statistics.median(len(json.dumps(proof)) for proof in proofs)
    lines += [
        row("prove that an entry stands under the newest checkpoint", made),
        row("check that proof, with the public key alone", checked),
        row("prove that the record extends an older checkpoint", consistent),
        f"\n{repeats} calls each. Such a proof takes {length / 1000:.1f} kB; without a tree it is"
        f" the whole file, {file.path.stat().st_size / 1e6:,.0f} MB.",
    ]
    return lines


def read_all(folder: Path, chains: tuple[Chain, Chain]) -> list[str]:
    """Time reading every line, once."""
    start = time.perf_counter()
    verdict = verify_record(
        folder / RECORD,
        folder / CHECKPOINTS,
        [SIGNER.verifier],
        progress=Progress("verifying the record"),
    )
    seconds = [time.perf_counter() - start]
    if verdict.outcome is not Outcome.OK:
        raise SystemExit(f"veil: the record is {verdict.outcome}.")
    start = time.perf_counter()
    Keeper(folder, ORIGIN, SIGNER, keys=KEYS).entries("keyring.saved")
    seconds.append(time.perf_counter() - start)
    for chain in chains:
        start = time.perf_counter()
        if not holds(chain):
            raise SystemExit("veil: a chain does not hold.")
        seconds.append(time.perf_counter() - start)
    names = (
        "`veil audit verify`: form, catalogue, chain, tree, signatures",
        "what a build believes: the tree, and the entries of one event",
        "the chain in a file",
        "the chain in SQLite",
    )
    lines = [f"| {name} | {one:.1f} |" for name, one in zip(names, seconds, strict=True)]
    count = len(read_checkpoints((folder / CHECKPOINTS).read_bytes()))
    return [
        "| reading all of it | s |",
        "|---|---|",
        *lines,
        f"\n{verdict.size:,} lines of veil's record, under {count:,} checkpoints.",
    ]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Time a long audit record beside plain chains.")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    if options.entries < 2 or options.repeats < 1:
        parser.error("at least 2 entries and 1 repeat.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "audit"
        fill(folder, options.entries)
        chains = (
            FileChain(Path(temporary) / "chain.jsonl", stored_lines(folder / RECORD)),
            SqliteChain(Path(temporary) / "chain.sqlite", stored_lines(folder / RECORD)),
        )
        size = (folder / RECORD).stat().st_size / 1e6
        hashes = (folder / HASHES).stat().st_size / 1e6
        print(f"{options.entries:,} entries: {size:,.0f} MB, and {hashes:,.0f} MB of hashes.\n")
        print("\n".join(measure(folder, chains, repeats=options.repeats)), flush=True)
        print("\n" + "\n".join(read_all(folder, chains)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
