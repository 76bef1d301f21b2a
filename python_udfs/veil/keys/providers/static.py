"""What providers share that hold the key-encryption key itself: its text form, and wrapping."""

from __future__ import annotations

import base64
import binascii
import re
from abc import ABC, abstractmethod

from veil.keys import envelope
from veil.keys.errors import KeyringError, ProviderError

_HEX = re.compile(r"[0-9a-fA-F]{64}")
# 32 random bytes have fewer than 16 distinct values about once in 10^15 keys.
_LEAST_DISTINCT = 16


class StaticKek(ABC):
    """Wraps under a key that is read anew at each use, so that no object ever holds it."""

    @abstractmethod
    def _kek(self) -> bytes:
        """Return the 32 bytes; ProviderError when they are not to be had."""

    def searched(self) -> bytes:
        """Give the key to the one who searches files for it, and to nobody else."""
        return self._kek()

    def wrap(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Encrypt 32 bytes of material, bound to `aad`."""
        try:
            return envelope.wrap(self._kek(), plaintext, aad=aad)
        except KeyringError as error:
            failure = _raised_anew(error)
        del plaintext
        raise failure

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        """Decrypt; UnwrapError for another key or other `aad`."""
        try:
            return envelope.unwrap(self._kek(), wrapped, aad=aad)
        except KeyringError as error:
            failure = _raised_anew(error)
        raise failure


def _raised_anew(error: KeyringError) -> KeyringError:
    """Return the error without where it came from: those frames hold the key as a local variable,
    and some tools print the local variables of a traceback.
    """
    return type(error)(error.message, remedy=error.remedy)


def parse_hex(text: str, *, where: str) -> bytes:
    """Read a key from 64 hexadecimal characters; `where` names its place in the error."""
    if not _HEX.fullmatch(text):
        raise _malformed(where, "64 hexadecimal characters")
    return _check_random(bytes.fromhex(text), where=where)


def parse_hex_or_base64(text: str, *, where: str) -> bytes:
    """Read a key from 64 hexadecimal or 44 base64 characters (either alphabet)."""
    if _HEX.fullmatch(text):
        return parse_hex(text, where=where)
    expected = "32 bytes as 64 hexadecimal or 44 base64 characters"
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(where, expected) from None
    if len(key) != envelope.KEK_BYTES:
        raise _malformed(where, expected)
    return _check_random(key, where=where)


def _check_random(key: bytes, *, where: str) -> bytes:
    if len(set(key)) < _LEAST_DISTINCT:
        raise ProviderError(
            f"the key-encryption key in {where} is not random.",
            remedy="Make one with: openssl rand -hex 32",
        )
    return key


def _malformed(where: str, expected: str) -> ProviderError:
    return ProviderError(
        f"the key-encryption key in {where} is malformed.",
        remedy=f"It must be {expected}; make one with: openssl rand -hex 32",
    )
