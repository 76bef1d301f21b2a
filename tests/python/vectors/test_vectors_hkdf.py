"""HKDF-SHA256 against RFC 5869, read from `cryptography_vectors`, and veil's use of it."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vectors.reader import read_cases
from veil.keys.derive import derive

CASES = read_cases("KDF/rfc-5869-HKDF-SHA256.txt")


def reference_hkdf(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 written from RFC 5869 section 2 with the standard library alone."""
    key = hmac.digest(salt or bytes(32), material, "sha256")
    block, output = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def test_the_vectors_are_there() -> None:
    """An empty or half-read file would make the tests below pass for nothing."""

    assert len(CASES) == 3


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_cryptography_and_the_reference_give_the_rfc_5869_key(case: dict[str, str]) -> None:
    """The library that veil uses, and the reference of the next test, give the published key."""
    material, length = bytes.fromhex(case["ikm"]), int(case["l"])
    salt, info = bytes.fromhex(case["salt"]), bytes.fromhex(case["info"])
    kdf = HKDF(algorithm=SHA256(), length=length, salt=salt, info=info)

    assert kdf.derive(material).hex() == case["okm"]
    assert reference_hkdf(material, salt=salt, info=info, length=length).hex() == case["okm"]


@pytest.mark.parametrize("material", [bytes(range(32)), b"\xff" * 32])
def test_derive_is_hkdf_over_the_length_prefixed_names(material: bytes) -> None:
    """The sub-key equals the RFC's construction with the info spelled out byte by byte."""
    info = b"\0\0\0\x0eveil-derive-v1\0\0\0\x09pseudonym\0\0\0\x06person\0\0\0\x03mac"

    assert derive(material, purpose="pseudonym", domain="person", use="mac") == reference_hkdf(
        material, salt=b"", info=info, length=32
    )
