"""Rules about YAML that dbt writes into SQL as it stands: a name is a name, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from veil.policy.graph import Graph, Node
from veil.policy.rules.common import Rule, title

NAME = re.compile(r"[\w $.-]*")
"""What a name may be made of: no quote, bracket, semicolon or comment can begin in it."""
COLUMN = re.compile(r"[\w $]+")
EXPRESSION = re.compile(r"[^;$]*")
_ASIDE = ("--", "/*", "*/", "//")


def names_are_names(graph: Graph, node: Node) -> Iterator[str]:
    for key in ("database", "schema", "alias", "identifier"):
        for value in (node.raw.get(key), node.config.get(key)):
            if value is not None and not _is_name(value):
                yield f"{title(node)} has a `{key}` that is no plain name. Use letters and digits."
    for index in node.config.get("indexes") or ():
        columns = index.get("columns") if isinstance(index, Mapping) else None
        if not isinstance(columns, list) or not all(
            isinstance(one, str) and COLUMN.fullmatch(one) for one in columns
        ):
            yield f"{title(node)} has an index whose columns are no plain names. Name columns."
    for column in node.columns.values():
        if column.data_type and not re.fullmatch(r"[\w ()\[\],.]*", column.data_type):
            yield (
                f"{title(node)} has a column whose `data_type` is no plain type. Write a type of"
                " DuckDB."
            )
            return


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None and "--" not in value


def constraints_are_conditions(graph: Graph, node: Node) -> Iterator[str]:
    """The text of a constraint goes into `create table`: brackets must close where they opened."""
    holders = [node.raw, *(node.raw.get("columns") or {}).values()]
    for constraint in (one for holder in holders for one in holder.get("constraints") or ()):
        for key in ("expression", "name", "to"):
            text = str(constraint.get(key) or "")
            if not EXPRESSION.fullmatch(text) or any(one in text for one in _ASIDE):
                break
            if not _is_closed(text):
                break
        else:
            continue
        yield f"{title(node)} has a constraint that is no plain condition. Write one condition."
        return


def _is_closed(text: str) -> bool:
    depth = 0
    for character in re.sub(r"'[^']*'|\"[^\"]*\"", "", text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0 and text.count("'") % 2 == 0 and text.count('"') % 2 == 0


def freshness_prints_no_value(graph: Graph, node: Node) -> Iterator[str]:
    """`dbt source freshness` prints what it reads, and writes it to sources.json."""
    if node.kind != "source":
        return
    config = node.config
    if node.raw.get("loaded_at_query") or config.get("loaded_at_query"):
        yield (
            f"{title(node)} has a `loaded_at_query`, whose result dbt prints. Name a column in"
            " `loaded_at_field`."
        )
    field = node.raw.get("loaded_at_field") or config.get("loaded_at_field")
    if field:
        known = {column.name.lower(): column for column in node.columns.values()}
        column = known.get(str(field).strip('"').lower())
        if column is None or column.meta.get("privacy_class") != "non_sensitive":
            yield (
                f"{title(node)} has a `loaded_at_field` that is no `non_sensitive` column, and dbt"
                " prints its latest value. Name one, or take it out."
            )
    freshness = node.raw.get("freshness") or config.get("freshness") or {}
    if isinstance(freshness, Mapping) and freshness.get("filter"):
        yield f"{title(node)} has a `filter` on its freshness. Take it out."


RULES: tuple[Rule, ...] = (
    names_are_names,
    constraints_are_conditions,
    freshness_prints_no_value,
)
