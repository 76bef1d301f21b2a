"""The life of a key: two steps in, two steps out, and no step back."""

from __future__ import annotations

import copy
import hashlib
import itertools
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keys_support import REF, Vault, new_ring, only

from veil.keys import (
    DEFAULT_PURPOSES,
    KeyEntry,
    Keyring,
    KeyringError,
    ProviderError,
    Status,
    add_missing,
    destroy,
    disable,
    due,
    expiring,
    promote,
    reset,
    retire,
    rotate,
    stale_entries,
)
from veil.keys.entry import ALGORITHMS, HMAC_SHA256, time_text
from veil.keys.rotation import days_left

SHARED = ("pseudonym", "*")
PERSON = ("pseudonym", "person")
NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def brought_to(ring: Keyring, status: Status) -> str:
    """Bring a shared pseudonym key to a status by legal steps; return its kid."""
    kid = only(ring, *SHARED).kid
    if status is Status.PENDING:
        return rotate(ring, *SHARED).kid
    if status is Status.ACTIVE:
        promote(ring, rotate(ring, *SHARED).kid, window_days=0)
    if status in (Status.DISABLED, Status.DESTROYED):
        ring.set_status(kid, Status.DISABLED)
    if status is Status.DESTROYED:
        destroy(ring, kid)
    return kid


def statuses(ring: Keyring) -> dict[str, Status]:
    return {entry.kid: entry.status for entry in ring.entries}


def test_a_rotation_takes_two_steps_and_one_save_each(tmp_path: Path) -> None:
    """The pending key changes nothing; its promotion moves both keys at once."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    before = ring.subkey("pseudonym", "person", "mac")
    pending = rotate(ring, *SHARED)
    ring.save()
    assert ring.subkey("pseudonym", "person", "mac") == before
    new, old = promote(ring, pending.kid, window_days=30, at=NOW)
    ring.save()
    loaded = Keyring.load(path, providers=vault)

    assert old is not None
    assert (new.kid, new.status) == (pending.kid, Status.PRIMARY)
    assert (old.kid, old.status) == (before[0], Status.ACTIVE)
    assert old.not_after == time_text(NOW + 30 * DAY)
    assert loaded.generation == 3
    assert loaded.primary(*SHARED) == new
    assert loaded.subkey("pseudonym", "person", "mac", kid=old.kid) == before


def test_a_second_pending_key_is_refused_and_the_first_named(tmp_path: Path) -> None:
    """Two of them would leave it open which one the next build uses."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    first = rotate(ring, *SHARED)

    with pytest.raises(KeyringError, match=f"{first.kid}` .*pending already.*promote {first.kid}"):
        rotate(ring, *SHARED)


@pytest.mark.parametrize("pair", [PERSON, ("zone", "marts"), ("pseudonym", "123-45-6789")])
def test_only_what_has_a_key_is_rotated(tmp_path: Path, pair: tuple[str, str]) -> None:
    """A domain under the shared key is not split off by accident; the message repeats no name."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    with pytest.raises(KeyringError, match="no key of that purpose and domain") as caught:
        rotate(ring, *pair)

    assert "123-45-6789" not in str(caught.value)


def test_the_key_of_the_file_mac_is_not_rotated_in_two_steps(tmp_path: Path) -> None:
    """It has no overlap: two keys that seal are two ways to forge."""
    ring, _, _ = new_ring(tmp_path, SHARED)

    with pytest.raises(KeyringError, match="own MAC"):
        rotate(ring, "keyring-mac", "*")
    with pytest.raises(KeyringError, match="cannot become primary"):
        promote(ring, only(ring, "keyring-mac").kid, window_days=None)
    with pytest.raises(KeyringError, match="own MAC"):
        reset(ring, ["keyring-mac"])


def test_after_the_emergency_stop_a_rotation_brings_a_new_primary(tmp_path: Path) -> None:
    """A disabled primary leaves no old key to be active."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    stopped = brought_to(ring, Status.DISABLED)
    new, old = promote(ring, rotate(ring, *SHARED).kid, window_days=30)

    assert old is None
    assert ring.primary(*SHARED) == new
    assert ring.entry(stopped).status is Status.DISABLED


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PENDING}))
def test_only_a_pending_key_is_promoted(tmp_path: Path, status: Status) -> None:
    """And a refusal leaves every key as it was."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    kid = brought_to(ring, status)
    before = ring.entries
    with pytest.raises(KeyringError, match=f"is {status} and cannot become primary"):
        promote(ring, kid, window_days=30)

    assert ring.entries == before


@pytest.mark.parametrize("at", [NOW - DAY, NOW + DAY])
def test_a_pending_key_outside_its_dates_is_not_promoted(tmp_path: Path, at: datetime) -> None:
    """Otherwise the purpose would be left with a primary that nobody may use."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    kid = ring.add(*SHARED, not_before=NOW, not_after=NOW + DAY).kid
    with pytest.raises(KeyringError, match="outside its dates"):
        promote(ring, kid, window_days=30, at=at)

    assert promote(ring, kid, window_days=30, at=NOW)[0].status is Status.PRIMARY


@pytest.mark.parametrize("days", [-1, 3661, 10**9])
def test_a_window_without_sense_is_refused(tmp_path: Path, days: int) -> None:
    """Negative, or longer than anybody keeps two keys."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    kid = rotate(ring, *SHARED).kid
    with pytest.raises(KeyringError, match="from 0 to 3660 days"):
        promote(ring, kid, window_days=days)

    assert ring.entry(kid).status is Status.PENDING


def test_a_window_may_end_at_once_or_never(tmp_path: Path) -> None:
    """No days makes the old key stale at once, no window leaves it without an end."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON, ("receipt", "*"))
    ring.add("perturbation", "*", Status.PRIMARY, not_before=NOW)
    for pair, days in ((SHARED, 0), (PERSON, None), (("perturbation", "*"), 0)):
        promote(ring, rotate(ring, *pair).kid, window_days=days, at=NOW)
    stale = {(entry.purpose, entry.domain) for entry in stale_entries(ring, NOW)}

    assert stale == {SHARED, ("perturbation", "*")}
    assert stale_entries(ring, NOW - DAY) == ()


def test_an_old_key_retires_at_the_end_of_its_window_and_not_before(tmp_path: Path) -> None:
    """Until then the refusal names the end and the way to stop it at once."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    _, old = promote(ring, rotate(ring, *SHARED).kid, window_days=30, at=NOW)
    assert old is not None
    end = NOW + 30 * DAY
    with pytest.raises(KeyringError, match=rf"open until {time_text(end)}.*veil keys disable"):
        retire(ring, old.kid, at=end - timedelta(seconds=1))

    assert retire(ring, old.kid, at=end).status is Status.DISABLED
    assert destroy(ring, old.kid).wrapped == b""


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.ACTIVE}))
def test_only_an_active_key_retires(tmp_path: Path, status: Status) -> None:
    """A primary is not retired by a mistyped id."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    kid = brought_to(ring, status)

    with pytest.raises(KeyringError, match=f"is {status}; only an active one retires"):
        retire(ring, kid)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.DISABLED}))
def test_only_a_disabled_key_is_destroyed(tmp_path: Path, status: Status) -> None:
    """Two steps out, as there were two steps in."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    kid = brought_to(ring, status)
    before = ring.entries
    with pytest.raises(KeyringError, match="cannot become destroyed"):
        destroy(ring, kid)

    assert ring.entries == before


def test_ends_and_ages_are_told_in_time(tmp_path: Path) -> None:
    """`expiring` looks at ends of usable keys, soonest first; `due` at the age of primaries."""
    ring, _, _ = new_ring(tmp_path)
    late = ring.add(*PERSON, Status.PRIMARY, not_after=NOW + 10 * DAY)
    soon = ring.add(*SHARED, Status.PRIMARY, not_after=NOW + 2 * DAY)
    gone = ring.add("receipt", "*", Status.PRIMARY, not_after=NOW + DAY)
    endless = ring.add("token", "*", Status.PRIMARY)
    ring.set_status(gone.kid, Status.DISABLED)

    assert expiring(ring, DAY, NOW) == ()
    assert expiring(ring, 2 * DAY, NOW) == (soon,)
    assert expiring(ring, 99 * DAY, NOW) == (soon, late)
    assert expiring(ring, DAY, NOW + 5 * DAY) == (soon,)
    ages = [days_left(ring.entry(entry.kid), NOW) for entry in (soon, late, gone, endless)]
    assert ages == [2, 10, None, None]
    assert days_left(soon, NOW + 3 * DAY) == -1
    made = datetime.fromisoformat(soon.created)
    assert due(ring, DAY, made + DAY) == ()
    assert {entry.kid for entry in due(ring, DAY, made + 2 * DAY)} == {
        only(ring, "keyring-mac").kid,
        late.kid,
        soon.kid,
        endless.kid,
    }


def test_a_reset_makes_one_pending_key_for_every_primary_of_the_purposes(tmp_path: Path) -> None:
    """Named purposes alone, stopped ones too; repeated, it makes no more."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON, ("receipt", "*"), ("perturbation", "*"))
    ring.set_status(only(ring, *PERSON).kid, Status.DISABLED)
    made = reset(ring, ["pseudonym", "receipt"])

    assert {(entry.purpose, entry.domain) for entry in made} == {SHARED, PERSON, ("receipt", "*")}
    assert {entry.status for entry in made} == {Status.PENDING}
    assert set(reset(ring, ["pseudonym", "receipt"])) == set(made)
    assert len(ring.entries) == 5 + len(made)


def test_a_reset_can_replace_pending_keys_that_the_leak_may_have_reached(tmp_path: Path) -> None:
    """They are disabled in the same step as their successors are made."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    leaked = rotate(ring, *SHARED)
    (new,) = reset(ring, ["pseudonym"], replace_pending=True)

    assert ring.entry(leaked.kid).status is Status.DISABLED
    assert ring.entry(new.kid).status is Status.PENDING
    assert new.kid != leaked.kid


def test_a_reset_that_fails_half_way_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider answers for the first key and not for the second."""
    ring, vault, _ = new_ring(tmp_path, SHARED, PERSON)
    before, answers = ring.entries, iter([vault(REF)])

    def lost(_: str) -> object:
        try:
            return next(answers)
        except StopIteration:
            raise ProviderError("the test provider cannot be reached.") from None

    monkeypatch.setattr(ring, "_providers", lost)
    with pytest.raises(ProviderError):
        reset(ring, ["pseudonym"])

    assert ring.entries == before


def test_a_keyring_of_an_earlier_version_gets_what_it_lacks(tmp_path: Path) -> None:
    """A new purpose gets a primary; repeated, nothing is missing."""
    older = [pair for pair in DEFAULT_PURPOSES if pair[0] != "token"]
    ring, vault, path = new_ring(tmp_path, *older)
    before = statuses(ring)
    (made,) = add_missing(ring)
    ring.save()
    loaded = Keyring.load(path, providers=vault)

    assert (made.purpose, made.domain, made.status) == ("token", "*", Status.PRIMARY)
    assert statuses(loaded) == {**before, made.kid: Status.PRIMARY}
    assert add_missing(loaded) == ()


def test_an_audit_key_of_the_former_algorithm_opens_and_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old keyring is not locked out, and nothing is signed under the old key for long."""
    with monkeypatch.context() as patch:
        patch.setitem(ALGORITHMS, "audit", HMAC_SHA256)
        _, vault, path = new_ring(tmp_path, ("audit", "*"))
    ring = Keyring.load(path, providers=vault)
    old = only(ring, "audit")
    assert old.is_former
    new = next(entry for entry in add_missing(ring) if entry.purpose == "audit")

    assert ring.entry(old.kid).status is Status.DISABLED
    assert ring.primary("audit", "*") == new
    assert not new.is_former


def test_what_was_stopped_and_zones_left_in_clear_are_not_brought_back(tmp_path: Path) -> None:
    """A disabled key is not missing, and a keyring without zone keys is a choice."""
    ring, _, _ = new_ring(tmp_path, *[pair for pair in DEFAULT_PURPOSES if pair[0] != "zone"])
    ring.set_status(only(ring, *SHARED).kid, Status.DISABLED)

    assert add_missing(ring) == ()


def test_the_digest_is_known_before_the_file_is_written(tmp_path: Path) -> None:
    """`rendered_digest`, the hook and the file agree; so an intent can be noted first."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    loaded_digest = Keyring.load(path, providers=vault).digest
    assert loaded_digest == ring.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    rotate(ring, *SHARED)
    announced, old = ring.rendered_digest(), path.read_bytes()
    seen: list[tuple[str, int, bytes]] = []
    ring.save(before_write=lambda *found: seen.append((*found, path.read_bytes())))

    assert seen == [(announced, 2, old)]
    assert announced == ring.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert ring.rendered_digest() != announced


def test_a_hook_that_fails_stops_the_save(tmp_path: Path) -> None:
    """What could not be noted is not done; a new keyring is not made either."""

    def refuse(_digest: str, _generation: int) -> None:
        raise KeyringError("cannot be noted.")

    ring, vault, path = new_ring(tmp_path, SHARED)
    before = path.read_bytes()
    rotate(ring, *SHARED)
    with pytest.raises(KeyringError, match="cannot be noted"):
        ring.save(before_write=refuse)
    with pytest.raises(KeyringError, match="cannot be noted"):
        Keyring.create(tmp_path / "new", kek_ref=REF, providers=vault, before_write=refuse)

    assert path.read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_the_hook_is_not_called_for_a_save_that_is_refused_anyway(tmp_path: Path) -> None:
    """No intent is noted for a file that somebody else has changed."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    Keyring.load(path, providers=vault).save()
    seen: list[object] = []
    with pytest.raises(KeyringError, match="changed by somebody else"):
        ring.save(before_write=lambda *found: seen.append(found))

    assert seen == []


def test_the_sealed_digest_does_not_see_an_unsealed_disabling(tmp_path: Path) -> None:
    """A record of the last save still knows the file after the emergency stop."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    vault.reachable = False
    disable(path, only(ring, *SHARED).kid, providers=vault)
    vault.reachable = True
    loaded = Keyring.load(path, providers=vault)

    assert loaded.digest != ring.digest
    assert loaded.sealed_digest == ring.digest == ring.sealed_digest


def test_no_change_takes_an_entry_away_renames_it_or_sends_it_back(tmp_path: Path) -> None:
    """Whatever a module of `veil.keys` does, the keyring holds these rules by itself."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON)
    mac, shared, person = before = ring.entries
    forged: list[tuple[KeyEntry, ...]] = [
        (mac, shared),
        (mac, person, shared),
        (mac, replace(shared, kid="k2222222"), person),
        (mac, replace(shared, domain="other"), person),
        (mac, replace(shared, created="2020-01-01T00:00:00Z"), person),
        (mac, replace(shared, status=Status.PENDING), person),
        (mac, replace(shared, status=Status.DESTROYED, wrapped=b""), person),
        (replace(mac, status=Status.DESTROYED, wrapped=b""), shared, person),
        (mac, shared, person, replace(mac, kid="k2222222")),
        (mac, shared, person, replace(mac, kid="k2222222", status=Status.DISABLED)),
        (mac, shared, person, replace(shared, kid="k2222222")),
    ]
    for entries in forged:
        with pytest.raises(KeyringError):
            ring.change(entries)

    assert ring.entries == before


def test_a_keyring_is_neither_copied_nor_pickled(tmp_path: Path) -> None:
    """A cache on a disk or a worker process gets no wrapped keys by accident."""
    ring, _, _ = new_ring(tmp_path, SHARED)

    for carry in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(KeyringError, match="not copied or pickled"):
            carry(ring)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["rotate", "promote", "retire", "disable", "destroy", "reset", "anew"]),
        st.integers(0, 40),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_no_sequence_of_steps_makes_two_primaries_or_a_way_back(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Random steps on random keys: refused or done, the rules of a life hold after each."""
    order = list(Status)
    vault = Vault()
    path = tmp_path_factory.mktemp("ring") / "keyring.json"
    ring = Keyring.create(path, kek_ref=REF, purposes=[SHARED, PERSON], providers=vault)
    for name, number in steps:
        before = statuses(ring)
        kid = ring.entries[number % len(ring.entries)].kid
        try:
            if name == "rotate":
                rotate(ring, *(SHARED, PERSON)[number % 2])
            elif name == "promote":
                promote(ring, kid, window_days=0)
            elif name == "disable":
                ring.set_status(kid, Status.DISABLED)
            elif name in ("reset", "anew"):
                reset(ring, ["pseudonym"], replace_pending=name == "anew")
            else:
                {"retire": retire, "destroy": destroy}[name](ring, kid)
        except KeyringError:
            assert statuses(ring) == before
        after = statuses(ring)
        primaries = [(e.purpose, e.domain) for e in ring.entries if e.status is Status.PRIMARY]
        assert len(primaries) == len(set(primaries))
        assert list(after)[: len(before)] == list(before)
        assert all(order.index(after[kid]) >= order.index(old) for kid, old in before.items())
    ring.save()

    assert Keyring.load(path, providers=vault).entries == ring.entries


def test_a_rotation_leaves_other_purposes_and_domains_alone(tmp_path: Path) -> None:
    """Each default key is rotated in turn; only its own pair moves."""
    ring, _, _ = new_ring(tmp_path, *DEFAULT_PURPOSES, PERSON)
    for pair in (*DEFAULT_PURPOSES, PERSON):
        before = statuses(ring)
        new, old = promote(ring, rotate(ring, *pair).kid, window_days=1)
        assert old is not None
        moved = {kid for kid, status in statuses(ring).items() if before.get(kid) is not status}

        assert moved == {new.kid, old.kid}
        assert (new.purpose, new.domain) == (old.purpose, old.domain) == pair


def test_every_pair_of_primaries_is_refused_by_the_file_too(tmp_path: Path) -> None:
    """The rule stands in the document, not in the functions alone."""
    ring, _, path = new_ring(tmp_path, SHARED, PERSON)
    before = path.read_bytes()
    for first, second in itertools.permutations(ring.entries[1:], 2):
        twin = replace(second, purpose=first.purpose, domain=first.domain)
        with pytest.raises(KeyringError):
            replace(ring._document, entries=(ring.entries[0], first, twin))

    assert path.read_bytes() == before
