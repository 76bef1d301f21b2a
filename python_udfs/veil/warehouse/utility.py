"""What a differential release cost in accuracy, for the privacy office.

The realised error is computed from true values. It lies in the identified zone, whose file is
encrypted, and never in a published file, a log or the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from veil.keys import Keyring
from veil.project import IDENTIFIED, Project
from veil.warehouse.ledger_rows import Draw
from veil.warehouse.zones import attach_zone, close_zones, is_encrypted, load_crypto

_TABLE = "identified.veil.release_utility"


@dataclass(frozen=True, slots=True)
class Utility:
    """One metric of one release.

    Attributes:
        release, period: as the ledger has them.
        metric: its name.
        drawn_at: when it was drawn.
        cells: how many.
        mean_error, largest_error: absolute, against the bounded aggregate, in the metric's unit.
        kept: share of the rows that bounding left.
    """

    release: str
    period: str
    metric: str
    drawn_at: datetime
    cells: int
    mean_error: float
    largest_error: float
    kept: float


def note_utility(
    conn: duckdb.DuckDBPyConnection,
    draw: Draw,
    errors: Mapping[str, tuple[float, float]],
    *,
    cells: int,
    kept: float,
) -> None:
    """Keep the realised error of a release that is about to be stored; once more does no harm.

    Args:
        conn: with the identified zone attached.
        draw: the release.
        errors: mean and largest absolute error by metric.
        cells: how many it has.
        kept: share of the rows that bounding left.
    """
    conn.execute("create schema if not exists identified.veil")
    conn.execute(
        f"create table if not exists {_TABLE} (id varchar, mart varchar, release varchar,"
        " period varchar, metric varchar, drawn_at timestamptz, cells bigint, mean_error double,"
        " largest_error double, kept double)"
    )
    conn.execute("begin")
    conn.execute(f"delete from {_TABLE} where id = ?", [draw.id])
    now = datetime.now(UTC)
    conn.executemany(
        f"insert into {_TABLE} values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [draw.id, draw.mart, draw.name, draw.period, metric, now, cells, *both, kept]
            for metric, both in errors.items()
        ],
    )
    conn.execute("commit")


def utilities(project: Project, keyring: Keyring, mart: str) -> list[Utility]:
    """The realised errors of a mart's releases, the oldest first.

    Args:
        project: whose identified zone is read; nothing else may have it open.
        keyring: with the zone's key.
        mart: dbt unique id, or the model's name.

    Raises:
        VeilError: the zone cannot be opened.
    """
    if not project.zone_file(IDENTIFIED).exists():
        return []
    with duckdb.connect(":memory:") as conn:
        if is_encrypted(keyring):
            load_crypto(conn)
        attach_zone(conn, project, keyring, IDENTIFIED, read_only=True)
        try:
            rows = conn.execute(
                "select release, period, metric, drawn_at, cells, mean_error, largest_error, kept"
                f" from {_TABLE} where mart = $mart or mart like '%.' || $mart"
                " order by drawn_at, release, metric",
                {"mart": mart},
            ).fetchall()
        except duckdb.CatalogException:
            rows = []
        finally:
            close_zones(conn)
    return [Utility(*row) for row in rows]
