"""How strong a mask is beside another, and one set of arguments beside another.

Only what is certain is ordered: nothing is left of a dropped column, one value of a constant, the
fact that there was a text of a redacted one, and everything of a kept one. Two masks in between
hide different things, so that only a person can say which hides more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any


class Strength(Enum):
    """The later treatment beside the earlier one."""

    SAME = "same"
    STRONGER = "stronger"
    WEAKER = "weaker"
    OTHER = "other"
    """Only a person can tell."""


_RANKS = {"drop": 0, "constant": 1, "redact": 2, "keep": 9}
_BETWEEN = 5
UNITS = ("decade", "year", "quarter", "month", "week", "day")
"""Units of `truncate_date`, the coarsest first."""
_MORE_IS_WEAKER = frozenset(
    {
        ("partial", "keep_first"),
        ("partial", "keep_last"),
        ("ip_prefix", "v4"),
        ("ip_prefix", "v6"),
        ("postcode_prefix", "digits"),
        ("age_band", "top"),
        ("top_code", "most"),
    }
)
_LESS_IS_WEAKER = frozenset(
    {
        ("email_domain", "minimum"),
        ("shift_date", "days"),
        ("age_band", "width"),
        ("round_to", "step"),
        ("bottom_code", "least"),
        ("postcode_prefix", "minimum"),
        ("noise", "scale"),
    }
)


def masks(before: str, after: str) -> Strength:
    """Two masks by name; an empty name is the profile's choice."""
    if before == after:
        return Strength.SAME
    ranks = [_RANKS.get(one, _BETWEEN) for one in (before, after)]
    if ranks[0] == ranks[1] or "" in (before, after):
        return Strength.OTHER
    return Strength.WEAKER if ranks[1] > ranks[0] else Strength.STRONGER


def arguments(
    mask: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Strength]]:
    """Each argument of one mask that differs, by name."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, _argument(mask, name, before.get(name), after.get(name))


def _argument(mask: str, name: str, before: Any, after: Any) -> Strength:
    if mask == "constant":
        return Strength.STRONGER  # one value for everybody, as before
    if (mask, name) == ("truncate_date", "unit") and before in UNITS and after in UNITS:
        return _by_order(UNITS.index(before), UNITS.index(after), more_is_weaker=True)
    if (mask, name) == ("bucket", "edges") and isinstance(before, list) and isinstance(after, list):
        if set(after) < set(before):
            return Strength.STRONGER
        return Strength.WEAKER if set(after) > set(before) else Strength.OTHER
    if is_number(before) and is_number(after):
        if (mask, name) in _MORE_IS_WEAKER:
            return _by_order(before, after, more_is_weaker=True)
        if (mask, name) in _LESS_IS_WEAKER:
            return _by_order(before, after, more_is_weaker=False)
    return Strength.OTHER


def _by_order(before: float, after: float, *, more_is_weaker: bool) -> Strength:
    return Strength.WEAKER if (after > before) is more_is_weaker else Strength.STRONGER


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def worst(found: list[Strength]) -> Strength:
    """What several differences come to: weaker as soon as one is."""
    for one in (Strength.WEAKER, Strength.OTHER, Strength.STRONGER):
        if one in found:
            return one
    return Strength.SAME
