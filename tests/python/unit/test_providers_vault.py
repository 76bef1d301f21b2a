"""The provider for Vault: bound to its key and entry, and told apart when it fails."""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from keys_support import spellings

from provider_cases import AAD, MATERIAL, flips, keyring_lives, opens_only_as_wrapped, shown_by
from vault_server import TOKEN, Key, Vault, vault_server
from veil.keys import ProviderError, UnwrapError, open_provider
from veil.keys.providers import VaultTransitProvider, vault_transit

REF = "vault:transit/veil"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vault]:
    """A running Vault that the environment leads to."""
    for name in ("VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT", "VAULT_CAPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DBT_ENV_SECRET_VAULT_TOKEN", TOKEN)
    with vault_server() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        yield server


def refused(match: str, *, wrapped: bytes = b"") -> ProviderError:
    """Use the provider, and return the error that says what `match` says."""
    provider = open_provider(REF)
    with pytest.raises(ProviderError, match=match) as caught:
        if wrapped:
            provider.unwrap(wrapped, aad=AAD)
        else:
            provider.wrap(MATERIAL, aad=AAD)
    return caught.value


def test_it_opens_what_it_wrapped_and_nothing_else(vault: Vault) -> None:
    """Other additional data, cut and prolonged texts are refused."""
    wrapped = opens_only_as_wrapped(open_provider(REF))

    assert wrapped.startswith(b"vault:v1:")


def test_every_changed_byte_is_refused(vault: Vault) -> None:
    """Also in the prefix, the version, and the bits of the last character that carry nothing."""
    provider = open_provider(REF)
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    accepted = []
    for changed in flips(wrapped):
        try:
            provider.unwrap(changed, aad=AAD)
        except UnwrapError:
            continue
        accepted.append(changed)

    assert accepted == []


def test_a_second_spelling_of_the_same_ciphertext_is_refused(vault: Vault) -> None:
    """Vault takes it, as base64 leaves two bits of the last character unused; veil does not."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    last = wrapped[-2:-1]
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = wrapped[:-2] + bytes([letters[letters.index(last) ^ 1]]) + b"="
    assert base64.b64decode(twin[9:]) == base64.b64decode(wrapped[9:])

    with pytest.raises(UnwrapError):
        open_provider(REF).unwrap(twin, aad=AAD)


def test_another_key_does_not_open_it(vault: Vault) -> None:
    """The key of the reference is used, whatever else the engine holds."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)

    with pytest.raises(UnwrapError):
        open_provider("vault:transit/other").unwrap(wrapped, aad=AAD)


def test_a_vault_that_ignores_associated_data_does_not_loosen_the_binding(vault: Vault) -> None:
    """Vault before 1.13 takes the parameter and forgets it; the plaintext carries the digest."""
    vault.heeds_aad = False

    opens_only_as_wrapped(open_provider(REF))


def test_a_wrong_tag_is_told_apart_in_both_of_vaults_ways(vault: Vault) -> None:
    """Some versions answer 500 where others answer 400."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    for status in (400, 500):
        vault.wrong_tag_status = status

        with pytest.raises(UnwrapError):
            open_provider(REF).unwrap(wrapped, aad=b"another entry")


def test_vaults_own_rotation_keeps_old_material_open_until_it_is_cut_off(vault: Vault) -> None:
    """Old versions open; one below `min_decryption_version`, or from the future, does not."""
    provider = open_provider(REF)
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    vault.keys["veil"].versions.append(bytes(range(32)))
    newer = provider.wrap(MATERIAL, aad=AAD)
    assert newer.startswith(b"vault:v2:")
    assert provider.unwrap(wrapped, aad=AAD) == provider.unwrap(newer, aad=AAD) == MATERIAL
    vault.keys["veil"].least = 2

    for old in (wrapped, newer.replace(b":v2:", b":v3:")):
        with pytest.raises(UnwrapError):
            provider.unwrap(old, aad=AAD)


def test_vault_is_sent_a_digest_in_place_of_the_entry(vault: Vault) -> None:
    """Its audit log holds neither the name of a domain nor the id of the keyring."""
    open_provider(REF).wrap(MATERIAL, aad=b"domain of the person")
    path, _, body = vault.requests[-1]

    assert path == "/v1/transit/encrypt/veil"
    assert len(base64.b64decode(body["associated_data"])) == 32
    assert "domain of the person" not in json.dumps(body)


def test_a_keyring_lives_under_it_and_a_key_is_disabled_without_it(
    vault: Vault, tmp_path: Path
) -> None:
    """Made, loaded, used, grown; sealed Vault or not, the emergency stop works."""

    def cut() -> None:
        vault.sealed = True

    keyring_lives(tmp_path, REF, cut)

    assert vault.requests


def test_every_failure_has_its_own_message(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Denied, missing mount, missing key, sealed: what to do differs."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    vault.sealed = True
    refused("Vault is sealed", wrapped=wrapped)
    vault.sealed = False
    vault.mount = "elsewhere"
    refused("is not there", wrapped=wrapped)
    vault.mount = "transit"
    del vault.keys["veil"]
    refused("is not there", wrapped=wrapped)
    refused("denied to this token.*update.*transit/encrypt/veil")
    monkeypatch.setenv("DBT_ENV_SECRET_VAULT_TOKEN", "hvs.expired")

    assert "hvs" not in str(refused("denied to this token", wrapped=wrapped))


def test_a_slow_vault_is_given_up(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build does not hang on it."""
    monkeypatch.setattr(vault_transit, "READ_SECONDS", 0.05)
    vault.slow = True

    refused("cannot be reached")


def test_no_vault_at_all_is_a_provider_error(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A closed port, a port that speaks no TLS, and certificates that are not there."""
    for address in ("http://127.0.0.1:9", vault.address.replace("http:", "https:")):
        monkeypatch.setenv("VAULT_ADDR", address)
        refused("cannot be reached")
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "none.pem"))

    refused("cannot be reached")


@pytest.mark.parametrize("answer", [
    b"", b"<html>", b"[]", b'{"data": null}', b'{"data": {}}',
    b'{"data": {"ciphertext": 1, "plaintext": 1}}',
    b'{"data": {"ciphertext": "no", "plaintext": "%"}}',
])  # fmt: skip
def test_what_is_no_answer_of_vault_is_refused(vault: Vault, answer: bytes) -> None:
    """A captive portal answers 200 too."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    vault.answer = answer

    refused("did not answer as it should")
    refused("did not answer as it should", wrapped=wrapped)


def test_a_redirection_is_not_followed(vault: Vault) -> None:
    """The token would go along to whatever host it names."""
    with vault_server() as other:
        vault.redirect = other.address
        refused("redirection")

        assert other.requests == []


def test_a_proxy_does_not_see_what_goes_to_this_machine(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over http it would read token and material."""
    with vault_server() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        open_provider(REF).wrap(MATERIAL, aad=AAD)

        assert proxy.requests == []


@pytest.mark.parametrize("address", [
    "http://vault.example.com:8200", "http://127.0.0.1.example.com", "ftp://127.0.0.1",
    "https://user:hunter2@vault.example.com", "http://localhost@example.com", "https://", "x",
    "http://[::1", "https://vault.example.com:port", "https://vault.example.com/?a=b",
])  # fmt: skip
def test_a_line_in_clear_is_refused(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """http is for this machine; the address is not repeated, as it may hold a password."""
    monkeypatch.setenv("VAULT_ADDR", address)

    assert address not in str(refused("VAULT_ADDR"))


def test_no_address_means_none(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would try this machine."""
    monkeypatch.delenv("VAULT_ADDR")

    refused("VAULT_ADDR is not set")


def test_the_token_is_taken_from_three_places_in_order(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable that dbt keeps secret, Vault's own, then the file of `vault login`."""
    file = tmp_path / ".vault-token"
    file.write_text("hvs.file\n")
    file.chmod(0o600)
    monkeypatch.setenv("VAULT_TOKEN", "hvs.plain")
    sent = []
    for name in ("DBT_ENV_SECRET_VAULT_TOKEN", "VAULT_TOKEN", ""):
        with suppress(ProviderError):
            open_provider(REF).wrap(MATERIAL, aad=AAD)
        sent.append(vault.requests[-1][1]["x-vault-token"])
        monkeypatch.delenv(name, raising=False)

    assert sent == [TOKEN, "hvs.plain", "hvs.file"]


def test_a_token_file_that_others_can_read_is_refused(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So is one that is missing, and one that holds no token."""
    monkeypatch.delenv("DBT_ENV_SECRET_VAULT_TOKEN")
    refused("no token for Vault")
    file = tmp_path / ".vault-token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    refused("open to others")
    file.chmod(0o600)
    file.write_text("two words\nInjected: header")

    assert "words" not in str(refused("malformed"))
    assert vault.requests == []


def test_the_namespace_is_sent(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every tool of Vault does."""
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    open_provider(REF).wrap(MATERIAL, aad=AAD)

    assert vault.requests[-1][1]["x-vault-namespace"] == "team"


def test_destroy_needs_vaults_own_consent(vault: Vault) -> None:
    """Then the key is gone, and what it wrapped with it; a second time there is nothing left."""
    provider = open_provider(REF)
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    with pytest.raises(ProviderError, match=r"transit/keys/veil/config deletion_allowed=true"):
        provider.destroy()
    assert provider.unwrap(wrapped, aad=AAD) == MATERIAL
    vault.keys["veil"].deletable = True
    provider.destroy()
    with pytest.raises(ProviderError, match="is not there"):
        provider.destroy()
    vault.keys["veil"] = Key()

    with pytest.raises(UnwrapError):
        provider.unwrap(wrapped, aad=AAD)


@pytest.mark.parametrize("place", [
    "", "veil", "/veil", "transit/", "transit//veil", "../sys/seal", "transit/../veil",
    "transit/ve il", "transit/veil?x", "tränsit/v", "transit/veil\n", "hvs.CAESIsecret",
])  # fmt: skip
def test_a_malformed_reference_is_refused_and_not_repeated(place: str) -> None:
    """It may be a token, pasted in the wrong place."""
    with pytest.raises(ProviderError, match="needs a mount and a key") as caught:
        open_provider(f"vault:{place}")

    assert len(place) < 10 or place not in str(caught.value)


def test_a_mount_may_have_several_parts(vault: Vault) -> None:
    """The last part is the key."""
    provider = VaultTransitProvider("team/transit/veil")

    assert provider.describe() == "Vault transit key `team/transit/veil`"


def test_neither_token_nor_material_shows(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a message, a `repr`, the local variables of a traceback, or a log at DEBUG."""
    caplog.set_level(logging.DEBUG)
    provider = open_provider(REF)
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    assert provider.unwrap(wrapped, aad=AAD) == MATERIAL
    hidden = [TOKEN, *spellings(MATERIAL)]
    shown = [caplog.text, repr(provider), repr(vars(provider)), provider.describe()]
    vault.sealed = True
    shown.append(shown_by(refused("sealed")))
    vault.sealed, vault.answer = False, b"no"
    shown.append(shown_by(refused("answer", wrapped=wrapped)))
    vault.answer = None
    with pytest.raises(UnwrapError) as caught:
        provider.unwrap(wrapped, aad=b"other")
    shown.append(shown_by(caught.value))

    assert [text for text in hidden for page in shown if text in page] == []


def test_the_missing_library_is_named_with_its_extra(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command can be pasted."""
    monkeypatch.setitem(sys.modules, "hvac", None)

    refused(r"pip install 'dbt-veil\[vault\]'")
