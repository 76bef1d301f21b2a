"""What a row query may not have: constructs that stop the build on one person's value."""

from __future__ import annotations

import pytest

from veil.gate.differential import failing


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select cast(region as date) as day from visits", ["cast"]),
        ("select cost::decimal(5, 2) from visits", ["cast"]),
        ("select case when cost > 5 then region::int end from visits", ["cast"]),
        ("select strptime(region, '%d') from visits", ["strptime"]),
        ("select make_date(cost, 1, 1) from visits", ["make_date"]),
        ("select error(region) from visits", ["error"]),
        ("select try_cast(region as date), try_strptime(region, '%d') from visits", []),
        ("select cost::varchar, cast('2026-06-01' as date), date '2026-06-01' from visits", []),
    ],
)
def test_what_stops_on_a_value_is_found(sql: str, found: list[str]) -> None:
    """Whether a build stops would tell of one person; what gives NULL does not."""
    assert failing(sql) == found
