"""A read-only view of dbt's graph in veil's words.

dbt fills column meta in `columns.x.meta` and in `columns.x.config.meta`; both are read, and the
same key in both with different values is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from veil.errors import VeilError

PREFIX = "privacy_"
BASES = frozenset({"seed", "source", "snapshot"})
"""Kinds of node whose columns are what they are, and not what a model's SQL makes of them."""
DIFFERENTIAL = "differential"
MODEL_PARAMETERS = frozenset(
    "epsilon rho delta noise_kind max_partitions_contributed max_contributions_per_partition"
    " pre_threshold confidence public_partitions".split()
)
COLUMN_PARAMETERS = frozenset(
    "metric metric_column lower upper resolution default_value quantile bins branching"
    " weight".split()
)
PARAMETERS = MODEL_PARAMETERS | COLUMN_PARAMETERS
"""What a differential mart declares in the field's own names, without the prefix; kept there alone,
because another model's `weight` is its owner's affair."""
_NONE: frozenset[str] = frozenset()


def _merged(
    where: str, *metas: Mapping[str, Any] | None, beside: frozenset[str] = _NONE
) -> dict[str, Any]:
    """The keys of veil in several `meta`: those with its prefix, and those named in `beside`."""
    merged: dict[str, Any] = {}
    for meta in metas:
        for key, value in (meta or {}).items():
            if not key.startswith(PREFIX) and key not in beside:
                continue
            # NaN is no number, and not even itself: it is refused where it is read.
            if key in merged and merged[key] != value and value == value:
                raise VeilError(
                    f"{where} has `{key}` twice, in `meta` and in `config.meta`, with different"
                    " values.",
                    remedy="Keep the one in `config.meta`.",
                )
            merged[key] = value
    return merged


def is_quoted(relation: str) -> bool:
    """Whether a relation is a quoted name, and not a file or a call."""
    return relation.startswith('"')


@dataclass(frozen=True)
class Column:
    """One column as its YAML declares it."""

    name: str
    data_type: str
    description: str
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Node:
    """A model, seed, snapshot or source of dbt's graph."""

    raw: Mapping[str, Any]

    @property
    def unique_id(self) -> str:
        return str(self.raw["unique_id"])

    @property
    def name(self) -> str:
        return str(self.raw["name"])

    @property
    def kind(self) -> str:
        return str(self.raw["resource_type"])

    @property
    def database(self) -> str:
        return str(self.raw.get("database") or "")

    @property
    def schema(self) -> str:
        return str(self.raw.get("schema") or "")

    @property
    def relation(self) -> str:
        return str(self.raw.get("relation_name") or "")

    @property
    def is_table(self) -> bool:
        """Whether its relation is a quoted name, and not a source's file or call."""
        return is_quoted(self.relation)

    @property
    def identifier(self) -> str:
        return str(self.raw.get("alias") or self.raw.get("identifier") or self.name)

    @property
    def file(self) -> str:
        """The file that holds it, from the root of its project."""
        return str(self.raw.get("original_file_path") or "")

    @property
    def code(self) -> str:
        """Its SQL as written, Jinja and all."""
        return str(self.raw.get("raw_code") or "")

    @property
    def description(self) -> str:
        return str(self.raw.get("description") or "")

    @property
    def config(self) -> Mapping[str, Any]:
        return self.raw.get("config") or {}

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple((self.raw.get("depends_on") or {}).get("nodes") or ())

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        where = f"{self.kind} `{self.name}`"
        metas = (self.config.get("meta"), self.raw.get("meta"))
        found = _merged(where, *metas)
        if found.get("privacy_release") == DIFFERENTIAL:
            found = _merged(where, *metas, beside=PARAMETERS)
        return found

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        found = {}
        beside = PARAMETERS if self.is_differential else _NONE
        for key, raw in (self.raw.get("columns") or {}).items():
            where = f"{self.kind} `{self.name}` column `{key}`"
            config = raw.get("config") or {}
            found[key] = Column(
                name=str(raw.get("name") or key),
                data_type=str(raw.get("data_type") or "").lower(),
                description=str(raw.get("description") or ""),
                meta=_merged(where, config.get("meta"), raw.get("meta"), beside=beside),
            )
        return found

    @property
    def is_classified(self) -> bool:
        """Whether it carries at least one `privacy_class`: it holds personal data as delivered."""
        return any("privacy_class" in column.meta for column in self.columns.values())

    @property
    def is_pseudonymized(self) -> bool:
        """Whether its columns are treated: any `privacy_mask` or `privacy_from`."""
        return (
            any(
                "privacy_mask" in column.meta or "privacy_from" in column.meta
                for column in self.columns.values()
            )
            or "privacy_drop" in self.meta
        )

    @property
    def is_mart(self) -> bool:
        return "privacy_audience" in self.meta

    @property
    def is_differential(self) -> bool:
        """Whether it promises to be released with noise, on a budget."""
        return self.meta.get("privacy_release") == DIFFERENTIAL


class Graph:
    """dbt's flat graph: nodes by unique id, and what veil asks of it."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._nodes: dict[str, Node] = {}
        self._tests: dict[str, list[Mapping[str, Any]]] = {}
        self._reads: dict[str, tuple[str, ...]] = {}
        self.data_tests: list[Mapping[str, Any]] = []
        for unique_id, node in {**raw.get("nodes", {}), **raw.get("sources", {})}.items():
            kind = node["resource_type"]
            if kind in {"model", "seed", "snapshot", "source"}:
                self._nodes[unique_id] = Node(node)
            elif kind in {"test", "unit_test"}:
                self._reads[unique_id] = Node(node).parents
                if kind == "test":
                    self.data_tests.append(node)
                if node.get("attached_node"):
                    self._tests.setdefault(node["attached_node"], []).append(node)

    def node(self, unique_id: str) -> Node:
        try:
            return self._nodes[unique_id]
        except KeyError:
            raise VeilError(f"`{unique_id}` is not in dbt's graph.") from None

    def knows(self, unique_id: str) -> bool:
        """Whether it is a model, seed, snapshot or source of the graph."""
        return unique_id in self._nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(sorted(self._nodes.values(), key=lambda node: node.unique_id))

    def tested_by(self, unique_id: str) -> tuple[str, ...]:
        """The nodes that a test reads; empty for anything but a test."""
        return self._reads.get(unique_id, ())

    @cached_property
    def marts(self) -> list[Node]:
        return [node for node in self if node.is_mart and node.kind == "model"]

    def tests(self, node: Node) -> list[Mapping[str, Any]]:
        """All data tests declared on `node`, by unique id."""
        found = [
            one for one in self._tests.get(node.unique_id, []) if one["resource_type"] == "test"
        ]
        return sorted(found, key=lambda test: str(test["unique_id"]))

    def gates(self, node: Node) -> list[Mapping[str, Any]]:
        """The veil tests declared on `node`, by unique id."""
        found = [
            test
            for test in self._tests.get(node.unique_id, [])
            if (test.get("test_metadata") or {}).get("namespace") == "veil"
        ]
        return sorted(found, key=lambda test: str(test["unique_id"]))

    def ancestors(self, node: Node) -> list[Node]:
        """All nodes that `node` is built from, itself left out, by unique id."""
        seen: set[str] = set()
        waiting = list(node.parents)
        while waiting:
            unique_id = waiting.pop()
            if unique_id in seen or unique_id not in self._nodes:
                continue
            seen.add(unique_id)
            waiting.extend(self._nodes[unique_id].parents)
        return [self._nodes[unique_id] for unique_id in sorted(seen)]

    def in_scope(self, node: Node) -> bool:
        """Whether veil guards `node`: it, or something that it is built from, is tagged."""
        return any(
            one.is_classified or one.is_pseudonymized or one.is_mart
            for one in (node, *self.ancestors(node))
        )
