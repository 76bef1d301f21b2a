"""From rho to (epsilon, delta), for reports alone: no budget is ever compared with its result.

The bound is that of Canonne, Kamath, Steinke, The Discrete Gaussian for Differential Privacy, 2020,
arXiv:2004.00010, Proposition 12 and Corollary 13: rho-zCDP gives (epsilon, delta)-DP with

    epsilon = alpha rho + ln(1 / (alpha delta)) / (alpha - 1) + ln(1 - 1 / alpha)

for every alpha > 1. The simple bound, rho + 2 sqrt(rho ln(1 / delta)), is that of Bun, Steinke,
2016, Proposition 1.3.

Rounding is outward, and the direction is proven, not hoped for:
- any alpha gives a valid bound, so that the search for the best one may be as rough as it likes;
  alpha itself is an exact fraction;
- `Decimal.ln` and `Decimal.sqrt` are correctly rounded to nearest (the decimal module's
  specification), so that the true value is at most the next number above the result; their
  argument is a quotient rounded up, and both functions rise;
- all else is exact arithmetic on fractions, and the logarithms enter with positive factors;
- the final cut to `_DIGITS` digits rounds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

from veil.differential.exact import rounded_up
from veil.differential.measures import Measure, Spent
from veil.errors import VeilError

_DIGITS = 12
_WORK = Context(prec=50, rounding=ROUND_CEILING)
_SEARCH = Context(prec=30)
_HALVINGS = 80
_MOST_DELTA = Fraction(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """(epsilon, delta)-differential privacy, rounded to the safe side."""

    epsilon: Fraction
    delta: Fraction


def _above(value: Fraction) -> Decimal:
    return _WORK.divide(Decimal(value.numerator), Decimal(value.denominator))


def _log_above(value: Fraction) -> Fraction:
    """A number not below ln(value), and hardly above it."""
    above = _above(value)
    # ln is 0 at 1 alone; the next number above 0 would be too small to be of use as a fraction.
    return Fraction(0) if above == 1 else Fraction(above.ln(_WORK).next_plus(_WORK))


def _root_above(value: Fraction) -> Fraction:
    """A number not below the square root."""
    return Fraction(_above(value).sqrt(_WORK).next_plus(_WORK))


def _check(rho: Fraction, delta: Fraction) -> None:
    if type(rho) is not Fraction or rho < 0:
        raise VeilError("rho is an exact fraction, at least 0.")
    if type(delta) is not Fraction or not 0 < delta <= _MOST_DELTA:
        raise VeilError(
            "the delta of a conversion lies above 0 and not above 1/2.",
            remedy="Use a delta far below one in the number of people, such as 1e-9.",
        )


def _order_above_one(rho: Fraction, delta: Fraction) -> Fraction:
    """alpha - 1 near the minimum: where rho (alpha - 1)**2 = ln(1 / (alpha delta)).

    The left side rises and the right side falls in alpha, and at alpha - 1 = sqrt(ln(1/delta)/rho)
    the left is the larger: halving finds the crossing. Its error costs tightness, not truth.
    """
    work = _SEARCH
    loss = work.divide(Decimal(rho.numerator), Decimal(rho.denominator))
    log = -work.divide(Decimal(delta.numerator), Decimal(delta.denominator)).ln(work)
    low, high = Decimal(0), work.divide(log, loss).sqrt(work)
    for _ in range(_HALVINGS):
        middle = work.divide(work.add(low, high), Decimal(2))
        square = work.multiply(loss, work.multiply(middle, middle))
        if square < work.subtract(log, work.add(middle, Decimal(1)).ln(work)):
            low = middle
        else:
            high = middle
    return Fraction(high)


def simple_epsilon(rho: Fraction, *, delta: Fraction) -> Fraction:
    """The simple bound rho + 2 sqrt(rho ln(1 / delta)), rounded up.

    Args:
        rho: exact, at least 0.
        delta: exact, in (0, 1/2].

    Raises:
        VeilError: either lies outside.
    """
    _check(rho, delta)
    if rho == 0:
        return Fraction(0)
    return rounded_up(rho + 2 * _root_above(rho * _log_above(1 / delta)), digits=_DIGITS)


def epsilon_of_rho(rho: Fraction, *, delta: Fraction) -> Fraction:
    """The smallest epsilon that Corollary 13 gives for rho and delta, rounded up; at least 0.

    Args:
        rho: exact, at least 0.
        delta: exact, in (0, 1/2].

    Raises:
        VeilError: either lies outside.
    """
    _check(rho, delta)
    if rho == 0:
        return Fraction(0)
    order = _order_above_one(rho, delta)
    alpha = 1 + order
    found = alpha * rho + _log_above(1 / (alpha * delta)) / order + _log_above(order / alpha)
    return max(Fraction(0), rounded_up(found, digits=_DIGITS))


def guarantee(spent: Spent, *, delta: Fraction) -> Guarantee:
    """What was spent, as (epsilon, delta) for a report.

    Args:
        spent: in either measure.
        delta: what the conversion of rho may add, exact, in (0, 1/2]; not used, and not added,
            for a loss that is counted in epsilon.

    Returns:
        epsilon rounded up and the sum of both deltas: a rho with a delta of its own holds but for
        an event of that probability.
    """
    if spent.measure is Measure.EPSILON:
        return Guarantee(epsilon=spent.loss, delta=spent.delta)
    return Guarantee(epsilon=epsilon_of_rho(spent.loss, delta=delta), delta=spent.delta + delta)
