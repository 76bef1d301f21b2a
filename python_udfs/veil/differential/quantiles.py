"""Quantiles from a tree of histograms over a public grid of bins.

Every node of every level is the count of the rows below it, with discrete noise. A quantile is
found by walking down: at each node into the child that holds the wanted share of the children's
counts, none of them taken below 0; what is reported is the lower edge of the bin where the walk
ends (the quantile tree of Google's differential privacy library and of PipelineDP, here over whole
numbers, without their interpolation inside a bin). Walks of a larger share never turn off to the
left of those of a smaller one, so quantiles ascend.

The counts are not made consistent by least squares (Hay, Rastogi, Miklau, Suciu, Boosting the
Accuracy of Differentially Private Histograms Through Consistency, 2010): with 16 branches that
gains little (Qardaji, Yang, Li, Understanding Hierarchical Methods for Differentially Private
Histograms, 2013). How far the noise can have moved a quantile follows from the same nodes: the rows
below an edge of the grid are the sum of few of them, `branching - 1` a level at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from veil.differential.noise import Integers, Noise
from veil.differential.tails import sum_reach
from veil.errors import VeilError

# A path's noisy sum times a quantile's denominator stays below 2**62.
_LARGEST_SUM = 2**42
_LARGEST_PART = 2**20
_LARGEST_BINS = 2**20


@dataclass(frozen=True)
class Tree:
    """A public grid of equal bins, and the levels above it.

    Args:
        lower: the first bin's lower edge, in steps of the metric's resolution.
        width: steps a bin, at least 1; a bin holds its lower edge, the last one its upper too.
        bins: how many, 2 to 2**20.
        branching: children of a node, at least 2; 16 suits most grids.
    """

    lower: int
    width: int
    bins: int
    branching: int

    def __post_init__(self) -> None:
        """Refuse a tree without bins or without branches."""
        if not (2 <= self.bins <= _LARGEST_BINS and self.branching >= 2 and self.width >= 1):
            raise VeilError(
                "a quantile needs `bins` between 2 and 2**20, `branching` of at least 2, and bins "
                "of at least one step of `resolution`."
            )

    @classmethod
    def declare(cls, *, lower: int, upper: int, bins: int, branching: int = 16) -> Tree:
        """The tree over [lower, upper], both in steps; the bins must divide it evenly."""
        if bins < 2 or upper <= lower or (upper - lower) % bins:
            raise VeilError(
                "the steps from `lower` to `upper` must be a multiple of `bins`, at least 2.",
                remedy="Choose `bins` so that each is a whole number of steps of `resolution`.",
            )
        return cls(lower=lower, width=(upper - lower) // bins, bins=bins, branching=branching)

    @property
    def upper(self) -> int:
        """The last bin's upper edge, in steps."""
        return self.lower + self.width * self.bins

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Nodes of each level, from the top (at most `branching`; no root) to the bins."""
        sizes = [self.bins]
        while sizes[0] > self.branching:
            sizes.insert(0, -(-sizes[0] // self.branching))
        return tuple(sizes)

    @property
    def levels(self) -> int:
        """Nodes that a row counts in, one a level: the factor of the tree in the sensitivity."""
        return len(self.sizes)

    @property
    def nodes(self) -> int:
        """Draws a cell."""
        return sum(self.sizes)

    def bin_of(self, steps: Integers) -> Integers:
        """The bin of each value, shape (n,); values outside are clamped."""
        found: Integers = np.clip((steps - self.lower) // self.width, 0, self.bins - 1)
        return found

    def count(self, bins: Integers) -> Integers:
        """True counts of all nodes, top level first, from those of the bins.

        Args:
            bins: shape (cells, bins), bounded counts.

        Returns:
            shape (cells, nodes): the rows to which noise is added, in one part.
        """
        levels = [bins]
        while levels[0].shape[1] > self.branching:
            starts = np.arange(0, levels[0].shape[1], self.branching)
            levels.insert(0, np.add.reduceat(levels[0], starts, axis=1))
        return np.concatenate(levels, axis=1)


@dataclass(frozen=True)
class Sides:
    """Noisy counts on both sides of every inner edge, and how many draws each is made of.

    Args:
        left: shape (cells, bins - 1), rows below edge 1, 2, ...
        right: shape (cells, bins - 1), rows from that edge on.
        draws: shape (bins - 1, 2), nodes in `left` and in `right`.
    """

    left: Integers
    right: Integers
    draws: Integers


def sides(nodes: Integers, *, tree: Tree) -> Sides:
    """Both sides of every inner edge, each from as few nodes as the path to the edge leaves.

    Args:
        nodes: shape (cells, tree.nodes), noisy.
        tree: what `nodes` came from.
    """
    edges = np.arange(1, tree.bins)
    left = np.zeros((len(nodes), len(edges)), dtype=np.int64)
    right = np.zeros_like(left)
    draws = np.zeros((len(edges), 2), dtype=np.int64)
    open_ = np.ones(len(edges), dtype=np.bool_)
    start = 0
    for depth, size in enumerate(tree.sizes):
        below = np.zeros((len(nodes), size + 1), dtype=np.int64)
        np.cumsum(nodes[:, start : start + size], axis=1, out=below[:, 1:])
        start += size
        span = tree.branching ** (tree.levels - 1 - depth)
        # The node that the edge cuts, or the one that begins at it, and its siblings.
        cut = edges // span
        first = cut // tree.branching * tree.branching
        last = np.minimum(first + tree.branching, size)
        # A node that begins at the edge lies wholly to the right, and the path ends.
        ends = edges % span == 0
        after = np.where(ends, cut, cut + 1)
        left += np.where(open_, below[:, cut] - below[:, first], 0)
        right += np.where(open_, below[:, last] - below[:, after], 0)
        draws[:, 0] += np.where(open_, cut - first, 0)
        draws[:, 1] += np.where(open_, last - after, 0)
        open_ &= ~ends
    if max(np.abs(left).max(initial=0), np.abs(right).max(initial=0)) > _LARGEST_SUM:
        raise VeilError("a noisy count is too large for a quantile.")
    return Sides(left=left, right=right, draws=draws)


def quantile(nodes: Integers, *, tree: Tree, q: Fraction) -> Integers:
    """The reported quantile of each cell: the lower edge of its bin, in steps, shape (cells,).

    For the same nodes it ascends in q. Where no child has a positive count, the rows are taken to
    be spread evenly.

    Args:
        nodes: shape (cells, tree.nodes), noisy.
        tree: what `nodes` came from.
        q: between 0 and 1, both excluded.
    """
    _check(q)
    bins = np.array([_walk(row, tree=tree, rank=q) for row in nodes.tolist()], dtype=np.int64)
    return tree.lower + tree.width * bins


def _walk(row: list[int], *, tree: Tree, rank: Fraction) -> int:
    """The bin in which a share `rank`, above 0, of the rows of one cell ends; exact arithmetic."""
    found = start = 0
    for depth, size in enumerate(tree.sizes):
        first = found * tree.branching
        last = min(first + tree.branching, size)
        counts = [max(count, 0) for count in row[start + first : start + last]]
        if not any(counts):
            span = tree.branching ** (tree.levels - 1 - depth)
            counts = [min(span, tree.bins - at * span) for at in range(first, last)]
        target, below = rank * sum(counts), 0
        for found, count in enumerate(counts, first):  # noqa: B007
            if below + count >= target:
                # Above 0 and at most 1: the child holds the target, and what is below does not.
                rank = (target - below) / count
                break
            below += count
        start += size
    return found


def quantile_band(
    found: Sides, *, tree: Tree, noise: Noise, q: Fraction, confidence: Fraction
) -> tuple[Integers, Integers]:
    """Edges between which the quantile of the bounded rows lies, each of shape (cells,).

    The true quantile's bin begins at the last edge whose share is below q, and ends at the first
    whose share is not. Going up, an edge may be that first one while its noisy excess is not
    significantly negative; going down, an edge may be that last one while it is not significantly
    positive. Each end errs only if the noise at one fixed edge is large: no union over edges.

    Args:
        found: from `sides`.
        tree: the same tree.
        noise: what the nodes were drawn with.
        q: between 0 and 1, both excluded.
        confidence: of both ends together.
    """
    excess = _excess(found, q=q)
    half = (1 - confidence) / 2
    right, left = q.numerator, q.denominator - q.numerator
    kinds, places = np.unique(found.draws, axis=0, return_inverse=True)
    reach = np.array(
        [sum_reach(noise, [(left, int(a)), (right, int(b))], half) for a, b in kinds],
        dtype=np.float64,
    )[places.ravel()]
    # The outer edges are certain: no row lies below the first, all lie below the last.
    above = np.pad(excess + reach >= 0, ((0, 0), (0, 1)), constant_values=True)
    below = np.pad(excess - reach < 0, ((0, 0), (1, 0)), constant_values=True)
    low = above.argmax(axis=1)
    high = tree.bins - below[:, ::-1].argmax(axis=1)
    return tree.lower + tree.width * low, tree.lower + tree.width * high


def _excess(found: Sides, *, q: Fraction) -> Integers:
    """Rows below each inner edge minus q of all rows, times q's denominator; both sides weigh."""
    _check(q)
    return (q.denominator - q.numerator) * found.left - q.numerator * found.right


def _check(q: Fraction) -> None:
    if not 0 < q < 1 or q.denominator > _LARGEST_PART:
        raise VeilError("a quantile lies between 0 and 1, written with few digits.")
