"""What an emergency replaces, read from the record: its own keys are new, every other is old."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import keeper
from keys_support import new_ring

from veil.audit import Keeper, TamperedError
from veil.audit.seal import LineKeys
from veil.emergency_plan import PERTURBATION, begin, end, pending_emergency
from veil.keys import Keyring, Status, promote, replace_mac, reset

PAIRS = (("pseudonym", "*"), ("zone", "marts"), ("perturbation", "*"))


@pytest.fixture
def record(tmp_path: Path) -> Keeper:
    return keeper(tmp_path / "audit")


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return new_ring(tmp_path, *PAIRS)[0]


def note_change(record: Keeper, reason: str, kids: list[str]) -> None:
    record.note("keyring.intended", generation=2, digest="0" * 64, reason=reason, kids=kids)


def without_perturbation(ring: Keyring) -> list[str]:
    return sorted(entry.kid for entry in ring.entries if entry.purpose != PERTURBATION)


def replaced(record: Keeper, ring: Keyring) -> list[str]:
    """Do in memory what an emergency does; the new keys."""
    old = without_perturbation(ring)
    made = [entry.kid for entry in reset(ring, ["pseudonym", "zone"])]
    note_change(record, "key.emergency", [*made, replace_mac(ring).kid])
    for kid in made:
        promote(ring, kid, window_days=None)
    for kid in old:
        if ring.entry(kid).status is Status.ACTIVE:
            ring.set_status(kid, Status.DISABLED)
            ring.set_status(kid, Status.DESTROYED)
    return sorted(set(without_perturbation(ring)) - set(old))


def test_it_is_pending_from_its_beginning_to_its_end(record: Keeper, ring: Keyring) -> None:
    """A build can tell; what is destroyed is named when it ends."""
    old = without_perturbation(ring)
    assert not pending_emergency(record)

    plan, resumed = begin(record, ring, with_perturbation=False)

    assert not resumed
    assert [entry.kid for entry in plan.old(ring)] == [
        entry.kid for entry in ring.entries if entry.purpose != PERTURBATION
    ]
    assert pending_emergency(record)

    made = replaced(record, ring)
    plan = plan.with_made(made)
    assert plan.is_done(ring)
    assert plan.new(ring) == made
    end(record, ring, plan)
    assert not pending_emergency(record)
    assert record.entries("emergency.ended")[-1].details == {"old": old}


def test_a_key_that_the_record_does_not_say_it_made_is_old(record: Keeper, ring: Keyring) -> None:
    """Added or made by an emergency before: neither counts; made since it began does."""
    before = ring.add("pseudonym", "person").kid
    note_change(record, "key.emergency", [before])
    begin(record, ring, with_perturbation=False)
    by_hand, made = ring.add("pseudonym", "home").kid, ring.add("pseudonym", "school").kid
    note_change(record, "key.added", [by_hand])
    note_change(record, "key.emergency", [made])

    plan, resumed = begin(record, ring, with_perturbation=False)

    assert resumed
    assert plan.new(ring) == [made]
    assert {before, by_hand} < {entry.kid for entry in plan.old(ring)}


def test_a_key_of_its_own_that_was_replaced_since_is_old(record: Keeper, ring: Keyring) -> None:
    """Somebody rotated past it: it is active, and not what protects."""
    begin(record, ring, with_perturbation=False)
    made = ring.add("pseudonym", "*").kid
    note_change(record, "key.emergency", [made])
    promote(ring, made, window_days=None)
    promote(ring, ring.add("pseudonym", "*").kid, window_days=None)

    plan, _ = begin(record, ring, with_perturbation=False)

    assert plan.new(ring) == []


def test_it_is_widened_and_stays_so(record: Keeper, ring: Keyring) -> None:
    """`--with-perturbation` counts also when only a later run says it."""
    perturbation = ring.primary(PERTURBATION, "*").kid
    narrow, _ = begin(record, ring, with_perturbation=False)
    begin(record, ring, with_perturbation=True)

    plan, resumed = begin(record, ring, with_perturbation=False)

    assert resumed
    assert perturbation not in {entry.kid for entry in narrow.old(ring)}
    assert perturbation in {entry.kid for entry in plan.old(ring)}
    assert len(record.entries("emergency.begun")) == 2


def test_one_that_replaced_everything_is_closed_and_another_begins(
    record: Keeper, ring: Keyring
) -> None:
    """Killed before its end was noted: its keys are old to whoever asks for an emergency now."""
    begin(record, ring, with_perturbation=False)
    made = replaced(record, ring)

    plan, resumed = begin(record, ring, with_perturbation=False)

    assert not resumed
    assert sorted(entry.kid for entry in plan.old(ring)) == made
    assert len(record.entries("emergency.ended")) == 1


def test_lines_of_somebody_else_make_no_plan(tmp_path: Path, ring: Keyring) -> None:
    """Without the record's key nobody can begin an emergency, nor end one."""
    ours = keeper(tmp_path / "audit", keys=LineKeys((bytes(32),)))
    begin(ours, ring, with_perturbation=False)
    keeper(tmp_path / "audit", keys=LineKeys((bytes([1]) * 32,))).note("emergency.ended", old=[])

    with pytest.raises(TamperedError):
        pending_emergency(ours)
    with pytest.raises(TamperedError):
        begin(ours, ring, with_perturbation=True)
