"""The masks of numbers: exact arithmetic, and noise that is the person's own."""

from __future__ import annotations

import decimal
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mask_cases import BOUNDS, CASES, EDGES, FAST, NUMBERS, RAW, WHOLE, Masks

pytestmark = pytest.mark.project

DIGITS = {"price": (7, 2), "wide": (36, 2), "fine": (1, 37)}


def _numbers(source: str) -> st.SearchStrategy[str]:
    """Any number of a column's type, near zero too, as text."""
    if source in WHOLE:
        low, high = (int(one) for one in BOUNDS[source])
        if source == "huge":
            low, high = -7 * 10**37, 7 * 10**37  # 37 digits, as far as `round_to` goes
        near = st.integers(max(low, -50), min(high, 50))
        return st.one_of(near, st.integers(low, high), st.sampled_from([low, high])).map(str)
    if source in DIGITS:
        low, high = (decimal.Decimal(one) for one in BOUNDS[source])
        scale = DIGITS[source][1]
        whole = st.integers(int(low.scaleb(scale, _WIDE)), int(high.scaleb(scale, _WIDE)))
        exact = whole.map(lambda one: str(decimal.Decimal(one).scaleb(-scale, _WIDE)))
        return st.one_of(st.sampled_from([str(low), str(high), "0", "2.5", "-2.5", "7"]), exact)
    # A double holds every whole number below 2**53, a float below 2**24, and so every multiple.
    width, most = (32, 2.0**23) if source == "single" else (64, 2.0**52)
    near = st.integers(-200, 200).map(lambda one: str(one / 4))
    return st.one_of(near, st.floats(-most, most, width=width).map(repr))  # type: ignore[arg-type]


_WIDE = decimal.Context(prec=50)


def _exact(values: Sequence[str | None], source: str) -> list[Fraction]:
    """The numbers that a column holds; a float is written with fewer digits than it has."""
    if source == "single":
        return [Fraction(float(np.float32(one))) for one in values if one is not None]
    return [Fraction(one) for one in values if one is not None]


def _nearest(value: Fraction, step: int, source: str) -> Fraction | None:
    low, high = (Fraction(one) for one in BOUNDS[source])
    below = Fraction(math.floor(value / step) * step)
    above = below + step
    nearer = [above, below] if 2 * (value - below) >= step else [below, above]
    return next((one for one in nearer if low <= one <= high), None)


@pytest.mark.parametrize("source", NUMBERS)
@pytest.mark.parametrize(("name", "step"), [("round", 5), ("round_even", 8)])
@given(data=st.data())
@FAST
def test_a_number_is_rounded_exactly(
    masks: Masks, name: str, step: int, source: str, data: st.DataObject
) -> None:
    """As Python's fractions have it: halves upward, negative values, the ends of every type."""
    values = data.draw(st.lists(_numbers(source), max_size=50))
    found = masks.run(f"{name}_{source}", values)
    expected = [_nearest(value, step, source) for value in _exact(values, source)]

    assert [None if one is None else Fraction(one) for one in found] == expected


@pytest.mark.parametrize("source", ["single", "real"])
def test_a_tiny_or_huge_double_does_not_survive_rounding(masks: Masks, source: str) -> None:
    """`-1e-20` becomes 0: the remainder of a float plus its step loses it, and would keep it."""
    values = ["-1e-20", "1e-20", "2.4999998", "nan", "inf", "1e38"]

    assert masks.run(f"round_{source}", values) == ["0.0", "0.0", "0.0", None, None, None]


def test_the_textbook_remainder_keeps_a_tiny_double(masks: Masks) -> None:
    """The twin: the same rounding by `%` leaves the value in the output."""
    sql = "select x - ((x % 5) + 5) % 5 from (select cast('-1e-20' as double) as x)"

    assert masks.conn.execute(sql).fetchall() == [(-1e-20,)]


@pytest.mark.parametrize("source", NUMBERS)
@given(data=st.data())
@FAST
def test_nothing_lies_beyond_a_coded_end(masks: Masks, source: str, data: st.DataObject) -> None:
    """What lies beyond 2.5 becomes 2.5, in whole numbers the next inside; the rest stays."""
    values = data.draw(st.lists(_numbers(source), max_size=50))
    most, least = (2, 3) if source in WHOLE else (Fraction(5, 2), Fraction(5, 2))
    top = masks.run(f"top_{source}", values)
    bottom = masks.run(f"bottom_{source}", values)

    assert _exact(top, source) == [min(one, most) for one in _exact(values, source)]
    assert _exact(bottom, source) == [max(one, least) for one in _exact(values, source)]


def test_what_is_no_number_does_not_pass_a_coded_top(masks: Masks) -> None:
    """DuckDB orders NaN above infinity; both are coded."""
    assert masks.run("top_real", ["nan", "inf", "-inf"]) == ["2.5", "2.5", "-inf"]
    assert masks.run("bottom_real", ["nan", "inf", "-inf"]) == ["nan", "inf", "2.5"]


@pytest.mark.parametrize("source", NUMBERS)
@given(data=st.data())
@FAST
def test_a_number_falls_into_the_one_bucket_that_holds_it(
    masks: Masks, source: str, data: st.DataObject
) -> None:
    """Lower edge included; the label alone is shown."""
    values = data.draw(st.lists(_numbers(source), max_size=50))
    labels = ["<-10", "-10-<2.5", "2.5-<7", "7+"]
    expected = [labels[sum(one >= edge for edge in EDGES)] for one in _exact(values, source)]

    assert masks.run(f"bucket_{source}", values) == expected


def test_what_is_no_number_falls_into_no_bucket(masks: Masks) -> None:
    """NaN is `*`; the infinities lie in the outer buckets."""
    assert masks.run("bucket_real", ["nan", "inf", "-inf"]) == ["*", "7+", "<-10"]


@pytest.mark.parametrize(
    ("name", "width", "top"), [("age_band", 10, 90), ("age_band_seven", 7, 85)]
)
def test_age_bands_part_all_ages_without_gap_or_overlap(
    masks: Masks, name: str, width: int, top: int
) -> None:
    """Each age from 0 to 120 lies in the band that its label names; from the top up, in one."""
    found = masks.run(name, [str(age) for age in range(121)])
    expected = [
        f"{age - age % width}-{min(age - age % width + width, top) - 1}" if age < top else f"{top}+"
        for age in range(121)
    ]

    assert found == expected
    assert all(found.count(band) == width for band in list(dict.fromkeys(found))[:-2])


def test_an_age_below_zero_is_not_shown_and_a_narrow_type_does_not_overflow(masks: Masks) -> None:
    """A band ends above 127, the largest TINYINT, and is cut at its top."""
    assert masks.run("age_band_tiny", ["-1", "-128", "0", "99", "119", "120", "127"]) == [
        "*",
        "*",
        "0-49",
        "50-99",
        "100-119",
        "120+",
        "120+",
    ]


PEOPLE = 20_000
# Dvoretzky, Kiefer, Wolfowitz, with Massart's constant (1990):
# P(D > GAP) <= 2 exp(-2 PEOPLE GAP**2) = 1e-7.
GAP = math.sqrt(math.log(2e7) / (2 * PEOPLE))


def _distance(draws: np.ndarray, scale: float) -> float:
    """Kolmogorov's distance between a sample and Laplace(0, scale)."""
    ordered = np.sort(draws)
    tail = 0.5 * np.exp(-np.abs(ordered) / scale)
    known = np.where(ordered < 0, tail, 1 - tail)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.max(steps[1:] - known), np.max(known - steps[:-1])))


def _draws(masks: Masks, name: str) -> np.ndarray:
    people = [f"person {number}" for number in range(PEOPLE)]
    return np.array([float(str(one)) for one in masks.run(name, ["0"] * PEOPLE, people)])


def test_noise_is_laplace_of_the_declared_scale(masks: Masks) -> None:
    """Over 20,000 people, at two scales. False alarm 2e-7; the grid adds at most 0.0004."""
    assert _distance(_draws(masks, "noise_real"), 10) < GAP
    assert _distance(_draws(masks, "noise_other_scale"), 20) < GAP


@pytest.mark.parametrize("broken", ["normal", "too small", "one-sided"])
def test_the_noise_test_notices_another_distribution(broken: str) -> None:
    """The twin: a normal draw of equal spread, a scale of 8, and a sign that is lost all show."""
    random = np.random.default_rng(1)
    draws = {
        "normal": random.normal(0, 10 * math.sqrt(2), PEOPLE),
        "too small": random.laplace(0, 8, PEOPLE),
        "one-sided": random.exponential(10, PEOPLE),
    }[broken]

    assert _distance(draws, 10) > GAP


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.mask == "noise"])
def test_rebuilding_or_joining_cannot_average_noise_away(masks: Masks, name: str) -> None:
    """A person's draw is the same at every row and every build, and another person's is another."""
    source = CASES[name].source
    first = masks.run(name, ["5"] * 100, ["ann"] * 100)
    people = [f"person {number}" for number in range(40)]

    assert len(set(first)) == 1
    assert masks.run(name, ["5"], ["ann"]) == first[:1]
    assert len(set(masks.run(name, ["5"] * 40, people))) > (
        5 if RAW[source][0] == "tinyint" else 15
    )


def test_two_scales_of_one_column_do_not_give_the_value_away(masks: Masks) -> None:
    """Attack: from v + d and v + 2d follows v. The scale is part of the draw, so nothing follows.

    A guess lies within 1 by chance once in 40; 40 of 200 do with probability below 1e-20.
    """
    people = [f"person {number}" for number in range(200)]
    once = masks.run("noise_real", ["1234"] * 200, people)
    twice = masks.run("noise_other_scale", ["1234"] * 200, people)
    guesses = [2 * float(str(a)) - float(str(b)) for a, b in zip(once, twice, strict=True)]

    assert sum(abs(guess - 1234) < 1 for guess in guesses) < 40


def test_the_same_attack_works_where_two_scales_share_a_draw(masks: Masks) -> None:
    """The twin: with one name for both, the function itself gives every value."""
    sql = "select veil_noise('p' || i, 'person', 'person_id', 'x', {}) from range(9) as t(i)"
    once, twice = (masks.conn.execute(sql.format(scale)).fetchall() for scale in (10.0, 20.0))

    assert [2 * a[0] for a in once] == [b[0] for b in twice]


def test_noise_of_two_domains_or_columns_has_nothing_in_common(masks: Masks) -> None:
    """Uncorrelated over 20,000 people: |r| below 0.04, which chance passes with under 1e-7."""
    here, elsewhere, single = (
        _draws(masks, f"noise_{name}") for name in ("real", "elsewhere", "single")
    )

    assert abs(np.corrcoef(here, elsewhere)[0, 1]) < 0.04
    assert abs(np.corrcoef(here, single)[0, 1]) < 0.04


def test_noise_lies_on_a_grid_that_hides_the_last_bits(masks: Masks) -> None:
    """Every sum is a multiple of 1/128, so that its last bits tell nothing of its parts."""
    people = [f"person {number}" for number in range(100)]
    found = masks.run("noise_real", ["0.123456789"] * 100, people)

    assert all((float(str(one)) * 128).is_integer() for one in found)


def test_a_value_of_nobody_is_not_shown(masks: Masks) -> None:
    """Without a person there is no draw, and the bare value would be the true one."""
    assert masks.run("noise_real", ["5"], [None]) == [None]
