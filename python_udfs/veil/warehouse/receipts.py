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

from veil.keys import Keyring
from veil.warehouse.quoting import literal

TABLE = "marts.veil.receipts"


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


def _mac(keyring: Keyring, body: str) -> str:
    kid, key = keyring.subkey("receipt", "*", use="mac")
    return f"{kid}:{hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}"


def create_receipt_table(conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute("create schema if not exists marts.veil")
    conn.execute(
        f"create table if not exists {TABLE} (mart varchar, body varchar, mac varchar,"
        " written_at timestamptz)"
    )


def insert_sql(receipt: Receipt, keyring: Keyring) -> str:
    """SQL that replaces the receipt of one mart; run in the mart's transaction."""
    body = receipt.body()
    values = ", ".join(literal(text) for text in (receipt.mart, body, _mac(keyring, body)))
    mart = literal(receipt.mart)
    return f"delete from {TABLE} where mart = {mart}; insert into {TABLE} values ({values}, now())"


def valid_receipts(conn: duckdb.DuckDBPyConnection, keyring: Keyring) -> dict[str, Receipt]:
    """The receipts whose MAC holds, by the mart's unique id. A forged or damaged row is no row."""
    found = {}
    rows = conn.execute(f"select mart, body, mac from {TABLE} order by written_at").fetchall()
    for mart, body, mac in rows:
        if not hmac.compare_digest(str(mac), _mac(keyring, str(body))):
            continue
        fields = json.loads(body)
        receipt = Receipt(**{**fields, "gates": tuple(fields["gates"])})
        if receipt.mart == mart:
            found[mart] = receipt
    return found
