"""What changed in any model, seed or source: zone, access, hooks, query; and which are new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from veil.exposure.change import Change, change, look, note
from veil.exposure.classified import classified_changes, new_data, unclassified
from veil.exposure.kept import kept_changes
from veil.exposure.picture import Picture
from veil.exposure.treated import (
    hierarchy_changes,
    linkable_changes,
    mask_words,
    treated_changes,
)
from veil.exposure.waivers import waiver_changes
from veil.exposure.words import code, kind, place_of, title_of

Json = dict[str, Any]
_ACCESS = ("private", "protected", "public")


def model_changes(before: Picture, after: Picture) -> Iterator[Change]:
    """Every change of a node, a mart's own promises left out."""
    for key, new in after.nodes.items():
        old = before.nodes.get(key)
        if old is None:
            yield from _arrived(new)
            continue
        yield from _common(old, new)
        if old["layer"] != new["layer"]:
            yield from _moved(old, new)
        elif new["layer"] == "pseudonymized":
            yield from treated_changes(old, new, after)
        elif new["layer"] == "raw":
            yield from classified_changes(old, new)
    for key, old in before.nodes.items():
        if key not in after.nodes and old["layer"] not in {"mart", "outside"}:
            yield note("model_gone", f"{title_of(old)} is gone.", **place_of(old))
    yield from hierarchy_changes(before, after)
    yield from linkable_changes(before, after)


def _arrived(new: Json) -> Iterator[Change]:
    """A node that is new; what a new mart shows is described elsewhere."""
    title, place = title_of(new), place_of(new)
    yield from waiver_changes([], new["waivers"], title, **place)
    yield from _hooks([], new["other_hooks"], new)
    for grant in new["grants"]:
        yield look("grant_changed", f"{title} grants {code(grant)}.", **place)
    if new["layer"] == "pseudonymized":
        masks = (f"{code(name)} ({mask_words(one)})" for name, one in new["columns"].items())
        yield look("model_new", f"{title} is new.", after=", ".join(masks), **place)
    elif new["layer"] == "raw":
        yield new_data(new)
        yield from unclassified(None, new)


def _moved(old: Json, new: Json) -> Iterator[Change]:
    """A node that is another kind of model than it was."""
    if old["layer"] == "mart":
        yield note("mart_gone", f"{title_of(new)} is no mart any more.", **place_of(new))
    if new["layer"] != "mart":
        yield look(
            "zone_changed",
            f"{title_of(new)} is another kind of model.",
            before=kind(old["layer"]),
            after=kind(new["layer"]),
            **place_of(new),
        )
        yield from _arrived({**new, "waivers": [], "other_hooks": [], "grants": []})


def _common(old: Json, new: Json) -> Iterator[Change]:
    """What every node has."""
    title, place = title_of(new), place_of(new)
    guarded = old["guarded"] or new["guarded"]
    yield from waiver_changes(old["waivers"], new["waivers"], title, **place)
    if old["zone"] != new["zone"] and guarded:
        yield look(
            "zone_changed",
            f"{title} stands in another database.",
            before=code(old["zone"]),
            after=code(new["zone"]),
            **place,
        )
    if old["access"] != new["access"] and guarded:
        yield change(
            "access_changed",
            f"the access of {title} changed.",
            exposes=_openness(new["access"]) > _openness(old["access"]),
            before=code(old["access"] or "none"),
            after=code(new["access"] or "none"),
            **place,
        )
    for grant in sorted(set(new["grants"]) ^ set(old["grants"])):
        is_new = grant in new["grants"]
        verb = "grants" if is_new else "no longer grants"
        yield change("grant_changed", f"{title} {verb} {code(grant)}.", exposes=is_new, **place)
    if guarded:
        for hook in sorted(set(old["hooks"]) - set(new["hooks"])):
            yield look("hook_changed", f"{title} no longer runs {code(hook)}.", **place)
        for hook in sorted(set(new["hooks"]) - set(old["hooks"])):
            yield note("hook_changed", f"{title} runs {code(hook)} now.", **place)
    yield from _hooks(old["other_hooks"], new["other_hooks"], new)
    yield from kept_changes(old, new)
    yield from _query(old, new)


def _openness(access: str) -> int:
    return _ACCESS.index(access) if access in _ACCESS else len(_ACCESS)


def _hooks(old: list[str], new: list[str], node: Json) -> Iterator[Change]:
    if set(new) - set(old):
        message = f"{title_of(node)} has new SQL of its own in its hooks."
        yield change("hook_changed", message, exposes=node["guarded"], **place_of(node))
    elif set(old) - set(new):
        message = f"{title_of(node)} has less SQL of its own in its hooks."
        yield note("hook_changed", message, **place_of(node))


def _query(old: Json, new: Json) -> Iterator[Change]:
    """The query of a guarded model, where its lineage says nothing of what changed in it."""
    if not new["guarded"] or "query" not in new or old.get("query") == new["query"]:
        return
    if old.get("terms") != new["terms"]:
        how = "it computes with other functions, numbers or texts"
    elif not new["followed"]:
        how = "nobody can follow it"
    else:
        how = "it computes with the same as before"
    yield change(
        "query_changed",
        f"the query of {title_of(new)}, or a macro in it, changed: {how}.",
        exposes=new["layer"] in {"mart", "intermediate"} and not how.endswith("before"),
        **place_of(new),
    )
