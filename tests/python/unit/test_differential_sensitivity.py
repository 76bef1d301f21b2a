"""Sensitivities: equal to what the worst unit can do, found by trying every unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, product

import pytest

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
    of_sum_of_squares,
    of_tree,
    of_variance,
)
from veil.errors import VeilError

BOUNDS = Contribution(max_partitions_contributed=2, max_contributions_per_partition=2)
CLAMP = Clamp(lower=Fraction(-1, 2), upper=Fraction(1), resolution=Fraction(1, 4))
GRID = range(-2, 5)
CELLS = 3

Rows = tuple[int, ...]
Vector = tuple[int, ...]


def _units() -> Iterator[tuple[Rows, ...]]:
    """Every unit that keeps the bounds: per cell the grid values of its rows."""
    in_cell = [
        rows
        for count in range(BOUNDS.max_contributions_per_partition + 1)
        for rows in combinations_with_replacement(GRID, count)
    ]
    for cells in combinations(range(CELLS), BOUNDS.max_partitions_contributed):
        for chosen in product(in_cell, repeat=len(cells)):
            held = dict(zip(cells, chosen, strict=True))
            yield tuple(held.get(cell, ()) for cell in range(CELLS))


UNITS = list(_units())


def _vector(unit: tuple[Rows, ...], of_cell: Callable[[Rows], Vector]) -> Vector:
    return tuple(number for rows in unit for number in of_cell(rows))


def _worst(of_cell: Callable[[Rows], Vector]) -> Sensitivity:
    vectors = {_vector(unit, of_cell) for unit in UNITS}
    return Sensitivity(
        l1=max(sum(map(abs, one)) for one in vectors),
        l2_squared=max(sum(number**2 for number in one) for one in vectors),
    )


def _tree(rows: Rows) -> Vector:
    """Counts in a root, two halves and four quarters of the grid."""
    return tuple(
        sum(1 for row in rows if (row + 2) * width // 8 == node)
        for width in (1, 2, 4)
        for node in range(width)
    )


MEASURED: dict[str, tuple[Sensitivity, Callable[[Rows], Vector]]] = {
    "count": (of_count(BOUNDS), lambda rows: (len(rows),)),
    "distinct units": (of_distinct_units(BOUNDS), lambda rows: (int(bool(rows)),)),
    # The values are new to the cell: that is when a unit moves the count most.
    "distinct values": (of_distinct_values(BOUNDS), lambda rows: (len(set(rows)),)),
    "sum": (of_sum(BOUNDS, CLAMP), lambda rows: (sum(rows),)),
    "squares": (of_sum_of_squares(BOUNDS, CLAMP), lambda rows: (sum(r * r for r in rows),)),
    "histogram": (
        of_histogram(BOUNDS),
        lambda rows: tuple(rows.count(value) for value in GRID),
    ),
    "tree": (of_tree(BOUNDS, levels=3), _tree),
}


@pytest.mark.parametrize("name", MEASURED)
def test_the_declared_sensitivity_is_that_of_the_worst_unit(name: str) -> None:
    """Neither less (a leak) nor more (needless noise) than the worst of all units."""
    declared, of_cell = MEASURED[name]

    assert declared == _worst(of_cell)


def test_a_distinct_count_of_values_costs_more_than_one_a_cell() -> None:
    """The twin that charges 1 a cell for distinct values lies below what a unit can do."""
    twin = of_distinct_units(BOUNDS)

    assert _worst(lambda rows: (len(set(rows)),)).l1 > twin.l1


def test_a_tree_charged_for_one_level_is_caught() -> None:
    """The twin that forgets the levels lies below what a unit can do."""
    assert _worst(_tree).l1 == 3 * of_histogram(BOUNDS).l1
    assert _worst(_tree).l2_squared == 3 * of_histogram(BOUNDS).l2_squared


def test_exchanging_a_unit_costs_at_most_double_the_distance() -> None:
    """Twice L1 and four times L2 squared, reached where the clamp is symmetric."""
    clamp = Clamp(lower=Fraction(-1), upper=Fraction(1), resolution=Fraction(1))
    declared = of_sum(BOUNDS, clamp).under_substitution()
    sums = {
        _vector(unit, lambda rows: (sum(rows),))
        for unit in UNITS
        if all(-1 <= row <= 1 for rows in unit for row in rows)
    }
    moves = [[a - b for a, b in zip(*pair, strict=True)] for pair in product(sums, repeat=2)]

    assert max(sum(map(abs, move)) for move in moves) == declared.l1
    assert max(sum(step**2 for step in move) for move in moves) == declared.l2_squared


def test_the_formulas_of_the_design() -> None:
    """L1 = L0 Linf max(|lower|, |upper|) / resolution, L2 squared = L0 (Linf max)**2."""
    bounds = Contribution(max_partitions_contributed=4, max_contributions_per_partition=3)
    clamp = Clamp(lower=Fraction(0), upper=Fraction(500), resolution=Fraction(1, 100))

    assert of_sum(bounds, clamp) == Sensitivity(l1=4 * 3 * 50_000, l2_squared=4 * 150_000**2)
    assert of_mean(bounds, clamp) == {"sum": of_sum(bounds, clamp), "count": of_count(bounds)}
    assert of_variance(bounds, clamp)["sum_of_squares"].l1 == 4 * 3 * 50_000**2
    assert set(of_variance(bounds, clamp)) == {"sum_of_squares", "sum", "count"}


@pytest.mark.parametrize("wrong", [0, -1, True, 1.0, "2", None])
def test_a_bound_that_is_no_whole_number_above_zero_is_refused(wrong: object) -> None:
    """Missing, zero, fractional and boolean bounds are never taken for something."""
    with pytest.raises(VeilError, match="max_partitions_contributed"):
        Contribution(max_partitions_contributed=wrong, max_contributions_per_partition=1)  # type: ignore[arg-type]
    with pytest.raises(VeilError, match="max_contributions_per_partition"):
        Contribution(max_partitions_contributed=1, max_contributions_per_partition=wrong)  # type: ignore[arg-type]
    with pytest.raises(VeilError, match="levels"):
        of_tree(BOUNDS, levels=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lower", "upper", "resolution"),
    [
        (Fraction(1), Fraction(1), Fraction(1)),
        (Fraction(2), Fraction(1), Fraction(1)),
        (Fraction(0), Fraction(1), Fraction(0)),
        (Fraction(0), Fraction(1), Fraction(-1)),
        (Fraction(0), Fraction(1), Fraction(2, 3)),
        (Fraction(1, 2), Fraction(2), Fraction(1)),
        (0.0, Fraction(1), Fraction(1)),
        (0, 1, 1),
    ],
)
def test_bounds_off_the_grid_or_out_of_order_are_refused(
    lower: Fraction, upper: Fraction, resolution: Fraction
) -> None:
    """A bound beside the grid would let rounding leave it."""
    with pytest.raises(VeilError):
        Clamp(lower=lower, upper=upper, resolution=resolution)
