"""Binomial tails for tests of randomness, and the distributions that noise must follow."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np


def binomial_tails(successes: int, *, trials: int, chance: float) -> tuple[float, float]:
    """P(X <= successes) and P(X >= successes) for X binomial."""
    if not 0 < chance < 1:
        return float(successes >= trials * chance), float(successes <= trials * chance)
    terms = np.exp(
        _log_choices(trials)
        + np.arange(trials + 1) * math.log(chance)
        + np.arange(trials, -1, -1) * math.log1p(-chance)
    )
    return float(terms[: successes + 1].sum()), float(terms[successes:].sum())


@lru_cache(maxsize=16)
def _log_choices(trials: int) -> np.ndarray:
    """log(trials over k) for k = 0 to trials."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    return factorials[-1] - factorials - factorials[::-1]


def is_binomial(successes: int, *, trials: int, chance: float, alarm: float) -> bool:
    """False with probability at most `alarm` where X really is binomial."""
    return min(binomial_tails(successes, trials=trials, chance=chance)) > alarm / 2


def clopper_pearson(successes: int, *, trials: int, alarm: float) -> tuple[float, float]:
    """Both bounds of a chance, each wrong with probability at most `alarm` (1934)."""
    ends = []
    for side in (1, 0):
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            tail = binomial_tails(successes, trials=trials, chance=middle)[side]
            # The upper tail rises with the chance, the lower one falls.
            if (tail < alarm) == (side == 1):
                low = middle
            else:
                high = middle
        ends.append((low, high)[1 - side])
    return (0.0 if successes == 0 else ends[0]), (1.0 if successes == trials else ends[1])


def laplace_chances(scale: float, *, largest: int) -> dict[int, float]:
    """P(Z = k) for |k| <= largest, discrete Laplace."""
    p = math.exp(-1 / scale)
    return {k: (1 - p) / (1 + p) * p ** abs(k) for k in range(-largest, largest + 1)}


def gaussian_chances(sigma: float, *, largest: int) -> dict[int, float]:
    """P(Z = k) for |k| <= largest, discrete Gaussian."""
    reach = math.ceil(40 * sigma) + 1
    whole = math.fsum(math.exp(-(k**2) / (2 * sigma**2)) for k in range(-reach, reach + 1))
    return {k: math.exp(-(k**2) / (2 * sigma**2)) / whole for k in range(-largest, largest + 1)}


def follows(draws: np.ndarray, chances: dict[int, float], *, alarm: float) -> bool:
    """Every bin, and the rest on either side, is as frequent as it must be.

    False with probability at most `alarm` where the draws are independent and of that distribution.
    """
    largest = max(chances)
    folded = np.clip(draws, -largest - 1, largest + 1)
    rest = (1 - math.fsum(chances.values())) / 2
    whole = {-largest - 1: rest, **chances, largest + 1: rest}
    return all(
        is_binomial(
            int((folded == at).sum()), trials=len(draws), chance=chance, alarm=alarm / len(whole)
        )
        for at, chance in whole.items()
    )
