"""Rules about YAML that dbt writes into SQL as it stands: a name is a name, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from veil.bypass.hooks import WRITING_CONFIG
from veil.policy.graph import Graph, Node
from veil.policy.rules.common import Rule, title

TYPE = re.compile(r"[\w .,:+()\[\]\"-]*")
"""What a name or a type is made of: nothing in it begins a statement."""
FREE = frozenset(
    {
        # Judged elsewhere, or never written into SQL.
        "meta", "tags", "docs", "description", "pre-hook", "post-hook", "pre_hook", "post_hook",
        "persist_docs", "contract", "freshness", "group", "packages", "grants", "delimiter",
        "incremental_predicates", *WRITING_CONFIG,
        "dbt_valid_to_current", "sql_header", "loaded_at_query", "loaded_at_field",
        "external_location", "location", "options", "plugin",
    }
)  # fmt: skip
"""Settings that may hold any text."""
EXPRESSION = re.compile(r"[^;$]*")
_ASIDE = ("--", "/*", "*/", "//")


def names_are_names(graph: Graph, node: Node) -> Iterator[str]:
    for key in ("database", "schema", "alias", "identifier"):
        if node.raw.get(key) is not None and not _is_name(node.raw[key]):
            yield f"{title(node)} has a `{key}` that is no plain name. Use letters and digits."
    for key, value in node.config.items():
        if key not in FREE and not all(_is_name(text) for text in _texts(value)):
            yield (
                f"{title(node)} has a `{key}` that is more than a name, and dbt would write it into"
                " SQL as it stands. Name columns or types, and nothing else."
            )
    for column in node.columns.values():
        if column.data_type and not _is_name(column.data_type):
            yield f"{title(node)} has a `data_type` that is no plain type. Write a type of DuckDB."
            return


def _texts(value: Any) -> Iterator[str]:
    """Every text in a setting, keys of mappings among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and TYPE.fullmatch(value) is not None
        and "--" not in value
        and _is_closed(value)
    )


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
