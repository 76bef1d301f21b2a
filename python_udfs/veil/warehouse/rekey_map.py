"""The re-key map: which pseudonym under the primary key stands for one under a former key.

It lies in the encrypted identified zone while the window of a former key is open. No function makes
a pseudonym under a former key in SQL: the values travel by Arrow batches, and the tables that hold
them are registered on a cursor that no model has.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from veil.keys import Keyring
from veil.keys.entry import time_text
from veil.policy.graph import Graph
from veil.pseudonyms import Pseudonymiser
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.stored_pseudonyms import DomainKeys, StoredColumn, declared, is_open

MAP = "identified.veil.rekey"
_FOUND = "identified.veil.rekey_found"
"""Filled and dropped within the transaction that extends the map."""
_BATCH = 100_000


@dataclass(frozen=True, slots=True, order=True)
class _Source:
    """Where the values behind the pseudonyms of a domain stand."""

    domain: str
    privacy_type: str
    relation: str
    column: str


def create_map(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute("create schema if not exists identified.veil")
    conn.execute(
        f"create table if not exists {MAP}"
        " (domain varchar, privacy_type varchar, old varchar, new varchar)"
    )


def drop_map(conn: duckdb.DuckDBPyConnection) -> None:
    """Drop the map; its bytes go with the next new file of the identified zone."""
    conn.execute(f"drop table if exists {MAP}")


def has_map(conn: duckdb.DuckDBPyConnection) -> bool:
    """Whether there is a map."""
    return bool(
        conn.execute(
            "select 1 from duckdb_tables() where database_name = 'identified'"
            " and schema_name = 'veil' and table_name = 'rekey'"
        ).fetchall()
    )


def lacks(cursor: duckdb.DuckDBPyConnection, column: StoredColumn, kids: Collection[str]) -> bool:
    """Whether a column holds a pseudonym of those keys that the map does not know."""
    held = " or ".join(column.holds(kid) for kid in kids)
    sql = (
        f"select 1 from {column.table} as t anti join {MAP} as m"
        f" on {column.pseudonym(kids)} = m.old where {held} limit 1"
    )
    return bool(cursor.execute(sql).fetchall())


def extend_map(
    cursor: duckdb.DuckDBPyConnection,
    keyring: Keyring,
    graph: Graph,
    domains: Mapping[str, DomainKeys],
) -> None:
    """Take every value of the raw models into the map, under each former key; in one transaction.

    What an earlier map led to a key that is former by now is led on to the primary one.

    Raises:
        VeilError: a key does not unwrap.
        duckdb.Error: the map cannot be written; its text may hold values.
    """
    cursor.execute("begin transaction")
    try:
        cursor.execute(f"create table {_FOUND} as from {MAP} limit 0")
        for source in sorted(_sources(graph)):
            keys = domains.get(source.domain)
            if keys is not None and keys.former:
                _take_in(cursor, keyring, source, keys)
        cursor.execute(
            f"delete from {MAP} as m using {_FOUND} as f where m.old = f.old and m.new <> f.new"
        )
        cursor.execute(
            f"insert into {MAP} select distinct on (f.old) f.* from {_FOUND} as f"
            f" anti join {MAP} as m on m.old = f.old"
        )
        cursor.execute(f"drop table {_FOUND}")
        led_on = f"update {MAP} as a set new = b.new from {MAP} as b where a.new = b.old"
        while cursor.execute(led_on).fetchall() != [(0,)]:
            pass
        cursor.execute("commit")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            cursor.execute("rollback")
        raise


def forget_ended(
    cursor: duckdb.DuckDBPyConnection, keyring: Keyring, *, at: datetime | None
) -> None:
    """Drop what the map says of keys whose window is over, and the map when nothing is left."""
    if not has_map(cursor):
        return
    now = time_text(at)
    still = [literal(entry.kid) for entry in keyring.entries if is_open(entry, now)]
    cursor.execute(f"delete from {MAP} where split_part(old, '_', 2) not in ({', '.join(still)})")
    if not cursor.execute(f"select 1 from {MAP} limit 1").fetchall():
        drop_map(cursor)


def _sources(graph: Graph) -> set[_Source]:
    """The raw columns under the pseudonyms of every model."""
    found = set()
    for node in graph:
        parents = [graph.node(one) for one in node.parents if graph.knows(one)]
        for _name, source, domain in declared(node):
            for parent in parents:
                raw = parent.columns.get(source)
                if raw is not None and raw.meta.get("privacy_type"):
                    kind = str(raw.meta["privacy_type"])
                    found.add(_Source(domain, kind, parent.relation, raw.name))
    return found


def _take_in(
    cursor: duckdb.DuckDBPyConnection, keyring: Keyring, source: _Source, keys: DomainKeys
) -> None:
    primary = _engine(keyring, source.domain, keys.primary)
    former = [_engine(keyring, source.domain, entry.kid) for entry in keys.former]
    for values in _values(cursor, source):
        new = primary.tokens(values, privacy_type=source.privacy_type)
        for engine in former:
            old = engine.tokens(values, privacy_type=source.privacy_type)
            cursor.register("veil_rekey_batch", pa.table({"old": old, "new": new}))
            cursor.execute(
                f"insert into {_FOUND} select ?, ?, old, new from veil_rekey_batch",
                [source.domain, source.privacy_type],
            )
            cursor.unregister("veil_rekey_batch")


def _engine(keyring: Keyring, domain: str, kid: str) -> Pseudonymiser:
    _kid, key = keyring.subkey("pseudonym", domain, use="mac", kid=kid)
    return Pseudonymiser(key.hex(), kid)


def _values(cursor: duckdb.DuckDBPyConnection, source: _Source) -> Iterator[pa.Array]:
    """The distinct values of a raw column, in batches; none where the raw model does not stand."""
    with cursor.cursor() as reader:
        column = identifier(source.column)
        try:
            reader.execute(
                f"select distinct cast({column} as varchar) as value from {source.relation}"
                f" where {column} is not null"
            )
        except (duckdb.CatalogException, duckdb.BinderException, duckdb.IOException):
            return
        for batch in reader.to_arrow_reader(_BATCH):
            yield batch.column(0)
