"""The keyring: made, loaded, changed, saved; and every way in which it says no."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from keys_support import REF, Vault, new_ring, only, spellings

from veil.errors import VeilError
from veil.keys import (
    DEFAULT_PURPOSES,
    Keyring,
    KeyringError,
    LocalFileProvider,
    ProviderError,
    Status,
)

PERSON = ("pseudonym", "person")
SHARED = ("pseudonym", "*")


def test_a_created_keyring_has_a_primary_key_for_each_purpose_and_its_mac(tmp_path: Path) -> None:
    """What `veil init` makes: ten keys of use, one for the seal, all different."""
    ring, _, _ = new_ring(tmp_path, *DEFAULT_PURPOSES)
    pairs = [(entry.purpose, entry.domain) for entry in ring.entries]
    materials = {ring.material(entry) for entry in ring.entries[1:]}

    assert sorted(pairs) == sorted([("keyring-mac", "*"), *DEFAULT_PURPOSES])
    assert {entry.status for entry in ring.entries} == {Status.PRIMARY}
    assert len({entry.kid for entry in ring.entries}) == 11
    assert len(materials) == 10
    assert {len(material) for material in materials} == {32}


def test_a_loaded_keyring_gives_the_keys_of_the_one_that_was_created(tmp_path: Path) -> None:
    """Same id, same entries, same material."""
    ring, vault, path = new_ring(tmp_path, *DEFAULT_PURPOSES)
    loaded = Keyring.load(path, providers=vault)

    assert (loaded.id, loaded.generation, loaded.entries) == (ring.id, 1, ring.entries)
    assert [loaded.material(e) for e in loaded.entries[1:]] == [
        ring.material(e) for e in ring.entries[1:]
    ]


def test_the_keyring_works_with_a_key_file_end_to_end(tmp_path: Path) -> None:
    """Without a test double: create the key, the keyring, load it, derive twice."""
    kek = tmp_path / "private" / "kek"
    LocalFileProvider(str(kek)).create()
    path = tmp_path / "keyring.json"
    made = Keyring.create(path, kek_ref=f"file:{kek}")
    loaded = Keyring.load(path, kek_ref=f"file:{kek}")

    assert loaded.subkey("pseudonym", "person", "mac") == made.subkey("pseudonym", "person", "mac")


def test_the_file_is_private_from_the_start_and_after_each_save(tmp_path: Path) -> None:
    """Mode 0600 under an open umask."""
    old = os.umask(0)
    try:
        ring, _, path = new_ring(tmp_path, SHARED)
        first = stat.S_IMODE(path.stat().st_mode)
        ring.save()
    finally:
        os.umask(old)

    assert first == stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_holds_what_the_design_says_and_no_material(tmp_path: Path) -> None:
    """The fields by name; no spelling of any key."""
    ring, vault, path = new_ring(tmp_path, *DEFAULT_PURPOSES)
    text = path.read_text()
    value = json.loads(text)
    secrets_ = [ring.material(entry) for entry in ring.entries[1:]] + list(vault.keks.values())

    assert set(value) == {"format", "id", "generation", "entries", "mac", "pending_disable"}
    assert all(
        list(entry)
        == ["kid", "purpose", "domain", "alg", "status", "created", "not_before", "not_after",
            "wrapped", "kek_ref"]
        for entry in value["entries"]
    )  # fmt: skip
    assert not any(part in text for secret in secrets_ for part in spellings(secret))


def test_create_never_overwrites_a_keyring(tmp_path: Path) -> None:
    """A second `veil init` cannot lose the keys of the data."""
    _, vault, path = new_ring(tmp_path, SHARED)
    before = path.read_bytes()
    with pytest.raises(VeilError, match="never overwritten"):
        Keyring.create(path, kek_ref=REF, providers=vault)

    assert path.read_bytes() == before


def test_create_without_a_reachable_key_leaves_no_file(tmp_path: Path) -> None:
    """No half-made keyring is left behind."""
    vault = Vault()
    vault.reachable = False
    with pytest.raises(ProviderError):
        Keyring.create(tmp_path / "keyring.json", kek_ref=REF, providers=vault)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "purposes",
    [[("other", "*")], [("zone", "Marts")], [SHARED, SHARED], [("keyring-mac", "*")]],
    ids=["purpose", "domain", "twice", "mac"],
)
def test_create_refuses_purposes_that_make_no_sense(
    tmp_path: Path, purposes: list[tuple[str, str]]
) -> None:
    """Unknown purpose, malformed domain, one pair twice, a second key for the seal."""
    with pytest.raises(KeyringError):
        new_ring(tmp_path, *purposes)

    assert list(tmp_path.iterdir()) == []


def test_loading_unwraps_the_mac_key_and_nothing_else(tmp_path: Path) -> None:
    """A command that only lists keys never has one of them in memory."""
    _, vault, path = new_ring(tmp_path, *DEFAULT_PURPOSES)
    vault.unwrapped = 0
    ring = Keyring.load(path, providers=vault)
    after_load = vault.unwrapped
    ring.primary("pseudonym", "person")
    after_lookup = vault.unwrapped
    ring.subkey("pseudonym", "person", "mac")

    assert (after_load, after_lookup, vault.unwrapped) == (1, 1, 2)


def test_no_object_shows_material_or_wrapped_bytes(tmp_path: Path) -> None:
    """`repr`, `str`, attributes and their attributes, after every key was used."""
    ring, vault, path = new_ring(tmp_path, *DEFAULT_PURPOSES)
    ring = Keyring.load(path, providers=vault)
    keys = [ring.material(entry) for entry in ring.entries[1:]]
    keys += [ring.subkey("pseudonym", "person", "mac")[1], *vault.keks.values()]
    printed = f"{ring!r} {ring} {ring.entries} {[str(e) for e in ring.entries]} {ring._document!r}"
    wrapped = [entry.wrapped for entry in ring.entries]
    held = repr(vars(ring))

    assert not any(text in printed for secret in keys + wrapped for text in spellings(secret))
    assert not any(text in held for secret in keys for text in spellings(secret))


def test_the_primary_of_a_domain_is_its_own_key_else_the_shared_one(tmp_path: Path) -> None:
    """Exact before `*`, and never a key of another purpose."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON, ("perturbation", "*"))

    assert ring.primary("pseudonym", "person") == only(ring, "pseudonym", "person")
    assert ring.primary("pseudonym", "household") == only(ring, "pseudonym")
    assert ring.primary("perturbation", "person") == only(ring, "perturbation")


def test_a_zone_without_a_key_is_refused(tmp_path: Path) -> None:
    """There is no shared zone key to fall back to."""
    ring, _, _ = new_ring(tmp_path, *DEFAULT_PURPOSES)

    with pytest.raises(KeyringError, match="no primary key for purpose `zone`, domain `other`"):
        ring.primary("zone", "other")


@pytest.mark.parametrize("pair", [("other", "person"), ("pseudonym", "123-45-6789"), ("", "")])
def test_a_lookup_with_a_malformed_name_is_refused_without_repeating_it(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    """A data value in place of a domain does not reach the message."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    with pytest.raises(KeyringError) as caught:
        ring.subkey(*pair, "mac")

    assert "123-45-6789" not in str(caught.value)
    assert "other" not in str(caught.value)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.DISABLED, Status.DESTROYED])
def test_a_domain_that_had_its_own_key_never_falls_back_to_the_shared_one(
    tmp_path: Path, status: Status
) -> None:
    """Stopping a key stops the domain; it does not silently change every pseudonym."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON)
    kid = only(ring, *PERSON).kid
    if status is Status.DESTROYED:
        ring.set_status(kid, Status.DISABLED)
    ring.set_status(kid, status)

    with pytest.raises(KeyringError, match="has keys, but no primary one"):
        ring.primary(*PERSON)


def test_a_pending_key_changes_nothing_until_it_is_promoted(tmp_path: Path) -> None:
    """The first of the two steps of a rotation has no effect on output."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    before = ring.subkey("pseudonym", "person", "mac")
    pending = ring.add(*PERSON)

    assert pending.status is Status.PENDING
    assert ring.subkey("pseudonym", "person", "mac") == before
    ring.set_status(pending.kid, Status.PRIMARY)
    assert ring.subkey("pseudonym", "person", "mac")[0] == pending.kid
    assert ring.subkey("pseudonym", "person", "mac")[1] != before[1]


def test_each_domain_and_use_has_a_sub_key_of_its_own_under_one_shared_key(tmp_path: Path) -> None:
    """Pseudonyms of two domains share the kid and nothing else."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    names = [("person", "mac"), ("household", "mac"), ("person", "digest"), ("*", "mac")]
    found = [ring.subkey("pseudonym", domain, use) for domain, use in names]

    assert {kid for kid, _ in found} == {only(ring, "pseudonym").kid}
    assert len({key for _, key in found} | {ring.material(only(ring, "pseudonym"))}) == 5


def test_an_older_key_is_found_by_its_kid_after_a_rotation(tmp_path: Path) -> None:
    """What the old primary protected can still be matched, under the same sub-key."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    old = ring.subkey("pseudonym", "person", "mac")
    new = ring.add(*SHARED)
    ring.set_status(old[0], Status.ACTIVE)
    ring.set_status(new.kid, Status.PRIMARY)
    ring.save()
    loaded = Keyring.load(path, providers=vault)

    assert loaded.subkey("pseudonym", "person", "mac")[0] == new.kid
    assert loaded.subkey("pseudonym", "person", "mac", kid=old[0]) == old


def test_a_kid_of_another_purpose_or_domain_gives_no_sub_key(tmp_path: Path) -> None:
    """A kid out of a forged pseudonym cannot select a zone key."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON, ("zone", "marts"), ("receipt", "*"))
    others = [("zone", "marts"), PERSON, ("receipt", "*")]
    for kid in (only(ring, *pair).kid for pair in others):
        with pytest.raises(KeyringError, match="not for that purpose and domain"):
            ring.subkey("pseudonym", "household", "mac", kid=kid)


def test_an_unknown_kid_is_refused_without_repeating_it(tmp_path: Path) -> None:
    """It may be anything that stood in a column."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    for call in (
        lambda: ring.entry("123-45-6789"),
        lambda: ring.set_status("123-45-6789", Status.DISABLED),
        lambda: ring.subkey("pseudonym", "person", "mac", kid="123-45-6789"),
    ):
        with pytest.raises(KeyringError, match="no key of that id") as caught:
            call()

        assert "123-45-6789" not in str(caught.value)


def test_the_dates_of_a_key_bound_when_it_is_primary(tmp_path: Path) -> None:
    """From `not_before` on, until `not_after`; also after a reload."""
    ring, vault, path = new_ring(tmp_path)
    begin = datetime(2030, 1, 1, tzinfo=UTC)
    end = begin + timedelta(days=1)
    kid = ring.add(*SHARED, Status.PRIMARY, not_before=begin, not_after=end).kid
    ring.save()
    ring = Keyring.load(path, providers=vault)
    second = timedelta(seconds=1)

    assert ring.primary(*SHARED, at=begin).kid == kid
    assert ring.primary(*SHARED, at=end - second).kid == kid
    for outside in (begin - second, end):
        with pytest.raises(KeyringError, match="outside its dates"):
            ring.primary(*SHARED, at=outside)


def test_an_expired_primary_gives_no_sub_key_and_does_not_fall_back(tmp_path: Path) -> None:
    """An end in the past stops new output, although a shared key exists."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    ring.add(*PERSON, Status.PRIMARY, not_after=datetime(2020, 1, 1, tzinfo=UTC))

    with pytest.raises(KeyringError, match="outside its dates"):
        ring.subkey("pseudonym", "person", "mac")


def test_material_of_a_disabled_or_destroyed_key_is_refused(tmp_path: Path) -> None:
    """Also for whoever kept the entry from before."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    before = only(ring, "pseudonym")
    disabled = ring.set_status(before.kid, Status.DISABLED)
    with pytest.raises(KeyringError, match="is disabled"):
        ring.material(disabled)
    with pytest.raises(KeyringError, match="has changed since"):
        ring.material(before)
    destroyed = ring.set_status(before.kid, Status.DESTROYED)

    with pytest.raises(KeyringError, match="is destroyed"):
        ring.material(destroyed)
    with pytest.raises(KeyringError, match="has changed since"):
        ring.material(disabled)


def test_the_mac_key_is_not_handed_out_and_keeps_its_status(tmp_path: Path) -> None:
    """With it anybody could forge the keyring; without it nobody could load it."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    entry = only(ring, "keyring-mac")
    for call in (
        lambda: ring.material(entry),
        lambda: ring.subkey("keyring-mac", "*", "file-mac"),
        lambda: ring.subkey("keyring-mac", "*", "file-mac", kid=entry.kid),
        lambda: ring.add("keyring-mac", "*"),
        lambda: ring.add("keyring-mac", "other", Status.PRIMARY),
    ):
        with pytest.raises(KeyringError, match="own MAC"):
            call()
    for status in Status:
        with pytest.raises(KeyringError, match="keeps its status"):
            ring.set_status(entry.kid, status)


def test_a_second_primary_is_refused_in_both_ways(tmp_path: Path) -> None:
    """Neither adding nor promoting makes two; the keyring stays as it was."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    pending = ring.add(*SHARED)
    before = ring.entries
    with pytest.raises(KeyringError, match="two primary keys"):
        ring.add(*SHARED, Status.PRIMARY)
    with pytest.raises(KeyringError, match="two primary keys"):
        ring.set_status(pending.kid, Status.PRIMARY)

    assert ring.entries == before


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.DISABLED, Status.DESTROYED])
def test_a_new_key_is_pending_or_primary(tmp_path: Path, status: Status) -> None:
    """A life begins at its beginning."""
    ring, _, _ = new_ring(tmp_path)

    with pytest.raises(KeyringError, match="pending or primary"):
        ring.add(*SHARED, status)


def test_an_illegal_transition_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    """A disabled key does not come back."""
    ring, _, _ = new_ring(tmp_path, SHARED)
    kid = only(ring, "pseudonym").kid
    ring.set_status(kid, Status.DISABLED)
    for status in (Status.ACTIVE, Status.PRIMARY, Status.PENDING, Status.DISABLED):
        with pytest.raises(KeyringError, match="cannot become"):
            ring.set_status(kid, status)

    assert ring.entry(kid).status is Status.DISABLED


def test_a_destroyed_key_leaves_no_material_and_keeps_its_kid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrapped bytes leave the file; the kid is never given to another key."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    entry = only(ring, "pseudonym")
    wrapped = json.loads(path.read_text())["entries"][1]["wrapped"]
    ring.set_status(entry.kid, Status.DISABLED)
    ring.set_status(entry.kid, Status.DESTROYED)
    ring.save()
    ring = Keyring.load(path, providers=vault)
    seen: list[set[str]] = []
    monkeypatch.setattr(
        "veil.keys.making.new_kid", lambda taken: seen.append(set(taken)) or "k2222222"
    )
    ring.add(*SHARED)

    assert wrapped not in path.read_text()
    assert ring.entry(entry.kid).wrapped == b""
    assert entry.kid in seen[0]
