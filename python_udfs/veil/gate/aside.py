"""What travels past the lineage, judged with the project's own classes and waivers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from veil.bypass import check_bypasses
from veil.findings import Finding
from veil.policy.graph import BASES, Graph, Node
from veil.policy.rules.common import is_personal
from veil.policy.waivers import project_waivers, waivers_of


def check_aside(
    graph: Graph,
    nodes: Mapping[str, Mapping[str, Any]],
    macros: Mapping[str, Mapping[str, Any]],
    *,
    config: Mapping[str, Any],
    variables: Mapping[str, Any],
    day: date,
) -> list[Finding]:
    """Jinja that reads data, SQL in hooks, literals of people, and the like.

    Args:
        graph: the nodes in veil's words.
        nodes: dbt's nodes, sources and unit tests by unique id.
        macros: dbt's macros by unique id.
        config: dbt_project.yml, for the waivers of what has no YAML of its own.
        variables: the run's variables.
        day: by which waivers are judged.
    """
    guarded = {node.unique_id for node in graph if graph.in_scope(node)}
    general = project_waivers(config)

    def is_public(unique_id: str, _column: str | None) -> bool:
        return graph.knows(unique_id) and is_nobodys(graph, graph.node(unique_id))

    def waived(unique_id: str, rule: str) -> bool:
        if graph.knows(unique_id):
            own = waivers_of(graph.node(unique_id).meta)
            if any(one.rule == rule and not one.column and one.until >= day for one in own):
                return True
        package = str((nodes.get(unique_id) or macros.get(unique_id) or {}).get("package_name"))
        return any(
            one.rule == rule and one.until >= day and place in {unique_id, package}
            for place, one in general
        )

    return check_bypasses(
        nodes,
        macros,
        in_scope=guarded.__contains__,
        is_public=is_public,
        waived=waived,
        variables=variables,
    )


def is_nobodys(graph: Graph, node: Node) -> bool:
    """Whether all that it is made of is classified, and speaks of nobody."""
    bases = [one for one in (node, *graph.ancestors(node)) if one.kind in BASES]
    return (
        bool(bases)
        and all(one.is_classified for one in bases)
        and not any(is_personal(one) for one in (node, *bases))
    )
