"""The demo's differential marts in tests: what was charged for them, and what is seen of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import yaml

from harness import DbtProject
from ledger_support import ledger
from veil.state import load_state
from veil.warehouse.ledger_cells import cells_from_bytes
from veil.warehouse.ledger_file import open_ledger

COSTS, DAILY, WAGES = (
    "visit_costs_by_service",
    "visits_by_region_and_day",
    "wage_distribution_by_age",
)
MARTS = (COSTS, DAILY, WAGES)
YAML = "models/marts/_open_data.yml"
CONFIG = "dbt_project.yml"
DAYS = tuple(f"{DAILY}.2026-06-{day:02d}" for day in range(1, 15))
RELEASES = sorted((COSTS, WAGES, *DAYS))
"""What the first build draws."""
SPENT = {"people": 0.5, "visitors": 4.8}
"""What it charges: 2 and fourteen times 0.2 to visitors."""

CALL = "{{ veil.dp_aggregate('visits') }}"
PEOPLE = "{{ ref('psn_visits') }}"
META: dict[str, Any] = {
    "privacy_audience": "open_data",
    "privacy_population": "Visitors of public clinics",
    "privacy_release": "differential",
    "privacy_unit": "person_key",
    "privacy_budget": "visitors",
    "epsilon": 0.01,
    "max_partitions_contributed": 1,
    "max_contributions_per_partition": 1,
    "public_partitions": {"region": ["N1", "S1"]},
}
COLUMNS = [
    {"name": "region", "data_type": "varchar"},
    {"name": "n", "data_type": "bigint", "config": {"meta": {"metric": "count"}}},
    {"name": "n_low", "data_type": "bigint"},
    {"name": "n_high", "data_type": "bigint"},
]

Row = dict[str, str]


def drawn(project: DbtProject) -> list[tuple[str, str, str]]:
    """Every release ever drawn: its name, its period, and the digest of its bytes."""
    made = ledger(project.veil).releases()
    return sorted((one.draw.name, one.draw.period, one.cells) for one in made)


def spent(project: DbtProject) -> dict[str, float]:
    """What was ever charged to each budget; a Gaussian charge is a trifle below its rho."""
    accounts = ledger(project.veil).spent()
    return {one.declared.name: round(float(one.lifetime.loss), 9) for one in accounts}


def shown(project: DbtProject, mart: str = "*") -> dict[str, bytes]:
    """The published Parquet files of the marts, as the audience has them."""
    folder = project.root / "published" / "open_data"
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"{mart}.parquet"))}


def promises(project: DbtProject) -> dict[str, Any]:
    """What RELEASE.json says of each published mart."""
    text = (project.root / "published" / "open_data" / "RELEASE.json").read_text()
    return {table["name"]: table for table in json.loads(text)["tables"]}


def published(project: DbtProject, mart: str) -> list[tuple[Any, ...]]:
    """The rows of a mart as the audience has them, by their keys."""
    with project.published("open_data") as conn:
        rows: list[tuple[Any, ...]] = conn.execute(f"select * from {mart} order by all").fetchall()
        return rows


def kept(project: DbtProject, *names: str, period: str = "once") -> list[tuple[Any, ...]]:
    """The rows of releases as the ledger keeps them, one release after the other."""
    found = {}
    with open_ledger(project.veil, load_state(project.veil)[0]) as opened:
        for one in opened.book.made:  # the newest of a name and period stands last
            rows = cells_from_bytes(opened.cells(one.draw.id)).to_pylist()
            found[one.draw.name, one.draw.period] = sorted(tuple(row.values()) for row in rows)
    return [row for name in names for row in found[name, period]]


def edit_visits(project: DbtProject, edit: Callable[[list[Row]], list[Row]]) -> None:
    """Change the rows of the seed of visits."""
    file = project.root / "seeds" / "seed_visits.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(edit(rows))


def visit(number: int, **fields: str) -> Row:
    """One more visit."""
    common = {
        "visit_id": f"V-9{number:05d}",
        "person_id": "C-918273",
        "visited_at": "2026-06-03 10:00",
        "region": "N1",
        "treatment": "general consultation",
        "minutes": "30",
        "cost": "50.00",
    }
    return {**common, **fields}


def rows(sql: str) -> str:
    """The SQL of a mart over some rows."""
    return f"with visits as ({sql})\n\n{CALL}\n"


def add_mart(
    project: DbtProject, name: str, sql: str, *, columns: Any = COLUMNS, **changed: Any
) -> None:
    """A differential mart; `materialized` and keys of its meta are changed, None takes one out."""
    config = {"materialized": changed.pop("materialized", "private_release")}
    meta = {key: value for key, value in {**META, **changed}.items() if value is not None}
    model = {
        "name": name,
        "config": {**config, "contract": {"enforced": True}, "meta": meta},
        "columns": columns,
    }
    project.write(f"models/marts/{name}.sql", sql)
    project.write(f"models/marts/_{name}.yml", yaml.safe_dump({"version": 2, "models": [model]}))
