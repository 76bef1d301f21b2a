"""Bounded aggregates against a brute-force reference, for every kind, key type and odd value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounding_support import (
    Row,
    all_parts,
    bounded,
    bounds_of,
    clamp_of,
    part_of,
    reference,
    table_of,
)
from veil.differential.sensitivity import Clamp
from veil.errors import VeilError
from veil.releases.partitions import KEY_TYPES
from veil.releases.parts import Aggregate

NUMBERS = {
    "decimal": (pa.decimal128(18, 2), [Decimal("0.00"), Decimal("12.34"), Decimal("-3.00"),
                                       Decimal("500.00"), Decimal("700.01"), None]),
    "bigint": (pa.int64(), [0, 7, -7, 499, 501, 2**62, None]),
    "double": (pa.float64(), [0.0, -0.0, 0.25, 12.5, -4.0, 1e300, 5e-324, float("nan"),
                              float("inf"), float("-inf"), None]),
}  # fmt: skip
REGIONS = ["north", "south", "", "-", "1:a", None]
DAYS = [date(2026, 6, 1), date(2026, 6, 2), None]
TYPES = {"unit": pa.string(), "region": pa.string(), "day": pa.date32()}


def rows_of(values: list[Any], *, most: int = 40) -> st.SearchStrategy[list[Row]]:
    """Rows of few people in few cells, so that bounds are reached and rows repeat."""
    one = st.fixed_dictionaries(
        {
            "unit": st.sampled_from(["ada", "bea", "cyd", "dan"]),
            "region": st.sampled_from(REGIONS),
            "day": st.sampled_from(DAYS),
            "cost": st.sampled_from(values),
        }
    )
    return st.lists(one, max_size=most)


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("partitions", ["public", "private", "none"])
def test_every_aggregate_is_that_of_the_reference(kind: str, partitions: str) -> None:
    """The same rows stay, and add up to the same: all kinds, cells, values and defaults."""
    arrow, values = NUMBERS[kind]
    keys = () if partitions == "none" else ("region", "day")
    listed = list(product(REGIONS[1:], DAYS)) if partitions == "public" else None
    cells = None
    if listed is not None:
        columns = list(zip(*listed, strict=True))
        cells = pa.table({"region": columns[0], "day": pa.array(columns[1], type=pa.date32())})

    @given(
        rows=rows_of(values),
        limits=st.tuples(st.integers(1, 3), st.integers(1, 3)),
        default=st.sampled_from([None, Fraction(-4), Fraction(0), Fraction(3, 2)]),
    )
    @settings(deadline=None, database=None, max_examples=20)
    def check(rows: list[Row], limits: tuple[int, int], default: Fraction | None) -> None:
        bounds = bounds_of(*limits)
        parts = all_parts(bounds, clamp=clamp_of(-4, 500, "0.25"), default=default)
        table = table_of(rows, {**TYPES, "cost": arrow})
        found = bounded(table, keys=keys, parts=parts, bounds=bounds, cells=cells)

        assert found == reference(rows, keys=keys, parts=parts, bounds=bounds, cells=listed)

    check()


@pytest.mark.parametrize("keys", [(), ("region",)])
def test_one_row_is_enough_and_none_is_no_error(keys: tuple[str, ...]) -> None:
    """Without rows there is the one cell of no keys, or none; public cells hold zeros."""
    bounds = bounds_of(2, 2)
    parts = all_parts(bounds)
    types = {**TYPES, "cost": pa.decimal128(18, 2)}
    row = {"unit": "ada", "region": None, "day": None, "cost": Decimal("12.34")}
    cells = pa.table({"region": ["north", None]})
    for rows in ([], [row]):
        table = table_of(rows, types)

        assert bounded(table, keys=keys, parts=parts, bounds=bounds) == reference(
            rows, keys=keys, parts=parts, bounds=bounds
        )
        assert bounded(
            table, keys=("region",), parts=parts, bounds=bounds, cells=cells
        ) == reference(
            rows, keys=("region",), parts=parts, bounds=bounds, cells=[("north",), (None,)]
        )


@pytest.mark.parametrize("name", KEY_TYPES)
@pytest.mark.parametrize("is_public", [True, False])
def test_keys_of_every_type_tell_cells_apart(name: str, is_public: bool) -> None:
    """The ends of each type, NULL among them; a row outside the public cells counts nowhere."""
    arrow = KEY_TYPES[name]
    values: list[Any] = ["", "a'b\"", "Ä"]
    if name == "boolean":
        values = [True, False]
    elif name == "date":
        values = [date(1, 1, 1), date(2026, 2, 28), date(9999, 12, 31)]
    elif name != "varchar":
        signed = not name.startswith("u")
        values = [
            -(2 ** (arrow.bit_width - 1)) if signed else 0,
            1,
            2 ** (arrow.bit_width - signed) - 1,
        ]
    rows = [{"unit": unit, "region": one} for unit in "abc" for one in [*values, None, None]]
    listed = [(one,) for one in [*values[1:], None]] if is_public else None
    cells = (
        pa.table({"region": pa.array([one for (one,) in listed], type=arrow)}) if listed else None
    )
    bounds = bounds_of(2, 1)
    parts = [part_of(Aggregate.ROWS, bounds=bounds), part_of(Aggregate.UNITS, bounds=bounds)]
    table = table_of(rows, {"unit": pa.string(), "region": arrow})
    found = bounded(table, keys=["region"], parts=parts, bounds=bounds, cells=cells)

    assert found == reference(rows, keys=["region"], parts=parts, bounds=bounds, cells=listed)


def test_names_may_be_those_that_the_statements_use() -> None:
    """A column called as one of our own aliases is still the user's, in whatever case."""
    names = ["n", "b", "r", "g", "s0", "always", "veil_rows"]
    bounds = bounds_of(2, 1)
    parts = [
        part
        for name in names
        for part in all_parts(bounds, column=name.upper(), clamp=clamp_of(0, 20, 1))[2:]
    ]
    rows = [
        {"unit": f"u{at % 4}", "R": at % 3, **{name: 3 * at + place for place, name in
                                               enumerate(names) if name != "r"}}
        for at in range(30)
    ]  # fmt: skip
    for row in rows:
        row.update({name.upper(): row[name] for name in names if name != "r"})
    types = {"unit": pa.string(), "R": pa.int64(), **{name: pa.int64() for name in names}}
    del types["r"]
    found = bounded(table_of(rows, types), keys=["R"], parts=parts, bounds=bounds)

    assert found == reference(rows, keys=["R"], parts=parts, bounds=bounds)


def test_a_key_keeps_the_name_of_the_mart() -> None:
    """DuckDB answers with the table's spelling of a column; the cells have that of the YAML."""
    bounds = bounds_of(1, 1)
    parts = [
        part_of(Aggregate.SUM, name, bounds=bounds, clamp=clamp_of()) for name in ("Cost", "COST")
    ]
    found = bounded(
        "select 'u' as unit, 'north' as region, 2.5 as cost",
        keys=["Region"],
        parts=parts,
        bounds=bounds,
    )

    assert found == {("north",): {"people": 1, "sum_Cost": 250, "sum_COST": 250}}


def test_a_metric_may_be_over_a_partition_key() -> None:
    """A column can be the key and the value."""
    bounds = bounds_of(1, 2)
    rows = [{"unit": "a", "cost": at % 2} for at in range(9)]
    parts = all_parts(bounds, clamp=clamp_of(0, 4, 1))
    table = table_of(rows, {"unit": pa.string(), "cost": pa.int64()})

    assert bounded(table, keys=["cost"], parts=parts, bounds=bounds) == reference(
        rows, keys=["cost"], parts=parts, bounds=bounds
    )


@pytest.mark.parametrize(
    "value",
    ["1.5::double", "1.5::float", "1.5", "timestamp '2026-06-01'", "interval 1 month", "[1]",
     "{'a': 1}", "'a'::blob", "time '10:00'", "uuid()", "map {'a': 1}", "'1'::json"],
)  # fmt: skip
@pytest.mark.parametrize("is_public", [True, False])
def test_keys_that_tell_no_cells_apart_are_refused(value: str, is_public: bool) -> None:
    """A time of day in a key of days would drop rows without a word."""
    bounds = bounds_of(1, 1)
    cells = pa.table({"region": pa.array([date(2026, 6, 1)])}) if is_public else None
    parts = [part_of(Aggregate.ROWS, bounds=bounds)]

    with pytest.raises(VeilError, match="column `region` has a type that no partition key"):
        bounded(f"select 'u' as unit, {value} as region", keys=["region"], parts=parts,
                bounds=bounds, cells=cells)  # fmt: skip


def test_an_enum_is_a_text() -> None:
    """Public texts meet an enum; one that the enum lacks is an empty cell."""
    bounds = bounds_of(1, 1)
    sql = "select 'u' as unit, 'north'::enum('north', 'east') as region"
    for cells in (None, pa.table({"region": ["north", "south"]})):
        parts = [part_of(Aggregate.ROWS, bounds=bounds)]
        found = bounded(sql, keys=["region"], parts=parts, bounds=bounds, cells=cells)

        assert found[("north",)]["rows_all"] == 1
        assert set(found) == {("north",)} | ({("south",)} if cells else set())


@pytest.mark.parametrize(
    ("value", "public"),
    [
        ("'1'", [1]),
        ("1", ["1"]),
        ("'2026-06-01'", [date(2026, 6, 1)]),
        ("true", [1]),
        ("1", [True]),
    ],
)
def test_public_cells_of_another_kind_are_refused(value: str, public: list[Any]) -> None:
    """Otherwise a cast of each row decides, and its failure depends on the data."""
    bounds = bounds_of(1, 1)
    parts = [part_of(Aggregate.ROWS, bounds=bounds)]

    with pytest.raises(VeilError, match="column `region` is of another kind"):
        bounded(f"select 'u' as unit, {value} as region", keys=["region"], parts=parts,
                bounds=bounds, cells=pa.table({"region": public}))  # fmt: skip


@pytest.mark.parametrize(
    "value",
    ["true", "'12'", "date '2026-06-01'", "interval 1 day", "timestamp '2026-06-01'", "[1]",
     "[1.5::decimal(18, 2)]", "'12'::blob", "{'a': 1}", "uuid()"],
)  # fmt: skip
@pytest.mark.parametrize("what", [Aggregate.SUM, Aggregate.HISTOGRAM, Aggregate.VALUES])
def test_what_is_no_number_is_refused_by_its_type(value: str, what: Aggregate) -> None:
    """Digits in a text, too: whether they can be cast would depend on the data."""
    bounds = bounds_of(1, 1)
    parts = [part_of(what, "cost", bounds=bounds, clamp=clamp_of())]

    with pytest.raises(VeilError, match=rf"metric `metric_{what}` needs numbers, and `cost`"):
        bounded(f"select 'u' as unit, {value} as cost", keys=[], parts=parts, bounds=bounds)


@pytest.mark.parametrize("value", ["true", "'x'", "date '2026-06-01'", "1.5::double", "[1]"])
def test_values_of_any_type_are_counted(value: str) -> None:
    """A count and a distinct count need no number."""
    bounds = bounds_of(1, 3)
    parts = [part_of(one, "cost", bounds=bounds) for one in (Aggregate.VALUES, Aggregate.DISTINCT)]
    sql = f"select 'u' as unit, case when i > 0 then {value} end as cost from range(3) t (i)"

    assert bounded(sql, keys=[], parts=parts, bounds=bounds) == {
        (): {"people": 1, "values_cost": 2, "distinct_cost": 1}
    }


@pytest.mark.parametrize(
    ("what", "largest", "rows", "people", "linf"),
    [
        (Aggregate.SUM, 2**40, 2**23, 1, 2**40),
        # One person within Linf, one with more rows than that, and eight that fit one by one.
        (Aggregate.SQUARES, 2**40, 1, 1, 1),
        (Aggregate.SQUARES, 2**40, 8, 1, 1),
        (Aggregate.SQUARES, 2**31, 8, 1, 8),
        (Aggregate.SQUARES, 2**31, 8, 8, 1),
    ],
)
def test_a_sum_beyond_64_bits_is_refused(
    what: Aggregate, largest: int, rows: int, people: int, linf: int
) -> None:
    """By one person or by many together; never wrapped, and never half done."""
    bounds = bounds_of(1, linf)
    parts = [part_of(what, "cost", bounds=bounds, clamp=clamp_of(0, largest, 1))]
    sql = f"select 'u' || i % {people} as unit, {2**100} as cost from range({rows}) as t (i)"

    with pytest.raises(VeilError, match=rf"metric `metric_{what}` has a sum that does not fit"):
        bounded(sql, keys=[], parts=parts, bounds=bounds)


def test_a_sum_of_62_bits_is_exact() -> None:
    """The largest that takes noise, from values far beyond 64 bits."""
    bounds = bounds_of(1, 2**40)
    for lower, upper, value in ((0, 2**40, 2**100), (-(2**40), 0, -(2**100))):
        parts = [part_of(Aggregate.SUM, "cost", bounds=bounds, clamp=clamp_of(lower, upper, 1))]
        sql = f"select 'u' as unit, {value} as cost from range({2**20})"
        found = bounded(sql, keys=[], parts=parts, bounds=bounds)

        assert found[()]["sum_cost"] == (lower + upper) * 2**20


def test_bounds_that_no_sum_can_hold_are_refused() -> None:
    """Also where a part was made without the checks of its YAML."""
    bounds = bounds_of(1, 1)
    clamp = Clamp(lower=Fraction(0), upper=Fraction(2**41), resolution=Fraction(1))
    parts = [part_of(Aggregate.SQUARES, "cost", bounds=bounds, clamp=clamp)]

    with pytest.raises(VeilError, match="metric `metric_squares` has bounds of more than"):
        bounded("select 'u' as unit, 1 as cost", keys=[], parts=parts, bounds=bounds)


@pytest.mark.parametrize("cost", ["(i % 90000) / 100", "(i % 9000)::bigint", "sqrt(i)", "i / 0"])
def test_neither_order_nor_threads_change_a_number(cost: str) -> None:
    """Rows of several row groups, in four orders, on one thread and on four."""
    bounds = bounds_of(3, 2)
    parts = all_parts(bounds, clamp=clamp_of(-4, 500, "0.01"))
    sql = f"""
        create table events as select
            'u' || hash(i) % 20000 as unit,
            case when i % 7 > 0 then 'region ' || i % 7 end as region,
            case when i % 11 > 0 then {cost} end as cost
        from range(250000) as t (i) order by
    """
    found = [
        bounded("select * from events", keys=["region"], parts=parts, bounds=bounds,
                before=[f"set threads = {threads}", sql + order])
        for threads, order in ((1, "i"), (4, "hash(i)"), (4, "unit, hash(i + 1)"), (1, "cost"))
    ]  # fmt: skip

    assert found[1:] == found[:-1]
    assert found[0][("region 1",)]["people"] > 1000


@pytest.mark.parametrize("unit", ["null::varchar", "'a' || null", "null::integer"])
def test_a_row_without_a_unit_is_refused(unit: str) -> None:
    """One is enough, also one that lies in no public cell."""
    bounds = bounds_of(1, 1)
    sql = f"select 'a' as unit, 'north' as region union all select {unit}::varchar, 'elsewhere'"

    for cells in (None, pa.table({"region": ["north"]})):
        with pytest.raises(VeilError, match="a row has no privacy unit"):
            bounded(sql, keys=["region"], parts=[part_of(Aggregate.ROWS, bounds=bounds)],
                    bounds=bounds, cells=cells)  # fmt: skip


def test_pseudonyms_of_two_keys_are_refused() -> None:
    """One person under two names would count twice; so would a pseudonym beside another text."""
    payload = "a" * 32
    one, other = f"p1_kabcdefg_{payload}", f"p1_kabcdefh_{payload}"
    bounds = bounds_of(1, 1)
    parts = [part_of(Aggregate.UNITS, bounds=bounds)]
    for units in ([one, other], [one, "4711"], [one + "/2026-06-01", other + "/2026-06-02"]):
        table = table_of([{"unit": unit} for unit in units], {"unit": pa.string()})
        with pytest.raises(VeilError, match="pseudonyms of two keys") as refused:
            bounded(table, keys=[], parts=parts, bounds=bounds)

        assert payload not in str(refused.value)


@pytest.mark.parametrize("arrow", [pa.string(), pa.int64(), pa.decimal128(38, 0), pa.date32()])
def test_units_of_one_kind_are_accepted(arrow: pa.DataType) -> None:
    """Random tokens, numbers, person-days: what is no pseudonym has no key id."""
    units: list[Any] = [4711, 4712, 4713]
    if arrow == pa.string():
        units = ["r1_" + name * 32 for name in "abc"]
    elif arrow == pa.date32():
        units = [date(2026, 6, day) for day in (1, 2, 3)]
    bounds = bounds_of(1, 1)
    table = table_of([{"unit": unit} for unit in units * 2], {"unit": arrow})

    assert bounded(
        table, keys=[], parts=[part_of(Aggregate.UNITS, bounds=bounds)], bounds=bounds
    ) == {(): {"people": 3, "units_all": 3}}
