"""A build that is killed, or rolled back, at any moment: nothing unsafe can be read afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from harness import KEK, DbtProject
from processes import Builds
from veil.cli.main import cli
from veil.warehouse.release import file_digest

pytestmark = pytest.mark.project

KILLS = int(os.environ.get("VEIL_KILLS", "50"))
"""Fewer while working on the test itself."""
ROWS = 3_000_000
SOON = datetime.now(UTC).date() + timedelta(days=30)
LEFTOVERS = ("target", "logs", "published", "state", "warehouse")
YAML = "models/marts/_marts.yml"


@pytest.fixture
def builds(project: DbtProject) -> Iterator[Builds]:
    running = Builds(project)
    yield running
    running.close()


def unsafe_tables(project: DbtProject) -> list[str]:
    """Marts in the zone that show a count below the threshold."""
    with project.connect(read_only=True) as conn:
        tables = conn.execute(
            "select table_name from duckdb_columns() where database_name = 'marts'"
            " and schema_name = 'main' and column_name = 'people_count'"
        ).fetchall()
        return [
            name
            for (name,) in tables
            if conn.execute(
                f'select count(*) from marts.main."{name}" where people_count < 11'
            ).fetchall()
            != [(0,)]
        ]


def broken_releases(project: DbtProject) -> list[str]:
    """Files of the published release that are not what its RELEASE.json says."""
    folder = project.root / "published" / "research"
    release = json.loads((folder / "RELEASE.json").read_text())
    wrong = [
        name for name, digest in release["files"].items() if file_digest(folder / name) != digest
    ]
    with duckdb.connect(
        str(project.root / "published" / "research.duckdb"), read_only=True
    ) as conn:
        for table in release["tables"]:
            (rows,) = conn.execute(f'select count(*) from "{table["name"]}"').fetchall()[0]
            if rows != table["rows"]:
                wrong.append(table["name"])
    return wrong


def test_build_killed_at_fifty_moments_leaves_nothing_unsafe(
    project: DbtProject, builds: Builds
) -> None:
    """After each SIGKILL the zones open, no small cell stands, the release is whole."""
    moments = random.Random(20261121)
    started = time.monotonic()
    assert builds.run("build") == 0
    whole = time.monotonic() - started
    releases = set()
    for number in range(KILLS):
        # Another threshold each time: the marts differ, so that each build would publish.
        threshold = 11 + number % 2
        text = re.sub(r"privacy_threshold: \d+", f"privacy_threshold: {threshold}", _yaml(project))
        project.write(YAML, text)
        builds.run("build", kill_after=moments.uniform(0, whole * 1.1))

        assert unsafe_tables(project) == []
        assert broken_releases(project) == []
        if number % 10 == 9:
            assert builds.run("build") == 0, "the next build works"
        releases.add((project.root / "published" / "research").readlink())

    assert builds.run("build") == 0
    assert broken_releases(project) == []
    assert len(releases) > 1, "nothing was published in between"


def _yaml(project: DbtProject) -> str:
    return (project.root / YAML).read_text()


# three million rows: with fewer DuckDB writes none of them before the commit


def huge_source(project: DbtProject, *, broken: bool) -> None:
    """A raw model over values that no file holds: they are computed from a range."""
    gate = "data_tests: [{veil.no_small_cells: {count_column: many, grain: [code]}}]"
    project.write(
        "models/raw/_huge.yml",
        f"""
version: 2
sources:
  - name: huge
    tables:
      - name: people
        config:
          meta:
            external_location: >-
              (select md5(cast(range as varchar)) as code, 1 as many from range({ROWS}))
            # SQL in the place of a file is refused without this.
            privacy_waiver:
              - {{rule: relation_by_string, owner: test, reason: test, until: {SOON}}}
        columns: &columns
          - name: code
            config:
              meta: {{privacy_class: direct_identifier, privacy_type: person_id}}
          - name: many
            config:
              meta: {{privacy_class: non_sensitive, privacy_type: count}}
models:
  - name: raw_huge
    columns: *columns
    {gate if broken else ""}
""",
    )
    project.write(
        "models/raw/raw_huge.sql", "select code, many from {{ source('huge', 'people') }}\n"
    )
    project.replace(
        "profiles.yml",
        '      path: ":memory:"',
        '      config_options: {force_compression: uncompressed}\n      path: ":memory:"',
    )


def values_in_clear(project: DbtProject) -> set[str]:
    """Files that hold one of a thousand values spread over the three million."""
    needles = {
        hashlib.md5(str(number).encode()).hexdigest().encode()
        for number in range(0, ROWS, ROWS // 1000)
    }
    pattern = re.compile(rb"(?=([0-9a-f]{32}))")
    found = set()
    for folder in LEFTOVERS:
        for path in (project.root / folder).rglob("*"):
            if path.is_file() and any(
                match[1] in needles for match in pattern.finditer(path.read_bytes())
            ):
                found.add(path.name)
    return found


def test_killed_build_of_three_million_rows_leaves_no_value(
    project: DbtProject, builds: Builds
) -> None:
    """Killed while the table is written, uncompressed: no file in clear holds a value."""
    huge_source(project, broken=False)
    for moment in (1.5, 2.5, 4.0):
        builds.run("run", "--select", "raw_huge", kill_after=moment)

        assert values_in_clear(project) == set()


def test_rolled_back_build_of_three_million_rows_leaves_no_value(project: DbtProject) -> None:
    """Rolled back by its gate, uncompressed: no file in clear holds a value."""
    huge_source(project, broken=True)
    outcome = project.dbt("run", "--select", "raw_huge")

    assert "raw_huge` is rolled back" in outcome.text
    assert values_in_clear(project) == set()


def test_without_encryption_the_values_are_there(project: DbtProject) -> None:
    """The twin: with the zones in clear, what was rolled back is found by the same search."""
    for folder in ("state", "warehouse", "published"):
        shutil.rmtree(project.root / folder)
    with project.here():
        cli.main(["init", "--no-encryption", "--provider", f"env:{KEK}"], standalone_mode=False)
    huge_source(project, broken=True)
    # A file that is written for the first time is cut short when it is closed.
    project.dbt("seed", "--select", "seed_wic")
    outcome = project.dbt("run", "--select", "raw_huge")

    assert "raw_huge` is rolled back" in outcome.text
    assert values_in_clear(project) == {"identified.duckdb"}
