"""Keyed perturbation: from 64 bits to a shift in days or a Laplace draw."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.errors import VeilError
from veil.masks.perturb import laplace, shift_days

words = st.lists(st.integers(0, 2**64 - 1), max_size=50)
LAST = 2**64 - 1


def _bits(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def _nobody(count: int) -> pa.Array:
    return pa.array(["x"] * count, type=pa.string())


def _draw(values: list[int], scale: float = 1.0) -> list[float]:
    drawn: list[float] = laplace(_bits(values), scale=scale, nulls=_nobody(len(values))).to_pylist()
    return drawn


@given(values=words, days=st.integers(1, 3650))
@settings(deadline=None, database=None)
def test_a_shift_lies_within_its_bounds_and_is_never_zero(values: list[int], days: int) -> None:
    """Between -days and days, for any bits."""
    found = shift_days(_bits(values), days=days, nulls=_nobody(len(values))).to_pylist()

    assert all(1 <= abs(one) <= days for one in found)


def test_every_shift_is_hit_by_equally_many_words() -> None:
    """The words 0 to 6d - 1 hit each of the 2d shifts three times: no shift is favoured."""
    found = shift_days(_bits(list(range(42))), days=7, nulls=_nobody(42)).to_pylist()

    assert {one: found.count(one) for one in found} == {
        **dict.fromkeys(range(1, 8), 3),
        **{-day: 3 for day in range(1, 8)},
    }


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_shift_out_of_range_is_refused(days: int) -> None:
    """No days, fewer than none, or more than ten years."""
    with pytest.raises(VeilError, match="between 1 and 3650"):
        shift_days(_bits([1]), days=days, nulls=_nobody(1))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_that_is_no_scale_is_refused(scale: float) -> None:
    """Nothing, less than nothing, or no finite number."""
    with pytest.raises(VeilError, match="above 0"):
        _draw([1], scale)


@pytest.mark.parametrize("word", [0, 1, 2**12 - 1, 2**12, 2**63, 2**63 - 1, LAST - 1, LAST])
def test_the_outermost_words_give_finite_draws(word: int) -> None:
    """No word gives infinity or NaN: the largest would with 53 bits, rounded up to 1."""
    (found,) = _draw([word])

    assert math.isfinite(found)
    assert abs(found) <= 53 * math.log(2)


def test_the_textbook_inversion_is_infinite_for_the_last_word() -> None:
    """The twin: (k + 1/2) / 2**53 rounds to 1 for the largest k, and the logarithm diverges."""
    uniform = (float(LAST >> 11) + 0.5) * 2.0**-53

    assert 1.0 - 2.0 * abs(uniform - 0.5) == 0.0


@given(values=words, scale=st.floats(1e-6, 1e12))
@settings(deadline=None, database=None)
def test_a_draw_scales_and_its_sign_is_one_bit(values: list[int], scale: float) -> None:
    """Twice the scale is twice the draw; the last bit turned is the same draw with another sign."""
    once = _draw(values, scale)

    assert _draw(values, 2 * scale) == [2 * one for one in once]
    assert _draw([word ^ 1 for word in values], scale) == [-one for one in once]


def test_quantiles_are_those_of_laplace() -> None:
    """Closed form: P(|X| > t) = exp(-t / scale); at word k / 2**52 the magnitude is -ln(k)."""
    shares = [0.5, 0.1, 0.01, 1e-6]
    values = [int(share * 2**52) << 12 for share in shares]

    assert _draw(values, 3.0) == pytest.approx([3 * math.log(share) for share in shares], rel=1e-6)


@given(nulls=st.lists(st.booleans(), min_size=1, max_size=20))
@settings(deadline=None, database=None)
def test_nobody_has_neither_a_shift_nor_a_draw(nulls: list[bool]) -> None:
    """NULL where the person is NULL, in one chunk or in several; never a value elsewhere."""
    persons = pa.array([None if null else "x" for null in nulls], type=pa.string())
    bits = _bits([5] * len(nulls))
    pieces = pa.chunked_array([persons[:1], persons[1:]])

    for given_persons in (persons, pieces):
        for found in (
            shift_days(bits, days=3, nulls=given_persons),
            laplace(bits, scale=3.0, nulls=given_persons),
        ):
            assert [one is None for one in found.to_pylist()] == nulls
