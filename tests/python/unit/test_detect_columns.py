"""Verdicts on whole columns: how many are found, how many are wrong, and what is odd."""

from __future__ import annotations

from functools import cache

import pytest

from detect_corpus import OTHERS, PERSONAL, values
from veil.detect import (
    ColumnSample,
    TableSample,
    Target,
    Verdict,
    compare,
    judge,
    judge_table,
    refuse_values_as_names,
)
from veil.detect.targets import Place
from veil.detect.verdict import CERTAIN
from veil.errors import VeilError
from veil.findings import Level


@cache
def verdict(label: str, count: int) -> Verdict:
    draw = PERSONAL[label][1] if label in PERSONAL else OTHERS[label]
    return judge(ColumnSample.of("x", values(draw, count, seed=1)))


def is_identifier(found: Verdict) -> bool:
    return found.confidence >= CERTAIN and found.privacy_class == "direct_identifier"


@pytest.mark.parametrize("label", PERSONAL)
def test_identifiers_are_found_without_a_name(label: str) -> None:
    """In 200 values every kind is found with certainty: recall 22 of 22 columns."""
    found = verdict(label, 200)

    assert (found.privacy_type, is_identifier(found)) == (PERSONAL[label][0], True)
    assert found.hits
    assert "name" not in found.why


@pytest.mark.parametrize("label", OTHERS)
def test_other_columns_are_let_be(label: str) -> None:
    """In 200 values nothing else passes for an identifier: precision 22 of 22 columns."""
    assert not is_identifier(verdict(label, 200))


@pytest.mark.parametrize(("count", "recall"), [(3, 0.6), (10, 0.8)])
def test_fewer_values_give_fewer_verdicts_and_no_wrong_ones(count: int, recall: float) -> None:
    """Of small columns some are missed (measured: 70 % found of 3 values, 88 % of 10)."""
    right = [label for label, (kind, _) in PERSONAL.items() if kind_of(label, count) == kind]
    wrong = [label for label in OTHERS if is_identifier(verdict(label, count))]

    assert len(right) / len(PERSONAL) >= recall
    assert wrong == []


def kind_of(label: str, count: int) -> str:
    found = verdict(label, count)
    return found.privacy_type if is_identifier(found) else ""


@pytest.mark.parametrize("label", ["ssn", "e-mail", "iban", "mac"])
def test_a_single_row_is_enough_for_what_no_accident_writes(label: str) -> None:
    """One e-mail address, one bank account: found."""
    assert kind_of(label, 1) == PERSONAL[label][0]


def test_name_and_values_together_are_surer_than_each() -> None:
    """Nine digits alone are nothing; under the name `ssn` they are one."""
    numbers = values(OTHERS["9 digits"], 200, seed=2)

    assert judge(ColumnSample.of("ssn", numbers)).confidence >= 0.95
    assert judge(ColumnSample.of("x", numbers)).privacy_type == "number"


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("email", ["yes", "no"] * 20),
        ("phone", ["home", "work", "none"] * 40),
        ("last_name", ["[redacted]"] * 30),
        ("ip_address", ["10.0.0.0/24", "10.0.1.0/24"] * 20),
        ("ssn", [f"p1_k1_{'a' * 31}{sign}" for sign in "abcdefghijklmnopqrstuvwxyz"]),
    ],
)
def test_values_can_contradict_a_name(name: str, cells: list[str | None]) -> None:
    """A flag called `email`, a redacted name and a pseudonym are no identifiers."""
    assert not is_identifier(judge(ColumnSample.of(name, cells)))
    assert judge(ColumnSample.of(name, cells)).privacy_class != "direct_identifier"


@pytest.mark.parametrize(
    ("label", "least"), [("ssn", 1), ("iban", 3), ("card, grouped", 30), ("e-mail", 40)]
)
def test_a_few_identifiers_among_other_texts_are_found(label: str, least: int) -> None:
    """So many of 5,000 notes with an identifier inside make the column one of free text."""
    notes: list[str | None] = [f"the order of day {n} was late" for n in range(5000)]
    for at, value in enumerate(values(PERSONAL[label][1], least, seed=4)):
        notes[at * 100] = f"call about {value} please"
    found = judge(ColumnSample.of("note", notes))
    without = judge(ColumnSample.of("remark_code", notes[1:99]))

    assert (found.privacy_type, is_identifier(found)) == ("free_text", True)
    assert not is_identifier(without)


def test_mixed_column_is_judged_by_what_is_worst_in_it() -> None:
    """Twenty cards among 2,000 words: a direct identifier, whatever the rest."""
    cells = values(OTHERS["part number 2"], 2000, seed=5)
    cells[:20] = values(PERSONAL["card"][1], 20, seed=5)

    found = judge(ColumnSample.of("reference", cells))

    assert (found.privacy_type, is_identifier(found)) == ("credit_card", True)


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [None, None],
        ["", "  "],
        ["\x00\xff" * 50],
        ["x" * 100_000],
        [bytes(range(256)).decode("latin-1")],
        ["{}", "[]", "null"],
        ["0"],
        ["-1e400", "nan", "inf"],
    ],
)
@pytest.mark.parametrize("name", ["x", "ssn", "age", "", "date_of_birth", "latitude"])
def test_odd_columns_get_a_verdict_and_no_certainty(name: str, cells: list[str | None]) -> None:
    """Empty, constant, huge and broken columns break nothing and prove nothing."""
    found = judge(ColumnSample.of(name, cells))

    assert found.column == name
    assert found.confidence < CERTAIN


def test_list_without_people_is_no_personal_data() -> None:
    """The same column `age` is public in a hierarchy, and is not beside a name."""
    ages = ColumnSample.of("age", [str(n) for n in range(100)])
    bands = ColumnSample.of("age_band", [str(n // 10) for n in range(100)])
    names = ColumnSample.of("surname", values(PERSONAL["given name"][1], 100, seed=3))
    lonely = judge_table(TableSample("hierarchy", (ages, bands)))
    peopled = judge_table(TableSample("people", (ages, names)))

    assert {one.privacy_class for one in lonely} == {"non_sensitive"}
    assert peopled[0].privacy_class == "quasi_identifier"


def _target(declared: str, *, is_masked: bool = False) -> Target:
    return Target("t", "seed", Place(), classes={"x": declared}, is_masked=is_masked)


@pytest.mark.parametrize(
    ("declared", "level"),
    [
        ("non_sensitive", Level.ERROR),
        ("quasi_identifier", Level.ERROR),
        ("sensitive", Level.ERROR),
        ("direct_identifier", None),
        ("no such class", Level.ERROR),
    ],
)
def test_class_lower_than_the_content_is_an_error(declared: str, level: Level | None) -> None:
    """Any class below that of an e-mail address, and a class that is none."""
    found = compare(_target(declared), [verdict("e-mail", 200)])

    assert [one.level for one in found] == ([level] if level else [])


def test_guess_is_no_finding() -> None:
    """A column of which nothing is known is nobody's fault."""
    assert compare(_target("non_sensitive"), [verdict("word", 200)]) == []


def test_identifier_in_masked_output_is_an_error_by_its_values_alone() -> None:
    """A name alone is none: a masked e-mail address stands in a column `email`."""
    masked: list[str | None] = [f"{n}***@***" for n in range(100)]
    said = judge(ColumnSample.of("street_address", masked))

    assert [one.rule for one in compare(_target("", is_masked=True), [verdict("e-mail", 200)])] == [
        "identifier_in_masked_output"
    ]
    assert said.privacy_class == "direct_identifier"
    assert compare(_target("", is_masked=True), [said]) == []


def test_same_values_give_the_same_verdict() -> None:
    """The random texts behind a chance are the same at every run."""
    column = ColumnSample.of("x", values(PERSONAL["phone, US"][1], 200, seed=6))

    assert judge(column) == judge(column)


@pytest.mark.parametrize("label", PERSONAL)
def test_no_verdict_and_no_finding_holds_a_value(label: str) -> None:
    """Neither in words nor in a representation."""
    cells = values(PERSONAL[label][1], 50, seed=7)
    found = judge(ColumnSample.of("x", cells))
    said = repr(found) + "".join(map(repr, compare(_target("non_sensitive"), [found])))

    assert said
    assert [cell for cell in cells if cell and cell in said] == []


@pytest.mark.parametrize(
    "name", ["123-45-6789", "anna@example.org", "1961-01-29", "42", "+12125550123"]
)
def test_file_without_a_header_is_refused_unnamed(name: str) -> None:
    """Its first row would be printed as column names."""
    with pytest.raises(VeilError, match="no header") as caught:
        refuse_values_as_names("t", ["a", name])

    assert name not in str(caught.value)


def test_header_is_accepted() -> None:
    """Names of columns are not values."""
    names = ["id", "First Name", "2nd_line", "e-mail", "April", "may", ""]

    assert refuse_values_as_names("t", names) is None  # type: ignore[func-returns-value]
