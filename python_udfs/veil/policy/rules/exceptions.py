"""Rules about exceptions from rules: waivers."""

from __future__ import annotations

from collections.abc import Iterator

from veil import bypass
from veil.lineage import Rule as LineageRule
from veil.lineage.refusals import NEVER_WAIVED
from veil.policy.graph import Graph, Node
from veil.policy.rules.common import Rule, title
from veil.policy.rules.exact import EXACT
from veil.policy.waivers import problems, today

WAIVABLE = (
    frozenset(rule.value for rule in LineageRule if rule not in NEVER_WAIVED)
    | bypass.WAIVABLE
    | {EXACT}
)
"""Rules that a waiver can set aside."""


def waivers_hold(graph: Graph, node: Node) -> Iterator[str]:
    for problem in problems(node.meta, known=WAIVABLE, day=today()):
        yield f"{title(node)}: {problem}"


RULES: tuple[Rule, ...] = (waivers_hold,)
