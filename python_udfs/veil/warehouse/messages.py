"""DuckDB's errors without the values that they quote.

A cast that fails, a broken key, `error()` of a column: DuckDB prints the value, and dbt carries the
text to the console, its log and run_results.json. Errors about SQL (a missing table, a misspelt
name) quote the statement alone and pass as they are.
"""

from __future__ import annotations

import re

import duckdb

ABOUT_SQL = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.DependencyException,
    duckdb.ParserException,
    duckdb.PermissionException,
    duckdb.SyntaxException,
    duckdb.TransactionException,
)
_EXCERPT = "\n\nLINE "
_CAST = re.compile(r".* to ([A-Z][A-Z0-9_(), ]*)(?: when casting from source column (\w+))?", re.S)
_CHECK = re.compile(
    r"Constraint Error: CHECK constraint failed on table \w+ with expression .*", re.S
)
_NOT_NULL = re.compile(r"Constraint Error: NOT NULL constraint failed: [\w.]+")
_known: set[str] = set()
"""Texts of veil's own errors inside functions: they hold no value, and are passed on."""


def remember(problem: str) -> str:
    """Note a text that may be shown when DuckDB hands it back; returns it."""
    _known.add(problem)
    return problem


def safe_message(error: Exception, sql: str = "") -> str:
    """What may be shown of an error: its kind, its place, the way out; never a value.

    Args:
        error: what DuckDB raised.
        sql: the statement; a text of veil's that stands in it as it is comes from no row.
    """
    text = str(error)
    own = text.rsplit(_EXCERPT, 1)[0].partition(": ")[2]
    if own.startswith("veil: ") and own.replace("'", "''") in sql:
        return own
    for problem in _known:
        if problem in text:
            return f"veil: {problem}"
    if not isinstance(error, duckdb.Error):
        return text
    if isinstance(error, ABOUT_SQL):
        # The names that DuckDB offers instead may be values: PIVOT makes columns of them.
        return re.sub(
            r"\n(?:Candidate bindings|Did you mean).*?(?=\n\nLINE |\Z)", "", text, flags=re.S
        )
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__.removesuffix("Exception"))
    head = text.rsplit(_EXCERPT, 1)[0]
    if isinstance(error, duckdb.ConversionException):
        found = _CAST.fullmatch(head)
        place = f" to {found[1]}" if found else ""
        place += f" from the column {found[2]}" if found and found[2] else ""
        return (
            f"{kind} Error: a value cannot be cast{place}; it is not shown."
            " Use `veil.typed` or `try_cast`, which make NULL of it."
        )
    if isinstance(error, duckdb.ConstraintException):
        if _CHECK.fullmatch(head) or _NOT_NULL.fullmatch(head):
            return head
        return f"{kind} Error: a row breaks a constraint; its values are not shown."
    return f"{kind} Error: the statement failed on a value; it is not shown."
