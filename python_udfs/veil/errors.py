"""The one error base class, and the exit codes that the command line turns it into.

An error says what is wrong, where, and the way out. It never carries a data value, a pseudonym or
key material: messages end up on consoles, in logs and in continuous-integration output.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_FINE = 0
EXIT_FINDING = 1
EXIT_USAGE = 2
EXIT_CANNOT_RUN = 3


class VeilError(Exception):
    """Base of every error that veil raises on purpose.

    Args:
        message: what is wrong and where, one line, no value.
        remedy: the way out, one line; printed after the message.
    """

    exit_code: ClassVar[int] = EXIT_CANNOT_RUN

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class UsageError(VeilError):
    """The command or its arguments are off."""

    exit_code = EXIT_USAGE


class FindingError(VeilError):
    """A check ran and found something that must not be released."""

    exit_code = EXIT_FINDING
