"""Writing to a file that only grows: all of it and on the disk, or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from veil.audit.errors import AuditError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def append_whole(descriptor: int, data: bytes, *, length: int) -> None:
    """Write data in one call and fsync it; on a failure the file gets its old length back.

    Args:
        descriptor: open for appending.
        data: to write.
        length: of the file before.

    Raises:
        OSError: it is not on the disk.
    """
    try:
        if os.write(descriptor, data) != len(data):
            # The disk took a part of it: the next write would say why.
            raise OSError(errno.ENOSPC, "")
        os.fsync(descriptor)
    except OSError:
        # Where this fails too, a torn line is left, which the next opening cuts.
        with suppress(OSError):
            os.ftruncate(descriptor, length)
            os.fsync(descriptor)
        raise


def failed(file: str, what: str, error: OSError) -> AuditError:
    """The refusal of a file in state/audit/ that cannot be read or written."""
    number = error.errno or 0
    return AuditError(
        f"{file} in state/audit/ cannot be {what}: {os.strerror(number)}.",
        remedy="Free some space and run it again."
        if number in _FULL
        else "Check owner and mode of state/audit/ and its files.",
    )
