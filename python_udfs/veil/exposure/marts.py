"""What changed for the readers of marts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from veil.contracts.compare import breaking
from veil.exposure.change import Change, change, look, note
from veil.exposure.picture import Picture
from veil.exposure.released import PARAMETERS
from veil.exposure.spending import promised, release_changes
from veil.exposure.strength import is_number
from veil.exposure.words import (
    code,
    codes,
    is_personal,
    kind,
    made_of,
    place_of,
    plural,
    rank,
)

Json = dict[str, Any]
_NAME = re.compile(r"[A-Za-z_]\w{0,62}", re.ASCII)
_REACH = ("public", "guarded", "personal")
_MORE_IS_WEAKER = frozenset(
    "privacy_budget epsilon delta rho t max_partitions_contributed max_contributions_per_partition"
    " privacy_joint_budget".split()
)
_LESS_IS_WEAKER = frozenset("k l".split())
_TEXTS = {"population": "the population that it speaks of", "release": "its kind of release"}


def mart_changes(before: Picture, after: Picture) -> Iterator[Change]:
    """Every change of a mart and of what its readers see."""
    old, new = before.of("mart"), after.of("mart")
    known = {mart["audience"] for mart in old.values()}
    for audience in sorted({mart["audience"] for mart in new.values()} - known):
        yield look("audience_new", f"there is a new audience, {code(audience)}.", audience=audience)
    for audience in sorted(known - {mart["audience"] for mart in new.values()}):
        yield note("audience_new", f"no mart goes to {code(audience)} any more.", audience=audience)
    for key, mart in new.items():
        if key in old:
            yield from _changed(old[key], mart)
            continue
        yield look(
            "mart_new",
            f"mart {code(mart['name'])} is new and goes to {code(mart['audience'])}.",
            after=_promised(mart),
            **place_of(mart),
        )
        yield from (_visible(mart, name) for name in mart["columns"])
        if not mart["contract"]:
            yield _unenforced(mart)
    for key, mart in old.items():
        if key not in new:
            yield note("mart_gone", f"mart {code(mart['name'])} is gone.", **place_of(mart))


def _changed(old: Json, new: Json) -> Iterator[Change]:
    name = code(new["name"])
    if old["audience"] != new["audience"]:
        yield look(
            "audience_changed",
            f"mart {name} goes to another audience.",
            before=code(old["audience"]),
            after=code(new["audience"]),
            **place_of(new),
        )
    yield from _columns(old, new)
    yield from _rows(old, new)
    yield from _promises(old, new)
    yield from _gates(old, new)
    if old["contract"] and not new["contract"]:
        yield _unenforced(new)
    yield from _contract(old, new)


def _columns(old: Json, new: Json) -> Iterator[Change]:
    """Columns that came, went, or are made of something else."""
    moved = old["audience"] != new["audience"]
    before = {name.lower(): one for name, one in old["columns"].items()}
    after = {name.lower() for name in new["columns"]}
    if old["followed"] and not new["followed"]:
        yield look(
            "lineage_unknown",
            f"mart {code(new['name'])} can no longer be followed: nobody can say what its columns"
            " are made of.",
            **place_of(new),
        )
    gained: dict[tuple[str, str, str], list[str]] = {}
    lost: dict[str, list[str]] = {}
    for name, column in new["columns"].items():
        was = before.get(name.lower())
        if moved or was is None:
            yield _visible(new, name)
        elif new["followed"]:
            for how in ("shown", "counted"):
                for source, word in (column.get(how) or {}).items():
                    if rank(word) > _known(was, source, how):
                        gained.setdefault((how, source, word), []).append(name)
            for source in (was.get("shown") or {}).keys() | (was.get("counted") or {}).keys():
                if source not in {**column["shown"], **column["counted"]}:
                    lost.setdefault(source, []).append(name)
            yield from _reach(new, name, was, column)
    for (how, source, word), names in gained.items():
        yield _gained(new, names, how=how, source=source, word=word)
    for source, names in sorted(lost.items()):
        yield note(
            "source_gone",
            f"{_those(names)} of {code(new['name'])} {_is(names)} no longer made of"
            f" {code(source)}.",
            **place_of(new),
        )
    for name in old["columns"]:
        if name.lower() not in after:
            yield note(
                "column_gone",
                f"column {code(name)} of {code(new['name'])} is gone.",
                column=name,
                **place_of(new),
            )


def _known(column: Mapping[str, Any], source: str, how: str) -> int:
    """The class under which a source was in the column already: -1 where it was not.

    What was shown may be aggregated too; what was aggregated may not be shown.
    """
    where = ("shown",) if how == "shown" else ("shown", "counted")
    found = [
        rank((column.get(one) or {})[source]) for one in where if source in column.get(one, {})
    ]
    return max(found, default=-1)


def _gained(mart: Json, names: list[str], *, how: str, source: str, word: str) -> Change:
    verb = "made of" if how == "shown" else "aggregated from"
    return change(
        "source_new",
        f"{_those(names)} of {code(mart['name'])} {_is(names)} now also {verb} {code(source)}"
        f" ({kind(word)}).",
        exposes=is_personal(word),
        column=names[0] if len(names) == 1 else "",
        path=str((mart["columns"][names[0]].get("paths") or {}).get(source, "")),
        **place_of(mart),
    )


def _reach(mart: Json, name: str, was: Json, column: Json) -> Iterator[Change]:
    places = [
        _REACH.index(one["reach"]) if one.get("reach") in _REACH else -1 for one in (was, column)
    ]
    # The lower end, nobody's data, is left by way of a source, which is a change of its own.
    if places[1] > max(places[0], 1):
        yield look(
            "source_new",
            f"column {code(name)} of {code(mart['name'])} speaks of single people now.",
            column=name,
            **place_of(mart),
        )


def _rows(old: Json, new: Json) -> Iterator[Change]:
    """What chooses or groups the rows that a mart counts."""
    if not old["followed"] or not new["followed"]:
        return
    name = code(new["name"])
    came = {key: one for key, one in new["chosen_by"].items() if key not in old["chosen_by"]}
    for exposes in (True, False):
        words = [
            f"{code(key)} ({kind(word)})"
            for key, word in came.items()
            if is_personal(word) is exposes
        ]
        if words:
            yield change(
                "rows_chosen",
                f"the rows of {name} are now also chosen or grouped by {', '.join(words)}.",
                exposes=exposes,
                **place_of(new),
            )
    gone = [key for key in old["chosen_by"] if key not in new["chosen_by"]]
    if gone:
        message = f"the rows of {name} are no longer chosen or grouped by {codes(gone)}."
        yield note("rows_chosen", message, **place_of(new))


def _promises(old: Json, new: Json) -> Iterator[Change]:
    name = code(new["name"])
    for key, what in _TEXTS.items():
        if old[key] != new[key]:
            yield look(
                "promise_changed",
                f"{what} changed in mart {name}.",
                before=code(old[key] or "nothing"),
                after=code(new[key] or "nothing"),
                **place_of(new),
            )
    if old["unit"] != new["unit"]:
        yield look(
            "promise_changed",
            f"mart {name} protects another unit.",
            before=code(old["unit"] or "none"),
            after=code(new["unit"] or "none"),
            **place_of(new),
        )
    yield from release_changes(old, new)
    # Noise protects the cells of a differential mart, however few people are in them.
    if old["threshold"] != new["threshold"] and new["differential"] is None:
        lower = new["threshold"] < old["threshold"]
        yield change(
            "threshold_changed",
            f"the threshold of mart {name} is {'lower' if lower else 'higher'}.",
            exposes=lower,
            before=plural(old["threshold"], "person").replace("persons", "people"),
            after=plural(new["threshold"], "person").replace("persons", "people"),
            **place_of(new),
        )
    said = PARAMETERS if _is_read(old, new) else frozenset[str]()
    for key in sorted((old["promises"].keys() | new["promises"].keys()) - said):
        was, is_ = old["promises"].get(key), new["promises"].get(key)
        if was != is_:
            numbers = is_number(was) and is_number(is_)
            yield change(
                "budget_changed",
                f"{code(key)} of mart {name} changed.",
                exposes=not (numbers and _is_tighter(key, was, is_)),
                before=str(was) if numbers else "",
                after=str(is_) if numbers else "",
                **place_of(new),
            )


def _is_read(old: Json, new: Json) -> bool:
    """Whether the differential parameters, where there are any, are compared as what they mean."""
    found = [one["differential"] for one in (old, new)]
    return any(found) and {} not in found


def _is_tighter(key: str, was: float, is_: float) -> bool:
    bare = key.removeprefix("privacy_")
    if key in _MORE_IS_WEAKER or bare in _MORE_IS_WEAKER:
        return is_ < was
    return bare in _LESS_IS_WEAKER and is_ > was


def _gates(old: Json, new: Json) -> Iterator[Change]:
    name = code(new["name"])
    for gate in sorted(old["gates"].keys() | new["gates"].keys()):
        was, is_ = old["gates"].get(gate), new["gates"].get(gate)
        if is_ is None:
            yield look("gate_gone", f"mart {name} lost its gate {code(gate)}.", **place_of(new))
        elif was is None:
            yield note(
                "gate_changed", f"mart {name} has the gate {code(gate)} too.", **place_of(new)
            )
        elif was != is_:
            for what in sorted(set(is_["weakened"]) ^ set(was["weakened"])):
                weaker = what in is_["weakened"]
                verb = "is weakened by" if weaker else "is no longer weakened by"
                yield change(
                    "gate_changed",
                    f"the gate {code(gate)} of mart {name} {verb} {code(what)}.",
                    exposes=weaker,
                    **place_of(new),
                )
            yield from _arguments(new, gate, was["arguments"], is_["arguments"])


def _arguments(mart: Json, gate: str, was: Json, is_: Json) -> Iterator[Change]:
    for key in sorted(was.keys() | is_.keys()):
        before, after = was.get(key), is_.get(key)
        if before == after:
            continue
        stronger = is_number(after) and key == "threshold" and (before is None or after > before)
        if key == "magnitudes":
            # What is no magnitude is a count, and has to reach the threshold too.
            stronger = set(_listed(after)) < set(_listed(before))
        yield change(
            "gate_changed",
            f"{code(key)} of the gate {code(gate)} of mart {code(mart['name'])} changed.",
            exposes=not stronger,
            before=_shown(before),
            after=_shown(after),
            **place_of(mart),
        )


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _shown(value: Any) -> str:
    """Names of columns and numbers; of anything else that it is there."""
    if is_number(value):
        return str(value)
    names = _listed(value)
    if not all(_NAME.fullmatch(one) for one in names):
        return "a value that is not shown"
    return codes(names) or "none"


def _contract(old: Json, new: Json) -> Iterator[Change]:
    """What breaks a reader's query, where no other change says so already."""
    if not old["promise"] or not new["promise"]:
        return
    # What the gate and the promises say, they say themselves.
    found = [
        what
        for column, what in breaking(old["promise"], new["promise"])
        if column or "quality rule" in what
    ]
    if not found:
        return
    majors = [str(one["promise"].get("version", "")).split(".")[0] for one in (old, new)]
    stepped = majors[0] != majors[1]
    yield change(
        "contract_broken",
        f"mart {code(new['name'])} breaks its contract for readers: {'; '.join(found)}."
        + (" Its major version was stepped." if stepped else ""),
        exposes=not stepped,
        **place_of(new),
    )


def _visible(mart: Json, name: str) -> Change:
    column = mart["columns"][name]
    return look(
        "column_visible",
        f"column {code(name)} of {code(mart['name'])} became visible to {code(mart['audience'])}.",
        column=name,
        after=made_of(column),
        **place_of(mart),
    )


def _promised(mart: Json) -> str:
    how = f"in cells of {mart['threshold']} people or more"
    if mart["differential"] is not None:
        how = promised(mart["differential"]) if mart["differential"] else "without a whole promise"
    return (
        f"about {code(mart['population'] or 'a population that is not declared')},"
        f" {code(mart['release'] or 'no kind of release')}, {how}"
    )


def _unenforced(mart: Json) -> Change:
    return look(
        "contract_broken",
        f"the contract of mart {code(mart['name'])} is not enforced, so that its columns may change"
        " unseen.",
        **place_of(mart),
    )


def _those(names: list[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {codes(names)}"


def _is(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"
