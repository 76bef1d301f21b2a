"""The emergency stop works without the provider, and can only ever take rights away."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keys_support import edit, new_ring, only

from veil.keys import Keyring, KeyringError, ProviderError, Status, disable
from veil.keys.document import Document

SHARED = ("pseudonym", "*")
PERSON = ("pseudonym", "person")


def test_disable_is_sealed_when_the_provider_answers(tmp_path: Path) -> None:
    """The ordinary case: one call, one generation, nothing left open."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    kid = only(ring, "pseudonym").kid

    assert disable(path, kid, providers=vault) is True
    loaded = Keyring.load(path, providers=vault)
    assert (loaded.generation, loaded.unsealed) == (2, ())
    assert loaded.entry(kid).status is Status.DISABLED


def test_disable_works_while_the_provider_is_unreachable(tmp_path: Path) -> None:
    """Nothing is unwrapped, the sealed body stays as it was, and the next load honours it."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    entry = only(ring, "pseudonym")
    before = json.loads(path.read_text())
    vault.reachable = False
    sealed = disable(path, entry.kid, providers=vault)
    after = json.loads(path.read_text())
    vault.reachable = True
    loaded = Keyring.load(path, providers=vault)

    assert sealed is False
    assert after == {**before, "pending_disable": [entry.kid]}
    assert loaded.unsealed == (entry.kid,)
    assert loaded.entry(entry.kid).status is Status.DISABLED
    with pytest.raises(KeyringError, match="is disabled"):
        loaded.material(loaded.entry(entry.kid))
    with pytest.raises(KeyringError, match="has changed since"):
        loaded.material(entry)
    with pytest.raises(KeyringError, match="no primary one"):
        loaded.subkey("pseudonym", "person", "mac")


def test_the_next_save_seals_what_was_disabled_without_the_provider(tmp_path: Path) -> None:
    """Afterwards the list is empty and the status stands under the MAC."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    kid = only(ring, "pseudonym").kid
    vault.reachable = False
    disable(path, kid, providers=vault)
    vault.reachable = True
    Keyring.load(path, providers=vault).save()
    value = json.loads(path.read_text())

    assert value["pending_disable"] == []
    assert value["entries"][1]["status"] == "disabled"
    assert Keyring.load(path, providers=vault).generation == 2


def test_repeating_disable_seals_it_once_the_provider_is_back(tmp_path: Path) -> None:
    """Safe to repeat, without and with the provider, and then no further generation is made."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    kids = [only(ring, *SHARED).kid, only(ring, *PERSON).kid]
    vault.reachable = False
    for kid in (*kids, kids[0]):
        assert disable(path, kid, providers=vault) is False
    assert json.loads(path.read_text())["pending_disable"] == sorted(kids)
    vault.reachable = True

    assert disable(path, kids[0], providers=vault) is True
    sealed = path.read_bytes()
    assert Document.parse(sealed).pending_disable == ()
    assert disable(path, kids[1], providers=vault) is True
    assert path.read_bytes() == sealed
    vault.reachable = False
    assert disable(path, kids[0], providers=vault) is False
    assert path.read_bytes() == sealed


def test_a_writer_who_loaded_before_cannot_undo_the_disabling(tmp_path: Path) -> None:
    """His save is refused although the generation is the one that he loaded."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    vault.reachable = False
    disable(path, only(ring, "pseudonym").kid, providers=vault)
    vault.reachable = True
    after = path.read_bytes()
    ring.add(*PERSON)
    with pytest.raises(KeyringError, match="changed by somebody else"):
        ring.save()

    assert path.read_bytes() == after


def test_disabling_a_domains_key_without_the_provider_does_not_switch_to_the_shared_one(
    tmp_path: Path,
) -> None:
    """Whoever can write the list can stop a domain, not choose its key."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    kid = only(ring, *PERSON).kid
    edit(path, lambda value: value.update(pending_disable=[kid]))
    loaded = Keyring.load(path, providers=vault)

    with pytest.raises(KeyringError, match="has keys, but no primary one"):
        loaded.subkey("pseudonym", "person", "mac")


@pytest.mark.parametrize("reachable", [True, False])
def test_disable_refuses_the_mac_key_and_unknown_keys(tmp_path: Path, reachable: bool) -> None:
    """The first would lock everybody out, the second would give a false comfort."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    before = path.read_bytes()
    vault.reachable = reachable
    for kid in (only(ring, "keyring-mac").kid, "k2222222", "123-45-6789"):
        with pytest.raises(KeyringError) as caught:
            disable(path, kid, providers=vault)
        assert "123-45-6789" not in str(caught.value)

    assert path.read_bytes() == before


@pytest.mark.parametrize("reachable", [True, False])
def test_disable_refuses_a_destroyed_key(tmp_path: Path, reachable: bool) -> None:
    """It is further along already."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    kid = only(ring, "pseudonym").kid
    ring.set_status(kid, Status.DISABLED)
    ring.set_status(kid, Status.DESTROYED)
    ring.save()
    vault.reachable = reachable

    with pytest.raises(KeyringError):
        disable(path, kid, providers=vault)


def test_disable_does_not_bless_an_edited_keyring(tmp_path: Path) -> None:
    """With the provider it is refused at once; without, the result is as unloadable as before."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    edit(path, lambda value: value["entries"][1].update(status="active"))
    with pytest.raises(KeyringError, match="was edited"):
        disable(path, only(ring, *PERSON).kid, providers=vault)
    vault.reachable = False
    disable(path, only(ring, *PERSON).kid, providers=vault)
    vault.reachable = True

    with pytest.raises(KeyringError, match="was edited"):
        Keyring.load(path, providers=vault)


def test_the_list_has_one_spelling_and_names_only_usable_keys(tmp_path: Path) -> None:
    """Doubles, disorder, other types, unknown, disabled, destroyed and MAC keys are refused."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON, ("zone", "marts"), ("zone", "other"))
    kids = sorted([only(ring, *SHARED).kid, only(ring, *PERSON).kid])
    disabled, destroyed = (only(ring, "zone", name).kid for name in ("marts", "other"))
    for kid in (disabled, destroyed):
        ring.set_status(kid, Status.DISABLED)
    ring.set_status(destroyed, Status.DESTROYED)
    ring.save()
    edit(path, lambda value: value.update(pending_disable=kids))
    assert Keyring.load(path, providers=vault).unsealed == tuple(kids)

    for forged in (
        [kids[0], kids[0]],
        kids[::-1],
        [only(ring, "keyring-mac").kid],
        [disabled],
        [destroyed],
        ["k2222222"],
        [None],
        [[kids[0]]],
        kids[0],
        {kids[0]: "primary"},
        None,
    ):
        edit(path, lambda value, forged=forged: value.update(pending_disable=forged))
        with pytest.raises(KeyringError):
            Keyring.load(path, providers=vault)


def test_emptying_the_list_returns_to_what_was_sealed_and_no_further(tmp_path: Path) -> None:
    """The stated limit: until it is sealed, the hand that writes the file can take it back."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    ring.set_status(only(ring, *PERSON).kid, Status.DISABLED)
    ring.save()
    vault.reachable = False
    disable(path, only(ring, *SHARED).kid, providers=vault)
    vault.reachable = True
    edit(path, lambda value: value.update(pending_disable=[]))
    loaded = Keyring.load(path, providers=vault)

    assert loaded.entries == ring.entries
    assert loaded.entry(only(ring, *PERSON).kid).status is Status.DISABLED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kid", "status", "primary", "wrapped"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_the_list_no_key_gains_a_right(data: st.DataObject) -> None:
    """Random subsets of the kids and random JSON: refused, or each key is as sealed or disabled."""
    with tempfile.TemporaryDirectory() as folder:
        ring, vault, path = new_ring(Path(folder), SHARED, PERSON, ("zone", "marts"))
        ring.add(*SHARED)
        ring.set_status(only(ring, "zone", "marts").kid, Status.DISABLED)
        ring.save()
        kids = [entry.kid for entry in ring.entries]
        subset = st.lists(st.sampled_from(kids), unique=True).map(sorted)
        forged = data.draw(subset | st.lists(json_values, max_size=4) | json_values)
        edit(path, lambda value: value.update(pending_disable=forged))
        try:
            loaded = Keyring.load(path, providers=vault)
        except KeyringError:
            return
        for sealed, found in zip(ring.entries, loaded.entries, strict=True):
            assert found.kid == sealed.kid
            assert found.wrapped == sealed.wrapped
            assert found.status in (sealed.status, Status.DISABLED)
            assert (found.status is Status.DISABLED) == (
                sealed.kid in forged or sealed.status is Status.DISABLED
            )


def test_only_a_missing_provider_leads_to_the_unsealed_list(tmp_path: Path) -> None:
    """Any other failure is told and nothing is written."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    before = path.read_bytes()
    vault.keks = dict.fromkeys(vault.keks, bytes(range(32)))
    with pytest.raises(KeyringError, match="another one") as caught:
        disable(path, only(ring, "pseudonym").kid, providers=vault)

    assert not isinstance(caught.value, ProviderError)
    assert path.read_bytes() == before
