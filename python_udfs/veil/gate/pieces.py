"""One identifier cut into several columns: each hides a part of it, together they hide nothing."""

from __future__ import annotations

from collections import defaultdict

from veil.findings import Finding
from veil.lineage import Analysis, PrivacyClass
from veil.policy.graph import Node

PARTIAL = frozenset({"partial", "email_domain", "ip_prefix", "postcode_prefix", "generalize"})
"""Masks that leave a part of an identifier readable."""


def check_pieces(node: Node, analysis: Analysis) -> list[Finding]:
    """Refuse a pseudonymized model that shows parts of one direct identifier in two columns."""
    masks = {name.lower(): mask.name for name, mask in analysis.model.masks.items()}
    found: dict[str, list[str]] = defaultdict(list)
    for column, sources in analysis.lowered():
        if masks.get(column.lower()) in PARTIAL:
            for source, privacy_class in sources.items():
                if privacy_class is PrivacyClass.DIRECT_IDENTIFIER:
                    found[source].append(column)
    return [
        Finding(
            rule="identifier_in_pieces",
            message=f"model `{node.name}` shows parts of the direct identifier `{source}` in the"
            f" columns {', '.join(f'`{one}`' for one in columns)}: together they may be all of it.",
            remedy="Keep one of them, and put a `pseudonym` or nothing in the place of the others.",
            model=node.name,
            column=columns[-1],
            file=node.file,
        )
        for source, columns in found.items()
        if len(columns) > 1
    ]
