"""Opening files that somebody hands to a verifier: regular ones alone, and not without end."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from veil.audit.checkpoint import read_checkpoints
from veil.audit.errors import AuditError, NoteError
from veil.audit.note import Verifier

LONGEST_CHECKPOINTS = 1_000_000_000
"""Bytes of a file of checkpoints, about three million of them."""
LONGEST_KEYS = 64_000
"""Bytes of a file of public keys."""


class NotRegularError(AuditError):
    """It is a folder, a pipe or a device, or too long to be what it is said to be."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading bytes; links are followed.

    Raises:
        NotRegularError: it is no regular file.
        OSError: it cannot be opened.
    """
    # Without O_NONBLOCK a named pipe would hold the process until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError("it is not a regular file.")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, *, limit: int) -> bytes:
    """Read a regular file whole.

    Args:
        path: of the file.
        limit: bytes; a longer file is refused.

    Raises:
        NotRegularError: it is no regular file, or longer.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise NotRegularError(f"it is longer than {limit} bytes.")
    return data


def public_keys(texts: Sequence[str]) -> list[Verifier]:
    """The public keys that somebody names, each a key or a file with one key a line.

    Raises:
        AuditError: a file cannot be read.
        NoteError: what stands in it, or in the text, is no public key.
    """
    found = []
    for text in texts:
        try:
            found.append(Verifier.parse(text))
        except NoteError as error:
            try:
                data = _given(Path(text), "public key", limit=LONGEST_KEYS)
            except AuditError:
                if "+" in text:
                    raise error from None
                raise
            lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
            found += [Verifier.parse(line) for line in lines if line]
    return list(dict.fromkeys(found))


def newest_note(path: Path) -> str:
    """The last note of a file, which may be a copy of the whole file of checkpoints.

    Raises:
        AuditError: it cannot be read, or holds no notes.
    """
    notes = read_checkpoints(_given(path, "older checkpoint", limit=LONGEST_CHECKPOINTS))
    return notes[-1]


def _given(path: Path, what: str, *, limit: int) -> bytes:
    """The content of a file, at least one byte."""
    remedy = "Check its path."
    try:
        data = read_regular(path, limit=limit)
    except OSError:
        data = b""
    except NotRegularError as error:
        data, remedy = b"", f"As it stands, {error.message}"
    if not data:
        raise AuditError(f"the file of the {what} cannot be read.", remedy=remedy)
    return data
