"""An attacker who reads every file after a build, and what finds him out when a protection is off.

Each protection is switched off in turn in the way in which it would fail, and the scanner must find
what that protection stops. A plain search for bytes, which shares nothing with the scanner, agrees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from harness import DbtProject
from veil.findings import Finding, as_json, as_sarif, as_text
from veil.keys import Keyring
from veil.state import load_keyring
from veil.warehouse.artifacts import scan_artifacts, scan_project
from veil.warehouse.zones import lock_down

pytestmark = pytest.mark.project

FOLDERS = ("target", "logs", "docs", "published", "warehouse", "state")


@pytest.fixture(scope="module")
def ssns(built: DbtProject) -> list[str]:
    """Social security numbers of the demo."""
    rows = built.rows("select distinct ssn from identified.main.raw_w2 order by all")
    return [str(row[0]) for row in rows]


def plain_search(project: DbtProject, values: list[str]) -> set[str]:
    """Files in which one of the values stands as it is: nothing but a regular expression."""
    pattern = re.compile("|".join(map(re.escape, values)).encode())
    return {
        str(path.relative_to(project.root))
        for folder in FOLDERS
        for path in (project.root / folder).rglob("*")
        if path.is_file() and not path.is_symlink() and pattern.search(path.read_bytes())
    }


def scan(project: DbtProject) -> list[Finding]:
    """All findings; whatever is found, no form in which it is shown holds a value."""
    findings = scan_project(project.veil)
    shown = as_text(findings) + as_json(findings) + as_sarif(findings) + repr(findings)
    values = project.rows(
        "select ssn from identified.main.seed_w2 union select simulant_id from"
        " identified.main.seed_w2 union select street_address from identified.main.seed_census"
    )
    assert not [1 for (value,) in values if len(str(value)) > 6 and str(value) in shown]
    return findings


def places(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(one.rule, one.file) for one in findings}


def test_clean_build_has_no_finding(project: DbtProject, ssns: list[str]) -> None:
    """Target, logs, docs site, published files, zones and state of the demo: nothing at all."""
    assert project.dbt("docs", "generate", "--static").ok

    assert scan(project) == []
    assert plain_search(project, ssns) == set()


def test_second_build_is_scanned_for_what_changed(project: DbtProject, ssns: list[str]) -> None:
    """From the build's own connection, locked as it is; a value that appears later is found."""
    keyring = load_keyring(project.veil)
    with project.connect() as conn:
        lock_down(conn, project.veil)
        graph = project.graph()

        assert scan_artifacts(project.veil, conn, keyring, graph, since_last=True) == []
        project.write("target/run/late.sql", f"-- {ssns[5]}")
        (finding,) = scan_artifacts(project.veil, conn, keyring, graph, since_last=True)
    assert finding.message == "1 value of `raw_social_security.ssn` in `target/run/late.sql`."


def test_red_build_and_debug_leave_nothing(project: DbtProject, ssns: list[str]) -> None:
    """After a build that failed on a value, and after `dbt debug`: nothing."""
    text = project.root.joinpath("seeds", "seed_w2.csv").read_text()
    project.write("seeds/seed_w2.csv", text[: text.rindex(",") + 1] + "12x\n")
    assert not project.dbt("build").ok
    assert project.dbt("debug").ok

    assert scan(project) == []
    assert plain_search(project, ssns) == set()


CANARIES = (
    "target/compiled/veil/models/marts/leak.sql",
    "target/manifest_old.json",
    "logs/dbt.log.1",
    "docs/site/index.html",
    "published/notes.txt",
    "warehouse/spill/duckdb_temp_storage_S32K-0.tmp",
    "warehouse/marts.duckdb.wal",
    "state/audit/notes.jsonl",
)


def test_canaries_in_every_place(project: DbtProject, ssns: list[str]) -> None:
    """Three people's numbers in a file are three values of one column, in each place alike."""
    for place in CANARIES:
        project.write(place, f"a {ssns[0]}\nb,{ssns[1]};{ssns[2]}\n")
    messages = {one.message for one in scan_project(project.veil)}

    assert messages == {
        f"3 values of `raw_social_security.ssn` in `{place}`." for place in CANARIES
    }
    assert plain_search(project, ssns) == set(CANARIES)


def _cast_message(project: DbtProject) -> str:
    """What DuckDB says when a cast fails and nobody takes the value out of the message."""
    with pytest.raises(duckdb.Error) as caught:
        project.rows("select cast(ssn as integer) from identified.main.raw_w2")
    return str(caught.value)


def test_without_safe_messages_the_log_is_found(project: DbtProject, ssns: list[str]) -> None:
    """Protection: errors without values. Off: DuckDB's own message lands in dbt's log."""
    log = project.root / "logs" / "dbt.log"
    log.write_text(log.read_text() + _cast_message(project) + "\n")

    assert places(scan(project)) == {("personal_value", "logs/dbt.log")}
    assert plain_search(project, ssns) == {"logs/dbt.log"}


def test_without_encrypted_zones_the_file_is_found(project: DbtProject, ssns: list[str]) -> None:
    """Protection: zones are encrypted. Off: a plain copy under another name, and under its own."""
    old = project.root / "warehouse" / "old.duckdb"
    with project.connect(read_only=True) as conn:
        conn.execute(f"attach '{old}' as old")
        conn.execute("create table old.w2 as select * exclude (person_id) from identified.raw_w2")
        conn.execute("detach old")
    findings = scan(project)

    assert {one.file for one in findings} == {"warehouse/old.duckdb"}
    assert any("table `w2` column `ssn`" in one.message for one in findings)
    old.rename(project.veil.zone_file("pseudonymized"))
    assert "clear_zone" in {one.rule for one in scan_project(project.veil)}


@contextmanager
def _spilling(project: DbtProject) -> Iterator[Path]:
    """A build's sort that does not fit into memory, with DuckDB's default for spill files."""
    spill = project.veil.spill
    options = {"temp_directory": str(spill), "memory_limit": "40MB", "threads": "1"}
    rows = project.rows("select ssn from identified.main.raw_w2 limit 500")
    with duckdb.connect(":memory:", config=options) as conn:  # type: ignore[arg-type]
        values = ", ".join(f"('{ssn}')" for (ssn,) in rows)
        conn.execute(
            f"create temp table big as select ssn || repeat('.', 60) as line, range as n"
            f" from (values {values}) as t(ssn), range(2000)"
        )
        yield spill


def test_without_encrypted_spill_the_temporary_file_is_found(
    project: DbtProject, ssns: list[str]
) -> None:
    """Protection: `temp_file_encryption`. Off: spilled rows stand in clear while the query runs."""
    with _spilling(project) as spill:
        found = plain_search(project, ssns)
        findings = scan(project)

        assert any(spill.iterdir())
    assert found
    assert {one.file for one in findings} == found
    assert {one.column for one in findings} == {"ssn"}


@pytest.mark.parametrize("kind", ["duckdb", "parquet"])
def test_without_the_gate_a_published_name_is_found(project: DbtProject, kind: str) -> None:
    """Protection: only gated marts are copied. Off: names beside each other in a published file."""
    place = project.root / "published" / "research" / f"people.{kind}"
    select = "select distinct first_name, last_name from identified.main.seed_census"
    with project.connect(read_only=True) as conn:
        if kind == "parquet":
            conn.execute(f"copy ({select}) to '{place}' (codec 'zstd')")
        else:
            conn.execute(f"attach '{place}' as out")
            conn.execute(f"create table out.people as {select}")
            conn.execute("detach out")
    findings = scan(project)

    assert {one.file for one in findings} == {f"published/research/people.{kind}"}
    assert {one.column for one in findings} >= {"first_name", "last_name"}


def test_without_refused_arguments_the_manifest_is_found(
    project: DbtProject, ssns: list[str]
) -> None:
    """Protection: personal literals in YAML are refused. Off: the manifest holds one."""
    project.replace("target/manifest.json", '"nodes"', f'"{ssns[3]}": 1, "nodes"')

    assert places(scan(project)) == {("personal_value", "target/manifest.json")}


def test_without_keys_out_of_sql_the_statement_is_found(project: DbtProject) -> None:
    """Protection: no key in SQL, profile or log. Off: sub-keys as statements hold them."""
    keyring = Keyring.load(project.veil.keyring)
    wanted = (
        ("zone", "marts", "duckdb"),
        ("pseudonym", "person", "mac"),
        ("perturbation", "person", "shift"),
        ("receipt", "*", "mac"),
    )
    expected = set()
    for number, (purpose, domain, use) in enumerate(wanted):
        kid, key = keyring.subkey(purpose, domain, use)
        project.write(f"logs/old.{number}", f"attach 'x' (encryption_key '{key.hex()}')")
        expected.add(f"{purpose} key `{kid}` in `logs/old.{number}`, as hexadecimal.")

    assert {one.message for one in scan(project)} == expected
