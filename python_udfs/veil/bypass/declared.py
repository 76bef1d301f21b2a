"""What tests and YAML declare: literals that look personal, failures that are stored or printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from veil.bypass.jinja import is_plain
from veil.bypass.literals import personal_kind
from veil.bypass.nodes import Breach, Project, Raw, config_of, meta_of
from veil.bypass.queries import query_is_public
from veil.bypass.rules import REMEDIES, Rule
from veil.bypass.values import Text
from veil.findings import Finding

_VALUE_KEY = re.compile(r"values?\b|values?_|_set\b|^set$|allowed|forbidden", re.IGNORECASE)
"""Arguments of tests that list values of a column."""
_NOT_VALUES = frozenset({"model", "column_name"})
_CONTACT = re.compile(r"owner|contact|maintain|steward|team|notify|alert|subscri|channel|waiver")
"""Meta keys that name who answers for the data, not whom the data is about."""
_SHOWN_KEY = re.compile(r"[A-Za-z_][\w -]{0,40}")
_COUNTS = re.compile(
    r"count\(\s*\*\s*\)|count\(\s*(?:distinct\s+)?\w+\s*\)"
    r"|(?:sum|coalesce|max)\(\s*(?:coalesce\(\s*)?(?:diff_count|row_count_delta|validation_errors"
    r"|n_records|n_failures|failures|error_count)(?:\s*,\s*0\s*\))?(?:\s*,\s*0)?\s*\)",
    re.IGNORECASE,
)
"""Ways to count failures; the names are those that test packages give their own counts."""


def _literals(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every literal with the key that it stands under; keys count as literals too."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield key, name
            yield from _literals(one, str(name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _literals(one, key)
    else:
        yield key, value


def _shown(key: str) -> str:
    """A key as a message may show it: never one that is a value itself."""
    plain = _SHOWN_KEY.fullmatch(key) is not None and personal_kind(key) is None
    return f"`{key}`" if plain else "a key"


def _found(value: Any, key: str = "") -> dict[tuple[str, str], None]:
    """Kinds of personal values among literals, each with the key as shown."""
    return {
        (_shown(name), kind): None
        for name, one in _literals(value, key)
        if (kind := personal_kind(one, key=name))
    }


def check_literals(project: Project, variables: Mapping[str, Any] | None) -> Iterator[Breach]:
    """Personal values written into tests, fixtures, meta and variables."""
    for name, value in (variables or {}).items():
        for _, kind in _found(value, str(name)):
            finding = Finding(
                rule=Rule.LITERAL.value,
                message=f"the variable {_shown(str(name))} holds what looks like {kind}.",
                remedy=REMEDIES[Rule.LITERAL],
            )
            yield Breach("", Rule.LITERAL, finding)
    for unique_id, node in project:
        kind = node["resource_type"]
        if kind == "test":
            yield from _check_test(project, unique_id, node)
        elif kind == "unit_test":
            yield from _check_fixtures(project, unique_id, node)
        elif project.in_scope(unique_id):
            yield from _check_meta(project, unique_id, node)


def _check_test(project: Project, unique_id: str, node: Raw) -> Iterator[Breach]:
    arguments = {
        key: value
        for key, value in ((node.get("test_metadata") or {}).get("kwargs") or {}).items()
        if key not in _NOT_VALUES
    }
    config = config_of(node)
    found = (
        _found(arguments)
        | _found(config.get("where"), "where")
        | _found(config.get("meta"), "meta")
    )
    for key, what in found:
        yield project.breach(unique_id, Rule.LITERAL, f"has what looks like {what} in {key}.")
    if any(_VALUE_KEY.search(key) for key in arguments) and _is_direct(project, unique_id, node):
        yield project.breach(
            unique_id,
            Rule.LITERAL,
            "lists values of a direct identifier, which would stand in clear in the project.",
            remedy="Test the column's shape or `not_null` instead.",
        )


def _is_direct(project: Project, unique_id: str, node: Raw) -> bool:
    name = node.get("column_name") or ((node.get("test_metadata") or {}).get("kwargs") or {}).get(
        "column_name"
    )
    tested = project.nodes.get(project.home(unique_id)) or {}
    return any(
        str(column).strip('"').lower() == str(name).strip('"').lower()
        and meta_of(raw, "privacy_class") == "direct_identifier"
        for column, raw in (tested.get("columns") or {}).items()
    )


def _check_fixtures(project: Project, unique_id: str, node: Raw) -> Iterator[Breach]:
    given = [*(node.get("given") or ()), node.get("expect") or {}]
    found = dict.fromkeys(pair for one in given for pair in _found(one.get("rows"), "rows"))
    found.update(_found((node.get("overrides") or {}), "overrides"))
    for key, what in found:
        yield project.breach(unique_id, Rule.LITERAL, f"has what looks like {what} in {key}.")
    for one in given:
        rows, form = one.get("rows"), str(getattr(one.get("format"), "value", one.get("format")))
        if isinstance(rows, str) and form == "sql":
            no_relation = is_plain(rows) and query_is_public(Text((rows,)), lambda _: False)
            if not no_relation:
                yield project.breach(
                    unique_id, Rule.BY_STRING, "reads relations in the SQL of its rows."
                )


def _check_meta(project: Project, unique_id: str, node: Raw) -> Iterator[Breach]:
    holders = [("", node), *((str(name), raw) for name, raw in (node.get("columns") or {}).items())]
    for column, raw in holders:
        metas = [raw.get("meta"), (raw.get("config") or {}).get("meta")]
        found: dict[tuple[str, str], None] = {}
        for meta in metas:
            if isinstance(meta, Mapping):
                kept = {key: one for key, one in meta.items() if not _CONTACT.search(str(key))}
                found.update(_found(kept, "meta"))
        for key, what in found:
            where = f" column `{column}`" if column else ""
            yield project.breach(
                unique_id,
                Rule.LITERAL,
                f"has what looks like {what} in its meta,{where} {key}.".replace(", key", " key"),
                column=column,
            )


def check_failures(project: Project) -> Iterator[Breach]:
    """Tests of guarded nodes that keep failing rows, or print more than how many there are."""
    for unique_id, node in project:
        if node["resource_type"] != "test" or not project.in_scope(unique_id):
            continue
        config = config_of(node)
        kept = config.get("store_failures_as")
        if kept not in {None, "ephemeral"} or (kept is None and config.get("store_failures")):
            yield project.breach(unique_id, Rule.STORED, "keeps the rows that fail it.")
        count = config.get("fail_calc")
        if count is not None and not _COUNTS.fullmatch(str(count).strip()):
            yield project.breach(unique_id, Rule.COUNTED, "prints more than a count of failures.")
