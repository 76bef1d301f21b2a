"""Privacy units: the pseudonyms that stand for one, and the personal data under a mart."""

from __future__ import annotations

from veil.errors import VeilError
from veil.policy.graph import BASES, Graph, Node
from veil.policy.rules.common import is_personal, title

PSEUDONYMS = frozenset({"pseudonym", "random_token"})
"""Masks whose value stands for one unit, and for the same one in a whole linkage domain."""


def pseudonyms_of(node: Node) -> dict[str, tuple[str, str]]:
    """Domain, and column that it is made from, of each pseudonym of a model, by its lower-case
    name. A column whose mask a profile fills in counts too, where it names a domain."""
    return {
        column.name.lower(): (
            str(column.meta["privacy_domain"]),
            str(column.meta.get("privacy_from") or column.name),
        )
        for column in node.columns.values()
        if column.meta.get("privacy_domain")
        and column.meta.get("privacy_mask", "pseudonym") in PSEUDONYMS
    }


def unit_column(mart: Node) -> str:
    """The lower-case name in `privacy_unit`, without a qualifier; empty where there is none."""
    unit = mart.meta.get("privacy_unit")
    return unit.rsplit(".", 1)[-1].strip('"').lower() if isinstance(unit, str) else ""


def unit_domains(graph: Graph, mart: Node) -> frozenset[str]:
    """The linkage domains of the pseudonyms under a mart that bear the name of its unit."""
    unit = unit_column(mart)
    found = (pseudonyms_of(node).get(unit) for node in graph.ancestors(mart))
    return frozenset(one[0] for one in found if one is not None)


def unit_domain(graph: Graph, mart: Node) -> str:
    """The one linkage domain of a mart's privacy unit.

    Raises:
        VeilError: no pseudonym under the mart has the unit's name, or those of two domains have.
    """
    domains = unit_domains(graph, mart)
    if len(domains) != 1:
        problem = (
            "no pseudonym of the models under it has that name"
            if not domains
            else "pseudonyms of several linkage domains have that name"
        )
        raise VeilError(
            f"{title(mart)} has a `privacy_unit` that is no one's: {problem}.",
            remedy="Name the pseudonym as the pseudonymized model does, and give pseudonyms of"
            " other domains another name.",
        )
    return next(iter(domains))


def personal_sources(graph: Graph, node: Node) -> frozenset[str]:
    """Unique ids of the seeds and sources under a node that hold personal data."""
    return frozenset(
        one.unique_id
        for one in graph.ancestors(node)
        if one.kind in {"seed", "source"} and is_personal(one)
    )


def reaches_people(graph: Graph, node: Node) -> bool:
    """Whether people's data reach a node by another way than through a differential mart.

    What nobody has classified counts as people's.
    """
    waiting, seen = [node.unique_id], set[str]()
    while waiting:
        unique_id = waiting.pop()
        if unique_id in seen or not graph.knows(unique_id):
            continue
        seen.add(unique_id)
        one = graph.node(unique_id)
        if one.is_mart and one.is_differential:
            continue
        if is_personal(one) or (one.kind in BASES and not one.is_classified):
            return True
        waiting.extend(one.parents)
    return False
