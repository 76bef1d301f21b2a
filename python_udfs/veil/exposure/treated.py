"""What changed in pseudonymized models: masks, their arguments, linkage, dropped columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from veil.exposure import strength
from veil.exposure.change import Change, change, look, note
from veil.exposure.picture import Picture
from veil.exposure.strength import Strength
from veil.exposure.treatments import HIERARCHIES, LINKING
from veil.exposure.words import code, codes, place_of, title_of

Json = dict[str, Any]


def treated_changes(old: Json, new: Json, after: Picture) -> Iterator[Change]:
    """What changed in one pseudonymized model.

    Args:
        old: the model as it was.
        new: as it is.
        after: the picture that `new` stands in, for what the model could read.
    """
    title, place = title_of(new), place_of(new)
    if old["profile"] != new["profile"]:
        yield change(
            "profile_changed",
            f"{title} is masked under another profile.",
            exposes=bool(old["profile"]),
            before=code(old["profile"] or "none"),
            after=code(new["profile"] or "none"),
            **place,
        )
    offered = _offered(new, after)
    for name in sorted(set(old["drop"]) ^ set(new["drop"])):
        gone = name in new["drop"] or (offered is not None and name.lower() not in offered)
        verb = "drops" if name in new["drop"] else "no longer drops"
        yield change(
            "drop_shrunk",
            f"{title} {verb} {code(name)}.",
            exposes=not gone,
            column=name,
            **place,
        )
    for name, one in new["columns"].items():
        was = old["columns"].get(name)
        if was is None:
            yield change(
                "column_treated",
                f"column {code(name)} of {title} is new.",
                exposes=one["mask"] != "drop",
                after=f"{mask_words(one)} of {code(one['from'])}",
                column=name,
                **place,
            )
        else:
            yield from _treatment(name, was, one, new)
    for name in old["columns"]:
        if name not in new["columns"]:
            message = f"column {code(name)} of {title} is gone."
            yield note("column_gone", message, column=name, **place)


def _offered(node: Json, picture: Picture) -> set[str] | None:
    """Lower-case names of the columns that its parents declare; None where one is not known."""
    found: set[str] = set()
    for parent in node["parents"]:
        if parent not in picture.nodes or not picture.nodes[parent]["columns"]:
            return None
        found |= {name.lower() for name in picture.nodes[parent]["columns"]}
    return found


def _treatment(name: str, old: Json, new: Json, node: Json) -> Iterator[Change]:
    title, place = f"column {code(name)} of {title_of(node)}", {**place_of(node), "column": name}
    if old["from"] != new["from"]:
        yield look(
            "mask_changed",
            f"{title} is made from another column.",
            before=code(old["from"]),
            after=code(new["from"]),
            **place,
        )
    if old["domain"] != new["domain"]:
        yield look(
            "domain_changed",
            f"{title} is in another linkage domain.",
            before=code(old["domain"] or "none"),
            after=code(new["domain"] or "none"),
            **place,
        )
    found = strength.masks(old["mask"], new["mask"])
    if found is not Strength.SAME:
        yield change(
            "mask_changed",
            f"{title} {_judged(found, 'has a {} mask')}.",
            exposes=found is not Strength.STRONGER,
            before=mask_words(old),
            after=mask_words(new),
            **place,
        )
        return
    changed = list(strength.arguments(new["mask"], old["arguments"], new["arguments"]))
    for argument, how in changed:
        values = [_argument(one["arguments"].get(argument)) for one in (old, new)]
        verb = _judged(how, "is masked {}") if how is not Strength.OTHER else "is masked otherwise"
        yield change(
            "mask_changed",
            f"{title} {verb}: argument {code(argument)} of the mask {code(new['mask'])} changed.",
            exposes=how is not Strength.STRONGER,
            before=values[0],
            after=values[1],
            **place,
        )


def _judged(found: Strength, sentence: str) -> str:
    adjective = {"has a {} mask": ("weaker", "stronger", "different")}.get(
        sentence, ("less", "no less", "otherwise")
    )
    which = {Strength.WEAKER: 0, Strength.STRONGER: 1}.get(found, 2)
    return sentence.format(adjective[which])


def mask_words(one: Json) -> str:
    """A mask with its arguments in words; a constant stays hidden."""
    values = (
        f"{name} {_argument(value)}"
        for name, value in one["arguments"].items()
        if value not in ("", None)
    )
    inner = ", ".join(values)
    mask = code(one["mask"]) if one["mask"] else "the profile's mask"
    domain = f", domain {code(one['domain'])}" if one["domain"] else ""
    return f"{mask}{f' with {inner}' if inner else ''}{domain}"


def _argument(value: Any) -> str:
    if isinstance(value, str) and value.startswith("digest "):
        return "a value that is not shown"
    return (
        code(str(value)) if isinstance(value, str) else str(value) if value is not None else "none"
    )


def hierarchy_changes(before: Picture, after: Picture) -> Iterator[Change]:
    """Hierarchies of which the rows changed: a mask over one may be finer than before."""
    for key, new in after.nodes.items():
        was, is_ = before.nodes.get(key, {}).get("content"), new.get("content")
        if not was or not is_ or was == is_:
            continue
        used = sorted(
            f"{node['name']}.{name}"
            for node in after.of("pseudonymized").values()
            for name, one in node["columns"].items()
            if new["name"] in (one["arguments"].get(key) for key in HIERARCHIES)
        )
        yield look(
            "mask_changed",
            f"the rows of the hierarchy {code(new['name'])} changed, by which {codes(used)}"
            f" {'is' if len(used) == 1 else 'are'} masked.",
            **place_of(new),
        )


def linkable_changes(before: Picture, after: Picture) -> Iterator[Change]:
    """Models whose rows can be joined over pseudonyms of one domain, and could not before."""
    old, new = _domains(before), _domains(after)
    for domain, members in sorted(new.items()):
        for name in sorted(members - old.get(domain, set())):
            others = sorted(members - {name})
            if others:
                yield look(
                    "linkable",
                    f"{code(name)} now shares the linkage domain {code(domain)} with"
                    f" {codes(others)}: rows of one person can be joined.",
                    model=name,
                )
        for name in sorted(old.get(domain, set()) - members):
            message = f"{code(name)} left the linkage domain {code(domain)}."
            yield note("linkable", message, model=name)


def _domains(picture: Picture) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in picture.of("pseudonymized").values():
        for one in node["columns"].values():
            if one["mask"] in LINKING and one["domain"]:
                found.setdefault(one["domain"], set()).add(node["name"])
    return found
