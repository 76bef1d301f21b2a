"""Tables that were last built from part of their input, by `--empty` or `--sample`.

Each zone notes its own: a transaction writes to one database, and the note has to stand or fall
with the table.
"""

from __future__ import annotations

import duckdb

from veil.project import ZONES
from veil.warehouse.quoting import literal

TABLE = "veil.partial"


def create_partial_tables(conn: duckdb.DuckDBPyConnection) -> None:
    for zone in ZONES:
        conn.execute(f"create schema if not exists {zone}.veil")
        conn.execute(f"create table if not exists {zone}.{TABLE} (relation varchar)")


def whole_sql(database: str, relation: str, *, whole: bool) -> str:
    """SQL that notes how `relation` was built; empty where its database is no zone."""
    if database not in ZONES:
        return ""
    name = literal(relation)
    forget = f"delete from {database}.{TABLE} where relation = {name}"
    return forget if whole else f"{forget}; insert into {database}.{TABLE} values ({name})"


def partial_relations(conn: duckdb.DuckDBPyConnection) -> set[str]:
    """The relations that were last built from part of their input."""
    union = " union all ".join(f"select relation from {zone}.{TABLE}" for zone in ZONES)
    return {str(relation) for (relation,) in conn.execute(union).fetchall()}
