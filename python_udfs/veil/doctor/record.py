"""Checks of keyring, audit record and ledger: do they hold, is a rollback noticed, what expires."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from veil.doctor.check import Check, error, note, warning
from veil.doctor.place import Place
from veil.emergency_plan import UNFINISHED, pending_emergency
from veil.errors import VeilError
from veil.findings import Finding
from veil.keys import Keyring, ProviderError, Status
from veil.keys.rotation import SOON, days_left, due, expiring, stale_entries
from veil.recording import anchor_of
from veil.state import load_state

OLD = timedelta(days=730)
KEYRING = "state/keyring.json"
LEDGER_SECONDS = 5.0
"""How long a build that is charging is waited for."""


def record_holds(place: Place) -> Iterator[Finding]:
    """The keyring is the one last recorded; the record extends its checkpoints and the anchor's."""
    if not place.project.keyring.is_file():
        return
    try:
        _keyring, keeper = load_state(place.project)
        keeper.check()
        if pending_emergency(keeper):
            yield error(UNFINISHED)
    except ProviderError:
        yield note(
            "the record is not checked: the key-encryption key is not to be had here.",
            "Run `veil doctor` where the build runs.",
        )
    except VeilError as problem:
        yield _error(place, problem, file="state/audit")


def record_is_anchored(place: Place) -> Iterator[Finding]:
    """Only an anchor tells when all of state/ was put back."""
    try:
        anchor = anchor_of(place.project)
    except VeilError as problem:
        yield error(problem.message, problem.remedy, file="dbt_project.yml")
        return
    if anchor is None:
        yield warning(
            "checkpoints are copied nowhere: an older copy of all of state/ would not be noticed.",
            "Name a place that the build cannot rewrite: `veil:anchor` in dbt_project.yml.",
        )
    elif not anchor.readable:
        yield warning(
            f"checkpoints are copied to {anchor.says}.",
            "Give `veil:anchor` a `read` command too.",
        )


def ledger_holds(place: Place) -> Iterator[Finding]:
    """The ledger is there, private, whole, and the one that the record saw written last."""
    try:
        keyring, keeper = load_state(place.project)
    except VeilError:
        return  # said by the first check, or there is no keyring
    try:
        from veil.warehouse.ledger import Ledger
        from veil.warehouse.ledger_file import SHOWN
        from veil.warehouse.ledger_keys import is_there, kid_of_ledger
        from veil.warehouse.ledger_traces import is_charged
    except ImportError:
        return  # said by the check of versions
    try:
        if not is_there(place.project) and not is_charged(keeper):
            yield note(
                f"there is no {SHOWN}: no differential release can be drawn.", "Run `veil init`."
            )
            return
        Ledger(place.project, keyring, keeper, wait=LEDGER_SECONDS).check()
        kid = kid_of_ledger(place.project, keyring)
    except VeilError as problem:
        yield _error(place, problem, file="state/ledger.duckdb")
        return
    if keyring.entry(kid).status is Status.ACTIVE:
        yield warning(f"{SHOWN} is under the former key `{kid}`.", "Run `veil init`.", file=SHOWN)


def keys_are_in_time(place: Place) -> Iterator[Finding]:
    """What is over, what ends soon, and what was never rotated."""
    try:
        ring = Keyring.load(place.project.keyring)
    except VeilError:
        return  # said by the first check, or there is none
    stale = {entry.kid for entry in stale_entries(ring)}
    for kid in sorted(stale):
        yield warning(
            f"the overlap window of key `{kid}` is over, and it is still active.",
            f"Build everything, then `veil keys retire {kid}`.",
            file=KEYRING,
        )
    for entry in expiring(ring, SOON):
        if entry.kid not in stale:
            days = days_left(entry)
            yield warning(
                f"key `{entry.kid}` ({entry.purpose}, {entry.domain}) ends in {days} days.",
                f"`veil keys rotate --purpose {entry.purpose} --domain '{entry.domain}'`",
                file=KEYRING,
            )
    for entry in due(ring, OLD):
        if entry.purpose not in {"keyring-mac", "perturbation"}:
            yield note(
                f"key `{entry.kid}` ({entry.purpose}, {entry.domain}) is more than two years old.",
                "See docs/how-to/rotate-keys.md.",
                file=KEYRING,
            )


def _error(place: Place, problem: VeilError, *, file: str) -> Finding:
    """An error with paths from the project's root."""
    here = f"{place.root}/"
    message, remedy = (text.replace(here, "") for text in (problem.message, problem.remedy))
    return error(message, remedy, file=file)


CHECKS = (
    Check("record", "keyring and audit record hold", record_holds),
    Check("anchor", "whether a rollback of state/ would be noticed", record_is_anchored),
    Check("ledger", "the ledger of budgets holds", ledger_holds),
    Check("key_dates", "keys that end, or that are due", keys_are_in_time),
)
