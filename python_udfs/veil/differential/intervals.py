"""The interval beside every released value: where the bounded, un-noised aggregate lies.

Computed from what is released anyway, from declared scales and public bounds; it costs no budget. A
metric of several noisy parts splits its error evenly over them (Bonferroni), so that all parts hold
together with at least the declared confidence. Numbers are rounded outward to the output's grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from veil.differential.grid import ends
from veil.differential.noise import Integers, Noise, Noisy
from veil.differential.quantiles import Tree, quantile, quantile_band, sides
from veil.differential.sensitivity import Clamp
from veil.differential.tails import reach
from veil.errors import VeilError

NOISE_ONLY = "noise only; bounding and clamping bias not included"

_LARGEST_STEP = 2**63 - 1
_Range = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Interval:
    """What a mart shows of one metric, in steps of its output's resolution.

    Args:
        value: int64, shape (cells,).
        low: int64, shape (cells,), not above `value`.
        high: int64, shape (cells,), not below `value`.
    """

    value: Integers
    low: Integers
    high: Integers


def half_width(noise: Noise, *, confidence: Fraction, parts: int = 1) -> int:
    """The smallest w with P(|Z| > w) <= (1 - confidence) / parts, from the exact distribution.

    Args:
        noise: the distribution of Z.
        confidence: above 0 and below 1, at most 1 - 1e-20.
        parts: how many noisy parts share the error.
    """
    if not 0 < confidence < 1:
        raise VeilError("`confidence` must lie between 0 and 1.")
    return reach(noise, (1 - Fraction(confidence)) / (2 * parts)) - 1


def interval(noisy: Noisy, *, confidence: Fraction, at_least: int | None = None) -> Interval:
    """A count, a distinct count, a sum or a bin of a histogram, with its interval.

    Args:
        noisy: shape (cells,), in steps.
        confidence: per cell.
        at_least: a public lower bound of the true value (0 for a count). The ends are moved up to
            it, the value is not: values below it are what keeps a total of many cells unbiased.
    """
    width = half_width(noisy.noise, confidence=confidence)
    low, high = noisy.values - width, noisy.values + width
    if at_least is not None:
        low, high = np.maximum(low, at_least), np.maximum(high, at_least)
    return Interval(
        value=noisy.values,
        low=np.minimum(low, noisy.values),
        high=high,
    )


def mean_interval(
    total: Noisy, count: Noisy, *, clamp: Clamp, resolution: Fraction, confidence: Fraction
) -> Interval:
    """Noisy sum over noisy count, clamped to the public bounds.

    Where the count may be zero, the interval is the whole public range. No normal approximation and
    no Fieller interval: the two ranges are divided.

    Args:
        total: shape (cells,), sums in steps of the clamp's resolution.
        count: shape (cells,), rows.
        clamp: the public bounds of one value.
        resolution: one step of the mean's own grid.
        confidence: per cell, of both parts together.
    """
    lower, upper = ends(clamp)
    public = (Fraction(lower), Fraction(upper))
    found = _Rows(public, unit=clamp.resolution / resolution)
    for (one_sum, sum_range), (one_count, count_range) in zip(
        _ranges(total, confidence=confidence, parts=2),
        _ranges(count, confidence=confidence, parts=2),
        strict=True,
    ):
        spread = _divide(sum_range, count_range)
        found.add(Fraction(one_sum, max(1, one_count)), spread)
    return found.interval()


def variance_interval(
    squares: Noisy,
    total: Noisy,
    count: Noisy,
    *,
    clamp: Clamp,
    resolution: Fraction,
    confidence: Fraction,
) -> Interval:
    """Population variance, E x**2 - (E x)**2 of noisy parts, between 0 and (range / 2)**2.

    Args:
        squares: shape (cells,), sums of squared steps.
        total: shape (cells,), sums of steps.
        count: shape (cells,), rows.
        clamp: the public bounds of one value.
        resolution: one step of the variance's own grid, in the square of the value's unit.
        confidence: per cell, of the three parts together.
    """
    lower, upper = ends(clamp)
    public = (Fraction(0), Fraction(upper - lower, 2) ** 2)
    found = _Rows(public, unit=clamp.resolution**2 / resolution)
    for (one_square, square_range), (one_sum, sum_range), (one_count, count_range) in zip(
        _ranges(squares, confidence=confidence, parts=3),
        _ranges(total, confidence=confidence, parts=3),
        _ranges(count, confidence=confidence, parts=3),
        strict=True,
    ):
        rows = max(1, one_count)
        second, mean = _divide(square_range, count_range), _divide(sum_range, count_range)
        spread = None
        if second and mean:
            # The mean is within the bounds, whatever its noise says.
            inside = (max(mean[0], Fraction(lower)), min(mean[1], Fraction(upper)))
            low, high = sorted(end**2 for end in inside)
            if inside[0] <= 0 <= inside[1]:
                low = Fraction(0)
            spread = (second[0] - high, second[1] - low)
        found.add(Fraction(one_square, rows) - Fraction(one_sum, rows) ** 2, spread)
    return found.interval()


def quantile_intervals(
    noisy: Noisy, *, tree: Tree, quantiles: list[Fraction], confidence: Fraction
) -> list[Interval]:
    """Quantiles with their intervals, all from one set of noisy nodes.

    Args:
        noisy: shape (cells, tree.nodes).
        tree: what the nodes came from, in steps of the metric's resolution.
        quantiles: each between 0 and 1.
        confidence: per cell and quantile. The interval holds the quantile of the bounded values
            themselves, not only its bin.
    """
    if not 0 < confidence < 1:
        raise VeilError("`confidence` must lie between 0 and 1.")
    both = sides(noisy.values, tree=tree)
    done = []
    for q in quantiles:
        value = quantile(noisy.values, tree=tree, q=q)
        low, high = quantile_band(both, tree=tree, noise=noisy.noise, q=q, confidence=confidence)
        done.append(Interval(value=value, low=np.minimum(low, value), high=np.maximum(high, value)))
    return done


def _ranges(noisy: Noisy, *, confidence: Fraction, parts: int) -> Iterator[tuple[int, _Range]]:
    """Each cell's noisy value and the range of its true one."""
    width = half_width(noisy.noise, confidence=confidence, parts=parts)
    for value in noisy.values.tolist():
        yield value, (Fraction(value - width), Fraction(value + width))


def _divide(top: _Range, bottom: _Range) -> _Range | None:
    """All quotients of the two ranges; none where the divisor may be zero."""
    if bottom[0] <= 0:
        return None
    quotients = [end / divisor for end in top for divisor in bottom]
    return min(quotients), max(quotients)


class _Rows:
    """Collects exact numbers, clamps them to the public range and rounds them outward."""

    def __init__(self, public: _Range, *, unit: Fraction) -> None:
        self._public = public
        self._unit = unit
        self._rows: list[tuple[int, int, int]] = []
        if max(abs(end) for end in public) * unit > _LARGEST_STEP:
            raise VeilError("the `resolution` of a mean or variance is too fine for its bounds.")

    def add(self, value: Fraction, spread: _Range | None) -> None:
        low, high = self._public
        ends_ = spread or self._public
        # Clamping both ends keeps the true value inside, and the ends in order.
        inner = [min(max(end, low), high) * self._unit for end in ends_]
        middle = round(min(max(value, low), high) * self._unit)
        self._rows.append(
            (middle, min(middle, math.floor(inner[0])), max(middle, math.ceil(inner[1])))
        )

    def interval(self) -> Interval:
        columns = np.array(self._rows, dtype=np.int64).reshape(-1, 3)
        return Interval(value=columns[:, 0], low=columns[:, 1], high=columns[:, 2])
