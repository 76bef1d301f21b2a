"""A differential mart's YAML: read exactly, or refused with everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from releases_support import (
    BOUNDED,
    COUNT,
    DAY,
    DISTINCT,
    HISTOGRAM,
    MEAN,
    MEDIAN,
    PARTITIONS,
    REGION,
    SUM,
    UNITS,
    VARIANCE,
    changed,
    column,
    declared,
    mart,
    metric,
    private_mart,
    typed,
    whole_mart,
)

from veil.differential.measures import Measure
from veil.differential.noise import NoiseKind
from veil.errors import VeilError
from veil.policy.graph import Node
from veil.releases import release_name
from veil.releases.declared import MetricKind
from veil.releases.partitions import MOST_CELLS
from veil.releases.plan import plan
from veil.releases.reading import names_partitions, problems, read_declared

WITH_RELATION = "{{ veil.dp_aggregate('visits', public_partitions=ref('seed_regions')) }}"
DAYS = tuple(date(2026, 6, day) for day in range(1, 15))


def public(*columns: Any, **meta: Any) -> Node:
    """A mart by region, public."""
    return mart(REGION, *columns, **{"public_partitions": {"region": ["north"]}, **meta})


def by_number(data_type: str, values: object, **meta: Any) -> Node:
    """A mart by a key of whole numbers, public."""
    return mart(column("age", data_type), COUNT, public_partitions={"age": values}, **meta)


def test_a_whole_mart_is_read_exactly() -> None:
    """Numbers are the decimals that are written; what is left out has its documented default."""
    found = declared(whole_mart())
    by_name = {one.name: one for one in found.metrics}

    assert problems(whole_mart()) == []
    assert (found.name, found.mart) == ("visits_by_region", "model.shop.visits_by_region")
    assert (found.measure, found.noise_kind) == (Measure.EPSILON, NoiseKind.LAPLACE)
    assert (found.loss, found.delta, found.confidence) == (1, 0, Fraction(19, 20))
    assert [key.values for key in found.keys] == [("north", "south"), DAYS]
    assert found.columns[:4] == ("region", "day", "visits", "visits_low")
    assert {one.kind for one in found.metrics} == set(MetricKind)
    assert by_name["cost_sum"].resolution == Fraction(1, 100)
    assert by_name["cost_sum"].weight == 2
    assert by_name["cost_bins"].resolution == 1
    assert by_name["cost_median"].quantile == Fraction(1, 2)
    assert not found.is_private
    assert not found.on_change
    assert found.period.text == "once"


def test_a_private_mart_is_read() -> None:
    """Without public partitions the keys are selected, and pay with a delta."""
    found = declared(private_mart(rho=0.1, epsilon=None, noise_kind="gaussian", pre_threshold=5))

    assert found.is_private
    assert (found.measure, found.loss) == (Measure.RHO, Fraction(1, 10))
    assert (found.delta, found.pre_threshold) == (Fraction(1, 1_000_000), 5)


def test_partitions_of_a_relation_are_public() -> None:
    """No values in the YAML, no delta; the call in the mart's SQL says so."""
    node = mart(REGION, COUNT, code=WITH_RELATION)

    assert problems(node) == []
    assert not declared(node, public_relation=True).is_private
    assert any("has no `delta`" in one for one in problems(mart(REGION, COUNT)))


def test_a_mart_without_keys_has_one_public_cell() -> None:
    """That everybody is in one cell is known beforehand."""
    assert not declared(mart(COUNT)).is_private


def test_days_are_read_as_dates_and_as_texts() -> None:
    """YAML makes a date of an unquoted day, and a text of a quoted one."""
    span = {"from": date(2026, 6, 1), "to": date(2026, 6, 14)}
    listed = [str(day) for day in reversed(DAYS)]
    found = [
        declared(mart(DAY, COUNT, public_partitions={"day": days})).keys[0].values
        for days in (span, PARTITIONS["day"], listed, list(DAYS))
    ]

    assert found == [DAYS] * 4


def test_public_values_ascend_and_null_is_one() -> None:
    """The order in the YAML means nothing; NULL is a value like another, and the last."""
    node = public(COUNT, public_partitions={"region": ["south", None, "north", ""]})
    numbers = by_number("smallint", {"from": -2, "to": 1})
    flags = mart(column("new", "boolean"), COUNT, public_partitions={"new": [True, False]})

    assert declared(node).keys[0].values == ("", "north", "south", None)
    assert declared(numbers).keys[0].values == (-2, -1, 0, 1)
    assert declared(flags).keys[0].values == (False, True)


def test_types_are_known_by_their_other_names() -> None:
    """`int8` is `bigint`, `text` is `varchar`, `numeric(38, 2)` is `decimal(38,2)`."""
    summed = metric("cost_sum", "sum", "numeric(38, 2)", **BOUNDED)
    whole = metric("minutes", "sum", "int8", **{**BOUNDED, "resolution": 5})
    node = public(column("sex", "text"), COUNT, summed, whole)
    node = mart(*node.raw["columns"].values(), delta="1e-6")

    assert problems(node) == []
    assert [key.data_type for key in declared(node).keys] == ["varchar", "varchar"]


BROKEN: dict[str, tuple[Callable[[], Node], tuple[str, ...]]] = {
    "no loss": (lambda: whole_mart(epsilon=None), ("exactly one of `epsilon` and `rho`",)),
    "two losses": (lambda: whole_mart(rho=1), ("exactly one of `epsilon` and `rho`",)),
    "rho with laplace": (
        lambda: whole_mart(epsilon=None, rho=1),
        ("declares `rho`", "laplace noise is counted in `epsilon`"),
    ),
    "epsilon with gaussian": (
        lambda: whole_mart(noise_kind="gaussian"),
        ("declares `epsilon`", "gaussian noise is counted in `rho`"),
    ),
    "unknown noise": (lambda: whole_mart(noise_kind="uniform"), ("unknown `noise_kind`",)),
    "noise of no kind": (lambda: whole_mart(noise_kind=["laplace"]), ("unknown `noise_kind`",)),
    "no epsilon left": (lambda: whole_mart(epsilon=0), ("`epsilon` is not above 0",)),
    "epsilon no number": (lambda: whole_mart(epsilon="one"), ("`epsilon` is not a finite",)),
    "epsilon of infinity": (lambda: whole_mart(epsilon=float("inf")), ("not a finite number",)),
    "epsilon too large": (lambda: whole_mart(epsilon=100_000), ("`scale` between 0.01",)),
    "epsilon too small": (lambda: whole_mart(epsilon="1e-99"), ("`scale` between 0.01",)),
    "no bound on cells": (
        lambda: whole_mart(max_partitions_contributed=None),
        ("has no `max_partitions_contributed`", "never guessed from the data"),
    ),
    "no bound on rows": (
        lambda: whole_mart(max_contributions_per_partition=None),
        ("has no `max_contributions_per_partition`", "never guessed from the data"),
    ),
    "bound of zero": (
        lambda: whole_mart(max_partitions_contributed=0),
        ("`max_partitions_contributed` that is no whole number from 1",),
    ),
    "bound that is true": (
        lambda: whole_mart(max_partitions_contributed=True),
        ("`max_partitions_contributed` that is no whole number from 1",),
    ),
    "bound of 2.0": (
        lambda: whole_mart(max_contributions_per_partition=2.0),
        ("`max_contributions_per_partition` that is no whole number from 1",),
    ),
    "no unit": (lambda: whole_mart(privacy_unit=None), ("has no `privacy_unit`",)),
    "unit of a table": (lambda: whole_mart(privacy_unit="a.b"), ("no name of a column",)),
    "unit is a key": (lambda: whole_mart(privacy_unit="Region"), ("its privacy unit as a part",)),
    "unit is summed": (
        lambda: whole_mart(privacy_unit="Cost"),
        ("measures its privacy unit by `cost_sum`", "privacy_unit_count"),
    ),
    "unit is counted dearly": (
        lambda: whole_mart(privacy_unit="service"),
        ("measures its privacy unit by `services`", "privacy_unit_count"),
    ),
    "no budget": (lambda: whole_mart(privacy_budget=None), ("has no `privacy_budget`",)),
    "budget no name": (lambda: whole_mart(privacy_budget="a b"), ("`privacy_budget` that is no",)),
    "unknown period": (
        lambda: whole_mart(privacy_release_period="week"),
        ("`privacy_release_period` is no known period",),
    ),
    "unknown refresh": (
        lambda: whole_mart(privacy_refresh="always"),
        ("unknown `privacy_refresh`", "period, on_change"),
    ),
    "increment of no key": (
        lambda: whole_mart(privacy_increment="week"),
        ("`privacy_increment` that names no partition key of type date",),
    ),
    "increment of a text": (
        lambda: whole_mart(privacy_increment="region"),
        ("`privacy_increment` that names no partition key of type date",),
    ),
    "increment on change": (
        lambda: whole_mart(privacy_increment="day", privacy_refresh="on_change"),
        ("`privacy_increment` and `privacy_refresh: on_change`", "frozen once drawn"),
    ),
    "increment drawn again": (
        lambda: whole_mart(privacy_increment="day", privacy_release_period="month"),
        ("draw all its days again",),
    ),
    "increment of private days": (
        lambda: mart(DAY, COUNT, delta="1e-6", privacy_increment="day"),
        ("its days are not declared in the YAML",),
    ),
    "unit within no key": (
        lambda: public(COUNT, privacy_unit_within="day"),
        ("`privacy_unit_within` that names no partition key of type date",),
    ),
    "no delta": (lambda: private_mart(delta=None), ("has no `delta`", "`public_partitions`")),
    "delta of one": (lambda: private_mart(delta=1), ("`delta` is not below 1",)),
    "delta of a half": (lambda: private_mart(delta=0.5), ("`delta` above 0 and below 1/2",)),
    "delta too small": (lambda: private_mart(delta="1e-31"), ("1e-30", "far below one")),
    "delta for public": (lambda: whole_mart(delta="1e-6"), ("`delta`, which only private",)),
    "delta without keys": (lambda: mart(COUNT, delta=0.1), ("`delta`, which only private",)),
    "pre_threshold for public": (
        lambda: whole_mart(pre_threshold=3),
        ("`pre_threshold`, which only private",),
    ),
    "pre_threshold of zero": (lambda: private_mart(pre_threshold=0), ("no whole number from 1",)),
    "delta beside a relation": (
        lambda: mart(REGION, COUNT, code=WITH_RELATION, delta="1e-6"),
        ("`delta`, which only private",),
    ),
    "partitions twice": (
        lambda: public(COUNT, code=WITH_RELATION),
        ("in its YAML and in its call of `dp_aggregate`",),
    ),
    "relation without a key": (
        lambda: mart(COUNT, code=WITH_RELATION),
        ("has no partition key",),
    ),
    "sure intervals": (lambda: whole_mart(confidence=1), ("`confidence` is not below 1",)),
    "almost sure intervals": (
        lambda: whole_mart(confidence="0." + "9" * 30),
        ("`confidence` too close to 1",),
    ),
    "misplaced in a column": (
        lambda: public(changed(COUNT, epsilon=1)),
        ("column `visits` has `epsilon`", "Move it to the model"),
    ),
    "misplaced in the model": (
        lambda: whole_mart(lower=0),
        ("has `lower`, which only a column", "Move it to the column"),
    ),
    "misspelt in the model": (
        lambda: private_mart(pre_treshold=9),
        ("unknown key `pre_treshold`", "`pre_threshold`"),
    ),
    "misspelt in a column": (
        lambda: public(changed(SUM, weigth=3)),
        ("column `cost_sum` has the unknown key `weigth`", "`weight`"),
    ),
    "no metric": (lambda: public(), ("none of its columns has a `metric`", "count, ")),
    "unknown metric": (
        lambda: public(changed(COUNT, metric="average")),
        ("column `visits` has an unknown `metric`", "mean, variance"),
    ),
    "metric with a name of its own": (
        lambda: public(metric("visits.all", "count")),
        ("not the name of one",),
    ),
    "no upper bound": (
        lambda: public(changed(SUM, upper=None)),
        ("column `cost_sum` has no `upper`", "never guessed from the data"),
    ),
    "no lower bound": (lambda: public(changed(MEAN, lower=None)), ("has no `lower`",)),
    "no resolution": (lambda: public(changed(VARIANCE, resolution=None)), ("no `resolution`",)),
    "no column": (lambda: public(changed(SUM, metric_column=None)), ("has no `metric_column`",)),
    "no column of values": (
        lambda: public(changed(DISTINCT, metric_column=None)),
        ("has no `metric_column`",),
    ),
    "column of an expression": (
        lambda: public(changed(SUM, metric_column="cost * 2")),
        ("`metric_column` that is no name of a column",),
    ),
    "bounds the wrong way": (
        lambda: public(changed(SUM, upper=0, lower=500)),
        ("`lower` is not below `upper`",),
    ),
    "bounds off the grid": (
        lambda: public(changed(SUM, lower=0.001)),
        ("not whole multiples of `resolution`",),
    ),
    "bounds too far": (
        lambda: public(changed(SUM, upper=10**15)),
        ("more than 2**40 steps",),
    ),
    "bounds too far for squares": (
        lambda: public(changed(VARIANCE, upper=20_000)),
        ("`variance` whose bounds lie more than 2**20 steps",),
    ),
    "resolution of a third": (
        lambda: public(changed(SUM, resolution="1/3")),
        ("`resolution` must be a decimal",),
    ),
    "default at the upper bound": (
        lambda: public(changed(MEAN, default_value=500)),
        ("`default_value` that is no multiple", "rows without a value are dropped"),
    ),
    "default off the grid": (
        lambda: public(changed(MEAN, default_value=0.001)),
        ("`default_value` that is no multiple",),
    ),
    "default of a count": (
        lambda: public(changed(COUNT, metric_column="cost", default_value=0)),
        ("has `default_value`, which a `count` does not use",),
    ),
    "bounds of a count": (
        lambda: public(changed(COUNT, lower=0)),
        ("has `lower`, which a `count` does not use",),
    ),
    "column of units": (
        lambda: public(changed(UNITS, metric_column="visitor_key")),
        ("has `metric_column`, which a `privacy_unit_count` does not use",),
    ),
    "bins of a mean": (lambda: public(changed(MEAN, bins=5)), ("has `bins`, which a `mean`",)),
    "branches of a histogram": (
        lambda: public(changed(HISTOGRAM, branching=4)),
        ("has `branching`, which a `histogram`",),
    ),
    "parameter of a key": (
        lambda: public(COUNT, changed(column("sex", "varchar"), lower=0), DAY),
        ("column `sex` has `lower` but no `metric`",),
    ),
    "parameter of an interval": (
        lambda: public([COUNT[0], *changed(COUNT[1], weight=1), COUNT[2]]),
        ("column `visits_low` has `weight` but no `metric`",),
    ),
    "no bins": (lambda: public(changed(MEDIAN, bins=None)), ("has no `bins`",)),
    "no bins to count in": (lambda: public(changed(HISTOGRAM, bins=None)), ("has no `bins`",)),
    "one bin": (lambda: public(changed(HISTOGRAM, bins=1)), ("no whole number from 2",)),
    "uneven bins": (lambda: public(changed(MEDIAN, bins=3)), ("must be a multiple of `bins`",)),
    "no quantile": (lambda: public(changed(MEDIAN, quantile=None)), ("has no `quantile`",)),
    "quantile of one": (lambda: public(changed(MEDIAN, quantile=1)), ("`quantile` is not below",)),
    "quantile of many digits": (
        lambda: public(changed(MEDIAN, quantile="0.1234567")),
        ("`quantile` of too many digits",),
    ),
    "noise too wide for a quantile": (
        lambda: mart(MEDIAN, epsilon="1e-9"),
        ("`cost_median`: the noise is too wide for a quantile", "fewer bins"),
    ),
    "one branch": (lambda: public(changed(MEDIAN, branching=1)), ("no whole number from 2",)),
    "weightless": (lambda: public(changed(SUM, weight=0)), ("`weight` is not above 0",)),
    "no low end": (
        lambda: public([COUNT[0], COUNT[2]]),
        ("column `visits` has a `metric`", "no column `visits_low`", "Declare it as `bigint`"),
    ),
    "no high end": (lambda: public(COUNT[:2]), ("no column `visits_high`",)),
    "low end of another type": (
        lambda: public(typed(SUM, "double", at=1)),
        ("another type in column `cost_sum_low`", "`data_type: decimal(38,2)`"),
    ),
    "low end with a metric": (
        lambda: public([COUNT[0], *changed(COUNT[1], metric="count"), COUNT[2]]),
        ("column `visits_low` has a `metric` and the name of an interval of `visits`",),
    ),
    "count as an integer": (
        lambda: public(typed(COUNT, "integer")),
        ("is a `count`", "`data_type: bigint`"),
    ),
    "sum of other places": (
        lambda: public(typed(SUM, "decimal(38,3)")),
        ("is a `sum`", "`data_type: decimal(38,2)`"),
    ),
    "narrow sum": (lambda: public(typed(SUM, "decimal(18,2)")), ("`data_type: decimal(38,2)`",)),
    "whole sum as a decimal": (
        lambda: public(metric("n", "sum", "decimal(38,2)", **{**BOUNDED, "resolution": 1})),
        ("`data_type: bigint`",),
    ),
    "bins in one number": (
        lambda: public(typed(HISTOGRAM, "bigint", at=2)),
        ("column `cost_bins_high`", "`data_type: bigint[]`"),
    ),
    "key of floats": (
        lambda: private_mart(column("width", "double")),
        ("column `width` is a partition key of a type that no key can have",),
    ),
    "key of moments": (
        lambda: private_mart(column("at", "timestamp")),
        ("column `at` is a partition key of a type",),
    ),
    "partitions in a list": (
        lambda: public(COUNT, public_partitions=["north"]),
        ("`public_partitions` that are no mapping",),
    ),
    "partitions of no key": (
        lambda: public(COUNT, public_partitions={"region": ["north"], "visits": [1]}),
        ("`public_partitions` for `visits`, which is no partition key",),
    ),
    "a key without partitions": (
        lambda: whole_mart(public_partitions={"region": ["north"]}),
        ("none of the key `day`", "Either all keys are public or none is"),
    ),
    "no value": (
        lambda: public(COUNT, public_partitions={"region": []}),
        ("`public_partitions` of `region` are no list, or an empty one",),
    ),
    "one value alone": (
        lambda: public(COUNT, public_partitions={"region": "north"}),
        ("`public_partitions` of `region` are no list",),
    ),
    "a value twice": (
        lambda: public(COUNT, public_partitions={"region": ["north", "south", "north"]}),
        ("`region` hold a value twice",),
    ),
    "NULL twice": (
        lambda: public(COUNT, public_partitions={"region": [None, None]}),
        ("`region` hold a value twice",),
    ),
    "a day twice": (
        lambda: mart(DAY, COUNT, public_partitions={"day": ["2026-06-01", date(2026, 6, 1)]}),
        ("`day` hold a value twice",),
    ),
    "a number as a text": (
        lambda: public(COUNT, public_partitions={"region": ["north", 5]}),
        ("does not fit the type `varchar`", "in quotes"),
    ),
    "no as a text": (
        lambda: public(COUNT, public_partitions={"region": [False]}),
        ("does not fit the type `varchar`", "in quotes"),
    ),
    "a moment as a day": (
        lambda: mart(DAY, COUNT, public_partitions={"day": [datetime(2026, 6, 1, 8)]}),
        ("does not fit the type `date`", "2026-06-01"),
    ),
    "no such day": (
        lambda: mart(DAY, COUNT, public_partitions={"day": ["2026-06-31"]}),
        ("does not fit the type `date`",),
    ),
    "a number too large": (lambda: by_number("utinyint", [256]), ("the type `utinyint`",)),
    "a number too small": (lambda: by_number("smallint", [-32769]), ("the type `smallint`",)),
    "true as a number": (lambda: by_number("bigint", [True]), ("the type `bigint`",)),
    "a span of texts": (
        lambda: public(COUNT, public_partitions={"region": {"from": "a", "to": "b"}}),
        ("span nothing",),
    ),
    "a span without an end": (lambda: by_number("bigint", {"from": 1}), ("span nothing",)),
    "a span to NULL": (
        lambda: by_number("bigint", {"from": 1, "to": None}),
        ("does not fit the type `bigint`",),
    ),
    "a span the wrong way": (
        lambda: by_number("bigint", {"from": 2, "to": 1}),
        ("begin after they end",),
    ),
    "too many values": (
        lambda: by_number("bigint", {"from": 0, "to": 10**18}),
        ("more than 1,000,000 public partitions",),
    ),
    "too many cells": (
        lambda: mart(
            column("a", "bigint"),
            column("b", "bigint"),
            COUNT,
            public_partitions={"a": {"from": 1, "to": 1001}, "b": {"from": 0, "to": 999}},
        ),
        ("more than 1,000,000 public partitions",),
    ),
    "a name for no ledger": (
        lambda: Node({**whole_mart().raw, "name": "visits by region"}),
        ("a name that the ledger cannot hold",),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_refused_with_place_and_remedy(name: str) -> None:
    """One thing is wrong and one thing is said, in full sentences that name the model."""
    make, says = BROKEN[name]
    found = problems(make())

    assert any(all(part in one for part in says) for one in found), found
    for one in found:
        assert one.startswith("model `visits")
        assert one.endswith(".")
        # What is wrong, and the way out.
        assert ". " in one or " must be " in one


def test_what_is_wrong_is_never_read() -> None:
    """What the rules say before a build, the build itself refuses: at the latest in the plan."""
    for name, (make, _) in BROKEN.items():
        node = make()
        with pytest.raises(VeilError) as caught:
            plan(read_declared(node, public_relation=names_partitions(node.code)))

        assert str(caught.value) in problems(node), name


def test_everything_wrong_is_said_at_once() -> None:
    """Nobody mends a mart message by message."""
    node = public(
        changed(SUM, upper=None), changed(MEDIAN, bins=3), max_partitions_contributed=None, rho=1
    )

    assert len(problems(node)) == 4


def test_the_largest_mart_is_read() -> None:
    """A million cells are the limit, and within it."""
    node = by_number("bigint", {"from": 1, "to": MOST_CELLS})

    assert len(declared(node).keys[0].values or ()) == MOST_CELLS


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (WITH_RELATION, True),
        ("{{ veil.dp_aggregate('visits', ref('regions')) }}", True),
        ("{{ dp_aggregate('v', public_partitions = ref('r')) }}", True),
        ("{{ veil.dp_aggregate('visits') }}", False),
        ("{# veil.dp_aggregate('v', public_partitions=ref('r')) #} select 1", False),
        ("-- public_partitions=\nselect {{ other('v', public_partitions=1) }}", False),
        ("{{ unfinished", False),
    ],
)
def test_a_relation_of_partitions_is_found_in_the_call(code: str, names: bool) -> None:
    """Only an argument of `dp_aggregate` counts, not its mention."""
    assert names_partitions(code) is names


def test_the_definition_holds_everything_that_shapes_the_release() -> None:
    """Each change of a parameter is another release; the values are plain."""
    changes: dict[str, Node] = {
        "epsilon": whole_mart(epsilon=2),
        "bound on cells": whole_mart(max_partitions_contributed=5),
        "bound on rows": whole_mart(max_contributions_per_partition=3),
        "confidence": whole_mart(confidence=0.9),
        "unit": whole_mart(privacy_unit="card_key"),
        "unit within": whole_mart(privacy_unit_within="day"),
        "increment": whole_mart(privacy_increment="day"),
        "noise": whole_mart(noise_kind="gaussian", epsilon=None, rho=1),
        "values": whole_mart(public_partitions={**PARTITIONS, "region": ["north"]}),
        "private": mart(REGION, DAY, COUNT, delta="1e-6"),
        "delta": mart(REGION, DAY, COUNT, delta="1e-7"),
        "pre_threshold": mart(REGION, DAY, COUNT, delta="1e-6", pre_threshold=2),
        "key": mart(REGION, COUNT, delta="1e-6"),
        "key's type": mart(column("region", "date"), COUNT, delta="1e-6"),
    }
    one = metric("m", "quantile", "decimal(38,2)", **BOUNDED, quantile=0.5, bins=100)
    for key, value in {
        "metric_column": "paid",
        "lower": -100,
        "upper": 600,
        "resolution": "0.05",
        "default_value": 3,
        "quantile": 0.25,
        "bins": 10,
        "branching": 4,
        "weight": 3,
    }.items():
        changes[key] = mart(COUNT, changed(one, **{key: value}))
    changes["no change"] = mart(COUNT, one)
    found = {json.dumps(declared(node).parameters(), sort_keys=True) for node in changes.values()}

    assert len(found) == len(changes)


def test_the_definition_holds_nothing_that_only_labels() -> None:
    """Another name, budget, period, description or order draws nothing again."""
    node = whole_mart()
    columns = list(reversed(node.raw["columns"].values()))
    turned = mart(
        *columns,
        privacy_budget="others",
        privacy_release_period="month",
        privacy_population="Everybody",
        public_partitions={"day": [*reversed(DAYS)], "region": ["south", "north"]},
    )

    assert declared(turned).parameters() == declared(node).parameters()
    assert declared(turned).columns != declared(node).columns


def test_one_more_day_leaves_frozen_days_as_they_are() -> None:
    """The days of an increment are releases of their own, and no part of their definition."""

    def until(last: str, **meta: Any) -> dict[str, object]:
        span = {"from": "2026-06-01", "to": last}
        partitions = {**PARTITIONS, "day": span}
        return declared(whole_mart(public_partitions=partitions, **meta)).parameters()

    day = {"privacy_increment": "day"}

    assert until("2026-06-02", **day) == until("2026-06-30", **day)
    assert until("2026-06-02") != until("2026-06-30")


def test_a_release_is_named_by_its_day() -> None:
    """A day if and only if the mart grows by days."""
    whole, daily = declared(whole_mart()), declared(whole_mart(privacy_increment="day"))

    assert release_name(whole) == "visits_by_region"
    assert release_name(daily, date(2026, 6, 3)) == "visits_by_region.2026-06-03"
    assert release_name(daily, datetime(2026, 6, 3, 9)) == "visits_by_region.2026-06-03"
    for one, part in ((whole, DAYS[0]), (daily, None)):
        with pytest.raises(VeilError, match="if and only if"):
            release_name(one, part)


def other(release: str, **twice: Any) -> Node:
    """A mart of another kind with a key of its owner's in both `meta`."""
    raw = dict(whole_mart(privacy_release=release).raw)
    raw["meta"] = {**raw["config"]["meta"], **twice}
    first = {**raw["columns"]["region"], "meta": {"weight": 1}}
    first["config"] = {"meta": {"weight": 2}}
    raw["columns"] = {"region": first}
    return Node(raw)


def test_keys_of_other_models_are_their_owners() -> None:
    """`weight` in an ordinary model is read by nobody, whatever it says."""
    node = other("suppressed", epsilon=7)

    assert "epsilon" not in node.meta
    assert node.columns["region"].meta == {}


def test_a_parameter_that_says_two_things_is_refused() -> None:
    """In a differential mart the parameters are kept, and may not contradict themselves."""
    with pytest.raises(VeilError, match="`epsilon` twice"):
        _ = other("differential", epsilon=7).meta
    with pytest.raises(VeilError, match="`weight` twice"):
        _ = other("differential").columns
    assert whole_mart().columns["visits"].meta == {"metric": "count"}


def test_names_have_no_case() -> None:
    """To DuckDB `Visits` is `visits`; a mart that could never be built is not charged."""
    node = mart(REGION, COUNT, metric("Visits", "count"), public_partitions={"region": ["north"]})

    assert any("`visits` twice" in one for one in problems(node))


def test_no_number_is_refused_as_what_it_is() -> None:
    """NaN is not itself, and so would seem to stand twice."""
    found = problems(whole_mart(confidence=float("nan")))

    assert len(found) == 1
    assert "twice" not in found[0]
