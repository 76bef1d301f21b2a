"""HMAC-SHA256 against RFC 4231, read from `cryptography_vectors`."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from vectors.reader import read_cases

CASES = read_cases("HMAC/rfc-4231-sha256.txt")


def test_the_vectors_are_there() -> None:
    """An empty or half-read file would make the tests below pass for nothing."""

    assert len(CASES) == 6


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_standard_library_and_cryptography_give_the_rfc_4231_digest(
    case: dict[str, str],
) -> None:
    """Both implementations that veil uses give the published MAC."""
    key, message = bytes.fromhex(case["key"]), bytes.fromhex(case["msg"])
    other = HMAC(key, SHA256())
    other.update(message)

    assert hmac.digest(key, message, "sha256").hex() == case["md"]
    assert hmac.new(key, message, "sha256").hexdigest() == case["md"]
    assert other.finalize().hex() == case["md"]
