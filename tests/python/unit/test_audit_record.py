"""The record: it grows, it can be found things in, and it knows a crash from a change."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest
from audit_support import SAMPLES, WRITTEN, fill, sealed

from veil.audit import TamperedError
from veil.audit.errors import AuditError, ProofError
from veil.audit.events import EventError
from veil.audit.hashes import HashFile
from veil.audit.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from veil.audit.record import Record
from veil.errors import VeilError


def lines_of(record: Record) -> list[bytes]:
    return record.path.read_bytes().splitlines()


def test_a_record_begins_with_itself(tmp_path: Path) -> None:
    """Opening an empty folder writes the first entry, once; nobody else may read the files."""
    record = Record.open(tmp_path / "audit")
    Record.open(tmp_path / "audit")

    assert [one.event for one in record.events()] == ["record.began"]
    assert {path.stat().st_mode & 0o077 for path in record.folder.iterdir()} == {0}
    assert record.folder.stat().st_mode & 0o077 == 0


def test_each_entry_carries_the_hash_of_the_line_before(tmp_path: Path) -> None:
    """The chain can be followed with nothing but SHA-256."""
    record = Record.open(tmp_path)
    fill(record, 20)
    previous = "0" * 64
    for seq, line in enumerate(lines_of(record)):
        entry = json.loads(line)

        assert (entry["seq"], entry["previous"]) == (seq, previous)
        previous = hashlib.sha256(line).hexdigest()


def test_what_append_returns_is_what_stands_there(tmp_path: Path) -> None:
    """The caller can name the entry."""
    record = Record.open(tmp_path)
    entry = record.append("waiver.used", **SAMPLES["waiver.used"])

    assert entry.line() == lines_of(record)[-1]
    assert list(Record.open(tmp_path).events())[-1] == entry
    assert (entry.seq, record.size) == (1, 2)


def test_what_does_not_fit_is_not_written(tmp_path: Path) -> None:
    """The record is as long as before."""
    record = Record.open(tmp_path)
    before = record.path.read_bytes()
    with pytest.raises(EventError):
        record.append("waiver.used", model="Jane Doe", rule="k", until="2026-12-01")
    with pytest.raises(EventError):
        record.append("keyring.saved", generation=1)

    assert record.path.read_bytes() == before


def test_roots_and_proofs_are_those_of_the_lines(tmp_path: Path) -> None:
    """Every entry is proved to stand in the tree of every size, and every size in the next."""
    record = Record.open(tmp_path)
    fill(record, 16)
    leaves = [leaf_hash(line) for line in lines_of(record)]
    for size in range(1, 18):
        root = record.root(size)

        assert root == root_of(leaves[:size])
        for seq in range(size):
            proof = record.inclusion_proof(seq, size=size)
            verify_inclusion(index=seq, size=size, leaf=leaves[seq], proof=proof, root=root)
        verify_consistency(
            old=size,
            new=17,
            old_root=root,
            new_root=record.root(),
            proof=record.consistency_proof(size),
        )


def test_there_are_no_proofs_of_what_is_not_there(tmp_path: Path) -> None:
    """Sizes and numbers outside the record are refused."""
    record = Record.open(tmp_path)
    fill(record, 2)
    with pytest.raises(ProofError):
        record.inclusion_proof(3)
    with pytest.raises(AuditError):
        record.inclusion_proof(3, size=4)
    with pytest.raises(AuditError):
        record.root(4)
    for seq in (-1, 3):
        with pytest.raises(AuditError, match="no entry of that number"):
            record.line(seq)


def test_any_line_is_found_by_its_number(tmp_path: Path) -> None:
    """Lines of all lengths, over several blocks."""
    record = Record.open(tmp_path)
    kids = [f"kaaaa{a}{b}a" for a in "abcdefgh" for b in "abcdefghijklmnopqrstuvwxyz"]
    for count in (0, 200, 1, 150, 0, 0, 200, 7, 199):
        record.append(
            "keyring.intended", generation=1, digest="0" * 64, reason="key.added", kids=kids[:count]
        )
        fill(record, 5)
    found = [record.line(seq) for seq in range(record.size)]

    assert found == lines_of(record)
    for seq in range(0, record.size, 7):
        assert [one.line() for one in record.events(since=seq)] == found[seq:]
    assert list(record.events(since=10_000)) == []


def test_events_are_found_by_name(tmp_path: Path) -> None:
    """Forward all of them, backward the newest; none where there is none."""
    record = Record.open(tmp_path)
    fill(record, len(WRITTEN) * 12)
    last = record.last("keyring.saved")

    assert last is not None
    assert last == list(record.events({"keyring.saved"}))[-1]
    assert len(list(record.events({"keyring.saved", "erasure.done"}))) == 24
    newest = record.last("waiver.used", "keyring.saved")
    assert newest is not None
    assert newest.event == "waiver.used"
    assert record.last("record.resumed") is None
    began = record.last("record.began")
    assert began is not None
    assert began.seq == 0


def test_threads_take_turns(tmp_path: Path) -> None:
    """No entry of any is lost, and each sees those of the others."""
    record = Record.open(tmp_path)
    threads = [threading.Thread(target=fill, args=(record, 10)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert [one.seq for one in record.events()] == list(range(41))
    assert record.extends(0, EMPTY_ROOT)[0] == 41


def test_a_torn_last_line_is_cut_and_that_is_recorded(tmp_path: Path) -> None:
    """Wherever a crash broke it off: what was confirmed stands, and writing goes on."""
    record = Record.open(tmp_path)
    fill(record, 5)
    whole = record.path.read_bytes()
    line = record.append("waiver.used", **SAMPLES["waiver.used"]).line()
    for kept in range(1, len(line) + 1):
        record.path.write_bytes(whole + line[:kept])
        HashFile(tmp_path / "hashes").truncate(6)
        reopened = Record.open(tmp_path)
        *rest, resumed = reopened.events()

        assert (resumed.event, resumed.details) == ("record.resumed", {"cut": kept})
        assert reopened.path.read_bytes().startswith(whole)
        assert len(rest) == 6
        assert reopened.root() == root_of(leaf_hash(one) for one in lines_of(reopened))


def test_a_torn_first_line_is_begun_again(tmp_path: Path) -> None:
    """A crash in the first write of all leaves a record that opens."""
    record = Record.open(tmp_path)
    record.path.write_bytes(record.path.read_bytes()[:40])
    (tmp_path / "hashes").unlink()

    assert [one.event for one in Record.open(tmp_path).events()] == [
        "record.began",
        "record.resumed",
    ]


def test_a_line_that_was_confirmed_is_not_taken_for_torn(tmp_path: Path) -> None:
    """Its hash stands there already: somebody cut it."""
    record = Record.open(tmp_path)
    fill(record, 5)
    data = record.path.read_bytes()
    for cut in (1, 30, len(data.splitlines()[-1]) + 1):
        record.path.write_bytes(data[:-cut])
        with pytest.raises(TamperedError, match="was cut"):
            Record.open(tmp_path)

        assert record.path.read_bytes() == data[:-cut]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"2026-12-31", b"2027-12-31"),
        lambda data: data[:-1] + b" \n",
        lambda data: data + b"\n",
        lambda data: data + b"{}\n",
        lambda data: data + data.splitlines(keepends=True)[-1],
        lambda data: b"".join(data.splitlines(keepends=True)[-1:]),
        lambda data: b"".join(data.splitlines(keepends=True)[:1]),
        lambda data: data + b"x" * 20_000,
        lambda data: data + b"x" * 100_000,
        lambda data: data + b"x" * 100_000 + b"\n",
        lambda _: b"",
    ],
    ids=[
        "value",
        "space",
        "line",
        "object",
        "twice",
        "last",
        "first",
        "tail",
        "long",
        "end",
        "all",
    ],
)
def test_an_end_that_veil_did_not_write_is_refused(tmp_path: Path, change: object) -> None:
    """Nothing is appended to it, and the message says what to look at and holds no value."""
    record = Record.open(tmp_path)
    for _ in range(3):
        record.append("waiver.used", **SAMPLES["waiver.used"])
    changed = change(record.path.read_bytes())
    record.path.write_bytes(changed)
    with pytest.raises(TamperedError) as caught:
        record.append("erasure.done", request="ab" * 16)

    assert record.path.read_bytes() == changed
    assert caught.value.remedy
    assert "earnings" not in str(caught.value)


def test_missing_hashes_are_made_from_the_lines(tmp_path: Path) -> None:
    """All of them, some, a torn group, or blocks that a power cut left empty: the same file."""
    record = Record.open(tmp_path)
    fill(record, 12)
    hashes = tmp_path / "hashes"
    data = hashes.read_bytes()
    root = record.root()
    hashes.unlink()
    for left in (*range(0, len(data), 7), None):
        if left is not None:
            hashes.write_bytes(data[:left])
            hashes.chmod(0o600)

        assert Record.open(tmp_path).root() == root
        assert hashes.read_bytes() == data
    for empty in (32, 64, 32 * 9):
        hashes.write_bytes(data[:-empty] + bytes(empty))

        assert record.root() == root


def test_hashes_of_other_lines_are_refused_with_the_way_out(tmp_path: Path) -> None:
    """Either was changed; where a power cut did it, the remedy helps."""
    record = Record.open(tmp_path)
    fill(record, 3)
    hashes = tmp_path / "hashes"
    data = bytearray(hashes.read_bytes())
    data[-65] ^= 1  # the last leaf; two subtrees stand behind it
    hashes.write_bytes(data)
    with pytest.raises(TamperedError, match=r"remove state/audit/hashes"):
        Record.open(tmp_path)
    hashes.unlink()

    assert Record.open(tmp_path).size == 4


def test_lines_changed_while_hashes_are_away_are_refused(tmp_path: Path) -> None:
    """Hashes are made of lines that follow each other, and of no others."""
    record = Record.open(tmp_path)
    fill(record, 6)
    data = record.path.read_bytes()
    (tmp_path / "hashes").unlink()
    record.path.write_bytes(data.replace(b'"rows":17', b'"rows":18'))
    with pytest.raises(TamperedError, match="line 5 does not follow"):
        Record.open(tmp_path)


def test_a_record_that_vanished_is_not_begun_anew(tmp_path: Path) -> None:
    """Its checkpoints or hashes are still there: somebody removed it."""
    sealed(tmp_path, 3)
    (tmp_path / "record.jsonl").unlink()
    for left in ("hashes", "checkpoints"):
        with pytest.raises(TamperedError, match="is empty"):
            Record.open(tmp_path)
        (tmp_path / left).unlink()

    assert Record.open(tmp_path).size == 1


def test_files_that_others_may_touch_are_refused(tmp_path: Path) -> None:
    """Nor is a link followed."""
    record = Record.open(tmp_path / "audit")
    for name in ("record.jsonl", "hashes"):
        (record.folder / name).chmod(0o660)
        with pytest.raises(VeilError, match="chmod 600"):
            record.append("erasure.done", request="ab" * 16)
        (record.folder / name).chmod(0o600)
    elsewhere = tmp_path / "elsewhere"
    record.path.rename(elsewhere)
    record.path.symlink_to(elsewhere)
    with pytest.raises(VeilError):
        record.append("erasure.done", request="ab" * 16)

    assert len(elsewhere.read_bytes().splitlines()) == 1


def test_a_checkpoint_is_extended_by_what_came_after_it(tmp_path: Path) -> None:
    """Every older root is, no other is, and no root of the future."""
    record = Record.open(tmp_path)
    fill(record, 9)
    for size in range(11):
        assert record.extends(size, record.root(size)) == (10, record.root())
        with pytest.raises(TamperedError, match="not the one"):
            record.extends(size, bytes(32))
    with pytest.raises(TamperedError, match="fewer entries"):
        record.extends(11, bytes(32))


def test_damaged_hashes_never_give_a_wrong_root(tmp_path: Path) -> None:
    """A root to be signed is that of the lines, whichever hash was changed."""
    record = Record.open(tmp_path)
    fill(record, 12)
    hashes = tmp_path / "hashes"
    data = hashes.read_bytes()
    root, older = record.root(), record.root(5)
    for place in range(len(data) // 32):
        damaged = bytearray(data)
        damaged[32 * place] ^= 1
        hashes.write_bytes(damaged)
        try:
            found = record.extends(5, older)
        except TamperedError:
            hashes.unlink()  # what the remedy says
            found = record.extends(5, older)

        assert found == (13, root)
        hashes.write_bytes(data)
