"""What changed in budgets, and in what differential marts promise and spend.

What protects a person is the loss, whom it is counted for, and how often it is spent. The bounds on
contributions and values shape the noise and what is cut off: the promise stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from veil.differential.exact import shown_up
from veil.exposure.change import Change, change, look, note
from veil.exposure.released import ON_CHANGE
from veil.exposure.words import code, codes, place_of, plural

Json = dict[str, Any]
FILE = "dbt_project.yml"
_OFTEN = {"month": 1, "day": 2, ON_CHANGE: 3}
"""Periods that come by themselves, the rarest first; `once` and a number wait for a person."""
_WINDOWS = ("lifetime", "year", "month", "day")
"""Over what a budget renews, the longest first."""
_MEASURED = {"kind": "measures otherwise", "column": "measures another column"}


def promised(release: Json) -> str:
    """What a differential mart promises, in words: epsilon 0.2 for each `day`, of a budget."""
    said = _cost(release)
    if release["within"]:
        said += f", within a {code(release['within'])}"
    return f"{said}, of the budget {code(release['budget'])}"


def _cost(release: Json) -> str:
    said = _loss(release)
    if release["increment"]:
        said += f" for each {code(release['increment'])}"
    elif release["period"] == ON_CHANGE:
        said += " at each change of the data"
    elif release["period"] in _OFTEN:
        said += f" each {release['period']}"
    return said


def _loss(one: Json) -> str:
    """Loss and delta of a release or a budget."""
    said = f"{one['measure']} {shown_up(Fraction(one['loss']))}"
    if Fraction(one["delta"]):
        said += f" and delta {shown_up(Fraction(one['delta']))}"
    return said


def release_changes(old: Json, new: Json) -> Iterator[Change]:
    """Changes of a mart's differential parameters; that it is another kind is said elsewhere.

    Args:
        old: the mart as it was.
        new: as it is.
    """
    was, is_ = old["differential"], new["differential"]
    name, place = code(new["name"]), place_of(new)
    if was == is_ or is_ is None:
        return
    if not is_:
        message = f"what mart {name} promises cannot be read: see `veil check`."
        yield look("promise_changed", message, **place)
    elif not was:
        message = f"mart {name} is charged to a budget."
        yield look("budget_changed", message, after=promised(is_), **place)
    else:
        yield from _spent(was, is_, name, place)
        yield from _renewed(was, is_, name, place)
        yield from _guarded(was, is_, name, place)
        yield from _metrics(was, is_, name, place)
        yield from _shape(was, is_, name, place)
        yield from _drawn(was, is_, name, place)


def _spent(was: Json, is_: Json, name: str, place: dict[str, str]) -> Iterator[Change]:
    """Loss, delta, and who pays."""
    if was["measure"] != is_["measure"]:
        yield look(
            "budget_changed",
            f"mart {name} counts its loss in another measure.",
            before=_loss(was),
            after=_loss(is_),
            **place,
        )
    else:
        yield from _higher(was, is_, f"mart {name}", place)
    if was["budget"] != is_["budget"]:
        yield look(
            "budget_changed",
            f"mart {name} is paid by another budget.",
            before=code(was["budget"]),
            after=code(is_["budget"]),
            **place,
        )


def _higher(was: Json, is_: Json, title: str, place: dict[str, str]) -> Iterator[Change]:
    """Loss and delta of a mart or a budget, in one measure."""
    for key, word in (("loss", is_["measure"]), ("delta", "delta")):
        numbers = Fraction(was[key]), Fraction(is_[key])
        if numbers[0] != numbers[1]:
            more = numbers[1] > numbers[0]
            yield change(
                "budget_changed",
                f"the {word} of {title} is {'higher' if more else 'lower'}.",
                exposes=more,
                before=shown_up(numbers[0]),
                after=shown_up(numbers[1]),
                **place,
            )


def _renewed(was: Json, is_: Json, name: str, place: dict[str, str]) -> Iterator[Change]:
    """How often it is drawn."""
    often = [_OFTEN.get(one["period"], 0) for one in (was, is_)]
    if often[0] != often[1]:
        # Data may change more often or less than the clock strikes: there nobody can tell.
        unsure = ON_CHANGE in (was["period"], is_["period"]) and often[1] > 0
        verb = "is drawn again at other times"
        if not unsure:
            verb = f"is drawn again {'more' if often[1] > often[0] else 'less'} often"
        yield change(
            "budget_changed",
            f"mart {name} {verb}.",
            exposes=unsure or often[1] > often[0],
            before=code(was["period"]),
            after=f"{code(is_['period'])}, {_cost(is_)}",
            **place,
        )
    if was["increment"] != is_["increment"]:
        each = code(is_["increment"] or was["increment"])
        verb = "a release of its own" if is_["increment"] else "no release of its own any more"
        yield change(
            "budget_changed",
            f"each {each} of mart {name} is {verb}.",
            exposes=bool(is_["increment"]),
            before=_cost(was),
            after=_cost(is_),
            **place,
        )


def _guarded(was: Json, is_: Json, name: str, place: dict[str, str]) -> Iterator[Change]:
    """Whom it protects, and whether which cells there are is protected too."""
    if was["within"] != is_["within"]:
        whole = "the whole unit"
        said = [
            f"a unit within a {code(one)}" if one else whole for one in _both("within", was, is_)
        ]
        yield change(
            "promise_changed",
            f"mart {name} protects {'less' if is_['within'] else 'more'} of a unit.",
            exposes=bool(is_["within"]),
            before=said[0],
            after=said[1],
            **place,
        )
    if was["partitions"] != is_["partitions"]:
        yield look(
            "promise_changed",
            f"which cells mart {name} has is decided otherwise.",
            before=was["partitions"],
            after=is_["partitions"],
            **place,
        )
    elif was["pre_threshold"] != is_["pre_threshold"]:
        fewer = is_["pre_threshold"] < was["pre_threshold"]
        yield change(
            "threshold_changed",
            f"cells of mart {name} are named from {'fewer' if fewer else 'more'} units on.",
            exposes=fewer,
            before=str(was["pre_threshold"]),
            after=str(is_["pre_threshold"]),
            **place,
        )
    for key in sorted(was["keys"].keys() & is_["keys"].keys()):
        before, after = was["keys"][key], is_["keys"][key]
        if before != after and was["partitions"] == is_["partitions"]:
            message = f"the public list of {code(key)} in mart {name} changed."
            told = {"before": plural(before["number"], "value")}
            yield note(
                "promise_changed", message, **told, after=plural(after["number"], "value"), **place
            )


def _metrics(was: Json, is_: Json, name: str, place: dict[str, str]) -> Iterator[Change]:
    """What is measured, and how; columns that came or went are said elsewhere."""
    for metric in sorted(was["metrics"].keys() & is_["metrics"].keys()):
        before, after = was["metrics"][metric], is_["metrics"][metric]
        column = f"column {code(metric)} of mart {name}"
        for key, how in _MEASURED.items():
            if before[key] != after[key]:
                said = [code(str(one[key] or "none")) for one in (before, after)]
                yield look(
                    "promise_changed",
                    f"{column} {how}.",
                    column=metric,
                    before=said[0],
                    after=said[1],
                    **place,
                )
        shaped = [
            key for key in sorted(after) if key not in _MEASURED and before[key] != after[key]
        ]
        if shaped:
            yield note(
                "promise_changed",
                f"{codes(shaped)} of {column} changed: other noise, the same promise.",
                column=metric,
                **place,
            )


def _shape(was: Json, is_: Json, name: str, place: dict[str, str]) -> Iterator[Change]:
    """Bounds and intervals."""
    for key, after in is_["shape"].items():
        before = was["shape"][key]
        if before != after:
            shown = [shown_up(Fraction(one)) for one in (before, after)]
            yield note(
                "promise_changed",
                f"{code(key)} of mart {name} changed: other numbers, the same promise.",
                before=shown[0],
                after=shown[1],
                **place,
            )


def _drawn(was: Json, is_: Json, name: str, place: dict[str, str]) -> Iterator[Change]:
    """What the next build charges."""
    grown = _grown(was, is_)
    pays = f"the budget {code(is_['budget'])} is charged {_cost(is_)}"
    if was["definition"] != is_["definition"] or was["period"] != is_["period"]:
        message = (
            f"the next build draws mart {name} anew: {pays}, and what was charged before stays."
        )
        yield note("release_drawn", message, **place)
    elif grown > 0:
        days = plural(grown, "part")
        yield note(
            "release_drawn", f"the next build draws {days} more of mart {name}: {pays}.", **place
        )


def _grown(was: Json, is_: Json) -> int:
    """How many parts an increment gained."""
    key = is_["increment"]
    if not key or key != was["increment"]:
        return 0
    before, after = was["keys"][key], is_["keys"][key]
    if "each" in before and "each" in after:
        return len(set(after["each"]) - set(before["each"]))
    return int(after["number"] - before["number"])


def _both(key: str, was: Json, is_: Json) -> tuple[str, str]:
    return str(was[key]), str(is_[key])


def budget_changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    """Changes of the project's budgets.

    Args:
        old: by name, as they were.
        new: as they are.
    """
    for name in sorted(old.keys() | new.keys()):
        was, is_, title = old.get(name), new.get(name), f"the budget {code(name)}"
        if is_ is None:
            yield look("budget_changed", f"{title} is withdrawn: its limit is gone.", file=FILE)
        elif was == is_:
            continue
        elif "unread" in is_:
            yield look("budget_changed", f"{title} cannot be read: see `veil check`.", file=FILE)
        elif was is None or "unread" in was:
            yield look("budget_changed", f"{title} is new.", after=_allowed(is_), file=FILE)
        else:
            yield from _budget(was, is_, title)


def _allowed(budget: Json) -> str:
    said = f"{_loss(budget)} for each {code(budget['unit'])}"
    if budget["within"]:
        said += f" within a {code(budget['within'])}"
    return f"{said}, {_window(budget)}"


def _window(budget: Json) -> str:
    over = budget["window"]
    return "over a lifetime" if over == _WINDOWS[0] else f"renewed each {over}"


def _budget(was: Json, is_: Json, title: str) -> Iterator[Change]:
    place = {"file": FILE}
    if (was["unit"], was["measure"]) != (is_["unit"], is_["measure"]):
        message = f"{title} counts another unit, or in another measure."
        told = {"before": _allowed(was), "after": _allowed(is_)}
        yield look("budget_changed", message, **told, **place)
        return
    yield from _higher(was, is_, title, place)
    if was["window"] != is_["window"]:
        sooner = _WINDOWS.index(is_["window"]) > _WINDOWS.index(was["window"])
        yield change(
            "budget_changed",
            f"{title} renews {'sooner' if sooner else 'later'}.",
            exposes=sooner,
            before=_window(was),
            after=_window(is_),
            **place,
        )
    if was["within"] != is_["within"]:
        less = bool(is_["within"])
        yield change(
            "budget_changed",
            f"{title} counts {'less' if less else 'more'} of a unit: {_counted(is_['within'])}.",
            exposes=less,
            **place,
        )
    if was["beside"] != is_["beside"]:
        verb = "may" if is_["beside"] else "may no longer"
        message = f"{title} {verb} stand beside another unit's budget over the same data."
        yield change("budget_changed", message, exposes=is_["beside"], **place)
    fewer = sorted(set(was["sources"]) - set(is_["sources"]))
    more = sorted(set(is_["sources"]) - set(was["sources"]))
    if fewer:
        message = f"{title} no longer counts what is released of {codes(fewer)}."
        yield look("budget_changed", message, **place)
    if more:
        yield note(
            "budget_changed", f"{title} also counts what is released of {codes(more)}.", **place
        )


def _counted(within: str) -> str:
    return f"the dearest {code(within)} of a series" if within else "the sum of a series"
