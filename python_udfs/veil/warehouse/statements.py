"""Which kinds of statement dbt may send while the zones are attached.

YAML reaches SQL in more places than a gate can read: names of schemas, indexes, constraints,
arguments of tests. Whatever slips in there, it cannot leave through a statement that is not sent.
"""

from __future__ import annotations

import re

import duckdb

ALLOWED = frozenset(
    {
        "ALTER",
        "ANALYZE",
        "CREATE",
        "DELETE",
        "DROP",
        "INSERT",
        "MERGE_INTO",
        "SELECT",
        "SET",
        "TRANSACTION",
        "UPDATE",
        "VACUUM",
    }
)
"""What building, testing and cataloguing need. SET does nothing: the configuration is locked."""
_NAME = r'(?:"[^"]*"|\w+)'
LOADS_A_SEED = re.compile(
    rf"(?:\s|/\*.*?\*/|--[^\n]*\n)*copy\s+{_NAME}(?:\.{_NAME})*\s*(?:\([^()]*\)\s*)?from\s+'",
    re.IGNORECASE | re.DOTALL,
)
CHECKPOINT = re.compile(r"(?:\s|/\*.*?\*/)*(?:force\s+)?checkpoint\b[\s\w;]*", re.I | re.S)

MAKES_CODE = re.compile(
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*create\s+(?:or\s+replace\s+)?(?:(?:temp|temporary|persistent)\s+)*"
    r"(?:macro|function|secret|type|trigger)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A macro takes the place of a function, veil's and DuckDB's own among them."""
ALONE = frozenset({"SELECT", "TRANSACTION"})
"""Sent by themselves only: a query that ends another one, or a transaction, was smuggled in."""


def refusal(conn: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Why `sql` is not sent, one line; empty where it may be, or where DuckDB will refuse it."""
    try:
        statements = conn.extract_statements(sql)
    except duckdb.Error:
        return ""
    for statement in statements:
        kind = statement.type.name
        loads = kind == "COPY" and LOADS_A_SEED.match(statement.query)
        keeps = kind == "CALL" and CHECKPOINT.fullmatch(statement.query)
        if len(statements) > 1 and kind in ALONE:
            return (
                f"veil: a {kind} statement is not sent together with others. One model or test is"
                " one query."
            )
        if kind == "CREATE" and MAKES_CODE.match(statement.query):
            return "veil: SQL may not create macros, functions, types or secrets. Take it out."
        if kind not in ALLOWED and not loads and not keeps:
            return (
                f"veil: a {kind} statement is not sent to the database: it could move data past"
                " the gates. Take it out; `veil publish` writes what may leave."
            )
    return ""
