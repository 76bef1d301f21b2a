"""A picture of what a project exposes: plain data, the same for the same project.

It holds names, classes, masks and promises. Texts that may hold a value, such as the constant of a
mask, stand in it as a digest alone; no data is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from veil.bypass.hooks import OURS
from veil.bypass.nodes import hooks_of
from veil.check.parsed import Parsed
from veil.contracts import draft
from veil.contracts.draft import effective_threshold
from veil.errors import VeilError
from veil.exposure.query import Queries, digest
from veil.exposure.released import budgets_of, release_of
from veil.exposure.treatments import Treatments, hierarchies, meta_of
from veil.gate import layer_of
from veil.lineage import Relation
from veil.policy.budgets import VARIABLE as BUDGETS
from veil.policy.graph import BASES, Graph, Node
from veil.policy.settings import THRESHOLD
from veil.policy.waivers import project_waivers, waivers_of

Json = dict[str, Any]
HANDLED = frozenset(
    "privacy_audience privacy_population privacy_release privacy_unit privacy_threshold"
    " privacy_purpose privacy_purposes privacy_retention privacy_waiver privacy_owner"
    " privacy_profile privacy_drop privacy_mask privacy_from privacy_domain privacy_mask_args"
    " privacy_class privacy_type privacy_contract_version".split()
)
"""Keys that have a place of their own; all others are promises by name."""
BUDGET = frozenset(
    "epsilon delta rho k l t lower upper noise_kind public_partitions max_partitions_contributed"
    " max_contributions_per_partition".split()
)
"""Keys of releases that bear no prefix."""
SHOWN = ("privacy_purpose", "privacy_purposes", "privacy_retention", "privacy_owner")
VEIL_VARIABLES = (BUDGETS, "veil:threshold", "veil:publish", "veil:waivers", "veil:anchor")


@dataclass(frozen=True)
class Picture:
    """What a project exposes; JSON as it stands.

    Attributes:
        project: settings, hooks, packages, dashboards.
        nodes: each node by unique id; `layer` says what it is: `mart`, `pseudonymized`, `raw` (and
            every seed, source and snapshot), `intermediate`, or `outside`.
    """

    project: Json = field(default_factory=dict)
    nodes: dict[str, Json] = field(default_factory=dict)

    def of(self, layer: str) -> dict[str, Json]:
        """The nodes of one layer."""
        return {key: one for key, one in self.nodes.items() if one["layer"] == layer}

    def plain(self) -> Json:
        return {"project": self.project, "nodes": self.nodes}


def draw(
    parsed: Parsed,
    *,
    relations: Mapping[str, Relation],
    config: Mapping[str, Any],
    packages: Mapping[str, str],
    columns_of: Callable[[Node], list[str]],
    content_of: Callable[[Node], str],
    texts: Mapping[str, str],
) -> Picture:
    """The picture of a parsed project.

    Args:
        parsed: what dbt's parse says.
        relations: the labels of each model that lineage could follow, by unique id.
        config: dbt_project.yml.
        packages: version of each package that the project installs, by name.
        columns_of: the columns that a seed's or source's file has, where one tells them.
        content_of: digest of a seed's rows; asked of hierarchies alone.
        texts: SQL of the root project's models by file, where it is newer than the parse.
    """
    drawing = _Drawing(parsed, relations, columns_of, Queries(parsed, texts))
    nodes = {
        node.unique_id: drawing.node(node)
        for node in drawing.graph
        if node.config.get("enabled") is not False
    }
    used = hierarchies(nodes.values())
    for unique_id, node in nodes.items():
        if node["kind"] == "seed" and node["name"] in used:
            node["content"] = content_of(drawing.graph.node(unique_id))
    # As JSON has it, so that a picture that was kept equals one that is drawn.
    plain = json.loads(json.dumps([drawing.project(config, packages), nodes], default=str))
    return Picture(*plain)


class _Drawing:
    def __init__(
        self,
        parsed: Parsed,
        relations: Mapping[str, Relation],
        columns_of: Callable[[Node], list[str]],
        queries: Queries,
    ) -> None:
        self._parsed = parsed
        self.graph = Graph(parsed.flat_graph)
        self._relations = relations
        self._columns_of = columns_of
        self._queries = queries
        self._treatments = Treatments(parsed.macros)
        self._variables = parsed.variables(parsed.project)
        found = self._variables.get("veil:threshold", THRESHOLD)
        self._threshold = found if isinstance(found, int) else THRESHOLD

    def project(self, config: Mapping[str, Any], packages: Mapping[str, str]) -> Json:
        hooks: set[str] = set()
        others: set[str] = set()
        for node in self._parsed.nodes.values():
            if node["resource_type"] == "operation":
                text = str(node.get("raw_code") or "").strip()
                if OURS.fullmatch(text):
                    hooks.add(_call(text))
                else:
                    others.add(f"{node['package_name']} {digest(text)}")
        variables = self._variables
        return {
            "name": self._parsed.project,
            "profile": str(self._parsed.document["target"].get("profile_name") or ""),
            "threshold": self._threshold,
            "publish": variables.get("veil:publish", True) is not False,
            "waivers": [_waiver(one, node) for node, one in project_waivers(config)],
            "budgets": budgets_of(self.graph, config),
            "variables": {
                str(name): digest(value)
                for name, value in sorted(variables.items())
                if name not in VEIL_VARIABLES
            },
            "dispatch": digest(self._parsed.document.get("dispatch") or {}),
            "hooks": sorted(hooks),
            "other_hooks": sorted(others),
            "packages": dict(sorted(packages.items())),
            "dashboards": {
                str(one.get("name")): sorted((one.get("depends_on") or {}).get("nodes") or ())
                for one in (self._parsed.document.get("exposures") or {}).values()
            },
        }

    def node(self, node: Node) -> Json:
        meta = meta_of(node.raw)
        is_base = node.kind in BASES
        layer = "raw" if is_base else layer_of(node).value
        guarded = self._is_guarded(node)
        if layer == "intermediate" and not guarded:
            layer = "outside"
        found: Json = {
            "name": node.name,
            "kind": node.kind,
            "file": node.file,
            "layer": layer,
            "zone": node.database,
            "access": str(node.config.get("access") or node.raw.get("access") or ""),
            "guarded": guarded,
            "waivers": [_waiver(one) for one in waivers_of(meta)],
            "parents": sorted(node.parents),
            "grants": _grants(node),
            **self._hooks(node),
            **{key: _text(meta[key]) for key in SHOWN if meta.get(key) not in (None, "", [])},
            "promises": _promises(meta),
        }
        if not is_base:
            found["query"], found["terms"] = self._queries.of(node)
            found |= self._lineage(node)
        if layer == "mart":
            found |= self._mart(node, meta)
        elif layer == "pseudonymized":
            found |= self._treatments.of(node, meta)
        else:
            found["columns"] = self._classes(node)
        return found

    def _is_guarded(self, node: Node) -> bool:
        try:
            return self.graph.in_scope(node)
        except VeilError:  # its YAML contradicts itself
            return True

    def _hooks(self, node: Node) -> Json:
        """Veil's own hooks, and digests of all others."""
        own: list[str] = []
        other: list[str] = []
        for phase, text in hooks_of(node.raw):
            if OURS.fullmatch(text.strip()):
                own.append(_call(text))
            else:
                other.append(f"{phase} {digest(text)}")
        return {"hooks": sorted(own), "other_hooks": sorted(other)}

    def _mart(self, node: Node, meta: Mapping[str, Any]) -> Json:
        lineage = self._columns(node)
        return {
            "audience": _text(meta.get("privacy_audience")),
            "population": _text(meta.get("privacy_population")),
            "release": _text(meta.get("privacy_release")),
            "unit": _text(meta.get("privacy_unit")),
            "threshold": self._effective_threshold(node),
            "differential": release_of(node, meta, code=self._queries.code_of(node)),
            "gates": {_gate_name(gate): _gate(gate) for gate in self.graph.gates(node)},
            "contract": bool((node.config.get("contract") or {}).get("enforced")),
            "promise": self._contract(node),
            "columns": lineage or {name: {} for name in _column_names(node)},
        }

    def _effective_threshold(self, node: Node) -> int:
        try:
            return effective_threshold(self.graph, node, threshold=self._threshold)
        except VeilError:
            return 0  # nothing that the YAML says can be relied upon

    def _contract(self, node: Node) -> Json:
        try:
            return draft(self.graph, node, threshold=self._threshold)
        except VeilError:
            return {}

    def _lineage(self, node: Node) -> Json:
        """Whether lineage could follow it, and what chose its rows."""
        relation = self._relations.get(node.unique_id)
        steers = relation.steers if relation is not None else {}
        chosen = {source.name: source.privacy_class.word for source in steers}
        return {"followed": relation is not None, "chosen_by": dict(sorted(chosen.items()))}

    def _columns(self, node: Node) -> Json:
        relation = self._relations.get(node.unique_id)
        if relation is None:
            return {}
        found: Json = {}
        for name, _, label in relation.columns:
            paths = {flow.source.name: str(path) for flow, path in label.explicit.items()}
            counted = {source.name: source.privacy_class.word for source in label.implicit}
            paths = {**{one.name: str(path) for one, path in label.implicit.items()}, **paths}
            shown: dict[str, str] = {}
            for flow in sorted(label.explicit, key=lambda one: one.privacy_class):
                shown[flow.source.name] = flow.privacy_class.word
            found[name] = {
                "reach": label.reach.name.lower(),
                "shown": dict(sorted(shown.items())),
                "counted": {key: counted[key] for key in sorted(counted) if key not in shown},
                "paths": dict(sorted(paths.items())),
            }
        return found

    def _classes(self, node: Node) -> Json:
        """Class and type of each column; the file's own columns too, where its YAML is silent."""
        found: Json = {}
        for raw in (node.raw.get("columns") or {}).values():
            meta = meta_of(raw)
            found[str(raw.get("name"))] = {
                "class": _text(meta.get("privacy_class")),
                "type": _text(meta.get("privacy_type")),
                **{key: _text(meta[key]) for key in SHOWN if meta.get(key) not in (None, "", [])},
                "promises": _promises(meta),
            }
        known = {name.lower() for name in found}
        for name in self._columns_of(node):
            if name.lower() not in known:
                found[name] = {"class": "", "type": "", "promises": {}}
        return found


def _column_names(node: Node) -> Iterator[str]:
    return (str(one.get("name")) for one in (node.raw.get("columns") or {}).values())


def _promises(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Keys without a place of their own: numbers as they are, all else as a digest."""
    return {
        key: value if isinstance(value, bool | int | float) else f"digest {digest(value)}"
        for key, value in sorted(meta.items())
        if key not in HANDLED and (key.startswith("privacy_") or key in BUDGET)
    }


def _waiver(one: Any, node: str = "") -> Json:
    return {
        "node": node,
        "rule": one.rule,
        "column": one.column,
        "until": one.until.isoformat(),
        "text": digest([one.owner, one.reason]),
    }


def _grants(node: Node) -> list[str]:
    grants = node.config.get("grants")
    found = []
    for privilege, roles in (grants if isinstance(grants, Mapping) else {}).items():
        for role in [roles] if isinstance(roles, str) else roles or ():
            found.append(f"{privilege} to {role}")
    return sorted(found)


def _gate_name(gate: Mapping[str, Any]) -> str:
    """The test's name; of several of one name, each with what makes it another."""
    metadata = gate["test_metadata"]
    column = str(gate.get("column_name") or "")
    return f"{metadata['name']}({column})" if column else str(metadata["name"])


def _gate(gate: Mapping[str, Any]) -> Json:
    """Arguments that name columns and numbers; settings that weaken a test."""
    kwargs = dict(gate["test_metadata"].get("kwargs") or {})
    kwargs.pop("model", None)
    config = gate.get("config") or {}
    weak = [key for key in ("where", "limit") if config.get(key) is not None]
    if str(config.get("severity", "ERROR")).upper() != "ERROR":
        weak.append("severity")
    if str(config.get("error_if", "!= 0")) != "!= 0":
        weak.append("error_if")
    return {"arguments": kwargs, "weakened": weak}


def _call(text: str) -> str:
    """`veil.gate_model` out of `{{ veil.gate_model() }}`."""
    return text.strip("{}- \t\n").split("(")[0].strip()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(sorted(map(str, value)))
    return str(value)
