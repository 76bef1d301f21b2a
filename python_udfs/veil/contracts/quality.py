"""Quality rules of a contract, from the tests that a mart declares.

Every rule is runnable by a contract tool where the standard or SQL can say it; the others are
named, with dbt as the engine that runs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veil.contracts.types import logical
from veil.policy.graph import Column, Graph, Node

Rule = dict[str, Any]
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def cells_of(graph: Graph, mart: Node) -> Mapping[str, Any]:
    """The arguments of the mart's gate; empty where it has none."""
    for gate in graph.gates(mart):
        if gate["test_metadata"]["name"] == "no_small_cells":
            return _arguments(gate)
    return {}


def mart_rules(graph: Graph, mart: Node, *, threshold: int) -> list[Rule]:
    """The rules over the whole table."""
    rules: list[Rule] = []
    for test in graph.tests(mart):
        metadata = test.get("test_metadata") or {}
        if metadata.get("namespace") == "veil" and metadata.get("name") == "no_small_cells":
            rules += _cell_rules(mart, _arguments(test), threshold=threshold)
        elif not _column(test):
            rules.append(_named(test))
    return rules


def column_rules(graph: Graph, mart: Node, column: str) -> list[Rule]:
    """The rules over one column."""
    rules: list[Rule] = []
    for test in graph.tests(mart):
        if _column(test).lower() != column.lower():
            continue
        metadata = test.get("test_metadata") or {}
        known = metadata.get("name") if not metadata.get("namespace") else None
        if known == "not_null":
            rules.append({"name": "not_null", "metric": "nullValues", "mustBe": 0})
        elif known == "unique":
            rules.append({"name": "unique", "metric": "duplicateValues", "mustBe": 0})
        else:
            rules.append(_named(test))
    return rules


def role_of(graph: Graph, mart: Node, column: Column) -> str:
    """What a column is to the gate: `grain`, `people`, `count` or `magnitude`; empty without one.

    `people` is the count of distinct people; a `count` has to reach the threshold too, a
    `magnitude` need not.
    """
    arguments = cells_of(graph, mart)
    return _role(arguments, column) if arguments else ""


def is_required(graph: Graph, mart: Node, column: str) -> bool:
    """Whether a column never is empty, by its constraint or by a test that stops the build."""
    raw = (mart.raw.get("columns") or {}).get(column) or {}
    if any(one.get("type") == "not_null" for one in raw.get("constraints") or ()):
        return True
    return any(
        (test.get("test_metadata") or {}).get("name") == "not_null"
        and _column(test).lower() == column.lower()
        and str((test.get("config") or {}).get("severity", "error")).lower() == "error"
        for test in graph.tests(mart)
    )


def _role(arguments: Mapping[str, Any], column: Column) -> str:
    if column.name in _names(arguments.get("grain")):
        return "grain"
    if column.name == arguments.get("count_column"):
        return "people"
    is_magnitude = column.name in _names(arguments.get("magnitudes"))
    return "count" if logical(column.data_type) == "integer" and not is_magnitude else "magnitude"


def _cell_rules(mart: Node, arguments: Mapping[str, Any], *, threshold: int) -> Iterator[Rule]:
    count = str(arguments.get("count_column"))
    grain = _names(arguments.get("grain"))
    roles = {column.name: _role(arguments, column) for column in mart.columns.values()}
    measures = [name for name, role in roles.items() if role in {"count", "magnitude"}]
    counts = [count, *(name for name in measures if roles[name] == "count")]
    yield {
        "name": "no_small_cells",
        "description": f"No shown count is below {threshold} distinct people.",
        "type": "sql",
        "query": _rows_where(
            mart, " or ".join(f"{_quoted(name)} < {threshold}" for name in counts)
        ),
        "mustBe": 0,
    }
    if measures:
        shown = " or ".join(f"{_quoted(name)} is not null" for name in measures)
        yield {
            "name": "hidden_cells_are_hidden",
            "description": "Where the count is hidden, so is every other measure.",
            "type": "sql",
            "query": _rows_where(mart, f"{_quoted(count)} is null and ({shown})"),
            "mustBe": 0,
        }
    yield once_each(grain)


def once_each(grain: Sequence[str]) -> Rule:
    """The rule that every cell stands once; without a grain there is one cell."""
    if not grain:
        return {"name": "one_row", "metric": "rowCount", "mustBeLessOrEqualTo": 1}
    return {
        "name": "one_row_per_cell",
        "description": "Each combination of the grain stands once.",
        "metric": "duplicateValues",
        "arguments": {"properties": list(grain)},
        "mustBe": 0,
    }


def _named(test: Mapping[str, Any]) -> Rule:
    """A test that the standard cannot say: its name alone, for its arguments may hold values."""
    metadata = test.get("test_metadata") or {}
    parts = (metadata.get("namespace"), metadata.get("name"))
    name = ".".join(str(part) for part in parts if part) or str(test.get("name"))
    return {
        "name": name.replace(".", "_"),
        "type": "custom",
        "engine": "dbt",
        "implementation": f"data_test: {name}",
    }


def _arguments(test: Mapping[str, Any]) -> Mapping[str, Any]:
    return (test.get("test_metadata") or {}).get("kwargs") or {}


def _column(test: Mapping[str, Any]) -> str:
    return str(test.get("column_name") or _arguments(test).get("column_name") or "")


def _names(value: Any) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [str(one) for one in value]
    return [str(value)] if value else []


def _rows_where(mart: Node, condition: str) -> str:
    return f"select count(*) from {_quoted(mart.name)} where {condition}"  # noqa: S608 - a text


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"{}"'.format(name.replace('"', '""'))
