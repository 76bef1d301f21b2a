"""The keeper: what it signs holds, and a record that was put back is noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from audit_support import KEYS, ORIGIN, OTHER, SAMPLES, SIGNER, fill, keeper, outcome, sealed

from veil.audit import AnchorError, AuditError, Outcome, RolledBackError, Signer, TamperedError
from veil.audit.anchor import FolderAnchor
from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.errors import NoteError
from veil.audit.note import open_note, sign
from veil.audit.record import Record
from veil.audit.seal import LineKeys

WAIVER = SAMPLES["waiver.used"]


def notes(folder: Path) -> list[str]:
    return read_checkpoints((folder / "checkpoints").read_bytes())


def anchored(folder: Path, anchor: Path, **more: object):
    anchor.mkdir(exist_ok=True)
    return keeper(folder, anchor=FolderAnchor(anchor), **more)


def test_a_checkpoint_signs_the_record_as_it_stands(tmp_path: Path) -> None:
    """Size and root, under the origin's name, private like the record."""
    made = keeper(tmp_path)
    fill(made, 4)
    checkpoint = made.checkpoint()
    text, names = open_note(notes(tmp_path)[-1], KEYS)

    assert (checkpoint.size, checkpoint.root) == (5, made.record.root())
    assert (text, names) == (checkpoint.text(), (ORIGIN,))
    assert (tmp_path / "checkpoints").stat().st_mode & 0o077 == 0
    made.check()


def test_checkpoints_grow_with_the_record_alone(tmp_path: Path) -> None:
    """Nothing new is signed where nothing was recorded."""
    made = keeper(tmp_path)
    for _ in range(3):
        made.note("waiver.used", **WAIVER)
        made.checkpoint()
        made.checkpoint()
    sizes = [Checkpoint.parse(open_note(one, KEYS)[0]).size for one in notes(tmp_path)]

    assert sizes == [2, 3, 4]
    assert outcome(tmp_path) is Outcome.OK


def test_only_the_end_of_many_checkpoints_is_read(tmp_path: Path) -> None:
    """The newest is found behind more than one window of them."""
    made = sealed(tmp_path, 3)
    (first,) = notes(tmp_path)
    path = tmp_path / "checkpoints"
    path.write_text("\n".join([first] * 600))
    assert path.stat().st_size > 65_536
    made.note("waiver.used", **WAIVER)
    made.checkpoint()
    found = made.newest()

    assert found is not None
    assert found[1].size == 4
    assert len(notes(tmp_path)) == 601


def test_a_torn_checkpoint_is_cut_by_the_next(tmp_path: Path) -> None:
    """Wherever the crash came: the notes before it stand, and the next is whole."""
    sealed(tmp_path, 3)
    path = tmp_path / "checkpoints"
    first = path.read_bytes()
    made = keeper(tmp_path)
    made.note("waiver.used", **WAIVER)
    made.checkpoint()
    data = path.read_bytes()
    for kept in range(len(first), len(data)):
        path.write_bytes(data[:kept])
        made.check()
        made.checkpoint()

        assert path.read_bytes() == data


def test_a_torn_first_checkpoint_is_written_again(tmp_path: Path) -> None:
    """There is none before it."""
    made = sealed(tmp_path, 3)
    path = tmp_path / "checkpoints"
    data = path.read_bytes()
    for kept in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:kept])
        made.checkpoint()

        assert path.read_bytes() == data


def test_a_former_key_still_counts_where_it_is_named(tmp_path: Path) -> None:
    """After a rotation the new key signs what the old one signed; unnamed, it is a stranger's."""
    sealed(tmp_path, 3)
    with pytest.raises(NoteError):
        keeper(tmp_path, signer=OTHER).checkpoint()
    renewed = keeper(tmp_path, signer=OTHER, verifiers=KEYS)
    renewed.check()
    renewed.checkpoint()

    assert len(notes(tmp_path)) == 2
    assert outcome(tmp_path, keys=[OTHER.verifier]) is Outcome.OK
    keeper(tmp_path, signer=OTHER).check()


def test_two_keys_may_sign_one_checkpoint(tmp_path: Path) -> None:
    """During a rotation a verifier may hold either."""
    made = keeper(tmp_path, cosigners=[OTHER])
    made.checkpoint()

    for signer in (SIGNER, OTHER):
        assert outcome(tmp_path, keys=[signer.verifier]) is Outcome.OK


def test_a_key_of_another_name_signs_nothing(tmp_path: Path) -> None:
    """A verifier would not know which record it vouches for."""
    with pytest.raises(AuditError, match="another name"):
        keeper(tmp_path, signer=Signer("example.com/other", bytes(32)))

    assert not (tmp_path / "record.jsonl").exists()


def test_a_checkpoint_that_does_not_hold_is_noticed(tmp_path: Path) -> None:
    """Its signature, its size, its record: nothing is signed on top of it."""
    made = sealed(tmp_path, 5)
    path = tmp_path / "checkpoints"
    good = path.read_text()
    stranger = Signer("example.com/other", bytes(range(32)))
    root = made.record.root()
    for bad in (
        good.replace("\n5\n", "\n4\n"),
        sign(Checkpoint(ORIGIN, 5, root).text(), [OTHER]),
        sign(Checkpoint("example.com/other", 5, root).text(), [stranger]),
        sign(Checkpoint("example.com/other", 5, root).text(), [SIGNER]),
        sign(Checkpoint(ORIGIN, 5, bytes(32)).text(), [SIGNER]),
        sign(Checkpoint(ORIGIN, 4, root).text(), [SIGNER]),
        sign(Checkpoint(ORIGIN, 6, root).text(), [SIGNER]),
        "x" + good,
    ):
        path.write_text(bad)
        with pytest.raises(AuditError):
            made.check()
        with pytest.raises(AuditError):
            made.checkpoint()

        assert path.read_text() == bad


def test_a_shortened_record_is_not_signed(tmp_path: Path) -> None:
    """Its newest checkpoint knows of more."""
    made = sealed(tmp_path, 6)
    lines = made.record.path.read_bytes().splitlines(keepends=True)
    made.record.path.write_bytes(b"".join(lines[:-2]))
    (tmp_path / "hashes").unlink()
    with pytest.raises(TamperedError, match="fewer entries"):
        made.check()
    with pytest.raises(TamperedError, match="fewer entries"):
        made.checkpoint()


def test_all_of_state_put_back_is_noticed_by_the_anchor(tmp_path: Path) -> None:
    """What stood there yesterday agrees with itself, and not with what the anchor keeps."""
    folder, anchor, yesterday = (tmp_path / one for one in ("audit", "anchor", "yesterday"))
    made = anchored(folder, anchor)
    fill(made, 3)
    made.checkpoint()
    shutil.copytree(folder, yesterday)
    fill(made, 2)
    made.checkpoint()
    shutil.rmtree(folder)
    shutil.copytree(yesterday, folder)
    kept = sorted(anchor.iterdir())

    assert outcome(folder) is Outcome.OK  # from itself alone nobody can tell
    keeper(folder).check()
    for change in (lambda: None, lambda: fill(keeper(folder), 2), lambda: fill(keeper(folder), 9)):
        change()
        put_back = anchored(folder, anchor)
        assert put_back.anchored
        with pytest.raises(RolledBackError, match="rolled back"):
            put_back.check()
        with pytest.raises(RolledBackError):
            put_back.checkpoint()
    assert sorted(anchor.iterdir()) == kept
    assert len(notes(folder)) == 1


def test_a_record_begun_anew_is_noticed_by_the_anchor(tmp_path: Path) -> None:
    """Removing state/audit/ leaves what the anchor keeps."""
    folder, anchor = tmp_path / "audit", tmp_path / "anchor"
    anchored(folder, anchor).checkpoint()
    shutil.rmtree(folder)

    with pytest.raises(RolledBackError):
        anchored(folder, anchor).checkpoint()


def test_without_an_anchor_nothing_is_said_to_be_anchored(tmp_path: Path) -> None:
    """`veil doctor` and RELEASE.json say so."""
    assert not keeper(tmp_path / "one").anchored
    assert anchored(tmp_path / "two", tmp_path / "anchor").anchored


def test_an_anchor_out_of_reach_leaves_a_signed_checkpoint(tmp_path: Path) -> None:
    """The caller hears that it is not anchored, and the next one catches up."""
    folder, anchor = tmp_path / "audit", tmp_path / "anchor"
    made = anchored(folder, anchor)
    made.checkpoint()
    anchor.rename(tmp_path / "away")
    made.note("waiver.used", **WAIVER)
    with pytest.raises(AnchorError, match="not anchored"):
        made.checkpoint()
    with pytest.raises(AnchorError):
        made.check()
    assert outcome(folder) is Outcome.OK
    (tmp_path / "away").rename(anchor)
    made.checkpoint()

    assert len(list(anchor.iterdir())) == 2
    made.check()


def test_an_anchor_that_knows_former_keys_alone_is_caught_up_with(tmp_path: Path) -> None:
    """After a key was lost: it is said once, and the new checkpoint is kept all the same."""
    folder, anchor = tmp_path / "audit", tmp_path / "anchor"
    anchored(folder, anchor).checkpoint()
    (folder / "checkpoints").unlink()
    renewed = anchored(folder, anchor, signer=OTHER)
    with pytest.raises(AnchorError, match="no known key"):
        renewed.checkpoint()
    renewed.checkpoint()
    renewed.check()

    assert len(list(anchor.iterdir())) == 2


def test_damaged_hashes_are_not_signed(tmp_path: Path) -> None:
    """Every hash of the derived file, changed: the checkpoint is that of the lines."""
    made = sealed(tmp_path, 6)
    fill(made, 5)
    root = made.record.root()
    hashes = tmp_path / "hashes"
    data = hashes.read_bytes()
    for place in range(len(data) // 32 - 4):  # the last line's own is refused before that
        damaged = bytearray(data)
        damaged[32 * place] ^= 1
        hashes.write_bytes(damaged)
        (tmp_path / "checkpoints").write_text(notes(tmp_path)[0])

        assert made.checkpoint().root == root
        assert outcome(tmp_path) is Outcome.OK
        hashes.write_bytes(data)


def test_a_second_question_reads_what_was_added_and_believes_no_forged_line(tmp_path: Path) -> None:
    """What was hashed once is kept; a line between two questions must be sealed all the same."""
    keys = LineKeys((bytes(range(32)),))
    made = keeper(tmp_path / "audit", keys=keys)
    made.note("publication.held", audience="board")
    made.checkpoint()
    first = made.entries("publication.held")
    made.note("publication.held", audience="research")
    second = made.entries("publication.held")
    Record.open(made.record.folder).append("publication.held", audience="nobody")  # no key

    assert [entry.details["audience"] for entry in first] == ["board"]
    assert [entry.details["audience"] for entry in second] == ["board", "research"]
    with pytest.raises(TamperedError, match="seal does not hold"):
        made.entries("publication.held")


def test_a_question_after_the_file_was_cut_reads_all_of_it_again(tmp_path: Path) -> None:
    """What was kept of lines that are gone is not answered with."""
    keys = LineKeys((bytes(range(32)),))
    made = keeper(tmp_path / "audit", keys=keys)
    made.checkpoint()
    made.note("publication.held", audience="board")
    known = made.entries("publication.held")
    lines = made.record.path.read_bytes().splitlines(keepends=True)
    made.record.path.write_bytes(b"".join(lines[:-1]))
    (made.record.folder / "hashes").unlink()

    assert len(known) == 1
    assert made.entries("publication.held") == []
