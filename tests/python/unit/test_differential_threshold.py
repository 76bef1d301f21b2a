"""Private selection: the smallest safe threshold, and a mask that names nobody by chance alone."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statistical_support import is_binomial
from veil.differential.noise import Noise, NoiseKind
from veil.differential.tails import SUMMED_SIGMA, reach, sum_reach
from veil.differential.threshold import select, threshold
from veil.errors import VeilError

LAPLACE, GAUSSIAN = NoiseKind.LAPLACE, NoiseKind.GAUSSIAN
KINDS = [LAPLACE, GAUSSIAN]
DELTAS = [Fraction(1, 3), Fraction(1, 40), Fraction(1, 10**6), Fraction(3, 10**10)]


def tail_by_sum(noise: Noise, *, start: int) -> Decimal:
    """P(Z >= start) term by term, in 80 digits, from the definition of the distribution."""
    with localcontext() as context:
        context.prec = 80
        scale = Decimal(noise.scale)
        last = math.ceil(120 * noise.scale) + start + 60
        if noise.kind is LAPLACE:
            terms = [(-Decimal(k) / scale).exp() for k in range(last)]
        else:
            last = math.ceil(25 * noise.scale) + start + 2
            terms = [(-Decimal(k * k) / (2 * scale * scale)).exp() for k in range(last)]
        return sum(terms[start:], Decimal(0)) / (2 * sum(terms) - 1)


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("scale", [0.1, 0.75, 1.0, 3.3, 8.0])
@pytest.mark.parametrize("kind", KINDS)
def test_the_threshold_is_the_smallest_that_brute_force_admits(
    kind: NoiseKind, scale: float, delta: Fraction
) -> None:
    """P(1 + Z >= T) is at most delta / L0, and P(1 + Z >= T - 1) is above it."""
    noise = Noise(kind, scale)
    found = threshold(noise, delta=delta, max_partitions_contributed=3)
    allowed = Decimal(delta.numerator) / Decimal(delta.denominator) / 3

    assert tail_by_sum(noise, start=found - 1) <= allowed
    # With so little noise even one step is rarer than delta; a threshold of 1 would name all.
    assert found == 2 or tail_by_sum(noise, start=found - 2) > allowed


def test_known_answers_of_the_laplace_threshold() -> None:
    """By hand: p**k / (1 + p) with p = exp(-1/10) passes 1e-6 / 4 at k = 146, not at 145."""
    noise = Noise(LAPLACE, 10.0)
    p = math.exp(-0.1)

    assert p**146 / (1 + p) <= 2.5e-7 < p**145 / (1 + p)
    assert threshold(noise, delta=Fraction(1, 10**6), max_partitions_contributed=4) == 147


@pytest.mark.parametrize("kind", KINDS)
def test_a_pre_threshold_moves_the_threshold_by_its_excess_over_one(kind: NoiseKind) -> None:
    """max(1, pre_threshold): 0 and 1 are the same, 11 is ten more."""
    found = [
        threshold(
            Noise(kind, 4.0),
            delta=Fraction(1, 10**5),
            max_partitions_contributed=2,
            pre_threshold=pre,
        )
        for pre in (0, 1, 11)
    ]

    assert found == [found[0], found[0], found[0] + 10]


@given(
    scale=st.floats(0.01, 1e15),
    digits=st.integers(1, 28),
    kind=st.sampled_from(KINDS),
)
@settings(deadline=None, database=None, max_examples=40)
def test_less_delta_never_lowers_the_threshold(scale: float, digits: int, kind: NoiseKind) -> None:
    """Also at scales where nothing can be summed up."""
    noise = Noise(kind, min(scale, 300.0) if digits % 2 else scale)

    assert reach(noise, Fraction(1, 10**digits)) <= reach(noise, Fraction(1, 10 ** (digits + 1)))


@pytest.mark.parametrize("probability", DELTAS)
def test_both_ways_to_bound_the_gaussian_meet(probability: Fraction) -> None:
    """At the sigma where sums give way to integrals, the reach is the same to one step."""
    sigma = float(SUMMED_SIGMA)
    summed = reach(Noise(GAUSSIAN, sigma), probability)
    bounded = reach(Noise(GAUSSIAN, math.nextafter(sigma, math.inf)), probability)

    assert 0 <= bounded - summed <= 1


@pytest.mark.parametrize("probability", [Fraction(1, 40), Fraction(1, 10**9)])
def test_a_wide_gaussian_reaches_as_far_as_the_normal_distribution(probability: Fraction) -> None:
    """Normal quantiles 1.959963985 and 5.997807015 (Abramowitz and Stegun 1964, table 26.5)."""
    known = {Fraction(1, 40): 1.959963984540054, Fraction(1, 10**9): 5.997807014982}

    assert reach(Noise(GAUSSIAN, 1e9), probability) / 1e9 == pytest.approx(
        known[probability], abs=2e-9
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_reach_of_a_sum_covers_the_sum_of_two(kind: NoiseKind) -> None:
    """Against the exact convolution of two draws, weights 1 and 2; half the bound is caught."""
    noise = Noise(kind, 2.0)
    chances = [
        float(tail_by_sum(noise, start=k) - tail_by_sum(noise, start=k + 1)) for k in range(60)
    ]
    allowed = Fraction(1, 1000)
    found = sum_reach(noise, [(1, 1), (-2, 1)], allowed)

    def beyond(limit: int) -> float:
        return math.fsum(
            chances[abs(a)] * chances[abs(b)]
            for a in range(-59, 60)
            for b in range(-59, 60)
            if a + 2 * b >= limit
        )

    assert beyond(found) <= allowed
    assert beyond(found // 2) > allowed


@pytest.mark.parametrize(
    ("delta", "cells"),
    [
        (Fraction(0), 1),
        (Fraction(-1, 10), 1),
        (Fraction(1, 2), 1),
        (Fraction(1), 1),
        (Fraction(1, 10**30), 2),
        (Fraction(1, 10), 0),
        (Fraction(1, 10), -1),
    ],
)
def test_a_delta_or_a_bound_out_of_range_is_refused(delta: Fraction, cells: int) -> None:
    """No delta, one that is no promise, one too small to bound, no groups."""
    with pytest.raises(VeilError):
        threshold(Noise(LAPLACE, 1.0), delta=delta, max_partitions_contributed=cells)


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_of_one_is_named_as_rarely_as_delta_says(kind: NoiseKind) -> None:
    """The share of named groups of one person, at delta / L0 = 1/20.

    False alarm 1e-8. The twin is a threshold two steps too low.
    """
    noise = Noise(kind, 2.0)
    safe = threshold(noise, delta=Fraction(1, 10), max_partitions_contributed=2)
    alone = np.ones(20_000, dtype=np.int64)

    def within(at: int) -> bool:
        named = int(select(alone, noise=noise, threshold=at).sum())
        chance = float(tail_by_sum(noise, start=at - 1))
        expected = is_binomial(named, trials=len(alone), chance=chance, alarm=1e-8)
        return expected and named <= 0.05 * len(alone) + 6 * math.sqrt(0.05 * len(alone))

    assert within(safe)
    assert not within(safe - 2)


def test_large_groups_are_named_and_the_pre_threshold_holds_without_noise() -> None:
    """A mask and nothing else; below `pre_threshold` no draw can name a group."""
    counts = np.array([10**6, 9, 0, 10**6], dtype=np.int64)
    found = select(counts, noise=Noise(LAPLACE, 1.0), threshold=-100, pre_threshold=10)

    assert found.dtype == np.bool_
    assert found.tolist() == [True, False, False, True]


def test_a_group_without_anybody_is_never_named() -> None:
    """Even where the threshold would admit it."""
    empty = np.zeros(50, dtype=np.int64)

    assert not select(empty, noise=Noise(LAPLACE, 1000.0), threshold=-(10**6)).any()


def test_every_selection_draws_anew() -> None:
    """Two selections of the same groups at even odds agree as a coin does. False alarm 1e-15."""
    counts = np.full(100, 1000, dtype=np.int64)
    first, second = (select(counts, noise=Noise(GAUSSIAN, 100.0), threshold=1000) for _ in range(2))

    assert 0 < (first != second).sum() < 100
