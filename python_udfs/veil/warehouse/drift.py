"""Schema drift in a build, before anything is built: a new column is classified before a single row
of it is copied."""

from __future__ import annotations

import re

import duckdb

from veil.findings import Finding
from veil.policy.drift import compare, seed_header
from veil.policy.graph import Graph, Node
from veil.project import Project
from veil.warehouse.definitions import described_columns, real_columns

_TYPE = re.compile(r"[\w ()\[\],]+")


def drifts(conn: duckdb.DuckDBPyConnection, project: Project, graph: Graph) -> list[Finding]:
    """What has drifted; a source that is not there yet has not."""
    cursor = conn.cursor()

    def canonical(data_type: str) -> str:
        if not _TYPE.fullmatch(data_type):
            return ""
        try:
            rows = cursor.execute(f"describe select cast(null as {data_type}) as one").fetchall()
        except duckdb.Error:
            return ""
        return str(rows[0][1])

    found: list[Finding] = []
    read = {parent for node in graph for parent in node.parents}
    for node in graph:
        if node.kind == "seed" and node.is_classified:
            found += compare(node, dict.fromkeys(seed_header(project, node), ""))
        elif node.kind == "source" and node.is_classified and node.unique_id in read:
            found += compare(node, _source_columns(cursor, node), canonical)
    return found


def _source_columns(conn: duckdb.DuckDBPyConnection, node: Node) -> dict[str, str]:
    if node.is_table:
        return real_columns(conn, node.database, node.schema, node.identifier)
    try:
        return described_columns(conn, node.relation)
    except duckdb.Error:
        return {}  # DuckDB's own words may quote the file
