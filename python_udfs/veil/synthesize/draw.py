"""Pseudo-random columns as SQL text for DuckDB: plain strings, no connection."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd


@dataclass(frozen=True)
class Draw:
    """Pseudo-random SQL expressions over the number of a row.

    Each column has a 64-bit constant of its own: DuckDB's `hash(x, salt)` would only XOR-mask
    `hash(x)`, and two columns would be the same draw.
    """

    seed: int

    def bits(self, column: str, row: str = "i") -> str:
        """64 bits as UBIGINT, a function of (seed, column, row)."""
        digest = hashlib.sha256(f"veil.synthesize:{self.seed}:{column}".encode()).digest()
        return f"hash(xor(cast({row} as ubigint), {int.from_bytes(digest[:8])}::ubigint))"

    def below(self, n: int, column: str, row: str = "i") -> str:
        """A whole number of 0..n-1, evenly."""
        return f"cast({self.bits(column, row)} % {n} as bigint)"

    def unit(self, column: str, row: str = "i") -> str:
        """A double in (0, 1]: 53 bits, never 0, so that it may be a divisor."""
        return f"(cast(({self.bits(column, row)} >> 11) + 1 as double) / 9007199254740992e0)"

    def happens(self, what: str, share: float) -> str:
        """True for `share` of the rows, to a thousandth."""
        return f"({self.bits(what)} % 1000 < {round(share * 1000)})"

    def skewed(self, n: int, column: str, row: str = "i") -> str:
        """A whole number of 0..n-1 whose k-th value has density about k to the power -1/2."""
        unit = self.unit(column, row)
        return f"cast(least(floor({n} * {unit} * {unit}), {n - 1}) as bigint)"

    def pick(self, values: Sequence[str], column: str, row: str = "i") -> str:
        """One of the texts, the first ones more often."""
        return f"{_texts(values)}[1 + {self.skewed(len(values), column, row)}]"

    def weighted(self, thousandths: Mapping[str, int], column: str, row: str = "i") -> str:
        """One of the texts, each with its share of 1000."""
        drawn = self.below(1000, column, row)
        limits = zip(thousandths, accumulate(thousandths.values()), strict=True)
        whens = (f"when {drawn} < {limit} then '{text}'" for text, limit in limits)
        return f"case {' '.join(whens)} end"

    def scramble(self, n: int, row: str) -> str:
        """An expression that maps 0..n-1 onto itself and parts neighbours in `row`."""
        factor = int(n * 0.6180339887) | 1
        while gcd(factor, n) != 1:
            factor += 2
        shift = int.from_bytes(hashlib.sha256(f"scramble:{self.seed}".encode()).digest()[:4]) % n
        return f"(({row} * {factor} + {shift}) % {n})"


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"
