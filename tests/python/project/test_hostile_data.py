"""The demo's own models over data that nobody asked for: empty, single, odd, and very long."""

from __future__ import annotations

import csv
import io

import pytest

from harness import DbtProject

pytestmark = pytest.mark.project

ODD = {
    "empty text": "",
    "emoji": "👩‍👩‍👧‍👦",
    "right to left": "שלום\u202etxt.exe",
    "injection": "'; drop table seed_w2; --",
    "quotes and line break": 'a "b"\n\tc',
    "combining": "Zoe\u0301",
}
SEEDS = ("census", "w2", "social_security", "wic")


def header(project: DbtProject, name: str) -> list[str]:
    with (project.root / "seeds" / f"seed_{name}.csv").open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def rows_of(project: DbtProject, name: str) -> list[list[str]]:
    with (project.root / "seeds" / f"seed_{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def rewrite(project: DbtProject, name: str, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header(project, name), *rows])
    project.write(f"seeds/seed_{name}.csv", text.getvalue())


def test_empty_seeds_build(project: DbtProject) -> None:
    """Seeds with a header and no row give empty marts, gated and published."""
    for name in SEEDS:
        rewrite(project, name, [])

    outcome = project.dbt("build")

    assert outcome.ok, outcome.text
    with project.published() as conn:
        for (table,) in conn.execute("select table_name from duckdb_tables()").fetchall():
            assert conn.execute(f"select count(*) from {table}").fetchall() == [(0,)]


def test_seeds_of_one_row_show_no_cell(project: DbtProject) -> None:
    """With one person in each seed no cell of any mart is shown."""
    for name in SEEDS:
        rewrite(project, name, rows_of(project, name)[:1])

    outcome = project.dbt("build")

    assert outcome.ok, outcome.text
    with project.published() as conn:
        for (table,) in conn.execute("select table_name from duckdb_tables()").fetchall():
            assert conn.execute(f"select count(people_count) from {table}").fetchall() == [(0,)]


def test_duplicates_do_not_make_a_cell_larger(project: DbtProject) -> None:
    """Every row thirty times over changes no published number: people are counted, not rows."""
    path = project.root / "published" / "research" / "population_pyramid.parquet"
    before = path.read_bytes()
    rewrite(project, "census", rows_of(project, "census") * 30)

    assert project.dbt("build").ok
    again = project.root / "published" / "research" / "population_pyramid.parquet"
    assert again.read_bytes() == before


@pytest.mark.parametrize("name", ODD)
def test_odd_identifiers_build_and_are_not_printed(project: DbtProject, name: str) -> None:
    """An odd text as SSN, register number and name: no crash, and nowhere in the messages."""
    odd = ODD[name]
    for seed in ("w2", "social_security"):
        columns = header(project, seed)
        rows = rows_of(project, seed)
        for row in rows[:3]:
            for column in ("ssn", "first_name", "simulant_id"):
                row[columns.index(column)] = odd
        rewrite(project, seed, rows)

    outcome = project.dbt("build")

    # An empty text in a CSV file is NULL, and a person without a number is refused by `not_null`.
    assert outcome.ok or name == "empty text", outcome.text
    assert len(odd) < 5 or odd not in outcome.text


def test_very_long_identifier_builds(project: DbtProject) -> None:
    """A text of 1 MB as a register number becomes a pseudonym like any other."""
    columns = header(project, "wic")
    rows = rows_of(project, "wic")
    rows[0][columns.index("simulant_id")] = "x" * 1_000_000
    rewrite(project, "wic", rows)

    outcome = project.dbt("build", "--select", "seed_wic+")

    assert outcome.ok, outcome.text[-2000:]
    lengths = project.rows("select distinct length(person_key) from pseudonymized.main.psn_wic")
    assert lengths == [(len("p1_k1234567_") + 32,)]


def test_odd_dates_build(project: DbtProject) -> None:
    """Dates before 1900 and after 9999, and leap days, pass through every layer."""
    columns = header(project, "social_security")
    rows = rows_of(project, "social_security")
    dates = ("1066-10-14", "0001-01-01", "12345-06-07", "2000-02-29", "0044-03-15 (BC)")
    for row, date in zip(rows, dates, strict=False):
        row[columns.index("date_of_birth")] = date
        row[columns.index("event_date")] = date
    rewrite(project, "social_security", rows)

    outcome = project.dbt("build", "--select", "seed_social_security+")

    assert outcome.ok, outcome.text[-2000:]
    assert project.rows("select count(*) from pseudonymized.main.psn_social_security") == [
        (len(rows),)
    ]


def test_missing_person_is_refused_without_a_value(project: DbtProject) -> None:
    """A row without a register number fails its `not_null` test; no other column is printed."""
    columns = header(project, "w2")
    rows = rows_of(project, "w2")
    rows[0][columns.index("simulant_id")] = ""
    rewrite(project, "w2", rows)

    outcome = project.dbt("build")

    assert not outcome.ok
    assert rows[0][columns.index("ssn")] not in outcome.text
