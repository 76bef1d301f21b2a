"""How far one privacy unit can move what a mart releases, in whole grid steps.

The relation is add-or-remove: two inputs are neighbours if one has a privacy unit, with all its
rows, that the other lacks. After bounding a unit has rows in at most L0 cells
(`max_partitions_contributed`) and at most Linf rows in each (`max_contributions_per_partition`).
All cells of one metric are one vector; `l1` and `l2_squared` bound what one unit adds to it, in the
norm and in the squared Euclidean norm. Under the substitute relation (one unit's rows are
exchanged for another's, the number of units being public) a unit is removed and one is added:
L1 doubles and L2 doubles, so that epsilon doubles and rho is four times as large; see
`under_substitution`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from veil.errors import VeilError


def _whole(value: object, *, name: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise VeilError(
            f"`{name}` is not a whole number above 0.",
            remedy="Declare it on the mart; it is never guessed from the data.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """How much one privacy unit may contribute; enforced before aggregation.

    Attributes:
        max_partitions_contributed: L0, cells a unit, at least 1.
        max_contributions_per_partition: Linf, rows a unit and cell, at least 1.
    """

    max_partitions_contributed: int
    max_contributions_per_partition: int

    def __post_init__(self) -> None:
        _whole(self.max_partitions_contributed, name="max_partitions_contributed")
        _whole(self.max_contributions_per_partition, name="max_contributions_per_partition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamp:
    """Public bounds of a value on a declared grid.

    Attributes:
        lower, upper: the bounds, in the unit of the column; lower is below upper.
        resolution: step of the fixed-point grid, in the same unit, above 0. Both bounds lie on the
            grid, so that rounding to it cannot leave them.
    """

    lower: Fraction
    upper: Fraction
    resolution: Fraction

    def __post_init__(self) -> None:
        if any(type(one) is not Fraction for one in (self.lower, self.upper, self.resolution)):
            raise VeilError("`lower`, `upper` and `resolution` are exact fractions, never floats.")
        if self.resolution <= 0 or self.lower >= self.upper:
            raise VeilError(
                "`lower` is not below `upper`, or `resolution` is not above 0.",
                remedy="Declare public bounds; they are never guessed from the data.",
            )
        if any((bound / self.resolution).denominator != 1 for bound in (self.lower, self.upper)):
            raise VeilError(
                "`lower` and `upper` are not whole multiples of `resolution`.",
                remedy="Move the bounds to the grid, or choose a finer `resolution`.",
            )

    @property
    def largest(self) -> int:
        """Largest magnitude of one clamped value, in grid steps, at least 1."""
        return int(max(abs(self.lower), abs(self.upper)) / self.resolution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What one privacy unit adds to the vector of all cells, at most, in grid steps.

    Attributes:
        l1: sum of the absolute changes; scales the discrete Laplace.
        l2_squared: sum of the squared changes; scales the discrete Gaussian.
    """

    l1: int
    l2_squared: int

    def __post_init__(self) -> None:
        _whole(self.l1, name="l1")
        _whole(self.l2_squared, name="l2_squared")

    def under_substitution(self) -> Sensitivity:
        """The same where a unit is exchanged for another instead of added or removed."""
        return Sensitivity(l1=2 * self.l1, l2_squared=4 * self.l2_squared)


def _of_rows(bounds: Contribution, *, largest: int) -> Sensitivity:
    """Every row moves its cell by at most `largest`."""
    cells = bounds.max_partitions_contributed
    in_one = bounds.max_contributions_per_partition * largest
    return Sensitivity(l1=cells * in_one, l2_squared=cells * in_one**2)


def of_count(bounds: Contribution) -> Sensitivity:
    """Count of rows, or of rows with a value: a row counts 1."""
    return _of_rows(bounds, largest=1)


def of_distinct_units(bounds: Contribution) -> Sensitivity:
    """Distinct privacy units: a unit counts 1 in a cell, however many rows it has there."""
    cells = bounds.max_partitions_contributed
    return Sensitivity(l1=cells, l2_squared=cells)


def of_distinct_values(bounds: Contribution) -> Sensitivity:
    """Distinct values of any other column: every row can bring a new one, so Linf a cell."""
    return _of_rows(bounds, largest=1)


def of_sum(bounds: Contribution, clamp: Clamp) -> Sensitivity:
    """Fixed-point sum of clamped values, in steps of `resolution`."""
    return _of_rows(bounds, largest=clamp.largest)


def of_sum_of_squares(bounds: Contribution, clamp: Clamp) -> Sensitivity:
    """Sum of the squares of clamped values, in steps of `resolution` squared."""
    return _of_rows(bounds, largest=clamp.largest**2)


def of_mean(bounds: Contribution, clamp: Clamp) -> dict[str, Sensitivity]:
    """The noisy parts of a mean, each with its own share of the loss: a sum and a count."""
    return {"sum": of_sum(bounds, clamp), "count": of_count(bounds)}


def of_variance(bounds: Contribution, clamp: Clamp) -> dict[str, Sensitivity]:
    """The noisy parts of a variance: a sum of squares, a sum and a count."""
    return {"sum_of_squares": of_sum_of_squares(bounds, clamp), **of_mean(bounds, clamp)}


def of_histogram(bounds: Contribution) -> Sensitivity:
    """Counts in the bins of a public grid inside every cell.

    A row falls into one bin. L1 is that of the count. L2 is so too: the worst unit has all rows of
    a cell in one bin.
    """
    return _of_rows(bounds, largest=1)


def of_tree(bounds: Contribution, *, levels: int) -> Sensitivity:
    """Counts in the nodes of a tree of histograms (quantiles), all levels in one vector.

    A row adds 1 to exactly one node of every level, so that the levels are `levels` histograms of
    the same rows: L1 and L2 squared are those of one level times `levels`. The root is a level of
    its own if its count is drawn too. Every node has noise of the one scale that this gives.

    Args:
        bounds: the enforced contribution bounds.
        levels: how many levels of the tree get noise, at least 1.
    """
    _whole(levels, name="levels")
    one = of_histogram(bounds)
    return Sensitivity(l1=levels * one.l1, l2_squared=levels * one.l2_squared)
