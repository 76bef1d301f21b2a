"""Checkpoints: how many entries the record has, and the root over them (c2sp.org/tlog-checkpoint).

A checkpoint is the text of a signed note: a line with the origin, which names the record, one with
the number of leaves, one with the root in base64, and extension lines, which nobody interprets.

A file of checkpoints holds whole notes, oldest first, with one empty line between two of them: who
appends writes a newline (unless the file is empty) and the note.
"""

from __future__ import annotations

import base64
import codecs
import re
from dataclasses import dataclass

from veil.audit.errors import CheckpointError, NoteError, TornCheckpointsError
from veil.audit.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from veil.audit.note import NAME, split_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")
_EXTENSION = re.compile(r"[^\x00-\x1f]+")
_HEAD = (NAME, _SIZE, _ROOT)
# What a line is like while it is being written; U+FFFD stands for a character that was cut.
_PART_HEAD = (
    re.compile(r"[a-z0-9./_-]{0,200}"),
    re.compile(r"(?:0|[1-9][0-9]{0,18})?"),
    re.compile(r"[A-Za-z0-9+/]{0,43}|[A-Za-z0-9+/]{43}="),
)
_PART_EXTENSION = re.compile(r"[^\x00-\x1f]*")
_SIGNATURE = re.compile(r"— [^\s+]+ [A-Za-z0-9+/]+={0,2}")
_PART_SIGNATURE = re.compile(r"\ufffd?|—(?: (?:[^\s+]+(?: [A-Za-z0-9+/]*={0,2})?)?)?")
_RESTORE = "Restore it from a backup or from where it was anchored."


@dataclass(frozen=True)
class Checkpoint:
    """The state of a record at one size; a malformed one cannot be constructed.

    Attributes:
        origin: names the record, `veil.audit.note.NAME`; also the name of the key that signs it.
        size: entries of the record.
        root: the root of the tree over them, 32 bytes.
        extensions: further lines, none of them empty.

    Raises:
        CheckpointError: one of them is malformed; the message names it alone.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.origin):
            raise _malformed("origin")
        if type(self.size) is not int or not 0 <= self.size <= MAX_SIZE:
            raise _malformed("size")
        if not isinstance(self.root, bytes) or len(self.root) != HASH_BYTES:
            raise _malformed("root")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise _malformed("root")
        if not all(_EXTENSION.fullmatch(line) for line in self.extensions):
            raise _malformed("extension line")

    def text(self) -> str:
        """The text of the note, with its last newline.

        >>> print(Checkpoint("example.com/record", 0, EMPTY_ROOT).text(), end="")
        example.com/record
        0
        47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
        """
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note; only what `text` can write is accepted.

        Raises:
            CheckpointError: it is malformed.
        """
        lines = text.split("\n")
        if len(lines) < len(_HEAD) + 1 or lines.pop():
            raise _malformed("number of lines")
        origin, size, root = lines[: len(_HEAD)]
        if not _SIZE.fullmatch(size):
            raise _malformed("size")
        if not _ROOT.fullmatch(root):
            raise _malformed("root")
        checkpoint = cls(origin, int(size), base64.b64decode(root), tuple(lines[len(_HEAD) :]))
        # The last character before the padding has two bits that decoding ignores.
        if checkpoint.text() != text:
            raise _malformed("root")
        return checkpoint


def read_checkpoints(data: bytes) -> list[str]:
    """Take a file of checkpoints apart. No signature is verified: `veil.audit.note.open_note` does.

    Args:
        data: the whole file.

    Returns:
        The notes, oldest first; none for an empty file.

    Raises:
        TornCheckpointsError: the last note is the beginning of one, as a crash leaves it. Somebody
            who cuts the end off looks the same: only a checkpoint kept elsewhere tells the two
            apart.
        CheckpointError: a note is malformed in another way.
    """
    if not data:
        return []
    # Neither a checkpoint's text nor its signatures hold an empty line, so the parts alternate.
    parts = data.split(b"\n\n")
    last_is_whole = len(parts) % 2 == 0 and parts[-1].endswith(b"\n")
    number = len(parts) // 2 - (len(parts) % 2 == 0 and not last_is_whole)
    notes = []
    whole = 0
    for at in range(number):
        note = b"\n\n".join(parts[2 * at : 2 * at + 2])
        # The newline that ends the note went into the empty line, but for the last one.
        note = note if note.endswith(b"\n") else note + b"\n"
        notes.append(_whole_note(note, number=at + 1))
        whole += len(note) + (at > 0)
    if not last_is_whole:
        if not _may_be_torn(data[whole + (number > 0) :]):
            raise _malformed_file(number + 1)
        raise TornCheckpointsError(
            f"The file of checkpoints breaks off in note {number + 1}.",
            notes=tuple(notes),
            whole=whole,
            remedy="A crash leaves it so: the next checkpoint puts it in order.",
        )
    return notes


def _whole_note(data: bytes, *, number: int) -> str:
    try:
        text, _ = split_note(data)
        Checkpoint.parse(text)
    except NoteError:
        raise _malformed_file(number) from None
    return data.decode()


def _may_be_torn(rest: bytes) -> bool:
    """Whether these bytes are what a crash leaves of an appended note: a proper beginning."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(rest)
    except UnicodeDecodeError:
        return False
    if decoder.getstate()[0]:
        text += "\ufffd"
    body, empty_line, block = text.partition("\n\n")
    if empty_line:
        *lines, part = block.split("\n")
        try:
            Checkpoint.parse(f"{body}\n")
        except CheckpointError:
            return False
        return bool(
            all(_SIGNATURE.fullmatch(line) for line in lines) and _PART_SIGNATURE.fullmatch(part)
        )
    *lines, part = body.split("\n")
    whole = [*_HEAD, *[_EXTENSION] * len(lines)]
    partly = [*_PART_HEAD, *[_PART_EXTENSION] * len(lines)][len(lines)]
    return bool(
        all(form.fullmatch(line) for form, line in zip(whole, lines, strict=False))
        and partly.fullmatch(part)
    )


def _malformed(what: str) -> CheckpointError:
    return CheckpointError(f"A checkpoint has a malformed {what}.", remedy=_RESTORE)


def _malformed_file(number: int) -> CheckpointError:
    return CheckpointError(
        f"Note {number} of the file of checkpoints is malformed.", remedy=_RESTORE
    )
