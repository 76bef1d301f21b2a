"""What `veil init` does with each key reference before it makes a keyring."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from veil.keys import Keyring, KeyringError, ProviderError
from veil.keys.providers.first_use import prepare
from veil.keys.providers.remote import bound


def test_a_key_file_is_made_where_it_is_missing_and_taken_back(tmp_path: Path) -> None:
    """One that was there before stays, to the byte."""
    path = tmp_path / "private" / "kek"
    first = prepare(f"file:{path}")
    before = path.read_bytes()
    again = prepare(f"file:{path}")
    again.undo()
    assert path.read_bytes() == before
    assert first.ref == again.ref == f"file:{path}"
    first.undo()

    assert not path.exists()


@pytest.mark.parametrize("ref", ["env:DBT_ENV_SECRET_TEST_KEK", "vault:transit/veil"])
def test_what_others_make_stays_as_it_is(ref: str) -> None:
    """Nothing is made, and nothing is asked."""
    made = prepare(ref)
    made.undo()

    assert (made.ref, made.made) == (ref, None)


def test_a_keyring_is_made_under_what_was_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare `passphrase:NAME` gets its salt, which the keyring then names."""
    monkeypatch.setenv("DBT_ENV_SECRET_TEST_PHRASE", secrets.token_urlsafe(24))
    ref = prepare("passphrase:DBT_ENV_SECRET_TEST_PHRASE").ref
    path = tmp_path / "keyring.json"
    made = Keyring.create(path, kek_ref=ref, purposes=[])

    assert Keyring.load(path, kek_ref=ref).id == made.id


@pytest.mark.parametrize("ref", ["", "passphrase", "passphrase:", "kms:x", "5ca1ab1e" * 8])
def test_what_is_no_reference_is_refused_and_not_repeated(ref: str) -> None:
    """The message lists the schemes."""
    with pytest.raises(ProviderError, match=r"passphrase:|DBT_ENV_SECRET_") as caught:
        prepare(ref)

    assert len(ref) < 12 or ref not in str(caught.value)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_only_key_material_is_sent_to_a_service(length: int) -> None:
    """32 bytes, like every other wrapping."""
    with pytest.raises(KeyringError, match="32 bytes"):
        bound(bytes(length), aad=b"")
