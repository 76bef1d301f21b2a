"""A keyed rolling hash over bytes: the hash of any window, from two prefix sums.

H(s, n) = sum of code[byte] * r^i over the window, in arithmetic modulo 2^64, with secret random
codes and a secret odd r. It is a filter, not a proof: what passes is confirmed by keyed BLAKE2b.
"""

from __future__ import annotations

import secrets

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_ALL = 1 << 64
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Rolling:
    """Window hashes over texts of up to `limit` bytes.

    Args:
        limit: bytes of the longest text.
        key: secret bytes; random when not given.
    """

    def __init__(self, limit: int, *, key: bytes | None = None) -> None:
        seed = np.random.SeedSequence(int.from_bytes(key or secrets.token_bytes(32), "big"))
        draw = np.random.Generator(np.random.PCG64(seed))
        self._codes: Words = draw.integers(0, _ALL, size=256, dtype=np.uint64)
        self._length: Words = draw.integers(0, _ALL, size=257, dtype=np.uint64)
        base = int(draw.integers(0, _ALL, dtype=np.uint64)) | 1
        self._powers = _powers(base, limit)
        self._inverse = _powers(pow(base, -1, _ALL), limit)

    def prefix(self, text: Bytes) -> Words:
        """Prefix sums of `text`, one more than it has bytes."""
        sums = np.zeros(len(text) + 1, dtype=np.uint64)
        np.cumsum(self._codes[text] * self._powers[: len(text)], out=sums[1:])
        return sums

    def windows(self, sums: Words, starts: Places, lengths: Places | int) -> Words:
        """Hash of the window at each start; `lengths` (at most 256) is part of it."""
        found: Words = (sums[starts + lengths] - sums[starts]) * self._inverse[starts]
        return found + self._length[lengths]


def slots(hashes: Words, bits: int) -> Words:
    """The upper `bits` bits, well spread: in modulo 2^64 the lower bits say little."""
    spread: Words = (hashes * _SPREAD) >> np.uint64(64 - bits)
    return spread


def _powers(base: int, count: int) -> Words:
    steps = np.full(count, base, dtype=np.uint64)
    steps[:1] = 1
    powers: Words = np.multiply.accumulate(steps)
    return powers
