"""Verifying a record from its files and public keys alone: no keyring, no project, no veil before.

The chain shows that lines follow each other, which anybody can forge who can compute SHA-256. What
cannot be forged is the signature over the root: the newest checkpoint vouches for every line under
it, and for none behind it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.errors import AuditError, NoteError, TornCheckpointsError
from veil.audit.lines import Lines, TamperedError, follow
from veil.audit.merkle import Frontier, leaf_hash
from veil.audit.note import Verifier, open_note, split_note
from veil.audit.reading import LONGEST_CHECKPOINTS, NotRegularError, open_regular, read_regular
from veil.findings import Finding, Level

_BEGAN = "record.began"
_PROGRESS_LINES = 4096
_HEADLESS = "the record does not begin with the entry that begins one, or holds another such entry."
_RESTORE = "Restore state/ from one backup, and find out who can write to it."

Progress = Callable[[int, int], None]
"""Is told how many bytes are read, of how many."""


class Outcome(StrEnum):
    """What was found; the worst of them where there are several."""

    OK = "ok"
    """Every line stands under the newest checkpoint."""
    PENDING = "pending"
    """So does the rest, but whole lines stand behind it, for which nothing vouches yet."""
    TORN = "torn"
    """So does the rest, and the last line breaks off, as a crash leaves it; it can be resumed."""
    FORKED = "forked"
    """The record does not extend the older checkpoint that it was held against."""
    TAMPERED = "tampered"
    """A line, a root or a signature is not what veil wrote."""
    UNREADABLE = "unreadable"
    """A file cannot be read, or is not what it is said to be."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify_record` found.

    Attributes:
        outcome: the worst that was found.
        size: whole lines that were read and follow each other.
        covered: lines under the newest checkpoint that a known key signed.
        torn: bytes of a last line that breaks off.
        checkpoints: notes in the file of checkpoints.
        unknown: of these, the notes that no given key signed. Their roots hold all the same.
        torn_checkpoint: whether the file of checkpoints ends in the beginning of another note.
        findings: one for each thing that is wrong, and notes.
    """

    outcome: Outcome
    size: int = 0
    covered: int = 0
    torn: int = 0
    checkpoints: int = 0
    unknown: int = 0
    torn_checkpoint: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def pending(self) -> int:
        """Whole lines behind the newest checkpoint."""
        return max(0, self.size - self.covered)


@dataclass(frozen=True, slots=True)
class _Notes:
    """The checkpoints of a file, oldest first, and for how many no known key vouches."""

    all: tuple[Checkpoint, ...]
    unknown: int
    newest_is_known: bool
    torn: bool


def verify_record(
    log_path: Path | str,
    checkpoints_path: Path | str,
    verifiers: Sequence[Verifier],
    *,
    since: str | bytes | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Read every line of a record, and hold it against its checkpoints.

    Checked are canonical form, catalogue, numbers and chain of the lines, the root at every
    checkpoint, that sizes grow, and signatures. The newest checkpoint must be signed by a given
    key. An older one may be signed by a key that was replaced since: its root must hold, and the
    newest one vouches for the same lines.

    Args:
        log_path: `record.jsonl`.
        checkpoints_path: the file of signed checkpoints.
        verifiers: public keys that the reader got by a way of his own.
        since: an older signed checkpoint, which the record must extend.
        progress: is called now and then.
    """
    try:
        notes = _read_notes(Path(checkpoints_path), verifiers)
        older = None if since is None else _read_since(since, verifiers, notes)
        sizes = {one.size for one in notes.all} | ({older.size} if older else set())
        size, torn, roots, broken = _read_lines(Path(log_path), sizes, progress)
    except NotRegularError as error:
        return _one(Outcome.UNREADABLE, f"a file cannot be read: {error.message}")
    except OSError as error:
        return _one(Outcome.UNREADABLE, f"a file cannot be read: {os.strerror(error.errno or 0)}.")
    except _SinceError as error:
        return _one(Outcome.UNREADABLE, error.message, "Give a note as `checkpoints` holds it.")
    except AuditError as error:
        return _one(Outcome.TAMPERED, error.message, _RESTORE)
    covered = notes.all[-1].size if notes.all and notes.newest_is_known else 0
    # Behind a broken line there are no roots to hold a checkpoint against.
    findings = broken or _against(notes, roots, size)
    outcome = Outcome.OK
    if findings:
        outcome = Outcome.TAMPERED
    elif older is not None and roots.get(older.size) != older.root:
        outcome = Outcome.FORKED
        what = "is shorter than" if older.size > size else "does not extend"
        findings.append(
            _finding(
                f"the record {what} the older checkpoint: it was rolled back or replaced.",
                "Find the newest copy of state/, and compare the two with `veil audit compare`.",
            )
        )
    else:
        findings = _notices(size - covered, torn, notes)
        outcome = Outcome.TORN if torn else Outcome.PENDING if size > covered else Outcome.OK
    return Verdict(
        outcome,
        size=size,
        covered=covered,
        torn=torn,
        checkpoints=len(notes.all),
        unknown=notes.unknown,
        torn_checkpoint=notes.torn,
        findings=tuple(findings),
    )


class _SinceError(AuditError):
    """The older checkpoint is of no use."""


def _read_notes(path: Path, verifiers: Sequence[Verifier]) -> _Notes:
    is_torn = False
    try:
        texts = read_checkpoints(read_regular(path, limit=LONGEST_CHECKPOINTS))
    except TornCheckpointsError as torn:
        # A crash in signing: the notes before it are whole.
        texts, is_torn = list(torn.notes), True
    found: list[Checkpoint] = []
    unknown = 0
    known = False
    for text in texts:
        known = _is_signed_by_one(text, verifiers)
        body, names = open_note(text, verifiers) if known else (split_note(text)[0], ())
        checkpoint = Checkpoint.parse(body)
        if known and checkpoint.origin not in names:
            raise NoteError("a checkpoint is signed by the key of another record.")
        if found and (checkpoint.origin != found[-1].origin or checkpoint.size < found[-1].size):
            raise NoteError("the checkpoints are not those of one record that grew.")
        unknown += not known
        found.append(checkpoint)
    return _Notes(tuple(found), unknown, known, is_torn)


def _is_signed_by_one(note: str, verifiers: Sequence[Verifier]) -> bool:
    known = {(one.name, one.key_id) for one in verifiers}
    return any((one.name, one.key_id) in known for one in split_note(note)[1])


def _read_since(note: str | bytes, verifiers: Sequence[Verifier], notes: _Notes) -> Checkpoint:
    try:
        text, names = open_note(note, verifiers)
        older = Checkpoint.parse(text)
    except NoteError as error:
        raise _SinceError(f"the older checkpoint cannot be used: {error.message}") from None
    if older.origin not in names or any(one.origin != older.origin for one in notes.all[:1]):
        raise _SinceError("the older checkpoint is that of another record.")
    return older


def _read_lines(
    path: Path, sizes: set[int], progress: Progress | None
) -> tuple[int, int, dict[int, bytes], list[Finding]]:
    """Whole lines, bytes of a torn one, the root at each size, and what is wrong."""
    frontier = Frontier()
    roots = {0: frontier.root()}
    done = 0
    with open_regular(path) as file:
        total = os.fstat(file.fileno()).st_size
        lines = Lines(file)
        try:
            for line, entry in follow(lines):
                if (entry.event == _BEGAN) != (entry.seq == 0):
                    raise TamperedError(_HEADLESS, line=entry.seq + 1)
                frontier.add(leaf_hash(line))
                if frontier.size in sizes:
                    roots[frontier.size] = frontier.root()
                done += len(line) + 1
                if progress is not None and not frontier.size % _PROGRESS_LINES:
                    progress(done, total)
        except TamperedError as error:
            return frontier.size, 0, roots, [_finding(error.message, _RESTORE, line=error.line)]
    if not frontier.size and not lines.torn:
        # The first thing that is written into the file is a line.
        return 0, 0, roots, [_finding("the record is empty: its lines were removed.", _RESTORE)]
    return frontier.size, lines.torn, roots, []


def _against(notes: _Notes, roots: dict[int, bytes], size: int) -> list[Finding]:
    """What the checkpoints say against the lines."""
    findings = []
    for number, one in enumerate(notes.all, start=1):
        if one.size > size:
            findings.append(
                _finding(f"the record has fewer lines than checkpoint {number} covers.", _RESTORE)
            )
        elif roots[one.size] != one.root:
            findings.append(
                _finding(f"the record has not the root that checkpoint {number} signed.", _RESTORE)
            )
    if notes.all and not notes.newest_is_known:
        findings.append(
            _finding(
                "no given key signed the newest checkpoint.",
                "Get the public key of `veil audit key` by a way that you trust.",
            )
        )
    return findings


def _notices(pending: int, torn: int, notes: _Notes) -> list[Finding]:
    found = []
    if torn:
        text = f"the last line breaks off after {torn} bytes, as a crash leaves it."
        found.append((text, "The next event that veil records puts it in order."))
    if pending:
        text = f"{pending} whole lines are not yet under a checkpoint: nothing vouches for them."
        found.append((text, "The next checkpoint covers them."))
    if notes.torn:
        text = "the last checkpoint is torn: the file ends in a part of one, as a crash leaves it."
        found.append((text, "The next checkpoint puts it in order; nothing vouches for the part."))
    if notes.unknown:
        text = f"{notes.unknown} older checkpoints are signed by keys that were not given."
        found.append((text, "Give the former public keys with --pubkey too to check them."))
    return [_finding(text, remedy, level=Level.NOTE) for text, remedy in found]


def _finding(
    message: str, remedy: str = "", *, line: int = 0, level: Level = Level.ERROR
) -> Finding:
    file = "record.jsonl" if line else ""
    return Finding("audit_record", message, remedy=remedy, level=level, file=file, line=line)


def _one(outcome: Outcome, message: str, remedy: str = "") -> Verdict:
    return Verdict(outcome, findings=(_finding(message, remedy),))
