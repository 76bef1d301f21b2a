"""What is checked of a whole run, before a model of it is compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from veil.errors import VeilError
from veil.gate import check_aside
from veil.policy.graph import Graph
from veil.policy.rules import refuse
from veil.policy.waivers import today
from veil.project import Project
from veil.warehouse.dbt_manifest import (
    Manifest,
    command_line_variables,
    limit_tests,
    running_manifest,
    stores_failures,
)

WORD = re.compile(r"\w+")
PLAIN = frozenset(
    {"not_null", "unique", "accepted_values", "relationships", "no_small_cells", "no_stale_kid"}
)
"""Tests whose number of failures tells nothing but how many rows break the rule."""


def check_run(project: Project) -> None:
    """Refuse a run in which data or SQL would travel past the lineage.

    Raises:
        VeilError: the refusals, one a line.
    """
    manifest = running_manifest()
    if manifest is None:
        return
    graph = Graph({"nodes": manifest.nodes})
    if not any(graph.in_scope(node) for node in graph):
        return
    if stores_failures():
        _refuse_stored_failures(manifest, graph)
    config = project.config()
    declared = config.get("vars")
    found = check_aside(
        graph,
        manifest.nodes,
        manifest.macros,
        config=config,
        variables={
            **(declared if isinstance(declared, dict) else {}),
            **command_line_variables(),
        },
        day=today(),
    )
    refuse([str(one) for one in found])
    limit_tests(_telling_tests(manifest, graph))


def _telling_tests(manifest: Manifest, graph: Graph) -> list[str]:
    """Tests of one's own that read a zone; those of dbt and veil count what their name says."""
    found = []
    for unique_id, node in manifest.nodes.items():
        parents = (node.get("depends_on") or {}).get("nodes") or ()
        if (
            node["resource_type"] == "test"
            and any(graph.knows(one) and graph.in_scope(graph.node(one)) for one in parents)
            and not _is_plain(node)
        ):
            found.append(unique_id)
    return found


def _is_plain(test: Mapping[str, Any]) -> bool:
    """Whether a test is one of dbt's or veil's own, on a column, over all rows."""
    metadata = test.get("test_metadata") or {}
    kwargs = metadata.get("kwargs") or {}
    return (
        metadata.get("namespace") in {None, "veil"}
        and metadata.get("name") in PLAIN
        and not (test.get("config") or {}).get("where")
        and all(
            WORD.fullmatch(str(kwargs[key]))
            for key in ("column_name", "field")
            if kwargs.get(key) is not None
        )
        and kwargs.get("quote", True) is True
    )


def _refuse_stored_failures(manifest: Manifest, graph: Graph) -> None:
    """`--store-failures` beats every test whose YAML says nothing of it."""
    for node in manifest.nodes.values():
        config = node.get("config") or {}
        parents = (node.get("depends_on") or {}).get("nodes") or ()
        guarded = any(graph.knows(one) and graph.in_scope(graph.node(one)) for one in parents)
        if node["resource_type"] == "test" and guarded and config.get("store_failures") is None:
            raise VeilError(
                f"`--store-failures` would write the failing rows of the test `{node['name']}` to a"
                " table.",
                remedy="Leave the option out, or set `data_tests: {+store_failures: false}` in"
                " dbt_project.yml.",
            )
