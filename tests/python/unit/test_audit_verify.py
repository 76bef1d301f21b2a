"""Verifying, comparing and proving from files alone; and the commands that do it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rfc8785
from audit_support import (
    KEYS,
    ORIGIN,
    OTHER,
    SAMPLES,
    SIGNER,
    fill,
    keeper,
    outcome,
    sealed,
    verdict,
)
from click.testing import CliRunner, Result

from veil.audit import AuditError, Outcome, Relation, TamperedError, Verifier, compare_records
from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.entry import START, line_hash
from veil.audit.errors import NoteError
from veil.audit.merkle import leaf_hash, root_of
from veil.audit.note import sign
from veil.audit.prove import check_proof, prove
from veil.audit.record import Record
from veil.cli.audit import audit
from veil.errors import EXIT_CANNOT_RUN, EXIT_USAGE, VeilError

WAIVER = SAMPLES["waiver.used"]


def notes(folder: Path) -> list[str]:
    return read_checkpoints((folder / "checkpoints").read_bytes())


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def run(*arguments: object) -> Result:
    """Run `veil audit …`; a refusal ends with its exit code and is printed, as `main` does."""
    found = CliRunner().invoke(audit, [str(one) for one in arguments])
    if isinstance(found.exception, VeilError):
        found.exit_code = found.exception.exit_code
    return found


def verified(folder: Path, *more: object) -> Result:
    files = [folder / "record.jsonl", "--checkpoints", folder / "checkpoints"]
    return run("verify", *files, "--pubkey", SIGNER.vkey, *more)


def test_every_checkpoint_of_a_record_that_grew_is_checked(tmp_path: Path) -> None:
    """Three of them, and nothing behind the last."""
    made = sealed(tmp_path, 4)
    for _ in range(2):
        fill(made, 3)
        made.checkpoint()
    found = verdict(tmp_path)

    assert (found.outcome, found.size, found.covered, found.checkpoints) == (
        Outcome.OK,
        10,
        10,
        3,
    )
    assert found.unknown == found.pending == found.torn == 0


def test_verifying_writes_nothing(tmp_path: Path) -> None:
    """It works on a copy that nobody may write to, without locks and hashes."""
    folder = tmp_path / "audit"
    sealed(folder, 4)
    for name in ("hashes", "record.jsonl.lock", "checkpoints.lock"):
        (folder / name).unlink()
    folder.chmod(0o500)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    assert outcome(folder) is Outcome.OK
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    folder.chmod(0o700)


def test_lines_behind_the_checkpoint_are_counted(tmp_path: Path) -> None:
    """They follow, and nothing vouches for them yet."""
    made = sealed(tmp_path, 4)
    fill(made, 3)
    found = verdict(tmp_path)

    assert (found.outcome, found.covered, found.pending) == (Outcome.PENDING, 4, 3)
    assert "3 whole lines" in found.findings[0].message


def test_a_torn_line_is_told_from_tampering_by_where_it_stands(tmp_path: Path) -> None:
    """Behind the newest checkpoint it is a crash; under it, nothing else than a cut."""
    made = sealed(tmp_path, 4)
    path = made.record.path
    covered = path.read_bytes()
    fill(made, 1)
    data = path.read_bytes()
    for kept in range(len(covered) + 1, len(data)):
        path.write_bytes(data[:kept])
        found = verdict(tmp_path)

        assert (found.outcome, found.torn) == (Outcome.TORN, kept - len(covered))
    path.write_bytes(covered[:-1])
    assert outcome(tmp_path) is Outcome.TAMPERED


def test_a_torn_checkpoint_leaves_lines_that_nothing_covers(tmp_path: Path) -> None:
    """The notes before it are whole and hold."""
    made = sealed(tmp_path, 4)
    fill(made, 2)
    made.checkpoint()
    path = tmp_path / "checkpoints"
    path.write_bytes(path.read_bytes()[:-5])
    found = verdict(tmp_path)

    assert (found.outcome, found.covered, found.pending) == (Outcome.PENDING, 4, 2)


def test_a_torn_checkpoint_is_said(tmp_path: Path) -> None:
    """What stands behind the last whole note may be a crash's, or somebody's who adds to it."""
    sealed(tmp_path, 4)
    assert not verdict(tmp_path).torn_checkpoint
    with (tmp_path / "checkpoints").open("a") as file:
        file.write("\nexample.com/rec")
    found = verdict(tmp_path)
    text, told = verified(tmp_path).output, json.loads(verified(tmp_path, "--json").output)

    assert (found.outcome, found.torn_checkpoint) == (Outcome.OK, True)
    assert "the last checkpoint is torn" in text
    assert told["torn_checkpoint"] is True
    assert "the last checkpoint is torn" in told["findings"][0]["message"]


@pytest.mark.parametrize("notes_left", ["all", "none", "no file"])
def test_an_empty_record_is_never_fine(tmp_path: Path, notes_left: str) -> None:
    """veil never leaves one: whoever emptied it emptied, or removed, the checkpoints too."""
    sealed(tmp_path, 4)
    (tmp_path / "record.jsonl").write_bytes(b"")
    if notes_left == "none":
        (tmp_path / "checkpoints").write_bytes(b"")
    elif notes_left == "no file":
        (tmp_path / "checkpoints").unlink()
    found = outcome(tmp_path)

    assert found is (Outcome.UNREADABLE if notes_left == "no file" else Outcome.TAMPERED)


def test_a_record_without_any_checkpoint_is_not_fine(tmp_path: Path) -> None:
    """Nothing vouches for a single line."""
    sealed(tmp_path, 4)
    (tmp_path / "checkpoints").write_bytes(b"")
    found = verdict(tmp_path)

    assert (found.outcome, found.covered, found.pending) == (Outcome.PENDING, 0, 4)


@pytest.mark.parametrize("order", [[1, 2, 3], [1, 0, 2], [0, 1, 0]])
def test_a_record_begins_with_the_entry_that_begins_one(tmp_path: Path, order: list[int]) -> None:
    """Also where chain, tree and signature are made anew by a holder of the key."""
    sealed(tmp_path, 4)
    lines = (tmp_path / "record.jsonl").read_bytes().splitlines()
    made: list[bytes] = []
    for seq, at in enumerate(order):
        previous = line_hash(made[-1]) if made else START
        made.append(rfc8785.dumps({**json.loads(lines[at]), "seq": seq, "previous": previous}))
    (tmp_path / "record.jsonl").write_bytes(b"".join(line + b"\n" for line in made))
    root = root_of([leaf_hash(line) for line in made])
    note = sign(Checkpoint(ORIGIN, len(made), root).text(), [SIGNER])
    (tmp_path / "checkpoints").write_text(note)
    found = verdict(tmp_path)

    assert found.outcome is Outcome.TAMPERED
    assert "does not begin with the entry that begins one" in found.findings[0].message


def test_an_older_checkpoint_must_be_extended(tmp_path: Path) -> None:
    """The record that it was taken of extends it; one begun anew and one put back do not."""
    folder = tmp_path / "audit"
    made = sealed(folder, 4)
    (first,) = notes(folder)
    yesterday = copied(folder, tmp_path / "yesterday")
    fill(made, 3)
    made.checkpoint()
    second = notes(folder)[-1]
    anew = tmp_path / "anew"
    sealed(anew, 9)

    assert outcome(folder, since=first) is Outcome.OK
    assert outcome(folder, since=second.encode()) is Outcome.OK
    assert outcome(yesterday, since=first) is Outcome.OK
    assert outcome(yesterday) is Outcome.OK
    for other, older in ((yesterday, second), (anew, first), (anew, second)):
        found = verdict(other, since=older)

        assert found.outcome is Outcome.FORKED
        assert "rolled back or replaced" in found.findings[0].message


def test_an_older_checkpoint_of_no_use_is_said_to_be(tmp_path: Path) -> None:
    """A stranger's, a changed one, none at all: nothing was compared with it."""
    sealed(tmp_path, 4)
    (note,) = notes(tmp_path)
    for bad in ("", note[:-3], note.replace("\n4\n", "\n5\n"), "Jane Doe"):
        found = verdict(tmp_path, since=bad)

        assert found.outcome is Outcome.UNREADABLE
        assert "Jane" not in repr(found)
    assert outcome(tmp_path, keys=[OTHER.verifier], since=note) is Outcome.UNREADABLE


def test_the_newest_checkpoint_must_be_signed_by_a_given_key(tmp_path: Path) -> None:
    """Before a rotation the old key, after it the new one; older ones may be a former key's."""
    made = sealed(tmp_path, 4)
    former = [SIGNER.verifier]
    renewed = keeper(tmp_path, signer=OTHER, verifiers=former)
    fill(made, 2)
    renewed.checkpoint()
    found = verdict(tmp_path, keys=[OTHER.verifier])

    assert (found.outcome, found.covered, found.unknown) == (Outcome.OK, 6, 1)
    assert outcome(tmp_path, keys=[OTHER.verifier, *former]) is Outcome.OK
    assert verdict(tmp_path, keys=[OTHER.verifier, *former]).unknown == 0
    for keys in (former, []):
        alone = verdict(tmp_path, keys=keys)
        assert (alone.outcome, alone.covered) == (Outcome.TAMPERED, 0)
        assert "no given key signed" in alone.findings[0].message


def test_an_older_checkpoint_of_an_unknown_key_must_hold_all_the_same(tmp_path: Path) -> None:
    """Whoever signed it: its root is compared."""
    made = sealed(tmp_path, 4)
    fill(made, 2)
    keeper(tmp_path, signer=OTHER, verifiers=KEYS).checkpoint()
    first, second = notes(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    sealed(elsewhere, 4)
    (tmp_path / "checkpoints").write_text(f"{notes(elsewhere)[0]}\n{second}")

    assert first != notes(elsewhere)[0]
    assert outcome(tmp_path, keys=[OTHER.verifier]) is Outcome.TAMPERED


def test_checkpoints_out_of_order_are_refused(tmp_path: Path) -> None:
    """A record only grows."""
    made = sealed(tmp_path, 4)
    fill(made, 2)
    made.checkpoint()
    first, second = notes(tmp_path)
    (tmp_path / "checkpoints").write_text(f"{second}\n{first}")

    assert outcome(tmp_path) is Outcome.TAMPERED


def test_what_cannot_be_read_is_neither_fine_nor_tampered_with(tmp_path: Path) -> None:
    """Missing files and folders."""
    sealed(tmp_path, 4)
    for name in ("record.jsonl", "checkpoints"):
        path = tmp_path / name
        path.rename(tmp_path / "away")
        assert outcome(tmp_path) is Outcome.UNREADABLE
        path.mkdir()
        assert outcome(tmp_path) is Outcome.UNREADABLE
        path.rmdir()
        (tmp_path / "away").rename(path)

    assert outcome(tmp_path) is Outcome.OK


def test_progress_is_told_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then, up to the length of the file."""
    monkeypatch.setattr("veil.audit.verify._PROGRESS_LINES", 3)
    record = sealed(tmp_path, 9).record
    told: list[tuple[int, int]] = []
    verdict(tmp_path, progress=lambda done, total: told.append((done, total)))
    lengths = [len(line) + 1 for line in record.path.read_bytes().splitlines()]

    assert told == [(sum(lengths[:lines]), sum(lengths)) for lines in (3, 6, 9)]


def test_copies_are_the_same_older_or_forked(tmp_path: Path) -> None:
    """Folders or files; a torn line is left out."""
    folder = tmp_path / "audit"
    made = sealed(folder, 4)
    older = copied(folder, tmp_path / "older")
    same = copied(folder, tmp_path / "same")
    fill(made, 2)
    fill(Record.open(same), 3)
    with (older / "record.jsonl").open("ab") as file:
        file.write(b'{"at"')

    assert compare_records(folder, folder / "record.jsonl").relation is Relation.SAME
    assert compare_records(older, folder).relation is Relation.A_IS_OLDER
    found = compare_records(folder, older)
    assert (found.relation, found.common, found.sizes) == (Relation.B_IS_OLDER, 4, (6, 4))
    fork = compare_records(folder, same)
    assert (fork.relation, fork.common) == (Relation.FORKED, 4)
    with pytest.raises(AuditError, match="cannot be read"):
        compare_records(folder, tmp_path / "nothing")
    (same / "record.jsonl").write_bytes(b"x" * 100_000)
    with pytest.raises(TamperedError):
        compare_records(folder, same)


def test_an_entry_is_proved_without_the_record(tmp_path: Path) -> None:
    """The proof, the public key, and nothing else."""
    made = sealed(tmp_path, 7)
    fill(made, 1)
    for seq in range(7):
        proof = json.loads(json.dumps(prove(made.record, seq)))

        assert check_proof(proof, KEYS).line() == made.record.line(seq)
    with pytest.raises(AuditError, match="not yet under a checkpoint"):
        prove(made.record, 7)
    with pytest.raises(AuditError, match="no entry"):
        prove(made.record, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 3},
        {"seq": "2"},
        {"seq": True},
        {"size": 6},
        {"v": 2},
        {"line": "{}"},
        {"line": 5},
        {"proof": []},
        {"proof": ["zz"]},
        {"proof": "00"},
        {"proof": None},
        {"checkpoint": ""},
        {"checkpoint": None},
        {"more": 1},
    ],
    ids=str,
)
def test_a_changed_proof_proves_nothing(tmp_path: Path, change: dict[str, object]) -> None:
    """Nor does one whose checkpoint another key signed."""
    proof = prove(sealed(tmp_path, 7).record, 2)
    with pytest.raises(AuditError):
        check_proof({**proof, **change}, KEYS)
    with pytest.raises(NoteError):
        check_proof(proof, [OTHER.verifier])


def test_verify_ends_with_a_code_for_each_outcome(tmp_path: Path) -> None:
    """0 fine, 1 tampered with, 3 cannot run, 4 an open end, 5 another record."""
    folder = tmp_path / "audit"
    made = sealed(folder, 4)
    old = tmp_path / "old"
    old.write_text(notes(folder)[0])
    codes = {"ok": verified(folder, "--since", old).exit_code}
    yesterday = copied(folder, tmp_path / "yesterday")
    fill(made, 1)
    codes["pending"] = verified(folder).exit_code
    made.checkpoint()
    new = tmp_path / "new"
    new.write_text(notes(folder)[-1])
    codes["forked"] = verified(yesterday, "--since", new).exit_code
    with made.record.path.open("ab") as file:
        file.write(b"{")
    codes["torn"] = verified(folder).exit_code
    made.record.path.write_bytes(made.record.path.read_bytes()[1:])
    codes["tampered"] = verified(folder).exit_code
    made.record.path.unlink()
    codes["unreadable"] = verified(folder).exit_code

    assert codes == {
        "ok": 0,
        "tampered": 1,
        "unreadable": 3,
        "pending": 4,
        "torn": 4,
        "forked": 5,
    }


def test_verify_takes_keys_as_text_and_as_files(tmp_path: Path) -> None:
    """One or several; the file of checkpoints is the one beside the record where none is named."""
    sealed(tmp_path, 4)
    path = tmp_path / "auditor.vkey"
    path.write_text(f"{OTHER.vkey}\n\n{SIGNER.vkey}\n")
    record = tmp_path / "record.jsonl"

    assert run("verify", record, "--pubkey", path).exit_code == 0
    assert run("verify", record, "--pubkey", OTHER.vkey, "--pubkey", SIGNER.vkey).exit_code == 0
    assert run("verify", record, "--pubkey", OTHER.vkey).exit_code == 1
    assert run("verify", record).exit_code == EXIT_USAGE
    for bad in ("nothing+here", tmp_path / "nothing", record):
        assert run("verify", record, "--pubkey", bad).exit_code == EXIT_CANNOT_RUN


FILES = {
    "log": ["verify", "{bad}", "--checkpoints", "{good}/checkpoints", "--pubkey", SIGNER.vkey],
    "checkpoints": [
        *("verify", "{good}/record.jsonl"),
        *("--checkpoints", "{bad}", "--pubkey", SIGNER.vkey),
    ],
    "pubkey": ["verify", "{good}/record.jsonl", "--pubkey", "{bad}"],
    "since": ["verify", "{good}/record.jsonl", "--pubkey", SIGNER.vkey, "--since", "{bad}"],
    "a": ["compare", "{bad}", "{good}"],
    "b": ["compare", "{good}", "{bad}"],
}


@pytest.mark.parametrize("arguments", FILES.values(), ids=FILES)
def test_only_regular_files_are_read(tmp_path: Path, arguments: list[str]) -> None:
    """A pipe that nobody writes to does not hold the verifier; a device without end neither."""
    sealed(tmp_path / "good", 4)
    os.mkfifo(tmp_path / "pipe")
    for bad in (tmp_path / "pipe", Path("/dev/zero")):
        filled = [one.format(good=tmp_path / "good", bad=bad) for one in arguments]
        done = subprocess.run(
            [sys.executable, "-m", "veil", "audit", *filled],
            capture_output=True,
            text=True,
            timeout=60,
        )

        assert done.returncode == EXIT_CANNOT_RUN
        assert "regular file" in done.stdout + done.stderr


def test_a_file_of_keys_without_end_is_not_read(tmp_path: Path) -> None:
    """Nobody has that many; nor does a link to the file of keys hurt."""
    sealed(tmp_path, 4)
    keys = tmp_path / "keys"
    keys.write_text("\n" * 64_001)
    long = run("verify", tmp_path / "record.jsonl", "--pubkey", keys)
    keys.write_text(f"{SIGNER.vkey}\n")
    (tmp_path / "link").symlink_to(keys)

    assert "longer than 64000 bytes" in str(long.exception)
    assert run("verify", tmp_path / "record.jsonl", "--pubkey", tmp_path / "link").exit_code == 0
    for text in ("k" * 5000, "k+" * 3000, ""):
        found = run("verify", tmp_path / "record.jsonl", "--pubkey", text)
        assert isinstance(found.exception, VeilError), text[:5]


def test_an_empty_file_name_is_refused(tmp_path: Path) -> None:
    """It would be the folder that the command runs in."""
    for arguments in (
        ["verify", "", "--pubkey", SIGNER.vkey],
        ["verify", tmp_path / "r", "--checkpoints", ""],
        ["verify", tmp_path / "r", "--since", ""],
        ["prove", "0", "--output", ""],
        ["export", "--output", ""],
    ):
        found = run(*arguments)

        assert found.exit_code == EXIT_USAGE
        assert "the name of the file is empty" in found.output


def test_verify_tells_a_machine_and_a_person_the_same(tmp_path: Path) -> None:
    """The numbers, the outcome, and what was found."""
    made = sealed(tmp_path, 4)
    fill(made, 2)
    told = json.loads(verified(tmp_path, "--json").output)
    text = verified(tmp_path).output

    assert (told["outcome"], told["size"], told["covered"], told["pending"]) == ("pending", 6, 4, 2)
    assert told["findings"][0]["message"] in text
    assert "veil audit: pending; 6 lines, 4 of them under the newest of 1 checkpoints." in text


def test_compare_ends_with_five_on_a_fork(tmp_path: Path) -> None:
    """And says at which entry."""
    folder, other = tmp_path / "audit", tmp_path / "other"
    sealed(folder, 4)
    copied(folder, tmp_path / "same")
    sealed(other, 4)
    fork = run("compare", folder, other)
    told = json.loads(run("compare", folder, tmp_path / "same", "--json").output)

    assert (fork.exit_code, "entry 0 differs" in fork.output) == (5, True)
    assert told == {"relation": "same", "common": 4, "sizes": [4, 4]}
    assert run("compare", folder, tmp_path / "nothing").exit_code == EXIT_CANNOT_RUN


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose record is sealed; its keyring is stood in for by the test's key."""
    (tmp_path / "dbt_project.yml").write_text("name: demo\n")
    (tmp_path / "state").mkdir(mode=0o700)
    sealed(tmp_path / "state" / "audit", 6)
    monkeypatch.setattr("veil.cli.audit._own_verifiers", lambda _: list(KEYS))
    return tmp_path


def test_the_projects_own_record_needs_no_arguments(project: Path) -> None:
    """It is verified, exported, proved, and its key printed."""
    where = ("--project-dir", project)

    assert run("verify", *where).exit_code == 0
    assert Verifier.parse(run("key", *where).output.strip()) == SIGNER.verifier
    lines = run("export", "--since", 2, *where).output.splitlines()
    assert len(lines) == 4
    assert check_proof(json.loads(run("prove", 3, *where).output), KEYS).seq == 3


def test_exports_and_proofs_go_to_files_too(project: Path) -> None:
    """The same text as on the console."""
    where = ("--project-dir", project)
    for name, arguments in (
        ("audit.log", ["export", "--format", "syslog"]),
        ("proof.json", ["prove", 3]),
    ):
        path = project / name

        assert run(*arguments, *where, "--output", path).output == ""
        assert path.read_text() == run(*arguments, *where).output


def test_a_project_without_a_record_is_not_given_one(tmp_path: Path) -> None:
    """Reading makes nothing."""
    (tmp_path / "dbt_project.yml").write_text("name: demo\n")
    for arguments in (["verify"], ["export"], ["prove", 0]):
        assert run(*arguments, "--project-dir", tmp_path).exit_code == EXIT_CANNOT_RUN

    assert [path.name for path in tmp_path.iterdir()] == ["dbt_project.yml"]


@pytest.mark.parametrize("name", [None, *audit.commands])
def test_every_command_shows_an_example(name: str | None) -> None:
    """Help says how it is called."""
    found = run(*([name] if name else []), "--help")

    assert "Example:" in found.output
    assert f"veil audit {name or ''}" in found.output
