"""What the rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from veil.policy.graph import Graph, Node

Rule = Callable[[Graph, Node], Iterator[str]]
LEAST_THRESHOLD = 3
"""No threshold is lower: of two people each knows the other."""
CLASSES = ("direct_identifier", "quasi_identifier", "sensitive", "non_sensitive")


def title(node: Node) -> str:
    return f"{node.kind} `{node.name}`"


def is_personal(node: Node) -> bool:
    """Whether it holds personal data as delivered: a class above `non_sensitive`."""
    return any(
        column.meta.get("privacy_class", "non_sensitive") != "non_sensitive"
        for column in node.columns.values()
    )


def parents(graph: Graph, node: Node) -> list[Node]:
    known = {one.unique_id: one for one in graph.ancestors(node)}
    return [known[unique_id] for unique_id in node.parents if unique_id in known]
