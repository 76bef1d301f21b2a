"""The demo's own build, from seeds to published files."""

from __future__ import annotations

import pytest

from harness import DbtProject

pytestmark = pytest.mark.project


def test_build_publishes_every_mart(built: DbtProject) -> None:
    """One `dbt build` leaves a file an audience, with every mart of it."""
    tables = set()
    for audience in ("open_data", "research"):
        with built.published(audience) as conn:
            found = conn.execute("select table_name from duckdb_tables()").fetchall()
        tables |= {(audience, name) for (name,) in found}

    assert tables == {(mart.meta["privacy_audience"], mart.name) for mart in built.graph().marts}


def test_second_build_changes_nothing(project: DbtProject) -> None:
    """The same data and keyring give byte-identical published files."""
    folder = project.root / "published" / "research"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    link = folder.readlink()

    assert project.dbt("build").ok
    assert folder.readlink() == link
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
