"""What the contract of a differential mart says of its noise: all of it is public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veil.errors import VeilError
from veil.policy.graph import Node

PROPERTY = "privacy_differential"
LIMITATIONS = (
    "Every number carries noise, drawn once for each release. The columns `_low` and `_high` are"
    " about that noise alone, not about what the bounds on each person cut off. A number may lie"
    " below zero, and cells do not add up to a total."
)
_WORDING = frozenset({"neighbouring_relation", "intervals"})
"""What veil says of every release, in its own words."""


@dataclass(frozen=True, slots=True)
class Released:
    """A differential mart as its readers see it.

    Attributes:
        promise: its parameters, see `veil.releases.promise`.
        grain: its partition keys.
        roles: of every column: `grain`, `metric`, or `interval`.
    """

    promise: Mapping[str, Any]
    grain: tuple[str, ...]
    roles: Mapping[str, str]


def released(mart: Node) -> Released | None:
    """What a differential mart promises; None for any other, and for one that is not whole, which
    `veil check` refuses."""
    if not mart.is_differential:
        return None
    # The arithmetic takes time to import, and most projects have no such mart.
    from veil.releases import read_declared
    from veil.releases.promise import promise_of
    from veil.releases.reading import names_partitions

    try:
        declared = read_declared(mart, public_relation=names_partitions(mart.code))
        promise = promise_of(mart)
    except VeilError:
        return None
    grain = tuple(key.name for key in declared.keys)
    metrics = {one.name for one in declared.metrics}
    roles = {
        name: "grain" if name in grain else "metric" if name in metrics else "interval"
        for name in declared.columns
    }
    return Released(promise, grain, roles)


def promise_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What is promised otherwise, a sentence each.

    A smaller loss breaks a reader's numbers as a larger one breaks a person's protection.

    Args:
        old: the promise of a committed contract.
        new: that of the models.
    """
    for key in sorted((old.keys() | new.keys()) - _WORDING):
        was, is_ = old.get(key), new.get(key)
        if was == is_:
            continue
        if key == "metrics" and isinstance(was, Mapping) and isinstance(is_, Mapping):
            for name in sorted(was.keys() & is_.keys()):
                if was[name] != is_[name]:
                    yield f"what `{name}` measures, or its bounds, changed"
        else:
            yield f"`{key}` was {_shown(was)} and is {_shown(is_)}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
