"""What holds for every mask of the catalogue, whatever the value."""

from __future__ import annotations

import duckdb
import pytest

from mask_cases import CASES, RAW, Masks, hostile
from veil.errors import VeilError
from veil.warehouse.functions import register_functions

pytestmark = pytest.mark.project


def _catalogue(masks: Masks) -> set[str]:
    sql = (masks.project.root / "macros" / "masking" / "_mask_catalogue.sql").read_text()
    body = sql.split("{%- set catalogue -%}")[1].split("{%- endset -%}")[0]
    return {line[:-1] for line in body.splitlines() if line and not line.startswith(" ")}


def test_every_mask_of_the_catalogue_has_a_case(masks: Masks) -> None:
    """A mask that is added without a test fails here; `drop` leaves nothing to run."""
    assert {case.mask for case in CASES.values()} == _catalogue(masks) - {"drop"}


@pytest.mark.parametrize("name", CASES)
def test_null_stays_null_and_nothing_else_becomes_so(masks: Masks, name: str) -> None:
    """NULL in, NULL out; the plainest value of each type is not NULL, the empty text included."""
    kind = RAW[CASES[name].source][0]
    plain = "" if kind == "varchar" else "2020-02-29" if kind[:4] in ("date", "time") else "1"

    assert masks.run(name, [None, plain, None])[::2] == [None, None]
    assert masks.run(name, [plain]) != [None]


@pytest.mark.parametrize("name", CASES)
def test_the_result_has_the_promised_type(masks: Masks, name: str) -> None:
    """A mask's type is known before it runs: a contract can be written for it."""
    promised = {"timestamptz": "timestamp with time zone", "real": "float"}

    assert masks.result_type(name) == promised.get(CASES[name].result, CASES[name].result)


@pytest.mark.parametrize("name", CASES)
def test_hostile_values_neither_crash_nor_change_the_number_of_rows(
    masks: Masks, name: str
) -> None:
    """The worst values of each type, twice, and none, and one, pass through every mask."""
    values = hostile(CASES[name].source)
    together = masks.run(name, values)

    assert masks.run(name, []) == []
    assert together[0] is None
    if CASES[name].mask != "email_domain":
        assert [masks.run(name, [value])[0] for value in values] == together


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.mask == "constant"])
def test_a_constant_is_a_literal_even_where_it_looks_like_sql(masks: Masks, name: str) -> None:
    """Quotes in the YAML stay inside the text; nothing of the value is left."""
    plain = hostile(CASES[name].source)[1]

    assert masks.run(name, [plain, None]) == ["x'; drop table raw_kinds; --", None]


def test_redact_leaves_only_the_fact_that_there_was_a_text(masks: Masks) -> None:
    """Every text, of whatever length, becomes the same mark."""
    values = hostile("note")[1:]

    assert set(masks.run("redact", values)) == {"[redacted]"}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.mask == "keep"])
def test_keep_changes_nothing(masks: Masks, name: str) -> None:
    """What is kept is the value itself."""
    source = CASES[name].source
    values = hostile(source)
    kind = RAW[source][0]
    plain = masks.conn.execute(
        f"select list(cast(cast(v as {kind}) as varchar)) from (select unnest(?::varchar[]) as v)",
        [values],
    ).fetchall()[0][0]

    assert masks.run(name, values) == plain


class _BrokenKeyring:
    """A keyring whose key cannot be had."""

    def subkey(self, *_: object, **__: object) -> tuple[str, bytes]:
        raise VeilError("the key is disabled.", remedy="Enable it.")


@pytest.mark.parametrize("name", ["pseudonym_text", "shift_day", "shift_at", "noise_real"])
def test_a_missing_key_stops_the_build_instead_of_giving_null(masks: Masks, name: str) -> None:
    """Keyed masks fail closed, without a value in the error; `try()` would hide it."""
    value = "secret-1234" if CASES[name].source == "person" else "8675309"
    value = "2020-02-29" if name.startswith("shift") else value
    masks.run(name, [value], ["secret-1234"])
    with duckdb.connect() as conn:
        register_functions(conn, _BrokenKeyring())  # type: ignore[arg-type]
        table = masks.conn.execute("select * from raw_kinds").to_arrow_table()
        conn.register("raw_kinds", table)
        with pytest.raises(duckdb.Error, match="the key is disabled") as caught:
            conn.execute(masks.sql[name]).fetchall()

    assert "secret-1234" not in str(caught.value)
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "value", "naive", "shown"),
    [
        ("tiny", "119", "tiny - tiny % 50 + 49", "100 + 49"),
        ("huge", str(2**127 - 1), "huge < 2.5", str(2**127 - 1)),
        ("huge", str(-(2**127)), "huge - 5", str(2**127)),
        ("wide", "9" * 36, "trunc(wide) * 1000", "9" * 36),
    ],
)
def test_the_naive_form_of_a_mask_would_print_the_value(
    masks: Masks, source: str, value: str, naive: str, shown: str
) -> None:
    """The twin: plain arithmetic or comparison stops with DuckDB's own error, value included."""
    masks.conn.execute(
        "create or replace temp table naive as"
        f" select cast('{value}' as {RAW[source][0]}) as {source}"
    )
    with pytest.raises(duckdb.Error) as caught:
        masks.conn.execute(f"select {naive} from naive").fetchall()

    assert shown in str(caught.value)
