"""Somebody edits the record: a verifier that holds the newest checkpoint sees it.

The verifier has the public key, the file of checkpoints that it kept itself, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785
from audit_support import ORIGIN, OTHER, keeper, outcome, sealed, verdict

from veil.audit import Outcome, TamperedError
from veil.audit.checkpoint import Checkpoint
from veil.audit.merkle import leaf_hash, root_of
from veil.audit.note import sign
from veil.audit.record import Record

ENTRIES = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record under one checkpoint. Read it; never change it."""
    folder = tmp_path_factory.mktemp("whole")
    sealed(folder, ENTRIES)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """The files that a verifier gets."""
    for name in ("record.jsonl", "checkpoints"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    return tmp_path


def lines_of(folder: Path) -> list[bytes]:
    return (folder / "record.jsonl").read_bytes().splitlines(keepends=True)


def write(folder: Path, data: bytes) -> None:
    (folder / "record.jsonl").write_bytes(data)


def recomputed(lines: list[bytes]) -> bytes:
    """The lines with new numbers and a new chain, as whoever knows the format can make them."""
    previous = "0" * 64
    made = []
    for seq, line in enumerate(lines):
        entry = {**json.loads(line), "seq": seq, "previous": previous}
        made.append(rfc8785.dumps(entry))
        previous = hashlib.sha256(made[-1]).hexdigest()
    return b"".join(line + b"\n" for line in made)


def edited(lines: list[bytes]) -> list[bytes]:
    """A number in the receipt of a mart is changed: it is one that the catalogue allows."""
    at = next(seq for seq, line in enumerate(lines) if b'"rows":17' in line)
    return [*lines[:at], lines[at].replace(b'"rows":17', b'"rows":18'), *lines[at + 1 :]]


def test_the_record_as_veil_wrote_it_is_fine(copy: Path) -> None:
    """Otherwise none of what follows proves anything."""
    found = verdict(copy)

    assert (found.outcome, found.size, found.covered) == (Outcome.OK, ENTRIES, ENTRIES)
    assert found.findings == ()


def test_every_flipped_byte_is_seen(copy: Path) -> None:
    """One byte of any line, newlines included: a digit becomes another, a letter its capital."""
    data = (copy / "record.jsonl").read_bytes()
    missed = []
    for place in range(len(data)):
        mask = (0x01, 0x20, 0x80)[place % 3]
        write(copy, data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :])
        if outcome(copy) is not Outcome.TAMPERED:
            missed.append(place)

    assert missed == []


def test_every_removed_byte_is_seen(copy: Path) -> None:
    """At any place; a line that breaks off is no crash where a checkpoint covers it."""
    data = (copy / "record.jsonl").read_bytes()
    missed = []
    for place in range(len(data)):
        write(copy, data[:place] + data[place + 1 :])
        if outcome(copy) is not Outcome.TAMPERED:
            missed.append(place)

    assert missed == []


def test_every_inserted_byte_is_seen(copy: Path) -> None:
    """At any place; behind the end too, where it is told from a line that a crash tore."""
    data = (copy / "record.jsonl").read_bytes()
    missed = []
    for place in range(len(data)):
        write(copy, data[:place] + b"0" + data[place:])
        if outcome(copy) is not Outcome.TAMPERED:
            missed.append(place)

    assert missed == []
    write(copy, data + b"0")
    assert outcome(copy) is Outcome.TORN


def test_every_truncation_is_seen(copy: Path) -> None:
    """After any byte, at the end of a line or within."""
    data = (copy / "record.jsonl").read_bytes()
    missed = []
    for place in range(len(data)):
        write(copy, data[:place])
        if outcome(copy) is not Outcome.TAMPERED:
            missed.append(place)

    assert missed == []


def _removals(lines: list[bytes]) -> list[list[bytes]]:
    return [lines[:at] + lines[at + 1 :] for at in range(len(lines))]


def _swaps(lines: list[bytes]) -> list[list[bytes]]:
    pairs = [(a, b) for b in range(len(lines)) for a in range(b)]
    return [
        [lines[b] if at == a else lines[a] if at == b else one for at, one in enumerate(lines)]
        for a, b in pairs
    ]


def _repeats(lines: list[bytes]) -> list[list[bytes]]:
    places = range(len(lines))
    return [[*lines[:to], lines[at], *lines[to:]] for at in places for to in places]


def _insertions(lines: list[bytes]) -> list[list[bytes]]:
    forged = rfc8785.dumps({**json.loads(lines[3]), "id": "0" * 32}) + b"\n"
    return [[*lines[:at], forged, *lines[at:]] for at in range(len(lines))]


@pytest.mark.parametrize("change", [_removals, _swaps, _repeats, _insertions])
def test_every_moved_line_is_seen(
    copy: Path, change: Callable[[list[bytes]], list[list[bytes]]]
) -> None:
    """Removed, swapped, repeated, added: as it is, and with numbers and chain made anew."""
    original = (copy / "record.jsonl").read_bytes()
    for lines in change(lines_of(copy)):
        write(copy, b"".join(lines))

        assert outcome(copy) is Outcome.TAMPERED
        write(copy, data := recomputed(lines))
        # The last line, repeated and made to follow, is a new one behind what is covered.
        expected = Outcome.PENDING if data.startswith(original) else Outcome.TAMPERED
        assert outcome(copy) is expected


def test_a_line_added_at_the_end_is_not_vouched_for(copy: Path) -> None:
    """It follows the others, as anybody can make it; the verdict says that nothing covers it."""
    write(copy, recomputed([*lines_of(copy), lines_of(copy)[4]]))
    found = verdict(copy)

    assert (found.outcome, found.size, found.pending) == (Outcome.PENDING, ENTRIES + 1, 1)


def test_a_chain_that_was_computed_anew_is_seen(copy: Path) -> None:
    """The forger made every line, every hash and the tree again; he has no key."""
    write(copy, recomputed(edited(lines_of(copy))))

    assert outcome(copy) is Outcome.TAMPERED
    assert [one.message for one in verdict(copy).findings] == [
        "the record has not the root that checkpoint 1 signed."
    ]


def test_without_the_checkpoint_the_new_chain_would_pass(copy: Path) -> None:
    """The twin of the test above: chain and catalogue hold, so it is the checkpoint that tells."""
    write(copy, recomputed(edited(lines_of(copy))))
    (copy / "checkpoints").write_bytes(b"")
    found = verdict(copy)

    assert (found.outcome, found.size, found.covered) == (Outcome.PENDING, ENTRIES, 0)
    assert Record.open(copy).size == ENTRIES


def test_a_forger_cannot_sign_his_record(copy: Path) -> None:
    """A checkpoint of a key of his own, in place of the good one or behind it, is no one's."""
    write(copy, recomputed(edited(lines_of(copy))))
    leaves = [leaf_hash(line[:-1]) for line in lines_of(copy)]
    forged = sign(Checkpoint(ORIGIN, ENTRIES, root_of(leaves)).text(), [OTHER])
    good = (copy / "checkpoints").read_text()
    for text in (forged, good + "\n" + forged, forged + "\n" + good):
        (copy / "checkpoints").write_text(text)

        assert outcome(copy) is Outcome.TAMPERED


def test_every_flipped_byte_of_the_checkpoint_is_seen(copy: Path) -> None:
    """Origin, size, root and signature; a torn note leaves lines for which nothing vouches."""
    path = copy / "checkpoints"
    data = path.read_bytes()
    missed = []
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        if outcome(copy) is Outcome.OK:
            missed.append(place)

    assert missed == []


def test_a_writer_refuses_to_go_on_from_an_edited_record(copy: Path, whole: Path) -> None:
    """With the hashes that veil kept, and with hashes that the forger made to fit."""
    write(copy, recomputed(edited(lines_of(copy))))
    (copy / "hashes").write_bytes((whole / "hashes").read_bytes())
    (copy / "hashes").chmod(0o600)
    with pytest.raises(TamperedError):
        keeper(copy)
    (copy / "hashes").unlink()
    with pytest.raises(TamperedError):
        keeper(copy).check()
    with pytest.raises(TamperedError):
        keeper(copy).checkpoint()


def test_no_finding_repeats_what_a_forger_wrote(copy: Path) -> None:
    """A verdict ends up in a log: it names lines by number."""
    data = (copy / "record.jsonl").read_bytes()
    for forged in (
        re.sub(rb'"id":"\w+"', b'"id":"jane.doe@example.com"', data, count=1),
        data.replace(b'"event":"', b'"event":"jane.doe@example.com', 1),
        data.replace(b"{", b"jane.doe@example.com{", 1),
    ):
        write(copy, forged)
        found = verdict(copy)

        assert found.outcome is Outcome.TAMPERED
        assert "jane" not in repr(found)
        assert found.findings[0].line > 0
