"""Files that hold secrets or state: whole or not at all, private or not read."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from veil.errors import EXIT_CANNOT_RUN, VeilError
from veil.files import (
    MissingFileError,
    check_private,
    locked,
    private_dir,
    read_private,
    write_atomic,
)

SECRET = b"the-content-that-no-message-may-show"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_write_sets_the_mode_that_was_asked_for_whatever_the_umask(
    tmp_path: Path, umask: int, mode: int
) -> None:
    """The umask neither opens nor closes the file."""
    old = os.umask(umask)
    try:
        write_atomic(tmp_path / "f", SECRET, mode=mode)
    finally:
        os.umask(old)

    assert mode_of(tmp_path / "f") == mode
    assert (tmp_path / "f").read_bytes() == SECRET


def test_write_replaces_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    """A second write wins and the folder holds the one file."""
    write_atomic(tmp_path / "f", b"old")
    write_atomic(tmp_path / "f", b"new")

    assert (tmp_path / "f").read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_write_syncs_the_file_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this order a power cut leaves the old file or the whole new one."""
    steps: list[str] = []
    sync, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if folder else "file")
        sync(descriptor)

    def replace(source: str, target: str) -> None:
        steps.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_atomic(tmp_path / "f", SECRET)

    assert steps == ["file", "rename", "folder"]


@pytest.mark.parametrize("call", ["open", "fchmod", "fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "owner and mode")],
)
def test_a_failing_write_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, remedy: str
) -> None:
    """Whichever step fails, the old content stands, alone, and the message says the way out."""
    write_atomic(tmp_path / "f", b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(VeilError, match=remedy) as caught:
            write_atomic(tmp_path / "f", SECRET)

    assert (tmp_path / "f").read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]
    assert str(tmp_path / "f") in str(caught.value)
    assert caught.value.exit_code == EXIT_CANNOT_RUN
    assert SECRET.decode() not in str(caught.value)


def test_an_interrupted_write_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between writing and renaming cleans up too."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(tmp_path / "f", SECRET)

    assert list(tmp_path.iterdir()) == []


def test_write_without_overwrite_keeps_an_existing_file(tmp_path: Path) -> None:
    """A key that exists is never lost to a second `create`."""
    write_atomic(tmp_path / "f", b"old", overwrite=False)
    with pytest.raises(VeilError, match="never overwritten"):
        write_atomic(tmp_path / "f", SECRET, overwrite=False)

    assert (tmp_path / "f").read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_write_over_a_folder_is_refused(tmp_path: Path) -> None:
    """The folder stays and the message names the cause."""
    (tmp_path / "f").mkdir()
    with pytest.raises(VeilError, match="folder stands where a file belongs"):
        write_atomic(tmp_path / "f", SECRET)

    assert [item.name for item in tmp_path.iterdir()] == ["f"]


def test_write_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """No folder is made on the way: its mode would be anybody's guess."""
    with pytest.raises(VeilError, match="create it first"):
        write_atomic(tmp_path / "no" / "f", SECRET)

    assert list(tmp_path.iterdir()) == []


def test_write_replaces_a_symbolic_link_and_not_its_target(tmp_path: Path) -> None:
    """Nobody can redirect a write by a link."""
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "f").symlink_to(tmp_path / "target")
    write_atomic(tmp_path / "f", SECRET)

    assert (tmp_path / "target").read_bytes() == b"target"
    assert not (tmp_path / "f").is_symlink()


def test_a_second_holder_of_a_lock_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    """The lock is exclusive within one process as well, and free again after an error."""
    with pytest.raises(RuntimeError), locked(tmp_path / "f", timeout=0):
        with (
            pytest.raises(VeilError, match="held by another process"),
            locked(tmp_path / "f", timeout=0),
        ):
            pytest.fail("two holders")
        raise RuntimeError
    with locked(tmp_path / "f", timeout=0):
        assert mode_of(tmp_path / "f.lock") == 0o600


def test_a_lock_dies_with_the_process_that_held_it(tmp_path: Path) -> None:
    """A killed build does not lock its successors out."""
    code = (
        "import os, sys; from veil.files import locked\n"
        "with locked(sys.argv[1], timeout=0): os._exit(7)"
    )
    folder = Path(sys.modules["veil"].__file__ or "").parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f")],
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=False,
    )

    assert ended.returncode == 7
    assert (tmp_path / "f.lock").exists()
    with locked(tmp_path / "f", timeout=0):
        pass


def test_no_update_is_lost_under_the_lock(tmp_path: Path) -> None:
    """Threads that read, add one and write, each under the lock, count every step."""
    path = tmp_path / "count"
    write_atomic(path, b"0")

    def add() -> None:
        for _ in range(5):
            with locked(path, timeout=30):
                write_atomic(path, str(int(path.read_bytes()) + 1).encode())

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert path.read_bytes() == b"20"


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    """A planted link does not make veil create a file somewhere else."""
    (tmp_path / "f.lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(VeilError, match="symbolic link"),
        locked(tmp_path / "f", timeout=0),
    ):
        pytest.fail("locked over a link")

    assert not (tmp_path / "elsewhere").exists()


def test_private_dir_is_closed_from_the_start_and_safe_to_repeat(tmp_path: Path) -> None:
    """Mode 0700 under an open umask, and no complaint the second time."""
    old = os.umask(0)
    try:
        private_dir(tmp_path / "a" / "b")
    finally:
        os.umask(old)

    assert mode_of(private_dir(tmp_path / "a" / "b")) == 0o700


def test_private_dir_refuses_an_open_folder_and_leaves_its_mode(tmp_path: Path) -> None:
    """The remedy is printed, not applied: the folder may be shared on purpose."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o750)
    with pytest.raises(VeilError, match="chmod 700"):
        private_dir(tmp_path / "a")

    assert mode_of(tmp_path / "a") == 0o750


def test_private_dir_refuses_a_file_in_its_place(tmp_path: Path) -> None:
    """A file where the folder belongs is an error with a message, not a traceback."""
    (tmp_path / "a").touch()

    with pytest.raises(VeilError):
        private_dir(tmp_path / "a")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o666])
def test_a_file_with_any_right_for_others_is_neither_passed_nor_read(
    tmp_path: Path, mode: int
) -> None:
    """Each single right of group or others is enough, and the remedy is the command."""
    write_atomic(tmp_path / "f", SECRET, mode=mode)

    with pytest.raises(VeilError, match="chmod 600"):
        check_private(tmp_path / "f")
    with pytest.raises(VeilError, match="chmod 600"):
        read_private(tmp_path / "f", limit=100)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns a file can change it, whatever its mode says."""
    write_atomic(tmp_path / "f", SECRET)
    stranger = (tmp_path / "f").stat().st_uid + 4242
    monkeypatch.setattr(os, "geteuid", lambda: stranger)

    with pytest.raises(VeilError, match="another user"):
        check_private(tmp_path / "f")
    with pytest.raises(VeilError, match="another user"):
        read_private(tmp_path / "f", limit=100)


def test_a_private_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    """The limit itself is allowed and one byte more is not."""
    write_atomic(tmp_path / "f", b"12345")
    check_private(tmp_path / "f")

    assert read_private(tmp_path / "f", limit=5) == b"12345"
    with pytest.raises(VeilError, match="longer than 4 bytes"):
        read_private(tmp_path / "f", limit=4)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    """A link, a folder or a pipe in place of the file is refused; the pipe does not hang."""
    write_atomic(tmp_path / "f", SECRET)
    (tmp_path / "link").symlink_to(tmp_path / "f")
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in ("link", "folder", "pipe"):
        with pytest.raises(VeilError, match=r"symbolic link|not a regular file|folder stands"):
            read_private(tmp_path / name, limit=100)
    for name in ("link", "pipe"):
        with pytest.raises(VeilError, match=r"symbolic link|not a regular file"):
            check_private(tmp_path / name)


def test_a_missing_file_has_an_error_of_its_own(tmp_path: Path) -> None:
    """Callers turn it into their own remedy."""
    with pytest.raises(MissingFileError):
        check_private(tmp_path / "f")
    with pytest.raises(MissingFileError):
        read_private(tmp_path / "f", limit=1)
