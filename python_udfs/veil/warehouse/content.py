"""The content hash: what a table says, whatever the order and the file it is stored in."""

from __future__ import annotations

import duckdb


def content_sql(relation: str) -> str:
    """SQL that gives one row: the content hash and the number of rows of `relation`.

    Each row becomes its JSON text, which names the columns and tells NULL from the empty string;
    the hash is taken over the sorted hashes of the rows. Types stand beside it, as JSON does not
    tell a date from its text.
    """
    return f"""
        with rows as (
            select sha256(cast(to_json(r) as varchar)) as row_hash from {relation} as r
        ),
        types as (
            select string_agg(column_name || ' ' || column_type, ',' order by column_name) as line
            from (describe {relation})
        )
        select
            sha256(any_value(types.line) || ':' || count(row_hash) || ':'
                || coalesce(string_agg(row_hash, '' order by row_hash), '')) as content_hash,
            count(row_hash) as row_count
        from types left join rows on true
    """


def content_of(conn: duckdb.DuckDBPyConnection, relation: str) -> tuple[str, int]:
    """The content hash and the number of rows of `relation`, as `conn` sees it now."""
    ((content_hash, rows),) = conn.execute(content_sql(relation)).fetchall()
    return str(content_hash), int(rows)
