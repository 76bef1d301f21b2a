"""Schema drift: a seed or source whose columns are not those that its YAML promises.

Looked at before anything is built, so that a new column is classified before a single row of it is
copied.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from veil.policy.graph import Graph, Node
from veil.policy.rules.common import title
from veil.project import Project
from veil.warehouse.definitions import described_columns, real_columns

WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,62}")
TYPE = re.compile(r"[\w ()\[\],]+")


def drifts(conn: duckdb.DuckDBPyConnection, project: Project, graph: Graph) -> list[str]:
    """What has drifted, one line each; a source that is not there yet has not drifted."""
    found: list[str] = []
    cursor = conn.cursor()
    read = {parent for node in graph for parent in node.parents}
    for node in graph:
        if node.kind == "seed" and node.is_classified:
            header = _header(project, node)
            if header is not None:
                found += _compare(node, dict.fromkeys(header, ""), cursor)
        elif node.kind == "source" and node.is_classified and node.unique_id in read:
            found += _compare(node, _source_columns(cursor, node), cursor)
    return found


def _header(project: Project, node: Node) -> list[str] | None:
    """The column names in a seed's file; None where the file is gone or empty: dbt says so."""
    file = Path(str(node.raw.get("root_path") or project.root)) / node.file
    delimiter = str(node.config.get("delimiter") or ",")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines, delimiter=delimiter), None)
    except (OSError, UnicodeError, csv.Error):
        return None
    return [name.strip() for name in header] if header else None


def _source_columns(conn: duckdb.DuckDBPyConnection, node: Node) -> dict[str, str]:
    if node.relation.startswith('"'):
        return real_columns(conn, node.database, node.schema, node.identifier)
    try:
        return described_columns(conn, node.relation)
    except duckdb.Error:
        return {}  # DuckDB's own words may quote the file


def _compare(node: Node, real: dict[str, str], conn: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Names in both directions, and types where the YAML declares one."""
    if not real:
        return
    declared = {column.name.lower(): column for column in node.columns.values()}
    there = {name.lower(): kind for name, kind in real.items()}
    if not declared.keys() & there.keys():
        # Its first line may be a row of data: no word of it is printed.
        yield (
            f"{title(node)} has none of the columns that its YAML promises. Bring its header back,"
            " or correct the YAML."
        )
        return
    for number, name in enumerate(real, start=1):
        if name.lower() not in declared:
            shown = f"`{name}`" if WORD.fullmatch(name) else f"number {number}"
            yield (
                f"{title(node)} has the column {shown}, which its YAML does not know. Classify it"
                " there, or take it out of the data."
            )
    for name, column in declared.items():
        if name not in there:
            yield (
                f"{title(node)} lacks the column `{column.name}`, which its YAML promises. Bring it"
                " back, or take it out of the YAML."
            )
        elif column.data_type and there[name]:
            wanted = _canonical(conn, column.data_type)
            if wanted and wanted != there[name]:
                yield (
                    f"{title(node)} column `{column.name}` is of type `{there[name].lower()}`, but"
                    f" its YAML promises `{column.data_type}`. Correct one of the two."
                )


def _canonical(conn: duckdb.DuckDBPyConnection, data_type: str) -> str:
    """A type as DuckDB spells it; empty where it knows none of that name."""
    if not TYPE.fullmatch(data_type):
        return ""
    try:
        rows = conn.execute(f"describe select cast(null as {data_type}) as one").fetchall()
    except duckdb.Error:
        return ""
    return str(rows[0][1])
