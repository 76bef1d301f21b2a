"""The hashes of all complete subtrees of the record, in a file that only grows.

Behind each leaf stand the subtrees that it completes, the smallest first: leaf 0, leaf 1, (0, 1),
leaf 2, leaf 3, (2, 3), (0 to 3), and so on. So the place of a hash follows from its level and its
index, n leaves take 2n - popcount(n) hashes, and a root or a proof reads a few dozen of them.

The file is derived from the record, which can rebuild it. That is why appending does not fsync:
after a power cut the file may be short or hold stale blocks, and whoever opens it compares its
leaf count and root with the record before he signs anything. It holds no lock either: who writes
holds that of the record.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from veil.audit.errors import HashFileError
from veil.audit.merkle import HASH_BYTES, Frontier
from veil.files import MissingFileError, check_private

_REMEDY = "Remove it: it is made again from the record."
# Leaves a write: 4 MB at most in memory, however many are added.
_BATCH = 65_536


class HashFile:
    """The file of subtree hashes at `path`; an absent one has no leaves.

    Every method opens the file anew, so that one object serves while another process appends.

    Args:
        path: the file; made with mode 0600 by the first `append`.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def leaves(self) -> int:
        """How many leaves stand whole in the file, with all subtrees that they complete.

        Raises:
            HashFileError: the file cannot be read.
            VeilError: it is not private.
        """
        try:
            with self._open(os.O_RDONLY) as descriptor:
                return _leaves(descriptor)
        except MissingFileError:
            return 0

    def append(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves, and the subtrees that they complete, over what a crash left of another one.

        Args:
            leaf_hashes: of 32 bytes each, in order.

        Raises:
            ProofError: one is not a hash.
            HashFileError: the file cannot be written. On either the file is as it was before.
            VeilError: it is not private.
        """
        source = iter(leaf_hashes)
        with self._open(os.O_RDWR | os.O_CREAT) as descriptor:
            before = _leaves(descriptor)
            start = at = _count(before) * HASH_BYTES
            frontier = Frontier.resume(before, self.hash_at)
            try:
                while batch := list(islice(source, _BATCH)):
                    data = b"".join(part for leaf in batch for part in frontier.add(leaf))
                    _write(descriptor, data, at)
                    at += len(data)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(descriptor, start)
                raise

    def hash_at(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree over leaves [index << level, (index + 1) << level).

        Raises:
            HashFileError: the file does not hold it, or cannot be read.
            VeilError: it is not private.
        """
        if level < 0 or index < 0:
            raise self._absent()
        last = ((index + 1) << level) - 1
        try:
            with self._open(os.O_RDONLY) as descriptor:
                if last >= _leaves(descriptor):
                    raise self._absent()
                found = os.pread(descriptor, HASH_BYTES, (_count(last) + level) * HASH_BYTES)
        except MissingFileError:
            raise self._absent() from None
        if len(found) != HASH_BYTES:
            raise self._absent()
        return found

    def leaf(self, index: int) -> bytes:
        """The hash of leaf `index`, from 0; errors as `hash_at`."""
        return self.hash_at(0, index)

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree of the first `size` leaves, all of them where it is not given.

        Raises:
            ProofError: the size is none.
            HashFileError: the file holds fewer leaves, or cannot be read.
            VeilError: it is not private.
        """
        return Frontier.resume(self.leaves if size is None else size, self.hash_at).root()

    def truncate(self, leaves: int) -> None:
        """Keep the first `leaves` leaves, and drop all behind them, a part of a leaf too.

        Raises:
            HashFileError: the file holds fewer leaves, or cannot be written.
            VeilError: it is not private.
        """
        try:
            with self._open(os.O_RDWR) as descriptor:
                if not 0 <= leaves <= _leaves(descriptor):
                    raise self._absent()
                os.ftruncate(descriptor, _count(leaves) * HASH_BYTES)
        except MissingFileError:
            if leaves:
                raise self._absent() from None

    @contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        """A descriptor of the file.

        Whoever could write to it could have a wrong root signed, so it must be private.
        """
        with suppress(MissingFileError):
            check_private(self.path)
        try:
            descriptor = os.open(self.path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as error:
            if flags & os.O_CREAT:
                raise self._failed(error) from None
            raise MissingFileError(f"`{self.path}` does not exist.", remedy=_REMEDY) from None
        except OSError as error:
            raise self._failed(error) from None
        try:
            yield descriptor
        except OSError as error:
            raise self._failed(error) from None
        finally:
            os.close(descriptor)

    def _absent(self) -> HashFileError:
        return HashFileError(
            f"`{self.path}` does not hold the hashes of the leaves that were asked for.",
            remedy=_REMEDY,
        )

    def _failed(self, error: OSError) -> HashFileError:
        return HashFileError(
            f"`{self.path}` cannot be used: {os.strerror(error.errno or 0)}.",
            remedy="Free some space, and check owner and mode of the file and its folder.",
        )


def _count(leaves: int) -> int:
    """Hashes that so many leaves take; also the place of leaf number `leaves`."""
    return 2 * leaves - leaves.bit_count()


def _leaves(descriptor: int) -> int:
    """Whole leaves in the file: the largest number that takes no more than what is there."""
    hashes = os.fstat(descriptor).st_size // HASH_BYTES
    # A number of leaves has at most 63 binary ones, so it is within 32 of half the hashes.
    near = range(hashes // 2, hashes // 2 + 33)
    return near[bisect_right(near, hashes, key=_count) - 1]


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(descriptor, view, offset)
        view, offset = view[done:], offset + done
