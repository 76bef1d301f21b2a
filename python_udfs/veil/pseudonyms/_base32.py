"""Base32 of a batch of MACs, eight characters in a machine word at a time."""

from __future__ import annotations

import binascii

import numpy as np
from numpy.typing import NDArray

from veil.pseudonyms.token import PAYLOAD_BYTES, PAYLOAD_CHARS

_WORD = 8
_GROUP = 5


def _u64(value: int) -> np.uint64:
    return np.uint64(value)


_STEPS = (
    # 40 bits -> 2 lanes of 20 -> 4 of 10 -> 8 of 5: the bits that move up, and the factor that
    # does it: x + y * (2**k - 1) is x with its part y moved up by k bits.
    (_u64(0x000000FFFFF00000), _u64((1 << 12) - 1)),
    (_u64(0x000FFC00000FFC00), _u64((1 << 6) - 1)),
    (_u64(0x03E003E003E003E0), _u64((1 << 3) - 1)),
)


def payloads(heads: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn the first 20 bytes of each MAC into its payload.

    Args:
        heads: n * 40 characters of hex.

    Returns:
        n * 32 characters of lower-case base32 (RFC 4648, section 6) without padding.
    """
    count = len(heads) // (2 * PAYLOAD_BYTES)
    # Three bytes more, so that the last group of five can be read as a word of eight too.
    raw = binascii.unhexlify(heads.data) + bytes(_WORD - _GROUP)
    groups = count * PAYLOAD_CHARS // _WORD
    words = np.ndarray((groups,), ">u8", raw, 0, (_GROUP,)).astype(np.uint64)
    words >>= _u64(8 * (_WORD - _GROUP))
    moved = np.empty_like(words)
    for mask, factor in _STEPS:
        np.bitwise_and(words, mask, out=moved)
        moved *= factor
        words += moved
    chars: NDArray[np.uint8] = words.byteswap(inplace=True).view(np.uint8)
    # 0 to 25 are the letters from a (97); 26 to 31 the digits from 2 (50), which is 73 lower.
    lower = (chars > 25).view(np.uint8)
    lower *= np.uint8(73)
    chars += np.uint8(97)
    chars -= lower
    return chars
