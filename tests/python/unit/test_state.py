"""Keyring and record together: neither can be put back, replaced or lost without being noticed."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Any

import pytest
from keys_support import REF

from veil.audit.keeper import RolledBackError
from veil.audit.record import Record
from veil.audit.seal import LineKeys
from veil.errors import VeilError
from veil.keys import Keyring, Status
from veil.project import Project
from veil.recording import open_keeper
from veil.state import (
    begin_record,
    change_keyring,
    close_record,
    create_keyring,
    first_record,
    load_keyring,
    unrecorded_keyring,
    was_used,
)


class KilledError(Exception):
    """Stands for SIGKILL."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a keyring and a record."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "dbt_project.yml").write_text("name: demo\n")
    (root / "state").mkdir(mode=0o700)
    found = Project(root)
    monkeypatch.setenv(REF.removeprefix("env:"), secrets.token_hex(32))
    create_keyring(found, kek_ref=REF, is_encrypted=True, after_loss=False)
    return found


def copied(project: Project, place: Path) -> Path:
    """A copy of state/."""
    return Path(shutil.copytree(project.state, place))


def put_back(project: Project, copy: Path, *names: str) -> None:
    """Replace parts of state/, all of it where none is named, by an older copy."""
    for name in names or ("keyring.json", "audit", "checkpoint"):
        target = project.state / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        source = copy / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)


def rotated(project: Project) -> Keyring:
    """The keyring with one more pending key, saved and recorded."""
    keyring = load_keyring(project)
    kid = keyring.add("pseudonym", "person").kid
    change_keyring(project, keyring, "key.added", kids=[kid])
    return keyring


def with_anchor(project: Project, folder: Path) -> None:
    folder.mkdir()
    (project.root / "dbt_project.yml").write_text(
        f'name: demo\nvars:\n  "veil:anchor": {{path: {folder}}}\n'
    )


def test_a_change_is_recorded_under_a_checkpoint(project: Project) -> None:
    """Intent, file and note: the record names generation and digest, and its checkpoint holds."""
    keyring = rotated(project)
    record = Record.open(project.audit)
    saved = record.last("keyring.saved")
    newest = open_keeper(project, load_keyring(project)).newest()

    assert saved is not None
    assert saved.details == {"generation": 2, "digest": keyring.digest}
    assert [entry.event for entry in record.events()] == [
        "record.began",
        "keyring.created",
        "keyring.saved",
        "keyring.intended",
        "keyring.saved",
    ]
    assert newest is not None
    assert newest[1].size == record.size


def test_an_older_keyring_is_noticed(project: Project, tmp_path: Path) -> None:
    """A keyring from a backup, whole and well sealed, is refused; alone it would load."""
    copy = copied(project, tmp_path / "copy")
    rotated(project)
    put_back(project, copy, "keyring.json")

    with pytest.raises(VeilError, match="rolled back"):
        load_keyring(project)
    assert Keyring.load(project.keyring).generation == 1  # without the record nobody notices


def test_an_older_record_is_noticed(project: Project, tmp_path: Path) -> None:
    """A record from a backup knows less than the keyring."""
    copy = copied(project, tmp_path / "copy")
    rotated(project)
    put_back(project, copy, "audit")

    with pytest.raises(VeilError, match="rolled back"):
        load_keyring(project)


def test_a_record_put_back_by_itself_is_noticed(project: Project, tmp_path: Path) -> None:
    """No keyring was written in between: the copy of the newest checkpoint tells."""
    copy = copied(project, tmp_path / "copy")
    keeper = open_keeper(project, load_keyring(project))
    keeper.note("publication.held", audience="board")
    keeper.checkpoint()
    put_back(project, copy, "audit")
    with pytest.raises(RolledBackError, match="rolled back"):
        open_keeper(project, load_keyring(project)).check()
    put_back(project, copy, "checkpoint")
    keeper = open_keeper(project, load_keyring(project))
    keeper.check()  # all of state/, and no anchor
    for _ in range(6):
        keeper.note("publication.held", audience="board")
    keeper.checkpoint()
    project.checkpoint.unlink()

    with pytest.raises(RolledBackError, match="is gone"):
        open_keeper(project, load_keyring(project)).check()


def test_a_keyring_saved_past_the_record_is_noticed(project: Project) -> None:
    """Whoever changes the keyring without the record is found out at the next command."""
    keyring = load_keyring(project)
    keyring.add("pseudonym", "person")
    keyring.save()

    with pytest.raises(VeilError, match="changed past it"):
        load_keyring(project)


def test_all_of_state_put_back_needs_an_anchor(project: Project, tmp_path: Path) -> None:
    """Keyring and record of the same day agree; only the anchor knows that there was more."""
    copy = copied(project, tmp_path / "copy")
    rotated(project)
    put_back(project, copy)
    open_keeper(project, load_keyring(project)).check()  # unnoticed

    with_anchor(project, tmp_path / "anchor")
    rotated(project)
    copy = copied(project, tmp_path / "later")
    rotated_again = load_keyring(project)
    rotated_again.set_status(rotated_again.entries[-1].kid, Status.DISABLED)
    change_keyring(project, rotated_again, "key.disabled")
    put_back(project, copy)

    with pytest.raises(RolledBackError, match="rolled back"):
        open_keeper(project, load_keyring(project)).check()


def test_an_unreachable_anchor_stops_a_change_before_it_is_made(
    project: Project, tmp_path: Path
) -> None:
    """No key is changed while nobody could notice that it was changed back."""
    with_anchor(project, tmp_path / "anchor")
    rotated(project)
    (tmp_path / "anchor").rename(tmp_path / "gone")
    keyring = load_keyring(project)
    keyring.add("pseudonym", "household")

    with pytest.raises(VeilError, match="anchor"):
        change_keyring(project, keyring, "key.added")
    assert load_keyring(project).generation == 2


@pytest.mark.parametrize("written", [False, True])
def test_a_crash_in_the_middle_is_told_from_a_rollback(
    project: Project, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Killed before or after the file was replaced: the next command notes which, and goes on."""
    keyring = load_keyring(project)
    keyring.add("pseudonym", "person")
    save = Keyring.save

    def killed(ring: Keyring, *, before_write: object) -> None:
        def stop(digest: str, generation: int) -> None:
            before_write(digest, generation)  # type: ignore[operator]
            if not written:
                raise KilledError

        save(ring, before_write=stop)
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Keyring, "save", killed)
        change_keyring(project, keyring, "key.added")
    found = load_keyring(project)
    event = Record.open(project.audit).last("keyring.saved", "keyring.abandoned")

    assert found.generation == (2 if written else 1)
    assert event is not None
    assert event.event == ("keyring.saved" if written else "keyring.abandoned")
    assert event.details["generation"] == 2


def test_another_keyring_of_the_same_generation_is_noticed(
    project: Project, tmp_path: Path
) -> None:
    """Under the same key-encryption key, and as old."""
    other = Keyring.create(tmp_path / "other.json", kek_ref=REF)
    shutil.copy2(tmp_path / "other.json", project.keyring)

    assert other.generation == 1
    with pytest.raises(VeilError, match="do not belong together"):
        load_keyring(project)


def test_a_lost_record_is_replaced_by_one_of_another_name(project: Project, tmp_path: Path) -> None:
    """The way out after a loss: a new name, kept in the sealed keyring; the old record is kept."""
    with_anchor(project, tmp_path / "anchor")
    rotated(project)
    old = open_keeper(project, load_keyring(project)).origin
    with (project.audit / "record.jsonl").open("r+b") as file:
        file.seek(200)
        file.write(b"x")
    project.record.rename(project.record.with_name("moved"))
    with pytest.raises(VeilError, match="is gone"):
        load_keyring(project)
    keeper = begin_record(project)
    open_keeper(project, load_keyring(project)).check()

    assert keeper.origin == f"{old}/record_2"
    assert (project.audit / "closed-1" / "checkpoints").is_file()
    assert begin_record(project).origin == f"{old}/record_3"


def test_a_record_that_somebody_else_begins_is_refused(project: Project) -> None:
    """Without the keyring's seal nobody begins a record in the place of another."""
    close_record(project)
    Record.open(project.audit)

    assert not was_used(project)
    with pytest.raises(VeilError, match="seal does not hold"):
        load_keyring(project)


def forged(project: Project, event: str, **details: Any) -> None:
    """A line that follows the others as anybody can compute, who may write there and has no key."""
    Record.open(project.audit).append(event, **details)


def test_a_forged_line_brings_no_old_keyring_back(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that says that the old keyring was written last; without the seals it is believed."""
    copy = copied(project, tmp_path / "copy")
    old = load_keyring(project)
    rotated(project)
    put_back(project, copy, "keyring.json")
    forged(project, "keyring.saved", generation=1, digest=old.digest)
    with pytest.raises(VeilError, match="seal does not hold"):
        load_keyring(project)
    monkeypatch.setattr(LineKeys, "holds", lambda _keys, _entry: True)

    assert load_keyring(project).generation == 1


def test_a_rewritten_record_is_not_signed_anew(project: Project) -> None:
    """Chain computed anew and checkpoints removed: the seals of the lines do not hold."""
    rotated(project)
    entries = list(Record.read(project.audit).events())
    for name in ("record.jsonl", "hashes", "checkpoints"):
        (project.audit / name).unlink()
    project.checkpoint.unlink()
    record = Record.open(project.audit)
    for entry in entries[1:]:
        record.append(entry.event, **entry.details)

    with pytest.raises(VeilError, match="seal does not hold"):
        load_keyring(project)


def test_a_record_without_its_checkpoints_is_refused(project: Project) -> None:
    """Sealed lines alone do not say how many there were."""
    keeper = open_keeper(project, load_keyring(project))
    for _ in range(6):
        keeper.note("publication.held", audience="board")
    keeper.checkpoint()
    (project.audit / "checkpoints").unlink()
    project.checkpoint.unlink()

    with pytest.raises(VeilError, match="has no checkpoint any more"):
        load_keyring(project)


def test_an_edited_line_under_the_checkpoint_is_noticed_at_once(project: Project) -> None:
    """An entry that a decision stands on is hashed into the signed root again."""
    rotated(project)
    text = project.record.read_bytes()
    project.record.write_bytes(text.replace(b'"generation":1}', b'"generation":7}', 1))

    with pytest.raises(VeilError, match="not the one that its checkpoint was made of"):
        load_keyring(project)


def test_a_keyring_whose_record_a_crash_prevented_gets_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the keyring and the first line; a keyring that was used gets none."""
    shutil.rmtree(project.audit)
    project.checkpoint.unlink()
    found = unrecorded_keyring(project)
    assert found is not None
    first_record(project, found, after_loss=False)

    assert unrecorded_keyring(project) is None
    assert load_keyring(project).id == found.id
