"""How far noise reaches: tails of the discrete distributions, bounded from above.

Whatever is returned is exact or errs to the safe side: a threshold is never too low, an interval
never too narrow. Decimal numbers of 60 digits stand in for the reals; every bound is widened by at
least a million times what their rounding can amount to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

import numpy as np

from veil.differential.noise import Noise, NoiseKind
from veil.errors import VeilError

SMALLEST_PROBABILITY = Fraction(1, 10**30)
# Up to this sigma the Gaussian's tail is summed term by term; beyond, it is bounded by integrals.
SUMMED_SIGMA = 4096
_DIGITS = 60
_SLACK = Decimal("1e-40")
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


@lru_cache(maxsize=4096)
def reach(noise: Noise, probability: Fraction) -> int:
    """The smallest k >= 1 with P(Z >= k) <= probability; by symmetry also of P(Z <= -k).

    Exact for the Laplace and for a Gaussian up to `SUMMED_SIGMA` (unless the two sides agree to 35
    digits, where it may be one more); beyond, at most one more than the smallest for a probability
    below 0.15.

    Args:
        noise: the distribution of Z.
        probability: at least 1e-30, below 1/2.
    """
    check_probability(probability)
    with localcontext() as context:
        context.prec = _DIGITS
        limit = _decimal(probability)
        scale = _decimal(noise.exact_scale)
        if noise.kind is NoiseKind.LAPLACE:
            return _laplace_reach(scale, limit)
        if noise.scale <= SUMMED_SIGMA:
            return _summed_reach(scale, limit)
        return _integral_reach(scale, limit)


def sum_reach(noise: Noise, weights: Iterable[tuple[int, int]], probability: Fraction) -> int:
    """An s with P(sum of w Z >= s) <= probability, over independent draws Z.

    Chernoff's bound: s = (sum of log E exp(t w Z) + log(1 / probability)) / t holds for every t,
    so the smallest over a grid of t holds as well. The discrete Gaussian is sub-Gaussian with its
    sigma (Canonne, Kamath, Steinke 2020, section 2); the Laplace's moments have a closed form.

    Args:
        noise: the distribution of each Z.
        weights: pairs (w, how many draws carry w); the sign of w does not matter.
        probability: at least 1e-30, below 1/2.
    """
    check_probability(probability)
    pairs = [(abs(weight), count) for weight, count in weights if weight and count]
    if not pairs:
        return 0
    surprise = -math.log(probability)
    if noise.kind is NoiseKind.GAUSSIAN:
        power = sum(count * weight**2 for weight, count in pairs)
        found = noise.scale * math.sqrt(2 * power * surprise)
    else:
        rate = 1 / noise.scale
        largest = max(weight for weight, _ in pairs)
        t = rate / largest * np.linspace(0.005, 0.995, 199)
        moments = sum(
            count
            * (
                2 * np.log(-np.expm1(-rate))
                - np.log(-np.expm1(weight * t - rate))
                - np.log(-np.expm1(-weight * t - rate))
            )
            for weight, count in pairs
        )
        found = float(np.min((moments + surprise) / t))
    # Doubles err by less than 1e-11 of the result here.
    return math.ceil(found * (1 + 1e-9))


def check_probability(probability: Fraction) -> None:
    """Refuse a probability outside [1e-30, 1/2)."""
    if not SMALLEST_PROBABILITY <= probability < Fraction(1, 2):
        raise VeilError("a tail needs a probability between 1e-30 and 1/2.")


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _laplace_reach(scale: Decimal, limit: Decimal) -> int:
    """P(Z >= k) = p**k / (1 + p) for k >= 1, with p = exp(-1 / scale)."""
    one_plus_p = 1 + (-1 / scale).exp()
    found = max(1, int(-scale * (limit * one_plus_p).ln()))
    # The start is right to one step; these lines settle it.
    while (-found / scale).exp() / one_plus_p * (1 + _SLACK) > limit:
        found += 1
    while found > 1 and (-(found - 1) / scale).exp() / one_plus_p * (1 + _SLACK) <= limit:
        found -= 1
    return found


def _summed_reach(sigma: Decimal, limit: Decimal) -> int:
    """The Gaussian's tail as a sum, from the far end to the nearest k that the limit admits."""
    # exp(-14**2 / 2) < 1e-42: what lies beyond is far below any admitted probability.
    last = math.ceil(14 * sigma) + 1
    # Terms by recurrence: f(j + 1) = f(j) q**(2 j + 1). The relative error of the last one is
    # about last**2 roundings, below 1e-49.
    q = (-1 / (2 * sigma * sigma)).exp()
    term, step, square = Decimal(1), q, q * q
    terms = []
    for _ in range(last + 2):
        terms.append(term)
        term *= step
        step *= square
    # Beyond the last kept term the ratio only falls: a geometric series bounds the rest.
    tail = terms[-1] / (1 - terms[-1] / terms[-2])
    allowed = limit * (2 * sum(terms[1:-1]) + 1) * (1 - _SLACK * 100_000)
    for k in range(last, 0, -1):
        tail += terms[k]
        if tail > allowed:
            return k + 1
    return 1


def _integral_reach(sigma: Decimal, limit: Decimal) -> int:
    """The Gaussian's tail by integrals of f(x) = exp(-x**2 / (2 sigma**2)).

    The sum over all integers is at least the integral of f over the line (Poisson summation: the
    other terms are positive). The sum from k on is at most the integral from k - 1/2 where f is
    convex (Hermite and Hadamard), and from k - 1 where it only falls.
    """
    low, high = 0, math.ceil(14 * sigma)
    while high - low > 1:
        middle = (low + high) // 2
        start = middle - Decimal("0.5")
        if start < sigma:
            start = Decimal(middle - 1)
        if _upper_tail(start / sigma) <= limit:
            high = middle
        else:
            low = middle
    return high


def _upper_tail(x: Decimal) -> Decimal:
    """P(N(0, 1) >= x) from above, for 0 <= x <= 14, by a series of positive terms.

    1/2 - phi(x) (x + x**3/3 + x**5/(3*5) + ...): Abramowitz and Stegun (1964), 26.2.11.
    """
    term = total = x
    odd = 1
    while term > total * _SLACK * _SLACK:
        odd += 2
        term = term * x * x / odd
        total += term
    density = (-x * x / 2).exp() / (2 * _PI).sqrt()
    return Decimal("0.5") - density * total + Decimal("1e-50")
