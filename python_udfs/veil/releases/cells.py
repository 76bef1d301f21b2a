"""Draws a release: noise on the aggregates of all cells, and the table that is released.

Only noisy numbers, declared ones and the keys of public or selected cells leave this module. True
aggregates enter and are kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from veil.differential.grid import to_decimals
from veil.differential.intervals import (
    Interval,
    interval,
    mean_interval,
    quantile_intervals,
    variance_interval,
)
from veil.differential.noise import Integers, Noisy, add_noise
from veil.differential.threshold import select
from veil.errors import VeilError
from veil.releases.declared import SUFFIXES, Declared, Metric, MetricKind
from veil.releases.partitions import KEY_TYPES
from veil.releases.plan import Plan

_LARGEST = 2**63 - 1
# Places of a list column are counted in 32 bits.
_MOST_OFFSETS = 2**31 - 1


def select_groups(plan: Plan, counts: Integers) -> npt.NDArray[np.bool_]:
    """Which private partitions are named; the draws that decide it are used for nothing else.

    Args:
        plan: of a mart with private partitions.
        counts: int64, shape (groups,): distinct privacy units of each group after bounding.

    Returns:
        shape (groups,); true where a group is named. The others are to be forgotten.

    Raises:
        VeilError: the mart's partitions are public.
    """
    if plan.selection is None:
        raise VeilError(f"model `{plan.declared.name}` has no private partitions to select.")
    return select(
        counts,
        noise=plan.selection.noise,
        threshold=plan.selection.threshold,
        pre_threshold=plan.declared.pre_threshold,
    )


def draw_cells(plan: Plan, keys: pa.Table, aggregates: Mapping[str, Integers]) -> pa.Table:
    """Draw all noise of a release at once, and make the table that is released.

    Args:
        plan: of the mart.
        keys: one row a cell, public or already selected; a column for every partition key. Without
            partition keys no column, and there is one cell.
        aggregates: of every part by its name, after bounding: int64, shape (cells,), or
            (cells, width) where a part has more than one number a cell.

    Returns:
        The declared columns in their order, sorted by the keys (NULL last), every number on its
        declared grid. Values are not moved into their public bounds unless they are quotients: a
        count may be below 0, and so totals of many cells stay unbiased.

    Raises:
        VeilError: keys or aggregates are not those of the plan, a cell comes twice, or a number
            does not fit; before anything is drawn.
    """
    declared = plan.declared
    columns: dict[str, pa.Array] = _keys(declared, keys)
    cells = keys.num_rows if declared.keys else 1
    _check_aggregates(plan, aggregates, cells=cells)
    drawn = add_noise([(aggregates[part.name], plan.noises[part.name]) for part in plan.parts])
    noisy = {part.name: one for part, one in zip(plan.parts, drawn, strict=True)}
    return _table(declared, columns, noisy)


def realised_error(
    plan: Plan, keys: pa.Table, aggregates: Mapping[str, Integers], released: pa.Table
) -> dict[str, tuple[float, float]]:
    """How far a release lies from what it would be without noise: for the privacy office alone.

    Args:
        plan, keys, aggregates: as given to `draw_cells`.
        released: what that returned.

    Returns:
        Mean and largest absolute error over all cells by metric, in its own unit; 0 without cells.
    """
    declared = plan.declared
    exact = {part.name: Noisy(aggregates[part.name], plan.noises[part.name]) for part in plan.parts}
    without = _table(declared, _keys(declared, keys), exact)
    found = {}
    for metric in declared.metrics:
        errors = np.abs(_numbers(released[metric.name]) - _numbers(without[metric.name]))
        found[metric.name] = (
            (float(errors.mean()), float(errors.max())) if errors.size else (0.0, 0.0)
        )
    return found


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values = column.combine_chunks()
    if pa.types.is_list(values.type):
        values = values.flatten()
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _table(
    declared: Declared, keys: Mapping[str, pa.Array], noisy: Mapping[str, Noisy]
) -> pa.Table:
    """The declared columns in their order, sorted by the keys."""
    columns = dict(keys)
    for metric in declared.metrics:
        found = _interval(metric, noisy, declared)
        for suffix, steps in zip(
            ("", *SUFFIXES), (found.value, found.low, found.high), strict=True
        ):
            columns[metric.name + suffix] = _on_grid(metric, steps)
    table = pa.table({name: columns[name] for name in declared.columns})
    if not declared.keys:
        return table
    order = [(key.name, "ascending") for key in declared.keys]
    return table.take(pc.sort_indices(table, sort_keys=order))


def _keys(declared: Declared, keys: pa.Table) -> dict[str, pa.Array]:
    """The key columns in their declared types; every combination once."""
    names = [key.name for key in declared.keys]
    if sorted(keys.column_names) != sorted(names):
        raise VeilError(f"the cells of model `{declared.name}` do not have its partition keys.")
    try:
        cast = {
            key.name: keys[key.name].combine_chunks().cast(KEY_TYPES[key.data_type])
            for key in declared.keys
        }
    except pa.ArrowException:
        # Arrow's own message shows the value.
        raise VeilError(
            f"a partition key of model `{declared.name}` does not fit its type.",
            remedy="Declare the `data_type` that the row query gives it.",
        ) from None
    if names and pa.table(cast).group_by(names).aggregate([]).num_rows < keys.num_rows:
        raise VeilError(
            f"model `{declared.name}` has a cell twice: it would be drawn twice and charged once."
        )
    return cast


def _check_aggregates(plan: Plan, aggregates: Mapping[str, Integers], *, cells: int) -> None:
    if any(part.width > 1 and cells * part.width > _MOST_OFFSETS for part in plan.parts):
        raise VeilError(
            f"model `{plan.declared.name}` has too many numbers in its cells for one release.",
            remedy="Declare fewer bins or coarser partition keys.",
        )
    wanted = {
        part.name: (cells,) if part.width == 1 else (cells, part.width) for part in plan.parts
    }
    if {name: values.shape for name, values in aggregates.items()} != wanted:
        raise VeilError(
            f"the aggregates of model `{plan.declared.name}` are not those of its cells and parts."
        )


def _interval(metric: Metric, noisy: Mapping[str, Noisy], declared: Declared) -> Interval:
    """Value and interval of all cells, in steps of the metric's resolution."""
    confidence, clamp = declared.confidence, metric.clamp
    if clamp is not None and metric.kind is MetricKind.MEAN:
        return mean_interval(
            noisy[f"{metric.name}.sum"],
            noisy[f"{metric.name}.count"],
            clamp=clamp,
            resolution=metric.resolution,
            confidence=confidence,
        )
    if clamp is not None and metric.kind is MetricKind.VARIANCE:
        return variance_interval(
            noisy[f"{metric.name}.sum_of_squares"],
            noisy[f"{metric.name}.sum"],
            noisy[f"{metric.name}.count"],
            clamp=clamp,
            resolution=metric.resolution,
            confidence=confidence,
        )
    one = noisy[metric.name]
    if metric.quantile is not None and metric.tree is not None:
        found = quantile_intervals(
            one, tree=metric.tree, quantiles=[metric.quantile], confidence=confidence
        )
        return found[0]
    # A sum of values none of which is below 0 has the public floor of a count.
    has_floor = metric.kind is not MetricKind.SUM or (clamp is not None and clamp.lower >= 0)
    return interval(one, confidence=confidence, at_least=0 if has_floor else None)


def _on_grid(metric: Metric, steps: Integers) -> pa.Array:
    """Steps, shape (cells,) or (cells, bins), as the mart's column holds them."""
    if metric.kind is MetricKind.HISTOGRAM:
        cells, bins = steps.shape
        offsets = np.arange(0, cells * bins + 1, bins, dtype=np.int32)
        return pa.ListArray.from_arrays(offsets, pa.array(steps.ravel(), type=pa.int64()))
    if metric.resolution.denominator != 1:
        return to_decimals(steps, resolution=metric.resolution)
    one = int(metric.resolution)
    # What lies beyond 64 bits is cut off there: after the draw nothing may fail any more.
    most = _LARGEST // one
    return pa.array(np.clip(steps, -most, most) * one, type=pa.int64())
