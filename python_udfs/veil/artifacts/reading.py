"""Reading a file in overlapping chunks, archives unpacked, pages of ciphertext left out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

READ = 1 << 19
OVERLAP = 1 << 12
"""Bytes that two chunks share: longer than any value with its company, or any spelling of a key."""
UNPACKED_LIMIT = 1 << 30
"""Bytes that are unpacked from one archive; the rest is reported as not scanned."""

_BOMS = (
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_PACKED: tuple[tuple[bytes, Callable[[Path], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
)
_ZIP = b"PK\x03\x04"
_PAGE = 1 << 12
_MOST_ALIKE = 44


class CutError(Exception):
    """An archive is damaged, locked, or longer than `UNPACKED_LIMIT`."""


@dataclass(frozen=True, slots=True, repr=False)
class Chunk:
    """Some bytes of a file.

    Attributes:
        data: at most `READ` bytes.
        held: how many of them the chunk before had too.
        line: line number of the first byte.
        is_start, is_end: whether the file begins or ends here.
        encodings: UTF-8, and what a byte order mark at the beginning of the file claims.
    """

    data: bytes
    held: int
    line: int
    is_start: bool
    is_end: bool
    encodings: tuple[str, ...] = ("utf-8",)


def chunks(
    file: IO[bytes], *, limit: int | None = None, line: int = 1, is_start: bool = True
) -> Iterator[Chunk]:
    """Read `file` from where it stands; neighbours overlap.

    Args:
        file: open for reading bytes.
        limit: bytes to read at most.
        line: the line in which it stands.
        is_start: whether it stands at its beginning.
    """
    left = limit
    held, first = b"", is_start
    encodings: tuple[str, ...] = ("utf-8",)
    more = _read(file, left)
    while True:
        left = None if left is None else left - len(more)
        data = held + more
        more = _read(file, left)
        if first:
            encodings += tuple(name for mark, name in _BOMS if data.startswith(mark))[:1]
        yield Chunk(data, len(held), line, first, not more, encodings)
        if not more:
            return
        first = False
        held = data[-OVERLAP:]
        line += data.count(b"\n", 0, len(data) - len(held))


def _read(file: IO[bytes], left: int | None) -> bytes:
    size = READ - OVERLAP
    return file.read(size if left is None else min(size, left))


def members(path: Path) -> Iterator[IO[bytes]]:
    """What an archive holds, unpacked: gzip, bzip2, xz, and the members and names of a zip.

    Raises:
        CutError: it could not be read to its end.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(8)
    for magic, opener in _PACKED:
        if head.startswith(magic):
            with opener(path) as inner:  # each opens for reading bytes
                yield cast("IO[bytes]", _Bounded(inner))
    if head.startswith(_ZIP):
        with _damage_told(), zipfile.ZipFile(path) as archive:
            yield io.BytesIO("\n".join(archive.namelist()).encode())
            for one in archive.infolist():
                if not one.is_dir():
                    with archive.open(one) as inner:
                        yield cast("IO[bytes]", _Bounded(inner))


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError):
        raise CutError from None
    except OSError as error:
        if error.errno is None:  # gzip and bzip2 say so when the content is damaged
            raise CutError from None
        raise


class _Bounded:
    """The first `UNPACKED_LIMIT` bytes of a stream; a longer one is cut off with an error."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._left = UNPACKED_LIMIT

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise CutError
        with _damage_told():
            data = bytes(self._inner.read(size))
        self._left -= len(data)
        return data


def legible(data: bytes) -> bytes:
    """What is left of `data` without the pages that look random, each of which becomes one space.

    In 4096 random bytes no byte value occurs 44 times (probability below 1e-6); text and tables
    repeat some value hundreds of times. A short last page is always kept.
    """
    kept = []
    for start in range(0, len(data), _PAGE):
        page = data[start : start + _PAGE]
        kept.append(b" " if len(page) == _PAGE and _looks_random(page) else page)
    return b"".join(kept)


def _looks_random(page: bytes) -> bool:
    counts = np.bincount(np.frombuffer(page, dtype=np.uint8), minlength=256)
    return int(counts.max()) < _MOST_ALIKE
