"""The same metric with noise and without: the exact one makes the noise worthless."""

from __future__ import annotations

from collections.abc import Iterator

from veil.policy.graph import Graph, Node
from veil.policy.rules.common import Rule, title
from veil.policy.rules.measures import below, measures
from veil.policy.rules.units import unit_domains
from veil.policy.waivers import today, waivers_of

EXACT = "exact_beside_differential"
"""Name of the rule, for a waiver."""
_COMPARED = "suppressed"
"""The one other kind of release whose SQL shows aggregates alone."""
_REMEDY = (
    "Release it differentially too, or for another audience; a `privacy_waiver` for"
    f" `{EXACT}` sets the rule aside."
)


def exact_beside_differential(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind != "model" or not node.is_mart or node.is_differential:
        return
    rivals = [mart for mart in graph.marts if mart.is_differential and _overlap(graph, node, mart)]
    if not rivals or _is_waived(node):
        return
    exact = measures(graph, node)
    for mart in rivals:
        noisy = measures(graph, mart)
        where = f"`{mart.name}`, which is released with noise for the same audience"
        if node.meta.get("privacy_release") != _COMPARED:
            yield f"{title(node)} speaks of the people of {where}, and row by row. {_REMEDY}"
        elif exact is None or noisy is None:
            yield (
                f"{title(node)} speaks of the people of {where}, and nobody can say that it"
                f" publishes something else: their SQL holds more Jinja than can be read. {_REMEDY}"
            )
        else:
            same = sorted({str(one) for one in noisy if any(one.same_as(two) for two in exact)})
            if same:
                yield (
                    f"{title(node)} publishes {', '.join(same)} exactly, over the people of"
                    f" {where}. {_REMEDY}"
                )


def _overlap(graph: Graph, node: Node, mart: Node) -> bool:
    """Whether two marts go to people who may see both, and speak of the same units.

    What `privacy_population` says is a claim, and filters are not compared.
    """
    if node.meta.get("privacy_audience") != mart.meta.get("privacy_audience"):
        return False
    units, others = unit_domains(graph, node), unit_domains(graph, mart)
    if units and others and units.isdisjoint(others):
        return False
    return not below(graph, node).sources.isdisjoint(below(graph, mart).sources)


def _is_waived(node: Node) -> bool:
    return any(
        one.rule == EXACT and not one.column and one.until >= today()
        for one in waivers_of(node.meta)
    )


RULES: tuple[Rule, ...] = (exact_beside_differential,)
