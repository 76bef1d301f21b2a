"""Receipts: proof that a mart passed its gates in exactly this content.

A receipt is a row beside the marts, written in the mart's own transaction. Its MAC is keyed by the
keyring's `receipt` key, so a row that somebody inserts by hand opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass

import duckdb

from veil.keys import Keyring, Status
from veil.warehouse.quoting import literal

TABLE = "marts.veil.receipts"
_VOUCHES = frozenset({Status.PRIMARY, Status.ACTIVE})


@dataclass(frozen=True)
class Receipt:
    """What is vouched for. Hashes are SHA-256 in lower-case hexadecimal."""

    mart: str
    relation: str
    content_hash: str
    rows: int
    definition_hash: str
    policy_hash: str
    gates: tuple[str, ...]

    def body(self) -> str:
        """The canonical JSON that the MAC is computed over."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def _mac(key: bytes, body: str) -> str:
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()


def _key(keyring: Keyring, kid: str) -> bytes | None:
    """The key that a row names; None where it opens nothing: unknown, out of use, another's."""
    for entry in keyring.entries:
        if entry.kid == kid and entry.purpose == "receipt" and entry.status in _VOUCHES:
            return keyring.subkey("receipt", "*", use="mac", kid=kid)[1]
    return None


def create_receipt_table(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute("create schema if not exists marts.veil")
    conn.execute(
        f"create table if not exists {TABLE} (mart varchar, body varchar, mac varchar,"
        " written_at timestamptz)"
    )


def insert_sql(receipt: Receipt, keyring: Keyring) -> str:
    """SQL that replaces the receipt of one mart; run in the mart's transaction."""
    body = receipt.body()
    kid, key = keyring.subkey("receipt", "*", use="mac")
    vouched = (receipt.mart, body, f"{kid}:{_mac(key, body)}")
    values = ", ".join(literal(text) for text in vouched)
    mart = literal(receipt.mart)
    return f"delete from {TABLE} where mart = {mart}; insert into {TABLE} values ({values}, now())"


def valid_receipts(conn: duckdb.DuckDBPyConnection, keyring: Keyring) -> dict[str, Receipt]:
    """The receipts whose MAC holds, by the mart's unique id. A forged or damaged row is no row.

    The MAC is checked under the key that the row names, as long as that key is primary or active.
    """
    found = {}
    keys: dict[str, bytes | None] = {}
    rows = conn.execute(f"select mart, body, mac from {TABLE} order by written_at").fetchall()
    for mart, body, mac in rows:
        kid, _, tag = str(mac).partition(":")
        if kid not in keys:
            keys[kid] = _key(keyring, kid)
        key = keys[kid]
        # As bytes: a text that is not ASCII cannot be compared.
        if key is None or not hmac.compare_digest(tag.encode(), _mac(key, str(body)).encode()):
            continue
        fields = json.loads(body)
        receipt = Receipt(**{**fields, "gates": tuple(fields["gates"])})
        if receipt.mart == mart:
            found[mart] = receipt
    return found
