"""No byte of the keyring file can be changed, added or taken away without a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from keys_support import Vault, new_ring

from veil.keys import Keyring, KeyringError, Status, disable, promote, replace_mac, rotate

SHARED = ("pseudonym", "*")
PERSON = ("pseudonym", "person")


def small_ring_with_an_unsealed_disabling(folder: Path) -> tuple[Vault, Path]:
    """A file with every kind of field and every status, and with a seal key that was replaced."""
    ring, vault, path = new_ring(folder, SHARED)
    replace_mac(ring)
    promote(ring, rotate(ring, *SHARED).kid, window_days=30)
    ring.set_status(ring.add("receipt", "*").kid, Status.DISABLED)
    kid = ring.add(*PERSON).kid
    assert {entry.status for entry in ring.entries} == set(Status)
    ring.save()
    vault.reachable = False
    disable(path, kid, providers=vault)
    vault.reachable = True
    return vault, path


def refusals(path: Path, vault: Vault, edited: bytes) -> bool:
    """Say whether the edited bytes are refused by the keyring's own error."""
    path.write_bytes(edited)
    try:
        Keyring.load(path, providers=vault)
    except KeyringError:
        return True
    return False


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_at_any_position_is_refused(tmp_path: Path, bit: int) -> None:
    """All positions of the file, white space, key names, seal and unsealed list included."""
    vault, path = small_ring_with_an_unsealed_disabling(tmp_path)
    whole = path.read_bytes()
    assert not refusals(path, vault, whole)
    accepted = []
    for position in range(len(whole)):
        edited = bytearray(whole)
        edited[position] ^= 1 << bit
        if not refusals(path, vault, bytes(edited)):
            accepted.append(position)

    assert accepted == []


def test_a_file_cut_short_at_any_position_is_refused(tmp_path: Path) -> None:
    """From the empty file to the one without its last newline."""
    vault, path = small_ring_with_an_unsealed_disabling(tmp_path)
    whole = path.read_bytes()
    accepted = [cut for cut in range(len(whole)) if not refusals(path, vault, whole[:cut])]

    assert accepted == []


@pytest.mark.parametrize("extra", [b" ", b"\n", b"0"])
def test_a_byte_added_at_any_position_is_refused(tmp_path: Path, extra: bytes) -> None:
    """Space that JSON would skip, too; at either end as well."""
    vault, path = small_ring_with_an_unsealed_disabling(tmp_path)
    whole = path.read_bytes()
    accepted = []
    for position in range(len(whole) + 1):
        edited = whole[:position] + extra + whole[position:]
        if not refusals(path, vault, edited):
            accepted.append(position)

    assert accepted == []


def test_a_byte_taken_out_at_any_position_is_refused(tmp_path: Path) -> None:
    """Every single one."""
    vault, path = small_ring_with_an_unsealed_disabling(tmp_path)
    whole = path.read_bytes()
    accepted = []
    for position in range(len(whole)):
        edited = whole[:position] + whole[position + 1 :]
        if not refusals(path, vault, edited):
            accepted.append(position)

    assert accepted == []


def test_a_duplicate_name_cannot_hide_a_second_value(tmp_path: Path) -> None:
    """Another reader might take the first `generation`, Python takes the last."""
    _, vault, path = new_ring(tmp_path, SHARED)
    text = path.read_text()
    doubled = text.replace('  "generation"', '  "generation": 7,\n  "generation"', 1)

    assert doubled != text
    assert json.loads(doubled) == json.loads(text)
    assert refusals(path, vault, doubled.encode())
