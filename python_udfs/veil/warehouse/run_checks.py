"""What is checked of a whole run, before a model of it is compiled."""

from __future__ import annotations

from veil.errors import VeilError
from veil.gate import check_aside
from veil.policy.graph import Graph
from veil.policy.rules import refuse
from veil.policy.waivers import today
from veil.project import Project
from veil.warehouse.dbt_manifest import (
    Manifest,
    command_line_variables,
    running_manifest,
    stores_failures,
)


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
