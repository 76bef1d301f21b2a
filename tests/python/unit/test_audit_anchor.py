"""Anchors: copies that stay, and commands that cannot be talked into anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from audit_support import KEYS, ORIGIN, OTHER, SIGNER

from veil.audit.anchor import AnchorError, CommandAnchor, FolderAnchor, anchor_from
from veil.audit.checkpoint import Checkpoint
from veil.audit.note import Signer, sign


def signed(size: int, *, signer: Signer = SIGNER, origin: str = ORIGIN) -> tuple[str, Checkpoint]:
    checkpoint = Checkpoint(origin, size, bytes([size % 256]) * 32)
    return sign(checkpoint.text(), [signer]), checkpoint


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", code)


def test_each_checkpoint_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    """Named by origin, size and root; the largest is the newest."""
    anchor = FolderAnchor(tmp_path)
    assert anchor.newest(ORIGIN, KEYS) == ()
    for size in (3, 12, 7):
        anchor.keep(*signed(size))
    names = sorted(path.name for path in tmp_path.iterdir())

    assert [name.partition("-")[2] for name in names] == [
        f"{size:012d}-{f'{size:02x}' * 8}.checkpoint" for size in (3, 7, 12)
    ]
    assert anchor.newest(ORIGIN, KEYS) == (signed(12)[1],)
    assert anchor.newest("example.com/other", KEYS) == ()


def test_no_file_is_ever_written_to_again(tmp_path: Path) -> None:
    """The same note is fine; one of another key, or after a torn one, gets a name of its own."""
    anchor = FolderAnchor(tmp_path)
    note, checkpoint = signed(5)
    anchor.keep(note, checkpoint)
    (first,) = tmp_path.iterdir()
    first.chmod(0o600)
    first.write_text(note[:40])
    torn = first.stat()
    anchor.keep(note, checkpoint)
    anchor.keep(note, checkpoint)
    anchor.keep(*signed(5, signer=OTHER))

    assert len(list(tmp_path.iterdir())) == 3
    assert first.read_text() == note[:40]
    assert first.stat().st_mtime_ns == torn.st_mtime_ns
    assert anchor.newest(ORIGIN, KEYS) == (checkpoint,)


def test_files_are_closed_to_writing(tmp_path: Path) -> None:
    """Also for the one who made them."""
    FolderAnchor(tmp_path).keep(*signed(5))
    (file,) = tmp_path.iterdir()

    assert file.stat().st_mode & 0o222 == 0


def test_what_others_put_into_the_folder_does_not_count(tmp_path: Path) -> None:
    """Neither a larger size without a signature, nor under another name, nor a link or a pipe."""
    anchor = FolderAnchor(tmp_path)
    anchor.keep(*signed(5))
    (file,) = tmp_path.iterdir()
    mark = file.name.partition("-")[0]
    huge = tmp_path / f"{mark}-{9 * 10**11}-{'09' * 8}.checkpoint"
    huge.write_text(signed(5)[0])
    (tmp_path / f"{mark}-{10:012d}-{'0a' * 8}.checkpoint").write_text(signed(10, signer=OTHER)[0])
    (tmp_path / f"{mark}-{11:012d}-{'0b' * 8}.checkpoint").write_bytes(b"\xff" * 100)
    other = Signer("example.com/other", bytes(32))
    foreign = signed(12, signer=other, origin="example.com/other")[0]
    (tmp_path / f"{mark}-{12:012d}-{'0c' * 8}.checkpoint").write_text(foreign)
    (tmp_path / "notes.txt").write_text("x")
    os.mkfifo(tmp_path / f"{mark}-{13:012d}-{'0d' * 8}.checkpoint")

    assert anchor.newest(ORIGIN, [*KEYS, other.verifier]) == (signed(5)[1],)


def test_an_anchor_names_the_records_that_it_keeps(tmp_path: Path) -> None:
    """Of whatever key; a note that is torn in its first line names none, junk names itself."""
    anchor = FolderAnchor(tmp_path)
    assert anchor.origins() == frozenset()
    other = "example.com/other"
    anchor.keep(*signed(5))
    anchor.keep(*signed(7, signer=OTHER))
    anchor.keep(*signed(9, signer=Signer(other, bytes(32)), origin=other))
    (tmp_path / "torn.checkpoint").write_text(ORIGIN[:-2])
    (tmp_path / "notes.txt").write_text("no checkpoint\n")

    assert anchor.origins() == {ORIGIN, other}
    (tmp_path / "junk.checkpoint").write_bytes(b"\xff\n")
    assert anchor.origins() == {ORIGIN, other, "\ufffd"}
    with pytest.raises(AnchorError):
        FolderAnchor(tmp_path / "share").origins()


def test_a_command_names_the_records_that_it_prints(tmp_path: Path) -> None:
    """What it cannot print it does not know; what is no checkpoint is refused."""
    notes = "\n".join(signed(size)[0] for size in (5, 7))
    (tmp_path / "kept").write_text(notes)
    read = python("import sys; sys.stdout.buffer.write(open('kept', 'rb').read())")

    assert CommandAnchor(("true",), read, tmp_path).origins() == {ORIGIN}
    assert CommandAnchor(("true",), None, tmp_path).origins() == frozenset()
    with pytest.raises(AnchorError, match="no signed checkpoints"):
        CommandAnchor(("true",), python("print('x')"), tmp_path).origins()


def test_two_checkpoints_of_one_size_are_both_given(tmp_path: Path) -> None:
    """A fork that somebody had signed: a record cannot extend the two."""
    anchor = FolderAnchor(tmp_path)
    anchor.keep(*signed(5))
    other = Checkpoint(ORIGIN, 5, b"\xee" * 32)
    anchor.keep(sign(other.text(), [SIGNER]), other)

    assert set(anchor.newest(ORIGIN, KEYS)) == {signed(5)[1], other}


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A share that is not mounted must not become a folder on this disk."""
    anchor = FolderAnchor(tmp_path / "share")
    with pytest.raises(AnchorError, match="not anchored"):
        anchor.keep(*signed(5))
    with pytest.raises(AnchorError):
        anchor.newest(ORIGIN, KEYS)

    assert list(tmp_path.iterdir()) == []


def test_checkpoints_of_unknown_keys_alone_are_reported(tmp_path: Path) -> None:
    """To say that there are none would hide a rollback."""
    anchor = FolderAnchor(tmp_path)
    anchor.keep(*signed(5, signer=OTHER))

    with pytest.raises(AnchorError, match="no known key"):
        anchor.newest(ORIGIN, KEYS)


def test_a_command_gets_the_note_and_gives_it_back(tmp_path: Path) -> None:
    """From standard input, and to standard output, in the project's folder."""
    write = python("import sys; open('kept', 'ab').write(b'\\n' + sys.stdin.buffer.read())")
    read = python("import sys; sys.stdout.buffer.write(open('kept', 'rb').read()[1:])")
    anchor = CommandAnchor(write, read, folder=tmp_path)
    anchor.keep(*signed(5))
    anchor.keep(*signed(9))

    assert anchor.newest(ORIGIN, KEYS) == (signed(9)[1],)
    assert anchor.readable


def test_a_command_without_read_says_what_it_cannot_do(tmp_path: Path) -> None:
    """Copies are kept, and a rollback is not noticed."""
    anchor = CommandAnchor(python("import sys; sys.stdin.read()"), None, folder=tmp_path)
    anchor.keep(*signed(5))

    assert not anchor.readable
    assert "rollback is not noticed" in anchor.says
    assert anchor.newest(ORIGIN, KEYS) == ()


@pytest.mark.parametrize(
    ("argv", "how"),
    [
        (python("raise SystemExit(3)"), "failed"),
        (("no-such-program-here",), "cannot be started"),
        (python("import time; time.sleep(60)"), "did not end"),
        (python("import os, time; os.fork() and os._exit(0); time.sleep(60)"), "did not end"),
    ],
)
def test_a_command_that_fails_leaves_it_unanchored(
    tmp_path: Path, argv: tuple[str, ...], how: str
) -> None:
    """The message says how, and what it means; nothing is waited for without end."""
    anchor = CommandAnchor(argv, argv, folder=tmp_path, timeout=0.5)
    for act in (lambda: anchor.keep(*signed(5)), lambda: anchor.newest(ORIGIN, KEYS)):
        with pytest.raises(AnchorError, match=rf"{how}.*not anchored"):
            act()


def test_what_a_command_prints_is_shown_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It could print anything, an access key for example."""
    argv = python("import sys; print('hush'); print('hush', file=sys.stderr); sys.exit(1)")
    anchor = CommandAnchor(argv, python("print('hush')"), folder=tmp_path)
    with pytest.raises(AnchorError) as failed:
        anchor.keep(*signed(5))
    with pytest.raises(AnchorError, match="no signed checkpoints") as garbled:
        anchor.newest(ORIGIN, KEYS)

    assert "hush" not in f"{failed.value}{garbled.value}{capfd.readouterr()}"


def test_a_command_sees_no_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys come by variables of that name; others, which a cloud client needs, stay."""
    monkeypatch.setenv("DBT_ENV_SECRET_VEIL_KEK", "hush")
    monkeypatch.setenv("CLOUD_PROFILE", "audit")
    code = "import os; open('seen', 'w').write(str(dict(os.environ)))"
    CommandAnchor(python(code), None, folder=tmp_path).keep(*signed(5))
    seen = (tmp_path / "seen").read_text()

    assert "hush" not in seen
    assert "CLOUD_PROFILE" in seen


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    """They go to the program as they are."""
    code = "import sys; open('seen', 'w').write(sys.argv[1])"
    CommandAnchor((*python(code), "$(id); *"), None, folder=tmp_path).keep(*signed(5))

    assert (tmp_path / "seen").read_text() == "$(id); *"


def test_the_configuration_has_two_forms(tmp_path: Path) -> None:
    """A folder, from the project's root, or commands."""
    assert anchor_from({"path": "../kept"}, root=tmp_path) == FolderAnchor(tmp_path / "../kept")
    assert anchor_from({"command": ["put"]}, root=tmp_path) == CommandAnchor(
        ("put",), None, folder=tmp_path
    )
    assert anchor_from({"command": ["put"], "read": ["get", "-1"]}, root=tmp_path) == (
        CommandAnchor(("put",), ("get", "-1"), folder=tmp_path)
    )


@pytest.mark.parametrize(
    "setting",
    [
        None,
        "kept",
        [],
        {},
        {"path": ""},
        {"path": 1},
        {"path": "kept", "command": ["put"]},
        {"command": "put --now"},
        {"command": []},
        {"command": [""]},
        {"command": [1]},
        {"command": ["put\0"]},
        {"command": ["put"], "read": "get"},
        {"command": ["put"], "read": None},
        {"command": ["put"], "shell": True},
        {"read": ["get"]},
    ],
    ids=str,
)
def test_another_configuration_is_refused(tmp_path: Path, setting: object) -> None:
    """A misspelt anchor must not be none."""
    with pytest.raises(AnchorError, match="malformed"):
        anchor_from(setting, root=tmp_path)
