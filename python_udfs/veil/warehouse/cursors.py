"""dbt-duckdb's cursors: they send no statement that could carry a value out, and raise errors that
quote none."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper

from veil.warehouse.messages import safe_message
from veil.warehouse.statements import refusal


class SafeError(Exception):
    """An error of the database whose text holds no value."""


def guard_cursors() -> None:
    """Let dbt-duckdb's cursors send safe statements and raise safe errors; twice does no harm."""
    for name in ("execute", "fetchall", "fetchmany", "fetchone"):
        setattr(DuckDBCursorWrapper, name, _guarded(name))


def _guarded(name: str) -> Any:
    def call(self: DuckDBCursorWrapper, *arguments: Any) -> Any:
        if name == "execute":
            refused = refusal(self._cursor, arguments[0])
            if refused:
                raise SafeError(refused)
        try:
            if name == "execute" and len(arguments) > 1 and arguments[1] is None:
                return self._cursor.execute(arguments[0])
            return getattr(self._cursor, name)(*arguments)
        except Exception as error:
            # Not `from error`: dbt logs the chain of causes, and with it the value.
            problem = safe_message(error, str(arguments[0]) if arguments else "")
        raise SafeError(problem)

    return call
