"""Key entries: strict in form, forward in life, silent about material."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.keys import KeyEntry, KeyringError, Status
from veil.keys.entry import (
    ALGORITHMS,
    FORMER_ALGORITHMS,
    TRANSITIONS,
    check_transition,
    is_kid,
    is_time,
    new_kid,
    time_text,
)

ENTRY = KeyEntry(
    kid="kabcdef7",
    purpose="pseudonym",
    domain="person",
    alg="HMAC-SHA256",
    status=Status.PRIMARY,
    created="2026-11-21T08:00:00Z",
    not_before=None,
    not_after="2027-11-21T08:00:00Z",
    wrapped=b"\x01wrapped-bytes",
    kek_ref="env:DBT_ENV_SECRET_KEK",
)


def changed(**fields: Any) -> dict[str, Any]:
    """Return the JSON form of ENTRY with other fields."""
    return {**ENTRY.to_json(), **fields}


@pytest.mark.parametrize(
    "entry",
    [ENTRY, replace(ENTRY, status=Status.DESTROYED, wrapped=b"", not_before=ENTRY.created)],
)
def test_an_entry_survives_its_json_form(entry: KeyEntry) -> None:
    """Parsing what was written gives the same entry."""

    assert KeyEntry.parse(entry.to_json()) == entry


@pytest.mark.parametrize("name", sorted(ENTRY.to_json()))
def test_a_missing_field_is_refused(name: str) -> None:
    """No field has a default."""
    value = ENTRY.to_json()
    del value[name]

    with pytest.raises(KeyringError, match="exactly the expected fields"):
        KeyEntry.parse(value)


def test_an_unknown_field_is_refused() -> None:
    """A field of a later version is not silently dropped."""
    with pytest.raises(KeyringError, match="exactly the expected fields"):
        KeyEntry.parse(changed(comment="hello"))


@pytest.mark.parametrize("name", sorted(ENTRY.to_json()))
@pytest.mark.parametrize("value", [7, 1.5, True, [], {}, ["kabcdef7"], "", " ", "\x00", "é"])
def test_a_field_of_another_type_or_form_is_refused_by_name(name: str, value: object) -> None:
    """The message names the field and does not repeat what stood in it."""
    with pytest.raises(KeyringError, match=f"`{name}` is malformed") as caught:
        if name == "kek_ref" and value in (" ", "é"):
            value = "\n"
        KeyEntry.parse(changed(**{name: value}))

    assert caught.value.message == f"a key entry's `{name}` is malformed."


@pytest.mark.parametrize("value", [None, "kabcdef7", ["kabcdef7"], 3])
def test_what_is_no_object_is_no_entry(value: object) -> None:
    """A list or text in place of an entry is refused."""
    with pytest.raises(KeyringError):
        KeyEntry.parse(value)


@pytest.mark.parametrize(
    "fields",
    [
        {"kid": "kABCDEF7"},
        {"kid": "kabcdef"},
        {"kid": "kabcdef77"},
        {"kid": "kabcde_7"},
        {"kid": "kabcdef1"},
        {"kid": "kabcdef7\n"},
        {"kid": "xabcdef7"},
        {"purpose": "anything"},
        {"domain": "Person"},
        {"domain": "**"},
        {"domain": "a" * 64},
        {"domain": "person\n"},
        {"alg": "AES-256-GCM"},
        {"alg": "HMAC-SHA1"},
        {"status": "Primary"},
        {"created": "2026-02-30T08:00:00Z"},
        {"created": "2026-11-21T08:00:00"},
        {"created": "2026-11-21T08:00:00+00:00"},
        {"created": "٢٠٢٦-11-21T08:00:00Z"},
        {"not_before": "2027-11-21T08:00:00Z"},
        {"wrapped": "AA="},
        {"wrapped": "AB=="},
        {"wrapped": "AAAA\n"},
        {"wrapped": "A" * 8192},
        {"status": "destroyed"},
        {"kek_ref": "e" * 2000},
    ],
)
def test_a_near_miss_is_refused(fields: dict[str, str]) -> None:
    """Upper case, wrong length, trailing newline, loose base64, impossible date."""
    with pytest.raises(KeyringError, match="malformed"):
        KeyEntry.parse(changed(**fields))


def test_a_destroyed_entry_has_no_material_and_only_that_one() -> None:
    """Neither half of the rule can be broken alone."""
    with pytest.raises(KeyringError):
        replace(ENTRY, wrapped=b"")
    with pytest.raises(KeyringError):
        replace(ENTRY, status=Status.DESTROYED)


def test_every_purpose_has_exactly_one_algorithm() -> None:
    """Of any two algorithms at most one is accepted for a purpose, and one that it had before."""
    assert FORMER_ALGORITHMS == {"audit": "HMAC-SHA256"}
    for purpose, alg in itertools.product(ALGORITHMS, {*ALGORITHMS.values(), "none", ""}):
        if alg in (ALGORITHMS[purpose], FORMER_ALGORITHMS.get(purpose)):
            assert replace(ENTRY, purpose=purpose, alg=alg).alg == alg
        else:
            with pytest.raises(KeyringError):
                replace(ENTRY, purpose=purpose, alg=alg)


def test_the_legal_transitions_are_these_six() -> None:
    """Written out, so that a change of the table is a change of this test."""
    legal = {(old.value, new.value) for old, news in TRANSITIONS.items() for new in news}

    assert legal == {
        ("pending", "primary"),
        ("pending", "disabled"),
        ("primary", "active"),
        ("primary", "disabled"),
        ("active", "disabled"),
        ("disabled", "destroyed"),
    }


@pytest.mark.parametrize(("old", "new"), list(itertools.product(Status, Status)))
def test_only_legal_transitions_pass(old: Status, new: Status) -> None:
    """All 25 pairs: the table decides, and a refusal names what is possible."""
    entry = replace(ENTRY, status=old, wrapped=b"" if old is Status.DESTROYED else b"w")

    if new in TRANSITIONS[old]:
        check_transition(entry, new)
    else:
        with pytest.raises(KeyringError, match=f"is {old} and cannot become {new}"):
            check_transition(entry, new)


def test_no_path_leads_back_to_an_earlier_status() -> None:
    """Following any legal transitions, no status is met twice."""

    def walk(status: Status, seen: frozenset[Status]) -> None:
        assert status not in seen
        for following in TRANSITIONS[status]:
            walk(following, seen | {status})

    walk(Status.PENDING, frozenset())


def test_new_kids_have_the_form_and_differ() -> None:
    """300 random ids: all well formed, none twice, no underscore to break a pseudonym."""
    kids: set[str] = set()
    for _ in range(300):
        kids.add(new_kid(kids))

    assert len(kids) == 300
    assert all(is_kid(kid) and "_" not in kid and len(kid) == 8 for kid in kids)


def test_a_kid_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """When chance repeats itself, the id is still new."""
    draws = iter([bytes(5), bytes(5), b"\xff" * 5])
    monkeypatch.setattr("secrets.token_bytes", lambda _: next(draws))

    assert new_kid({"kaaaaaaa"}) == "k7777777"


def test_a_period_includes_its_beginning_and_excludes_its_end() -> None:
    """Half-open, so that two following periods share no second."""
    entry = replace(ENTRY, not_before="2026-12-01T00:00:00Z", not_after="2026-12-02T00:00:00Z")

    assert entry.in_period("2026-12-01T00:00:00Z")
    assert entry.in_period("2026-12-01T23:59:59Z")
    assert not entry.in_period("2026-11-30T23:59:59Z")
    assert not entry.in_period("2026-12-02T00:00:00Z")


def test_a_moment_is_written_in_utc_and_needs_a_time_zone() -> None:
    """A moment of another zone is converted; one of no zone is refused."""
    moment = datetime(2026, 11, 21, 10, 0, tzinfo=timezone(timedelta(hours=2)))

    assert time_text(moment) == "2026-11-21T08:00:00Z"
    with pytest.raises(KeyringError, match="time zone"):
        time_text(datetime(2026, 11, 21, 10, 0))


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_every_written_moment_is_well_formed(moment: datetime) -> None:
    """What the keyring writes it can read."""

    assert is_time(time_text(moment))


@settings(deadline=None, max_examples=40)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_parsing_random_values_raises_nothing_but_a_keyring_error(value: object) -> None:
    """Whatever stands in a field, the refusal is veil's own."""
    for name in ENTRY.to_json():
        try:
            parsed = KeyEntry.parse(changed(**{name: value}))
        except KeyringError:
            continue

        assert parsed.to_json() == changed(**{name: value})


def test_repr_shows_the_names_and_not_the_wrapped_bytes() -> None:
    """An entry can be printed and logged."""

    for shown in (repr(ENTRY), str(ENTRY), f"{[ENTRY]}"):
        assert "kabcdef7" in shown
        assert "wrapped" not in shown
