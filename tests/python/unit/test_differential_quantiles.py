"""Quantiles from a noisy tree: on the grid, ascending, near the truth, every level counted."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statistical_support import is_binomial
from veil.differential.noise import Noise, NoiseKind, add_noise
from veil.differential.quantiles import Tree, quantile, quantile_band, sides
from veil.errors import VeilError

HALF = Fraction(1, 2)
SHAPES = [(2, 2), (5, 2), (16, 16), (17, 16), (64, 8), (100, 7), (256, 4)]


def counted(values: list[int], tree: Tree) -> np.ndarray:
    """True nodes of one cell, shape (1, nodes)."""
    bins = np.bincount(tree.bin_of(np.array(values, dtype=np.int64)), minlength=tree.bins)
    return tree.count(bins.reshape(1, -1).astype(np.int64))


def true_quantile(values: list[int], q: Fraction) -> int:
    """The smallest value that at least q of the rows do not exceed."""
    return sorted(values)[math.ceil(q * len(values)) - 1]


@pytest.mark.parametrize(("bins", "branching"), SHAPES)
def test_one_row_counts_once_on_every_level(bins: int, branching: int) -> None:
    """What a row adds to the vector of nodes is `levels` ones: the sensitivity of the tree."""
    tree = Tree(lower=0, width=1, bins=bins, branching=branching)
    nodes = tree.count(np.eye(bins, dtype=np.int64))

    assert nodes.shape == (bins, tree.nodes)
    assert (nodes.sum(axis=1) == tree.levels).all()
    assert nodes.max() == 1
    assert tree.levels == math.ceil(round(math.log(bins, branching), 9))
    assert tree.sizes[0] <= branching


@pytest.mark.parametrize("cells", [1, 4])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_unit_moves_the_nodes_by_no_more_than_its_bounds_say(cells: int, rows: int) -> None:
    """L0 cells, Linf rows each: L1 at most L0 Linf levels, L2 squared at most L0 Linf**2 levels."""
    tree = Tree(lower=0, width=1, bins=64, branching=8)
    together = np.zeros((cells, 64), dtype=np.int64)
    together[:, 5] = rows
    apart = np.zeros((cells, 64), dtype=np.int64)
    for row in range(rows):
        apart[:, 20 * row] += 1

    assert np.abs(tree.count(together)).sum() == cells * rows * tree.levels
    assert (tree.count(together) ** 2).sum() == cells * rows**2 * tree.levels
    assert np.abs(tree.count(apart)).sum() == cells * rows * tree.levels
    assert (tree.count(apart) ** 2).sum() <= cells * rows**2 * tree.levels


@pytest.mark.parametrize(("bins", "branching"), SHAPES)
def test_without_noise_both_sides_of_an_edge_are_exact(bins: int, branching: int) -> None:
    """And each takes at most `branching - 1` nodes a level, plus the one that ends the path."""
    tree = Tree(lower=0, width=1, bins=bins, branching=branching)
    counts = (np.arange(3 * bins, dtype=np.int64) ** 2 % 101).reshape(3, bins)
    found = sides(tree.count(counts), tree=tree)
    below = counts.cumsum(axis=1)[:, :-1]

    assert (found.left == below).all()
    assert (found.right == counts.sum(axis=1, keepdims=True) - below).all()
    assert (found.draws.sum(axis=1) <= tree.levels * (branching - 1) + 1).all()


@given(
    values=st.lists(st.integers(-5, 130), min_size=1, max_size=60),
    q=st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100),
)
@settings(deadline=None, database=None)
def test_without_noise_the_quantile_of_the_clamped_values_is_found(
    values: list[int], q: Fraction
) -> None:
    """On a grid of single steps; values beyond the bounds count at the bounds."""
    tree = Tree(lower=0, width=1, bins=120, branching=5)
    found = quantile(counted(values, tree), tree=tree, q=q)

    assert found.tolist() == [true_quantile([min(max(one, 0), 119) for one in values], q)]


def test_a_bin_holds_its_lower_edge_and_the_last_one_its_upper() -> None:
    """Of bins of ten steps from -20 to 80."""
    tree = Tree.declare(lower=-20, upper=80, bins=10)
    steps = np.array([-99, -20, -11, -10, 79, 80, 2**40], dtype=np.int64)

    assert tree.bin_of(steps).tolist() == [0, 0, 0, 1, 9, 9, 9]
    assert (tree.width, tree.upper) == (10, 80)


@given(
    nodes=st.lists(st.integers(-(10**6), 10**6), min_size=25, max_size=25),
    several=st.lists(
        st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000), min_size=2
    ),
)
@settings(deadline=None, database=None)
def test_any_noise_leaves_quantiles_on_the_grid_and_ascending(
    nodes: list[int], several: list[Fraction]
) -> None:
    """Negative counts, negative totals, parents that contradict their children."""
    tree = Tree(lower=-7, width=3, bins=18, branching=4)
    noisy = np.array([nodes], dtype=np.int64)
    found = [int(quantile(noisy, tree=tree, q=q)[0]) for q in sorted(several)]

    assert found == sorted(found)
    assert all(-7 <= one < tree.upper and (one + 7) % 3 == 0 for one in found)


def test_a_cell_of_noise_alone_says_nothing_of_others() -> None:
    """Cells are told apart: what one holds moves no other."""
    tree = Tree(lower=0, width=1, bins=40, branching=6)
    one, other = counted([3] * 9, tree), counted([30] * 9, tree)
    nodes = np.concatenate([one, other, -one])

    # A negative total reports as rows that are spread evenly.
    assert quantile(nodes, tree=tree, q=HALF).tolist() == [3, 30, 19]


@pytest.mark.parametrize("kind", list(NoiseKind))
def test_noisy_quantiles_are_near_the_true_ones(kind: NoiseKind) -> None:
    """1,000 rows a cell spread over 64 bins, scale 3: within four bins in at least 95 % of cells.

    False alarm below 1e-9 (four bins are eight standard deviations of the noise on an edge). A
    hundred times the scale is caught.
    """
    tree = Tree(lower=0, width=1, bins=64, branching=8)
    bins = np.full((300, 64), 16, dtype=np.int64)

    def near(scale: float) -> bool:
        noisy = add_noise([(tree.count(bins), Noise(kind, scale))])[0].values
        found = quantile(noisy, tree=tree, q=HALF)
        return int((np.abs(found - 31) <= 4).sum()) >= 285

    assert near(3.0)
    assert not near(300.0)


@pytest.mark.parametrize("kind", list(NoiseKind))
@pytest.mark.parametrize("q", [Fraction(1, 10), HALF])
def test_the_band_holds_the_true_quantile(kind: NoiseKind, q: Fraction) -> None:
    """At 90 %, over 500 cells of uneven rows. False alarm 1e-7; a tenth of the scale is caught."""
    tree = Tree(lower=0, width=2, bins=60, branching=5)
    rows = [((k * k) % 53) + k % 40 for k in range(150)]
    nodes = np.repeat(counted(rows, tree), 500, axis=0)
    truth = true_quantile(rows, q)

    def holds(declared: float) -> bool:
        noisy = add_noise([(nodes, Noise(kind, 4.0))])[0].values
        low, high = quantile_band(
            sides(noisy, tree=tree),
            tree=tree,
            noise=Noise(kind, declared),
            q=q,
            confidence=Fraction(9, 10),
        )
        inside = int(((low <= truth) & (truth < high)).sum())
        return inside >= 450 or is_binomial(inside, trials=500, chance=0.9, alarm=2e-7)

    assert holds(4.0)
    assert not holds(0.4)


@pytest.mark.parametrize(
    ("lower", "upper", "bins", "branching"),
    [(0, 10, 3, 4), (0, 10, 1, 4), (0, 10, 0, 4), (5, 5, 2, 4), (9, 0, 3, 4), (0, 10, 10, 1)],
)
def test_a_grid_that_bins_do_not_divide_is_refused(
    lower: int, upper: int, bins: int, branching: int
) -> None:
    """No edge may lie between two steps of the resolution."""
    with pytest.raises(VeilError, match="bins"):
        Tree.declare(lower=lower, upper=upper, bins=bins, branching=branching)


@pytest.mark.parametrize("q", [Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 2**21)])
def test_a_quantile_that_is_an_extreme_is_refused(q: Fraction) -> None:
    """The smallest and the largest value belong to one person."""
    tree = Tree(lower=0, width=1, bins=4, branching=2)
    with pytest.raises(VeilError, match="between 0 and 1"):
        quantile(counted([1], tree), tree=tree, q=q)


def test_counts_that_could_overflow_are_refused() -> None:
    """2**42 rows and more."""
    tree = Tree(lower=0, width=1, bins=4, branching=2)
    with pytest.raises(VeilError, match="too large"):
        sides(np.full((1, tree.nodes), 2**43, dtype=np.int64), tree=tree)
