"""Schema drift as far as files tell it: the header of a seed, and of a CSV file behind a source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veil.findings import Finding
from veil.policy.drift import compare, csv_header, seed_header
from veil.policy.graph import Graph, Node
from veil.project import Project

_CSV = re.compile(r"'([^'*?\[\]{}]+\.csv)'")


def header_of(project: Project, node: Node) -> list[str]:
    """Column names in the file of a seed or source, in order; empty where no file tells them."""
    if node.kind == "seed":
        return seed_header(project, node)
    found = _CSV.search(node.relation)
    if found is None or "header = false" in node.relation or "delim" in node.relation:
        return []
    return csv_header(project.root / found[1])


def drifts(project: Project, graph: Graph) -> Iterator[Finding]:
    """Columns that a file has and its YAML does not know, or the other way round."""
    for node in graph:
        if node.kind in {"seed", "source"} and node.is_classified:
            yield from compare(node, dict.fromkeys(header_of(project, node), ""))
