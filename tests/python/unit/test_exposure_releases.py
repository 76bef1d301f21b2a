"""A differential mart that is new, and how budgets and lists are told."""

from __future__ import annotations

import pytest
from exposure_release_cases import PUBLIC, incremental, private, released
from exposure_support import Scene, compared, scene

from veil.exposure import Change, Picture, Severity, compare
from veil.exposure.released import LISTED


def made(*edits: object) -> Scene:
    one = scene()
    for edit in edits:
        edit(one)  # type: ignore[operator]
    return one


def texts(found: list[Change], kind: str) -> list[str]:
    return [one.text for one in found if one.kind == kind]


def test_a_new_differential_mart_is_told_by_what_it_spends() -> None:
    """A reviewer reads loss, unit of account and budget, and no threshold of people."""
    said = [
        text
        for edit in (released, private, incremental)
        for text in texts(compare(Picture(), made(edit).picture()), "mart_new")
    ]

    assert [text.rpartition("`differential`, ")[2] for text in said] == [
        "epsilon 1, of the budget `people`.",
        "epsilon 1 and delta 0.000001, of the budget `people`.",
        "epsilon 1 for each `day`, of the budget `people`.",
    ]


def test_from_nothing_every_budget_is_new() -> None:
    """Beside an empty picture a reviewer sees every limit."""
    found = compare(Picture(), made(released).picture())

    assert texts(found, "budget_changed") == [
        "the budget `people` is new. Epsilon 3 and delta 0.000001 for each `person`, over a"
        " lifetime."
    ]


def test_a_mart_that_cannot_be_read_says_so_once() -> None:
    """A declaration that is not whole is no promise, whatever else stands in it."""
    broken = made(released, lambda one: one.meta("people", max_partitions_contributed=None))
    (said,) = texts(compare(Picture(), broken.picture()), "mart_new")

    assert said.endswith("`differential`, without a whole promise.")
    assert compared(broken, broken) == []


def test_a_threshold_says_nothing_of_a_noisy_mart() -> None:
    """The project's threshold is a change of its own; a differential mart does not follow it."""
    before, after = made(released), made(released)
    after.variables["veil:threshold"] = 5
    found = [one for one in compared(before, after) if one.kind == "threshold_changed"]

    assert [one.model for one in found] == [""]


def test_more_values_than_are_told_apart_still_differ() -> None:
    """A long list is told by its number, and a value exchanged in it by what is drawn anew."""
    many = [f"Zq9-{at}" for at in range(LISTED + 1)]

    def listing(cities: list[str]) -> Scene:
        public = {**PUBLIC, "city": cities}
        return made(released, lambda one: one.meta("people", public_partitions=public))

    found = compared(listing(many), listing([*many[1:], "Zq9-other"]))

    assert [one.kind for one in found] == ["promise_changed", "release_drawn"]
    assert {one.severity for one in found} == {Severity.NOTE}
    assert "Was 1,001 values, is 1,001 values." in found[0].text


@pytest.mark.parametrize("value", [None, "text", ["a"], {"people": 3}])
def test_budgets_that_are_none_are_drawn_too(value: object) -> None:
    """What `veil check` refuses does not end the comparison, and differs from what holds."""
    broken = made(released)
    broken.variables["veil:budgets"] = value

    assert Severity.LOOK in {one.severity for one in compared(made(released), broken)}
