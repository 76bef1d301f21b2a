"""A refusal of the lineage as a finding."""

from __future__ import annotations

from veil.findings import Finding
from veil.lineage import Refusal
from veil.policy.graph import Node


def as_finding(refusal: Refusal, node: Node) -> Finding:
    """The refusal of a node, placed at its file."""
    return Finding(
        rule=refusal.rule.value,
        message=refusal.problem,
        remedy=f"Ways out: {refusal.remedy}",
        model=node.name,
        column=refusal.column,
        path=refusal.path,
        file=node.file,
    )
