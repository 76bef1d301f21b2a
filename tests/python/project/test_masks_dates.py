"""The masks of dates: what is cut off stays away, and a shift is the person's own."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mask_cases import FAST, MOMENTS, UNITS, Masks

pytestmark = pytest.mark.project

# The years that all five types can hold.
dates = st.dates(min_value=datetime.date(1700, 1, 1), max_value=datetime.date(2250, 12, 31))
anyday = st.dates()
times = st.times().map(str)
# Two-sided Hoeffding bound: P(|share - 1/2| > EDGE) <= 2 exp(-2 * PEOPLE * EDGE**2) = 9e-8.
PEOPLE = 20_000
EDGE = 0.0206


def _first_day(day: datetime.date, unit: str) -> datetime.date:
    if unit == "week":
        return day - datetime.timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1}.get(unit, 1)
    year = day.year // 10 * 10 if unit == "decade" else day.year
    return datetime.date(year, month, 1)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("source", MOMENTS)
@given(moments=st.lists(st.tuples(dates, times), max_size=50))
@FAST
def test_a_date_becomes_the_first_day_of_its_period(
    masks: Masks, source: str, unit: str, moments: list[tuple[datetime.date, str]]
) -> None:
    """As Python's calendar has it, from every type of date, the time of day gone."""
    values = [f"{day}" if source == "day" else f"{day} {time}" for day, time in moments]
    if source == "at_tz":
        values = [f"{value}+00" for value in values]

    assert masks.run(f"{unit}_{source}", values) == [
        str(_first_day(day, unit)) for day, _ in moments
    ]


@pytest.mark.parametrize("unit", ["month", "quarter", "year"])
@given(day=anyday)
@FAST
def test_any_date_that_python_knows_is_cut(masks: Masks, unit: str, day: datetime.date) -> None:
    """From year 1 to 9999; DuckDB writes a year in four digits as Python does."""
    assert masks.run(f"{unit}_day", [str(day)]) == [str(_first_day(day, unit))]


@pytest.mark.parametrize("unit", UNITS)
def test_no_date_before_christ_or_after_9999_keeps_its_day(masks: Masks, unit: str) -> None:
    """Two days of one period become one date, whatever the era."""
    for first, second in [
        ("0044-03-15 (BC)", "0044-03-16 (BC)"),
        ("12024-07-09", "12024-07-10"),
        ("200000-08-02", "200000-08-02"),
    ]:
        one, two = masks.run(f"{unit}_day", [first, second])

        assert one == two
        assert one != first


def test_the_day_of_a_moment_does_not_depend_on_the_builder_s_time_zone(masks: Masks) -> None:
    """The same instant is cut in UTC, wherever the build runs."""
    try:
        found = []
        for zone in ("UTC", "America/New_York", "Pacific/Kiritimati"):
            masks.conn.execute(f"set TimeZone = '{zone}'")
            found.append(masks.run("month_at_tz", ["2024-01-01 02:00:00+00"]))
    finally:
        masks.conn.execute("set TimeZone = 'UTC'")

    assert found == [["2024-01-01"]] * 3


def _shifts(masks: Masks, source: str, days: list[datetime.date], persons: list[str]) -> list[int]:
    tail = "+00" if source == "at_tz" else ""
    time = "" if source == "day" else " 12:34:56"
    found = masks.run(f"shift_{source}", [f"{day}{time}{tail}" for day in days], persons)
    assert all(one is not None and time in one for one in found)
    return [
        (datetime.date.fromisoformat(str(one)[:10]) - day).days
        for one, day in zip(found, days, strict=True)
    ]


@pytest.mark.parametrize("source", MOMENTS)
@given(days=st.lists(dates, min_size=1, max_size=20, unique=True), person=st.text(max_size=9))
@FAST
def test_all_dates_of_a_person_move_together(
    masks: Masks, source: str, days: list[datetime.date], person: str
) -> None:
    """By one number of days, 1 to 30 either way: order and gaps stay; the time of day too."""
    shifts = _shifts(masks, source, days, [person] * len(days))

    assert len(set(shifts)) == 1
    assert 1 <= abs(shifts[0]) <= 30


def test_a_person_moves_alike_in_every_type_and_build(masks: Masks) -> None:
    """The shift is the person's, not the column's: intervals between two columns stay."""
    people = [f"person {number}" for number in range(50)]
    day = [datetime.date(2020, 2, 29)] * len(people)
    found = [_shifts(masks, source, day, people) for source in (*MOMENTS, "day")]

    assert all(one == found[0] for one in found)


def test_shifts_are_spread_evenly_and_never_zero(masks: Masks) -> None:
    """Every one of the 60 shifts occurs, half of them forward. False alarm below 1e-6.

    A shift stays away with probability 60 * (59/60)**20000 < 1e-140; for the halves see EDGE.
    """
    people = [f"person {number}" for number in range(PEOPLE)]
    shifts = _shifts(masks, "day", [datetime.date(2020, 2, 29)] * PEOPLE, people)

    assert set(shifts) == set(range(-30, 31)) - {0}
    assert abs(np.mean(np.array(shifts) > 0) - 0.5) < EDGE


def test_the_spread_test_notices_shifts_that_lean_forward() -> None:
    """The twin: a modulus that is off by one step in 24 shows."""
    leaning = np.arange(PEOPLE) % 60 - 27

    assert abs(np.mean(leaning > 0) - 0.5) > EDGE


def test_a_date_of_nobody_is_not_shown(masks: Masks) -> None:
    """Without a person there is no shift, and an unshifted date would be the true one."""
    assert masks.run("shift_day", ["2020-02-29"], [None]) == [None]


def test_infinity_stays_and_the_far_end_of_the_calendar_is_not_shown(masks: Masks) -> None:
    """`infinity` says that something is open; a date too far to move is NULL, never itself."""
    values = ["infinity", "-infinity", "5881580-07-10", "5877642-06-25 (BC)", "0044-03-15 (BC)"]
    found = masks.run("shift_day", values)

    assert found[:4] == ["infinity", "-infinity", None, None]
    assert found[4] is not None
    assert found[4] != values[4]
    assert found[4].endswith("(BC)")
