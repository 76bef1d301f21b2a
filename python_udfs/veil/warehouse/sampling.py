"""Samples of tables: out of CSV and Parquet files, external sources, zones and published files.

The connection is the scan's own. It opens everything read-only, reads no file that was not asked
for, and its errors never reach a message: DuckDB quotes the line that it cannot read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from veil.detect.samples import ColumnSample, TableSample
from veil.detect.targets import Place, Target
from veil.errors import VeilError
from veil.project import ZONES, Project
from veil.state import load_keyring
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.zones import (
    attach_zone,
    close_zones,
    connection_options,
    load_crypto,
    zone_password,
)

CELL = 4000
"""So many characters of a cell are looked at."""
COLUMN = 8_000_000
"""So many characters of a column are kept; what comes after is not looked at."""
SEED = 42
_FETCH = 1000


class Sampler:
    """Draws samples over one connection; made by `open_sampler`."""

    def __init__(self, conn: duckdb.DuckDBPyConnection, names: dict[Path, str]) -> None:
        self._conn = conn
        self._names = names

    def sample(self, target: Target, *, rows: int) -> TableSample:
        """At most `rows` rows of one table, the same at every call.

        Raises:
            VeilError: where the table cannot be read.
        """
        try:
            return sample_relation(
                self._conn, self._relation(target.place), name=target.name, rows=rows
            )
        except (duckdb.Error, UnicodeError):
            problem = VeilError(
                f"{target.kind} `{target.name}` cannot be read.",
                remedy="Build it first, or check the file's format and encoding (UTF-8).",
            )
        # Outside the handler: DuckDB's error is not even the context of this one.
        raise problem

    def _relation(self, place: Place) -> str:
        if place.file is not None:
            path = literal(str(place.file.resolve()))
            if place.file.name.endswith(".parquet"):
                return f"read_parquet({path})"
            delimiter = f", delim = {literal(place.delimiter)}" if place.delimiter else ""
            return f"read_csv({path}, header = true, all_varchar = true{delimiter})"
        if place.external:
            return place.external
        database = (
            self._names[place.database] if isinstance(place.database, Path) else place.database
        )
        return ".".join(map(identifier, (database, place.schema, place.table)))


@contextlib.contextmanager
def open_sampler(project: Project, targets: Sequence[Target]) -> Iterator[Sampler]:
    """A connection that reads what `targets` need and nothing else.

    Raises:
        VeilError: a zone that does not open.
    """
    places = [target.place for target in targets]
    # One thread: a reservoir sample repeats only where rows come in the same order.
    options = {**connection_options(project), "threads": "1"}
    with (
        # A source's location is written from the project's root; DuckDB's search path would not
        # pass the list of allowed folders.
        contextlib.chdir(project.root),
        duckdb.connect(":memory:", config=options) as conn,
    ):
        try:
            _attach_zones(conn, project, {place.database for place in places})
            names = _attach_files(
                conn, {place.database for place in places if isinstance(place.database, Path)}
            )
            _close_doors(conn, project, places)
            yield Sampler(conn, names)
        finally:
            close_zones(conn)


def _attach_zones(
    conn: duckdb.DuckDBPyConnection, project: Project, wanted: set[str | Path]
) -> None:
    zones = [zone for zone in ZONES if zone in wanted and project.zone_file(zone).is_file()]
    if not zones:
        return
    keyring = load_keyring(project)
    if zone_password(keyring, zones[0]) is not None:
        load_crypto(conn)
    for zone in zones:
        attach_zone(conn, project, keyring, zone, read_only=True)


def _attach_files(conn: duckdb.DuckDBPyConnection, files: set[Path]) -> dict[Path, str]:
    names = {}
    for number, path in enumerate(sorted(files)):
        name = f"published_{number}"
        with contextlib.suppress(duckdb.Error):
            conn.execute(f"attach {literal(str(path))} as {name} (read_only)")
        names[path] = name
    return names


def _close_doors(conn: duckdb.DuckDBPyConnection, project: Project, places: list[Place]) -> None:
    folders = ", ".join(literal(str(folder)) for folder in project.readable_folders())
    files = ", ".join(literal(str(place.file.resolve())) for place in places if place.file)
    conn.execute(f"set allowed_directories = [{folders}]")
    conn.execute(f"set allowed_paths = [{files}]")
    conn.execute("set enable_external_access = false")
    conn.execute("set lock_configuration = true")


def sample_relation(
    conn: duckdb.DuckDBPyConnection, relation: str, *, name: str, rows: int
) -> TableSample:
    """A reservoir sample of a relation, every column as text.

    Args:
        conn: a connection with one thread, so that the sample repeats.
        relation: what stands after `from`.
        name: the table's name.
        rows: at most so many rows.

    Raises:
        duckdb.Error: its text may hold values; the caller hides it.
    """
    described = conn.execute(f"describe select * from {relation}").fetchall()
    names = [str(row[0]) for row in described]
    # By place and not by name: names may occur twice or be empty.
    inner = ", ".join(f"c{at}" for at in range(len(names)))
    cells = ", ".join(f"left(cast(c{at} as varchar), {CELL})" for at in range(len(names)))
    conn.execute(
        f"select {cells} from (select * from {relation}) as t({inner})"
        f" using sample reservoir({int(rows)} rows) repeatable ({SEED})"
    )
    values: list[dict[str, None]] = [{} for _ in names]
    sizes = [0] * len(names)
    filled = [0] * len(names)
    drawn = 0
    while batch := conn.fetchmany(_FETCH):
        drawn += len(batch)
        for row in batch:
            for at, cell in enumerate(row):
                text = cell.strip() if cell is not None else ""
                if not text:
                    continue
                filled[at] += 1
                if text not in values[at] and sizes[at] < COLUMN:
                    values[at][text] = None
                    sizes[at] += len(text)
    return TableSample(
        name,
        tuple(
            ColumnSample(
                name=column,
                data_type=str(row[1]).upper(),
                values=tuple(values[at]),
                rows=drawn,
                filled=filled[at],
            )
            for at, (column, row) in enumerate(zip(names, described, strict=True))
        ),
    )
