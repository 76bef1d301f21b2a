"""What changed in sources, seeds, snapshots and raw models: columns, classes, kinds of data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from veil.exposure.change import Change, change, look, note
from veil.exposure.kept import kept_changes
from veil.exposure.words import code, codes, is_personal, kind, place_of, rank, title_of

Json = dict[str, Any]


def classified_changes(old: Json, new: Json) -> Iterator[Change]:
    title, place = title_of(new), place_of(new)
    is_new_data = new["kind"] in {"seed", "source"}
    for name, one in new["columns"].items():
        was, more = old["columns"].get(name), {**place, "column": name}
        if was is None:
            if one["class"]:
                yield change(
                    "column_collected",
                    f"column {code(name)} of {title} is new.",
                    exposes=is_new_data and is_personal(one["class"]),
                    after=kind(one["class"]),
                    **more,
                )
            continue
        if was["class"] != one["class"] and one["class"]:
            lower = rank(one["class"]) < rank(was["class"])
            first = not was["class"]
            said_ = "has a class for the first time" if first else "has another class"
            yield change(
                "class_changed",
                f"column {code(name)} of {title} {said_}.",
                exposes=lower and not first,
                before=kind(was["class"]),
                after=kind(one["class"]),
                **more,
            )
        if was["type"] != one["type"] and was["type"]:
            yield look(
                "type_changed",
                f"column {code(name)} of {title} is called another kind of data.",
                before=code(was["type"]),
                after=code(one["type"] or "none"),
                **more,
            )
        yield from kept_changes(was, one, column=name, of=new)
    yield from unclassified(old["columns"], new)
    for name in old["columns"]:
        if name not in new["columns"]:
            message = f"column {code(name)} of {title} is gone."
            yield note("column_gone", message, column=name, **place)


def new_data(new: Json) -> Change:
    """A seed, source, snapshot or raw model that is new."""
    by_class: dict[str, list[str]] = {}
    for name, one in new["columns"].items():
        by_class.setdefault(one["class"], []).append(name)
    words = (
        f"{kind(word)}: {codes(by_class[word])}"
        for word in sorted(by_class, key=rank, reverse=True)
    )
    # A raw model or a snapshot holds what came in before, or what is new itself.
    comes_in = new["kind"] in {"seed", "source"}
    return change(
        "model_new",
        f"{title_of(new)} is new.",
        exposes=comes_in and (any(map(is_personal, by_class)) or not by_class),
        after="; ".join(words),
        **place_of(new),
    )


def unclassified(old: Json | None, new: Json) -> Iterator[Change]:
    """Columns that nobody has classified.

    Args:
        old: the columns as they were; None for a node that is new.
        new: the node.
    """
    before = old or {}
    for name, one in new["columns"].items():
        lost = name in before and bool(before[name]["class"])
        if one["class"] or (name in before and not lost):
            continue
        if old is None and not new["guarded"]:
            continue  # said of it as a whole
        yield change(
            "column_unclassified",
            f"column {code(name)} of {title_of(new)} "
            + ("lost its class." if lost else "is new and has no class."),
            # Data of which nobody classifies anything, as before, is none of veil's.
            exposes=lost or new["guarded"],
            before=kind(before[name]["class"]) if lost else "",
            column=name,
            **place_of(new),
        )
