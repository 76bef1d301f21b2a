"""Files that hold secrets or state: written whole or not at all, read only when private.

Every error names the path and the way out, and never the content.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from veil.errors import VeilError

_POLL_SECONDS = 0.02
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_REMEDIES = {
    errno.ENOSPC: "The disk is full: free some space and run it again.",
    errno.EDQUOT: "The disk quota is used up: free some space and run it again.",
    errno.EROFS: "The folder is read-only: mount it writable, or choose another place.",
    errno.EACCES: "Check owner and mode of the file and its folder: this user may not do that.",
    errno.EPERM: "Check owner and mode of the file and its folder: this user may not do that.",
    errno.EISDIR: "A folder stands where a file belongs: move it away.",
    errno.ENOTDIR: "A file stands where a folder belongs: move it away.",
    errno.ENOENT: "Its folder does not exist: create it first.",
    errno.ELOOP: "It is a symbolic link: put the file itself there.",
    errno.EEXIST: "It exists already and is never overwritten: move it away first.",
}


class MissingFileError(VeilError):
    """A file that should be read does not exist."""


def write_atomic(
    path: Path | str, data: bytes, *, mode: int = 0o600, overwrite: bool = True
) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part.

    Temporary file in the same folder, fsync, rename, fsync of the folder. When it fails, the old
    file stands and no temporary file is left behind; the one exception is a failing fsync of the
    folder, after which the new file stands and may not survive a power cut.

    Args:
        path: the file; a symbolic link there is replaced, not followed.
        data: the whole content.
        mode: permission bits, whatever the umask.
        overwrite: False refuses an existing file, without a race between two writers.

    Raises:
        VeilError: the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".veil-{secrets.token_hex(8)}.tmp")
    try:
        _write_synced(temporary, data, mode=mode)
        if overwrite:
            temporary.replace(path)
        else:
            # A hard link, unlike a rename, fails when the name is taken.
            path.hardlink_to(temporary)
            temporary.unlink()
        sync(path.parent)
    except OSError as error:
        raise _refused(path, "written", error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: Path | str, *, timeout: float) -> Iterator[None]:
    """Hold the lock that belongs to `path`: the file `<path>.lock` beside it.

    The lock is not on `path` itself, which a rename would take away under the holder. The lock
    file stays: removing it would let two processes lock two different files of that name. The
    kernel releases the lock when its holder dies.

    Args:
        path: the file to protect.
        timeout: seconds to wait for another holder; 0 tries once.

    Raises:
        VeilError: somebody else held it for that long, or the lock file cannot be opened.
    """
    path = Path(path)
    lock = path.with_name(f"{path.name}.lock")
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(lock, flags, 0o600)
    except OSError as error:
        raise _refused(lock, "opened", error) from None
    try:
        _wait_for(descriptor, lock, timeout=timeout)
        yield
    finally:
        os.close(descriptor)


def private_dir(path: Path | str) -> Path:
    """Create `path` as a folder of mode 0700, or check that it is one already.

    Raises:
        VeilError: it cannot be created, or it exists and others may enter it. The mode of a folder
            that somebody else made is never changed behind his back.
    """
    path = Path(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise _refused(path, "created", error) from None
    _refuse_exposed(path, found, folder=True)
    return path


def check_private(path: Path | str) -> None:
    """Check that a file or folder belongs to this user and is closed to everybody else.

    Raises:
        MissingFileError: it does not exist.
        VeilError: it is a link or a device, has another owner, or group or others have any right.
    """
    path = Path(path)
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise _refused(path, "read", error) from None
    _refuse_exposed(path, found, folder=stat.S_ISDIR(found.st_mode))


def read_private(path: Path | str, *, limit: int) -> bytes:
    """Read a file that only its owner may read; checks and content are of the same open file.

    Args:
        path: a regular file; a symbolic link, folder, pipe or device is refused.
        limit: bytes; a longer file is refused.

    Raises:
        MissingFileError: it does not exist.
        VeilError: it is not private, not a regular file, too long, or unreadable.
    """
    path = Path(path)
    # Without O_NONBLOCK a named pipe would hold the process until somebody writes into it.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            _refuse_exposed(path, os.fstat(file.fileno()), folder=False)
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise _refused(path, "read", error) from None
    if len(data) > limit:
        raise VeilError(
            f"`{path}` is longer than {limit} bytes.", remedy="Restore it from a backup."
        )
    return data


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk.

    Raises:
        OSError: they are not there.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, data: bytes, *, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        # The umask takes bits away from the mode given to open(); fchmod is exact.
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _wait_for(descriptor: int, lock: Path, *, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            # flock, not lockf: it also keeps two threads of one process apart.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise VeilError(
                    f"`{lock}` is held by another process.",
                    remedy="Wait until the other veil or dbt run ends, then run it again.",
                ) from None
        except OSError as error:
            raise _refused(lock, "locked", error) from None
        time.sleep(_POLL_SECONDS)


def _refuse_exposed(path: Path, found: os.stat_result, *, folder: bool) -> None:
    kind = "folder" if folder else "file"
    if stat.S_ISLNK(found.st_mode):
        raise _refused(path, "read", OSError(errno.ELOOP, ""))
    if not (stat.S_ISDIR(found.st_mode) if folder else stat.S_ISREG(found.st_mode)):
        raise VeilError(
            f"`{path}` is not a regular {kind}.", remedy=f"Put the {kind} itself there."
        )
    user = os.geteuid()
    # root reads everything anyway, and in a container it often runs over a user's files.
    if user not in (0, found.st_uid):
        raise VeilError(
            f"{kind} `{path}` belongs to another user.",
            remedy=f"Run as its owner, or `chown` the {kind}.",
        )
    if found.st_mode & _OTHERS:
        raise VeilError(
            f"{kind} `{path}` is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).",
            remedy=f"Close it: chmod {'700' if folder else '600'} '{path}'",
        )


def _missing(path: Path) -> MissingFileError:
    return MissingFileError(f"`{path}` does not exist.", remedy="Check the path.")


def _refused(path: Path, what: str, error: OSError) -> VeilError:
    number = error.errno or 0
    return VeilError(
        f"`{path}` cannot be {what}: {os.strerror(number)}.",
        remedy=_REMEDIES.get(number, "Check the file system and run it again."),
    )
