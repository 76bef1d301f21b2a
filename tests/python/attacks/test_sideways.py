"""An attacker who reads everything that a build leaves outside the encrypted zones."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from harness import DbtProject
from veil.keys import Keyring

pytestmark = pytest.mark.project

LEFTOVERS = ("target", "logs", "published", "state", "warehouse")


def personal_values(project: DbtProject) -> set[bytes]:
    """Values of the demo's direct identifiers that occur nowhere by chance."""
    values: set[bytes] = set()
    with (project.root / "seeds" / "seed_w2.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            values.add(row["ssn"].encode())
    with (project.root / "seeds" / "seed_census.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            values.add(row["street_address"].encode())
    return {value for value in values if len(value) > 9}


def files_of(project: DbtProject) -> list[Path]:
    return [
        path for name in LEFTOVERS for path in (project.root / name).rglob("*") if path.is_file()
    ]


def found_in(files: list[Path], values: set[bytes]) -> set[str]:
    pattern = re.compile(b"|".join(re.escape(value) for value in sorted(values)))
    return {path.name for path in files if pattern.search(path.read_bytes())}


def test_no_file_of_a_build_holds_a_personal_value(built: DbtProject) -> None:
    """Target, logs, published files, state and the encrypted zones: no SSN, no address."""
    values = personal_values(built)

    assert len(values) > 1000
    assert found_in(files_of(built), values) == set()


def test_the_search_finds_what_is_there(built: DbtProject, tmp_path: Path) -> None:
    """The twin of the search: a plain copy of one table is found."""
    values = personal_values(built)
    with built.connect(read_only=True) as conn:
        plain = tmp_path / "plain.duckdb"
        conn.execute(f"attach '{plain}' as plain")
        conn.execute("use plain")
        conn.execute("pragma force_compression='uncompressed'")
        conn.execute("create table plain.leak as select ssn from identified.main.raw_w2")
        conn.execute("use memory")
        conn.execute("detach plain")

    assert found_in([plain], values) == {"plain.duckdb"}


def test_no_file_of_a_build_holds_key_material(built: DbtProject) -> None:
    """No key, derived or unwrapped, raw or hexadecimal, in any file."""
    keyring = Keyring.load(built.veil.keyring)
    secrets: set[bytes] = set()
    for entry in keyring.entries:
        if entry.purpose == "keyring-mac":
            continue
        material = keyring.material(entry)
        _kid, derived = keyring.subkey(
            entry.purpose, entry.domain, use="duckdb" if entry.purpose == "zone" else "mac"
        )
        secrets |= {material, material.hex().encode(), derived, derived.hex().encode()}

    assert found_in(files_of(built), secrets) == set()


def test_published_files_hold_no_pseudonym(built: DbtProject) -> None:
    """What an audience reads, and what is written in clear beside it, holds no pseudonym."""
    clear = [path for path in files_of(built) if "warehouse" not in path.parts]
    pattern = re.compile(rb"p1_k[a-z2-7]{7}_[a-z2-7]{32}")

    assert not [path.name for path in clear if pattern.search(path.read_bytes())]


def test_rolled_back_table_leaves_no_value_in_clear(project: DbtProject) -> None:
    """A mart of three million personal rows that its gate rolls back leaves nothing readable."""
    project.write(
        "models/marts/population_pyramid.sql",
        "select 2020 as census_year, 'leaked-' || (range % 7) || '-value' as sex,\n"
        "    'x' as age_band, 1::bigint as people_count\n"
        "from {{ ref('psn_census') }} limit 0 offset 0\n".replace(
            "from {{ ref('psn_census') }} limit 0 offset 0",
            "from range(3000000) -- {{ ref('psn_census') }}",
        ),
    )

    outcome = project.dbt("run", "--select", "population_pyramid")

    assert not outcome.ok
    assert (
        found_in(files_of(project), {f"leaked-{number}-value".encode() for number in range(7)})
        == set()
    )


def test_values_that_fit_no_type_are_not_printed(project: DbtProject) -> None:
    """A value that cannot be cast stops the build; no message, log or result file shows it."""
    seed = project.root / "seeds" / "seed_w2.csv"
    text = seed.read_text(encoding="utf-8").splitlines()
    cells = text[1].split(",")
    cells[-1] = "jane.doe-4711"
    seed.write_text("\n".join([text[0], ",".join(cells), *text[2:]]) + "\n", encoding="utf-8")

    outcome = project.dbt("build")

    assert not outcome.ok
    assert "model `raw_w2` column `wages` holds a value that is no `bigint`" in outcome.text
    assert "jane.doe-4711" not in outcome.text
    assert found_in(files_of(project), {b"jane.doe-4711"}) == set()


def test_credentials_that_a_model_prints_hold_no_key(project: DbtProject) -> None:
    """`adapter.config.credentials`, printed from a model, shows nothing secret."""
    project.write(
        "models/raw/raw_peek.sql",
        "-- {{ adapter.config.credentials }} {{ target }} {{ adapter.config }}\nselect 1 as one\n",
    )
    project.dbt("build", "--select", "raw_peek")
    keyring = Keyring.load(project.veil.keyring)
    _kid, zone = keyring.subkey("zone", "marts", use="duckdb")

    assert found_in(files_of(project), {zone.hex().encode()}) == set()


def test_locked_connection_reads_no_file(project: DbtProject) -> None:
    """A model can read no file outside the project's data folders."""
    secret = project.root / "elsewhere.csv"
    secret.write_text("a\n1\n")
    for number, sql in enumerate(
        (
            f"select content from read_text('{secret}')",
            f"select * from read_csv('{secret}')",
            "select content from read_text('/etc/hostname')",
            f"select * from '{project.veil.keyring}'",
        )
    ):
        project.write(f"models/raw/raw_peek_{number}.sql", sql + "\n")

    outcome = project.dbt("run", "--select", "raw_peek_0 raw_peek_1 raw_peek_2 raw_peek_3")
    peeks = {name: status for name, status in outcome.results.items() if "raw_peek" in name}

    assert len(peeks) == 4
    assert set(peeks.values()) == {"error"}
    assert all("Permission Error" in outcome.messages[name] for name in peeks)
