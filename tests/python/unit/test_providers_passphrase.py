"""The provider for a passphrase: a cost that cannot be lowered, and nothing that shows it."""

from __future__ import annotations

import secrets
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from keys_support import spellings

from provider_cases import AAD, MATERIAL, flips, keyring_lives, opens_only_as_wrapped, shown_by
from veil.keys import ProviderError, UnwrapError, open_provider
from veil.keys.providers import PassphraseProvider, passphrase
from veil.keys.providers.first_use import prepare
from veil.keys.providers.passphrase import Cost, argon2id, new_reference

NAME = "DBT_ENV_SECRET_TEST_PASSPHRASE"
PHRASE = "gravel tundra Öl mosaic 7 lantern quiver"
SALT = "0123456789abcdef0fedcba987654321"
REF = f"passphrase:{NAME}?salt={SALT}&memory=64&time=3&lanes=4"


@pytest.fixture(autouse=True)
def phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passphrase in its variable, and no key derived yet."""
    monkeypatch.setenv(NAME, PHRASE)
    passphrase.DERIVED.clear()


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The memory of each derivation, in KiB; the derivation itself is made cheap."""
    seen: list[int] = []
    real = argon2id

    def cheap(password: bytes, **given: object) -> bytes:
        seen.append(int(str(given["memory_kib"])))
        return real(password, **{**given, "memory_kib": 64, "time": 1})  # type: ignore[arg-type]

    monkeypatch.setattr(passphrase, "argon2id", cheap)
    return seen


def vectors() -> list[dict[str, str]]:
    """The Argon2id vectors of cryptography-vectors, the first of them from RFC 9106."""
    file = Path(cryptography_vectors.__file__).parent / "KDF" / "argon2id.txt"
    cases: list[dict[str, str]] = []
    for line in file.read_text().splitlines():
        name, equals, value = line.partition("=")
        if name.strip() == "COUNT":
            cases.append({})
        elif equals and not line.startswith("#"):
            cases[-1][name.strip()] = value.strip()
    return cases


def derived_by(case: dict[str, str]) -> str:
    """What veil derives from the input of a vector, in hexadecimal."""
    return argon2id(
        bytes.fromhex(case["pass"]),
        salt=bytes.fromhex(case["salt"]),
        memory_kib=int(case["memcost"]),
        time=int(case["iter"]),
        lanes=int(case["lanes"]),
        length=int(case["length"]),
        ad=bytes.fromhex(case["ad"]) if "ad" in case else None,
        secret=bytes.fromhex(case["secret"]) if "secret" in case else None,
    ).hex()


def test_rfc_9106_is_met() -> None:
    """Section 5.3, written out here, so that nothing hangs on how a file is read."""
    tag = argon2id(
        b"\x01" * 32,
        salt=b"\x02" * 16,
        memory_kib=32,
        time=3,
        lanes=4,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    )

    assert tag.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


def test_the_vectors_of_cryptography_are_met() -> None:
    """Every one that takes less than 300 MB, the command line tool's among them."""
    cases = [case for case in vectors() if "pass" in case and int(case["memcost"]) < 300_000]
    assert len(cases) >= 4

    assert [case for case in cases if derived_by(case) != case["output"]] == []


def test_the_key_is_argon2id_of_exactly_what_the_reference_says(tmp_path: Path) -> None:
    """Memory in MiB, the text in NFC and UTF-8, and a label of its own: fixed for good."""
    key = argon2id(
        PHRASE.encode(),
        salt=bytes.fromhex(SALT),
        memory_kib=64 * 1024,
        time=3,
        lanes=4,
        ad=b"veil-passphrase-v1",
    )
    held = open_provider(REF)._kek()  # type: ignore[attr-defined]

    assert held == key
    assert key.hex() == "f571a975514dbf587f28a14d9b14a0adb8ad460a3abf564b9c716500d61b9310"


def test_it_opens_what_it_wrapped_and_nothing_else() -> None:
    """With the true cost; every changed byte is refused too."""
    provider = open_provider(REF)
    wrapped = opens_only_as_wrapped(provider)
    for changed in flips(wrapped):
        with pytest.raises(UnwrapError):
            provider.unwrap(changed, aad=AAD)

    assert provider.unwrap(wrapped, aad=AAD) == MATERIAL


@pytest.mark.parametrize("change", [
    (SALT, SALT.replace("0", "1")), ("memory=64", "memory=65"), ("time=3", "time=4"),
    ("lanes=4", "lanes=3"),
])  # fmt: skip
def test_every_part_of_the_reference_is_part_of_the_key(change: tuple[str, str]) -> None:
    """A reference edited in the keyring opens nothing."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)

    with pytest.raises(UnwrapError):
        open_provider(REF.replace(*change)).unwrap(wrapped, aad=AAD)


def test_another_passphrase_does_not_open_it(
    monkeypatch: pytest.MonkeyPatch, derivations: list[int]
) -> None:
    """Not even within the process that derived the first one's key."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    monkeypatch.setenv(NAME, PHRASE + "s")

    with pytest.raises(UnwrapError):
        open_provider(REF).unwrap(wrapped, aad=AAD)


@pytest.mark.parametrize("text", [PHRASE + "\n", "  " + PHRASE, PHRASE.replace("Ö", "O\u0308")])
def test_every_spelling_of_a_passphrase_is_the_same_one(
    monkeypatch: pytest.MonkeyPatch, derivations: list[int], text: str
) -> None:
    """A trailing newline of a secret store, and the two ways to write an umlaut."""
    wrapped = open_provider(REF).wrap(MATERIAL, aad=AAD)
    monkeypatch.setenv(NAME, text)

    assert open_provider(REF).unwrap(wrapped, aad=AAD) == MATERIAL


def test_a_keyring_costs_one_derivation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, derivations: list[int]
) -> None:
    """Made, loaded, used, grown; without the passphrase the emergency stop works."""

    def cut() -> None:
        monkeypatch.delenv(NAME)

    keyring_lives(tmp_path, REF, cut)

    assert derivations == [64 * 1024]


def test_init_makes_a_reference_with_a_salt_of_its_own() -> None:
    """16 random bytes and the least cost, which are then part of the keyring."""
    first, second = prepare(f"passphrase:{NAME}").ref, prepare(f"passphrase:{NAME}").ref
    assert first != second
    assert first.endswith("&memory=64&time=3&lanes=4")

    assert prepare(first).ref == first
    assert isinstance(open_provider(first), PassphraseProvider)


def test_a_higher_cost_is_taken(derivations: list[int]) -> None:
    """Up to 4 GiB."""
    open_provider(new_reference(NAME, cost=Cost(memory=4096))).wrap(MATERIAL, aad=AAD)

    assert derivations == [4096 * 1024]


@pytest.mark.parametrize("cost", [
    Cost(memory=63), Cost(memory=4097), Cost(memory=65536), Cost(time=2), Cost(time=65),
    Cost(lanes=65),
])  # fmt: skip
def test_a_cost_too_low_or_too_high_is_refused(cost: Cost) -> None:
    """Below the second option of RFC 9106; above what a machine should be held up with."""
    text = f"{NAME}?salt={SALT}&memory={cost.memory}&time={cost.time}&lanes={cost.lanes}"

    with pytest.raises(ProviderError, match="too low or too high"):
        new_reference(NAME, cost=cost)
    with pytest.raises(ProviderError, match="too low or too high"):
        open_provider(f"passphrase:{text}")


@pytest.mark.parametrize("text", [
    "", "   ", "short", "x" * 40, "correct horse battery"[:19], "password" * 5, "0123456789" * 4,
    "correct-horse" * 3, "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
    "aaaaaaaaaabbbbbbbbbbbcc", "Tr0ub4dor&3x" * 3, "31415926535897932384", "\udcff" * 30,
])  # fmt: skip
def test_a_passphrase_that_is_easy_to_guess_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, derivations: list[int], text: str
) -> None:
    """Short, repeated, counted up or down, or no text; nothing is derived from it."""
    monkeypatch.setattr(passphrase.os, "environ", {NAME: text})
    with pytest.raises(ProviderError, match=r"is not set|too easy to guess|UTF-8") as caught:
        open_provider(REF).wrap(MATERIAL, aad=AAD)

    assert derivations == []
    assert not text.strip() or text not in shown_by(caught.value)


def test_passphrases_of_a_generator_are_taken() -> None:
    """Base64, hexadecimal and drawn words; a false alarm is rarer than once in 10^6 draws."""
    words = ["otter", "violin", "crater", "maple", "ember", "walnut", "fjord", "candle"]
    texts = []
    for _ in range(200):
        texts += [secrets.token_urlsafe(18), secrets.token_hex(20)]
        texts.append(" ".join(secrets.SystemRandom().sample(words, 7)))

    assert [text for text in texts if passphrase._is_weak(text)] == []


@pytest.mark.parametrize("place", [
    "", NAME, f"{NAME}?", f"PASSPHRASE?salt={SALT}&memory=64&time=3&lanes=4",
    f"{NAME}?salt=&memory=64&time=3&lanes=4", f"{NAME}?salt={SALT[:30]}&memory=64&time=3&lanes=4",
    f"{NAME}?salt={SALT.upper()}&memory=64&time=3&lanes=4", f"{NAME}?salt={SALT}&memory=64&time=3",
    f"{NAME}?salt={SALT}&memory=64&time=3&lanes=0", f"{NAME}?salt={SALT}&memory=064&time=3&lanes=4",
    f"{NAME}?memory=64&salt={SALT}&time=3&lanes=4", f"{NAME}?salt={SALT}&memory=٦٤&time=3&lanes=4",
    "my real passphrase which nobody may see",
])  # fmt: skip
def test_a_malformed_reference_is_refused_and_not_repeated(place: str) -> None:
    """One spelling; and it may be the passphrase, pasted in the wrong place."""
    with pytest.raises(ProviderError, match="malformed") as caught:
        open_provider(f"passphrase:{place}")

    assert not place or place not in str(caught.value)


def test_a_salt_that_nobody_drew_is_refused() -> None:
    """Zeros from a template would let one table of guesses serve for every project."""
    with pytest.raises(ProviderError, match="not random"):
        open_provider(REF.replace(SALT, "00" * 16))


def test_a_name_that_dbt_does_not_keep_secret_gets_no_reference() -> None:
    """A model could print it."""
    with pytest.raises(ProviderError, match="DBT_ENV_SECRET_"):
        new_reference("MY_PASSPHRASE")


@pytest.mark.parametrize(("failure", "says"), [
    (MemoryError(), "64 MiB are needed"), (UnsupportedAlgorithm("Argon2id"), "no Argon2id"),
])  # fmt: skip
def test_a_machine_that_cannot_derive_says_so(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, says: str
) -> None:
    """A small container, or an old OpenSSL."""

    def fail(*args: object, **given: object) -> bytes:
        raise failure

    monkeypatch.setattr(passphrase, "argon2id", fail)

    with pytest.raises(ProviderError, match=says):
        open_provider(REF).wrap(MATERIAL, aad=AAD)


def test_it_cannot_be_destroyed_from_here() -> None:
    """Saying so is better than pretending."""
    with pytest.raises(ProviderError, match="wherever it is written down"):
        open_provider(REF).destroy()


def test_neither_passphrase_nor_key_shows(derivations: list[int]) -> None:
    """Not in a message, a `repr`, the local variables of a traceback, or the cache."""
    provider = open_provider(REF)
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    key = provider._kek()  # type: ignore[attr-defined]
    with pytest.raises(UnwrapError) as caught:
        provider.unwrap(wrapped, aad=b"other")
    shown = f"{shown_by(caught.value)} {provider!r} {provider.describe()} {vars(provider)}"
    shown += repr(passphrase.DERIVED) + repr(vars(passphrase))

    assert [text for text in [PHRASE, *spellings(key), *spellings(MATERIAL)] if text in shown] == []
