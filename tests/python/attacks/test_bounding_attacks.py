"""A person who wants to be seen moves no aggregate by more than the declared bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounding_support import (
    KEY,
    Cells,
    Row,
    all_parts,
    bounded,
    bounds_of,
    clamp_of,
    part_of,
    table_of,
)
from statistical_support import is_binomial
from veil.differential.ranks import Ranking, choose
from veil.errors import VeilError
from veil.releases.parts import Aggregate, Part
from veil.warehouse import bounding

REGIONS = [f"region {at:02}" for at in range(12)]
TYPES = {"unit": pa.string(), "region": pa.string(), "cost": pa.float64()}
ODD = [1e308, -1e308, float("nan"), float("inf"), float("-inf"), None, 500.0, -7.0, 0.004]
CELLS = {
    "public": pa.table({"region": REGIONS[:10]}),
    "private": None,
}
Choose = Callable[..., np.ndarray]


def all_stay(owners: np.ndarray, ranks: np.ndarray, *, at_most: int) -> np.ndarray:
    """No bounding at all."""
    return np.ones(len(owners), dtype=np.bool_)


class Alternating:
    """A twin for the two bounds: a release asks for groups first, and then for rows."""

    def __init__(self, groups: Choose, rows: Choose) -> None:
        self._next, self._other = groups, rows

    def __call__(self, owners: np.ndarray, ranks: np.ndarray, *, at_most: int) -> np.ndarray:
        now, self._next = self._next, self._other
        self._other = now
        return now(owners, ranks, at_most=at_most)


def by_row(owners: np.ndarray, ranks: np.ndarray, *, at_most: int) -> np.ndarray:
    """The bound of each contribution by itself, whosever it is."""
    return choose(np.arange(len(owners)), ranks, at_most=at_most)


def violations(parts: Sequence[Part], l0: int, one: Cells, other: Cells) -> set[str]:
    """The parts that one person moves in more cells, or further, than the sensitivity says."""
    found = set()
    for part in parts:
        moved = [difference(part, one.get(cell), other.get(cell)) for cell in one.keys() | other]
        l1s = [int(np.abs(by).sum()) for by in moved]
        if (
            sum(l1 > 0 for l1 in l1s) > l0
            or max(l1s, default=0) > part.sensitivity.l1 // l0
            or sum(l1s) > part.sensitivity.l1
            or sum(sum(int(one) ** 2 for one in by) for by in moved) > part.sensitivity.l2_squared
        ):
            found.add(part.name)
    people = [one.get(cell, {"people": 0})["people"] - other.get(cell, {"people": 0})["people"]
              for cell in one.keys() | other]  # fmt: skip
    if sum(people) > l0 or max(people, default=0) > 1 or min(people, default=0) < 0:
        found.add("people")
    return found


def difference(part: Part, one: dict[str, Any] | None, other: dict[str, Any] | None) -> np.ndarray:
    """How far a cell's numbers are apart; a cell that is not there holds zeros."""
    zeros = [0] * part.width
    numbers = [np.array(zeros if at is None else at[part.name], dtype=object).ravel()
               for at in (one, other)]  # fmt: skip
    return numbers[0] - numbers[1]


def with_and_without(limits: tuple[int, int], cells: pa.Table | None) -> set[str]:
    """The violations of a person with 10,000 rows in every cell, beside 50 honest people."""
    bounds = bounds_of(*limits)
    parts = all_parts(bounds, clamp=clamp_of(-7, 500, "0.25"))
    honest = """
        select 'p' || i % 50 as unit, 'region ' || lpad((i % 12)::varchar, 2, '0') as region,
            (i % 90)::double as cost
        from range(600) as t (i)
    """
    # Every cost is at the upper bound, above it, or no number.
    greedy = """
        select 'greedy', 'region ' || lpad((i % 12)::varchar, 2, '0'),
            case i % 7 when 0 then 'nan'::double when 1 then 'inf'::double when 2 then null
            else 500 + i end
        from range(120000) as t (i)
    """
    found = [
        bounded(sql, keys=["region"], parts=parts, bounds=bounds, cells=cells)
        for sql in (f"{honest} union all {greedy}", honest)
    ]
    return violations(parts, limits[0], *found)


@pytest.mark.parametrize("partitions", CELLS)
@pytest.mark.parametrize("limits", [(1, 1), (4, 2), (3, 5)])
def test_ten_thousand_rows_in_every_cell_move_it_by_the_bound(
    partitions: str, limits: tuple[int, int]
) -> None:
    """At most L0 cells, each by at most Linf rows' worth, whatever the rows hold."""
    assert with_and_without(limits, CELLS[partitions]) == set()


@pytest.mark.parametrize(
    ("broken", "caught"),
    [
        (all_stay, {"people", "units_all", "rows_all", "sum_cost", "tree_cost"}),
        (Alternating(by_row, choose), {"people", "units_all", "rows_all", "histogram_cost"}),
        (Alternating(all_stay, choose), {"people", "units_all", "rows_all", "distinct_cost"}),
        (Alternating(choose, all_stay), {"rows_all", "values_cost", "sum_cost", "squares_cost"}),
    ],
    ids=["no bounding", "L0 by row", "no L0", "no Linf"],
)
def test_broken_bounding_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch, broken: Choose, caught: set[str]
) -> None:
    """The twins: the same comparison finds each bound that is missing."""
    monkeypatch.setattr(bounding, "choose", broken)

    for cells in CELLS.values():
        assert with_and_without((4, 2), cells) >= caught


@given(
    greedy=st.lists(
        st.tuples(st.sampled_from([*REGIONS[:4], None]), st.sampled_from(ODD), st.integers(1, 4)),
        max_size=25,
    ),
    honest=st.lists(
        st.tuples(st.sampled_from(["ada", "bea"]), st.sampled_from(REGIONS[:4]),
                  st.sampled_from(ODD)), max_size=10,
    ),
    limits=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    partitions=st.sampled_from(list(CELLS)),
)  # fmt: skip
@settings(deadline=None, database=None, max_examples=40)
def test_no_rows_of_one_person_go_beyond_the_sensitivity(
    greedy: list[tuple[str | None, float | None, int]],
    honest: list[tuple[str, str, float | None]],
    limits: tuple[int, int],
    partitions: str,
) -> None:
    """Adding a person with whatever rows changes what the noise is scaled to, and no more."""
    bounds = bounds_of(*limits)
    parts = all_parts(bounds, clamp=clamp_of(-7, 500, "0.25"))
    others: list[Row] = [
        {"unit": unit, "region": region, "cost": cost} for unit, region, cost in honest
    ]
    own: list[Row] = [
        {"unit": "greedy", "region": region, "cost": cost}
        for region, cost, copies in greedy
        for _ in range(copies)
    ]
    found = [
        bounded(table_of(rows, TYPES), keys=["region"], parts=parts, bounds=bounds,
                cells=CELLS[partitions])
        for rows in (own + others, others)
    ]  # fmt: skip

    assert violations(parts, limits[0], *found) == set()


OWN = """
    select 'ada' as unit, 'region ' || lpad((i % 6)::varchar, 2, '0') as region,
        power(2, i)::bigint as cost
    from range(30) as t (i)
"""
"""Costs from whose sum it can be read which of them stayed."""


def kept(others: str, *, before: Sequence[str] = (), key: bytes = KEY) -> set[tuple[str, int]]:
    """Which of ada's rows stay in which cell, beside others whose costs are 0."""
    bounds = bounds_of(3, 2)
    parts = [part_of(Aggregate.SUM, "cost", bounds=bounds, clamp=clamp_of(0, 2**30, 1))]
    sql = others if "from events" in others else f"({OWN}) union all ({others})"
    found = bounded(sql, keys=["region"], parts=parts, bounds=bounds, before=before, key=key)
    return {
        (region, at)
        for (region,), cell in found.items()
        for at in range(30)
        if cell["sum_cost"] >> at & 1
    }


NOBODY = "select 'x', 'region 99', 0 where false"
CROWD = """
    select 'u' || i % {people}, 'region ' || lpad((i % {groups})::varchar, 2, '0'), 0
    from range({rows}) as t (i)
"""


def layouts() -> list[tuple[str, list[str]]]:
    """The same 30 rows of ada among others: in other orders, places, threads and company."""
    crowds = [
        NOBODY,
        CROWD.format(people=1, groups=1, rows=1),
        CROWD.format(people=3, groups=50, rows=500),
        # Others with ada's own rows and costs, and more people than one more bit holds.
        "select 'u' || j, region, 0 from (" + OWN + ") as own, range(600) as t (j)",
        CROWD.format(people=70_000, groups=6, rows=250_000),
    ]
    stored = "create table events as select * from ({}) order by {}"
    whole = f"({OWN}) union all ({crowds[-1]})"
    return [
        *((crowd, []) for crowd in crowds),
        ("select * from events", ["set threads = 1", stored.format(whole, "cost")]),
        ("select * from events", ["set threads = 4", stored.format(whole, "hash(cost, unit)")]),
        (
            "select * from events",
            ["set threads = 4", stored.format(whole, "cost desc"),
             "delete from events where hash(unit) % 3 = 0 and unit <> 'ada'",
             "insert into events select * from events where unit <> 'ada'",
             "select setseed(0.5)"],
        ),
    ]  # fmt: skip


def test_which_rows_stay_depends_on_nothing_else() -> None:
    """Neither on others' rows and copies, nor on order, threads, layout or a seed."""
    found = [kept(others, before=before) for others, before in layouts()]

    assert len(found[0]) == 3 * 2
    assert len({region for region, _ in found[0]}) == 3
    assert found[1:] == found[:-1]
    assert kept(NOBODY, key=bytes(32)) != found[0]


def test_a_choice_by_place_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: the first rows that come are kept, and the order decides."""
    monkeypatch.setattr(
        bounding,
        "choose",
        lambda owners, ranks, at_most: choose(
            owners, np.arange(len(owners), dtype=np.uint64), at_most=at_most
        ),
    )
    found = [frozenset(kept(others, before=before)) for others, before in layouts()]

    assert len(set(found)) > 1


COPIES = """
    select 'u' || i // 10 as unit, case when i % 10 = 0 then 500 else 20 end as cost
    from range(40000) as t (i)
"""


class ByContent(Ranking):
    """A broken twin: all copies of a row share one rank."""

    __slots__ = ()

    def of_rows(self, people: Any, groups: Any, contents: Any) -> Any:
        texts = [text.partition("#")[0] for text in contents.to_pylist()]
        return super().of_rows(people, groups, pa.chunked_array([texts]))


def dear_rows() -> int:
    """Of 4,000 people with nine rows of 20 and one of 500 each: of how many the dear one stays."""
    bounds = bounds_of(1, 1)
    parts = [part_of(Aggregate.SUM, "cost", bounds=bounds, clamp=clamp_of(0, 500, 1))]
    total = bounded(COPIES, keys=[], parts=parts, bounds=bounds)[()]["sum_cost"]
    return (total - 4000 * 20) // 480


def test_each_row_is_as_likely_to_stay_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare value among copies is not kept more often, which would bias sums and means.

    The key is fixed; with a random one the alarm would be false with probability 1e-7.
    """
    assert is_binomial(dear_rows(), trials=4000, chance=0.1, alarm=1e-7)

    monkeypatch.setattr("bounding_support.Ranking", ByContent)

    assert not is_binomial(dear_rows(), trials=4000, chance=0.1, alarm=1e-7)


CANARY = "4711.0815"
STORED = f"create table c as select '{CANARY}x' as v, {CANARY}::double as d, {'9' * 18} as big"
"""In a table, as in life: what quotes the statement quotes no value."""
FAILING = {
    "v as unit, 'x' as region, cast(v as integer) as cost": "cannot be cast to INT32",
    "v as unit, cast(v as date)::varchar as region, 1 as cost": "cannot be read",
    "v as unit, 'x' as region, cast(d as decimal(3, 2)) as cost": "cannot be cast",
    "v as unit, error(v) as region, 1 as cost": "cannot be read",
    "v as unit, 'x' as region, cast(v as interval) as cost": "`metric_values` needs .* `cost`",
    "v as unit, 'x' as region, big * big * big as cost": "cannot be read",
    "v as unit, 'x' as region, strptime(v, '%Y')::varchar::integer as cost": "cannot be read",
    "v as unit, v::json::varchar as region, 1 as cost": "cannot be read",
    "null as unit, v as region, 1 as cost": "has no privacy unit",
    "unnest(['p1_kabcdefg_' || v, v]) as unit, v as region, 1 as cost": "pseudonyms of two keys",
    "v as unit, d as region, 1 as cost": "column `region` has a type",
    "v as unit, v as region, v as cost": "metric `metric_values` needs numbers, and `cost`",
    "v as unit, v as region, big::hugeint * big as cost": "metric `metric_squares` has a sum",
}


@pytest.mark.parametrize("columns", FAILING)
def test_no_refusal_shows_a_value(columns: str) -> None:
    """Neither the message nor what stands behind it in a traceback."""
    bounds = bounds_of(1, 1)
    parts = all_parts(bounds, clamp=clamp_of(0, 2**40, 1))
    with pytest.raises(VeilError, match=FAILING[columns]) as refused:
        bounded(f"select {columns} from c", keys=["region"], parts=parts, bounds=bounds,
                before=[STORED])  # fmt: skip
    shown = f"{refused.value} {refused.value.remedy} {refused.value!r}"

    assert not any(piece in shown for piece in ("4711", "0815", "9999"))
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
