"""What changed in how long data is kept, what for, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from veil.exposure.change import Change, change, note
from veil.exposure.words import code, days, place_of, title_of

Json = dict[str, Any]
KEYS = ("privacy_retention", "privacy_purpose", "privacy_purposes", "privacy_owner")


def kept_changes(
    old: Json, new: Json, *, column: str = "", of: Json | None = None
) -> Iterator[Change]:
    """Changes of a node, or of one of its columns.

    Args:
        old: the node or column as it was.
        new: as it is.
        column: the column's name; empty for a node.
        of: the column's node.
    """
    node = new if of is None else of
    title = f"{title_of(node)} column {code(column)}" if column else title_of(node)
    place = {**place_of(node), "column": column}
    for key in KEYS:
        was, is_ = str(old.get(key, "")), str(new.get(key, ""))
        if was == is_:
            continue
        if key == "privacy_owner":
            yield note("promise_changed", f"the owner of {title} changed.", **place)
            continue
        yield change(
            "promise_changed",
            f"{code(key)} of {title} changed.",
            exposes=_exposes(key, was, is_),
            before=code(was or "nothing"),
            after=code(is_ or "nothing"),
            **place,
        )


def _exposes(key: str, was: str, is_: str) -> bool:
    if not was:
        return False  # nothing was promised before
    if key == "privacy_retention":
        lengths = days(was), days(is_)
        if lengths[0] is not None and lengths[1] is not None:
            return lengths[1] > lengths[0]
    if key == "privacy_purposes" and is_:
        return not set(is_.split(", ")) <= set(was.split(", "))
    return True
