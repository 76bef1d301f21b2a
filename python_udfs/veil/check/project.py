"""`veil check`: the static gate over a project, without dbt where only SQL changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from veil.check import cache
from veil.check.beside import beside
from veil.check.cache import State, key_of
from veil.check.drift import drifts
from veil.check.inputs import Inputs
from veil.check.manifest import Profile, check_folder, parse_project
from veil.check.models import TRUSTED, Columns, Models
from veil.check.parsed import Parsed
from veil.check.render import Renderer
from veil.check.rules import project_findings, rule_findings, setting
from veil.contracts import FOLDER, contract_breaks
from veil.errors import UsageError, VeilError
from veil.findings import Finding, ordered
from veil.gate import layer_of
from veil.policy.graph import Graph, Node
from veil.policy.settings import THRESHOLD
from veil.policy.waivers import today
from veil.project import Project

MOST_PATCHED = 100
"""So many changed files are looked at one by one; beyond, dbt parses again."""
LARGE = 200
"""From so many models on, the first check uses two processes."""
READS_CODE = ("raw_code", "raw_sql")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Guarded:
    """A node in scope: its layer, where it is built, and why veil guards it."""

    name: str
    kind: str
    layer: str
    zone: str
    why: str


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes:
        findings: in order.
        models: how many models were looked at.
        scope: what veil guards, in the order of the names.
        parsed: whether dbt parsed the project for it.
    """

    findings: tuple[Finding, ...]
    models: int
    scope: tuple[Guarded, ...]
    parsed: bool


def check_project(
    project: Project,
    *,
    target: str | None = None,
    environ: Mapping[str, str] | None = None,
    use_cache: bool = True,
    select: Collection[str] = (),
    progress: Progress = lambda _done, _all: None,
) -> Report:
    """Look at every model of a project.

    Args:
        project: the dbt project.
        target: a target of the profile; its default where it is None.
        environ: the environment; the process' own where it is None.
        use_cache: whether an earlier check may be built upon.
        select: names of models; only what concerns them is reported. All where it is empty.
        progress: told how many of how many models are done.

    Raises:
        VeilError: where dbt cannot parse the project, or `select` names no model.
    """
    environ = os.environ if environ is None else environ
    profile = Profile.find(project, environ)
    opened = _open(project, profile, target=target, environ=environ, use_cache=use_cache)
    state, parsed, patched, is_parsed = opened
    known = state.models
    graph, day = Graph(parsed.flat_graph), today()
    looked_at = Models(
        project,
        parsed,
        graph,
        renderer=lambda columns: _renderer(parsed, profile, environ, columns),
        known=state.models,
        state=key_of(state.parsed_hash, state.settings, _codes(parsed, patched)),
        threshold=_threshold(parsed),
        day=day,
    )
    chosen = _chosen(graph, select)
    around = _around(graph, chosen)
    order = [node for node in looked_at.order() if not chosen or node.unique_id in around]
    half = len(order) // 2
    wait = (
        _ahead(state, project, parsed, graph, looked_at, order[half:], day=day)
        if (is_parsed and not known and len(order) >= LARGE)
        else (lambda: None)
    )
    found: list[Finding] = []
    for done, node in enumerate(order, start=1):
        if done == half:
            wait()
        found += looked_at.check(node)
        progress(done, len(order))
    rules, is_kept = _rules(state, project, parsed, graph, patched, day=day)
    found += [*rules, *project_findings(project, parsed, graph), *drifts(project, graph)]
    found += contract_breaks(project.root / FOLDER, graph, threshold=_threshold(parsed))
    models = {**state.models, **looked_at.kept} if chosen else looked_at.kept
    if is_parsed or not is_kept or state.models != models:
        state.models = models
        cache.save(check_folder(project) / "check", state, parsed_changed=is_parsed)
    names = {node.name for node in chosen}
    return Report(
        tuple(ordered(one for one in found if not names or one.model in names)),
        len(chosen) or sum(node.kind == "model" for node in graph),
        tuple(_guarded(graph, graph.node(one)) for one in sorted(looked_at.scope)),
        is_parsed,
    )


def render_models(
    project: Project,
    *,
    chosen: Callable[[Node], bool],
    target: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Graph, dict[str, str]]:
    """The SQL of some models as a build would compile it, without a warehouse.

    Args:
        project: the dbt project.
        chosen: which models are asked for.
        target: a target of the profile; its default where it is None.
        environ: the environment; the process' own where it is None.

    Returns:
        The project's graph, and the SQL of each of those models by unique id.

    Raises:
        VeilError: dbt cannot parse the project, or a model cannot be rendered without a warehouse.
    """
    environ = os.environ if environ is None else environ
    profile = Profile.find(project, environ)
    _state, parsed, _patched, _is_parsed = _open(project, profile, target=target, environ=environ)
    graph, rendered = Graph(parsed.flat_graph), {}
    renderer = _renderer(parsed, profile, environ, lambda _unique_id: None)
    for node in graph:
        if node.kind == "model" and chosen(node):
            made = renderer.render(parsed.nodes[node.unique_id])
            if made.refused or made.problem or not made.sqls or made.ephemeral:
                raise VeilError(
                    made.refused.removeprefix("veil: ")
                    or f"model `{node.name}` cannot be rendered without a warehouse.",
                    remedy="`veil check` says more.",
                )
            rendered[node.unique_id] = made.sqls[0]
    return graph, rendered


def _open(
    project: Project,
    profile: Profile,
    *,
    target: str | None,
    environ: Mapping[str, str],
    use_cache: bool = True,
) -> tuple[State, Parsed, frozenset[str], bool]:
    """What is kept of earlier checks, the project's parse, the models whose SQL was put into it,
    and whether dbt parsed for it."""
    inputs = Inputs.read(project, profiles=profile.file, target=target, environ=environ)
    state = cache.load(check_folder(project) / "check") if use_cache else None
    patch = _patch(state, inputs, profile, environ) if state is not None else None
    if state is not None and patch is not None:
        return state, *patch, False
    data = parse_project(project, profile, target=target, environ=environ)
    known = state.models if state is not None else {}
    state = State(inputs.settings, inputs.files, data, known)
    return state, Parsed(json.loads(data)), frozenset(), True


def _ahead(
    state: State,
    project: Project,
    parsed: Parsed,
    graph: Graph,
    looked_at: Models,
    nodes: Sequence[Node],
    *,
    day: date,
) -> Callable[[], None]:
    """Has a second process look at the rules and render some models; the function takes it over."""
    key = key_of(state.parsed_hash, state.settings, day)

    def work() -> Any:
        found = rule_findings(project, parsed, graph, day=day)
        return {"rules": cache.plain(found), "rendered": looked_at.render_ahead(nodes)}

    wait = beside(work)

    def take() -> None:
        done = wait()
        if done is not None:
            state.rules_key, state.rules = key, cache.findings_of(done["rules"])
            looked_at.take(done["rendered"])

    return take


def _renderer(
    parsed: Parsed, profile: Profile, environ: Mapping[str, str], columns: Columns
) -> Renderer:
    target = str(parsed.document["target"].get("target_name"))
    return Renderer(
        parsed,
        columns=columns,
        environ=environ,
        plugins=profile.plugins(target),
        dbt_version=str(parsed.document.get("dbt_version", "")),
    )


def _patch(
    state: State, inputs: Inputs, profile: Profile, environ: Mapping[str, str]
) -> tuple[Parsed, frozenset[str]] | None:
    """The last parse with changed SQL put in, and the models that changed; None where only dbt
    can tell what the project is by now."""
    if state.settings != inputs.settings:
        return None
    changed = inputs.changed(state.files)
    try:
        parsed = Parsed(json.loads(state.parsed))
        if len(changed) > MOST_PATCHED:
            return None
        renderer = _renderer(parsed, profile, environ, lambda _unique_id: None)
        models = _models_by_file(parsed)
        patched = set()
        for path in changed:
            if path.endswith(".csv") and path in inputs.files and path in state.files:
                continue  # its header: seen when columns are compared, and in the labels above
            node, text = models.get(path), inputs.texts.get(path)
            if node is None or text is None:
                return None
            code = text.strip()
            calls = renderer.calls(node, code)
            if calls is None or calls != renderer.calls(node, str(node["raw_code"])):
                return None
            node["raw_code"] = code
            patched.add(str(node["unique_id"]))
    except (LookupError, TypeError, ValueError, AttributeError):
        return None  # not what a parse writes
    return parsed, frozenset(patched)


def _models_by_file(parsed: Parsed) -> dict[str, dict[str, Any]]:
    """Models of the root project by their file, where a file holds exactly one."""
    found: dict[str, list[dict[str, Any]]] = {}
    for node in parsed.nodes.values():
        if node["package_name"] == parsed.project:
            found.setdefault(str(node.get("original_file_path")), []).append(node)
    return {
        path: nodes[0]
        for path, nodes in found.items()
        if len(nodes) == 1
        and nodes[0]["resource_type"] == "model"
        and nodes[0].get("language") == "sql"
    }


def _codes(parsed: Parsed, patched: Collection[str]) -> list[str]:
    """The changed SQL, where a template of the project may read that of another model."""
    texts = [
        str(macro["macro_sql"])
        for macro in parsed.macros.values()
        if macro["package_name"] not in TRUSTED
    ]
    texts += [str(node.get("raw_code") or "") for node in parsed.nodes.values()]
    if any(word in text for text in texts for word in READS_CODE):
        return [str(parsed.nodes[one]["raw_code"]) for one in sorted(patched)]
    return []


def _threshold(parsed: Parsed) -> int:
    """`veil:threshold`; one that is not usable is a finding of its own."""
    found = setting(parsed, "veil:threshold", THRESHOLD)
    return found if isinstance(found, int) else THRESHOLD


def _rules(
    state: State,
    project: Project,
    parsed: Parsed,
    graph: Graph,
    patched: Collection[str],
    *,
    day: date,
) -> tuple[Sequence[Finding], bool]:
    """What the rules find, and whether it was kept already.

    Of a model whose SQL changed they are asked again; its YAML, and with it what they say of all
    others, is as it was.
    """
    key = key_of(state.parsed_hash, state.settings, day)
    if state.rules_key != key:
        found = rule_findings(project, parsed, graph, day=day)
        if not patched:
            state.rules_key, state.rules = key, found
        return found, bool(patched)
    if not patched:
        return state.rules, True
    places = {(graph.node(one).name, graph.node(one).file) for one in patched}
    rest = [one for one in state.rules if (one.model, one.file) not in places]
    return [*rest, *rule_findings(project, parsed, graph, day=day, only=patched)], True


def _chosen(graph: Graph, select: Collection[str]) -> list[Node]:
    found = [node for node in graph if node.name in select and node.kind in {"model", "snapshot"}]
    unknown = sorted(set(select) - {node.name for node in found})
    if unknown:
        raise UsageError(
            f"the project has no model `{unknown[0]}`.", remedy="`--select` takes names of models."
        )
    return found


def _around(graph: Graph, chosen: Collection[Node]) -> set[str]:
    return {one.unique_id for node in chosen for one in (node, *graph.ancestors(node))}


def _guarded(graph: Graph, node: Node) -> Guarded:
    if node.is_mart:
        why = f"it is for the audience `{node.meta['privacy_audience']}`"
    elif node.is_pseudonymized:
        why = "its columns are treated"
    elif node.is_classified:
        why = "its columns are classified"
    else:
        tagged = [
            one
            for one in graph.ancestors(node)
            if one.is_classified or one.is_pseudonymized or one.is_mart
        ]
        why = f"it is built from `{tagged[0].name}`" if tagged else "its YAML contradicts itself"
    return Guarded(node.name, node.kind, layer_of(node).value, node.database, why)
