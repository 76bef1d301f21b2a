"""What a published differential release promises, in the words of the field."""

from __future__ import annotations

from typing import Any

from veil.differential.exact import shown_up
from veil.differential.intervals import NOISE_ONLY
from veil.policy.graph import Node
from veil.releases.plan import plan
from veil.releases.reading import names_partitions, read_declared

NEIGHBOURS = "one privacy unit, with all its rows, is added or removed"


def promise_of(node: Node) -> dict[str, Any]:
    """The parameters of a mart, for those who read it: all of them are public.

    Args:
        node: a differential mart that was built, and so is whole.
    """
    listed = names_partitions(node.code)
    declared = read_declared(node, public_relation=listed)
    cost, within = plan(declared).cost, declared.unit_within
    return {
        "privacy_unit": f"{declared.unit} within a {within}" if within else declared.unit,
        "neighbouring_relation": NEIGHBOURS,
        declared.measure.value: shown_up(cost.loss),
        "delta": shown_up(cost.delta),
        "counted_for_each": declared.increment or "release",
        "noise_kind": declared.noise_kind.value,
        "max_partitions_contributed": declared.bounds.max_partitions_contributed,
        "max_contributions_per_partition": declared.bounds.max_contributions_per_partition,
        "partitions": "private" if declared.is_private else "public",
        "confidence": shown_up(declared.confidence),
        "intervals": NOISE_ONLY,
        "metrics": {
            one.name: {
                "metric": one.kind.value,
                "column": one.column,
                "lower": None if one.clamp is None else float(one.clamp.lower),
                "upper": None if one.clamp is None else float(one.clamp.upper),
            }
            for one in declared.metrics
        },
    }
