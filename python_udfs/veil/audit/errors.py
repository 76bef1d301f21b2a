"""What can go wrong with the record; a check that ends in one of these proves nothing."""

from __future__ import annotations

from veil.errors import VeilError


class AuditError(VeilError):
    """The record, or what vouches for it, is missing, damaged, or does not hold."""


class ProofError(AuditError):
    """A hash, a size or a proof of the tree is malformed, or the proof does not hold."""


class HashFileError(AuditError):
    """The file of subtree hashes cannot be used. It is derived: the record rebuilds it."""


class NoteError(AuditError):
    """A signed note or a key of one is malformed, or no known key vouches for the note."""


class CheckpointError(NoteError):
    """The text of a checkpoint, or a file of checkpoints, is malformed."""


class TornCheckpointsError(CheckpointError):
    """The last note of a file of checkpoints breaks off, as a crash in its writing leaves it.

    Args:
        message: what is wrong and where, one line, no value.
        notes: the whole notes before it, oldest first.
        whole: bytes that they take; a file cut to that length is in order again.
        remedy: the way out, one line.
    """

    def __init__(
        self, message: str, *, notes: tuple[str, ...], whole: int, remedy: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.notes = notes
        self.whole = whole
