"""Sources that give a table of the project, or a query, another name and so another class."""

from __future__ import annotations

from collections.abc import Iterator

from veil.bypass.nodes import Breach, Project, Raw
from veil.bypass.queries import is_file
from veil.bypass.rules import Rule
from veil.policy.graph import is_quoted
from veil.project import ZONES

_BUILT = frozenset({"model", "seed", "snapshot"})


def _place(node: Raw) -> tuple[str, ...]:
    name = node.get("alias") or node.get("identifier") or node["name"]
    parts = (node.get("database"), node.get("schema"), name)
    return tuple(str(part or "").strip('"').lower() for part in parts)


def check_sources(project: Project) -> Iterator[Breach]:
    """A source is a table or a file from outside, and no table that dbt builds."""
    built = {_place(node) for _, node in project if node["resource_type"] in _BUILT}
    for unique_id, node in project:
        if node["resource_type"] != "source":
            continue
        relation = str(node.get("relation_name") or "")
        problem = ""
        if relation and not is_quoted(relation):
            if not is_file(relation):
                problem = "is declared as SQL, and not as a file or a table."
        elif _place(node) in built:
            problem = "is declared on a table that a model, seed or snapshot builds."
        elif _place(node)[0] in ZONES and not project.in_scope(unique_id):
            problem = "is declared on a table of a zone, and no column of it is classified."
        if problem:
            yield project.breach(unique_id, Rule.BY_STRING, problem)
