"""Errors of the database: kind, place and way out are shown, values never."""

from __future__ import annotations

import duckdb
import pytest

from harness import DbtProject
from veil.warehouse.messages import remember, safe_message

VALUE = "ann.lee@clinic"
SHOWN = {
    "select cast(a as integer) from people": "cannot be cast to INT32 from the column a",
    "select cast(a as date) from people": "cannot be cast",
    "select strptime(a, '%Y') from people": "failed on a value",
    "select error(a) from people": "failed on a value",
    "select cast(a || ' to INT32 when casting from source column ' || a as integer) from people": (
        "cannot be cast"
    ),
    "insert into keyed select * from (select a from people union all select a from people)": (
        "a row breaks a constraint"
    ),
    "insert into filled select null": "NOT NULL constraint failed: filled.a",
    "insert into short select a from people": "CHECK constraint failed on table short",
    "select struct_extract({'k': cast(a as integer)}, 'k') from people": "cannot be cast",
    "select cast(len(a) * 1000 as tinyint) from people": "cannot be cast",
    "select 9223372036854775807 + len(a)::bigint from people": "failed on a value",
    "select a from nowhere": "Table with name nowhere does not exist",
    "select nope(a) from people": "name nope does not exist",
    "select a frm people": "syntax error",
}


@pytest.mark.parametrize("sql", SHOWN)
def test_message_says_what_and_where_and_no_value(sql: str) -> None:
    """Whatever fails, the text of the person is not in what is shown."""
    with duckdb.connect() as conn:
        conn.execute(f"create table people as select '{VALUE}' as a")
        conn.execute("create table keyed (a varchar primary key)")
        conn.execute("create table filled (a varchar not null)")
        conn.execute("create table short (a varchar check (length(a) < 3))")
        with pytest.raises(duckdb.Error) as failed:
            conn.execute(sql).fetchall()
    shown = safe_message(failed.value)

    assert SHOWN[sql] in shown
    assert VALUE not in shown


def test_own_errors_pass_and_cannot_be_forged() -> None:
    """A text that veil raised itself is shown whole; one that only looks like it is not."""
    problem = remember("no key for the domain `person`.")
    own = duckdb.InvalidInputException(f"Invalid Input Error: Python exception: {problem}")
    forged = duckdb.InvalidInputException(f"Invalid Input Error: VeilError: no key for {VALUE}")

    assert safe_message(own) == f"veil: {problem}"
    assert VALUE not in safe_message(forged)


def test_text_of_the_statement_itself_is_shown() -> None:
    """What `veil.typed` says stands in the SQL; the same made of a value does not."""
    problem = "veil: model `raw` column `born` holds a value that is no `date`."
    error = duckdb.InvalidInputException(f"Invalid Input Error: {problem}")

    assert safe_message(error, f"select error('{problem}')") == problem
    assert "born" not in safe_message(error, "select error('veil: model ' || a)")


@pytest.mark.project
@pytest.mark.parametrize(
    "sql",
    [
        "select cast(ssn as integer) as ssn from {{ ref('seed_social_security') }}",
        "select strptime(ssn, '%Y') as ssn from {{ ref('seed_social_security') }}",
    ],
)
def test_failing_cast_of_a_model_prints_no_value(project: DbtProject, sql: str) -> None:
    """A plain cast in a raw model stops the build; console, log and results hold no value."""
    ssns = {ssn for (ssn,) in project.rows("select ssn from identified.main.seed_social_security")}
    project.write("models/raw/raw_cast.sql", sql)
    project.write(
        "models/raw/_raw_cast.yml",
        "models:\n  - name: raw_cast\n    columns:\n      - name: ssn\n        config:\n"
        "          meta: {privacy_class: direct_identifier, privacy_type: ssn}\n",
    )
    outcome = project.dbt("run", "--select", "raw_cast")
    texts = [outcome.text]
    texts += [path.read_text() for path in (project.root / "logs").iterdir()]
    texts += [(project.root / "target" / "run_results.json").read_text()]

    assert not outcome.ok
    assert "is not shown" in outcome.messages["model.veil.raw_cast"]
    assert not [ssn for ssn in ssns if any(ssn in text for text in texts)]
