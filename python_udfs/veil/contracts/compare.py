"""What changed between a committed contract and what the models say now, and whether it breaks.

A change breaks where a reader's query, or the protection that was promised, no longer holds. It
needs a step of the major version (semantic versioning 2.0.0, section 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from veil.contracts.draft import VERSION_KEY, Contract, draft
from veil.contracts.files import OWN_KEYS, read_contracts
from veil.contracts.released import PROPERTY, promise_breaks
from veil.contracts.types import physical
from veil.findings import Finding, Level, ordered
from veil.policy.graph import Graph

BREAK, VERSION, GONE = "contract_break", "contract_version", "contract_removed"
STALE, MISSING = "contract_stale", "contract_missing"
UNPUBLISHED = {"draft", "proposed"}
_SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:[-+][0-9A-Za-z.+-]+)?")
_WRITE = "Run `veil contract --write contracts` and commit what it writes."


def contract_breaks(old: Path, graph: Graph, *, threshold: int) -> list[Finding]:
    """Compare the contracts of a folder with a graph.

    Args:
        old: the folder of committed contracts; absent or empty, nothing is compared.
        graph: the graph as it is now.
        threshold: the project's `veil:threshold`.

    Returns:
        Errors for breaking changes without a step of the major version, warnings for contracts
        that are missing or not up to date.

    Raises:
        VeilError: a contract that cannot be read.
    """
    committed = {one["id"]: (name, one) for name, one in read_contracts(old).items()}
    if not committed:
        return []
    findings: list[Finding] = []
    drafted = {
        str(one["id"]): one
        for one in (draft(graph, mart, threshold=threshold) for mart in graph.marts)
    }
    for key, (name, before) in committed.items():
        file = f"{old.name}/{name}"
        if key in drafted:
            findings += compared(before, drafted[key], file=file)
        elif before.get("status") not in {"retired", *UNPUBLISHED}:
            findings.append(
                Finding(
                    GONE,
                    f"mart `{before.get('name')}` is gone, and its contract is active.",
                    "Bring it back, or set `status: retired` in the contract once nobody reads it.",
                    file=file,
                )
            )
    for key, one in drafted.items():
        if key not in committed:
            message = f"mart `{one['name']}` has no contract in {old.name}/."
            findings.append(_finding(MISSING, one, message, _WRITE, warn=True))
    return ordered(findings)


def compared(before: Contract, after: Contract, *, file: str = "") -> Iterator[Finding]:
    """Findings for one contract: `before` as committed, `after` as the models say."""
    old, new = _version(before.get("version")), _version(after.get("version"))
    set_it = f"Set `{VERSION_KEY}` in the mart's `config.meta`"
    name = after["name"]
    if new is None or old is None:
        which = "its YAML" if new is None else "its contract"
        message = f"mart `{name}` has no version of the form 1.2.3 in {which}."
        yield _finding(VERSION, after, message, f"{set_it}.", file=file)
        return
    if new < old:
        message = f"the contract version of mart `{name}` went back."
        yield _finding(VERSION, after, message, f"{set_it}; the file follows it.", file=file)
        return
    broken = list(breaking(before, after))
    if new[0] == old[0] and before.get("status") not in UNPUBLISHED:
        for column, what in broken:
            yield _finding(
                BREAK,
                after,
                f"mart `{name}`: {what}; the contract promises otherwise.",
                f'Undo it, or step the major version: {set_it.lower()}: "{old[0] + 1}.0.0".',
                file=file,
                column=column,
            )
        if broken:
            return
    if _is_stale(before, after):
        message = f"the contract of mart `{name}` does not say what its YAML says."
        if new == old:
            message += " Its version is the same: step it, where a reader should notice."
        yield _finding(STALE, after, message, _WRITE, file=file, warn=True)


def breaking(before: Contract, after: Contract) -> Iterator[tuple[str, str]]:
    """The breaking changes: the column, empty for the whole mart, and what changed."""
    old, new = _columns(before), _columns(after)
    for name, column in old.items():
        if name not in new:
            yield name, f"column `{name}` was removed or renamed"
            continue
        types = [physical(str(one.get("physicalType", ""))) for one in (column, new[name])]
        if types[0] != types[1]:
            yield name, f"column `{name}` was {types[0]} and is {types[1]}"
        if column.get("required") and not new[name].get("required"):
            yield name, f"column `{name}` may now be empty"
        if _rules(column) - _rules(new[name]):
            yield name, f"a quality rule of column `{name}` is gone"
        roles = [_custom(one).get("privacy_role") for one in (column, new[name])]
        if roles[0] and roles[0] != roles[1]:
            yield name, f"column `{name}` was {roles[0]} to the gate and is {roles[1] or 'nothing'}"
    if _rules(_table(before)) - _rules(_table(after)):
        yield "", "a quality rule is gone"
    yield from _promises(_custom(before), _custom(after))


def _promises(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = {
        "privacy_audience": "the audience changed",
        "privacy_population": "the population that the numbers speak of changed",
        "privacy_release": "the kind of release changed",
        "privacy_unit": "the unit that is protected changed",
    }
    for key, what in words.items():
        if key in old and old[key] != new.get(key):
            yield "", what
    grains = [sorted(str(name) for name in one.get("privacy_grain") or ()) for one in (old, new)]
    if "privacy_grain" in old and grains[0] != grains[1]:
        yield "", "the grain changed"
    was, is_ = old.get("privacy_threshold"), new.get("privacy_threshold")
    if isinstance(was, int) and isinstance(is_, int) and is_ < was:
        yield "", f"the threshold was {was} and is {is_}"
    noisy = old.get(PROPERTY), new.get(PROPERTY)
    # Where the kind of release changed, that is said, and all the rest with it.
    if isinstance(noisy[0], Mapping) and old.get("privacy_release") == new.get("privacy_release"):
        yield from (("", what) for what in promise_breaks(noisy[0], noisy[1] or {}))


def _finding(
    rule: str,
    contract: Contract,
    message: str,
    remedy: str,
    *,
    file: str = "",
    column: str = "",
    warn: bool = False,
) -> Finding:
    return Finding(
        rule,
        message,
        remedy,
        Level.WARNING if warn else Level.ERROR,
        model=str(contract["name"]),
        column=column,
        file=file,
    )


def _is_stale(before: Contract, after: Contract) -> bool:
    # `team` comes from a group, which a graph alone does not know.
    keys = [key for key in OWN_KEYS if key != "team"]
    return any(before.get(key) != after.get(key) for key in keys)


def _version(value: Any) -> tuple[int, int, int] | None:
    found = _SEMVER.fullmatch(str(value))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _table(contract: Contract) -> Mapping[str, Any]:
    tables = contract.get("schema")
    first = tables[0] if isinstance(tables, list) and tables else {}
    return first if isinstance(first, dict) else {}


def _columns(contract: Contract) -> dict[str, Mapping[str, Any]]:
    found = _table(contract).get("properties")
    return {
        str(one.get("name")): one
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    }


def _rules(part: Mapping[str, Any]) -> set[str]:
    """The rules by name; what a rule applies to stands in threshold, grain and roles."""
    found = part.get("quality")
    return {
        str(one.get("name"))
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict) and one.get("name")
    }


def _custom(part: Mapping[str, Any]) -> dict[str, Any]:
    found = part.get("customProperties")
    return {
        str(one.get("property")): one.get("value")
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    }
