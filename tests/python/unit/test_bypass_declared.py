"""What tests, fixtures, meta, variables and sources declare: no personal value, no kept row."""

# ruff: noqa: E501 - a case stands on one line.

from __future__ import annotations

from typing import Any

import pytest
from bypass_support import check, node, others, rules

from veil.bypass.literals import personal_kind

LITERAL = {"personal_literal"}
# Made up for these tests; the shapes and check digits are real.
EMAIL, SSN, CARD, IBAN = (
    "ada@lovelace.org",
    "219-09-9999",
    "4539 1488 0343 6467",
    "DE44500105175407324931",
)
PERSONAL: dict[str, list[object]] = {
    "an e-mail address": [EMAIL, "email != 'Ada.L+x@mail.lovelace.co.uk'", "mailto:ada@l-l.io"],
    "a social security number": [SSN, "219 09 9999", "ssn is 123-45-6789."],
    "a card number": [CARD, "4539148803436467", "378734493671000", 4539148803436467],
    "a bank account number": [IBAN, "DE44 5001 0517 5407 3249 31", "iban=GB33BUKB20201555555555"],
    "a telephone number": ["+49 30 901820", "(415) 867-5309", "415.867.5309", "+1-415-867-5309"],
    "an IP address": ["8.8.8.8", "from 93.184.216.34 today", "2606:2800:220:1:248:1893:25c8:1946"],
}
MADE_UP = [
    "a@example.com", "a@b.example.net", "a@b.test", "a@localhost.localhost", "a@x.invalid",
    "000-12-3456", "666-12-3456", "900-12-3456", "219-00-9999", "219-09-0000",
    "4242 4242 4242 4242", "4111111111111111", "4539 1488 0343 6468", "GB82 WEST 1234 5698 7654 32",
    "DE44500105175407324932", "212-555-0100", "(212) 555-0199", "+1 212 555 0123", "+44 7700 900123",
    "192.0.2.1", "198.51.100.7", "203.0.113.9", "127.0.0.1", "192.168.1.4", "2001:db8:0:0::1",
    "2024-01-31", "2024-01-31 12:30:45", "12:30:45", "open", "", "count(*) > 10", 123456789, 3.14,
    True, None, "1.2.3", "a::varchar", "{{ ref('x') }}", "800-911", "10-20", 1700000000000,
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, one) for kind, found in PERSONAL.items() for one in found]
)
def test_personal_shape_is_known(kind: str, value: object) -> None:
    """Each kind, alone or inside a longer text."""
    assert personal_kind(value) == kind


@pytest.mark.parametrize("value", MADE_UP, ids=str)
def test_made_up_or_plain_value_passes(value: object) -> None:
    """What standards keep for examples, and what is no personal value at all."""
    assert personal_kind(value) is None


def test_nine_digits_are_an_ssn_under_its_name_alone() -> None:
    """A number of nine digits may be anything else."""
    assert personal_kind("219099999", key="ssn") == "a social security number"
    assert personal_kind(219099999, key="social_security_no") == "a social security number"
    assert personal_kind("919099999", key="ssn") is None
    assert personal_kind("219099999", key="amount") is None


def data_test(column: str = "id", **kwargs: Any) -> dict[str, Any]:
    """A generic test of `mart` with these arguments."""
    return node(
        "test",
        "accepted_values_mart_" + str(kwargs)[:20],
        raw_code="{{ test_accepted_values(**_dbt_generic_test_kwargs) }}",
        attached_node="model.shop.mart",
        column_name=column,
        test_metadata={"name": "accepted_values", "kwargs": kwargs},
    )


def unit_test(**more: Any) -> dict[str, Any]:
    """A unit test of `mart`."""
    return node("unit_test", "adds_up", depends_on={"nodes": ["model.shop.mart"]}, **more)


SHAPES = {
    "list": data_test(values=["x", EMAIL]),
    "nested": data_test(rules=[{"if": {"value": SSN}}]),
    "key": data_test(mapping={EMAIL: 1}),
    "expression": data_test(expression=f"email <> '{EMAIL}'"),
    "number": data_test(values=[4539148803436467]),
    "where": {**data_test(), "config": {"where": f"email = '{EMAIL}'"}},
    "test_meta": {**data_test(), "config": {"meta": {"sample": CARD}}},
    "given": unit_test(given=[{"rows": [{"email": EMAIL}]}]),
    "given_ssn": unit_test(given=[{"rows": [{"ssn": "219099999"}]}]),
    "given_csv": unit_test(given=[{"format": "csv", "rows": f"id,mail\n1,{EMAIL}"}]),
    "given_sql": unit_test(given=[{"format": "sql", "rows": f"select '{IBAN}' as iban"}]),
    "expected": unit_test(given=[], expect={"rows": [{"phone": "+49 30 901820"}]}),
    "override": unit_test(given=[], overrides={"vars": {"boss": EMAIL}}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_personal_literal_in_a_test_is_refused(name: str) -> None:
    """It would stand in git, the manifest, the docs site and the test's name."""
    found = check(nodes=[SHAPES[name]])

    assert rules(found) == LITERAL
    assert check(nodes=[SHAPES[name]], off=LITERAL) == []
    assert check(nodes=[SHAPES[name]], waive=LITERAL) == []


@pytest.mark.parametrize("name", SHAPES)
def test_the_message_says_which_key_and_never_the_value(name: str) -> None:
    """The finding itself goes into logs and pull requests."""
    text = " ".join(str(one) + one.path + one.column for one in check(nodes=[SHAPES[name]]))

    assert "has what looks like" in text
    for value in (EMAIL, SSN, CARD, IBAN, "219099999", "901820", "4539148803436467"):
        assert value not in text


METAS: dict[str, dict[str, Any]] = {
    "config": {"config": {"meta": {"example": EMAIL}}},
    "meta": {"meta": {"examples": [{"value": SSN}]}},
    "column": {"columns": {"a": {"name": "a", "meta": {"sample": CARD}}}},
    "column_config": {"columns": {"a": {"name": "a", "config": {"meta": {"sample": IBAN}}}}},
}


@pytest.mark.parametrize("name", METAS)
def test_personal_literal_in_meta_is_refused(name: str) -> None:
    """Meta is on the docs site; who answers for the data may be named there, nobody else."""
    assert rules(check(**METAS[name])) == LITERAL
    assert check(**METAS[name], off=LITERAL) == []


def test_personal_literal_in_a_variable_is_refused() -> None:
    """Variables land in the manifest, in compiled SQL and in the log."""
    found = check(variables={"boss": {"mail": EMAIL}})

    assert rules(found) == LITERAL
    assert EMAIL not in str(found[0])


@pytest.mark.parametrize("key", ["values", "value_set", "forbidden_values", "allowed"])
def test_values_of_a_direct_identifier_are_refused_whatever_they_are(key: str) -> None:
    """A list of identifiers is personal data, made up or not: nobody can tell."""
    one = {
        **data_test("EMAIL", **{key: ["a@example.com"]}),
        "attached_node": "model.shop.customers",
    }

    assert rules(check(nodes=[one])) == LITERAL
    assert check(nodes=[{**one, "attached_node": "model.shop.orders"}]) == []


STORED = {
    "store_failures": ({"store_failures": True}, "store_failures"),
    "as_table": ({"store_failures_as": "table"}, "store_failures"),
    "as_view": ({"store_failures": False, "store_failures_as": "view"}, "store_failures"),
    "maximum": ({"fail_calc": "max(ssn)"}, "fail_calc"),
    "cast": ({"fail_calc": "max(cast(replace(ssn, '-', '') as bigint))"}, "fail_calc"),
    "subquery": ({"fail_calc": "(select max(ssn) from x)"}, "fail_calc"),
    "sum_of_column": ({"fail_calc": "sum(salary)"}, "fail_calc"),
}


@pytest.mark.parametrize("name", STORED)
def test_failures_of_a_guarded_node_are_neither_kept_nor_printed(name: str) -> None:
    """Failing rows are rows; the number of failures is printed and logged."""
    config, rule = STORED[name]
    one = {**data_test(values=["x"]), "config": config}

    assert rules(check(nodes=[one])) == {rule}
    assert check(nodes=[one], off={rule}) == []
    assert check(nodes=[one], scoped=False) == []


def test_a_fixture_in_sql_reads_no_relation() -> None:
    """The rows of a unit test would otherwise be somebody's rows."""
    for rows in (
        "select * from identified.main.people",
        "select * from {{ ref('customers') }}",
        "select * from read_csv('people.csv')",
        "select 1; select 2",
    ):
        one = unit_test(given=[{"format": "sql", "rows": rows}])

        assert rules(check(nodes=[one])) == {"relation_by_string"}


def source(**more: Any) -> dict[str, Any]:
    """A source of the project."""
    return {**node("source", "s"), "source_name": "raw", **more}


SOURCES = {
    "query": source(relation_name="(select * from identified.main.people)"),
    "query_function": source(relation_name="query('from identified.main.people')"),
    "reader_of_text": source(relation_name="read_text('state/keyring.json')"),
    "two": source(relation_name="read_csv('a.csv'), identified.main.people"),
    "inner": source(relation_name="read_csv((select path from x))"),
    "built": source(
        relation_name='"shop"."main"."built"', database="SHOP", schema="main", identifier="built"
    ),
    "zone": source(
        relation_name='"identified"."x"."y"', database="identified", schema="x", identifier="y"
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_source_that_renames_what_is_inside_is_refused(name: str) -> None:
    """A source comes from outside: declared on a built table it would have a class of its own."""
    built = node("model", "b", database="shop", schema="main", alias="built")

    assert rules(check(nodes=[built, SOURCES[name]])) == {"relation_by_string"}


@pytest.mark.parametrize(
    "relation",
    ["'data/x.parquet'", "read_csv('data/x.csv', all_varchar = true)", '"memory"."raw"."x"', ""],
)
def test_source_from_outside_passes(relation: str) -> None:
    """Files, calls that read one, and tables of the run's own database."""
    assert check(nodes=[source(relation_name=relation, database="memory", schema="raw")]) == []


def test_a_broken_graph_is_no_way_out() -> None:
    """A test of a node that is not there is still judged."""
    one = {**data_test(values=[EMAIL]), "attached_node": "model.shop.gone"}

    assert rules(check(nodes=[one])) == LITERAL
    assert "model.shop.orders" in others()
