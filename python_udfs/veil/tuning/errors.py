"""What bounds and noise do to each metric: the expected absolute error of a cell, as a share of it.

Of an average cell. A count, a number of people or a sum is compared with the cell's own total (a
sum with that of the values' magnitudes), a mean with the mean magnitude, a variance with the
variance, a quantile with all ranks, a distinct count with the rows. Values are taken as independent
of how much a person contributes, and cells as alike: the look knows no more.

Which contributions stay is chosen at random within a person, so that bounding takes away a share of
every count and sum; a mean, variance or quantile it leaves unbiased, but over fewer rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from veil.differential.charges import split
from veil.differential.noise import NoiseKind
from veil.differential.sensitivity import Clamp, Contribution, Sensitivity
from veil.errors import VeilError
from veil.releases.declared import Declared, Metric, MetricKind
from veil.releases.parts import parts_of
from veil.releases.plan import SELECTION
from veil.tuning.grids import Grids
from veil.tuning.shape import Shape, Values

_NORMAL = math.sqrt(2 / math.pi)
"""Mean absolute value of a standard normal variable."""
_LARGEST_EXPONENT = 700.0
_SUMMED = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """The expected error of one metric in a cell, as a share of the cell.

    Attributes:
        bounding: what is lost with the contributions that do not stay; of a mean, variance or
            quantile what fewer rows cost.
        clamping: what clamped values lose.
        noise: expected absolute noise.
        total: expected absolute error of all; less than the sum, because they can cancel.
    """

    bounding: float
    clamping: float
    noise: float
    total: float


def mean_absolute(kind: NoiseKind, scale: float) -> float:
    """E|Z| in steps.

    Of the discrete Laplace 2 p / (1 - p**2) with p = exp(-1 / scale). Of the discrete Gaussian the
    sum up to `_SUMMED`; beyond, that of the continuous one, which is larger by less than 0.1 %.
    """
    if kind is NoiseKind.LAPLACE:
        rate = 1 / scale
        return 0.0 if rate > _LARGEST_EXPONENT else 1 / math.sinh(rate)
    if scale > _SUMMED:
        return scale * _NORMAL
    numbers = np.arange(1, math.ceil(12 * scale) + 2)
    weights = np.exp(-((numbers / scale) ** 2) / 2)
    return float(2 * (numbers @ weights) / (1 + 2 * weights.sum()))


def expected_absolute(bias: float, noise: float, *, kind: NoiseKind) -> float:
    """E|bias + Z| for continuous Z of that kind with E|Z| = noise.

    Laplace: b + s exp(-b / s). Gaussian: the mean of the folded normal distribution (Leone, Nelson,
    Nottingham, The Folded Normal Distribution, 1961).
    """
    bias = abs(bias)
    if noise <= 0:
        return bias
    if kind is NoiseKind.LAPLACE:
        return bias + noise * math.exp(-bias / noise)
    sigma = noise / _NORMAL
    return noise * math.exp(-((bias / sigma) ** 2) / 2) + bias * math.erf(
        bias / sigma / math.sqrt(2)
    )


class Judge:
    """Expected errors of a mart under any bounds.

    Args:
        declared: the mart.
        shape: its contributions.
        grids: the bins of `shape`.
        loss: what one draw of the release may cost; its own where it is None.
    """

    def __init__(
        self, declared: Declared, shape: Shape, grids: Grids, *, loss: Fraction | None = None
    ) -> None:
        self._shape = shape
        self._grids = grids
        self._kind = declared.noise_kind
        weights = {metric.name: metric.weight for metric in declared.metrics}
        if declared.is_private:
            weights[SELECTION] = Fraction(1)
        self._shares = split(declared.loss if loss is None else loss, weights=weights)
        self._rows = shape.all_rows / shape.cells
        self._pairs = shape.all_pairs / shape.cells

    def error(self, metric: Metric, bounds: Contribution, clamp: Clamp | None) -> Error:
        """The error of a metric.

        Args:
            metric: of the mart.
            bounds: L0 and Linf.
            clamp: bounds of its values; None where it has none.
        """
        metric = replace(metric, clamp=clamp)
        most = bounds.max_partitions_contributed
        if metric.kind is MetricKind.UNITS:
            kept = self._shape.kept_pairs(partitions=most)
            return self._counted(metric, bounds, whole=self._pairs, kept=kept)
        kept = self._shape.kept_rows(
            partitions=most, contributions=bounds.max_contributions_per_partition
        )
        found = self._grids.of_metric(metric.name)
        if found is None or clamp is None:
            if metric.kind is MetricKind.QUANTILE:
                return self._ranked(metric, bounds, kept=kept)
            return self._counted(metric, bounds, whole=self._rows, kept=kept)
        values = self._shape.values[found.name]
        if metric.kind is MetricKind.SUM:
            return self._summed(metric, bounds, clamp, values, kept=kept)
        if metric.kind is MetricKind.MEAN:
            return self._mean(metric, bounds, clamp, values, kept=kept)
        return self._variance(metric, bounds, clamp, values, kept=kept)

    def _noises(self, metric: Metric, bounds: Contribution) -> list[float]:
        """Expected absolute noise of each part, in steps."""
        parts = parts_of(metric, bounds)
        share = float(self._shares[metric.name]) / len(parts)
        return [
            mean_absolute(self._kind, self._scale(one.sensitivity, share=share)) for one in parts
        ]

    def _scale(self, sensitivity: Sensitivity, *, share: float) -> float:
        """As `veil.releases.plan` has it, to a float's last digits."""
        if self._kind is NoiseKind.LAPLACE:
            return sensitivity.l1 / share
        return math.sqrt(sensitivity.l2_squared / (2 * share))

    def _total(self, bias: float, noise: float) -> float:
        return expected_absolute(bias, noise, kind=self._kind)

    def _counted(self, metric: Metric, bounds: Contribution, *, whole: float, kept: float) -> Error:
        # All bins of a histogram have noise, and their rows make the whole.
        width = (metric.bins or 1) if metric.kind is MetricKind.HISTOGRAM else 1
        noise = self._noises(metric, bounds)[0] * width / whole
        lost = 1 - kept
        return Error(bounding=lost, clamping=0, noise=noise, total=self._total(lost, noise))

    def _summed(
        self, metric: Metric, bounds: Contribution, clamp: Clamp, values: Values, *, kept: float
    ) -> Error:
        sizes, cut = np.abs(values.middles), np.abs(_clamped(values, clamp))
        before, after = values.mean_of(sizes), values.mean_of(cut)
        whole = self._rows * values.share * before
        if whole <= 0:
            return _nothing()
        noise = self._noises(metric, bounds)[0] * float(clamp.resolution) / whole
        clamping = kept * _positive(1 - after / before)
        lost = 1 - kept + clamping
        return Error(
            bounding=1 - kept, clamping=clamping, noise=noise, total=self._total(lost, noise)
        )

    def _mean(
        self, metric: Metric, bounds: Contribution, clamp: Clamp, values: Values, *, kept: float
    ) -> Error:
        size = values.mean_of(np.abs(values.middles))
        if size <= 0:
            return _nothing()
        cut = _clamped(values, clamp)
        mean, rows = values.mean_of(cut), self._kept(values, kept)
        of_sum, of_count = self._noises(metric, bounds)
        noise = math.hypot(of_sum * float(clamp.resolution), mean * of_count) / rows
        # The released mean is moved into the bounds.
        noise = min(noise, float(clamp.upper - clamp.lower))
        spread = math.sqrt(_positive(values.mean_of(cut**2) - mean**2))
        bias = abs(values.mean_of(values.middles) - mean)
        return self._of_quotient(
            bias / size, spread * self._fewer(values, kept) / size, noise / size
        )

    def _variance(
        self, metric: Metric, bounds: Contribution, clamp: Clamp, values: Values, *, kept: float
    ) -> Error:
        full = _moments(values, values.middles)
        if full[1] <= 0:
            return _nothing()
        cut = _clamped(values, clamp)
        mean, variance = _moments(values, cut)
        second = variance + mean**2
        rows, step = self._kept(values, kept), float(clamp.resolution)
        of_squares, of_sum, of_count = self._noises(metric, bounds)
        noise = (
            math.hypot(
                of_squares * step**2, 2 * mean * of_sum * step, (2 * mean**2 - second) * of_count
            )
            / rows
        )
        noise = min(noise, (float(clamp.upper - clamp.lower) / 2) ** 2)
        squares = (cut - mean) ** 2
        spread = math.sqrt(_positive(values.mean_of(squares**2) - variance**2))
        whole = full[1]
        return self._of_quotient(
            abs(whole - variance) / whole,
            spread * self._fewer(values, kept) / whole,
            noise / whole,
        )

    def _ranked(self, metric: Metric, bounds: Contribution, *, kept: float) -> Error:
        """The rank that a quantile really has: a path sums half the children of each level."""
        tree = metric.tree
        if tree is None or metric.quantile is None:
            raise VeilError(f"metric `{metric.name}` lacks the bins of a `{metric.kind}`.")
        nodes = tree.levels * min(tree.branching, tree.bins) / 2
        rows = max(1.0, self._rows * kept)
        noise = min(1.0, self._noises(metric, bounds)[0] * math.sqrt(nodes) / rows)
        q = float(metric.quantile)
        fewer = math.sqrt(q * (1 - q) * (1 - kept) / rows) * _NORMAL
        return self._of_quotient(0.0, fewer, noise)

    def _of_quotient(self, bias: float, fewer: float, noise: float) -> Error:
        total = self._total(bias, math.hypot(fewer, noise))
        return Error(bounding=fewer, clamping=bias, noise=noise, total=total)

    def _kept(self, values: Values, kept: float) -> float:
        """Rows of a cell that stay and have a value; at least one."""
        return max(1.0, self._rows * values.share * kept)

    def _fewer(self, values: Values, kept: float) -> float:
        """How far the mean of a random part of the rows lies from that of all, in deviations."""
        return math.sqrt((1 - kept) / self._kept(values, kept)) * _NORMAL


def _clamped(values: Values, clamp: Clamp) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.clip(values.middles, float(clamp.lower), float(clamp.upper))


def _moments(
    values: Values, numbers: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> tuple[float, float]:
    """Mean and variance."""
    mean = values.mean_of(numbers)
    return mean, _positive(values.mean_of(numbers**2) - mean**2)


def _positive(number: float) -> float:
    return max(0.0, number)


def _nothing() -> Error:
    # Nothing is there to be wrong about: noise would be infinitely large a share of it.
    return Error(bounding=0, clamping=0, noise=0, total=0)
