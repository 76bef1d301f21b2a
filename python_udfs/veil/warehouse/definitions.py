"""The definition of every built table, kept beside it and written in its transaction.

The lineage gate reads from here what a stored table is made of; the project's files only say what
the next one would be made of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from veil.gate import Definition
from veil.project import ZONES
from veil.warehouse.quoting import literal

TABLE = "veil.definitions"


def create_definition_tables(conn: duckdb.DuckDBPyConnection) -> None:
    for zone in ZONES:
        conn.execute(f"create schema if not exists {zone}.veil")
        conn.execute(
            f"create table if not exists {zone}.{TABLE}"
            " (relation varchar, shape varchar, body varchar, written_at timestamptz)"
        )


def note_sql(database: str, relation: str, definition: Definition, *, adds: bool) -> str:
    """SQL that keeps the definition of `relation`; empty where its database is no zone.

    Args:
        database: the relation's database.
        relation: its full name.
        definition: by what it was built.
        adds: rows were added to those that stand there, which keep their definitions.
    """
    if database not in ZONES:
        return ""
    name, shape = literal(relation), literal(definition.shape)
    body = json.dumps({"sql": definition.sql, "parents": dict(definition.parents)}, sort_keys=True)
    which = f" and shape = {shape}" if adds else ""
    return (
        f"delete from {database}.{TABLE} where relation = {name}{which};"
        f" insert into {database}.{TABLE} values ({name}, {shape}, {literal(body)}, now())"
    )


def stored_definitions(
    conn: duckdb.DuckDBPyConnection, database: str, relation: str
) -> Sequence[Definition]:
    """The definitions of a table that stands in a zone, the first one first."""
    if database not in ZONES:
        return ()
    sql = f"select body from {database}.{TABLE} where relation = ? order by written_at, shape"
    found = []
    for (body,) in conn.execute(sql, [relation]).fetchall():
        fields = json.loads(body)
        found.append(Definition(fields["sql"], fields["parents"]))
    return found


def real_columns(
    conn: duckdb.DuckDBPyConnection, database: str, schema: str, name: str
) -> dict[str, str]:
    """The columns of a table or view with their types, in order; empty where there is none."""
    sql = (
        "select column_name, data_type from duckdb_columns() where lower(database_name) = ?"
        " and lower(schema_name) = ? and lower(table_name) = ? order by column_index"
    )
    return dict(conn.execute(sql, [database.lower(), schema.lower(), name.lower()]).fetchall())


def described_columns(conn: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a file or call in FROM, with their types, in order."""
    rows = conn.execute(f"describe select * from {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}
