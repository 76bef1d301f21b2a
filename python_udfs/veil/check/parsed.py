"""The parsed project: what `veil.warehouse.parsing` wrote down, indexed as dbt looks things up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from veil.check.relations import PARTS, Relation
from veil.policy.graph import is_quoted

Raw = Mapping[str, Any]
_REFERABLE = frozenset({"model", "seed", "snapshot"})


class Parsed:
    """Nodes, macros and settings of one project.

    Args:
        document: what the parse wrote.
    """

    def __init__(self, document: Raw) -> None:
        self.document = document
        self.project: str = document["project"]
        self.nodes: dict[str, Any] = document["nodes"]
        self.sources: dict[str, Any] = document["sources"]
        self.macros: dict[str, Any] = document["macros"]
        self.internal: list[str] = document["internal"]
        self._refs: dict[str, list[Raw]] = {}
        for node in self.nodes.values():
            if node["resource_type"] in _REFERABLE:
                self._refs.setdefault(str(node["name"]), []).append(node)
        self._sources = {
            (str(one["source_name"]), str(one["name"])): one for one in self.sources.values()
        }
        self.flat_graph: dict[str, Any] = {
            "nodes": self.nodes,
            "sources": self.sources,
            "exposures": document.get("exposures", {}),
            "groups": document.get("groups", {}),
            "metrics": {},
            "semantic_models": {},
            "saved_queries": {},
        }

    def __iter__(self) -> Iterator[Raw]:
        """Nodes and sources."""
        yield from self.nodes.values()
        yield from self.sources.values()

    def variables(self, package: str) -> dict[str, Any]:
        """What `var()` sees in a package: its own, over them the root project's."""
        found: dict[str, Any] = {}
        for name in dict.fromkeys((package, self.project)):
            own = self.document["vars"].get(name) or {}
            found |= own
            scoped = own.get(package)
            found |= scoped if isinstance(scoped, dict) else {}
        return found

    def ref(self, node: Raw, name: str, package: str | None, version: Any) -> Raw | None:
        """The node that `ref()` means in `node`, as dbt searches: own package, root, any."""
        found = self._refs.get(name, [])
        if package is not None:
            order: list[str | None] = [package]
        else:
            order = [*dict.fromkeys((node["package_name"], self.project)), None]
        for wanted in order:
            for one in found:
                if wanted is not None and one["package_name"] != wanted:
                    continue
                own = one.get("version")
                wished = version if version is not None else one.get("latest_version")
                if own is None or str(own) == str(wished):
                    return one
        return None

    def source(self, source: str, table: str) -> Raw | None:
        return self._sources.get((source, table))

    def relation(self, node: Raw) -> Relation:
        """The relation of a node, rendered as dbt wrote it into the manifest."""
        name = str(node.get("relation_name") or "")
        identifier = str(node.get("alias") or node.get("identifier") or node["name"])
        kind = "view" if (node.get("config") or {}).get("materialized") == "view" else "table"
        quoting = {**self.document.get("quoting", {})}
        if node["resource_type"] == "source":
            quoting = {}
        made = Relation.create(
            node.get("database"), node.get("schema"), identifier, kind, quote_policy=quoting
        )
        if node["resource_type"] == "source" and name and name != made.render():
            if not is_quoted(name):
                return Relation(made.database, made.schema, identifier, "external", external=name)
            quoted = frozenset(part for part in PARTS if f'"{getattr(made, part)}"' in name)
            return Relation(made.database, made.schema, identifier, kind, quoted=quoted)
        return made
