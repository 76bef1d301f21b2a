"""What is known of the contributions: how many, by groups, rows and values; exact or from noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from veil.errors import VeilError
from veil.tuning.grids import Floats, Grids, Magnitudes

SURE = 5.0
"""So many standard deviations of its noise a run of bins must hold to count as more than noise: at
5 noise alone lengthens the contributions of one look in seventy, and the values of one in 120."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column in the rows that have one.

    Attributes:
        middles: what a value of each bin counts as, shape (bins,).
        parts: how the rows are spread over the bins, shape (bins,); sums to 1.
        share: of all rows that have a value.
    """

    middles: Floats = field(repr=False)
    parts: Floats = field(repr=False)
    share: float

    def mean_of(self, what: Floats) -> float:
        """The mean of a number of each bin, shape (bins,), over all values."""
        return float(self.parts @ what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Contributions before bounding, counted by pairs of a person and a group.

    Attributes:
        people: distinct privacy units.
        cells: of the mart.
        groups: how many groups the person of a pair has, shape (bins,).
        rows: how many rows a pair has, shape (bins,).
        pairs: how many pairs of each kind there are, shape (bins,).
        values: of each tuned column, by the name of its bins.
    """

    people: float
    cells: float
    groups: Floats = field(repr=False)
    rows: Floats = field(repr=False)
    pairs: Floats = field(repr=False)
    values: Mapping[str, Values]

    @property
    def all_pairs(self) -> float:
        """Pairs of a person and a group."""
        return float(self.pairs.sum())

    @property
    def all_rows(self) -> float:
        """Rows."""
        return float(self.pairs @ self.rows)

    def kept_pairs(self, *, partitions: int) -> float:
        """The share of pairs that stays where a person keeps so many groups, chosen at random."""
        kept = self.pairs @ np.minimum(1, partitions / self.groups)
        return _share(float(kept), self.all_pairs)

    def kept_rows(self, *, partitions: int, contributions: int) -> float:
        """The share of rows that stays under both bounds."""
        kept = np.minimum(1, partitions / self.groups) * np.minimum(self.rows, contributions)
        return _share(float(self.pairs @ kept), self.all_rows)


def exact_shape(
    grids: Grids,
    *,
    people: int,
    cells: int,
    pairs: Floats,
    values: Mapping[str, Floats],
    scale: float = 1.0,
) -> Shape:
    """The shape of data that is public.

    Args:
        grids: the bins.
        people: distinct privacy units.
        cells: of the mart.
        pairs: pairs in each bin, shape (grids.pairs,).
        values: rows in each bin, shape (bins,), by the name of the bins.
        scale: how many times as many people the mart is about.

    Raises:
        VeilError: there are no rows.
    """
    if not people or not cells:
        raise VeilError("no row of the file lies in a cell of the mart.", remedy="Use another one.")
    groups, rows = _both(grids)
    total = float(pairs @ rows)
    return Shape(
        people=people * scale,
        cells=cells,
        groups=groups,
        rows=rows,
        pairs=pairs * scale,
        values={
            one.name: _values(one, values[one.name], share=values[one.name].sum() / total)
            for one in grids.values
        },
    )


def noisy_shape(
    grids: Grids, *, cells: int, pairs: Floats, values: Mapping[str, Floats], noise: float
) -> Shape:
    """The shape as a private look saw it: one pair and one row of each person, with noise.

    Bins beyond the last ones that surely hold people count as empty; within them sums of noisy
    numbers are unbiased, and are left as they are.

    Args:
        grids: the bins.
        cells: of the mart.
        pairs: people in each bin, shape (grids.pairs,), noisy.
        values: people in each bin, shape (bins,), noisy, by the name of the bins.
        noise: standard deviation of each number.

    Raises:
        VeilError: the noise hides everything.
    """
    both = pairs.reshape(grids.groups.bins, grids.rows.bins)
    wide, deep = _held(both, noise=noise), _held(both.T, noise=noise)
    kept = np.zeros_like(both)
    kept[:wide, :deep] = both[:wide, :deep]
    people = float(kept.sum())
    groups, rows = _both(grids)
    seen = {one.name: _cut(one, values[one.name], noise=noise) for one in grids.values}
    weighed = kept.ravel() * groups
    if min(people, weighed.sum(), weighed @ rows, *(one.sum() for one in seen.values())) <= 0:
        raise VeilError(
            "so few people are in the data that the noise of the look hides them; what it cost"
            " stays charged.",
            remedy="Look again with a larger loss, or use public or synthetic data.",
        )
    return Shape(
        people=people,
        cells=cells,
        groups=groups,
        rows=rows,
        pairs=weighed,
        values={
            one.name: _values(one, seen[one.name], share=seen[one.name].sum() / people)
            for one in grids.values
        },
    )


def _both(grids: Grids) -> tuple[Floats, Floats]:
    groups = np.repeat(grids.groups.middles, grids.rows.bins)
    return groups, np.tile(grids.rows.middles, grids.groups.bins)


def _cut(grid: Magnitudes, counts: Floats, *, noise: float) -> Floats:
    """The counts without what lies beyond the last value that is surely there, on each side."""
    sides = counts.reshape(len(grid.sides), -1).copy()
    for side in sides:
        side[_held(side[:, None], noise=noise) :] = 0
    return sides.ravel()


def _held(counts: Floats, *, noise: float) -> int:
    """How many bins of the first axis there are up to the last run that surely holds people.

    Of all runs, over the first few bins of the second axis or all of them, the one that begins last
    among those that hold more than noise; of several that begin there, the clearest.
    """
    length, depth = counts.shape
    sums = np.zeros((length + 1, depth))
    sums[1:] = counts.cumsum(axis=0).cumsum(axis=1)
    widths = np.arange(1, depth + 1)
    for start in range(length - 1, -1, -1):
        bins = np.arange(1, length - start + 1)[:, None] * widths
        clear = ((sums[start + 1 :] - sums[start]) / np.sqrt(bins)).max(axis=1)
        if clear.max() > SURE * noise:
            return start + int(clear.argmax()) + 1
    return 0


def _values(grid: Magnitudes, counts: Floats, *, share: float) -> Values:
    total = counts.sum()
    parts = counts / total if total > 0 else np.zeros_like(counts)
    return Values(grid.middles, parts, share=min(max(float(share), 0.0), 1.0))


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
