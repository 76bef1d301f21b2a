"""Draws: fresh noise of the declared scale for every cell and metric, on the declared grid.

Statistical tests name their false-alarm probability. A twin shows that each catches what it is for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from releases_support import (
    BOUNDED,
    COUNT,
    HISTOGRAM,
    MEAN,
    MEDIAN,
    SUM,
    UNITS,
    VARIANCE,
    changed,
    column,
    declared,
    mart,
    metric,
    private_mart,
    whole_mart,
)

from statistical_support import binomial_tails, gaussian_chances, laplace_chances
from veil.differential.noise import Noise, NoiseKind, Noisy, add_noise
from veil.errors import VeilError
from veil.policy.graph import Node
from veil.releases import cells as module
from veil.releases.cells import draw_cells, select_groups
from veil.releases.plan import Plan, plan

CELL = column("cell", "integer")
CHANCES = {NoiseKind.LAPLACE: laplace_chances, NoiseKind.GAUSSIAN: gaussian_chances}
WHOLE = {**BOUNDED, "upper": 100, "resolution": 1}
# Two independent draws agree with probability below 5e-13.
WIDE = "1e-11"


def by_cell(*columns: Any, **meta: Any) -> Plan:
    """The plan of a mart with numbered cells, whose keys come from a relation."""
    return plan(declared(mart(CELL, *columns, **meta), public_relation=True))


def numbered(count: int) -> pa.Table:
    """The keys of so many cells."""
    return pa.table({"cell": pa.array(range(count), pa.int32())})


def zeros(made: Plan, *, cells: int) -> dict[str, np.ndarray]:
    """Aggregates of cells with nobody in them."""
    shapes = {
        part.name: (cells,) if part.width == 1 else (cells, part.width) for part in made.parts
    }
    return {name: np.zeros(shape, dtype=np.int64) for name, shape in shapes.items()}


def drawn(made: Plan, *, cells: int, **aggregates: np.ndarray) -> pa.Table:
    """A release over numbered cells; what is not given is zero."""
    return draw_cells(made, numbered(cells), {**zeros(made, cells=cells), **aggregates})


def array(table: pa.Table, name: str) -> np.ndarray:
    """A column of whole numbers."""
    return np.array(table[name].to_pylist(), dtype=np.int64)


@pytest.mark.parametrize("kind", list(NoiseKind))
def test_mean_absolute_noise_on_empty_cells_is_the_declared_one(kind: NoiseKind) -> None:
    """From the YAML's bounds and loss to the released column, within 7 standard errors.

    False alarm below 1e-10 (normal approximation, 10,000 cells, two metrics of one share). The
    scales are worked out here, from L0 4, Linf 2 and bounds of 0 and 5; each twin leaves one of
    them out.
    """
    amounts = metric("points", "sum", **{**BOUNDED, "upper": 5, "resolution": 1})
    loss = {"epsilon": "0.5"}
    if kind is NoiseKind.GAUSSIAN:
        loss = {"epsilon": None, "rho": "0.01", "noise_kind": "gaussian"}
    table = drawn(by_cell(COUNT, amounts, **loss), cells=10_000)
    # Half the loss each. Laplace: L1 / (1/4). Gaussian: L2 / sqrt(2 * 1/200), L2 = sqrt(4) * 2.
    scale = 8 / 0.25 if kind is NoiseKind.LAPLACE else 4 / math.sqrt(0.01)

    def right(draws: np.ndarray, scale: float) -> bool:
        chances = CHANCES[kind](scale, largest=int(40 * scale))
        first, second = (
            math.fsum(abs(k) ** power * chance for k, chance in chances.items()) for power in (1, 2)
        )
        error = math.sqrt((second - first**2) / len(draws))
        return bool(abs(np.abs(draws).mean() - first) < 7 * error)

    assert right(array(table, "visits"), scale)
    assert right(array(table, "points"), 5 * scale)
    # Without Linf, without L0, without the bound of the value, with a share of the whole loss.
    for broken in (scale / 2, scale / (4 if kind is NoiseKind.LAPLACE else 2)):
        assert not right(array(table, "visits"), broken)
    assert not right(array(table, "points"), scale)
    assert not right(array(table, "points"), 5 * scale / math.sqrt(2))


def agree(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two columns of wide noise share a draw anywhere; up to its sign."""
    return bool((np.abs(first) == np.abs(second)).any())


def test_metrics_cells_and_draws_share_no_noise() -> None:
    """Two equal metrics, one cell and the next, one release and its twin. False alarm 1e-8."""
    made = by_cell(UNITS, metric("again", "privacy_unit_count"), epsilon=WIDE)
    once, twice = drawn(made, cells=2000), drawn(made, cells=2000)
    column_of = {name: array(once, name) for name in ("visitors", "again")}

    assert made.noises["visitors"] == made.noises["again"]
    assert not agree(column_of["visitors"], column_of["again"])
    assert not agree(column_of["visitors"][1:], column_of["visitors"][:-1])
    assert not agree(column_of["visitors"], array(twice, "visitors"))
    # The twin: a column that was copied, a column that was mirrored.
    assert agree(column_of["visitors"], column_of["visitors"])
    assert agree(column_of["visitors"], -column_of["visitors"])


def test_parts_of_two_metrics_share_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mean counts its rows by a draw of its own, beside a count. False alarm 1e-8."""
    seen: list[Noisy] = []
    monkeypatch.setattr(
        module, "add_noise", lambda parts: seen.extend(add_noise(parts)) or seen[-len(parts) :]
    )
    average = metric("average", "mean", **WHOLE)
    bars = metric("bars", "histogram", "bigint[]", **WHOLE, bins=50)
    made = by_cell(COUNT, average, bars, epsilon=WIDE)
    drawn(made, cells=500)
    columns = [column for one in seen for column in one.values.reshape(500, -1).T]

    assert len(columns) == 1 + 2 + 50
    assert not any(agree(columns[0], other) for other in columns[1:])


def test_all_noise_of_a_release_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call for all parts, so that no cell and no metric is timed alone."""
    calls: list[int] = []
    monkeypatch.setattr(
        module, "add_noise", lambda parts: calls.append(len(parts)) or add_noise(parts)
    )
    made = plan(declared(whole_mart()))
    keys = pa.table({"region": ["north"], "day": [date(2026, 6, 1)]})
    draw_cells(made, keys, zeros(made, cells=1))

    assert calls == [len(made.parts)]


CELLS = 600
RNG = np.random.default_rng(11)


def bounded() -> tuple[dict[str, np.ndarray], dict[str, list[float]]]:
    """Aggregates of many cells of bounded rows in whole steps, and what is true of each cell."""
    made: dict[str, list[Any]] = {name: [] for name in COVERED}
    aggregates: dict[str, list[Any]] = {}
    tree = next(one.tree for one in covering().parts if one.name == "median")
    assert tree is not None
    for at in range(CELLS):
        rows = np.clip(RNG.normal(40, 25, size=100 + at % 700).astype(np.int64), 0, 100)
        bins = np.bincount(tree.bin_of(rows), minlength=tree.bins)
        for name, value in {
            "visits": len(rows),
            "total": rows.sum(),
            "average.sum": rows.sum(),
            "average.count": len(rows),
            "spread.sum_of_squares": (rows**2).sum(),
            "spread.sum": rows.sum(),
            "spread.count": len(rows),
            "median": tree.count(bins[None, :])[0],
            "bars": np.bincount(np.minimum(rows // 10, 9), minlength=10),
        }.items():
            aggregates.setdefault(name, []).append(value)
        for name, true in {
            "visits": len(rows),
            "total": rows.sum(),
            "average": rows.mean(),
            "spread": rows.var(),
            "median": np.sort(rows)[math.ceil(len(rows) / 2) - 1],
            "bars": aggregates["bars"][-1],
        }.items():
            made[name].append(true)
    return {name: np.array(one, dtype=np.int64) for name, one in aggregates.items()}, made


COVERED = ("visits", "total", "average", "spread", "median", "bars")


def covering() -> Plan:
    """A metric of every kind whose interval is its own, at a confidence of 0.9."""
    return by_cell(
        COUNT,
        metric("total", "sum", **WHOLE),
        metric("average", "mean", **WHOLE),
        metric("spread", "variance", **WHOLE),
        metric("median", "quantile", **WHOLE, quantile=0.5, bins=100, branching=10),
        metric("bars", "histogram", "bigint[]", **WHOLE, bins=10),
        epsilon=6,
        confidence=0.9,
    )


def misses(table: pa.Table, truth: Mapping[str, list[Any]]) -> set[str]:
    """Metrics whose intervals hold fewer truths than chance leaves at 0.9. False alarm 1e-7 each.

    A bin of a histogram is an interval of its own; one bin a cell is judged.
    """
    found = set()
    for name, true in truth.items():
        low, value, high = (table[name + suffix].to_pylist() for suffix in ("_low", "", "_high"))
        if name == "bars":
            low, value, high, true = ([cell[3] for cell in one] for one in (low, value, high, true))
        inside = sum(a <= t <= b for a, t, b in zip(low, true, high, strict=True))
        ordered = all(a <= v <= b for a, v, b in zip(low, value, high, strict=True))
        if not ordered or binomial_tails(inside, trials=len(true), chance=0.9)[0] < 1e-7:
            found.add(name)
    return found


def test_intervals_hold_the_bounded_aggregate_as_often_as_declared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through plan, draw and rounding, for every kind of metric. False alarm below 1e-6 in all.

    The twin draws four times the noise that the intervals know of.
    """
    aggregates, truth = bounded()
    found = draw_cells(covering(), numbered(CELLS), aggregates)

    def louder(parts: list[tuple[np.ndarray, Noise]]) -> list[Noisy]:
        quiet = [noise for _, noise in parts]
        loud = [(values, Noise(noise.kind, 4 * noise.scale)) for values, noise in parts]
        return [Noisy(one.values, noise) for one, noise in zip(add_noise(loud), quiet, strict=True)]

    monkeypatch.setattr(module, "add_noise", louder)
    twin = draw_cells(covering(), numbered(CELLS), aggregates)

    assert misses(found, truth) == set()
    assert misses(twin, truth) >= {"visits", "total", "bars"}


@settings(max_examples=40)
@given(
    resolution=st.sampled_from(["0.01", "0.25", "0.0001", "1", "5"]),
    kind=st.sampled_from(["sum", "mean", "variance", "quantile"]),
    totals=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=4),
)
def test_every_number_lies_on_the_declared_grid(
    resolution: str, kind: str, totals: list[int]
) -> None:
    """Value and both ends are whole multiples of the resolution, in its type."""
    places = max(0, -Decimal(resolution).normalize().as_tuple().exponent)
    more = {"quantile": 0.3, "bins": 2} if kind == "quantile" else {}
    one = metric(
        "m",
        kind,
        f"decimal(38,{places})" if places else "bigint",
        **{**BOUNDED, "upper": 50, "lower": -50, "resolution": resolution, **more},
    )
    made = by_cell(one)
    aggregates = zeros(made, cells=len(totals))
    for name, values in aggregates.items():
        aggregates[name] = values + np.array(totals).reshape(-1, *[1] * (values.ndim - 1))
    table = draw_cells(made, numbered(len(totals)), aggregates)

    for name in ("m_low", "m", "m_high"):
        wanted = pa.decimal128(38, places) if places else pa.int64()
        assert table.schema.field(name).type == wanted
        for number in table[name].to_pylist():
            assert (Fraction(number) / Fraction(resolution)).denominator == 1


def test_counts_keep_what_was_drawn_and_their_ends_begin_at_zero() -> None:
    """An empty cell is released as noise around 0, also below it; what may be true is not below.

    False alarm below 1e-12: of 1,200 cells none lies below its own half width.
    """
    table = drawn(by_cell(COUNT, SUM), cells=1200)
    value, high = array(table, "visits"), array(table, "visits_high")

    assert (value < 0).sum() > 100
    assert (value > 0).sum() > 100
    assert high.min() == 0
    assert array(table, "visits_low")[value >= 0].min() == 0
    # No cost is below 0, and so no sum of costs.
    assert min(table["cost_sum_high"].to_pylist()) == 0


def test_a_sum_that_may_be_below_zero_has_no_floor() -> None:
    """Its ends go as far down as its value. False alarm below 1e-12, as above."""
    balance = metric("balance", "sum", "decimal(38,2)", **{**BOUNDED, "lower": -500})

    assert min(drawn(by_cell(balance), cells=1200)["balance_high"].to_pylist()) < 0


def test_a_table_is_the_declared_one() -> None:
    """The declared columns in their order and types, sorted by the keys, NULL last."""
    made = plan(declared(whole_mart()))
    days = [date(2026, 6, 2), date(2026, 6, 1), date(2026, 6, 1), None]
    keys = pa.table(
        # A dictionary, and the columns the other way round, as an engine may hand them over.
        {"day": days, "region": pa.array(["b", None, "b", "a"]).dictionary_encode()}
    )
    table = draw_cells(made, keys, zeros(made, cells=4))
    types = dict(zip(table.column_names, table.schema.types, strict=True))

    assert tuple(table.column_names) == made.declared.columns
    assert types["region"] == pa.string()
    assert types["day"] == pa.date32()
    assert types["visits"] == types["services_low"] == pa.int64()
    assert types["cost_mean"] == types["cost_sum_high"] == pa.decimal128(38, 2)
    assert types["cost_bins"] == types["cost_bins_low"] == pa.list_(pa.int64())
    assert {len(one) for one in table["cost_bins"].to_pylist()} == {50}
    assert table["region"].to_pylist() == ["a", "b", "b", None]
    assert table["day"].to_pylist() == [None, date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 1)]


def test_cells_keep_their_numbers_when_they_are_sorted() -> None:
    """Noise below one in a thousand scales: every number stands beside its own key."""
    made = by_cell(COUNT, HISTOGRAM, epsilon=100)
    keys = pa.table({"cell": pa.array([3, 1, 2], pa.int64())})
    bars = np.repeat(np.array([[3000], [1000], [2000]]), 50, axis=1)
    table = draw_cells(
        made, keys, {"visits": np.array([3000, 1000, 2000]), "cost_bins": bars.astype(np.int64)}
    )

    assert table["cell"].to_pylist() == [1, 2, 3]
    assert [round(value, -3) for value in table["visits"].to_pylist()] == [1000, 2000, 3000]
    assert [round(bins[7], -3) for bins in table["cost_bins"].to_pylist()] == [1000, 2000, 3000]


@pytest.mark.parametrize("kind", list(NoiseKind))
def test_the_widest_noise_that_is_planned_can_be_released(kind: NoiseKind) -> None:
    """A plan that is made is drawn to its end: a quantile does not fail after the draw."""
    word = "epsilon" if kind is NoiseKind.LAPLACE else "rho"
    for power in range(4, 40):
        loss = {"epsilon": None, word: f"1e-{power}", "noise_kind": kind.value}
        try:
            made = by_cell(MEDIAN, confidence="0.999999999999", **loss)
        except VeilError:
            break
        assert drawn(made, cells=20).num_rows == 20
    assert power > 5


def test_lists_that_arrow_cannot_place_are_refused() -> None:
    """More than 2**31 numbers in one column; refused before they are counted or drawn."""
    made = by_cell(metric("m", "histogram", "bigint[]", **{**WHOLE, "upper": 2**20}, bins=2**20))
    with pytest.raises(VeilError, match="too many numbers"):
        draw_cells(made, numbered(2048), {"m": np.zeros((0, 2**20), dtype=np.int64)})


def test_no_cells_make_an_empty_table_of_the_same_types() -> None:
    """A private mart in which no group is named is released empty."""
    made = by_cell(COUNT, SUM, MEAN, VARIANCE, MEDIAN, HISTOGRAM)
    empty, full = drawn(made, cells=0), drawn(made, cells=2)

    assert empty.num_rows == 0
    assert empty.schema == full.schema


def test_a_mart_without_keys_has_one_row() -> None:
    """Also when nobody is in it."""
    made = plan(declared(mart(COUNT, epsilon=2)))
    table = draw_cells(made, pa.table({}), {"visits": np.array([40], dtype=np.int64)})

    assert table.num_rows == 1
    assert table.column_names == ["visits", "visits_low", "visits_high"]


def test_what_outgrows_64_bits_is_cut_off() -> None:
    """Steps of a million near the largest aggregate: nothing fails after the draw."""
    made = by_cell(metric("m", "sum", **{**BOUNDED, "upper": 10**6, "resolution": 10**6}))
    table = drawn(made, cells=2, m=np.array([2**61, -(2**61)], dtype=np.int64))
    value = array(table, "m")

    assert value.tolist() == [2**63 // 10**6 * 10**6, -(2**63 // 10**6 * 10**6)]


SECRET = 987_654_321


def wrong_calls() -> dict[str, tuple[Node, pa.Table, dict[str, np.ndarray]]]:
    """Keys and aggregates that are not those of the mart."""
    node = mart(column("cell", "smallint"), COUNT)
    two = np.zeros(2, dtype=np.int64)
    keys = numbered(2)
    return {
        "key too large": (node, pa.table({"cell": [1, SECRET]}), {"visits": two}),
        "key of another type": (node, pa.table({"cell": ["1", str(SECRET)]}), {"visits": two}),
        "key of another name": (node, pa.table({"other": [1, 2]}), {"visits": two}),
        "one key more": (node, keys.append_column("other", [[1, 2]]), {"visits": two}),
        "cell twice": (node, pa.table({"cell": [1, 1]}), {"visits": two}),
        "NULL twice": (
            node,
            pa.table({"cell": pa.array([None, None], pa.int8())}),
            {"visits": two},
        ),
        "a part less": (node, keys, {}),
        "a part more": (node, keys, {"visits": two, "visitors": two}),
        "a cell less": (node, keys, {"visits": two[:1]}),
        "a number more": (node, keys, {"visits": np.zeros((2, 2), dtype=np.int64)}),
        "floats": (node, keys, {"visits": np.array([0.5, SECRET])}),
        "an overflow": (node, keys, {"visits": np.array([0, 2**62 + SECRET])}),
        "keyless with two cells": (mart(COUNT), pa.table({}), {"visits": two}),
    }


@pytest.mark.parametrize("name", wrong_calls())
def test_what_is_not_of_the_mart_is_refused_before_anything_is_drawn(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is drawn for it, and no value of the data stands in the message."""
    node, keys, aggregates = wrong_calls()[name]
    made = plan(declared(node, public_relation="cell" in node.columns))
    monkeypatch.setattr("veil.differential.noise._release", lambda *_, **__: pytest.fail("drew"))

    with pytest.raises(VeilError) as caught:
        draw_cells(made, keys, aggregates)
    assert str(SECRET) not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_groups_of_one_are_named_no_more_often_than_delta_allows() -> None:
    """A lone unit's group, L0 1 and delta 1/10: its chance is at most 1/10. False alarm 1e-7.

    The twin forgets that a unit may be in four groups.
    """
    lone = np.ones(20_000, dtype=np.int64)

    def too_many(made: Plan, *, chance: float) -> bool:
        named = int(select_groups(made, lone).sum())
        return binomial_tails(named, trials=len(lone), chance=chance)[1] < 1e-7

    one = plan(declared(private_mart(delta=0.1, max_partitions_contributed=1)))
    four = plan(declared(private_mart(delta=0.1, max_partitions_contributed=4)))
    assert four.selection is not None
    selection = replace(four.selection, threshold=one.selection.threshold if one.selection else 0)

    assert not too_many(one, chance=0.1)
    assert not too_many(four, chance=0.025)
    assert too_many(replace(four, selection=selection), chance=0.025)


def test_the_draws_that_select_are_not_those_that_are_released() -> None:
    """Named groups far below the threshold are released with noise around 0. False alarm 1e-9.

    The twin releases what selected them, which lies above the threshold.
    """
    made = plan(declared(private_mart(UNITS, delta=0.4, max_partitions_contributed=1)))
    true = np.ones(20_000, dtype=np.int64)
    named = int(select_groups(made, true).sum())
    keys = pa.table({"region": [str(at) for at in range(named)]})
    aggregates = {"visits": true[:named], "visitors": true[:named]}
    noise = made.noises["visitors"]
    released = array(draw_cells(made, keys, aggregates), "visitors") - 1

    def centred(draws: np.ndarray) -> bool:
        # The variance of a discrete Laplace is below 2 scale**2.
        return bool(abs(draws.mean()) < 6.2 * math.sqrt(2 / len(draws)) * noise.scale)

    assert made.selection is not None
    assert named > 2000
    selecting = add_noise([(np.zeros(20_000, dtype=np.int64), made.selection.noise)])[0].values
    assert centred(released)
    assert not centred(selecting[selecting + 1 >= made.selection.threshold])


def test_groups_below_the_pre_threshold_are_never_named() -> None:
    """Whatever the noise; without a `pre_threshold` nor is a group without anybody."""
    made = plan(declared(private_mart(delta=0.4, pre_threshold=5)))
    counts = np.repeat(np.array([4, 5000], dtype=np.int64), 3000)

    assert select_groups(made, counts).tolist() == [False] * 3000 + [True] * 3000
    assert not select_groups(plan(declared(private_mart(delta=0.4))), counts[:3000] - 4).any()


def test_public_partitions_are_not_selected() -> None:
    """Which groups there are is known; a call shows a mistake."""
    with pytest.raises(VeilError, match="no private partitions"):
        select_groups(plan(declared(whole_mart())), np.ones(3, dtype=np.int64))


def test_a_default_is_a_parameter_of_the_draw_alone() -> None:
    """The aggregate knows what an empty value counts as; the noise is the same."""
    plain, filled = by_cell(MEAN), by_cell(changed(MEAN, default_value=0))

    assert plain.noises == filled.noises
    assert {part.default for part in filled.parts} == {0}
