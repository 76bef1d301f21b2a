"""Who can write the keyring file, but has no key-encryption key, gains nothing but a refusal.

Each attack is also run with the defence switched off, to show that it would have worked: a test
whose attack fails for another reason proves nothing.
"""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from keys_support import (
    REF,
    edit,
    new_ring,
    only,
    row,
    skip_the_binding,
    skip_the_mac,
    spellings,
)

from veil.keys import Keyring, KeyringError, Status, UnwrapError
from veil.keys.entry import ALGORITHMS

SHARED = ("pseudonym", "*")
PERSON = ("pseudonym", "person")
MARTS = ("zone", "marts")
IDENTIFIED = ("zone", "identified")


def swap(value: dict[str, Any], first: str, second: str, name: str) -> None:
    """Exchange one field of two entries."""
    one, two = row(value, first), row(value, second)
    one[name], two[name] = two[name], one[name]


def test_every_single_changed_value_is_refused(tmp_path: Path) -> None:
    """Each field of each entry, the id and the generation, changed to another well-formed value."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    other = {
        "kid": "k2222222",
        "purpose": "receipt",
        "domain": "household",
        "status": "active",
        "created": "2020-01-01T00:00:00Z",
        "not_before": "2020-01-01T00:00:00Z",
        "not_after": "2099-01-01T00:00:00Z",
        "wrapped": "AAAA",
        "kek_ref": "env:DBT_ENV_SECRET_OTHER",
    }
    whole = path.read_bytes()
    changes = [(entry.kid, name) for entry in ring.entries[1:] for name in other]
    for kid, name in changes:
        path.write_bytes(whole)
        edit(path, lambda value, kid=kid, name=name: row(value, kid).update({name: other[name]}))

        with pytest.raises(KeyringError, match="does not match its MAC"):
            Keyring.load(path, providers=vault)
    for top in ({"generation": 99}, {"mac": "0" * 64}):
        path.write_bytes(whole)
        edit(path, lambda value, top=top: value.update(top))

        with pytest.raises(KeyringError, match="does not match its MAC"):
            Keyring.load(path, providers=vault)
    path.write_bytes(whole)
    edit(path, lambda value: value.update(id="0" * 32))
    with pytest.raises(UnwrapError):
        Keyring.load(path, providers=vault)


def test_entries_cannot_be_removed_reordered_or_doubled(tmp_path: Path) -> None:
    """A removed tombstone would free its kid."""
    _, vault, path = new_ring(tmp_path, SHARED, PERSON)
    whole = path.read_bytes()
    for change in (
        lambda value: value["entries"].pop(),
        lambda value: value["entries"].reverse(),
        lambda value: value["entries"].append(value["entries"][1]),
        lambda value: value["entries"].clear(),
    ):
        path.write_bytes(whole)
        edit(path, change)

        with pytest.raises(KeyringError):
            Keyring.load(path, providers=vault)


def test_swapped_wrapped_keys_are_refused_by_the_mac(tmp_path: Path) -> None:
    """Two zones cannot be made to use each other's key."""
    ring, vault, path = new_ring(tmp_path, MARTS, IDENTIFIED)
    edit(path, lambda v: swap(v, only(ring, *MARTS).kid, only(ring, *IDENTIFIED).kid, "wrapped"))

    with pytest.raises(KeyringError, match="does not match its MAC"):
        Keyring.load(path, providers=vault)


def test_without_the_mac_swapped_wrapped_keys_are_still_refused_by_the_binding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence holds alone."""
    ring, vault, path = new_ring(tmp_path, MARTS, IDENTIFIED)
    edit(path, lambda v: swap(v, only(ring, *MARTS).kid, only(ring, *IDENTIFIED).kid, "wrapped"))
    skip_the_mac(monkeypatch)
    loaded = Keyring.load(path, providers=vault)

    with pytest.raises(UnwrapError):
        loaded.material(loaded.primary(*MARTS))


def test_without_both_defences_the_swap_would_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is they that stop it."""
    skip_the_binding(monkeypatch)
    skip_the_mac(monkeypatch)
    ring, vault, path = new_ring(tmp_path, MARTS, IDENTIFIED)
    edit(path, lambda v: swap(v, only(ring, *MARTS).kid, only(ring, *IDENTIFIED).kid, "wrapped"))
    loaded = Keyring.load(path, providers=vault)

    assert loaded.material(loaded.primary(*MARTS)) == ring.material(only(ring, *IDENTIFIED))


@pytest.mark.parametrize("with_mac", [True, False])
def test_swapped_statuses_are_refused_by_the_mac_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_mac: bool
) -> None:
    """A disabled key cannot be made primary again; without the MAC it could."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    bad, good = only(ring, "pseudonym").kid, ring.add(*SHARED).kid
    ring.set_status(bad, Status.DISABLED)
    ring.set_status(good, Status.PRIMARY)
    ring.save()
    edit(path, lambda value: swap(value, bad, good, "status"))

    if with_mac:
        with pytest.raises(KeyringError, match="does not match its MAC"):
            Keyring.load(path, providers=vault)
    else:
        skip_the_mac(monkeypatch)
        assert Keyring.load(path, providers=vault).subkey("pseudonym", "person", "mac")[0] == bad


@pytest.mark.parametrize("with_mac", [True, False])
def test_an_old_entry_is_not_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_mac: bool
) -> None:
    """A destroyed key from yesterday's file stays destroyed; without the MAC it would be back."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    kid = only(ring, "pseudonym").kid
    material = ring.material(only(ring, "pseudonym"))
    old = row(json.loads(path.read_text()), kid)
    ring.set_status(kid, Status.DISABLED)
    ring.set_status(kid, Status.DESTROYED)
    ring.save()
    edit(path, lambda value: row(value, kid).update(old))

    if with_mac:
        with pytest.raises(KeyringError, match="does not match its MAC"):
            Keyring.load(path, providers=vault)
    else:
        skip_the_mac(monkeypatch)
        loaded = Keyring.load(path, providers=vault)
        assert loaded.material(loaded.entry(kid)) == material


def test_the_old_body_with_the_new_generation_or_the_old_mac_is_refused(tmp_path: Path) -> None:
    """Parts of two true files do not make a third."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    old = json.loads(path.read_text())
    ring.add(*PERSON)
    ring.save()
    new = path.read_bytes()
    for part in ("entries", "generation", "mac"):
        path.write_bytes(new)
        edit(path, lambda value, part=part: value.update({part: old[part]}))

        with pytest.raises(KeyringError, match="does not match its MAC"):
            Keyring.load(path, providers=vault)


def test_the_whole_old_file_loads_and_shows_its_old_generation(tmp_path: Path) -> None:
    """The stated limit: only a record kept elsewhere notices it, and it needs the generation."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    old = path.read_bytes()
    ring.save()
    path.write_bytes(old)

    assert Keyring.load(path, providers=vault).generation < ring.generation


def test_an_entry_of_another_keyring_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same key-encryption key; by the MAC, and without it by the binding."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    foreign = Keyring.create(
        tmp_path / "other.json", kek_ref=REF, purposes=[SHARED], providers=vault
    )
    stolen = only(foreign, "pseudonym").to_json()
    edit(path, lambda value: row(value, only(ring, "pseudonym").kid).update(stolen))
    with pytest.raises(KeyringError, match="does not match its MAC"):
        Keyring.load(path, providers=vault)
    skip_the_mac(monkeypatch)
    loaded = Keyring.load(path, providers=vault)

    with pytest.raises(UnwrapError):
        loaded.material(loaded.primary(*SHARED))


def test_a_changed_kek_reference_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the MAC entry: its key does not open. Of another: by the MAC, and without it likewise."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    whole = path.read_bytes()
    elsewhere = {"kek_ref": "env:DBT_ENV_SECRET_OF_THE_ATTACKER"}
    edit(path, lambda value: row(value, only(ring, "keyring-mac").kid).update(elsewhere))
    with pytest.raises(UnwrapError):
        Keyring.load(path, providers=vault)
    path.write_bytes(whole)
    edit(path, lambda value: row(value, only(ring, "pseudonym").kid).update(elsewhere))
    with pytest.raises(KeyringError, match="does not match its MAC"):
        Keyring.load(path, providers=vault)
    skip_the_mac(monkeypatch)
    loaded = Keyring.load(path, providers=vault)

    with pytest.raises(UnwrapError):
        loaded.material(loaded.primary(*SHARED))


def test_a_whole_keyring_of_the_attacker_is_refused_where_the_project_names_its_key(
    tmp_path: Path,
) -> None:
    """It is consistent in itself: only the reference outside the file can tell. Not even opened."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    theirs = tmp_path / "theirs.json"
    ref = "env:DBT_ENV_SECRET_OF_THE_ATTACKER"
    known = Keyring.create(theirs, kek_ref=ref, purposes=[SHARED], providers=vault)
    theirs.replace(path)
    vault.unwrapped = 0
    with pytest.raises(KeyringError, match="another key-encryption key than the project names"):
        Keyring.load(path, kek_ref=REF, providers=vault)

    assert vault.unwrapped == 0
    # Without the reference the attacker's key would be used.
    believed = Keyring.load(path, providers=vault)
    assert believed.subkey("pseudonym", "person", "mac") == known.subkey(
        "pseudonym", "person", "mac"
    )
    assert believed.id != ring.id


def test_a_downgraded_algorithm_is_refused_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the form, then by the MAC, then by the binding; without all three it would succeed."""
    ring, vault, path = new_ring(tmp_path, MARTS)
    kid = only(ring, *MARTS).kid
    edit(path, lambda value: row(value, kid).update(alg="AES-128-ECB"))
    with pytest.raises(KeyringError, match="`alg` is malformed"):
        Keyring.load(path, providers=vault)
    monkeypatch.setitem(ALGORITHMS, "zone", "AES-128-ECB")
    with pytest.raises(KeyringError, match="does not match its MAC"):
        Keyring.load(path, providers=vault)
    skip_the_mac(monkeypatch)
    loaded = Keyring.load(path, providers=vault)
    with pytest.raises(UnwrapError):
        loaded.material(loaded.primary(*MARTS))
    path.unlink()
    with monkeypatch.context() as patch:
        patch.setitem(ALGORITHMS, "zone", "AES-256-GCM")
        skip_the_binding(patch)
        ring, vault, path = new_ring(tmp_path, MARTS)
        kid, material = only(ring, *MARTS).kid, ring.material(only(ring, *MARTS))
        patch.setitem(ALGORITHMS, "zone", "AES-128-ECB")
        edit(path, lambda value: row(value, kid).update(alg="AES-128-ECB"))
        loaded = Keyring.load(path, providers=vault)

        assert loaded.primary(*MARTS).alg == "AES-128-ECB"
        assert loaded.material(loaded.primary(*MARTS)) == material


def test_a_seal_under_a_key_that_the_attacker_can_know_is_refused(tmp_path: Path) -> None:
    """Empty key, wrapped bytes, id: nothing in the file seals it."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    value = json.loads(path.read_text())
    body = {name: value[name] for name in ("format", "id", "generation", "entries")}
    body["entries"][1]["status"] = "active"
    text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    for key in (b"", bytes(32), bytes.fromhex(ring.id), only(ring, "keyring-mac").wrapped):
        seal = hmac.digest(key, text, "sha256").hex()
        edit(path, lambda v, seal=seal: v.update(entries=body["entries"], mac=seal))

        with pytest.raises(KeyringError, match="does not match its MAC"):
            Keyring.load(path, providers=vault)


def test_a_disabled_or_second_mac_key_cannot_seal_the_file(tmp_path: Path) -> None:
    """There is exactly one, and it is primary: an old one is no way in."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    whole = path.read_bytes()
    mac = only(ring, "keyring-mac").kid
    for change in (
        lambda value: row(value, mac).update(status="disabled"),
        lambda value: row(value, mac).update(status="pending"),
        lambda value: row(value, mac).update(domain="other"),
        lambda value: value["entries"].append({**row(value, mac), "kid": "k2222222"}),
        lambda value: value["entries"].remove(row(value, mac)),
    ):
        path.write_bytes(whole)
        edit(path, change)

        with pytest.raises(KeyringError, match=r"own MAC|two primary keys"):
            Keyring.load(path, providers=vault)


def test_no_refusal_shows_a_key_or_what_stood_in_the_file(tmp_path: Path) -> None:
    """The messages of all attacks at once: no material, wrapped byte, seal or planted text."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    keys = [ring.material(entry) for entry in ring.entries[1:]] + list(vault.keks.values())
    keys += [entry.wrapped for entry in ring.entries]
    whole = path.read_bytes()
    seal = json.loads(whole)["mac"]
    planted = "planted-by-the-attacker"
    messages = []
    for name in [*json.loads(whole)["entries"][1], planted]:
        path.write_bytes(whole)
        edit(path, lambda value, name=name: value["entries"][1].update({name: planted}))
        with pytest.raises(KeyringError) as caught:
            Keyring.load(path, providers=vault)
        messages.append(str(caught.value))
        assert caught.value.__suppress_context__
    for name in [*json.loads(whole), planted]:
        path.write_bytes(whole)
        edit(path, lambda value, name=name: value.update({name: planted}))
        with pytest.raises(KeyringError) as caught:
            Keyring.load(path, providers=vault)
        messages.append(str(caught.value))
    shown = "\n".join(messages)

    assert len(messages) == 18
    assert planted not in shown
    assert seal not in shown
    assert not any(text in shown for key in keys for text in spellings(key))


def test_one_kid_cannot_stand_for_two_keys(tmp_path: Path) -> None:
    """Not even as a pending key beside a primary one, which no other rule forbids."""
    _, vault, path = new_ring(tmp_path, SHARED)
    edit(path, lambda v: v["entries"].append({**v["entries"][1], "status": "pending"}))

    with pytest.raises(KeyringError, match="stands in the keyring twice"):
        Keyring.load(path, providers=vault)
