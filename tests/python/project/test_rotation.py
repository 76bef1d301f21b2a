"""A pseudonym key rotated in the middle of everything: no published number changes."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness import DbtProject
from veil.cli.rekey import translate
from veil.errors import UsageError
from veil.findings import Level
from veil.keys import Keyring, Status, promote, rotate
from veil.state import change_keyring, load_keyring
from veil.warehouse import bridge
from veil.warehouse.rekey import rekey_stored
from veil.warehouse.stored_pseudonyms import permitted_kids

pytestmark = pytest.mark.project

JOINED = """
    select count(*), count(distinct person_key), count(distinct household_key)
    from pseudonymized.main.psn_census
    inner join pseudonymized.main.psn_wic using (person_key)
    inner join pseudonymized.main.psn_earnings using (person_key)
"""
YAML = "models/pseudonymized/_pseudonymized.yml"


def rotated(project: DbtProject, *, domain: str = "*", window: int | None = 30) -> tuple[str, str]:
    """Both steps of a rotation; the old key's id and the new one's."""
    ring = load_keyring(project.veil)
    old = ring.primary("pseudonym", domain).kid
    if ring.entry(old).domain == domain:
        new = rotate(ring, "pseudonym", domain).kid
    else:  # its first key of its own
        new = ring.add("pseudonym", domain).kid
    change_keyring(project.veil, ring, "key.added", kids=[new])
    promote(ring, new, window_days=window)
    change_keyring(project.veil, ring, "key.promoted", kids=[new])
    return old, new


def ended(project: DbtProject, kid: str, *statuses: Status) -> None:
    """Move a key on."""
    ring = load_keyring(project.veil)
    for status in statuses:
        ring.set_status(kid, status)
    change_keyring(project.veil, ring, "key.disabled", kids=[kid])


def published(project: DbtProject) -> dict[str, bytes]:
    folder = project.root / "published" / "research"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def kids(project: DbtProject, model: str, column: str = "person_key") -> set[str]:
    """The keys under which a model's pseudonyms stand."""
    sql = f"select distinct split_part({column}, '_', 2) from pseudonymized.main.{model}"
    return {kid for (kid,) in project.rows(sql) if kid is not None}


def rekeyed(project: DbtProject, **more: Any) -> list[Any]:
    """What the start of a build does."""
    with project.connect() as conn:
        return rekey_stored(conn, load_keyring(project.veil), project.graph(), **more)


def write_in_zone(project: DbtProject, *statements: str) -> None:
    with project.connect() as conn:
        for sql in statements:
            conn.execute(sql)


# in the middle of the window


@pytest.mark.parametrize("select", ["psn_census+", "psn_social_security+", "psn_wic"])
def test_partial_build_in_the_window_changes_no_number(project: DbtProject, select: str) -> None:
    """One model built under the new key, the others stale: every published file stays the same."""
    before, joined = published(project), project.rows(JOINED)
    _old, new = rotated(project)

    outcome = project.dbt("build", "--select", select)

    assert outcome.ok, outcome.text
    assert published(project) == before
    assert project.rows(JOINED) == joined
    assert kids(project, "psn_wic") == kids(project, "psn_earnings", "ssn_key") == {new}


def test_without_the_map_the_numbers_change(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: with nothing brought under the new key, people are lost from the joins."""
    before, joined = published(project), project.rows(JOINED)
    rotated(project)
    monkeypatch.setattr(bridge, "rekey_stored", lambda *_arguments, **_more: [])

    project.dbt("build", "--select", "psn_social_security+", "psn_census")

    assert project.rows(JOINED) != joined
    assert published(project) != before


def incremental(project: DbtProject) -> None:
    """Make `psn_wic` incremental: it adds to what stands there."""
    project.replace(
        YAML,
        "      meta: {privacy_drop: [sex]}\n",
        "      meta: {privacy_drop: [sex]}\n"
        "      materialized: incremental\n"
        "      incremental_strategy: delete+insert\n"
        "      on_schema_change: fail\n"
        "      unique_key: [person_key, enrolment_year]\n",
    )


def test_incremental_model_goes_on_under_the_new_key(project: DbtProject) -> None:
    """Its rows of before and the rows that come in are of the same people."""
    incremental(project)
    assert project.dbt("build", "--select", "psn_wic+").ok
    before, rows = (
        published(project),
        project.rows("select count(*) from pseudonymized.main.psn_wic"),
    )
    _old, new = rotated(project)

    outcome = project.dbt("build", "--select", "psn_wic+")

    assert outcome.ok, outcome.text
    assert project.rows("select count(*) from pseudonymized.main.psn_wic") == rows
    assert kids(project, "psn_wic") == {new}
    assert published(project) == before


def test_incremental_model_without_the_map_has_everybody_twice(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the one above."""
    incremental(project)
    rotated(project)
    ((before,),) = project.rows("select count(*) from pseudonymized.main.psn_wic")
    monkeypatch.setattr(bridge, "rekey_stored", lambda *_arguments, **_more: [])

    project.dbt("build", "--select", "psn_wic")

    assert project.rows("select count(*) from pseudonymized.main.psn_wic") == [(2 * before,)]


def test_two_rotations_in_one_window_lead_to_the_newest_key(project: DbtProject) -> None:
    """A pseudonym of the first key is led on to the third, by way of the second."""
    joined = project.rows(JOINED)
    first, _second = rotated(project)
    rekeyed(project)
    _second, third = rotated(project)

    assert rekeyed(project) == []
    assert project.rows(JOINED) == joined
    assert kids(project, "psn_earnings") == {third}
    ends = project.rows("select distinct split_part(new, '_', 2) from identified.veil.rekey")
    assert ends == [(third,)]
    assert project.rows(f"select 1 from identified.veil.rekey where old like 'p1_{first}%' limit 1")


def test_domain_that_gets_its_own_key_is_brought_under_it(project: DbtProject) -> None:
    """Its pseudonyms move, those of the other domains under the shared key stay."""
    joined = project.rows(JOINED)
    old, new = rotated(project, domain="person")

    assert rekeyed(project) == []
    assert project.rows(JOINED) == joined
    assert kids(project, "psn_census") == {new}
    assert kids(project, "psn_census", "household_key") == {old}


def test_what_keeps_pseudonyms_without_declaring_them_is_brought_along(
    project: DbtProject,
) -> None:
    """A table of another model: whole pseudonyms, several inside one text, and JSON."""
    write_in_zone(
        project,
        "create table marts.main.kept as select person_key as kept_key,"
        " person_key || '|' || household_key as pair, to_json([household_key]) as listed"
        " from pseudonymized.main.psn_census",
    )
    matching = """
        select count(*) from marts.main.kept as k
        inner join (select distinct person_key, household_key from pseudonymized.main.psn_census)
            as c on k.kept_key = c.person_key and k.pair = c.person_key || '|' || c.household_key
    """
    before = project.rows(matching)
    old, _new = rotated(project)

    assert rekeyed(project) == []
    assert before != [(0,)]
    assert project.rows(matching) == before
    for column in ("pair", "listed"):
        stale = f"select 1 from marts.main.kept where contains({column}::varchar, '{old}')"
        assert project.rows(stale) == []


def test_columns_keep_their_order_type_and_comment(project: DbtProject) -> None:
    """The table is changed in place."""
    table = "pseudonymized.main.psn_census"
    write_in_zone(project, f"comment on column {table}.person_key is 'kept'")
    shape = (
        "select column_name, data_type, is_nullable, comment from duckdb_columns()"
        " where database_name = 'pseudonymized' order by table_name, column_index"
    )
    before = project.rows(shape)
    rotated(project)
    rekeyed(project)

    assert ("person_key", "VARCHAR", True, "kept") in before
    assert project.rows(shape) == before


def test_nothing_is_read_where_no_key_was_rotated(project: DbtProject) -> None:
    """A keyring with one pseudonym key costs the build nothing: no zone is touched."""
    ring = load_keyring(project.veil)

    assert rekey_stored(None, ring, project.graph()) == []


# who is gone from the raw model


def test_pseudonym_whose_raw_row_is_gone_stays_and_is_reported(project: DbtProject) -> None:
    """It counts as a person still; the report names column and way out, no value, no number."""
    token = f"p1_{{}}_{'a' * 32}"
    old, _new = rotated(project)
    write_in_zone(
        project,
        "insert into pseudonymized.main.psn_wic by name"
        f" select '{token.format(old)}' as person_key, 2020 as enrolment_year",
    )
    ((people,),) = project.rows("select count(distinct person_key) from pseudonymized.main.psn_wic")

    (finding,) = rekeyed(project)

    assert (finding.level, finding.model, finding.column) == (
        Level.WARNING,
        "psn_wic",
        "person_key",
    )
    assert "--full-refresh --select psn_wic+" in finding.remedy
    assert "p1_" not in str(finding) and not re.search(r"\d", str(finding))
    assert project.rows("select count(distinct person_key) from pseudonymized.main.psn_wic") == [
        (people,)
    ]


def test_model_that_is_built_anew_needs_no_report(project: DbtProject) -> None:
    """What the run replaces may hold anything; a model that only reads it is told."""
    old, _new = rotated(project)
    write_in_zone(
        project,
        "insert into pseudonymized.main.psn_wic by name"
        f" select 'p1_{old}_{'a' * 32}' as person_key, 2020 as enrolment_year",
    )

    assert rekeyed(project, selected=["model.veil.psn_wic"]) == []
    assert len(rekeyed(project, selected=["model.veil.wic_participation"])) == 1


def test_build_on_pseudonyms_of_a_disabled_key_is_refused(project: DbtProject) -> None:
    """A key disabled before the next build: a part of the project is refused, the whole builds."""
    before = published(project)
    old, _new = rotated(project)
    ended(project, old, Status.DISABLED)

    refused = project.dbt("build", "--select", "psn_social_security+")
    assert not refused.ok
    assert "psn_earnings" in refused.text and "--full-refresh" in refused.text
    assert published(project) == before

    assert project.dbt("build").ok
    assert published(project) == before


def keeper_of_keys(project: DbtProject) -> None:
    """An incremental model that keeps `person_key` without declaring a mask, and what counts it."""
    project.write(
        "models/pseudonymized/first_seen.sql",
        "{{ config(materialized='incremental', unique_key='person_key') }}\n"
        "select person_key, min(census_year) as first_year from {{ ref('psn_census') }}"
        " group by person_key\n",
    )
    project.write(
        "models/pseudonymized/seen_by_year.sql",
        "select first_year, count(distinct person_key) as people_count"
        " from {{ ref('first_seen') }} group by first_year\n",
    )


COUNTED = "from pseudonymized.main.seen_by_year order by all"


def test_undeclared_pseudonyms_of_a_disabled_key_are_refused(project: DbtProject) -> None:
    """Old rows beside new ones would count everybody twice; built anew, the counts are the same."""
    keeper_of_keys(project)
    assert project.dbt("build", "--select", "psn_census", "first_seen+").ok
    counts, before = project.rows(COUNTED), published(project)
    old, _new = rotated(project)
    ended(project, old, Status.DISABLED)

    refused = project.dbt("build")
    assert not refused.ok
    assert "`first_seen` column `person_key`" in refused.text
    assert "dbt build --full-refresh --select first_seen+" in refused.text
    assert project.rows(COUNTED) == counts
    assert published(project) == before

    assert project.dbt("build", "--full-refresh", "--select", "psn_census+").ok
    assert project.rows(COUNTED) == counts


def test_undeclared_pseudonyms_of_a_disabled_key_count_twice_without_the_refusal(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the one above."""
    keeper_of_keys(project)
    assert project.dbt("build", "--select", "psn_census", "first_seen+").ok
    counts = project.rows(COUNTED)
    old, _new = rotated(project)
    ended(project, old, Status.DISABLED)
    monkeypatch.setattr(bridge, "rekey_stored", lambda *_arguments, **_more: [])

    assert project.dbt("build", "--select", "psn_census", "first_seen+").ok
    assert project.rows(COUNTED) == [(year, 2 * people) for year, people in counts]


@pytest.mark.parametrize(
    "shape",
    ["person_key || '{}'", "[{{'pair': person_key || '|{}'}}]", "to_json([person_key, '{}'])"],
    ids=["text", "struct", "json"],
)
def test_a_stale_pseudonym_behind_one_in_use_is_found(project: DbtProject, shape: str) -> None:
    """Several may stand in one text; nothing builds on this table, so it is a warning."""
    rotated(project, domain="household")
    planted = shape.format(f"p1_k{'z' * 7}_{'z' * 32}")
    write_in_zone(
        project,
        f"create table marts.main.kept as select {planted} as pair"
        " from pseudonymized.main.psn_census",
    )

    (finding,) = rekeyed(project)

    assert (finding.level, finding.model, finding.column) == (Level.WARNING, "kept", "pair")
    assert "p1_" not in str(finding)


# after the window


def test_map_goes_when_the_window_is_over(project: DbtProject) -> None:
    """The first build after the old key's last day drops the map."""
    old, new = rotated(project, window=30)
    rekeyed(project)
    ring = load_keyring(project.veil)
    later = datetime.now(UTC) + timedelta(days=31)
    there = "select 1 from duckdb_tables() where table_name = 'rekey'"

    assert permitted_kids(ring, "person") == [new, old]
    assert permitted_kids(ring, "person", at=later) == [new]
    assert project.rows(there) == [(1,)]
    rekeyed(project, at=later)
    assert project.rows(there) == []


def test_build_after_the_window_still_changes_no_number(project: DbtProject) -> None:
    """Nobody built in the window: the old key is stale, and not yet disabled."""
    before = published(project)
    _old, new = rotated(project, window=0)

    assert project.dbt("build", "--select", "psn_census+").ok
    assert published(project) == before
    assert kids(project, "psn_earnings") == {new}


def test_no_stale_kid_finds_a_planted_one_and_nothing_else(project: DbtProject) -> None:
    """In the window an old pseudonym passes; afterwards the dbt test fails, for that model."""
    old, _new = rotated(project)
    rekeyed(project)
    plant = (
        "update pseudonymized.main.psn_wic set person_key ="
        f" 'p1_{old}_' || right(person_key, 32) where rowid = 0"
    )
    test = ("test", "--select", "psn_wic,test_name:no_stale_kid")
    write_in_zone(project, plant)
    assert project.dbt(*test).ok

    ended(project, old, Status.DISABLED)
    found = project.dbt(*test)

    assert [one for one in found.results.values() if one != "success"] == ["fail"]
    assert f"p1_{old}" not in found.text
    assert project.dbt("test", "--select", "psn_census,test_name:no_stale_kid").ok


def test_no_stale_kid_is_a_gate(project: DbtProject) -> None:
    """An incremental model that would keep a stale pseudonym is rolled back."""
    incremental(project)
    project.write(
        "models/pseudonymized/_kept.yml",
        "version: 2\nmodels:\n  - name: kept\n    data_tests:\n"
        "      - veil.no_stale_kid: {arguments: {columns: {person_key: person}}}\n",
    )
    project.write(
        "models/pseudonymized/kept.sql",
        "{{ config(materialized='incremental') }}\nselect person_key from {{ ref('psn_wic') }}\n",
    )
    assert project.dbt("build", "--select", "psn_wic", "kept").ok
    before = project.rows("select count(*) from pseudonymized.main.kept")
    write_in_zone(
        project, "insert into pseudonymized.main.kept values ('p1_kaaaaaaa_' || repeat('a', 32))"
    )

    outcome = project.dbt("run", "--select", "kept")

    assert outcome.results["model.veil.kept"] == "error"
    assert "no_stale_kid" in outcome.text
    assert project.rows("select count(*) from pseudonymized.main.kept") == [(before[0][0] + 1,)]


# the map is nobody's but the plugin's


@pytest.mark.parametrize(
    "sql",
    [
        "select new as person_key from identified.veil.rekey",
        "select veil_pseudonym('1', 'person', 'person_id') as person_key",
    ],
)
def test_no_model_reads_the_map_or_makes_pseudonyms(project: DbtProject, sql: str) -> None:
    """Neither the map nor a function that would rebuild it is within a model's reach."""
    rotated(project)
    rekeyed(project)
    project.write("models/pseudonymized/thief.sql", f"-- {{{{ ref('psn_wic') }}}}\n{sql}\n")

    outcome = project.dbt("run", "--select", "thief")

    assert not outcome.ok
    assert project.rows("select 1 from duckdb_tables() where table_name = 'thief'") == []


# extracts


def extract(project: DbtProject) -> tuple[Path, list[list[str]]]:
    rows = project.rows("select person_key, age from pseudonymized.main.psn_wic order by all")
    table = [["who", "age"], *([str(one) for one in row] for row in rows)]
    file = project.root / "extract.csv"
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows(table)
    return file, table


def translated(project: DbtProject, file: Path, *more: str) -> Result:
    arguments = [str(file), "--column", "who", "--domain", "person", *more]
    arguments += ["--output", str(project.root / "new.csv"), "--project-dir", str(project.root)]
    return CliRunner().invoke(translate, arguments)


def test_extract_is_translated_within_the_window(project: DbtProject) -> None:
    """Row for row the pseudonym that stands in the warehouse now; nobody else may read the file."""
    file, table = extract(project)
    _old, new = rotated(project)
    rekeyed(project)

    assert translated(project, file).exit_code == 0
    output = project.root / "new.csv"
    with output.open(newline="") as lines:
        found = list(csv.reader(lines))
    now = project.rows("select person_key, age from pseudonymized.main.psn_wic")
    assert sorted(found[1:]) == sorted([str(one) for one in row] for row in now)
    assert [row[1] for row in found] == [row[1] for row in table]
    assert output.stat().st_mode & 0o777 == 0o600
    assert isinstance(translated(project, file).exception, UsageError), "never overwritten"
    assert {row[0].split("_")[1] for row in found[1:]} == {new}


def test_extract_is_not_translated_after_the_window(project: DbtProject) -> None:
    """Once the old key is out of use the command refuses, and writes nothing."""
    file, _table = extract(project)
    old, _new = rotated(project)
    rekeyed(project)
    ended(project, old, Status.DISABLED)

    refused = translated(project, file)

    assert "no overlap window is open" in str(refused.exception)
    assert not (project.root / "new.csv").exists()


def test_keyring_of_the_built_project_has_one_pseudonym_key(built: DbtProject) -> None:
    """What the tests above start from."""
    ring = Keyring.load(built.veil.keyring)

    assert [one.status for one in ring.entries if one.purpose == "pseudonym"] == [Status.PRIMARY]
