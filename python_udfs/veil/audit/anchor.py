"""Anchors: where checkpoints are copied to that whoever writes the record cannot rewrite.

Without one, somebody who replaces the whole of state/ by an older copy is not noticed. A folder is
an anchor where its file system forbids changes (write-once storage, another machine's disk); a
command hands the note to anything else: a log service, a mail, an object store with retention.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from veil.audit.checkpoint import Checkpoint, read_checkpoints
from veil.audit.errors import AuditError, NoteError
from veil.audit.note import MAX_BYTES, Verifier, open_note
from veil.files import sync

TIMEOUT_SECONDS = 30.0
_TRIES = 9
_SECRET = "DBT_ENV_SECRET_"  # noqa: S105  # the prefix of names, which holds no secret


class AnchorError(AuditError):
    """The anchor cannot be reached or read: what was just recorded is not anchored."""


class Anchor(Protocol):
    """Keeps copies of checkpoints."""

    @property
    def readable(self) -> bool:
        """Whether it can be asked for its newest one; without that no rollback is noticed."""

    @property
    def says(self) -> str:
        """What it is, one line for `veil doctor`, without a path or an argument."""

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        """Keep a copy of a signed checkpoint; the same one twice is fine.

        Raises:
            AnchorError: it was not kept.
        """

    def newest(self, origin: str, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, ...]:
        """The largest checkpoints that a known key signed; none where nothing was kept yet.

        Raises:
            AnchorError: it cannot be read, or no known key signed what it keeps.
        """

    def origins(self) -> frozenset[str]:
        """The names of the records whose checkpoints it keeps; none where it cannot be read back.

        No signature is asked for: it is what the checkpoints say.

        Raises:
            AnchorError: it cannot be read.
        """


def anchor_from(setting: object, *, root: Path) -> Anchor:
    """The anchor that a configuration names: `{path: …}`, or `{command: […], read: […]}`.

    Args:
        setting: the configuration's value.
        root: the project's folder: relative paths begin there, and commands run there.

    Raises:
        AnchorError: it is neither of the two forms.
    """
    if isinstance(setting, Mapping):
        path, command, read = (setting.get(name) for name in ("path", "command", "read"))
        if setting.keys() == {"path"} and isinstance(path, str) and path and "\0" not in path:
            return FolderAnchor(root / path)
        if {"command"} <= setting.keys() <= {"command", "read"} and _is_argv(command):
            if "read" not in setting:
                return CommandAnchor(tuple(command), None, folder=root)
            if _is_argv(read):
                return CommandAnchor(tuple(command), tuple(read), folder=root)
    raise AnchorError(
        "the configuration's anchor is malformed.",
        remedy="Give it `path: FOLDER`, or `command: [PROGRAM, …]` and `read: [PROGRAM, …]`.",
    )


@dataclass(frozen=True)
class FolderAnchor:
    """A folder in which each checkpoint becomes a new file; no file is ever written to again."""

    folder: Path
    readable: bool = True
    says: str = "a folder"

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        data = note.encode()
        name = f"{_mark(checkpoint.origin)}-{checkpoint.size:012d}-{checkpoint.root.hex()[:16]}"
        try:
            # A name may be taken: by this note, by one that another key signed, or by the part of
            # it that a crash left. None of them may be touched.
            for number in range(1, _TRIES + 1):
                path = self.folder / f"{name}{f'.{number}' if number > 1 else ''}.checkpoint"
                if _written_new(path, data) or _read(path) == data:
                    return
        except OSError as error:
            raise _unreachable(error) from None
        raise AnchorError(
            "the anchor holds other files under the checkpoint's name: it is not anchored.",
            remedy="Find out who writes to the anchor's folder.",
        )

    def newest(self, origin: str, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, ...]:
        form = re.compile(rf"{_mark(origin)}-(\d{{12}})-([0-9a-f]{{16}})(?:\.\d)?\.checkpoint")
        try:
            with os.scandir(self.folder) as entries:
                names = sorted(
                    (one.name for one in entries if form.fullmatch(one.name)), reverse=True
                )
            found: list[Checkpoint] = []
            for name in names:
                # Whoever can add files here can add one of any size: only a signature counts.
                for checkpoint in _verified([_read(self.folder / name)], origin, verifiers):
                    marks = f"{checkpoint.size:012d}-{checkpoint.root.hex()[:16]}"
                    if marks in name:
                        found.append(checkpoint)
                if found and found[-1].size < found[0].size:
                    break
        except OSError as error:
            raise _unreachable(error) from None
        return _largest(found, held=bool(names))

    def origins(self) -> frozenset[str]:
        try:
            with os.scandir(self.folder) as entries:
                names = [one.name for one in entries if one.name.endswith(".checkpoint")]
            return _origins(_read(self.folder / name) for name in names)
        except OSError as error:
            raise _unreachable(error) from None


@dataclass(frozen=True)
class CommandAnchor:
    """Programs that keep a note from standard input, and print the newest ones.

    They are started without a shell, without the variables that hold key references, and what they
    print to the console is not shown.
    """

    command: tuple[str, ...]
    read: tuple[str, ...] | None
    folder: Path
    timeout: float = TIMEOUT_SECONDS

    @property
    def readable(self) -> bool:
        """Whether there is a command that prints the newest notes."""
        return self.read is not None

    @property
    def says(self) -> str:
        """What it is."""
        if self.readable:
            return "a command"
        return "a command that cannot be read back: a rollback is not noticed"

    def keep(self, note: str, checkpoint: Checkpoint) -> None:
        self._run(self.command, note.encode())

    def newest(self, origin: str, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, ...]:
        notes = self._notes()
        return _largest([*_verified(notes, origin, verifiers)], held=origin in _origins(notes))

    def origins(self) -> frozenset[str]:
        return _origins(self._notes())

    def _notes(self) -> list[bytes]:
        if self.read is None:
            return []
        try:
            return [note.encode() for note in read_checkpoints(self._run(self.read, b""))]
        except NoteError:
            raise AnchorError(
                "the anchor's `read` command printed no signed checkpoints.",
                remedy="It prints whole notes with an empty line between two, and nothing else.",
            ) from None

    def _run(self, argv: tuple[str, ...], data: bytes) -> bytes:
        environment = {name: text for name, text in os.environ.items() if _SECRET not in name}
        try:
            process = subprocess.Popen(
                argv,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError):
            raise _command_failed("cannot be started") from None
        with process:
            try:
                printed, _ = process.communicate(data, timeout=self.timeout)
            except subprocess.TimeoutExpired:
                # Its children too: one of them may hold the pipe open.
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise _command_failed(f"did not end within {self.timeout:g} s") from None
        if process.returncode:
            raise _command_failed("failed")
        return printed


def _is_argv(value: object) -> TypeGuard[list[str]]:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, str) and "\0" not in one for one in value)
        and bool(value[0])
    )


def _mark(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


def _written_new(path: Path, data: bytes) -> bool:
    """Write a new file; False where there is one of that name."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o444)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
    return True


def _read(path: Path) -> bytes:
    # Without O_NONBLOCK a named pipe would hold the process for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        return file.read(MAX_BYTES + 1)


def _origins(notes: Iterable[bytes]) -> frozenset[str]:
    """The first lines of notes; one that a crash tore off within it names nothing."""
    lines = (note.partition(b"\n") for note in notes)
    return frozenset(name.decode(errors="replace") for name, end, _ in lines if end)


def _verified(
    notes: Sequence[bytes], origin: str, verifiers: Sequence[Verifier]
) -> Iterator[Checkpoint]:
    for note in notes:
        with suppress(NoteError):
            text, names = open_note(note, verifiers)
            checkpoint = Checkpoint.parse(text)
            if checkpoint.origin == origin and origin in names:
                yield checkpoint


def _largest(found: Sequence[Checkpoint], *, held: bool) -> tuple[Checkpoint, ...]:
    if held and not found:
        raise AnchorError(
            "the anchor holds checkpoints, and no known key has signed one of them.",
            remedy="Name the former public keys too, or find out who writes to the anchor.",
        )
    size = max((one.size for one in found), default=0)
    return tuple(dict.fromkeys(one for one in found if one.size == size))


def _unreachable(error: OSError) -> AnchorError:
    return AnchorError(
        f"the anchor cannot be reached: {os.strerror(error.errno or 0)}. What was recorded stands,"
        " but it is not anchored.",
        remedy="Make the anchor's folder reachable and writable; the next checkpoint is copied.",
    )


def _command_failed(how: str) -> AnchorError:
    return AnchorError(
        f"the anchor's command {how}. What was recorded stands, but it is not anchored.",
        remedy="Run the command by hand to see why; the next checkpoint is copied again.",
    )
