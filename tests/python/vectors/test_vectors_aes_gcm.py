"""AES-256-GCM against NIST's CAVS 14.0 vectors, read from `cryptography_vectors`.

The cases are those of veil's own shape: 96-bit nonce, 128-bit tag, 32 bytes of plaintext.
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vectors.reader import read_cases
from veil.keys.envelope import VERSION, unwrap
from veil.keys.errors import UnwrapError

FOLDER = "ciphers/AES/GCM/"


def cases_of_our_shape(filename: str) -> list[dict[str, str]]:
    """Return the cases whose nonce, tag and plaintext have the lengths that veil uses."""
    wanted = {"ivlen": "96", "taglen": "128", "ptlen": "256"}
    return [case for case in read_cases(FOLDER + filename) if wanted.items() <= case.items()]


ENCRYPT = cases_of_our_shape("gcmEncryptExtIV256.rsp")
DECRYPT = cases_of_our_shape("gcmDecrypt256.rsp")


def wrapped_of(case: dict[str, str]) -> bytes:
    """Return nonce, ciphertext and tag in veil's order, after its version byte."""
    return VERSION + bytes.fromhex(case["iv"] + case["ct"] + case["tag"])


def test_the_vectors_are_there() -> None:
    """75 cases each (five lengths of additional data), some of the second to be refused."""
    refused = [case for case in DECRYPT if "fail" in case]

    assert len(ENCRYPT) == len(DECRYPT) == 75
    assert 20 < len(refused) < 60


def test_cryptography_encrypts_as_nist_says() -> None:
    """The library that veil uses gives the published ciphertext and tag."""
    for case in ENCRYPT:
        key, iv, plain, aad = (bytes.fromhex(case[name]) for name in ("key", "iv", "pt", "aad"))

        assert AESGCM(key).encrypt(iv, plain, aad).hex() == case["ct"] + case["tag"]


@pytest.mark.parametrize("cases", [ENCRYPT, DECRYPT], ids=["encrypt", "decrypt"])
def test_unwrap_opens_what_nist_sealed(cases: list[dict[str, str]]) -> None:
    """veil's own `unwrap` returns the published plaintext."""
    for case in cases:
        if "fail" in case:
            continue
        opened = unwrap(
            bytes.fromhex(case["key"]), wrapped_of(case), aad=bytes.fromhex(case["aad"])
        )

        assert opened.hex() == case["pt"]


def test_unwrap_refuses_what_nist_says_must_fail() -> None:
    """Every case marked FAIL is refused, and only by the error that says so."""
    for case in DECRYPT:
        if "fail" not in case:
            continue

        with pytest.raises(UnwrapError):
            unwrap(bytes.fromhex(case["key"]), wrapped_of(case), aad=bytes.fromhex(case["aad"]))
