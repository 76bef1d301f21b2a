"""What a differential release must not leave behind: a rare key, and the true numbers."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from demo_marts import COSTS, YAML, edit_visits, published, visit
from harness import DbtProject
from ledger_support import by_hand
from veil.releases import draw_cells
from veil.releases.plan import Plan
from veil.warehouse.ledger_cells import cells_from_bytes

pytestmark = pytest.mark.project

CANARY = "QX7-RARE-HAMLET"
LEAST = 1_000_000
"""True numbers from here on are looked for: smaller ones stand in any log by chance."""
SEEDS = ("seeds", "models", "macros")


def in_files(root: Path) -> dict[str, bytes]:
    """Every file that a build may write, by its name; zones and ledger are encrypted here."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] not in SEEDS
    }


def in_tables(project: DbtProject) -> dict[str, bytes]:
    """What stands in the marts zone, the ledger and the published database, as text."""
    found = {}
    with project.connect(read_only=True) as conn:
        tables = conn.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'marts'"
        ).fetchall()
        for schema, table in tables:
            rows = conn.execute(f'select * from marts.{schema}."{table}"').fetchall()
            found[f"marts.{schema}.{table}"] = str(rows).encode()
    with by_hand(project.veil) as conn:
        found["chain"] = str(conn.execute("select body from l.chain").fetchall()).encode()
        for release, content in conn.execute("select * from l.cells").fetchall():
            found[f"cells.{release}"] = str(cells_from_bytes(content).to_pylist()).encode()
    with project.published("open_data") as conn:
        for (table,) in conn.execute("select table_name from duckdb_tables()").fetchall():
            found[f"published.{table}"] = str(conn.table(table).fetchall()).encode()
    return found


class Truth:
    """The true aggregates of every release that is drawn, as they enter the noise."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()

    def __call__(
        self, plan: Plan, keys: Any, aggregates: Mapping[str, npt.NDArray[np.int64]]
    ) -> Any:
        for one in aggregates.values():
            self.numbers |= {int(number) for number in one.ravel()}
        return draw_cells(plan, keys, aggregates)

    def told_by(self, texts: Mapping[str, bytes]) -> set[str]:
        """The places in which a large true number stands by itself."""
        large = sorted(str(number) for number in self.numbers if abs(number) >= LEAST)
        assert large, "nothing is looked for"
        pattern = re.compile(rb"(?<![\w.])(?:" + "|".join(large).encode() + rb")(?![\w.])")
        return {name for name, text in texts.items() if pattern.search(text)}


def by_region(project: DbtProject) -> None:
    """The demo's mart over the regions instead, which nobody lists; one person is in a rare one."""
    rare = visit(1, region=CANARY, treatment="general consultation")
    edit_visits(project, lambda rows: [*rows, rare])
    sql = f"models/marts/{COSTS}.sql"
    project.replace(sql, "select *", "select person_key, region as service, cost, minutes")
    project.replace(YAML, "epsilon: 2\n", "epsilon: 1\n")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, for this test alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_neither_a_rare_key_nor_a_true_number_is_left_anywhere(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    """In a run that fails over the rare key, and in one that releases the others."""
    truth = Truth()
    monkeypatch.setattr("veil.warehouse.private_release.draw_cells", truth)
    by_region(project)
    service = "- name: service\n        data_type: "
    project.replace(YAML, f"{service}varchar", f"{service}integer")
    failed = project.dbt("--debug", "build", "--select", f"+{COSTS}")
    project.replace(YAML, f"{service}integer", f"{service}varchar")
    outcome = project.dbt("--debug", "build", "--select", f"+{COSTS}")
    texts = {**in_files(project.root), **in_files(scratch), **in_tables(project)}
    texts["messages"] = (failed.text + outcome.text).encode()

    assert failed.results[f"model.veil.{COSTS}"] == "error"
    assert outcome.ok, outcome.text
    assert {"C1", "C2", "S1"} <= {row[0] for row in published(project, COSTS)}
    assert {name for name, text in texts.items() if CANARY.encode() in text} == set()
    assert truth.told_by(texts) == set()


def test_without_selection_and_noise_both_are_found(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: where every group is named and sums are logged, the same searches tell."""
    truth = Truth()

    def talking(plan: Plan, keys: Any, aggregates: Any) -> Any:
        (project.root / "logs" / "draws.log").write_text(str(aggregates["cost_mean.sum"].tolist()))
        return truth(plan, keys, aggregates)

    module = "veil.warehouse.private_release"
    monkeypatch.setattr(f"{module}.draw_cells", talking)
    monkeypatch.setattr(f"{module}.select_groups", lambda plan, counts: counts > 0)
    by_region(project)
    outcome = project.dbt("build", "--select", f"+{COSTS}")
    texts = {**in_files(project.root), **in_tables(project)}
    told = {name for name, text in texts.items() if CANARY.encode() in text}

    assert outcome.ok, outcome.text
    assert {f"marts.main.{COSTS}", f"published.{COSTS}"} <= told
    assert any(name.startswith("cells.") for name in told)
    assert truth.told_by(texts) == {"logs/draws.log"}
