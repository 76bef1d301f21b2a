"""dbt's nodes as mappings: the few questions that the rules ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veil.bypass.rules import REMEDIES, Rule
from veil.findings import Finding

Raw = Mapping[str, Any]
InScope = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule broken by a node or a macro.

    Attributes:
        owner: unique id of the node or macro that a waiver would have to stand on.
        finding: what is shown.
    """

    owner: str
    rule: Rule
    finding: Finding


class Project:
    """Nodes, and which of them veil guards."""

    def __init__(self, nodes: Mapping[str, Raw], in_scope: InScope) -> None:
        self.nodes = nodes
        self._in_scope = in_scope

    def __iter__(self) -> Iterator[tuple[str, Raw]]:
        return iter(sorted(self.nodes.items()))

    def tested(self, node: Raw) -> list[str]:
        """The nodes that a test looks at, the one that it is attached to first."""
        attached = node.get("attached_node") or node.get("tested_node_unique_id")
        parents = (node.get("depends_on") or {}).get("nodes") or []
        return list(dict.fromkeys([attached, *parents] if attached else parents))

    def in_scope(self, unique_id: str) -> bool:
        """Whether veil guards a node; a test, where it guards anything that the test reads."""
        node = self.nodes.get(unique_id)
        if node is not None and node["resource_type"] in {"test", "unit_test"}:
            return any(self.in_scope(one) for one in self.tested(node) if one != unique_id)
        return self._in_scope(unique_id)

    def home(self, unique_id: str) -> str:
        """The node in whose YAML a waiver stands: a test's is the node that it tests."""
        node = self.nodes.get(unique_id)
        if node is not None and node["resource_type"] in {"test", "unit_test"}:
            return next((one for one in self.tested(node) if one in self.nodes), unique_id)
        return unique_id

    def title(self, node: Raw) -> str:
        """What a node is called in a message. The name of a generic test holds its arguments, so
        such a test is called by its kind."""
        kind, name = str(node["resource_type"]), str(node["name"])
        kind = "on-run hook" if kind == "operation" else kind.replace("_", " ")
        metadata = node.get("test_metadata") or {}
        if not metadata:
            return f"{kind} `{name}`"
        tested = self.nodes.get(self.home(str(node["unique_id"])))
        column = f" column `{node['column_name']}`" if node.get("column_name") else ""
        where = f" on `{tested['name']}`{column}" if tested is not None else ""
        return f"test `{metadata.get('name')}`{where}"

    def breach(
        self,
        unique_id: str,
        rule: Rule,
        problem: str,
        *,
        column: str = "",
        path: tuple[str, ...] = (),
        remedy: str = "",
    ) -> Breach:
        """A rule broken by a node; `problem` follows its title."""
        node, home = self.nodes[unique_id], self.home(unique_id)
        name = str(self.nodes[home]["name"])
        is_operation = node["resource_type"] == "operation"
        return Breach(
            home,
            rule,
            Finding(
                rule=rule.value,
                message=f"{self.title(node)} {problem}",
                remedy=remedy or REMEDIES[rule],
                model="" if is_operation else name,
                column=column or str(node.get("column_name") or ""),
                path=" -> ".join((name, *path)) if path else "",
                file=str(node.get("original_file_path") or ""),
            ),
        )


def config_of(node: Raw) -> Raw:
    config = node.get("config")
    return config if isinstance(config, Mapping) else {}


def hooks_of(node: Raw) -> Iterator[tuple[str, str]]:
    """Every hook of a node: `pre-hook` or `post-hook`, and its text."""
    config = config_of(node)
    for phase in ("pre-hook", "post-hook"):
        given = config.get(phase) or config.get(phase.replace("-", "_")) or ()
        for hook in [given] if isinstance(given, str | Mapping) else given:
            yield phase, str(hook.get("sql") or "") if isinstance(hook, Mapping) else str(hook)


def texts_of(value: Any) -> Iterator[str]:
    """Every text in nested lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_of(one)


def meta_of(raw: Raw, key: str) -> Any:
    """One key of a node's or column's meta, in either of its places."""
    for meta in ((raw.get("config") or {}).get("meta"), raw.get("meta")):
        if isinstance(meta, Mapping) and key in meta:
            return meta[key]
    return None
