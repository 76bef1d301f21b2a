"""The keeper: writes events, signs checkpoints, and notices when either was rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from veil.audit.anchor import TIMEOUT_SECONDS, Anchor, AnchorError
from veil.audit.checkpoint import Checkpoint
from veil.audit.checkpoint_file import CheckpointFile
from veil.audit.entry import Entry
from veil.audit.errors import AuditError, NoteError
from veil.audit.events import Value
from veil.audit.merkle import EMPTY_ROOT
from veil.audit.note import MAX_BYTES, Signer, Verifier, open_note, sign, split_note
from veil.audit.record import CHECKPOINTS, LOCK_SECONDS, Record
from veil.audit.seal import LineKeys
from veil.audit.trusted import Trusted
from veil.files import MissingFileError, locked, read_private, write_atomic

_BEGINNING = 8
"""Entries before a record's first checkpoint, at most."""
# Another process may be copying its checkpoint to a slow anchor.
_LOCK_SECONDS = LOCK_SECONDS + 2 * TIMEOUT_SECONDS


class RolledBackError(AuditError):
    """The anchor keeps a checkpoint that the record does not extend: it was put back or replaced.

    Nothing is signed any more until somebody has looked.
    """


class Keeper:
    """The record of one project with the key that signs its checkpoints.

    Args:
        folder: `state/audit/`; made where it is absent.
        origin: names the record; the signer has the same name.
        signer: the key of today.
        anchor: where checkpoints are copied to.
        keys: seal the record's lines; without them anybody can add some.
        cosigners: further keys that sign beside it: during a rotation, the one before.
        witness: a file outside the folder that gets each newest checkpoint, so that putting the
            folder back by itself is noticed without an anchor.
        verifiers: former keys whose checkpoints still count; today's are always among them.

    Raises:
        TamperedError: the end of the record is not what veil wrote.
        AuditError: the signer has another name, or the record cannot be opened.
    """

    def __init__(
        self,
        folder: Path | str,
        origin: str,
        signer: Signer,
        anchor: Anchor | None = None,
        *,
        keys: LineKeys | None = None,
        cosigners: Sequence[Signer] = (),
        witness: Path | None = None,
        verifiers: Sequence[Verifier] = (),
    ) -> None:
        if any(one.name != origin for one in (signer, *cosigners)):
            raise AuditError("the key that signs checkpoints has another name than the record.")
        self.record = Record.open(folder, keys)
        self._trusted = Trusted(self.record.path, keys or LineKeys())
        self.origin = origin
        self.anchor = anchor
        self._witness = witness
        self._signer = signer
        self._signers = (signer, *cosigners)
        mine = (one.verifier for one in self._signers)
        self._verifiers = tuple(dict.fromkeys((*mine, *verifiers)))
        self._checkpoints = CheckpointFile(self.record.folder / CHECKPOINTS)

    @property
    def anchored(self) -> bool:
        """Whether a rollback of all of state/ is noticed: there is an anchor that can be read."""
        return self.anchor is not None and self.anchor.readable

    def note(self, event: str, **details: Value) -> Entry:
        """Append an event; errors as `Record.append`."""
        return self.record.append(event, **details)

    def entries(self, *names: str) -> list[Entry]:
        """The entries of some events, oldest first; what a decision may stand on.

        Raises:
            TamperedError: the record is not what veil wrote.
        """
        newest = self.newest()
        size, root = (newest[1].size, newest[1].root) if newest else (0, EMPTY_ROOT)
        return self.record.trusted(self._trusted, set(names), size=size, root=root)

    def newest(self) -> tuple[str, Checkpoint] | None:
        """The newest signed checkpoint beside the record, as a note and taken apart.

        Raises:
            NoteError: no known key signed it, or it is another record's.
        """
        note = self._checkpoints.newest()
        if note is None:
            return None
        text, names = open_note(note, self._verifiers)
        checkpoint = Checkpoint.parse(text)
        if checkpoint.origin != self.origin or self.origin not in names:
            raise NoteError("the newest checkpoint is that of another record.")
        return note, checkpoint

    def checkpoint(self) -> Checkpoint:
        """Sign the record as it stands, and copy the checkpoint to the anchor.

        Where nothing was recorded since the newest one, that one is copied again.

        Raises:
            RolledBackError: the anchor keeps a checkpoint that the record does not extend; nothing
                was signed.
            TamperedError: the record does not extend its newest checkpoint; nothing was signed.
            AnchorError: the checkpoint is signed and kept here, but it is not anchored.
            AuditError: it cannot be written.
        """
        with locked(self._checkpoints.path, timeout=_LOCK_SECONDS):
            newest = self.newest()
            size, root = self._extended(newest)
            self._check_witness(size)
            unread = self._check_anchor(size)
            if newest and newest[1].size == size and self._is_mine(newest[0]):
                note, checkpoint = newest
            else:
                checkpoint = Checkpoint(self.origin, size, root)
                note = sign(checkpoint.text(), self._signers)
                self._checkpoints.append(note)
            if self._witness is not None:
                write_atomic(self._witness, note.encode())
            if self.anchor is not None:
                self.anchor.keep(note, checkpoint)
            if unread is not None:
                raise unread
            return checkpoint

    def check_here(self) -> None:
        """Check what `check` does, without asking the anchor.

        Raises:
            RolledBackError, TamperedError, NoteError: as there.
        """
        with locked(self._checkpoints.path, timeout=_LOCK_SECONDS):
            size, _ = self._extended(self.newest())
            self._check_witness(size)

    def check(self) -> None:
        """Check that the record extends its newest checkpoint and the anchor's.

        What lies under the checkpoint is looked at by its stored hashes alone: in a moment, however
        long the record is. `veil.audit.verify_record` reads every line.

        Raises:
            RolledBackError: the anchor keeps a checkpoint that the record does not extend.
            TamperedError: the record does not extend its newest checkpoint.
            NoteError: the newest checkpoint's signature does not hold.
            AnchorError: the anchor cannot be read.
        """
        with locked(self._checkpoints.path, timeout=_LOCK_SECONDS):
            size, _ = self._extended(self.newest())
            self._check_witness(size)
            unread = self._check_anchor(size)
            if unread is not None:
                raise unread

    def _extended(self, newest: tuple[str, Checkpoint] | None) -> tuple[int, bytes]:
        if newest is None:
            if self._witness is not None and self.record.size > _BEGINNING:
                raise RolledBackError(
                    "the record has no checkpoint any more.",
                    remedy="Restore state/ from one backup.",
                )
            return self.record.extends(0, EMPTY_ROOT)
        return self.record.extends(newest[1].size, newest[1].root)

    def _check_witness(self, size: int) -> None:
        """Hold the record against the copy of its newest checkpoint that lies outside."""
        if self._witness is None:
            return
        try:
            text, names = open_note(
                read_private(self._witness, limit=MAX_BYTES).decode(), self._verifiers
            )
        except MissingFileError:
            if size <= _BEGINNING:
                return  # a crash came before the first copy
            raise RolledBackError(
                f"{self._witness.name} is gone, which holds the newest checkpoint.",
                remedy="Restore state/ from one backup.",
            ) from None
        except UnicodeDecodeError:
            raise NoteError("the copy of the newest checkpoint is damaged.") from None
        kept = Checkpoint.parse(text)
        if kept.origin != self.origin or self.origin not in names:
            raise NoteError("the copy of the newest checkpoint is that of another record.")
        if kept.size > size or self.record.root(kept.size) != kept.root:
            raise RolledBackError(
                "the record was rolled back: a newer checkpoint lies beside its folder.",
                remedy="Restore the newest state/; docs/runbooks say what to do without one.",
            )

    def _check_anchor(self, size: int) -> AnchorError | None:
        """Hold the record against the anchor's newest; gives the error of one that is not read."""
        if self.anchor is None:
            return None
        try:
            kept = self.anchor.newest(self.origin, self._verifiers)
        except AnchorError as error:
            return error
        for one in kept:
            # Another process may have appended meanwhile: that only makes the record longer.
            if one.size > size or self.record.root(one.size) != one.root:
                raise RolledBackError(
                    "the record was rolled back: the anchor keeps a checkpoint that it does not"
                    " extend.",
                    remedy="Restore the newest state/; docs/runbooks say what to do without one.",
                )
        return None

    def _is_mine(self, note: str) -> bool:
        mine = self._signer.verifier
        return any(
            one.name == mine.name and one.key_id == mine.key_id for one in split_note(note)[1]
        )
