"""Edits of a differential mart and of budgets, one for each way in which one can expose more."""

from __future__ import annotations

from typing import Any

from exposure_cases import Case, _case, _meta
from exposure_support import Scene, column

BUDGET = {"unit": "person", "epsilon": 3, "delta": "1e-6"}
PROMISE: dict[str, Any] = {
    "privacy_release": "differential",
    "privacy_budget": "people",
    "privacy_threshold": None,
    "k": None,
    "epsilon": 1,
    "max_partitions_contributed": 4,
    "max_contributions_per_partition": 2,
}
DAYS = {"from": "2026-06-01", "to": "2026-06-14"}
PUBLIC = {"city": ["Zq9-north", "Zq9-south"], "day": DAYS}


def typed(name: str, data_type: str, **meta: Any) -> dict[str, Any]:
    return {**column(name, **meta), "data_type": data_type}


def released(one: Scene) -> None:
    """Make the mart a differential one, with public partitions, and give it a budget."""
    one.nodes.pop("test.demo.no_small_cells_people", None)
    bounds = {"metric_column": "income", "lower": 0, "upper": 500, "resolution": 1}
    columns = [
        typed("city", "varchar"),
        typed("day", "date"),
        typed("people_count", "bigint", metric="privacy_unit_count"),
        typed("income_mean", "bigint", metric="mean", **bounds),
    ]
    columns += [
        typed(f"{name}_{end}", "bigint")
        for name in ("people_count", "income_mean")
        for end in ("low", "high")
    ]
    one.mart["columns"] = {found["name"]: found for found in columns}
    one.mart["raw_code"] = "{{ veil.dp_aggregate('people') }}"
    one.meta("people", **PROMISE, public_partitions=PUBLIC)
    one.variables["veil:budgets"] = {"people": dict(BUDGET)}


def private(one: Scene) -> None:
    released(one)
    one.meta("people", public_partitions=None, delta="1e-6")


def incremental(one: Scene) -> None:
    released(one)
    one.meta("people", privacy_increment="day")


def _release(*arguments: Any, **more: Any) -> Case:
    return _case(*arguments, **{"first": released, **more})


def _mart(**keys: Any) -> Any:
    return _meta("people", **keys)


def _budget(**keys: Any) -> Any:
    """Set keys of the budget; None takes one out."""

    def edit(one: Scene) -> None:
        found = {**one.variables["veil:budgets"]["people"], **keys}
        kept = {key: value for key, value in found.items() if value is not None}
        one.variables["veil:budgets"]["people"] = kept

    return edit


def _second_budget(one: Scene) -> None:
    one.variables["veil:budgets"]["visits"] = {"unit": "visit", "rho": 1, "window": "month"}


def _relation(one: Scene) -> None:
    one.meta("people", public_partitions=None)
    one.mart["raw_code"] = "{{ veil.dp_aggregate('people', public_partitions=ref('cells')) }}"


CASES = [
    _release(
        "a higher epsilon",
        _mart(epsilon=1.5),
        "budget_changed!",
        "budget_changed",
        "the epsilon of mart `people` is higher. Was 1, is 1.5.",
    ),
    _release(
        "a higher delta",
        _mart(delta="1e-5"),
        "budget_changed!",
        "budget_changed",
        "the delta of mart `people` is higher. Was 0.000001, is 0.00001.",
        first=private,
    ),
    _release(
        "another measure",
        _mart(epsilon=None, rho=0.5, noise_kind="gaussian"),
        "budget_changed!",
        "budget_changed!",
        "counts its loss in another measure. Was epsilon 1, is rho 0.5.",
    ),
    _release(
        "a release drawn anew",
        _mart(confidence=0.99),
        "release_drawn",
        "release_drawn",
        "the next build draws mart `people` anew: the budget `people` is charged epsilon 1, and"
        " what was charged before stays.",
    ),
    _release(
        "a number that a person raised",
        _mart(privacy_release_period=2),
        "release_drawn",
        "release_drawn",
        "draws mart `people` anew",
    ),
    _release(
        "a day more",
        _mart(public_partitions={**PUBLIC, "day": {**DAYS, "to": "2026-06-16"}}),
        "release_drawn",
        "promise_changed",
        "the next build draws 2 parts more of mart `people`: the budget `people` is charged"
        " epsilon 1 for each `day`.",
        first=incremental,
    ),
    _release(
        "a period that comes by itself",
        _mart(privacy_release_period="month"),
        "budget_changed!",
        "budget_changed",
        "is drawn again more often. Was `once`, is `month`, epsilon 1 each month.",
    ),
    _release(
        "a period that ends when data changes",
        _mart(privacy_refresh="on_change"),
        "budget_changed!",
        "budget_changed",
        "epsilon 1 at each change of the data",
    ),
    _release(
        "a shorter period",
        _mart(privacy_release_period="day"),
        "budget_changed!",
        "budget_changed",
        "is drawn again more often",
        first=lambda one: (released(one), one.meta("people", privacy_release_period="month")),
    ),
    _release(
        "a clock in place of changes",
        _mart(privacy_refresh=None, privacy_release_period="month"),
        "budget_changed!",
        "budget_changed!",
        "is drawn again at other times",
        first=lambda one: (released(one), one.meta("people", privacy_refresh="on_change")),
    ),
    _release(
        "an increment",
        _mart(privacy_increment="day"),
        "budget_changed!",
        "budget_changed",
        "each `day` of mart `people` is a release of its own. Was epsilon 1, is epsilon 1 for each"
        " `day`.",
    ),
    _release(
        "a unit within a day",
        _mart(privacy_unit_within="day"),
        "promise_changed!",
        "promise_changed",
        "protects less of a unit. Was the whole unit, is a unit within a `day`.",
    ),
    _release(
        "public partitions that were private",
        _mart(public_partitions=PUBLIC, delta=None),
        "promise_changed!",
        "promise_changed!",
        "decided otherwise. Was private partitions, is a public list.",
        first=private,
    ),
    _release(
        "a public relation",
        _relation,
        "promise_changed!",
        "promise_changed!",
        "is the rows of a public relation",
    ),
    _release(
        "a longer public list",
        _mart(public_partitions={**PUBLIC, "city": ["Zq9-east", *PUBLIC["city"]]}),
        "promise_changed",
        "promise_changed",
        "the public list of `city` in mart `people` changed. Was 2 values, is 3 values.",
    ),
    _release(
        "cells named from fewer units on",
        _mart(pre_threshold=None),
        "threshold_changed!",
        "threshold_changed",
        "are named from fewer units on. Was 20, is 1.",
        first=lambda one: (private(one), one.meta("people", pre_threshold=20)),
    ),
    _release(
        "tighter bounds on contributions",
        _mart(max_partitions_contributed=2),
        "promise_changed",
        "promise_changed",
        "`max_partitions_contributed` of mart `people` changed: other numbers, the same promise."
        " Was 4, is 2.",
    ),
    _release(
        "wider bounds on values",
        _meta("people", "income_mean", upper=900),
        "promise_changed",
        "promise_changed",
        "`clamp` of column `income_mean` of mart `people` changed: other noise, the same promise.",
    ),
    _release(
        "another column behind a metric",
        _meta("people", "income_mean", metric_column="age"),
        "promise_changed!",
        "promise_changed!",
        "measures another column. Was `income`, is `age`.",
    ),
    _release(
        "another metric",
        _meta("people", "income_mean", metric="sum"),
        "promise_changed!",
        "promise_changed!",
        "measures otherwise. Was `mean`, is `sum`.",
    ),
    _release(
        "bounds taken out",
        _mart(max_partitions_contributed=None),
        "promise_changed!",
        "budget_changed!",
        "what mart `people` promises cannot be read",
    ),
    _release(
        "suppressed cells that become noisy",
        released,
        "budget_changed!",
        "promise_changed!",
        "mart `people` is charged to a budget. Epsilon 1, of the budget `people`.",
        first=None,
    ),
    _release(
        "another budget that pays",
        lambda one: (
            one.variables["veil:budgets"].update(others=dict(BUDGET)),
            one.meta("people", privacy_budget="others"),
        ),
        "budget_changed!",
        "budget_changed!",
        "mart `people` is paid by another budget. Was `people`, is `others`.",
    ),
    # -- budgets
    _release(
        "a raised limit",
        _budget(epsilon=4),
        "budget_changed!",
        "budget_changed",
        "the epsilon of the budget `people` is higher. Was 3, is 4.",
    ),
    _release(
        "a raised delta",
        _budget(delta="1e-5"),
        "budget_changed!",
        "budget_changed",
        "the delta of the budget `people` is higher",
    ),
    _release(
        "a limit in another measure",
        _budget(epsilon=None, rho=2),
        "budget_changed!",
        "budget_changed!",
        "Was epsilon 3 and delta 0.000001 for each `person`, over a lifetime, is rho 2",
    ),
    _release(
        "another unit of a budget",
        _budget(unit="visit"),
        "budget_changed!",
        "budget_changed!",
        "counts another unit",
    ),
    _release(
        "a window that renews",
        _budget(window="month"),
        "budget_changed!",
        "budget_changed",
        "renews sooner. Was over a lifetime, is renewed each month.",
    ),
    _release(
        "a budget of person-days",
        _budget(within="day"),
        "budget_changed!",
        "budget_changed",
        "counts less of a unit: the dearest `day` of a series",
    ),
    _release(
        "a budget beside another",
        _budget(beside=True),
        "budget_changed!",
        "budget_changed",
        "may stand beside another unit's budget",
    ),
    _release(
        "fewer sources of a budget",
        _budget(sources=["seed_people"]),
        "budget_changed!",
        "budget_changed",
        "no longer counts what is released of `seed.demo.seed_cities`",
        first=lambda one: (
            released(one),
            _budget(sources=["seed_people", "seed_cities"])(one),
        ),
    ),
    _release(
        "a second budget",
        _second_budget,
        "budget_changed!",
        "budget_changed!",
        "the budget `visits` is new. Rho 1 for each `visit`, renewed each month.",
    ),
    _release(
        "a budget that cannot be read",
        _budget(epsilon=None),
        "budget_changed!",
        "budget_changed!",
        "the budget `people` cannot be read",
    ),
]
