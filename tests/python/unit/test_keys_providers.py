"""Providers of the key-encryption key: strict about place and form, silent about the key."""

from __future__ import annotations

import base64
import secrets
import stat
import threading
from pathlib import Path

import pytest
from keys_support import spellings

from veil.errors import EXIT_CANNOT_RUN, VeilError
from veil.keys import (
    EnvProvider,
    KekProvider,
    LocalFileProvider,
    ProviderError,
    UnwrapError,
    open_provider,
)

NAME = "DBT_ENV_SECRET_TEST_KEK"
MATERIAL = bytes(range(32))


def new_file(folder: Path) -> tuple[LocalFileProvider, Path]:
    """Make a key-encryption key in a private folder."""
    path = folder / "private" / "kek"
    provider = LocalFileProvider(str(path))
    provider.create()
    return provider, path


def test_a_local_file_key_wraps_and_opens(tmp_path: Path) -> None:
    """A provider opened again by its URI opens what the first one wrapped."""
    provider, path = new_file(tmp_path)
    wrapped = provider.wrap(MATERIAL, aad=b"entry")

    assert open_provider(f"file:{path}").unwrap(wrapped, aad=b"entry") == MATERIAL


def test_a_created_key_file_is_64_hex_characters_and_private(tmp_path: Path) -> None:
    """Form and modes, and two keys differ."""
    _, path = new_file(tmp_path)
    _, other = new_file(tmp_path / "other")

    assert len(bytes.fromhex(path.read_text())) == 32
    assert path.read_text().endswith("\n")
    assert path.stat().st_size == 65
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes() != other.read_bytes()


def test_create_never_overwrites(tmp_path: Path) -> None:
    """The first key stays, to the byte."""
    provider, path = new_file(tmp_path)
    before = path.read_bytes()
    with pytest.raises(VeilError, match="never overwritten"):
        provider.create()

    assert path.read_bytes() == before


def test_of_many_creators_at_once_exactly_one_wins(tmp_path: Path) -> None:
    """No creator ever sees its key replaced by another's."""
    place = str(tmp_path / "private" / "kek")
    won: list[bytes] = []

    def create() -> None:
        try:
            LocalFileProvider(place).create()
        except VeilError:
            return
        won.append(Path(place).read_bytes())

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won == [Path(place).read_bytes()]


def test_a_path_may_begin_with_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reference with `~` is the same for every user of the project and names no machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    LocalFileProvider("~/private/kek").create()

    assert (tmp_path / "private" / "kek").exists()
    assert str(tmp_path) not in LocalFileProvider("~/private/kek").describe()


@pytest.mark.parametrize("place", ["", "kek", "./kek", "../kek", "~other/kek", "~", "/a\nb"])
def test_a_relative_or_odd_path_is_refused(place: str) -> None:
    """It would name another key in another working folder."""
    with pytest.raises(ProviderError, match="begins with `/` or `~/`"):
        open_provider(f"file:{place}")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_file_open_to_others_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    """The remedy can be pasted."""
    provider, path = new_file(tmp_path)
    path.chmod(mode)

    with pytest.raises(ProviderError, match=f"chmod 600 '{path}'"):
        provider.wrap(MATERIAL, aad=b"")


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o755])
def test_a_key_folder_open_to_others_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    """Who can enter or write the folder could swap the file."""
    provider, path = new_file(tmp_path)
    path.parent.chmod(mode)

    with pytest.raises(ProviderError, match=f"chmod 700 '{path.parent}'"):
        provider.wrap(MATERIAL, aad=b"")


def test_a_missing_key_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """Missing file and missing folder alike: restoring comes first, and nothing is removed."""
    for place in (tmp_path / "kek", tmp_path / "no" / "kek"):
        with pytest.raises(ProviderError, match="is missing") as caught:
            LocalFileProvider(str(place)).wrap(MATERIAL, aad=b"")
        remedy = caught.value.remedy

        assert caught.value.exit_code == EXIT_CANNOT_RUN
        assert 0 < remedy.find("restore") < remedy.find("docs/runbooks/lost-keyring.md")
        assert "warehouse/" not in remedy and "--after-loss" not in remedy


def test_a_link_or_a_folder_in_place_of_the_key_file_is_refused(tmp_path: Path) -> None:
    """The key is read from the file itself."""
    provider, path = new_file(tmp_path)
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(ProviderError, match="symbolic link"):
        provider.wrap(MATERIAL, aad=b"")
    path.unlink()
    path.mkdir(mode=0o700)

    with pytest.raises(ProviderError, match=r"not a regular file|folder stands"):
        provider.wrap(MATERIAL, aad=b"")


def test_folders_that_link_in_a_circle_are_refused(tmp_path: Path) -> None:
    """A message, not a traceback."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(ProviderError):
        LocalFileProvider(str(tmp_path / "a" / "kek")).wrap(MATERIAL, aad=b"")


@pytest.mark.parametrize("cut", [0, 1, 32, 63, 64])
def test_a_truncated_key_file_is_refused(tmp_path: Path, cut: int) -> None:
    """Also when only the newline is missing."""
    provider, path = new_file(tmp_path)
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(ProviderError, match="malformed"):
        provider.wrap(MATERIAL, aad=b"")


@pytest.mark.parametrize("text", ["g" * 64 + "\n", "0" * 65, "\n" * 65, "é" * 32 + "\n"])
def test_a_malformed_key_file_is_refused(tmp_path: Path, text: str) -> None:
    """No guess is made at what was meant."""
    provider, path = new_file(tmp_path)
    path.write_text(text)

    with pytest.raises(ProviderError, match="malformed"):
        provider.wrap(MATERIAL, aad=b"")


def test_a_longer_key_file_is_refused(tmp_path: Path) -> None:
    """A trailing byte is not ignored."""
    provider, path = new_file(tmp_path)
    path.write_bytes(path.read_bytes() + b"\n")

    with pytest.raises(ProviderError, match="longer than 65 bytes"):
        provider.wrap(MATERIAL, aad=b"")


def test_destroy_removes_the_file_and_what_it_wrapped_is_lost(tmp_path: Path) -> None:
    """A new key at the same place does not open the old material."""
    provider, path = new_file(tmp_path)
    wrapped = provider.wrap(MATERIAL, aad=b"")
    provider.destroy()
    assert not path.exists()
    provider.create()

    with pytest.raises(UnwrapError):
        provider.unwrap(wrapped, aad=b"")


def test_destroy_overwrites_the_bytes_before_it_removes_the_name(tmp_path: Path) -> None:
    """A second name of the same file holds another key afterwards."""
    provider, path = new_file(tmp_path)
    before = path.read_bytes()
    path.with_name("second").hardlink_to(path)
    provider.destroy()

    assert path.with_name("second").read_bytes() != before


def test_destroy_touches_no_file_that_is_not_a_key(tmp_path: Path) -> None:
    """A mistyped reference does not shred a letter."""
    path = tmp_path / "letter"
    path.write_text("dear all")
    path.chmod(0o600)
    with pytest.raises(ProviderError):
        LocalFileProvider(str(path)).destroy()

    assert path.read_text() == "dear all"


def test_destroying_a_missing_key_is_refused(tmp_path: Path) -> None:
    """Nobody should believe that a key was destroyed that was never there."""
    with pytest.raises(ProviderError, match="is missing"):
        LocalFileProvider(str(tmp_path / "kek")).destroy()


def test_every_spelling_of_an_environment_key_is_the_same_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hexadecimal in either case, base64 in either alphabet, with a newline around."""
    key = bytes(range(224, 256))
    monkeypatch.setenv(NAME, key.hex())
    wrapped = open_provider(f"env:{NAME}").wrap(MATERIAL, aad=b"")
    spelled = [
        key.hex().upper(),
        base64.b64encode(key).decode(),
        base64.urlsafe_b64encode(key).decode(),
        f" {key.hex()}\n",
    ]

    for text in spelled:
        monkeypatch.setenv(NAME, text)
        assert open_provider(f"env:{NAME}").unwrap(wrapped, aad=b"") == MATERIAL


@pytest.mark.parametrize(
    "name",
    ["", "KEK", "DBT_ENV_SECRET_", "DBT_ENV_SECRET", "dbt_env_secret_KEK", "XDBT_ENV_SECRET_KEK",
     "DBT_ENV_SECRET_kek", "DBT_ENV_SECRET_KEK ", "DBT_ENV_CUSTOM_ENV_KEK", "DBT_ENV_SECRET_A\n"],
)  # fmt: skip
def test_a_variable_that_dbt_does_not_keep_secret_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any model could print it, so veil does not read it even if it is set."""
    if name and "\n" not in name:
        monkeypatch.setenv(name, secrets.token_hex(32))

    with pytest.raises(ProviderError, match="DBT_ENV_SECRET_"):
        open_provider(f"env:{name}")


def test_an_unset_or_empty_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is no secret, and the remedy says how to make a key."""
    for value in (None, "", "  \n"):
        if value is None:
            monkeypatch.delenv(NAME, raising=False)
        else:
            monkeypatch.setenv(NAME, value)

        with pytest.raises(ProviderError, match=f"{NAME}` is not set.*openssl"):
            EnvProvider(NAME).wrap(MATERIAL, aad=b"")


@pytest.mark.parametrize(
    "value",
    [
        "hunter2-hunter2",
        secrets.token_hex(31),
        secrets.token_hex(33),
        base64.b64encode(secrets.token_bytes(31)).decode(),
        base64.b64encode(secrets.token_bytes(33)).decode(),
        base64.b64encode(secrets.token_bytes(32)).decode().rstrip("="),
        "é" * 44,
    ],
    ids=["password", "hex31", "hex33", "base64-31", "base64-33", "unpadded", "unicode"],
)
def test_a_malformed_variable_is_refused_without_its_value(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a part of what may be a password shows."""
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ProviderError, match="malformed") as caught:
        EnvProvider(NAME).wrap(MATERIAL, aad=b"")

    assert value[:6] not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("key", [bytes(32), b"\xab" * 32, b"0123456789abcde" * 2 + b"00"])
def test_a_key_that_nobody_drew_at_random_is_refused(
    key: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Zeros and other placeholders from a template protect nothing."""
    monkeypatch.setenv(NAME, key.hex())
    provider, path = new_file(tmp_path)
    path.write_text(key.hex() + "\n")

    with pytest.raises(ProviderError, match="not random"):
        EnvProvider(NAME).wrap(MATERIAL, aad=b"")
    with pytest.raises(ProviderError, match="not random"):
        provider.wrap(MATERIAL, aad=b"")


def test_an_environment_key_cannot_be_destroyed_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saying so is better than pretending."""
    monkeypatch.setenv(NAME, secrets.token_hex(32))

    with pytest.raises(ProviderError, match="secret store"):
        EnvProvider(NAME).destroy()


@pytest.mark.parametrize("ref", ["", "azure", "http://x/y", "FILE:/a", "5ca1ab1e" * 8])
def test_an_unknown_scheme_is_refused_with_the_list_and_not_repeated(ref: str) -> None:
    """A key pasted in place of a reference does not reach a log."""
    with pytest.raises(ProviderError, match=r"Begin it with one of: file:, env:") as caught:
        open_provider(ref)

    assert not ref or ref not in str(caught.value)


def test_no_provider_shows_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`repr`, `str`, `describe` and the attributes name the place alone."""
    key = secrets.token_bytes(32)
    monkeypatch.setenv(NAME, key.hex())
    file, path = new_file(tmp_path)
    path.write_text(key.hex() + "\n")
    providers: list[KekProvider] = [file, EnvProvider(NAME)]
    for provider in providers:
        provider.wrap(MATERIAL, aad=b"")
        shown = f"{provider!r} {provider} {provider.describe()} {vars(provider)}"

        assert NAME in shown or str(path) in shown
        assert not any(text in shown for text in spellings(key))
