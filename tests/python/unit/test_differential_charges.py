"""Charges: exact for the float that was drawn with, and never more than the share."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.differential.charges import (
    gaussian_charge,
    gaussian_scale,
    laplace_charge,
    laplace_scale,
    selection_charge,
    split,
)
from veil.differential.measures import Charge, Measure
from veil.differential.sensitivity import Sensitivity
from veil.errors import VeilError

ONE = Sensitivity(l1=1, l2_squared=1)
SHARES = 10_000

shares = st.fractions(min_value=Fraction(1, 10**12), max_value=10**6)
positive = st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=10**6)


def _random_shares(seed: int) -> list[tuple[Sensitivity, Fraction]]:
    """Sensitivities and shares over many orders of magnitude."""
    draw = random.Random(seed)
    return [
        (
            Sensitivity(l1=draw.randint(1, 10**9), l2_squared=draw.randint(1, 10**18)),
            Fraction(draw.randint(1, 10**9), draw.randint(1, 10**12)),
        )
        for _ in range(SHARES)
    ]


def test_a_charge_is_that_of_the_float_and_not_of_its_decimal() -> None:
    """0.1 as a scale is the binary fraction that OpenDP draws with."""
    drawn = Fraction(3602879701896397, 36028797018963968)

    assert laplace_charge(ONE, scale=0.1).loss == 1 / drawn != 10
    assert gaussian_charge(ONE, scale=0.1).loss == 1 / (2 * drawn**2) != 50


def test_known_charges() -> None:
    """L1 / b and L2**2 / (2 sigma**2)."""
    found = Sensitivity(l1=8, l2_squared=16)

    assert laplace_charge(found, scale=16.0) == Charge(measure=Measure.EPSILON, loss=Fraction(1, 2))
    assert gaussian_charge(found, scale=4.0) == Charge(measure=Measure.RHO, loss=Fraction(1, 2))


def test_charges_agree_with_opendp() -> None:
    """OpenDP's own map, a float rounded up, is the exact charge within a few units in 1e15."""
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    cells = dp.vector_domain(dp.atom_domain(T=int))
    near = Fraction(1, 10**14)
    for scale in (0.7, 3.7, 1e5 / 3, 1e9 + 0.1):
        laplace = dp.m.make_laplace(cells, dp.l1_distance(T=int), scale=scale).map(8)
        gaussian = dp.m.make_gaussian(cells, dp.l2_distance(T=float), scale=scale).map(6.0)
        exact = laplace_charge(Sensitivity(l1=8, l2_squared=36), scale=scale).loss
        square = gaussian_charge(Sensitivity(l1=8, l2_squared=36), scale=scale).loss

        assert exact <= Fraction(laplace) <= exact * (1 + near)
        assert square <= Fraction(gaussian) <= square * (1 + near)


def test_the_laplace_scale_never_costs_more_than_its_share() -> None:
    """10,000 random shares: at most the share, and the next float down would cost more."""
    for sensitivity, share in _random_shares(1):
        scale = laplace_scale(sensitivity, epsilon=share)

        assert laplace_charge(sensitivity, scale=scale).loss <= share
        assert laplace_charge(sensitivity, scale=math.nextafter(scale, 0)).loss > share


def test_the_gaussian_scale_never_costs_more_than_its_share() -> None:
    """10,000 random shares: at most the share, and the next float down would cost more."""
    for sensitivity, share in _random_shares(2):
        scale = gaussian_scale(sensitivity, rho=share)

        assert gaussian_charge(sensitivity, scale=scale).loss <= share
        assert gaussian_charge(sensitivity, scale=math.nextafter(scale, 0)).loss > share


def test_a_scale_rounded_to_nearest_is_caught() -> None:
    """The twin that divides floats costs more than its share again and again."""
    laplace = [
        laplace_charge(found, scale=found.l1 / float(share)).loss > share
        for found, share in _random_shares(3)
    ]
    gaussian = [
        gaussian_charge(found, scale=math.sqrt(found.l2_squared / (2 * float(share)))).loss > share
        for found, share in _random_shares(4)
    ]

    assert sum(laplace) > SHARES // 10
    assert sum(gaussian) > SHARES // 10


@pytest.mark.parametrize("power", [-1070, -1000, -500, 0, 500, 1000])
def test_extreme_shares_still_do_not_overshoot(power: int) -> None:
    """Near the ends of what a float holds, and where its precision ends."""
    share = Fraction(2) ** -power / 3
    laplace = laplace_scale(ONE, epsilon=share)
    gaussian = gaussian_scale(ONE, rho=share)

    assert laplace_charge(ONE, scale=laplace).loss <= share
    assert gaussian_charge(ONE, scale=gaussian).loss <= share


def test_a_share_too_small_for_a_float_is_refused() -> None:
    """No infinite scale, and no error of Python's own."""
    with pytest.raises(VeilError, match="no float can hold"):
        laplace_scale(ONE, epsilon=Fraction(1, 10**400))
    with pytest.raises(VeilError, match="no float can hold"):
        gaussian_scale(ONE, rho=Fraction(1, 10**700))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan, 1, Fraction(1), True, None])
def test_a_scale_that_is_no_finite_float_above_zero_is_refused(scale: object) -> None:
    """An int or a fraction is not what a sampler was given."""
    with pytest.raises(VeilError, match="scale"):
        laplace_charge(ONE, scale=scale)  # type: ignore[arg-type]
    with pytest.raises(VeilError, match="scale"):
        gaussian_charge(ONE, scale=scale)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.5, 1, Fraction(0), Fraction(-1)])
def test_a_share_that_is_no_exact_fraction_above_zero_is_refused(share: object) -> None:
    """No float enters on the way from a budget to a scale."""
    with pytest.raises(VeilError, match="exact fraction"):
        laplace_scale(ONE, epsilon=share)  # type: ignore[arg-type]
    with pytest.raises(VeilError, match="exact fraction"):
        gaussian_scale(ONE, rho=share)  # type: ignore[arg-type]
    with pytest.raises(VeilError, match="exact fraction"):
        split(share, weights={"count": Fraction(1)})  # type: ignore[arg-type]


def test_private_selection_charges_its_noise_and_its_delta() -> None:
    """In either measure, and the delta only once."""
    delta = Fraction(1, 10**9)
    for noise in (laplace_charge(ONE, scale=2.0), gaussian_charge(ONE, scale=2.0)):
        found = selection_charge(noise, delta=delta)

        assert (found.measure, found.loss, found.delta) == (noise.measure, noise.loss, delta)
        with pytest.raises(VeilError, match="no delta of its own"):
            selection_charge(found, delta=delta)


@pytest.mark.parametrize("delta", [Fraction(0), Fraction(1), Fraction(-1, 2), 1e-9])
def test_private_selection_without_a_proper_delta_is_refused(delta: object) -> None:
    """A selection that never errs is not private."""
    with pytest.raises(VeilError, match="delta"):
        selection_charge(laplace_charge(ONE, scale=1.0), delta=delta)  # type: ignore[arg-type]


@given(whole=shares, weights=st.dictionaries(st.text(max_size=3), positive, min_size=1, max_size=8))
@settings(deadline=None, database=None)
def test_the_shares_of_a_release_sum_to_the_whole(
    whole: Fraction, weights: dict[str, Fraction]
) -> None:
    """Exactly, in the ratio of the weights."""
    found = split(whole, weights=weights)
    names = list(weights)

    assert sum(found.values()) == whole
    assert all(found[a] * weights[b] == found[b] * weights[a] for a, b in pairwise(names))


def test_thirds_of_a_budget_are_thirds() -> None:
    """What three floats cannot do."""
    found = split(Fraction(1), weights={name: Fraction(1) for name in "abc"})

    assert set(found.values()) == {Fraction(1, 3)}


@pytest.mark.parametrize("weights", [{}, {"a": Fraction(0)}, {"a": Fraction(-1)}, {"a": 0.5}])
def test_weights_that_are_not_above_zero_are_refused(weights: dict[str, Fraction]) -> None:
    """A metric with no share would be drawn without noise."""
    with pytest.raises(VeilError, match="weights"):
        split(Fraction(1), weights=weights)
