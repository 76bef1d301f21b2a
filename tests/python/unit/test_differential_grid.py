"""Fixed point: exact steps, no NaN past the clamp, no overflow."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.differential.grid import LARGEST_BOUND, declare_clamp, ends, to_decimals, to_steps
from veil.differential.sensitivity import Clamp
from veil.errors import VeilError

MONEY = declare_clamp(lower=0, upper=500, resolution=0.01)


def _exactly(value: float, clamp: Clamp) -> int:
    lower, upper = ends(clamp)
    return min(max(round(Fraction(value) / clamp.resolution), lower), upper)


def test_bounds_are_read_as_the_decimals_that_are_written() -> None:
    """0.1 is a tenth, as a float, a string or a ratio."""
    found = declare_clamp(lower="-0.3", upper=0.7, resolution="1/10")

    assert ends(found) == (-3, 7)
    assert ends(MONEY) == (0, 50_000)


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.floats(-10, 600)),
    resolution=st.sampled_from(["0.01", "0.05", "0.25", "1", "5", "0.000001"]),
)
@settings(deadline=None, database=None)
def test_a_float_goes_to_the_step_that_fractions_name(values: list[float], resolution: str) -> None:
    """Doubles decide only what they decide rightly; huge values are clamped."""
    clamp = declare_clamp(lower=-5, upper=500, resolution=resolution)
    steps, kept = to_steps(pa.array(values, type=pa.float64()), clamp=clamp)

    assert kept.all()
    assert steps.tolist() == [_exactly(value, clamp) for value in values]


def test_ties_and_their_neighbours_are_told_apart() -> None:
    """Each half step, and the doubles beside it, where a rounded product would be wrong."""
    halves = [k / 200 for k in range(1, 4000, 2)]
    values = [
        near
        for half in halves
        for near in (math.nextafter(half, 0), half, math.nextafter(half, math.inf))
    ]
    steps, _ = to_steps(pa.array(values), clamp=MONEY)
    careless = np.rint(np.array(values) * 100)

    assert steps.tolist() == [_exactly(value, MONEY) for value in values]
    assert steps.tolist() != careless.tolist()


def test_decimals_and_integers_are_exact() -> None:
    """A tie goes to the even step; what lies outside is clamped."""
    decimals = pa.array(
        [Decimal("0.29"), Decimal("1.005"), Decimal("1.015"), Decimal("-3"), Decimal("900")],
        type=pa.decimal128(12, 3),
    )
    integers = pa.array([0, 7, 8, 12, 13, -(2**63), 2**63 - 1])
    by_five = declare_clamp(lower=-10, upper=20, resolution=5)

    assert to_steps(decimals, clamp=MONEY)[0].tolist() == [29, 100, 102, 0, 50_000]
    assert to_steps(integers, clamp=by_five)[0].tolist() == [0, 1, 2, 2, 3, -2, 4]


MISSING = [
    pa.array([None, math.nan, math.inf, -math.inf, 2.0], from_pandas=False),
    pa.array([None, 2], type=pa.int64()),
    pa.array([None, Decimal(2)], type=pa.decimal128(5, 1)),
]


@pytest.mark.parametrize("values", MISSING, ids=["float", "integer", "decimal"])
def test_missing_and_endless_values_are_dropped(values: pa.Array) -> None:
    """NULL, NaN and both infinities; in SQL, least(500, NULL) would make 500 of them."""
    steps, kept = to_steps(values, clamp=MONEY)

    assert kept.tolist() == [False] * (len(values) - 1) + [True]
    assert steps[-1] == 200
    assert 50_000 not in steps


@pytest.mark.parametrize("values", MISSING, ids=["float", "integer", "decimal"])
def test_missing_and_endless_values_take_the_declared_default(values: pa.Array) -> None:
    """All of them, and no row is dropped."""
    steps, kept = to_steps(values, clamp=MONEY, default=Fraction(3))

    assert kept.all()
    assert steps.tolist() == [300] * (len(values) - 1) + [200]


@pytest.mark.parametrize("default", [Fraction(500), Fraction(-1), Fraction(501), Fraction(1, 1000)])
def test_a_default_at_the_upper_bound_or_off_the_grid_is_refused(default: Fraction) -> None:
    """A missing value never counts as the largest one."""
    with pytest.raises(VeilError, match="default"):
        to_steps(pa.array([1.0]), clamp=MONEY, default=default)


@pytest.mark.parametrize(
    ("lower", "upper", "resolution"),
    [
        (0, LARGEST_BOUND + 1, 1),
        (-LARGEST_BOUND - 1, 0, 1),
        (0, 1, "1/3"),
        (0, 1, "0.0000001"),
        (0, 2**21, 2**21),
        (0, 1, 0),
        (1, 1, 1),
        (0, "0.005", "0.01"),
        (0, math.inf, 1),
        (math.nan, 1, 1),
        (0, True, 1),
        (0, None, 1),
    ],
)
def test_bounds_that_could_overflow_or_are_none_are_refused(
    lower: object, upper: object, resolution: object
) -> None:
    """Too far out, off every decimal, out of order, off the grid, no numbers."""
    with pytest.raises(VeilError):
        declare_clamp(lower=lower, upper=upper, resolution=resolution)


def test_a_column_of_text_is_refused() -> None:
    """The message carries no value."""
    with pytest.raises(VeilError, match="integers, decimals or floats") as caught:
        to_steps(pa.array(["four hundred"]), clamp=MONEY)

    assert "four" not in str(caught.value)


@given(steps=st.lists(st.integers(-(2**63), 2**63 - 1)))
@settings(deadline=None, database=None)
def test_output_is_exact_also_for_the_largest_sums(steps: list[int]) -> None:
    """Every digit of 64 bits comes back, in the resolution's places."""
    found = to_decimals(np.array(steps, dtype=np.int64), resolution=Fraction(1, 4))

    assert found.type == pa.decimal128(38, 2)
    assert [Fraction(one) for one in found.to_pylist()] == [Fraction(step, 4) for step in steps]


def test_output_of_coarse_steps_has_no_places() -> None:
    """Steps of 5 are whole numbers."""
    found = to_decimals(np.array([3, -1], dtype=np.int64), resolution=Fraction(5))

    assert found.to_pylist() == [Decimal(15), Decimal(-5)]
