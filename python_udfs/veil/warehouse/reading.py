"""Reading a published file, as any DuckDB client would."""

from __future__ import annotations

from pathlib import Path

import duckdb

from veil.errors import VeilError
from veil.warehouse.quoting import identifier


def first_rows(file: Path, table: str, *, rows: int) -> str:
    """The first `rows` rows of a published table, drawn as a box.

    Args:
        table: a name that RELEASE.json lists.

    Raises:
        VeilError: where the file cannot be opened.
    """
    name = identifier(table)
    try:
        with duckdb.connect(str(file), read_only=True) as conn:
            query = conn.sql(f"from {name} order by all limit {int(rows)}")
            return repr(query).rstrip()
    except duckdb.Error:
        raise VeilError(
            f"published/{file.name} cannot be read.", remedy="Run `veil publish` to write it anew."
        ) from None
