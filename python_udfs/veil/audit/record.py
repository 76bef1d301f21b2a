"""The record: a file of canonical JSON lines that only grows, chained and hashed into a tree.

`record.jsonl` is the truth. `hashes` beside it is derived and makes roots and proofs fast. Every
method takes the record's lock, looks at the end of the file, and mends what a crash can have left:
a torn last line is cut, and that is recorded; hashes that are missing are made from the lines.
Anything else that is wrong is not a crash's work, and is refused.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from veil import __version__
from veil.audit.disk import append_whole, failed
from veil.audit.entry import MAX_LINE, START, Entry, line_hash
from veil.audit.errors import AuditError, HashFileError
from veil.audit.events import EventError, Value, check_event
from veil.audit.hashes import HashFile
from veil.audit.lines import (
    End,
    Lines,
    TamperedError,
    backwards,
    follow,
    last_newline,
    offset_of,
    parsed,
)
from veil.audit.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash
from veil.audit.seal import LineKeys
from veil.audit.trusted import Trusted, check_sealed
from veil.files import check_private, locked, private_dir, sync

RECORD = "record.jsonl"
HASHES = "hashes"
CHECKPOINTS = "checkpoints"
LOCK_SECONDS = 30.0

_NEVER_WRITTEN = bytes(32)  # what a power cut leaves where a block was not written
_REMADE = (
    "Was there a power cut? Then remove state/audit/hashes, which is made again from the record,"
    " and run `veil audit verify`. Otherwise restore state/ from one backup."
)


class Record:
    """The record in `folder`; `Record.open` and `Record.read` are the ways to one.

    One object may be shared by threads, and several processes may have one each: the lock keeps
    them apart, and nothing is remembered between two calls.
    """

    def __init__(self, folder: Path, keys: LineKeys, *, may_write: bool = True) -> None:
        self.folder = folder
        self._keys = keys
        self._may_write = may_write
        self.path = folder / RECORD
        self._hashes = HashFile(folder / HASHES)

    @classmethod
    def open(cls, folder: Path | str, keys: LineKeys | None = None) -> Self:
        """Open the record, and begin one where there is none.

        Args:
            folder: `state/audit/`.
            keys: seal its lines; without them anybody can add some.

        Raises:
            TamperedError: it was cut, or its last lines are not what veil wrote.
            AuditError: it cannot be written or read.
            VeilError: it is not private, or another process holds it too long.
        """
        record = cls(private_dir(folder), keys or LineKeys())
        with record._locked():
            pass
        return record

    @classmethod
    def read(cls, folder: Path | str) -> Self:
        """Open the record to read it; what a crash left at its end is passed over.

        Raises:
            AuditError: there is none, or it cannot be read.
        """
        record = cls(Path(folder), LineKeys(), may_write=False)
        if not record.path.is_file():
            raise AuditError("there is no record in state/audit/.", remedy="Run `veil init`.")
        with record._locked():
            pass
        return record

    def append(self, event: str, **details: Value) -> Entry:
        """Append one event; when this returns it is on the disk.

        Raises:
            EventError: the event is not in the catalogue, or its details do not fit.
            TamperedError: the end of the record is not what veil wrote.
            AuditError: it cannot be written; then it is as long as before.
        """
        check_event(event, details)
        with self._locked() as end:
            entry, _ = self._write(end, event, details)
            return entry

    @property
    def size(self) -> int:
        """How many entries there are."""
        with self._locked() as end:
            return end.size

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree over the first `size` entries, all of them where it is not given.

        Raises:
            AuditError: there are not so many.
        """
        with self._hashed() as end:
            return self._hashes.root(_up_to(end, size))

    def inclusion_proof(self, seq: int, *, size: int | None = None) -> list[bytes]:
        """The proof that entry `seq` is in the tree over the first `size` entries.

        Raises:
            ProofError: there is no such entry in a tree of that size.
            AuditError: there are not so many.
        """
        with self._hashed() as end:
            whole = _up_to(end, size)
            return inclusion_proof(seq, whole, self._hashes.hash_at)

    def consistency_proof(self, old: int, *, new: int | None = None) -> list[bytes]:
        """The proof that the tree of `new` entries begins with that of `old` entries.

        Raises:
            ProofError: the new tree is the smaller one.
            AuditError: there are not so many entries.
        """
        with self._hashed() as end:
            whole = _up_to(end, new)
            return consistency_proof(old, whole, self._hashes.hash_at)

    def line(self, seq: int) -> bytes:
        """The line of entry `seq` without newline: the content of that leaf.

        Raises:
            AuditError: there is no such entry.
            TamperedError: it is not the line that was hashed.
        """
        with self._hashed() as end:
            if not 0 <= seq < end.size:
                raise AuditError("the record has no entry of that number.")
            return self._hashed_line(end, seq)

    def events(self, names: Collection[str] | None = None, *, since: int = 0) -> Iterator[Entry]:
        """The entries, oldest first, as far as they stood there when it was called.

        Each line is checked by itself; that none was changed is for `verify_record` to say.

        Args:
            names: of the events wanted; None for all.
            since: number of the first entry wanted.

        Raises:
            TamperedError: a line is damaged.
        """
        with self._locked() as end:
            start = offset_of(end.descriptor, end.length, seq=min(since, end.size))
            length = end.length
        with self.path.open("rb") as file:
            for line in Lines(file, start=start):
                start += len(line) + 1
                if start > length:
                    return
                if names is None or any(_marker(name) in line for name in names):
                    yield parsed(line)

    def trusted(
        self, reader: Trusted, names: Collection[str], *, size: int, root: bytes
    ) -> list[Entry]:
        """What `reader` gives while nobody writes; see there."""
        with self._locked() as end:
            return reader.entries(names, length=end.length, size=size, root=root)

    def last(self, *names: str) -> Entry | None:
        """The newest entry of one of these events, looked for from the end; None without one.

        Raises:
            TamperedError: a line is damaged.
        """
        markers = [_marker(name) for name in names]
        with self._locked() as end:
            for line in backwards(end.descriptor, end.length):
                if any(marker in line for marker in markers):
                    return parsed(line)
        return None

    def extends(self, size: int, root: bytes) -> tuple[int, bytes]:
        """Check that the record begins with the tree of a checkpoint, and give its own.

        What lies under the checkpoint is taken from the stored hashes, which must lead to its root;
        every entry after it is read again. So no root is ever signed that the lines do not have,
        whatever stood in the file of hashes.

        Args:
            size: of the checkpoint; 0 reads everything.
            root: of the checkpoint.

        Returns:
            Entries and root of the record as it stands.

        Raises:
            TamperedError: it has fewer entries, or another tree, or its newer lines do not follow.
        """
        with self._hashed() as end:
            if size > end.size:
                raise TamperedError("the record has fewer entries than its checkpoint covers.")
            for remade in (False, True):
                if remade:
                    self._remake(end)
                with suppress(HashFileError):
                    frontier = Frontier.resume(size, self._hashes.hash_at)
                    if frontier.root() == root:
                        for line, entry in self._from(end, size):
                            check_sealed(self._keys, entry)
                            frontier.add(leaf_hash(line))
                        if frontier.root() == self._hashes.root(end.size):
                            return end.size, frontier.root()
        raise TamperedError("the record is not the one that its checkpoint was made of.")

    # ---------- the end of the file

    @contextmanager
    def _locked(self) -> Iterator[End]:
        """Hold the lock; gives the end of a record that is whole."""
        with locked(self.path, timeout=LOCK_SECONDS), self._opened() as descriptor:
            length = os.fstat(descriptor).st_size
            whole = last_newline(descriptor, length)
            end = self._look(descriptor, whole)
            if not self._may_write:
                yield end
                return
            if whole < length:
                os.ftruncate(descriptor, whole)
                os.fsync(descriptor)
            if end.size == 0:
                _, end = self._write(end, "record.began", {"version": __version__})
            if whole < length:
                _, end = self._write(end, "record.resumed", {"cut": length - whole})
            yield end

    @contextmanager
    def _hashed(self) -> Iterator[End]:
        """Hold the lock, with hashes that reach to the end."""
        with self._locked() as end:
            # Appending goes on without its hashes on a full disk; here they are needed.
            self._catch_up(end)
            yield end

    @contextmanager
    def _opened(self) -> Iterator[int]:
        new = not self.path.exists()
        if not new:
            check_private(self.path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise failed(RECORD, "opened", error) from None
        try:
            if new:
                sync(self.folder)
            yield descriptor
        except OSError as error:
            raise failed(RECORD, "read", error) from None
        finally:
            os.close(descriptor)

    def _look(self, descriptor: int, length: int) -> End:
        """Check the last two lines against each other and the stored hashes."""
        lines = backwards(descriptor, length)
        last, before = next(lines, None), next(lines, None)
        leaves = self._leaves()
        if last is None:
            checkpoints = self.folder / CHECKPOINTS
            if leaves or (checkpoints.exists() and checkpoints.stat().st_size):
                raise TamperedError("the record is empty, and its checkpoints or hashes are not.")
            return End(descriptor, 0, 0, START)
        entry = parsed(last)
        end = End(descriptor, length, entry.seq + 1, line_hash(last))
        if entry.previous != (START if before is None else line_hash(before)) or (
            (before is None) != (entry.seq == 0)
        ):
            raise TamperedError("the record's last line does not follow the one before it.")
        if leaves > end.size:
            raise TamperedError("the record was cut: it has fewer lines than hashes.")
        for line, seq in ((last, end.size - 1), (before, end.size - 2)):
            if line is not None and 0 <= seq < leaves and not self._is_leaf(seq, line):
                raise TamperedError("the record's last lines are not those hashed.", remedy=_REMADE)
        if leaves < end.size:
            with suppress(HashFileError):
                self._catch_up(end)
        return end

    def _is_leaf(self, seq: int, line: bytes) -> bool:
        return self._hashes.leaf(seq) == leaf_hash(line)

    def _leaves(self) -> int:
        """Leaves in the file of hashes, without those that a power cut left empty."""
        leaves = self._hashes.leaves
        while leaves and any(
            self._hashes.hash_at(level, (leaves - 1) >> level) == _NEVER_WRITTEN
            for level in range((leaves & -leaves).bit_length())
        ):
            leaves -= 1
            self._hashes.truncate(leaves)
        return leaves

    def _catch_up(self, end: End) -> None:
        """Make the hashes that a crash, a full disk or a removed file left out."""
        leaves = self._hashes.leaves
        if leaves < end.size:
            if leaves:
                self._hashed_line(end, leaves - 1)
            self._hashes.append(leaf_hash(line) for line, _ in self._from(end, leaves))

    def _remake(self, end: End) -> None:
        self._hashes.truncate(0)
        self._catch_up(end)

    def _hashed_line(self, end: End, seq: int) -> bytes:
        start = offset_of(end.descriptor, end.length, seq=seq)
        line = os.pread(end.descriptor, MAX_LINE + 1, start).partition(b"\n")[0]
        if not self._is_leaf(seq, line):
            raise TamperedError(
                f"line {seq + 1} is not the one that was hashed.", line=seq + 1, remedy=_REMADE
            )
        return line

    def _from(self, end: End, seq: int) -> Iterator[tuple[bytes, Entry]]:
        """The lines from entry `seq` on, each checked to follow the one before."""
        start = offset_of(end.descriptor, end.length, seq=seq)
        before = next(backwards(end.descriptor, start), None)
        previous = START if before is None else line_hash(before)
        with self.path.open("rb") as file:
            lines = Lines(file, start=start, number=seq + 1)
            yield from follow(lines, seq=seq, previous=previous)

    def _write(self, end: End, event: str, details: dict[str, Any]) -> tuple[Entry, End]:
        """One write of a whole line, and fsync; on a failure the file gets its length back."""
        if not self._may_write:
            raise AuditError("the record was opened to be read.")
        entry = self._keys.sealed(
            Entry(
                at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                event=event,
                details=details,
                id=secrets.token_hex(16),
                previous=end.head,
                seq=end.size,
            )
        )
        line = entry.line()
        if len(line) > MAX_LINE:
            raise EventError(f"event `{event}` has details too long for one line.")
        try:
            append_whole(end.descriptor, line + b"\n", length=end.length)
        except OSError as error:
            raise failed(RECORD, "written", error) from None
        # The entry stands, and its hash can be made again: a full disk must not deny that.
        with suppress(HashFileError):
            if self._hashes.leaves == end.size:
                self._hashes.append([leaf_hash(line)])
        after = End(end.descriptor, end.length + len(line) + 1, end.size + 1, line_hash(line))
        return entry, after


def _up_to(end: End, size: int | None) -> int:
    if size is not None and size > end.size:
        raise AuditError("the record has fewer entries than that.")
    return end.size if size is None else size


def _marker(name: str) -> bytes:
    # No detail can hold a quotation mark, so this stands in no other place of a line.
    return b'"event":"' + name.encode() + b'"'
