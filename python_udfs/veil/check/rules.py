"""The rules that look at the project as a whole, and need no SQL: policy, settings, bypasses."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from veil.check.parsed import Parsed
from veil.errors import VeilError
from veil.findings import Finding, ordered
from veil.gate import check_aside
from veil.policy.budgets import budget_problems
from veil.policy.graph import Graph, Node
from veil.policy.overrides import check_overrides
from veil.policy.rules import refusals
from veil.policy.settings import THRESHOLD, check_settings
from veil.project import Project


def setting(parsed: Parsed, name: str, default: Any) -> Any:
    """A variable of the project, as its hooks see it."""
    return parsed.variables(parsed.project).get(name, default)


def project_findings(project: Project, parsed: Parsed, graph: Graph) -> Iterator[Finding]:
    """Settings that not every part of a run would see, macros in place of veil's own, and budgets
    that do not fit what is charged to them."""
    try:
        check_settings(
            project.config(),
            profile=str(parsed.document["target"].get("profile_name")),
            threshold=setting(parsed, "veil:threshold", THRESHOLD),
            publish=setting(parsed, "veil:publish", True),
            waivers=_waivers(project, parsed),
        )
    except VeilError as error:
        yield Finding("settings", error.message, error.remedy, file="dbt_project.yml")
    try:
        check_overrides(project)
    except VeilError as error:
        yield Finding("override", error.message, error.remedy)
    for line in budget_problems(graph, project.config()):
        yield Finding("budget", line, file="dbt_project.yml")


def _waivers(project: Project, parsed: Parsed) -> Any:
    """`veil:waivers` as the hooks see it, its days as YAML reads them."""
    found = setting(parsed, "veil:waivers", [])
    variables = project.config().get("vars")
    own = variables.get("veil:waivers") if isinstance(variables, Mapping) else None
    return own if own and json.loads(json.dumps(own, default=str)) == found else found


def node_findings(graph: Graph, node: Node) -> list[Finding]:
    """What a node's YAML breaks."""
    try:
        found = refusals(graph, [node])
    except VeilError as error:
        found = [str(error)]
    return [Finding("policy", line, model=node.name, file=node.file) for line in found]


def rule_findings(
    project: Project, parsed: Parsed, graph: Graph, *, day: date, only: Collection[str] = ()
) -> tuple[Finding, ...]:
    """What the rules say of all nodes.

    Args:
        project: the dbt project.
        parsed: its parse.
        graph: the same in veil's words.
        day: by which waivers are judged.
        only: unique ids; the rules are asked about these alone. All where it is empty.
    """
    nodes = {**parsed.nodes, **parsed.sources, **parsed.document.get("unit_tests", {})}
    chosen = [node for node in graph if not only or node.unique_id in only]
    if only:
        around = {parent for node in chosen for parent in node.parents} | set(only)
        nodes = {key: one for key, one in nodes.items() if key in around}
    aside = check_aside(
        graph,
        nodes,
        parsed.macros,
        config=project.config(),
        variables=parsed.variables(parsed.project),
        day=day,
    )
    if only:
        places = {(node.name, node.file) for node in chosen}
        aside = [one for one in aside if (one.model, one.file) in places]
    own = [one for node in chosen for one in node_findings(graph, node)]
    return tuple(ordered((*own, *aside)))
