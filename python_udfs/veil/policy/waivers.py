"""Waivers: a rule set aside for one model, with an owner, a reason and a day on which it ends.

In a model's YAML::

    config:
      meta:
        privacy_waiver:
          - {rule: unfollowable, owner: ada, reason: "reviewed in PR 12", until: 2027-01-31}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

VARIABLE = "veil:waivers"
KEYS = ("rule", "column", "owner", "reason", "until")
LONGEST_DAYS = 366
"""A waiver is an exception, not a policy."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One rule set aside, for one column or, where `column` is empty, for the whole model."""

    rule: str
    column: str
    owner: str
    reason: str
    until: date


def today() -> date:
    """The day by which waivers are judged; UTC, so that two machines agree."""
    return datetime.now(UTC).date()


def waivers_of(meta: Mapping[str, Any]) -> list[Waiver]:
    """The well-formed waivers of a node's meta; what is not well formed waives nothing."""
    return [one for one in _read(meta) if isinstance(one, Waiver)]


def project_waivers(config: Mapping[str, Any]) -> list[tuple[str, Waiver]]:
    """The waivers of what has no YAML of its own: hooks of the project, nodes of a package.

    They stand in dbt_project.yml, with `node`, a unique id or the name of a package, in each::

        vars:
          "veil:waivers":
            - {rule: hook_sql, node: elementary, owner: ada, reason: ..., until: 2027-01-31}
    """
    variables = config.get("vars")
    raw = variables.get(VARIABLE) if isinstance(variables, Mapping) else None
    found = []
    for item in raw if isinstance(raw, list) else []:
        if isinstance(item, Mapping) and isinstance(item.get("node"), str):
            one = _one({key: value for key, value in item.items() if key != "node"})
            if isinstance(one, Waiver):
                found.append((str(item["node"]), one))
    return found


def project_problems(
    config: Mapping[str, Any], *, known: frozenset[str], day: date
) -> Iterator[str]:
    """What is wrong with the waivers in dbt_project.yml, one phrase each."""
    variables = config.get("vars")
    raw = variables.get(VARIABLE) if isinstance(variables, Mapping) else None
    if raw is None:
        return
    if not isinstance(raw, list):
        yield f"the variable `{VARIABLE}` is no list."
        return
    for item in raw:
        if not (isinstance(item, Mapping) and isinstance(item.get("node"), str)):
            yield f"an entry of `{VARIABLE}` has no `node`: a unique id or a package's name."
            return
    bare = [{key: value for key, value in item.items() if key != "node"} for item in raw]
    for problem in problems({"privacy_waiver": bare}, known=known, day=day):
        yield problem.replace("`privacy_waiver`", f"`{VARIABLE}`")


def problems(meta: Mapping[str, Any], *, known: frozenset[str], day: date) -> Iterator[str]:
    """What is wrong with a node's waivers, one phrase each, the way out in it."""
    for number, one in enumerate(_read(meta), start=1):
        where = f"`privacy_waiver` number {number}"
        if isinstance(one, str):
            yield f"{where} {one}"
        elif one.rule not in known:
            yield (
                f"{where} names a rule that does not exist or can never be waived. Rules that can:"
                f" {', '.join(sorted(known))}."
            )
        elif one.until < day:
            yield f"{where} has expired. Mend the model, or have it reviewed again."
        elif (one.until - day).days > LONGEST_DAYS:
            yield f"{where} runs for more than a year. Choose an earlier `until`."


def _read(meta: Mapping[str, Any]) -> list[Waiver | str]:
    raw = meta.get("privacy_waiver")
    if raw is None:
        return []
    items = raw if isinstance(raw, list) else [raw]
    return [_one(item) for item in items]


def _one(item: Any) -> Waiver | str:
    example = "Write `{rule: …, owner: …, reason: …, until: YYYY-MM-DD}`."
    if not isinstance(item, Mapping):
        return f"is no mapping. {example}"
    unknown = [key for key in item if key not in KEYS]
    if unknown:
        return f"has a key that is none of {', '.join(KEYS)}. {example}"
    for key in ("rule", "owner", "reason"):
        if not isinstance(item.get(key), str) or not str(item[key]).strip():
            return f"has no `{key}`. {example}"
    column = item.get("column", "")
    if not isinstance(column, str):
        return f"has a `column` that is no name. {example}"
    until = _day(item.get("until"))
    if until is None:
        return f"has no `until` that is a day. {example}"
    return Waiver(str(item["rule"]), column, str(item["owner"]), str(item["reason"]), until)


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
