"""Which keys an emergency replaces: the audit record says it, whose lines are sealed, and no file.

`emergency.begun` names the keys that there were, the keyring's changes after it name those made in
their place, `emergency.ended` closes it. Every other key is old, also one that somebody rotated to
in between: nobody can say when it leaked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from veil.audit.entry import Entry
from veil.audit.fields import LIST_LIMIT
from veil.audit.keeper import Keeper
from veil.keys import KeyEntry, Keyring, Status
from veil.keys.entry import MAC_PURPOSE

PURPOSES = ("audit", "bounding", "ledger", "pseudonym", "receipt", "token", "zone")
"""What is replaced always; `perturbation` changes published numbers and is replaced when asked."""
PERTURBATION = "perturbation"
UNFINISHED = (
    "an emergency was begun and has not ended: old keys are still in use. Run `veil keys"
    " emergency`, it goes on where it stopped."
)
"""What a build says first while `pending_emergency` holds."""

_BEGUN = "emergency.begun"
_ENDED = "emergency.ended"
_INTENDED = "keyring.intended"
_MAKES = "key.emergency"
_SERVES = frozenset({Status.PENDING, Status.PRIMARY})


@dataclass(frozen=True)
class Plan:
    """An emergency that was begun and has not ended.

    Attributes:
        purposes: whose keys are replaced; that of the keyring's seal comes on top.
        named: the keys that there were, and those that changed since.
        made: the keys that it made.
    """

    purposes: tuple[str, ...]
    named: frozenset[str]
    made: frozenset[str]

    def covers(self, entry: KeyEntry) -> bool:
        """Whether the key is of a purpose that is replaced."""
        return entry.purpose in self.purposes or entry.purpose == MAC_PURPOSE

    def is_new(self, entry: KeyEntry) -> bool:
        """Whether the key was made in place of an old one, and nobody replaced it since."""
        return self.covers(entry) and entry.kid in self.made and entry.status in _SERVES

    def old(self, keyring: Keyring) -> list[KeyEntry]:
        """The keys that are still to be replaced or destroyed."""
        return [
            entry
            for entry in keyring.entries
            if self.covers(entry)
            and entry.status is not Status.DESTROYED
            and not self.is_new(entry)
        ]

    def destroyed(self, keyring: Keyring) -> list[str]:
        """The keys whose material the keyring has no more since this began, sorted."""
        return sorted(
            entry.kid
            for entry in keyring.entries
            if self.covers(entry) and entry.status is Status.DESTROYED and entry.kid in self.named
        )

    def new(self, keyring: Keyring) -> list[str]:
        """The keys that stand in their place, sorted."""
        return sorted(entry.kid for entry in keyring.entries if self.is_new(entry))

    def is_done(self, keyring: Keyring) -> bool:
        """Whether every key that is not destroyed was made by this, and is in use."""
        return not self.old(keyring) and not any(
            self.is_new(entry) and entry.status is Status.PENDING for entry in keyring.entries
        )

    def with_made(self, kids: Iterable[str]) -> Plan:
        """The plan after keys were made."""
        return replace(self, made=self.made | set(kids))


def pending_emergency(keeper: Keeper) -> bool:
    """Whether an emergency was begun and has not ended.

    Raises:
        TamperedError: the record is not what veil wrote.
    """
    return _pending(keeper.entries(_BEGUN, _ENDED)) is not None


def begin(keeper: Keeper, keyring: Keyring, *, with_perturbation: bool) -> tuple[Plan, bool]:
    """The emergency that is to be gone on with, or a new one, noted.

    One that replaced everything, and was killed before it noted so, is closed: who asks for an
    emergency does not get by with keys that were made in an earlier one.

    Args:
        keeper: of the record, checked.
        keyring: loaded.
        with_perturbation: replace the key of shifted dates and noise too; widens one that was
            begun without.

    Returns:
        The plan, and whether it was begun earlier.

    Raises:
        VeilError: the record is not what veil wrote, or cannot be written.
    """
    found = _pending(keeper.entries(_BEGUN, _ENDED, _INTENDED))
    is_wide = found is not None and PERTURBATION in found.purposes
    plan = Plan(
        _purposes(is_wide or with_perturbation),
        frozenset() if found is None else found.named,
        frozenset() if found is None else found.made,
    )
    if found is not None and plan.is_done(keyring):
        end(keeper, keyring, plan)
        found, is_wide = None, False
        plan = Plan(_purposes(with_perturbation), frozenset(), frozenset())
    old = {entry.kid for entry in plan.old(keyring)}
    if found is None or (with_perturbation and not is_wide):
        keeper.note(_BEGUN, old=sorted(old), perturbation=PERTURBATION in plan.purposes)
    return replace(plan, named=plan.named | old), found is not None


def end(keeper: Keeper, keyring: Keyring, plan: Plan) -> None:
    """Note that every key is replaced, and sign it.

    Raises:
        VeilError: the record cannot be written, or the checkpoint is not anchored.
    """
    # The keyring has all of them; a list that is too long must not keep an emergency open.
    keeper.note(_ENDED, old=plan.destroyed(keyring)[:LIST_LIMIT])
    keeper.checkpoint()


def _purposes(with_perturbation: bool) -> tuple[str, ...]:
    return (*PURPOSES, PERTURBATION) if with_perturbation else PURPOSES


def _pending(entries: Iterable[Entry]) -> Plan | None:
    plan: Plan | None = None
    for entry in entries:
        details: Any = entry.details
        if entry.event == _BEGUN:
            before = plan or Plan(_purposes(False), frozenset(), frozenset())
            plan = Plan(
                _purposes(PERTURBATION in before.purposes or details["perturbation"]),
                before.named.union(details["old"]),
                before.made,
            )
        elif entry.event == _ENDED:
            plan = None
        elif plan is not None:
            plan = replace(plan, named=plan.named.union(details["kids"]))
            if details["reason"] == _MAKES:
                plan = plan.with_made(details["kids"])
    return plan
