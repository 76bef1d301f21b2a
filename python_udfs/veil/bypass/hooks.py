"""SQL beside a model's own: hooks, operations, SQL headers, expressions in the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import nodes as jinja_nodes

from veil.bypass.jinja import TemplateError, is_plain, parse
from veil.bypass.nodes import Breach, Project, Raw, config_of, hooks_of, texts_of
from veil.bypass.queries import (
    THIS,
    is_column,
    is_empty,
    is_plain_expression,
    touches_only_this,
)
from veil.bypass.rules import Rule

OURS = re.compile(
    r"\{\{-?\s*veil\.(?:(?:check_model|gate_model|start_run)\(\s*\)|finish_run\(\s*results\s*\))"
    r"\s*-?\}\}"
)
"""The hooks that veil itself asks for, and only as they stand in its documentation."""
WRITING_CONFIG = (
    "merge_clauses",
    "merge_insert_condition",
    "merge_returning_columns",
    "merge_update_condition",
    "merge_update_set_expressions",
)
"""Settings of dbt-duckdb's merge that write what no lineage has seen."""
EXPRESSIONS = ("incremental_predicates", "predicates", "unique_key", "partitioned_by", "sorted_by")
_KINDS = frozenset({"model", "seed", "snapshot", "function"})


def _with_stand_in(text: str) -> str | None:
    """A text with `{{ this }}` replaced by a name; None where it holds any other Jinja."""
    if is_plain(text):
        return text
    try:
        body = parse(text).body
    except TemplateError:
        return None
    parts = []
    for node in body:
        if not isinstance(node, jinja_nodes.Output):
            return None
        for child in node.nodes:
            if isinstance(child, jinja_nodes.TemplateData):
                parts.append(child.data)
            elif isinstance(child, jinja_nodes.Name) and child.name == "this":
                parts.append(THIS)
            else:
                return None
    return "".join(parts)


def is_harmless(text: str) -> bool:
    """Whether a hook out of scope may run: nothing, or one statement over nothing but `this`."""
    sql = _with_stand_in(text)
    return sql is not None and (is_empty(sql) or touches_only_this(sql))


def check_hooks(project: Project) -> Iterator[Breach]:
    """SQL in hooks, operations and headers beyond veil's own."""
    for unique_id, node in project:
        if node["resource_type"] == "operation":
            text = str(node.get("raw_code") or "")
            if not OURS.fullmatch(text.strip()) and not is_harmless(text):
                yield project.breach(unique_id, Rule.HOOK, "runs SQL that no gate looks at.")
        elif node["resource_type"] in _KINDS:
            yield from _check_node(project, unique_id, node)


def _check_node(project: Project, unique_id: str, node: Raw) -> Iterator[Breach]:
    guarded = project.in_scope(unique_id)
    wrong = set()
    for phase, text in hooks_of(node):
        is_ours = OURS.fullmatch(text.strip()) is not None
        if not (is_ours or not text.strip() or (not guarded and is_harmless(text))):
            wrong.add(phase)
    for phase in sorted(wrong):
        yield project.breach(unique_id, Rule.HOOK, f"has SQL of its own in its `{phase}`.")
    header = config_of(node).get("sql_header")
    if header and (guarded or not is_harmless(str(header))):
        yield project.breach(unique_id, Rule.HOOK, "has a `sql_header`.")


def check_config(project: Project) -> Iterator[Breach]:
    """Expressions in the configuration of guarded nodes, which reach the table past the lineage."""
    for unique_id, node in project:
        if node["resource_type"] in {"model", "snapshot"} and project.in_scope(unique_id):
            for key in _wrong_keys(node):
                yield project.breach(
                    unique_id, Rule.CONFIG, f"has SQL in `{key}` that no gate looks at."
                )


def _wrong_keys(node: Raw) -> Iterator[str]:
    config = config_of(node)
    for key in WRITING_CONFIG:
        if config.get(key):
            yield key
    for key in EXPRESSIONS:
        if not all(is_plain_expression(text) for text in texts_of(config.get(key))):
            yield key
    # These two become values of the snapshot's own columns.
    current = config.get("dbt_valid_to_current")
    if current and not is_plain_expression(str(current), columns=False):
        yield "dbt_valid_to_current"
    updated = config.get("updated_at")
    if updated and not is_column(str(updated)):
        yield "updated_at"
    if any(not _is_type(column) for column in (node.get("columns") or {}).values()):
        yield "data_type"


def _is_type(column: Any) -> bool:
    kind = column.get("data_type")
    return not kind or is_plain_expression(f"cast(null as {kind})", columns=False)
