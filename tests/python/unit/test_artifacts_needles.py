"""Key material is found in every usual spelling, and nothing else is taken for it."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import random
import secrets
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from keys_support import new_ring

from veil.artifacts import KeySearch, Secret
from veil.artifacts.keys import secrets_of
from veil.keys import Status

KEY = random.Random(7).randbytes(32)
Spelling = Callable[[bytes], bytes]


def _text(spell: Callable[[bytes], str]) -> Spelling:
    return lambda key: spell(key).encode()


# Spelled with the standard library alone, not with the module under test.
SPELLINGS: dict[str, Spelling] = {
    "raw": lambda key: key,
    "raw in UTF-8": _text(lambda key: key.decode("latin-1")),
    "hex": binascii.hexlify,
    "hex, upper case": lambda key: binascii.hexlify(key).upper(),
    "hex with colons": lambda key: binascii.hexlify(key, ":"),
    "hex in blocks": lambda key: binascii.hexlify(key, " ", 4),
    "hex dump over lines": lambda key: binascii.hexlify(key, "\n", 16),
    "hex in UTF-16": lambda key: key.hex().encode("utf-16-le"),
    "C array": _text(lambda key: ", ".join(f"0x{byte:02X}" for byte in key)),
    "backslash x": _text(lambda key: "".join(f"\\x{byte:02x}" for byte in key)),
    "backslash u": _text(lambda key: "".join(f"\\u{byte:04x}" for byte in key)),
    "SQL blob": _text(lambda key: f"'\\x{key.hex().upper()}'::blob"),
    "base64": base64.b64encode,
    "base64, one byte before": lambda key: base64.b64encode(b"k" + key + b"end"),
    "base64, two bytes before": lambda key: base64.b64encode(b"k=" + key + b"!"),
    "base64 without padding": lambda key: base64.b64encode(key).rstrip(b"="),
    "base64 for URLs": base64.urlsafe_b64encode,
    "base64 over lines": lambda key: codecs.encode(b"0123456789" * 5 + key, "base64"),
    "base32": base64.b32encode,
    "base32, lower case": lambda key: base64.b32encode(b"abc" + key).lower(),
    "list of numbers": _text(lambda key: str(list(key))),
    "list without spaces": _text(lambda key: json.dumps(list(key), separators=(",", ":"))),
    "list over lines": _text(lambda key: json.dumps({"k": list(key)}, indent=4)),
    "bytes repr": _text(repr),
    "text repr": _text(lambda key: repr(key.decode("latin-1"))),
    "JSON string": _text(lambda key: json.dumps(key.decode("latin-1"))),
    "percent-encoded": _text(urllib.parse.quote_from_bytes),
    "first half": lambda key: key[:16].hex().encode(),
    "second half": lambda key: base64.b64encode(key[16:]),
}


def _search(key: bytes = KEY) -> KeySearch:
    return KeySearch([Secret("zone key", key)])


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 5, 1000])
def test_key_is_found(spelling: str, offset: int) -> None:
    """Whatever stands before it, and however it is written."""
    text = (b"17 key: x" * 200)[:offset] + b"'" + SPELLINGS[spelling](KEY) + b"' and more 12"

    assert {name for name, _ in _search().search(text)} == {"zone key"}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_key_is_not(spelling: str) -> None:
    """A key that is not the project's is none of the scanner's business."""
    assert _search().search(SPELLINGS[spelling](secrets.token_bytes(32))) == set()


@pytest.mark.parametrize("seed", range(20))
def test_random_keys_are_found(seed: int) -> None:
    """Not only the one key of the other tests: bytes that print and bytes that do not."""
    draw = random.Random(seed)
    key = bytes(draw.choice(b'aZ9"\\\n\t +/%\x00\xff\xe9') for _ in range(32))

    assert all(_search(key).search(b"x" + spell(key) + b"x") for spell in SPELLINGS.values())


def test_random_bytes_hold_no_key() -> None:
    """Two megabytes of noise raise nothing (false-alarm probability below 1e-20)."""
    assert _search().search(secrets.token_bytes(2 << 20)) == set()


def test_secret_shows_nothing() -> None:
    """A secret's repr, in a traceback for example, holds no material."""
    shown = repr(Secret("zone key", KEY))

    assert "zone key" in shown
    assert _search().search(shown.encode()) == set()


def test_every_usable_key_is_looked_for(tmp_path: Path) -> None:
    """Material and sub-keys of each entry, pending and active ones too; not disabled ones."""
    purposes = (("zone", "marts"), ("pseudonym", "*"), ("perturbation", "*"), ("receipt", "*"))
    ring, _vault, _path = new_ring(tmp_path, *purposes)
    gone = ring.add("audit", "*")
    ring.set_status(gone.kid, Status.DISABLED)
    found = {one.data for one in secrets_of(ring, domains=("person",), uses=("noise-a",))}

    assert ring.material(ring.primary("zone", "marts")) in found
    assert ring.subkey("zone", "marts", "duckdb")[1] in found
    assert ring.subkey("pseudonym", "person", "mac")[1] in found
    assert ring.subkey("perturbation", "person", "noise-a")[1] in found
    assert ring.subkey("receipt", "*", "mac")[1] in found
    assert not any(gone.kid in one.name for one in secrets_of(ring))


def test_key_encryption_key_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key above all others, where it comes out of the environment."""
    ring, _vault, _path = new_ring(tmp_path, ("zone", "marts"))
    monkeypatch.setenv("DBT_ENV_SECRET_TEST_KEK", KEY.hex())

    assert KEY in {one.data for one in secrets_of(ring)}
