"""One check of the installation, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from veil.doctor.place import Place
from veil.findings import Finding, Level

Look = Callable[[Place], Iterator[Finding]]
STATUS = {Level.ERROR: "fail", Level.WARNING: "warn", Level.NOTE: "note"}


@dataclass(frozen=True, slots=True)
class Check:
    """What is looked at.

    Attributes:
        rule: its name in findings.
        title: what it looks at, a few words for the list of what was checked.
        look: gives what is wrong; the rule's name is put in afterwards.
    """

    rule: str
    title: str
    look: Look


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def status(self) -> str:
        """`ok`, `note`, `warn` or `fail`: the heaviest of its findings."""
        levels = {one.level for one in self.findings}
        return next((word for level, word in STATUS.items() if level in levels), "ok")


def error(message: str, remedy: str = "", *, file: str = "", line: int = 0) -> Finding:
    """Something that lets data or keys out."""
    return Finding("", message, remedy, Level.ERROR, file=file, line=line)


def warning(message: str, remedy: str = "", *, file: str = "", line: int = 0) -> Finding:
    """Something that weakens a protection, or that may."""
    return Finding("", message, remedy, Level.WARNING, file=file, line=line)


def note(message: str, remedy: str = "", *, file: str = "", line: int = 0) -> Finding:
    """Something to know."""
    return Finding("", message, remedy, Level.NOTE, file=file, line=line)
