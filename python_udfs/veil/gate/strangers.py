"""Models out of scope: nothing that they are built from is tagged, so no lineage runs over them.

All the same they share the connection with the zones, and a relation named by a string instead of
by `ref()` would reach into one.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from veil.findings import Finding
from veil.policy.graph import Graph, Node
from veil.project import ZONES

_ZONE = re.compile(rf"\b({'|'.join(ZONES)})\b", re.IGNORECASE)

_BY_TEXT = re.compile(r"\b(?:query|query_table)\s*\(", re.IGNORECASE)
"""Functions of DuckDB that read a relation whose name is a text."""


def check_stranger(graph: Graph, node: Node, sql: str) -> list[Finding]:
    """Refuse the SQL of a model out of scope where it reaches into a zone."""
    own = {graph.node(parent).relation for parent in node.parents if graph.knows(parent)}
    for relation in own:
        sql = sql.replace(relation, '"its"."own"."parent"')
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="duckdb") if tree is not None]
    except (SqlglotError, RecursionError):
        trees = []
    reaches = _BY_TEXT.search(sql) is not None
    if not trees or not all(isinstance(tree, exp.Query) for tree in trees) or len(trees) > 1:
        # Nobody can say what it reads: a zone's name or a second statement is enough to be refused.
        reaches = reaches or ";" in sql or _ZONE.search(sql) is not None
    elif not reaches and _ZONE.search(sql):
        # It can be read: a column may be called `marts`, a catalog may not.
        tables = [table for tree in trees for table in tree.find_all(exp.Table)]
        reaches = any(
            not isinstance(table.this, exp.Identifier)
            or any(part.name.lower() in ZONES for part in table.parts[:-1])
            for table in tables
        )
    if not reaches:
        return []
    return [
        Finding(
            rule="relation_by_string",
            message=f"model `{node.name}` names a relation of a zone in its SQL instead of by"
            " `ref()` or `source()`.",
            remedy="Read it by `ref()`; the gates then look at this model too.",
            model=node.name,
            file=node.file,
        )
    ]
