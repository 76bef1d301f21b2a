"""Public bins for a look at contributions: of groups, of rows in a group, and of values.

Bins end where a bound may be proposed, so that no bound cuts one. They come from what the mart
declares and from fixed series of numbers, never from data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from veil.differential.exact import exact_text
from veil.differential.grid import LARGEST_BOUND, declare_clamp
from veil.differential.sensitivity import Clamp
from veil.errors import UsageError
from veil.releases.declared import Declared, Metric, MetricKind

Floats = npt.NDArray[np.float64]

TUNED = frozenset({MetricKind.SUM, MetricKind.MEAN, MetricKind.VARIANCE})
"""Metrics whose bounds are proposed. Those of a quantile or histogram say what is shown."""
_GROUPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_DIGITS = tuple(Fraction(one) for one in ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8"))
_DECADES = 4
_OPEN = 1.5
"""What lies beyond the last end counts as this times that end."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Bins of whole numbers from 1 on.

    Attributes:
        ends: the largest number of each bin, ascending.
        is_closed: whether nothing lies beyond the last end; else one more bin holds it.
    """

    ends: tuple[int, ...]
    is_closed: bool = False

    @property
    def bins(self) -> int:
        """How many."""
        return len(self.ends) + (not self.is_closed)

    @property
    def middles(self) -> Floats:
        """What a number in each bin counts as, shape (bins,)."""
        found = [(low + 1 + high) / 2 for low, high in pairwise((0, *self.ends))]
        return np.array(found if self.is_closed else [*found, self.ends[-1] * _OPEN + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnitudes:
    """Bins of the values of a column by their distance from 0, on one side of it or on both.

    Attributes:
        metrics: names of those that share it: one column, resolution and default.
        column: of the row query.
        default: what a row without a value counts as; without one it is dropped.
        clamp: the outer bounds; values beyond count as these.
        ends: the largest distance of each bin, ascending; the last one is that of the outer bounds.
        sides: the signs of the values, +1 before -1; the bins of each side follow each other.
    """

    metrics: tuple[str, ...]
    column: str
    default: Fraction | None
    clamp: Clamp
    ends: tuple[Fraction, ...]
    sides: tuple[int, ...]

    @property
    def name(self) -> str:
        """Of its part of a look."""
        return f"values.{self.metrics[0]}"

    @property
    def bins(self) -> int:
        """How many."""
        return len(self.ends) * len(self.sides)

    @property
    def middles(self) -> Floats:
        """What a value in each bin counts as, with its sign, shape (bins,)."""
        near = [float(low + high) / 2 for low, high in pairwise((Fraction(0), *self.ends))]
        signed = np.array([side * one for side in self.sides for one in near])
        found: Floats = np.clip(signed, float(self.clamp.lower), float(self.clamp.upper))
        return found

    def clamp_at(self, end: Fraction) -> Clamp | None:
        """The bounds that cut at a distance from 0; None where a metric cannot have them.

        The noise follows the larger of the two alone, so that the other is left as wide.
        """
        lower, upper = max(self.clamp.lower, -end), min(self.clamp.upper, end)
        if lower >= upper or (self.default is not None and not lower <= self.default < upper):
            return None
        return Clamp(lower=lower, upper=upper, resolution=self.clamp.resolution)

    def parameters(self) -> dict[str, object]:
        """Everything that shapes what is counted, in plain values."""
        return {
            "column": self.column,
            "default": None if self.default is None else exact_text(self.default),
            "clamp": [exact_text(one) for one in (self.clamp.lower, self.clamp.upper)],
            "ends": [exact_text(one) for one in self.ends],
            "sides": list(self.sides),
        }


@dataclass(frozen=True, slots=True)
class Grids:
    """All bins of one look.

    Attributes:
        groups: of the number of groups that a person has.
        rows: of the number of rows that a person has in a group.
        values: of the columns whose bounds are tuned.
    """

    groups: Counts
    rows: Counts
    values: tuple[Magnitudes, ...]

    @property
    def pairs(self) -> int:
        """Bins of both counts together: those of the rows follow each other within a group's."""
        return self.groups.bins * self.rows.bins

    @classmethod
    def of(
        cls,
        declared: Declared,
        *,
        cells: int | None,
        outer: Mapping[str, tuple[object, object]] | None = None,
    ) -> Grids:
        """The bins for a mart.

        Args:
            declared: the mart; the bounds of its values are the outer ones.
            cells: how many public cells there are; None where that is not public.
            outer: wider bounds by column than those that the metrics declare; a name that is no
                tuned column is refused.

        Raises:
            UsageError: bounds for another column.
            VeilError: bounds that a metric cannot have.
        """
        outer = dict(outer or {})
        groups = Counts(_GROUPS)
        if cells is not None and cells <= _GROUPS[-1]:
            # Nobody has more groups than there are.
            groups = Counts((*(one for one in _GROUPS if one < cells), cells), is_closed=True)
        shared: dict[tuple[object, ...], list[Metric]] = {}
        for one in declared.metrics:
            if one.kind in TUNED and one.clamp is not None:
                shared.setdefault((one.column, one.clamp.resolution, one.default), []).append(one)
        unknown = sorted(outer.keys() - {str(column) for column, *_ in shared})
        if unknown:
            raise UsageError(
                f"`--outer` names `{unknown[0]}`, of which no bounds are tuned.",
                remedy="Name the `metric_column` of a sum, mean or variance.",
            )
        values = tuple(_magnitudes(found, outer) for found in shared.values())
        return cls(groups, Counts(_ROWS), values)

    def of_metric(self, name: str) -> Magnitudes | None:
        """The bins of a metric's values; None where its bounds are not tuned."""
        return next((one for one in self.values if name in one.metrics), None)

    def parameters(self) -> dict[str, object]:
        """Everything that shapes what is counted, in plain values."""
        return {
            "groups": [list(self.groups.ends), self.groups.is_closed],
            "rows": [list(self.rows.ends), self.rows.is_closed],
            "values": {one.name: one.parameters() for one in self.values},
        }


def _magnitudes(
    metrics: Sequence[Metric], outer: Mapping[str, tuple[object, object]]
) -> Magnitudes:
    column = str(metrics[0].column)
    clamps = [one.clamp for one in metrics if one.clamp is not None]
    resolution = clamps[0].resolution
    if column in outer:
        lower, upper = outer[column]
        clamps.append(
            declare_clamp(lower=lower, upper=upper, resolution=exact_text(resolution)),
        )
    widest = Clamp(
        lower=min(one.lower for one in clamps),
        upper=max(one.upper for one in clamps),
        resolution=resolution,
    )
    sides = [1] if widest.upper > 0 else []
    if widest.lower < 0:
        sides.append(-1)
    return Magnitudes(
        metrics=tuple(one.name for one in metrics),
        column=column,
        default=metrics[0].default,
        clamp=widest,
        ends=_ends(widest),
        sides=tuple(sides),
    )


def _ends(clamp: Clamp) -> tuple[Fraction, ...]:
    """Round numbers over four decades up to the outer bounds, all on the grid."""
    most = clamp.largest * clamp.resolution
    least = max(clamp.resolution, most / 10**_DECADES)
    decade = Fraction(1)
    while decade > least:
        decade /= 10
    while decade * 10 <= least:
        decade *= 10
    ends = {most}
    while decade <= most:
        for digit in _DIGITS:
            # Up to the next step of the grid.
            end = -(-digit * decade // clamp.resolution) * clamp.resolution
            if least <= end <= most:
                ends.add(end)
        decade *= 10
    return tuple(sorted(ends))


def fits_squares(clamp: Clamp) -> bool:
    """Whether a variance can have these bounds."""
    return clamp.largest**2 <= LARGEST_BOUND
