"""Checks of the machine: ways in which memory ends up on a disk."""

from __future__ import annotations

from collections.abc import Iterator

from veil.doctor.check import Check, note, warning
from veil.doctor.place import Place
from veil.findings import Finding


def no_core_dumps(place: Place) -> Iterator[Finding]:
    """A crash would write memory, keys and rows in it; veil forbids files, but not a pipe."""
    if place.core_pattern.startswith("|"):
        yield warning(
            "core dumps are piped to a handler: a crash of the build hands it keys and rows.",
            "Set `kernel.core_pattern` to a file name, or switch the handler off for the build.",
        )


def no_swap(place: Place) -> Iterator[Finding]:
    """Memory that is swapped out lies on a disk."""
    if place.swap:
        yield note(
            "this machine swaps memory to disk, keys and rows in it.",
            "Encrypt the swap space, or switch it off.",
        )
    elif place.swap is None:
        yield note("whether this machine swaps is unknown.")


CHECKS = (
    Check("core_dumps", "core dumps", no_core_dumps),
    Check("swap", "swap space", no_swap),
)
