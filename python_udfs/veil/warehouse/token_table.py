"""The sealed table of random tokens: what is asked of it and written to it, in SQL.

A row is a domain, the key id of its lookup, the lookup and the token. Every function here works on
a cursor within a transaction that `in_transaction` opens.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Final, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from veil.errors import VeilError
from veil.pseudonyms.token import PAYLOAD_CHARS
from veil.warehouse.messages import safe_message

TABLE: Final = "identified.veil.tokens"
SPENT: Final = "identified.veil.spent_tokens"
FORMAT: Final = b"t1_"
TOKEN_CHARS: Final = len(FORMAT) + PAYLOAD_CHARS
TRIES: Final = 3
"""How often a token that was given before is drawn anew: 160 bits do not meet by chance."""

_ALPHABET: Final = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_T = TypeVar("_T")


def create_token_tables(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute("create schema if not exists identified.veil")
    conn.execute(
        f"create table if not exists {TABLE}"
        " (domain varchar, kid varchar, lookup varchar, token varchar)"
    )
    conn.execute(f"create table if not exists {SPENT} (digest varchar)")


def in_transaction(
    conn: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], _T]
) -> _T:
    """Run `work` on a cursor of its own, in one transaction.

    Raises:
        VeilError: DuckDB cannot do it; or what `work` raises, and nothing of it was written.
    """
    cursor = conn.cursor()
    try:
        cursor.execute("begin transaction")
        done = work(cursor)
        cursor.execute("commit")
        return done
    except duckdb.Error as error:
        problem = safe_message(error)
    finally:
        with contextlib.suppress(duckdb.Error):
            cursor.execute("rollback")
        cursor.close()
    # Outside the handler: even `from None` would leave the cause attached.
    raise VeilError(f"the table of tokens cannot be used: {problem}")


def random_tokens(count: int) -> pa.LargeStringArray:
    """`count` tokens: `t1_` and 32 characters of lower-case base32, five random bits in each."""
    made = np.empty((count, TOKEN_CHARS), np.uint8)
    made[:, : len(FORMAT)] = np.frombuffer(FORMAT, np.uint8)
    bits = np.frombuffer(os.urandom(count * PAYLOAD_CHARS), np.uint8) & 31
    made[:, len(FORMAT) :] = _ALPHABET[bits].reshape(count, PAYLOAD_CHARS)
    offsets = np.arange(0, (count + 1) * TOKEN_CHARS, TOKEN_CHARS, dtype=np.int64)
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(made))


def unseen(cursor: duckdb.DuckDBPyConnection, domain: str, kid: str) -> pa.Table:
    """The lookups in `veil_wanted` that have no token under a key."""
    return cursor.execute(
        f"select distinct lookup from veil_wanted anti join (select lookup from {TABLE}"
        " where domain = ? and kid = ?) using (lookup)",
        [domain, kid],
    ).to_arrow_table()


def rekey(
    cursor: duckdb.DuckDBPyConnection,
    pairs: pa.Table,
    missing: pa.Table,
    *,
    domain: str,
    kids: tuple[str, str],
) -> int:
    """Bring the tokens of missing lookups from an older key to the primary one; how many.

    Args:
        cursor: within the transaction.
        pairs: `lookup` under the primary key, and what it `was` under the older one.
        missing: the lookups that have no token yet.
        domain: whose tokens.
        kids: the older key, and the primary one.
    """
    cursor.register("veil_pairs", pairs)
    cursor.register("veil_missing", missing)
    old, new = kids
    return _number(
        cursor.execute(
            f"update {TABLE} as held set kid = ?, lookup = moved.lookup from (select distinct"
            " lookup, was from veil_pairs semi join veil_missing using (lookup)) as moved"
            " where held.domain = ? and held.kid = ? and held.lookup = moved.was",
            [new, domain, old],
        )
    )


def draw_unseen(
    cursor: duckdb.DuckDBPyConnection, missing: pa.Table, *, domain: str, kid: str
) -> None:
    """Draw a token for each missing lookup, none of which was ever given."""
    for _ in range(TRIES):
        cursor.register("veil_drawn", missing.append_column("token", random_tokens(len(missing))))
        taken = _number(
            cursor.execute(
                "select count(*) - count(distinct token) + count(*) filter ("
                f" token in (select token from {TABLE})"
                f" or sha256(token) in (select digest from {SPENT})) from veil_drawn"
            )
        )
        if not taken:
            cursor.execute(
                f"insert into {TABLE} select ?, ?, lookup, token from veil_drawn", [domain, kid]
            )
            return
    raise VeilError(
        "the operating system's random numbers repeat themselves; no token was given.",
        remedy="Do not build on this machine until its source of randomness is mended.",
    )


def spend(cursor: duckdb.DuckDBPyConnection, domain: str, kid: str, which: str = "") -> int:
    """Delete tokens of a domain under a key and note that they were given; how many."""
    where = f"where domain = ? and kid = ?{which}"
    cursor.execute(f"insert into {SPENT} select sha256(token) from {TABLE} {where}", [domain, kid])
    return _number(cursor.execute(f"delete from {TABLE} {where}", [domain, kid]))


def _number(done: duckdb.DuckDBPyConnection) -> int:
    """The one number of a result, or how many rows a statement changed."""
    ((number,),) = done.fetchall()
    return int(number)
