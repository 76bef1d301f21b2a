"""Intervals: they hold the bounded aggregate as often as declared, from noisy values alone.

The coverage tests count over independent cells; each fails for sound intervals with probability
below 1e-7 (binomial tail at the declared confidence), and catches a scale that was declared too
small.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statistical_support import binomial_tails, is_binomial
from veil.differential import intervals as module
from veil.differential.grid import declare_clamp
from veil.differential.intervals import (
    NOISE_ONLY,
    Interval,
    half_width,
    interval,
    mean_interval,
    quantile_intervals,
    variance_interval,
)
from veil.differential.noise import Noise, NoiseKind, Noisy, add_noise
from veil.differential.quantiles import Tree
from veil.errors import VeilError

KINDS = list(NoiseKind)
LAPLACE = NoiseKind.LAPLACE
CONFIDENCE = Fraction(9, 10)
CELLS = 3000
AMOUNT = declare_clamp(lower=-2, upper=8, resolution="0.01")
CENT = Fraction(1, 100)
RNG = np.random.default_rng(5)


def noisy(values: np.ndarray, *, drawn: Noise, declared: float) -> Noisy:
    """Noise of one scale, released with the claim of another."""
    found = add_noise([(values.astype(np.int64), drawn)])[0]
    return Noisy(found.values, Noise(drawn.kind, declared))


def covers(found: Interval, truth: np.ndarray, *, lowest: float = 0.9) -> bool:
    """Whether as many cells are covered as chance leaves at the declared confidence."""
    inside = int(((found.low <= truth) & (truth <= found.high)).sum())
    enough = binomial_tails(inside, trials=len(truth), chance=lowest)[0] > 1e-7
    ordered = (found.low <= found.value).all() and (found.value <= found.high).all()
    return bool(enough and ordered)


@pytest.mark.parametrize("kind", KINDS)
def test_half_widths_are_the_smallest_that_hold_enough_noise(kind: NoiseKind) -> None:
    """P(|Z| > w) from the definition, for w and for one less."""
    scale = 6.0
    weigh: Callable[[int], float] = (
        (lambda k: math.exp(-abs(k) / scale))
        if kind is LAPLACE
        else (lambda k: math.exp(-(k**2) / (2 * scale**2)))
    )
    whole = math.fsum(weigh(k) for k in range(-400, 401))

    def beyond(width: int) -> float:
        return math.fsum(weigh(k) for k in range(-400, 401) if abs(k) > width) / whole

    for confidence in (Fraction(1, 2), Fraction(19, 20), Fraction(999, 1000)):
        width = half_width(Noise(kind, scale), confidence=confidence)
        assert beyond(width) <= 1 - confidence < beyond(width - 1)


def test_parts_split_the_error_evenly() -> None:
    """Two parts at 90 % are each held at 95 %, by Bonferroni."""
    noise = Noise(LAPLACE, 40.0)

    assert half_width(noise, confidence=CONFIDENCE, parts=2) == half_width(
        noise, confidence=Fraction(19, 20)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_counts_and_sums_are_covered_exactly_as_often_as_declared(kind: NoiseKind) -> None:
    """Not less, and not more than the steps of whole numbers make it. Half the scale is caught."""
    truth = np.arange(CELLS, dtype=np.int64) - 500
    drawn = Noise(kind, 50.0)
    found = interval(noisy(truth, drawn=drawn, declared=50.0), confidence=CONFIDENCE)
    inside = int(((found.low <= truth) & (truth <= found.high)).sum())

    assert covers(found, truth)
    assert is_binomial(inside, trials=CELLS, chance=0.905, alarm=1e-7)
    assert not covers(
        interval(noisy(truth, drawn=drawn, declared=25.0), confidence=CONFIDENCE), truth
    )


def test_a_public_floor_moves_the_ends_and_not_the_value() -> None:
    """A count below 0 stays as it was drawn; what it may really be begins at 0."""
    values = np.array([-30, -2, 50], dtype=np.int64)
    noise = Noise(LAPLACE, 5.0)
    width = half_width(noise, confidence=CONFIDENCE)
    found = interval(Noisy(values, noise), confidence=CONFIDENCE, at_least=0)

    assert width == 11
    assert found.value.tolist() == [-30, -2, 50]
    assert found.low.tolist() == [-30, -2, 39]
    assert found.high.tolist() == [0, 9, 61]


def cells_of_rows() -> list[np.ndarray]:
    """Rows of each cell in steps within the bounds, 20 to 400 of them."""
    return [
        np.clip(RNG.normal(250, 220, size=20 + at % 381).astype(np.int64), -200, 800)
        for at in range(CELLS)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_means_are_covered(kind: NoiseKind) -> None:
    """Sum and count each with noise of their own. A third of the sum's scale is caught."""
    rows = cells_of_rows()
    truth = np.array([Fraction(int(one.sum()), len(one)) for one in rows])

    def found(share: float) -> Interval:
        total = noisy(
            np.array([one.sum() for one in rows]), drawn=Noise(kind, 3e3), declared=3e3 * share
        )
        count = noisy(
            np.array([len(one) for one in rows]), drawn=Noise(kind, 2.0), declared=2.0 * share
        )
        return mean_interval(total, count, clamp=AMOUNT, resolution=CENT, confidence=CONFIDENCE)

    assert covers(found(1.0), truth)
    assert not covers(found(1 / 3), truth)
    assert found(1.0).low.min() >= -200
    assert found(1.0).high.max() <= 800


@pytest.mark.parametrize("kind", KINDS)
def test_variances_are_covered(kind: NoiseKind) -> None:
    """Three noisy parts, on a grid of 1/100 squared units. A tenth of the scales is caught."""
    rows = cells_of_rows()
    truth = np.array([float(np.var(one.astype(float))) / 100 for one in rows])

    def found(share: float) -> Interval:
        parts = [
            noisy(np.array(values), drawn=Noise(kind, scale), declared=scale * share)
            for values, scale in (
                ([int((one**2).sum()) for one in rows], 2e6),
                ([int(one.sum()) for one in rows], 3e3),
                ([len(one) for one in rows], 2.0),
            )
        ]
        return variance_interval(*parts, clamp=AMOUNT, resolution=CENT, confidence=CONFIDENCE)

    assert covers(found(1.0), truth)
    assert not covers(found(0.1), truth)
    assert found(1.0).low.min() >= 0
    assert found(1.0).high.max() <= 2500


@pytest.mark.parametrize("kind", KINDS)
def test_quantiles_are_covered(kind: NoiseKind) -> None:
    """Three quantiles of 300 cells from one tree each. A twentieth of the scale is caught."""
    tree = Tree.declare(lower=-200, upper=800, bins=100, branching=10)
    rows = cells_of_rows()[:300]
    bins = np.array([np.bincount(tree.bin_of(one), minlength=tree.bins) for one in rows])
    wanted = [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)]

    def found(share: float) -> list[Interval]:
        nodes = noisy(tree.count(bins), drawn=Noise(kind, 4.0), declared=4.0 * share)
        return quantile_intervals(nodes, tree=tree, quantiles=wanted, confidence=CONFIDENCE)

    truths = [np.array([np.sort(one)[math.ceil(q * len(one)) - 1] for one in rows]) for q in wanted]

    assert all(covers(one, truth) for one, truth in zip(found(1.0), truths, strict=True))
    assert not all(covers(one, truth) for one, truth in zip(found(0.05), truths, strict=True))


def test_a_count_that_may_be_zero_leaves_the_whole_public_range() -> None:
    """For mean and variance; the value is clamped, and lies inside."""
    none = Noisy(np.array([3, -4], dtype=np.int64), Noise(LAPLACE, 5.0))
    total = Noisy(np.array([10**6, -(10**6)], dtype=np.int64), Noise(LAPLACE, 100.0))
    mean = mean_interval(total, none, clamp=AMOUNT, resolution=CENT, confidence=CONFIDENCE)
    spread = variance_interval(
        total, total, none, clamp=AMOUNT, resolution=CENT, confidence=CONFIDENCE
    )

    assert (mean.low.tolist(), mean.high.tolist()) == ([-200] * 2, [800] * 2)
    assert mean.value.tolist() == [800, -200]
    assert (spread.low.tolist(), spread.high.tolist()) == ([0] * 2, [2500] * 2)
    assert all(0 <= one <= 2500 for one in spread.value)


@given(
    total=st.integers(-(10**9), 10**9),
    count=st.integers(-100, 10**6),
    shift=st.integers(-20, 20),
    lost=st.integers(-5, 5),
)
@settings(deadline=None, database=None)
def test_every_true_mean_within_the_errors_lies_inside(
    total: int, count: int, shift: int, lost: int
) -> None:
    """Whatever the errors of sum and count within their half widths, rounding included."""
    noise = Noise(LAPLACE, 7.0)
    width = half_width(noise, confidence=CONFIDENCE, parts=2)
    assert width >= 20
    found = mean_interval(
        Noisy(np.array([total], dtype=np.int64), noise),
        Noisy(np.array([count], dtype=np.int64), noise),
        clamp=AMOUNT,
        resolution=Fraction(1, 4),
        confidence=CONFIDENCE,
    )
    rows = max(1, count + lost)
    truth = Fraction(min(max(total + shift, -200 * rows), 800 * rows), rows) / 25

    # A sum outside what its rows allow cannot be: then only the order is asked for.
    if count + lost >= 1 and -200 * rows <= total + shift <= 800 * rows:
        assert found.low[0] <= truth <= found.high[0]
    assert -8 <= found.low[0] <= found.value[0] <= found.high[0] <= 32


def test_no_cells_have_no_intervals() -> None:
    """An empty mart, in every metric."""
    none = Noisy(np.zeros(0, dtype=np.int64), Noise(LAPLACE, 1.0))
    found = mean_interval(none, none, clamp=AMOUNT, resolution=CENT, confidence=CONFIDENCE)

    assert found.low.shape == found.high.shape == found.value.shape == (0,)
    assert interval(none, confidence=CONFIDENCE).low.shape == (0,)


@pytest.mark.parametrize("confidence", [Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(2)])
def test_a_confidence_that_is_none_is_refused(confidence: Fraction) -> None:
    """Certainty has no finite interval."""
    tree = Tree(lower=0, width=1, bins=2, branching=2)
    nodes = Noisy(np.zeros((1, 2), dtype=np.int64), Noise(LAPLACE, 1.0))
    with pytest.raises(VeilError, match="confidence"):
        half_width(Noise(LAPLACE, 1.0), confidence=confidence)
    with pytest.raises(VeilError, match="confidence"):
        quantile_intervals(nodes, tree=tree, quantiles=[Fraction(1, 2)], confidence=confidence)


def test_a_grid_of_the_mean_that_64_bits_cannot_hold_is_refused() -> None:
    """2**40 steps, each a million times finer."""
    clamp = declare_clamp(lower=0, upper=2**40, resolution=1)
    one = Noisy(np.array([1], dtype=np.int64), Noise(LAPLACE, 1.0))
    with pytest.raises(VeilError, match="too fine"):
        mean_interval(one, one, clamp=clamp, resolution=Fraction(1, 10**8), confidence=CONFIDENCE)


def test_intervals_see_noisy_values_and_declarations_only() -> None:
    """No function takes anything else; equal noisy values have equal intervals."""
    public = {"Noise", "Noisy", "Fraction", "int", "int | None", "Clamp", "Tree", "list[Fraction]"}
    functions = [half_width, interval, mean_interval, variance_interval, quantile_intervals]
    taken = {
        parameter.annotation
        for function in functions
        for parameter in inspect.signature(function).parameters.values()
    }

    assert taken == public
    assert module.NOISE_ONLY is NOISE_ONLY
    assert NOISE_ONLY == "noise only; bounding and clamping bias not included"
