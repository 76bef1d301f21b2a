"""Steps as DuckDB counts them, against those of `veil.differential.grid` and of fractions."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bounding_support import bounds_of, clamp_of, part_of, step_of
from veil.differential.grid import ends, to_steps
from veil.differential.sensitivity import Clamp
from veil.errors import VeilError
from veil.releases.parts import Aggregate
from veil.warehouse.steps import bin_sql, step_sql

ENGINE = duckdb.connect()
RESOLUTIONS = ["0.01", "0.05", "0.25", "0.75", "1", "2.5", "3", "5", "1000", "0.000001", "1/1024"]
WHOLE = {
    **{name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
       for name, bits in {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64,
                          "hugeint": 128}.items()},
    **{f"u{name}": (0, 2**bits - 1)
       for name, bits in {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64,
                          "hugeint": 128}.items()},
}  # fmt: skip


def steps_of(
    values: list[Any], data_type: str, clamp: Clamp, default: Fraction | None = None
) -> list[int | None]:
    """The steps that DuckDB counts, in the order of the values."""
    part = part_of(Aggregate.SUM, "cost", bounds=bounds_of(1, 1), clamp=clamp, default=default)
    texts = ["null" if one is None else f"'{one}'" for one in values]
    with ENGINE.cursor() as conn:
        # Stored, so that nothing is folded away before the statement runs.
        conn.execute(
            f"create temp table given as select unnest(range({len(values)})) as place,"
            f" unnest([{', '.join(texts)}])::varchar::{data_type} as cost"
        )
        kind = conn.execute("describe given").fetchall()[1][1]
        sql = f"select {step_sql(part, {'cost': kind})} from given order by place"
        described = conn.execute(f"describe {sql}").fetchall()[0][1]
        found = [step for (step,) in conn.execute(sql).fetchall()]

    assert described == "BIGINT"
    return found


def clamps(most: int = 10**6) -> st.SearchStrategy[Clamp]:
    """Bounds a whole number of steps from 0, of both signs."""

    def made(resolution: str, first: int, width: int) -> Clamp:
        step = Fraction(resolution)
        return Clamp(lower=first * step, upper=(first + width) * step, resolution=step)

    return st.builds(
        made, st.sampled_from(RESOLUTIONS), st.integers(-most, most), st.integers(1, most)
    )


@pytest.mark.parametrize("data_type", WHOLE)
def test_whole_numbers_are_exact(data_type: str) -> None:
    """All types and their ends, on grids finer and coarser than one, ties to even."""
    lowest, highest = WHOLE[data_type]

    @given(clamp=clamps(), values=st.lists(st.integers(lowest, highest), max_size=5))
    @settings(deadline=None, database=None, max_examples=25)
    def check(clamp: Clamp, values: list[int]) -> None:
        near = [math.floor(end) + by for end in (clamp.lower, clamp.upper) for by in range(-3, 4)]
        span = clamp.upper - clamp.lower
        inside = [math.floor(clamp.lower + at * span / 9) for at in range(1, 9)]
        values = [lowest, highest, 0, *values, *near, *inside]
        values = [one for one in values if lowest <= one <= highest]

        assert steps_of(values, data_type, clamp) == [step_of(one, clamp) for one in values]

    check()


@pytest.mark.parametrize("digits", [(4, 2), (9, 0), (10, 2), (18, 2), (18, 6), (38, 2), (38, 10)])
def test_decimals_are_exact(digits: tuple[int, int]) -> None:
    """Where a double of 0.285 times 100 lies below the middle, the decimal lies at it."""
    width, scale = digits
    most = 10**width - 1

    @given(clamp=clamps(10**4), units=st.lists(st.integers(-most, most), max_size=5))
    @settings(deadline=None, database=None, max_examples=25)
    def check(clamp: Clamp, units: list[int]) -> None:
        lower, upper = ends(clamp)
        # Every middle between two steps that the type can hold, near both ends and between them.
        places = [*range(lower - 2, lower + 5), *range(upper - 4, upper + 2)]
        middles = [(2 * at + 1) * clamp.resolution / 2 * 10**scale for at in places]
        near = [math.floor(middle) + by for middle in middles for by in (0, 1)]
        values = [
            Decimal(f"{one}e-{scale}")
            for one in [-most, most, 0, *units, *near]
            if abs(one) <= most
        ]
        texts = [f"{one:f}" for one in values]

        assert steps_of(texts, f"decimal({width}, {scale})", clamp) == [
            step_of(one, clamp) for one in values
        ]

    check()


def test_the_grid_counts_the_same() -> None:
    """`to_steps` and the statement agree on decimals and whole numbers, default included."""
    clamp, default = clamp_of(-3, 500, "0.05"), Fraction(7, 20)
    cents = [*range(-310, 300, 3), 49_998, 50_003, None]
    decimals = [None if one is None else Decimal(one) / 100 for one in cents]
    for values, arrow, data_type in (
        (decimals, pa.decimal128(18, 2), "decimal(18, 2)"),
        (cents, pa.int64(), "bigint"),
    ):
        steps, _ = to_steps(pa.array(values, type=arrow), clamp=clamp, default=default)

        assert steps_of(values, data_type, clamp, default) == steps.tolist()


@given(
    clamp=clamps(),
    values=st.lists(st.floats() | st.floats(-1000, 1000), min_size=1, max_size=20),
    data_type=st.sampled_from(["double", "float"]),
)
@settings(deadline=None, database=None, max_examples=60)
def test_a_double_goes_to_a_step_beside_it_and_inside_the_bounds(
    clamp: Clamp, values: list[float], data_type: str
) -> None:
    """Within two roundings of a middle it may be the other step; elsewhere it is the nearest."""
    if data_type == "float":
        values = pa.array(values, type=pa.float64()).cast(pa.float32()).to_pylist()
    lower, upper = ends(clamp)
    for value, found in zip(values, steps_of(values, data_type, clamp), strict=True):
        if not math.isfinite(value):
            assert found is None
            continue

        assert found is not None
        assert lower <= found <= upper
        exact = min(max(Fraction(value), clamp.lower), clamp.upper) / clamp.resolution
        assert abs(found - exact) <= Fraction(1, 2) + abs(exact) / 2**51


def test_a_double_may_miss_a_tie_by_one_step_and_no_more() -> None:
    """The known difference: the grid reads the binary number, the statement two roundings of it."""
    clamp = clamp_of(0, 500, "0.01")
    values = [k / 200 for k in range(1, 20_000, 2)]
    exact = to_steps(pa.array(values), clamp=clamp)[0].tolist()
    found = steps_of([repr(one) for one in values], "double", clamp)
    apart = [one - other for one, other in zip(found, exact, strict=True) if one is not None]

    assert len(apart) == len(values)
    assert {abs(one) for one in apart} == {0, 1}


def test_large_whole_numbers_lose_no_digit() -> None:
    """2**53 + 1 is no double; neither is it a tie."""
    clamp = clamp_of(-(2**20) * 2**40, 2**20 * 2**40, 2**20)
    values = [2**53 + 2**19, 2**53 + 2**19 + 1, -(2**53) - 2**19, 2**127 - 1, -(2**127), 2**60]

    assert steps_of(values, "hugeint", clamp) == [step_of(one, clamp) for one in values]


@pytest.mark.parametrize("digits", [(38, 38), (38, 30), (38, 20)])
def test_decimals_of_too_many_places_are_still_within_a_step(digits: tuple[int, int]) -> None:
    """What fits into no 64 bits of steps is scaled as a double."""
    width, scale = digits
    clamp = clamp_of("-0.5", "0.75", "0.01")
    parts = ["1" * scale, "9" * scale, "005" + "0" * (scale - 3), "74" + "9" * (scale - 2)]
    texts = [f"{sign}0.{part}" for sign in ("", "-") for part in parts]
    found = steps_of(texts, f"decimal({width}, {scale})", clamp)
    exact = [step_of(Decimal(one), clamp) for one in texts]

    assert all(abs(one - other) <= 1 for one, other in zip(found, exact, strict=True))
    assert all(-50 <= one <= 75 for one in found)


@pytest.mark.parametrize("default", [None, Fraction(-3), Fraction(0), Fraction(7, 4)])
def test_what_is_no_number_is_dropped_or_counts_as_the_default(default: Fraction | None) -> None:
    """Never as a bound: DuckDB's `least` and `greatest` would make one of NULL and of NaN."""
    clamp = clamp_of(-3, 500, "0.25")
    missing = None if default is None else int(default / clamp.resolution)
    odd = ["nan", "-nan", "inf", "-inf", None]

    assert steps_of(odd, "double", clamp, default) == [missing] * 5
    assert steps_of(odd, "float", clamp, default) == [missing] * 5
    assert steps_of([None, None], "decimal(18, 2)", clamp, default) == [missing] * 2
    assert steps_of([None, None], "bigint", clamp, default) == [missing] * 2


def test_numbers_at_the_edge_of_a_double_are_clamped() -> None:
    """Before they are scaled, so that nothing overflows; a zero of either sign is 0."""
    clamp = clamp_of(-3, 500, "0.000001")
    values = ["1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "-5e-324", "-0.0"]

    assert steps_of(values, "double", clamp) == [500_000_000, -3_000_000, 0, 0, 0]


@given(
    clamp=clamps(1000),
    bins=st.integers(2, 12),
    width=st.integers(1, 5),
    values=st.lists(st.floats() | st.none() | st.floats(-100, 100), min_size=1, max_size=20),
    has_default=st.booleans(),
)
@settings(deadline=None, database=None, max_examples=40)
def test_a_bin_is_one_of_the_grid_or_none(
    clamp: Clamp, bins: int, width: int, values: list[float | None], has_default: bool
) -> None:
    """What is dropped falls into no bin, neither the first nor the last."""
    upper = clamp.lower + bins * width * clamp.resolution
    assume(upper > clamp.lower)
    grid = Clamp(lower=clamp.lower, upper=upper, resolution=clamp.resolution)
    default = grid.lower if has_default else None
    part = part_of(Aggregate.HISTOGRAM, "cost", bounds=bounds_of(1, 1), clamp=grid,
                   default=default, bins=bins)  # fmt: skip
    assert part.tree is not None
    with ENGINE.cursor() as conn:
        conn.register("given", pa.table({"cost": pa.array(values, type=pa.float64())}))
        types = {"cost": "DOUBLE"}
        sql = f"select {step_sql(part, types)}, {bin_sql(part, types, tree=part.tree)} from given"
        rows = conn.execute(sql).fetchall()

    for value, (step, found) in zip(values, rows, strict=True):
        is_number = value is not None and math.isfinite(value)
        if not is_number and default is None:
            assert step is None
            assert found is None
        else:
            assert found == min((step - part.tree.lower) // width, bins - 1)
            assert 0 <= found < bins


def test_a_part_without_bounds_has_no_steps() -> None:
    """Bounds are never guessed."""
    part = part_of(Aggregate.DISTINCT, "cost", bounds=bounds_of(1, 1))

    with pytest.raises(VeilError, match="metric `metric_distinct` has no bounds"):
        step_sql(part, {"cost": "BIGINT"})
