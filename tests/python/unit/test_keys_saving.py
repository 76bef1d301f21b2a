"""The keyring file: no change is lost in saving, and only a file that is right is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from keys_support import REF, Vault, edit, new_ring, only, spellings

from veil.errors import EXIT_CANNOT_RUN, VeilError
from veil.files import locked
from veil.keys import Keyring, KeyringError, ProviderError, Status, UnwrapError, disable

PERSON = ("pseudonym", "person")
SHARED = ("pseudonym", "*")


def test_each_save_counts_one_generation(tmp_path: Path) -> None:
    """One object can save again and again, and a reload agrees."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    ring.save()
    ring.add(*PERSON)
    ring.save()

    assert ring.generation == 3
    assert Keyring.load(path, providers=vault).generation == 3
    assert Keyring.load(path, providers=vault).entries == ring.entries


def test_a_change_is_not_written_before_save(tmp_path: Path) -> None:
    """Memory only: the file and a second reader do not see it."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    before = path.read_bytes()
    ring.set_status(only(ring, "pseudonym").kid, Status.DISABLED)

    assert path.read_bytes() == before
    assert Keyring.load(path, providers=vault).primary(*SHARED).status is Status.PRIMARY


def test_save_refuses_when_somebody_else_saved_in_between(tmp_path: Path) -> None:
    """Neither change is lost: the second writer is told to load again."""
    _, vault, path = new_ring(tmp_path, SHARED)
    first, second = (Keyring.load(path, providers=vault) for _ in range(2))
    first.add(*PERSON)
    first.save()
    after_first = path.read_bytes()
    second.add("pseudonym", "household")
    with pytest.raises(KeyringError, match=r"changed by somebody else.*Load it again"):
        second.save()

    assert path.read_bytes() == after_first


def test_every_writer_waits_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saving and disabling, sealed or not, are refused while another process writes."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    monkeypatch.setattr("veil.keys.keyring.LOCK_SECONDS", 0)
    monkeypatch.setattr("veil.keys.disabling.LOCK_SECONDS", 0)
    before = path.read_bytes()
    with locked(path, timeout=0):
        with pytest.raises(VeilError, match="held by another process"):
            ring.save()
        for vault.reachable in (True, False):
            with pytest.raises(VeilError, match="held by another process"):
                disable(path, only(ring, *SHARED).kid, providers=vault)

    assert path.read_bytes() == before


def test_save_refuses_when_the_file_is_gone(tmp_path: Path) -> None:
    """A keyring that was moved away is not quietly brought back."""
    ring, _, path = new_ring(tmp_path, SHARED)
    path.unlink()
    with pytest.raises(KeyringError, match="no keyring"):
        ring.save()

    assert not path.exists()


def test_a_failed_save_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a full disk the old file stands and the change is still in memory."""
    ring, vault, path = new_ring(tmp_path, SHARED)
    before = path.read_bytes()
    kid = ring.add(*PERSON).kid

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(VeilError, match="disk is full"):
            ring.save()
    assert path.read_bytes() == before
    assert ring.generation == 1
    ring.save()

    assert Keyring.load(path, providers=vault).entry(kid).status is Status.PENDING


def test_a_missing_keyring_names_veil_init(tmp_path: Path) -> None:
    """The first error that a new user meets has the way out, and the exit code of «cannot run»."""
    with pytest.raises(KeyringError, match=r"no keyring at .*keyring.json.*`veil init`") as caught:
        Keyring.load(tmp_path / "keyring.json")

    assert caught.value.exit_code == EXIT_CANNOT_RUN
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_keyring_open_to_others_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    """The remedy can be pasted."""
    _, vault, path = new_ring(tmp_path, SHARED)
    path.chmod(mode)

    with pytest.raises(KeyringError, match=f"chmod 600 '{path}'"):
        Keyring.load(path, providers=vault)


def test_a_folder_link_or_pipe_in_place_of_the_keyring_is_refused(tmp_path: Path) -> None:
    """Also when the link leads to the true file."""
    _, vault, path = new_ring(tmp_path, SHARED)
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in ("folder", "link", "pipe"):
        with pytest.raises(KeyringError, match=r"not a regular file|symbolic link|folder stands"):
            Keyring.load(tmp_path / name, providers=vault)


def test_an_unreadable_keyring_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A permission that the system refuses is one line with a remedy."""
    _, vault, path = new_ring(tmp_path, SHARED)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(KeyringError, match=r"Permission denied.*owner and mode"):
        Keyring.load(path, providers=vault)


def test_another_kek_is_refused_and_says_so(tmp_path: Path) -> None:
    """The right file under the wrong key: both causes are named, no key is."""
    _, vault, path = new_ring(tmp_path, SHARED)
    right = vault.keks[REF]
    vault.keks[REF] = bytes(range(32))
    with pytest.raises(UnwrapError, match="key-encryption key is another one") as caught:
        Keyring.load(path, providers=vault)

    assert str(path) in str(caught.value)
    assert not any(
        text in str(caught.value)
        for secret in (right, vault.keks[REF])
        for text in spellings(secret)
    )


def test_an_unreachable_provider_is_an_error_of_its_own(tmp_path: Path) -> None:
    """The caller can tell «try later» from «somebody edited this»."""
    _, vault, path = new_ring(tmp_path, SHARED)
    vault.reachable = False

    with pytest.raises(ProviderError, match="cannot be reached"):
        Keyring.load(path, providers=vault)


@pytest.mark.parametrize("version", [0, 2, -1, 1.0, True, "1", None, [1]])
def test_an_unknown_format_is_refused_before_anything_else(tmp_path: Path, version: object) -> None:
    """Also when the rest of the file is of a later version; nothing is unwrapped."""
    _, vault, path = new_ring(tmp_path, SHARED)
    edit(path, lambda value: value.update(format=version, later_field={}))
    vault.unwrapped = 0
    with pytest.raises(KeyringError, match=r"another format than 1.*veil version"):
        Keyring.load(path, providers=vault)

    assert vault.unwrapped == 0


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "[" * 20000, '{"format": ' + "9" * 5000 + "}", "é", "\ufeff{}", "NaN"],
    ids=["empty", "open", "list", "null", "deep", "long-number", "non-ascii", "bom", "nan"],
)
def test_what_is_no_keyring_is_refused_with_one_line(tmp_path: Path, text: str) -> None:
    """Whatever stands there, the error is veil's own and names the file."""
    path = tmp_path / "keyring.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyringError) as caught:
        Keyring.load(path, providers=Vault())

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_longer_than_a_keyring_is_refused_unread(tmp_path: Path) -> None:
    """A gigabyte in its place is not parsed."""
    path = tmp_path / "keyring.json"
    path.write_bytes(b" " * ((1 << 20) + 1))
    path.chmod(0o600)

    with pytest.raises(KeyringError, match="longer than"):
        Keyring.load(path, providers=Vault())
