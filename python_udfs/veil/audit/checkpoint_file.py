"""The file of signed checkpoints beside the record: only its end is read, and it only grows."""

from __future__ import annotations

import os
import re
from pathlib import Path

from veil.audit.checkpoint import read_checkpoints
from veil.audit.disk import append_whole, failed
from veil.audit.errors import TornCheckpointsError
from veil.files import check_private, sync

_WINDOW = 65_536
# A signature line, an empty line, and no further signature line: here the next note begins.
_BORDER = re.compile(rb"\n\xe2\x80\x94 [^\n]*\n\n(?!\xe2\x80\x94 )")


class CheckpointFile:
    """The file at `path`; an absent one holds nothing. Who writes holds the lock of `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest(self) -> str | None:
        """The newest whole note, unverified; None where there is none.

        Raises:
            CheckpointError: the end of the file is not notes.
            AuditError: it cannot be read.
            VeilError: it is not private.
        """
        return self._end()[0]

    def append(self, note: str) -> None:
        """Append a note behind the last whole one, and fsync; what a crash left in part goes.

        Raises:
            CheckpointError: the end of the file is not notes.
            AuditError: it cannot be written; then it is as it was.
            VeilError: it is not private.
        """
        _, length = self._end()
        data = (b"\n" if length else b"") + note.encode()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                os.ftruncate(descriptor, length)
                append_whole(descriptor, data, length=length)
            finally:
                os.close(descriptor)
            if not length:
                sync(self.path.parent)
        except OSError as error:
            raise failed(self.path.name, "written", error) from None

    def _end(self) -> tuple[str | None, int]:
        """The newest whole note, and the bytes up to its end."""
        if not self.path.exists():
            return None, 0
        check_private(self.path)
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                # All of it is read only where its end does not hold a note and its beginning.
                for window in (_WINDOW, size):
                    start = max(0, size - window)
                    file.seek(start)
                    data = file.read(size - start)
                    border = _BORDER.search(data) if start else None
                    if border is not None:
                        start, data = start + border.end(), data[border.end() :]
                    elif start:
                        continue
                    note, whole = _newest(data)
                    if note is not None:
                        return note, start + whole
        except OSError as error:
            raise failed(self.path.name, "read", error) from None
        return None, 0


def _newest(data: bytes) -> tuple[str | None, int]:
    """The last whole note, and the bytes that the whole notes take."""
    try:
        notes, whole = read_checkpoints(data), len(data)
    except TornCheckpointsError as torn:
        notes, whole = list(torn.notes), torn.whole
    return (notes[-1] if notes else None), whole
