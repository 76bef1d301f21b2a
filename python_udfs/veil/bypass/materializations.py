"""How a model is written, and macros that take the place of those that write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veil.bypass.judge import Judge
from veil.bypass.known import (
    ADAPTERS,
    BUILT_IN,
    GUARDED,
    HARMLESS_MACROS,
    LISTED,
    POWERS,
    READING_NAMES,
    base_name,
)
from veil.bypass.nodes import Breach, Project, config_of
from veil.bypass.readers import READERS, Kind
from veil.bypass.rules import REMEDIES, Rule
from veil.findings import Finding

PRIVATE_RELEASE = "private_release"
"""The package's own way to write a differential mart: nobody else may define it."""
MATERIALIZATIONS = frozenset(
    {
        "table", "incremental", "ephemeral", "view", "seed", "snapshot", "test", "unit",
        PRIVATE_RELEASE,
    }
)  # fmt: skip
STRATEGIES = frozenset(
    {None, "default", "append", "delete+insert", "insert_overwrite", "merge", "microbatch"}
)
SNAPSHOTS = frozenset({None, "timestamp", "check"})
_CONTEXT = (
    POWERS
    | READING_NAMES.keys()
    | {
        "config",
        "env_var",
        "exceptions",
        "execute",
        "graph",
        "model",
        "return",
        "target",
        "this",
        "var",
    }
)
"""Names of dbt's context that a project's macro of the same name would replace."""
_PRIVATE_RELEASE = re.compile(rf"materialization_{PRIVATE_RELEASE}_\w+")
_MATERIALIZATION = re.compile(rf"materialization_(\w+)_(?:{'|'.join(ADAPTERS)})")
_KINDS = frozenset({"model", "seed", "snapshot", "test", "function"})


def check_materializations(project: Project, judge: Judge) -> Iterator[Breach]:
    """A guarded node is written by dbt's own macros; no node by those of a project."""
    custom = {
        found[1]
        for unique_id in judge.world.macros
        if judge.world.package_of(unique_id) not in BUILT_IN
        and (found := _MATERIALIZATION.fullmatch(judge.world.name_of(unique_id)))
    } - MATERIALIZATIONS
    for unique_id, node in project:
        if node["resource_type"] not in _KINDS:
            continue
        config = config_of(node)
        kind = config.get("materialized")
        guarded = project.in_scope(unique_id)
        is_misplaced = kind == PRIVATE_RELEASE and node["resource_type"] != "model"
        is_unknown = guarded and kind is not None and kind not in MATERIALIZATIONS
        if kind in custom or is_unknown or is_misplaced:
            yield project.breach(
                unique_id, Rule.MATERIALIZATION, "has a `materialized` that no gate knows."
            )
        if not guarded:
            continue
        if kind == "incremental" and config.get("incremental_strategy") not in STRATEGIES:
            yield project.breach(
                unique_id, Rule.MATERIALIZATION, "has an `incremental_strategy` that no gate knows."
            )
        if node["resource_type"] == "snapshot" and config.get("strategy") not in SNAPSHOTS:
            yield project.breach(
                unique_id, Rule.MATERIALIZATION, "has a `strategy` that no gate knows."
            )


def check_overrides(judge: Judge) -> Iterator[Breach]:
    """No macro of a project or package takes the place of one that writes, reads or gates."""
    world = judge.world
    dbts = {world.name_of(one) for one in world.macros if world.package_of(one) in BUILT_IN}
    bases = {base_name(name) for name in dbts}
    veils = {
        base_name(world.name_of(one)) for one in world.macros if world.package_of(one) == "veil"
    }
    for unique_id in sorted(world.macros):
        if world.package_of(unique_id) in LISTED:
            continue
        name = world.name_of(unique_id)
        base = base_name(name)
        problem = ""
        if _PRIVATE_RELEASE.fullmatch(name):
            problem = f"takes the place of `veil.{PRIVATE_RELEASE}`."
        elif name in _CONTEXT:
            problem = f"takes the place of dbt's `{name}`."
        elif base != name and base in veils:
            problem = f"takes the place of `veil.{base}`."
        elif base in bases and _is_guarded(base):
            problem = f"takes the place of dbt's `{base}`."
        elif base in bases and base in HARMLESS_MACROS:
            issues = [one for one in judge.reached(unique_id) if one.rule is not Rule.BY_STRING]
            if issues:
                problem = f"takes the place of dbt's `{base}`, and reaches `{issues[0].what}`."
        if problem and (world.package_of(unique_id), base) not in READERS:
            finding = Finding(
                rule=Rule.OVERRIDE.value,
                message=f"macro `{world.display(unique_id)}` {problem}",
                remedy=REMEDIES[Rule.OVERRIDE],
                file=str(world.macros[unique_id].get("original_file_path") or ""),
            )
            yield Breach(unique_id, Rule.OVERRIDE, finding)


def _is_guarded(base: str) -> bool:
    reader = READERS.get(("dbt", base))
    if reader is not None and reader.kind is Kind.EXPRESSION:
        # Packages have their own under the same name; a call of it is judged where it stands.
        return False
    return base not in HARMLESS_MACROS or base in GUARDED
