"""Release periods: found from the clock or a person's number, written as the record has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veil.audit.fields import PERIOD
from veil.errors import VeilError
from veil.releases.period import Period

MOMENT = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("declared", "period"),
    [
        (None, "once"),
        ("once", "once"),
        ("month", "2026-11"),
        ("day", "2026-11-21"),
        (7, "7"),
        ("7", "7"),
        (0, "0"),
    ],
)
def test_a_period_is_found_from_the_moment(declared: object, period: str) -> None:
    """Once, by the calendar, or by a number that a person raises."""
    assert Period.read(declared).at(MOMENT) == period


@pytest.mark.parametrize("declared", ["week", "2026-11", "", "07", "7.0", True, 7.5, -1, 10**6, []])
def test_another_period_is_refused(declared: object) -> None:
    """Nothing is guessed, and `true` is no number."""
    with pytest.raises(VeilError, match="no known period"):
        Period.read(declared)


def test_the_calendar_is_that_of_utc() -> None:
    """One moment has one period, wherever the build runs."""
    east = timezone(timedelta(hours=5))

    assert Period("month").at(datetime(2026, 12, 1, 4, tzinfo=east)) == "2026-11"
    assert Period("day").at(datetime(2026, 12, 1, 4, tzinfo=east)) == "2026-11-30"


def test_a_moment_without_a_zone_is_refused() -> None:
    """It would mean another period on another machine."""
    with pytest.raises(VeilError, match="time zone"):
        Period("day").at(MOMENT.replace(tzinfo=None))


@given(
    st.sampled_from(["once", "day", "month", 0, 12, 999_999]),
    st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)),
)
def test_every_period_fits_into_the_record(declared: object, moment: datetime) -> None:
    """The ledger and the audit record take nothing else."""
    assert PERIOD.fits(Period.read(declared).at(moment))
