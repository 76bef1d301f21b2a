"""What is drawn for every metric: its noisy parts, and how far one unit moves each.

A part belongs to one metric: a count and a mean over the same rows each count them, each with a
draw and a share of the loss of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from veil.differential.quantiles import Tree
from veil.differential.sensitivity import (
    Clamp,
    Contribution,
    Sensitivity,
    of_count,
    of_distinct_units,
    of_distinct_values,
    of_histogram,
    of_mean,
    of_sum,
    of_tree,
    of_variance,
)
from veil.errors import VeilError
from veil.releases.declared import Metric, MetricKind


class Aggregate(StrEnum):
    """What a part is before noise, over the bounded rows of a cell."""

    ROWS = "rows"
    VALUES = "values"
    """Rows with a value in the part's column, or with the declared default for none."""
    UNITS = "units"
    DISTINCT = "distinct"
    SUM = "sum"
    """Of the clamped values, in steps of their resolution."""
    SQUARES = "squares"
    """Sum of the squares of the clamped values, in steps squared."""
    HISTOGRAM = "histogram"
    """Rows in each bin."""
    TREE = "tree"
    """Rows in each node, top level first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One vector of numbers that gets noise: one or more for every cell.

    Attributes:
        name: the metric's, or with a dot and what it is where a metric has several.
        metric: that it belongs to.
        aggregate: what it is.
        column: of the row query; none where rows or units are counted.
        clamp: bounds and grid of the column.
        default: what a row without a value counts as; without one it is dropped.
        tree: of a quantile; of a histogram, one level of bins.
        bins: of a quantile or histogram.
        sensitivity: of the whole vector, over all cells.
        width: numbers a cell.
    """

    name: str
    metric: str
    aggregate: Aggregate
    column: str | None
    clamp: Clamp | None
    default: Fraction | None
    tree: Tree | None
    bins: int | None
    sensitivity: Sensitivity
    width: int


SEVERAL = {"sum": Aggregate.SUM, "count": Aggregate.VALUES, "sum_of_squares": Aggregate.SQUARES}
"""The parts of a mean and of a variance, by what they add to the metric's name."""


def parts_of(metric: Metric, bounds: Contribution) -> tuple[Part, ...]:
    """The noisy parts of a metric: one; two of a mean, three of a variance.

    Args:
        metric: a declared metric.
        bounds: on what one privacy unit contributes to all cells.

    Raises:
        VeilError: the metric lacks the bounds or bins that its kind needs.
    """
    kind, clamp, tree = metric.kind, metric.clamp, metric.tree
    if kind is MetricKind.COUNT:
        counted = Aggregate.ROWS if metric.column is None else Aggregate.VALUES
        return (_part(metric, counted, of_count(bounds)),)
    if kind is MetricKind.UNITS:
        return (_part(metric, Aggregate.UNITS, of_distinct_units(bounds)),)
    if kind is MetricKind.DISTINCT:
        return (_part(metric, Aggregate.DISTINCT, of_distinct_values(bounds)),)
    if clamp is not None and kind is MetricKind.SUM:
        return (_part(metric, Aggregate.SUM, of_sum(bounds, clamp)),)
    if clamp is not None and kind in (MetricKind.MEAN, MetricKind.VARIANCE):
        of_all = of_mean if kind is MetricKind.MEAN else of_variance
        return tuple(
            _part(metric, SEVERAL[name], sensitivity, name=f"{metric.name}.{name}")
            for name, sensitivity in of_all(bounds, clamp).items()
        )
    if tree is not None and kind is MetricKind.HISTOGRAM:
        return (_part(metric, Aggregate.HISTOGRAM, of_histogram(bounds), width=tree.nodes),)
    if tree is not None and kind is MetricKind.QUANTILE:
        sensitivity = of_tree(bounds, levels=tree.levels)
        return (_part(metric, Aggregate.TREE, sensitivity, width=tree.nodes),)
    raise VeilError(f"metric `{metric.name}` lacks the bounds or bins of a `{kind}`.")


def _part(
    metric: Metric,
    aggregate: Aggregate,
    sensitivity: Sensitivity,
    *,
    name: str = "",
    width: int = 1,
) -> Part:
    return Part(
        name=name or metric.name,
        metric=metric.name,
        aggregate=aggregate,
        column=metric.column,
        clamp=metric.clamp,
        default=metric.default,
        tree=metric.tree,
        bins=metric.bins,
        sensitivity=sensitivity,
        width=width,
    )
