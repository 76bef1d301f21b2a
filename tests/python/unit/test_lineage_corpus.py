"""The two corpora: what leaks is refused and says why, what is safe passes without a waiver."""

from __future__ import annotations

import re
from collections import Counter

import duckdb
import pytest

import lineage_corpus as corpus
import lineage_data as data
from veil.lineage import Analysis, Refusal, Rule, analyse

LEAKY, CLEAN = corpus.cases("leaky"), corpus.cases("clean")
LITERAL = re.compile(r"'(?:[^']|'')+'")
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
TEXT_CANARY, NUMBER_CANARY = "Zq9.Canary", "918273645"
NO_QUERY = {"other_statement", "unparseable"}


def run(case: corpus.Case, *, off: frozenset[Rule] = frozenset()) -> Analysis:
    return analyse(case.sql, corpus.relations(), case.model, off=off)


def expected(case: corpus.Case, refusals: tuple[Refusal, ...]) -> list[Refusal]:
    """The refusals that the header of a file asks for."""
    column = case.header.get("column", "")
    return [one for one in refusals if one.rule is case.rule and one.column == column]


def test_corpus_is_as_large_as_promised():
    """At least 120 leaky models, 30 mechanisms of four shapes each, and 80 clean models."""
    shapes = Counter(case.header["mechanism"] for case in LEAKY)
    whole = [mechanism for mechanism, count in shapes.items() if count >= 4]

    assert len(LEAKY) >= 120
    assert len(whole) >= 30
    assert len(CLEAN) >= 80


def test_every_rule_but_that_of_waivers_has_a_leak_that_it_alone_stops():
    """No rule is there for nothing."""
    assert {case.rule for case in LEAKY} == set(Rule) - {Rule.WAIVER}


@pytest.mark.parametrize("case", LEAKY, ids=lambda case: case.path.stem)
def test_leaky_model_is_refused_by_rule_column_and_path(case: corpus.Case):
    """Each leak is refused for its own reason, with the column and the path in its header."""
    found = expected(case, run(case).refusals)

    assert found
    assert any(one.path == case.header.get("path", "") for one in found)


@pytest.mark.parametrize("case", LEAKY, ids=lambda case: case.path.stem)
def test_leak_passes_without_its_rule_and_not_without_the_others(case: corpus.Case):
    """The rule bears load: with it off (and those that see the model too) the leak gets through."""
    without = run(case, off=case.also | {case.rule})
    only = run(case, off=case.also - {case.rule})

    assert not without.refusals
    assert expected(case, only.refusals)


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: case.path.stem)
def test_clean_model_passes(case: corpus.Case):
    """What analysts write every day is not refused."""
    assert not run(case).refusals


def test_no_message_carries_a_literal_of_the_sql():
    """A literal may be a person's value: not one of them comes out, in whatever place it stands."""
    told = []
    for case in LEAKY:
        sql = NUMBER.sub(NUMBER_CANARY, LITERAL.sub(f"'{TEXT_CANARY}'", case.sql))
        for refusal in analyse(sql, corpus.relations(), case.model).refusals:
            words = f"{refusal.message} {refusal!r}"
            if TEXT_CANARY in words or NUMBER_CANARY in words:
                told.append(case.path.name)

    assert not told


def test_messages_are_one_line_that_names_model_and_way_out():
    """A refusal can be read at 5 pm."""
    for case in LEAKY:
        for refusal in run(case).refusals:
            assert "\n" not in refusal.message
            assert refusal.message.startswith(f"model `{case.path.stem}`")
            assert f"Ways out: {refusal.remedy}" in refusal.message


def test_leaky_models_are_real_sql():
    """DuckDB itself can plan them; a header says so where it cannot, and not otherwise."""
    wrong = []
    with data.database(people=20) as conn:
        for case in LEAKY:
            if case.header["mechanism"] in NO_QUERY or case.header.get("runs") == "no":
                continue
            try:
                conn.execute(f"explain {case.sql}")
            except duckdb.InvalidInputException:
                continue  # `error()` of a constant, `$1` without a value
            except duckdb.Error:
                wrong.append(case.path.name)

    assert not wrong
