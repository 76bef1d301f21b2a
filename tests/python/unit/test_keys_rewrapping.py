"""What stands above the keys changes: the key of the file MAC, and the key-encryption key."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from keys_support import REF, MemoryProvider, Vault, edit, new_ring, only, spellings

from veil.keys import (
    DEFAULT_PURPOSES,
    Keyring,
    KeyringError,
    ProviderError,
    Status,
    UnwrapError,
    destroy,
    promote,
    replace_mac,
    rewrap,
    rotate,
)
from veil.keys.derive import derive
from veil.keys.document import Document

SHARED = ("pseudonym", "*")
PERSON = ("pseudonym", "person")
NEW = "env:DBT_ENV_SECRET_NEW_KEK"


def macs(ring: Keyring) -> list[Status]:
    return [entry.status for entry in ring.entries if entry.purpose == "keyring-mac"]


def test_a_new_mac_key_seals_and_the_old_one_is_gone_in_one_save(tmp_path: Path) -> None:
    """Nothing else changes, and it can be done again."""
    ring, vault, path = new_ring(tmp_path, *DEFAULT_PURPOSES)
    old, others = ring.entries[0], ring.entries[1:]
    new = replace_mac(ring)
    ring.save()
    loaded = Keyring.load(path, providers=vault)

    assert loaded.generation == 2
    assert loaded.entries[1:] == (*others, new)
    assert loaded.entry(old.kid).wrapped == b""
    assert macs(loaded) == [Status.DESTROYED, Status.PRIMARY]
    replace_mac(loaded)
    loaded.save()
    assert macs(Keyring.load(path, providers=vault)) == [Status.DESTROYED] * 2 + [Status.PRIMARY]


def test_whoever_has_the_old_mac_key_cannot_seal_the_new_file(tmp_path: Path) -> None:
    """The leak that the replacement is for; before it, his seal would have been believed."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    leaked = derive(
        ring._unwrap(ring.entries[0]), purpose="keyring-mac", domain="*", use="file-mac"
    )

    def forge() -> None:
        document = Document.parse(path.read_bytes())
        mine = replace(document.entries[1], not_after="2099-01-01T00:00:00Z")
        forged = replace(document, entries=(document.entries[0], mine, *document.entries[2:]))
        path.write_bytes(forged.sealed(leaked).render())

    forge()
    assert Keyring.load(path, providers=vault).entries[1].not_after is not None
    path.unlink()
    ring, vault, path = new_ring(tmp_path, SHARED)
    leaked = derive(
        ring._unwrap(ring.entries[0]), purpose="keyring-mac", domain="*", use="file-mac"
    )
    replace_mac(ring)
    ring.save()
    forge()

    with pytest.raises(KeyringError, match="does not match its MAC"):
        Keyring.load(path, providers=vault)


def test_a_destroyed_mac_key_seals_nothing_and_keeps_its_status(tmp_path: Path) -> None:
    """It is a tombstone: neither put back, nor made a second one, nor disabled."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    old = ring.entries[0].to_json()
    replace_mac(ring)
    ring.save()
    whole = path.read_bytes()
    tombstone, new = ring.entries[0].kid, ring.entries[-1].kid
    for change in (
        lambda value: value["entries"][0].update(old),
        lambda value: value["entries"][0].update({**old, "status": "disabled"}),
        lambda value: value["entries"][0].update({**old, "status": "active"}),
        lambda value: value["entries"].pop(),
        lambda value: value["entries"][-1].update(status="destroyed", wrapped=""),
    ):
        path.write_bytes(whole)
        edit(path, change)
        with pytest.raises(KeyringError, match=r"own MAC|two primary keys"):
            Keyring.load(path, providers=vault)
    for kid in (tombstone, new):
        with pytest.raises(KeyringError, match="keeps its status"):
            ring.set_status(kid, Status.DISABLED)


def all_states(folder: Path) -> tuple[Keyring, Vault, Path]:
    """A saved keyring with a key in each status."""
    ring, vault, path = new_ring(folder, SHARED, PERSON, ("zone", "marts"))
    promote(ring, rotate(ring, *SHARED).kid, window_days=30)
    ring.set_status(only(ring, *PERSON).kid, Status.DISABLED)
    ring.set_status(only(ring, "zone", "marts").kid, Status.DISABLED)
    destroy(ring, only(ring, "zone", "marts").kid)
    rotate(ring, *PERSON)
    ring.save()
    assert {entry.status for entry in ring.entries} == set(Status)
    return ring, vault, path


def test_rewrapping_changes_the_wrapping_and_nothing_else(tmp_path: Path) -> None:
    """Every key that has material opens as before under the new key, and under it alone."""
    ring, vault, path = all_states(tmp_path)
    alive = [entry for entry in ring.entries if entry.status is not Status.DESTROYED]
    material = {entry.kid: ring._unwrap(entry) for entry in alive}
    before, old_file = ring.entries, path.read_bytes()
    steps: list[None] = []
    done = rewrap(ring, NEW, progress=lambda: steps.append(None))
    ring.save()
    old_kek = vault.keks.pop(REF)
    loaded = Keyring.load(path, kek_ref=NEW, providers=vault)

    assert len(done) == len(steps) == len(alive)
    assert {entry.kid: loaded._unwrap(entry) for entry in done} == material
    for old, new in zip(before, loaded.entries, strict=True):
        if old.status is Status.DESTROYED:
            assert new == old
        else:
            assert new == replace(old, wrapped=new.wrapped, kek_ref=NEW)
            assert new.wrapped != old.wrapped
    assert loaded.add("receipt", "*").kek_ref == NEW
    # The stated limit: with the old key an old copy of the file opens.
    path.write_bytes(old_file)
    vault.keks[REF] = old_kek
    assert Keyring.load(path, providers=vault).generation == 2


def test_the_present_key_may_wrap_anew(tmp_path: Path) -> None:
    """A service may hold a new version of it under the same name."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    before = only(ring, *SHARED).wrapped
    rewrap(ring, REF)
    ring.save()

    assert only(Keyring.load(path, providers=vault), *SHARED).wrapped != before


@pytest.mark.parametrize("reachable", range(4))
def test_rewrapping_that_stops_half_way_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reachable: int
) -> None:
    """The new provider answers so many times, then no more: the old keyring stands and saves."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    before, file = ring.entries, path.read_bytes()
    answers = iter(range(reachable))
    wrap = MemoryProvider.wrap

    def limited(self: MemoryProvider, plaintext: bytes, *, aad: bytes) -> bytes:
        if next(answers, None) is None:
            raise ProviderError("the test provider cannot be reached.")
        return wrap(self, plaintext, aad=aad)

    monkeypatch.setattr(MemoryProvider, "wrap", limited)
    if reachable < 3:
        with pytest.raises(ProviderError):
            rewrap(ring, NEW)
        assert ring.entries == before
        assert path.read_bytes() == file
        ring.save()
        assert Keyring.load(path, kek_ref=REF, providers=vault).entries == before
    else:
        rewrap(ring, NEW)
        assert {entry.kek_ref for entry in ring.entries} == {NEW}


def test_a_provider_that_gives_back_something_else_is_refused(tmp_path: Path) -> None:
    """A key that could not be opened again would be lost: each is opened before it is believed."""
    ring, vault, _ = new_ring(tmp_path, SHARED)
    before = ring.entries

    class Broken(MemoryProvider):
        def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
            return bytes(32)

    ring._providers = lambda ref: Broken(vault, ref) if ref == NEW else vault(ref)
    vault(NEW)
    with pytest.raises(UnwrapError, match="opens as something else"):
        rewrap(ring, NEW)

    assert ring.entries == before


def test_material_cannot_be_moved_to_another_entry_by_rewrapping(tmp_path: Path) -> None:
    """The new wrapping is bound as the old one was."""
    ring, _, _ = new_ring(tmp_path, SHARED, PERSON)
    rewrap(ring, NEW)
    one, two = only(ring, *SHARED), only(ring, *PERSON)

    with pytest.raises(UnwrapError):
        ring._unwrap(replace(one, wrapped=two.wrapped))


def test_destroyed_material_is_in_no_file_of_the_folder(tmp_path: Path) -> None:
    """Raw, in every usual spelling, and wrapped; also where a killed writer left a copy."""
    ring, vault, path = new_ring(tmp_path, SHARED, PERSON)
    entry = only(ring, *SHARED)
    material, wrapped = ring.material(entry), entry.wrapped
    left = tmp_path / ".veil-0123456789abcdef.tmp"
    left.write_bytes(path.read_bytes())
    left.chmod(0o600)
    foreign = tmp_path / ".veil-fedcba9876543210.tmp"
    foreign.write_bytes(b'{"of": "another writer"}')
    foreign.chmod(0o600)
    needles = [
        secret
        for value in (material, wrapped)
        for secret in (value, *(text.encode() for text in spellings(value)))
    ]

    def found() -> set[str]:
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        return {f.name for f in files for needle in needles if needle in f.read_bytes()}

    assert found() == {"keyring.json", left.name}
    ring.set_status(entry.kid, Status.DISABLED)
    destroy(ring, entry.kid)
    ring.save()

    assert found() == set()
    assert foreign.exists()
    assert json.loads(path.read_text())["entries"][1]["kid"] == entry.kid
    assert Keyring.load(path, providers=vault).entry(entry.kid).wrapped == b""
