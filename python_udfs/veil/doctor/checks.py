"""All checks, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from veil.doctor import (
    differential,
    flags,
    git,
    leftovers,
    machine,
    packages,
    permissions,
    profile,
    record,
    secrets_in_clear,
    versions,
)
from veil.doctor.check import Check, Outcome
from veil.doctor.place import Place

CHECKS: tuple[Check, ...] = (
    *permissions.CHECKS,
    *record.CHECKS,
    *secrets_in_clear.CHECKS,
    *profile.CHECKS,
    *flags.CHECKS,
    *packages.CHECKS,
    *versions.CHECKS,
    *differential.CHECKS,
    *git.CHECKS,
    *machine.CHECKS,
    *leftovers.CHECKS,
)


def examine(place: Place, checks: Iterable[Check] = CHECKS) -> list[Outcome]:
    """Run the checks; each finding carries the name of its check as the rule."""
    return [
        Outcome(check, tuple(replace(one, rule=check.rule) for one in check.look(place)))
        for check in checks
    ]
