"""Two pictures of a project, and what the difference exposes."""

from __future__ import annotations

from dataclasses import replace

from veil.exposure.change import Change, Severity, ordered
from veil.exposure.marts import mart_changes
from veil.exposure.models import model_changes
from veil.exposure.picture import Picture
from veil.exposure.settings import setting_changes
from veil.exposure.words import codes


def compare(before: Picture, after: Picture) -> list[Change]:
    """Every difference, what must be looked at first; empty where the pictures are the same.

    Args:
        before: as it was; an empty picture makes everything new.
        after: as it is.
    """
    changes = (
        *mart_changes(before, after),
        *model_changes(before, after),
        *setting_changes(before, after),
    )
    reached = _reached(after)
    return ordered(
        one
        if one.audience or one.severity is Severity.NOTE
        else replace(one, reaches=codes(sorted(reached.get(one.model, ()))))
        for one in changes
    )


def _reached(picture: Picture) -> dict[str, set[str]]:
    """By the name of a node, who reads a mart that is built from it."""
    found: dict[str, set[str]] = {}
    for mart in picture.of("mart").values():
        waiting, seen = list(mart["parents"]), set[str]()
        while waiting:
            key = waiting.pop()
            if key not in seen and key in picture.nodes:
                seen.add(key)
                waiting.extend(picture.nodes[key]["parents"])
                found.setdefault(picture.nodes[key]["name"], set()).add(mart["audience"])
    return found
