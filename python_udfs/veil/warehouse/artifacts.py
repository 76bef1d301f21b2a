"""The artefact scan's DuckDB side: values out of the identified zone, tables inside other files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import duckdb

from veil.artifacts import Identifier, Kind, Opened, Sheet, Wanted, scan_files
from veil.artifacts.places import read_manifest
from veil.artifacts.sheets import CELL, ROW, UnreadableError
from veil.errors import VeilError
from veil.findings import Finding
from veil.keys import Keyring
from veil.policy.graph import Graph, Node
from veil.project import IDENTIFIED, Project
from veil.state import load_keyring
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.zones import attach_zone, close_zones, load_crypto, zone_password

_ORDER = {"model": 0, "snapshot": 1, "seed": 2, "source": 3}
_FETCH = 20_000
_TEXT = 1 << 18
_MOST_CELLS = 5_000
_NAMES = """
    select concat_ws(' ', schema_name, comment) from duckdb_schemas() where {mine}
    union all select concat_ws(' ', table_name, comment) from duckdb_tables() where {mine}
    union all select concat_ws(' ', view_name, comment, sql) from duckdb_views() where {mine}
    union all
    select concat_ws(' ', column_name, comment, column_default) from duckdb_columns() where {mine}
    union all select constraint_text from duckdb_constraints() where {mine}
    union all select concat_ws(' ', index_name, comment, sql) from duckdb_indexes() where {mine}
    union all select concat_ws(' ', sequence_name, comment) from duckdb_sequences() where {mine}
    union all
    select concat_ws(' ', type_name, comment, cast(labels as varchar)) from duckdb_types()
    where {mine}
    union all
    select concat_ws(' ', function_name, comment, macro_definition) from duckdb_functions()
    where {mine}
"""
_PARQUET_NAMES = """
    select name from parquet_schema({file})
    union all select concat_ws(' ', decode(key), decode(value)) from parquet_kv_metadata({file})
    union all select concat_ws(' ', stats_min_value, stats_max_value) from parquet_metadata({file})
"""


def scan_artifacts(
    project: Project,
    conn: duckdb.DuckDBPyConnection,
    keyring: Keyring,
    graph: Graph,
    *,
    since_last: bool,
    wanted: Wanted | None = None,
) -> list[Finding]:
    """Scan every file that dbt and veil write for keys and direct identifiers.

    Args:
        project: its folders.
        conn: with the identified zone attached; it may be locked down.
        keyring: opened.
        graph: says which columns are direct identifiers.
        since_last: read only what changed since the last scan; what it found clean and nobody
            touched is clean. A file with a finding is read again each time.
        wanted: what an earlier scan of the same run looked for, with its fingerprints.

    Returns:
        One finding for each source and file, heaviest first; none holds a value.

    Raises:
        VeilError: a key cannot be unwrapped, or the record of the scan cannot be written.
    """
    if wanted is None:
        wanted = wanted_of(conn, graph)
    return scan_files(project, keyring, wanted, open_tables, since_last=since_last)


def wanted_of(conn: duckdb.DuckDBPyConnection, graph: Graph) -> Wanted:
    """What a scan looks for: the direct identifiers in the identified zone, as it is now."""
    columns = list(_columns(conn, graph))
    return Wanted(
        sources=tuple(sorted(f"{node.name}.{column}" for node, _, column, _ in columns)),
        values=lambda: identifiers(conn, graph),
        domains=_domains(graph),
        uses=_noises(graph),
    )


def scan_project(project: Project, *, since_last: bool = False) -> list[Finding]:
    """Scan a project as it lies there: for the command line.

    Raises:
        VeilError: no keyring, no manifest, or a zone that does not open.
    """
    keyring = load_keyring(project)
    graph = _manifest(project)
    with duckdb.connect(":memory:") as conn:
        try:
            if project.zone_file(IDENTIFIED).exists():
                if zone_password(keyring, IDENTIFIED) is not None:
                    load_crypto(conn)
                attach_zone(conn, project, keyring, IDENTIFIED, read_only=True)
            return scan_artifacts(project, conn, keyring, graph, since_last=since_last)
        finally:
            close_zones(conn)


def _manifest(project: Project) -> Graph:
    found = read_manifest(project)
    if found is not None:
        with contextlib.suppress(LookupError, TypeError, AttributeError):
            return Graph(found[1])
    raise VeilError(
        "target/manifest.json cannot be read, and with it what is a direct identifier.",
        remedy="Run `dbt parse` first.",
    )


def _domains(graph: Graph) -> tuple[str, ...]:
    found = (
        column.meta.get("privacy_domain") for node in graph for column in node.columns.values()
    )
    return tuple(sorted({str(domain) for domain in found if domain}))


def _noises(graph: Graph) -> tuple[str, ...]:
    """The uses of the perturbation key that `veil_noise` derives, one for each noisy column."""
    columns = (
        column.name
        for node in graph
        for column in node.columns.values()
        if column.meta.get("privacy_mask") == "noise"
    )
    return tuple(sorted(f"noise-{sha256(name.encode()).hexdigest()[:16]}" for name in set(columns)))


def identifiers(conn: duckdb.DuckDBPyConnection, graph: Graph) -> Iterator[Identifier]:
    """The values of every direct identifier in the identified zone, raw models first.

    A person is known by the first direct identifier of the row; a row without one is a person of
    its own.
    """
    for node, person, column, is_list in _columns(conn, graph):
        value = f"unnest({identifier(column)})" if is_list else identifier(column)
        cursor = conn.cursor()
        cursor.execute(
            f"select distinct coalesce(cast({identifier(person)} as varchar),"
            f" cast(uuid() as varchar)) as person, cast({value} as varchar) as value"
            f" from {node.relation} where {identifier(column)} is not null"
        )
        source = f"{node.name}.{column}"
        while rows := cursor.fetchmany(_FETCH):
            for owner, text in rows:
                if text:
                    yield Identifier(source, owner, text)
        cursor.close()


def _columns(
    conn: duckdb.DuckDBPyConnection, graph: Graph
) -> Iterator[tuple[Node, str, str, bool]]:
    """Each direct identifier that stands in the zone: node, column of the person, column, list."""
    there = {
        (str(schema).lower(), str(table).lower(), str(column).lower()): str(kind)
        for schema, table, column, kind in conn.cursor()
        .execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            f" where database_name = '{IDENTIFIED}'"
        )
        .fetchall()
    }
    for node in sorted(graph, key=lambda one: (_ORDER.get(one.kind, 9), one.unique_id)):
        if node.database.lower() != IDENTIFIED:
            continue
        place = (node.schema.lower(), node.identifier.lower())
        direct = [
            column.name
            for column in node.columns.values()
            if column.meta.get("privacy_class") == "direct_identifier"
            and (*place, column.name.lower()) in there
        ]
        for column in direct:
            yield node, direct[0], column, there[(*place, column.lower())].endswith("[]")


@contextlib.contextmanager
def open_tables(path: Path) -> Iterator[Opened]:
    """Open a DuckDB or Parquet file on a connection of its own, which reads nothing else."""
    with path.open("rb") as file:
        head = file.read(32)
    is_duckdb, is_parquet = head[8:12] == b"DUCK", head[:4] == b"PAR1"
    if not is_duckdb and not is_parquet:
        yield Opened(Kind.OTHER)
        return
    with duckdb.connect(":memory:") as conn:
        try:
            if is_parquet:
                conn.execute(f"set allowed_paths = [{literal(str(path))}]")
            else:
                conn.execute(f"attach {literal(str(path))} as scanned (read_only)")
            conn.execute("set enable_external_access = false")
            sheets = _parquet(conn, path) if is_parquet else _database(conn)
            opened = Opened(Kind.TABLES, sheets)
        except duckdb.Error as error:
            opened = Opened(_why_closed(error, flagged=bool(head[20] & 1)))
        yield opened


def _why_closed(error: duckdb.Error, *, flagged: bool) -> Kind:
    """Encrypted only where the header says so and DuckDB asks for a key, or has the file open."""
    text = str(error).lower()
    refused = "without a key" in text or "already attached" in text or "handle conflict" in text
    return Kind.ENCRYPTED if flagged and refused else Kind.BROKEN


def _database(conn: duckdb.DuckDBPyConnection) -> Iterator[Sheet]:
    mine = "database_name = 'scanned'"
    yield Sheet("", (), _names(conn, _NAMES.format(mine=mine)), lambda _column: [])
    relations = conn.execute(
        f"select schema_name, table_name, true from duckdb_tables() where {mine}"
        f" union all select schema_name, view_name, false from duckdb_views() where {mine}"
        " and not internal order by all"
    ).fetchall()
    for schema, name, is_table in relations:
        relation = f"scanned.{identifier(schema)}.{identifier(name)}"
        try:
            yield _sheet(conn, str(name), relation)
        except duckdb.Error:
            # A view that cannot be read shows nobody anything; its text is among the names.
            if is_table:
                raise UnreadableError from None


def _parquet(conn: duckdb.DuckDBPyConnection, path: Path) -> Iterator[Sheet]:
    try:
        names = _names(conn, _PARQUET_NAMES.format(file=literal(str(path))))
        yield Sheet("", (), names, lambda _column: [])
        yield _sheet(conn, path.stem, f"read_parquet({literal(str(path))})")
    except duckdb.Error:
        raise UnreadableError from None


def _names(conn: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    rows = conn.execute(sql).fetchall()
    return [ROW.join(str(text) for (text,) in rows if text)]


def _sheet(conn: duckdb.DuckDBPyConnection, name: str, relation: str) -> Sheet:
    described = conn.execute(f"describe select * from {relation}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}

    def distinct(column: str) -> list[str]:
        if not types[column].startswith(("VARCHAR", "ENUM")):
            return []
        text = f"cast({identifier(column)} as varchar)"
        rows = conn.execute(
            f"select distinct {text} from {relation} where {text} <> '' limit {_MOST_CELLS}"
        ).fetchall()
        return [str(value) for (value,) in rows]

    return Sheet(name, tuple(types), _rows(conn, relation, tuple(types)), distinct)


def _rows(
    conn: duckdb.DuckDBPyConnection, relation: str, columns: tuple[str, ...]
) -> Iterator[str]:
    cells = ", ".join(
        f"coalesce(translate(cast({identifier(column)} as varchar), chr(10) || chr(31), '  '), '')"
        for column in columns
    )
    try:
        cursor = conn.cursor()
        cursor.execute(f"select concat_ws({literal(CELL)}, {cells}) from {relation}")
        waiting: list[str] = []
        size = 0
        while rows := cursor.fetchmany(_FETCH):
            for (text,) in rows:
                waiting.append(text)
                size += len(text)
                if size > _TEXT:
                    yield ROW.join(waiting)
                    waiting, size = [], 0
        if waiting:
            yield ROW.join(waiting)
    except duckdb.Error:
        raise UnreadableError from None
