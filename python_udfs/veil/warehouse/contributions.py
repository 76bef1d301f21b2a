"""The contributions that a release reads: one row each, of a known unit, in columns that fit.

What is temporary here stands on one connection and ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from veil.differential.sensitivity import Contribution
from veil.errors import VeilError
from veil.pseudonyms.token import FORMAT
from veil.releases.parts import Part
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.steps import WHOLE, Types, check_number

ROWS, UNITS = "veil_rows", "veil_units"
UNIT, UID = '"veil u"', '"veil uid"'
"""Names that no column of a row query has: YAML refuses a blank in a name."""
_KID = f"^{FORMAT}_(k[a-z2-7]{{7}})_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is aggregated.

    Attributes:
        sql: the row query.
        unit: SQL of the unit over its columns, as text.
        keys: names of the partition keys among its columns.
        parts: what is computed.
        bounds: L0 and Linf.
        cells: the public cells, with the columns `keys`, of the types that they are to have; None
            for those that occur.
    """

    sql: str
    unit: str
    keys: tuple[str, ...]
    parts: Sequence[Part]
    bounds: Contribution
    cells: pa.Table | None

    @property
    def key_columns(self) -> list[str]:
        """The partition keys, quoted."""
        return [identifier(name) for name in self.keys]

    @property
    def value_columns(self) -> list[str]:
        """What the metrics are over, quoted; each once, as DuckDB tells names apart."""
        names = {part.column.lower(): identifier(part.column) for part in self.parts if part.column}
        return [names[name] for name in sorted(names)]

    @property
    def columns(self) -> list[str]:
        """The partition keys and what the metrics are over, quoted; each once."""
        both = [*self.key_columns, *self.value_columns]
        return list({name.lower(): name for name in both}.values())


def open_rows(conn: duckdb.DuckDBPyConnection, query: Query) -> Types:
    """Make the view `ROWS` of the unit, the keys and the values, and the table `UNITS`.

    Returns:
        The types of the keys and of the values.

    Raises:
        VeilError: a NULL unit, two key ids in one unit column, a column that does not fit.
        duckdb.Error: a statement fails; its text may quote a value.
    """
    chosen = ", ".join((f"cast({query.unit} as varchar) as {UNIT}", *query.columns))
    conn.execute(
        f"create or replace temp view {ROWS} as select {chosen} from ({query.sql}) as contributions"
    )
    described = conn.execute(f"describe {ROWS}").fetchall()
    types = {str(name).lower(): str(kind) for name, kind, *_ in described}
    for name in query.keys:
        if kind_of_key(types[name.lower()]) is None:
            raise VeilError(
                f"column `{name}` has a type that no partition key may have.",
                remedy="Cast it to text, boolean, a whole number or a date in the mart's SQL.",
            )
    for part in query.parts:
        check_number(part, types)
    conn.execute(
        f"create temp table {UNITS} as select {UNIT}, row_number() over () - 1 as {UID}"
        f" from (select distinct {UNIT} from {ROWS})"
    )
    nulls, kids = conn.execute(
        f"select count(*) - count({UNIT}),"
        f" count(distinct regexp_extract({UNIT}, {literal(_KID)}, 1)) from {UNITS}"
    ).fetchall()[0]
    if nulls:
        raise VeilError(
            "a row has no privacy unit, so that nobody can bound what it adds.",
            remedy="Filter such rows in the mart's SQL: `where <unit> is not null`.",
        )
    if kids > 1:
        raise VeilError(
            "the privacy unit has pseudonyms of two keys, so that one person counts twice.",
            remedy="Build what it reads anew: `dbt build --full-refresh --select +<mart>`.",
        )
    return types


def kind_of_key(data_type: str) -> str | None:
    """The values of a type that are told apart as those of another one; None where none may be.

    No float, no timestamp, no interval: two that print alike can be two cells, or the reverse.
    """
    if data_type in WHOLE:
        return "whole number"
    if data_type == "VARCHAR" or data_type.startswith("ENUM("):
        return "text"
    return data_type.lower() if data_type in ("BOOLEAN", "DATE") else None


def texts(conn: duckdb.DuckDBPyConnection, sql: str) -> pa.ChunkedArray:
    """The one column of a query."""
    return conn.execute(sql).to_arrow_table().column(0)


def canonical(columns: Iterable[str]) -> str:
    """SQL of a text that two rows share only where all columns are the same; NULL is a value."""
    parts = [
        f"coalesce(length(cast({one} as varchar)) || ':' || cast({one} as varchar), '-')"
        for one in columns
    ]
    return f"concat({', '.join(parts)})" if parts else "''"
