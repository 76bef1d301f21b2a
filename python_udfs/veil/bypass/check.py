"""The check as a whole: every rule over every node, waivers taken into account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from veil.bypass.declared import check_failures, check_literals
from veil.bypass.expressions import Issue
from veil.bypass.hooks import OURS, check_config, check_hooks
from veil.bypass.judge import Judge
from veil.bypass.known import BUILT_IN
from veil.bypass.materializations import check_materializations, check_overrides
from veil.bypass.nodes import Breach, Project, Raw, hooks_of, texts_of
from veil.bypass.rules import WAIVABLE, Rule
from veil.bypass.sources import check_sources
from veil.bypass.world import IsPublic, World
from veil.findings import Finding, ordered

_WITH_JINJA = frozenset({"model", "snapshot", "test", "analysis", "function"})
_HOOK_MACROS = frozenset({"macro.veil.check_model", "macro.veil.gate_model"})

Waived = Callable[[str, str], bool]


def check_bypasses(
    nodes: Mapping[str, Raw],
    macros: Mapping[str, Raw],
    *,
    in_scope: Callable[[str], bool],
    is_public: IsPublic,
    waived: Waived,
    variables: Mapping[str, Any] | None = None,
    off: Collection[str] = (),
) -> list[Finding]:
    """What moves data, or SQL, past the column lineage.

    Args:
        nodes: dbt's nodes by unique id: models, seeds, snapshots, tests, operations, and sources
            and unit tests where there are any.
        macros: dbt's macros by unique id, those of all packages.
        in_scope: whether veil guards a node; tests follow what they test.
        is_public: whether a column of a relation may be read while compiling; all of them, where
            the column is None.
        waived: whether a rule is set aside for a node, by unique id; asked of rules that can be.
        variables: the run's variables; without them `var()` counts as unknown text.
        off: rules that are not looked at, for tests that show what each rule stops.

    Returns:
        Findings in order, each once; none of them holds a text of a template or a value.
    """
    world = World(nodes, macros, is_public=is_public, variables=variables)
    project, judge = Project(nodes, in_scope), Judge(world)
    breaches: Iterator[Breach]
    found = []
    for breaches in (
        check_jinja(project, judge),
        check_hooks(project),
        check_config(project),
        check_materializations(project, judge),
        check_overrides(judge),
        check_literals(project, variables),
        check_failures(project),
        check_sources(project),
    ):
        for breach in breaches:
            rule = breach.rule
            if rule.value in off or (rule.value in WAIVABLE and waived(breach.owner, rule.value)):
                continue
            found.append(breach.finding)
    return ordered(found)


def check_jinja(project: Project, judge: Judge) -> Iterator[Breach]:
    """What Jinja reads, in nodes and in all macros that they reach."""
    for unique_id, node in project:
        if node["resource_type"] not in _WITH_JINJA:
            continue
        is_guarded = project.in_scope(unique_id)
        if node.get("language") == "python":
            if not is_guarded:
                yield project.breach(
                    unique_id, Rule.BY_STRING, "is Python, which can read any relation."
                )
            continue
        issues: dict[tuple[Rule, str], Issue] = {}
        for one in _issues(project, judge, unique_id, node):
            # In scope the lineage sees every relation that the compiled SQL names.
            if one.rule is not Rule.BY_STRING or not (
                is_guarded or node["resource_type"] == "analysis"
            ):
                issues.setdefault((one.rule, one.what), one)
        for one in issues.values():
            yield _breach(project, unique_id, one)


def _issues(project: Project, judge: Judge, unique_id: str, node: Raw) -> Iterator[Issue]:
    seen: set[str] = set(_HOOK_MACROS)
    for text in _templates(node):
        walked, issues = judge.template(text, this=unique_id)
        seen |= walked.seen
        yield from issues
    for _, text in hooks_of(node):
        if not OURS.fullmatch(text.strip()):
            # Judged as a hook; here only for what dbt counts among the node's macros.
            seen |= judge.template(text, this=unique_id)[0].seen
    for macro in (node.get("depends_on") or {}).get("macros") or ():
        if macro in seen or macro not in judge.world.macros:
            continue
        is_dbts = judge.world.package_of(macro) in BUILT_IN
        # The materialization is judged as such, and that of a test calls dbt's own macros.
        if judge.world.name_of(macro).startswith("materialization_") or (
            is_dbts and node["resource_type"] == "test"
        ):
            continue
        yield from judge.reached(macro)


def _templates(node: Raw) -> Iterator[str]:
    """A node's own Jinja: its SQL, and the arguments of a test, which dbt renders as well."""
    yield str(node.get("raw_code") or "")
    for text in texts_of((node.get("test_metadata") or {}).get("kwargs")):
        if "{" in text:
            yield text


def _breach(project: Project, unique_id: str, issue: Issue) -> Breach:
    if not issue.what:
        return project.breach(unique_id, issue.rule, f"{issue.why}.", path=issue.trail)
    through = f" (by way of `{'`, `'.join(issue.trail)}`)" if issue.trail else ""
    problem = f"uses `{issue.what}`{through}, which {issue.why}."
    return project.breach(unique_id, issue.rule, problem, path=(*issue.trail, issue.what))
