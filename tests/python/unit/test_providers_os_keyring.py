"""The provider for the OS keyring: one that encrypts, or none."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked
from keys_support import spellings

from provider_cases import AAD, MATERIAL, flips, keyring_lives, opens_only_as_wrapped, shown_by
from veil.keys import ProviderError, UnwrapError, open_provider
from veil.keys.providers import OsKeyringProvider
from veil.keys.providers.first_use import prepare
from veil.keys.providers.os_keyring import BACKENDS

REF = "keyring:veil/project"


class Memory(KeyringBackend):
    """A keyring in memory, which says that it is somebody else; not one that is ever chosen."""

    priority = -1  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.forgets = False
        module, _, kind = name.rpartition(".")
        self.__class__ = type(kind, (Memory,), {"__module__": module, "__qualname__": kind})

    def get_password(self, service: str, username: str) -> str | None:
        self._fail()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._fail()
        if not self.forgets:
            self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._fail()
        if not self.forgets:
            del self.held[service, username]

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A keyring that takes itself for the one of macOS, and is the one in use."""
    memory = Memory("keyring.backends.macOS.Keyring")
    use(monkeypatch, memory)
    return memory


def use(monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend) -> None:
    """Let the library find this back-end."""
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


def test_it_opens_what_it_wrapped_and_nothing_else(store: Memory) -> None:
    """A provider opened again opens what the first one wrapped; every changed byte is refused."""
    OsKeyringProvider("veil/project").create()
    wrapped = opens_only_as_wrapped(open_provider(REF))
    for changed in flips(wrapped):
        with pytest.raises(UnwrapError):
            open_provider(REF).unwrap(changed, aad=AAD)

    assert len(bytes.fromhex(store.held["veil", "project"])) == 32


def test_another_key_in_its_place_does_not_open_it(store: Memory) -> None:
    """Whoever can write the entry cannot read what it wrapped before."""
    OsKeyringProvider("veil/project").create()
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    store.held["veil", "project"] = secrets.token_hex(32)

    with pytest.raises(UnwrapError):
        open_provider(REF).unwrap(wrapped, aad=AAD)


def test_create_never_overwrites(store: Memory) -> None:
    """The first key stays, whatever it is."""
    store.held["veil", "project"] = "of another program"
    with pytest.raises(ProviderError, match="never overwritten"):
        OsKeyringProvider("veil/project").create()

    assert store.held == {("veil", "project"): "of another program"}


def test_a_keyring_that_keeps_nothing_is_noticed(store: Memory) -> None:
    """Before anything is wrapped under a key that is gone, or believed to be."""
    OsKeyringProvider("veil/kept").create()
    store.forgets = True
    with pytest.raises(ProviderError, match="cannot be read back"):
        OsKeyringProvider("veil/project").create()

    with pytest.raises(ProviderError, match="cannot be deleted"):
        OsKeyringProvider("veil/kept").destroy()


def test_init_makes_a_key_once_and_takes_it_back(store: Memory) -> None:
    """What was there before stays."""
    first = prepare(REF)
    kept = dict(store.held)
    again = prepare(REF)
    again.undo()
    assert store.held == kept
    assert first.ref == again.ref == REF
    first.undo()

    assert store.held == {}


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_the_keyrings_of_the_systems_are_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """By the names that the library gives them; the libraries of each system bring the rest."""
    use(monkeypatch, Memory(name))
    OsKeyringProvider("veil/project").create()

    assert OsKeyringProvider("veil/project").exists()


@pytest.mark.parametrize("name", [
    "keyrings.alt.file.PlaintextKeyring", "keyrings.alt.file.EncryptedKeyring",
    "keyring.backends.null.Keyring", "keyring.backends.macOS.api.Keyring", "somebody.Keyring",
    "keyring.testing.backend.Keyring",
])  # fmt: skip
def test_what_is_not_known_to_encrypt_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Nothing is written to it, and nothing read from it."""
    backend = Memory(name)
    backend.held["veil", "project"] = secrets.token_hex(32)
    use(monkeypatch, backend)
    before = dict(backend.held)
    said = "switched off" if "null" in name else name
    for action in (OsKeyringProvider("veil/project").create, OsKeyringProvider("a/b").exists):
        with pytest.raises(ProviderError, match=said):
            action()
    with pytest.raises(ProviderError, match=said):
        open_provider(REF).wrap(MATERIAL, aad=AAD)

    assert backend.held == before


@pytest.mark.parametrize("backend", [null.Keyring, fail.Keyring])
def test_no_keyring_is_refused_with_the_other_providers(
    monkeypatch: pytest.MonkeyPatch, backend: type[KeyringBackend]
) -> None:
    """The library's own classes: one forgets what it is told, the other fails."""
    use(monkeypatch, backend())

    with pytest.raises(ProviderError, match="passphrase:"):
        open_provider(REF).wrap(MATERIAL, aad=AAD)


def test_a_chain_is_used_by_its_first_safe_link_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain itself would fall through to the one in clear."""
    plain = Memory("keyrings.alt.file.PlaintextKeyring")
    safe = Memory("keyring.backends.SecretService.Keyring")
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain, safe])
    use(monkeypatch, chainer.ChainerBackend())
    OsKeyringProvider("veil/project").create()
    assert plain.held == {}
    assert len(safe.held) == 1
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plain])
    with pytest.raises(ProviderError, match="PlaintextKeyring"):
        OsKeyringProvider("veil/project").create()
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [])

    with pytest.raises(ProviderError, match="switched off"):
        OsKeyringProvider("veil/project").create()


def test_a_back_end_that_cannot_be_loaded_is_a_provider_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As PYTHON_KEYRING_BACKEND may name anything."""

    def broken() -> KeyringBackend:
        raise ModuleNotFoundError("no such back-end")

    monkeypatch.setattr(keyring, "get_keyring", broken)

    with pytest.raises(ProviderError, match="PYTHON_KEYRING_BACKEND"):
        open_provider(REF).wrap(MATERIAL, aad=AAD)


def test_a_locked_keyring_is_a_provider_error(store: Memory) -> None:
    """Whichever error the back-end raises; its text, which may hold the entry, is not repeated."""
    OsKeyringProvider("veil/project").create()
    for failure in (KeyringLocked("entry 5ca1ab1e"), OSError("5ca1ab1e"), ValueError("5ca1ab1e")):
        store.failure = failure
        provider = OsKeyringProvider("veil/project")
        for action in (provider.create, provider.destroy, provider.exists):
            with pytest.raises(ProviderError, match="Unlock the keyring") as caught:
                action()

            assert "5ca1ab1e" not in shown_by(caught.value)


def test_a_keyring_lives_under_it_and_a_key_is_disabled_without_it(
    store: Memory, tmp_path: Path
) -> None:
    """Made, loaded, used, grown; where the OS keyring is locked, the emergency stop works."""
    OsKeyringProvider("veil/project").create()

    def cut() -> None:
        store.failure = KeyringLocked("locked")

    keyring_lives(tmp_path, REF, cut)

    assert store.held["veil", "project"] not in (tmp_path / "keyring.json").read_text()


def test_destroy_deletes_the_entry(store: Memory) -> None:
    """What it wrapped is lost, and a second time there is nothing to destroy."""
    provider = OsKeyringProvider("veil/project")
    provider.create()
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    provider.destroy()
    assert store.held == {}
    with pytest.raises(ProviderError, match="is missing"):
        provider.destroy()
    provider.create()

    with pytest.raises(UnwrapError):
        provider.unwrap(wrapped, aad=AAD)


def test_destroy_touches_no_entry_that_is_not_a_key(store: Memory) -> None:
    """A mistyped reference does not delete a password."""
    store.held["veil", "project"] = "hunter2"
    with pytest.raises(ProviderError, match="malformed"):
        OsKeyringProvider("veil/project").destroy()

    assert store.held["veil", "project"] == "hunter2"


@pytest.mark.parametrize("text", ["", "hunter2-hunter2", "00" * 32, "ab" * 31])
def test_an_entry_that_is_no_key_is_refused_without_showing_it(store: Memory, text: str) -> None:
    """Not even a part of what may be a password shows."""
    store.held["veil", "project"] = text
    with pytest.raises(ProviderError, match=r"malformed|not random") as caught:
        open_provider(REF).wrap(MATERIAL, aad=AAD)

    assert not text or text not in shown_by(caught.value)


@pytest.mark.parametrize("place", [
    "", "veil", "/name", "veil/", "veil/a/b", "ve il/a", "veil/ä", "veil/a\n", "-x/y",
    "x" * 101 + "/y",
])  # fmt: skip
def test_a_malformed_reference_is_refused_and_not_repeated(place: str) -> None:
    """It may be a password, pasted in the wrong place."""
    with pytest.raises(ProviderError, match="needs a service and a name") as caught:
        open_provider(f"keyring:{place}")

    assert len(place) < 8 or place not in str(caught.value)


def test_the_key_does_not_show(store: Memory) -> None:
    """Not in a message, a `repr`, or the local variables of a traceback."""
    provider = OsKeyringProvider("veil/project")
    provider.create()
    key = store.held["veil", "project"]
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    shown = [repr(provider), repr(vars(provider)), provider.describe()]
    with pytest.raises(UnwrapError) as caught:
        provider.unwrap(wrapped, aad=b"other")
    shown.append(shown_by(caught.value))
    with pytest.raises(ProviderError) as exists:
        provider.create()
    shown.append(shown_by(exists.value))
    store.forgets = True
    with pytest.raises(ProviderError) as kept:
        provider.destroy()
    shown.append(shown_by(kept.value))
    store.held.clear()
    with pytest.raises(ProviderError) as missing:
        provider.wrap(MATERIAL, aad=AAD)
    shown.append(shown_by(missing.value))
    hidden = [*spellings(bytes.fromhex(key)), *spellings(MATERIAL)]

    assert [text for text in hidden for page in shown if text in page] == []


def test_the_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be pasted."""
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ProviderError, match=r"pip install 'dbt-veil\[os-keyring\]'"):
        open_provider(REF).wrap(MATERIAL, aad=AAD)
