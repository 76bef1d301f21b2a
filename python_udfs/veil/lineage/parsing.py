"""SQL text to one query of sqlglot's tree; anything else is refused, and never quoted."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError

from veil.lineage.refusals import Recorder, Rule

# sqlglot logs a warning with the text of a statement that it does not know.
logging.getLogger("sqlglot").addFilter(lambda record: False)

_OWN_SYNTAX = frozenset({"CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "OVERLAY", "SUBSTRING"})
"""Functions whose brackets hold words: `extract(year from day)`."""


class VeilDuckDB(DuckDB):
    """DuckDB's dialect in which a call stays the call that it is.

    sqlglot turns calls into functions of its own, and drops or rewrites arguments on the way:
    `decode(x, y)` loses `y`. Lineage needs every argument and DuckDB's own name.
    """

    class Parser(DuckDB.Parser):  # type: ignore[valid-type,misc]
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parser
            for name, parser in DuckDB.Parser.FUNCTION_PARSERS.items()
            if name in _OWN_SYNTAX
        }


_DIALECT = VeilDuckDB()
_FAILURES = (
    SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError,
    AssertionError,
)  # fmt: skip


def parse(sql: str, recorder: Recorder) -> exp.Expr | None:
    """The one query that `sql` is, or None after a refusal."""
    try:
        statements = [one for one in sqlglot.parse(sql, dialect=_DIALECT) if one is not None]
    except _FAILURES:
        recorder.add(Rule.UNPARSEABLE)
        return None
    query = statements[0] if len(statements) == 1 else None
    if isinstance(query, exp.Pivot):
        recorder.add(Rule.UNFOLLOWABLE, what="PIVOT")
        return None
    if not isinstance(query, exp.Query | exp.Values):
        recorder.add(Rule.STATEMENT)
        return None
    return query
