"""What a differential mart promises and what a budget allows, as a picture holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from veil.errors import VeilError
from veil.exposure.query import digest
from veil.policy.budgets import declared_budgets, read_budgets
from veil.policy.graph import DIFFERENTIAL, MODEL_PARAMETERS, Graph, Node

if TYPE_CHECKING:
    from veil.releases import Declared, Key

Json = dict[str, Any]
PARAMETERS = MODEL_PARAMETERS | frozenset(
    "privacy_budget privacy_release_period privacy_refresh privacy_increment"
    " privacy_unit_within".split()
)
"""Keys of a model that only a differential mart has."""
ON_CHANGE = "on_change"
LISTED = 1_000
"""Public values of a key that are told apart one by one; of more, only that they differ."""


def release_of(node: Node, meta: Mapping[str, Any], *, code: str) -> Json | None:
    """A mart's differential parameters; empty where they cannot be read, None where it has none.

    Args:
        node: the mart.
        meta: its meta, from both its places.
        code: its SQL, the newest there is.
    """
    if meta.get("privacy_release") != DIFFERENTIAL:
        return None
    # The arithmetic takes time to import, and most projects have no such mart.
    from veil.releases import read_declared
    from veil.releases.plan import plan
    from veil.releases.reading import names_partitions

    try:
        declared = read_declared(node, public_relation=names_partitions(code))
        plan(declared)
    except VeilError:
        return {}
    return _release(declared)


def _release(declared: Declared) -> Json:
    parameters = declared.parameters()
    return {
        "budget": declared.budget,
        "measure": declared.measure.value,
        "loss": str(declared.loss),
        "delta": str(declared.delta),
        "period": ON_CHANGE if declared.on_change else declared.period.text,
        "increment": declared.increment or "",
        "within": declared.unit_within or "",
        "partitions": _partitions(declared),
        "pre_threshold": declared.pre_threshold,
        "keys": {key.name: _values(key) for key in declared.keys},
        "metrics": {one.name: one.parameters() for one in declared.metrics},
        "shape": {
            "max_partitions_contributed": declared.bounds.max_partitions_contributed,
            "max_contributions_per_partition": declared.bounds.max_contributions_per_partition,
            "confidence": str(declared.confidence),
        },
        # What the ledger knows a release by: where it changes, the mart is drawn anew.
        "definition": digest(parameters),
    }


def _partitions(declared: Declared) -> str:
    if declared.is_private:
        return "private partitions"
    return "the rows of a public relation" if declared.public_relation else "a public list"


def _values(key: Key) -> Json:
    """How many public values a key has, and digests by which they are told apart."""
    values = [str(one) for one in key.values or ()]
    found: Json = {"number": len(values), "all": digest(values)}
    if len(values) <= LISTED:
        found["each"] = sorted(digest(one) for one in values)
    return found


def budgets_of(graph: Graph, config: Mapping[str, Any]) -> dict[str, Json]:
    """The budgets of dbt_project.yml by name; of one that cannot be read, that it is there."""
    declared = declared_budgets(config)
    if not isinstance(declared, Mapping):
        return {}
    return {str(name): _budget(graph, name, one) for name, one in declared.items()}


def _budget(graph: Graph, name: Any, declared: Any) -> Json:
    try:
        (one,) = read_budgets(graph, {name: declared})
    except VeilError:
        return {"unread": digest(declared)}
    return {
        "unit": one.unit,
        "within": one.within,
        "sources": sorted(one.sources),
        "beside": one.beside,
        "measure": one.budget.measure.value,
        "loss": str(one.budget.loss),
        "delta": str(one.budget.delta),
        "window": one.budget.window.value,
    }
