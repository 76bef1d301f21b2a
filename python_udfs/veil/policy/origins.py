"""From a column of a model back to the columns of seeds and sources that it is made of.

The lineage follows the SQL as it is written; where that holds more Jinja than can be filled in
before dbt compiles it, a column counts as the column of the same name below it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from veil.errors import VeilError
from veil.gate.declared import base_relation, lineage_model
from veil.lineage import Relation, Rule, analyse
from veil.policy.graph import BASES, Graph, Node
from veil.policy.rules.common import LEAST_THRESHOLD, title
from veil.policy.rules.units import pseudonyms_of
from veil.policy.written import NotPlainError, relation_name, written

_NOT_FOLLOWED = frozenset(
    {
        Rule.UNPARSEABLE, Rule.STATEMENT, Rule.UNKNOWN_RELATION, Rule.UNKNOWN_COLUMN,
        Rule.UNFOLLOWABLE, Rule.UNKNOWN_FUNCTION, Rule.REFUSED_FUNCTION, Rule.TABLE_FUNCTION,
    }
)  # fmt: skip
"""Refusals after which a label may lack something; the others say what may not be published."""


@dataclass(frozen=True, slots=True)
class _Followed:
    """A model that was followed: as the next one reads it, and what the lineage says that each of
    its columns, by lower-case name, is computed from."""

    relation: Relation
    sources: Mapping[str, Collection[str]]


class Origins:
    """The origins of columns in one graph; each model is followed once.

    An origin is the dbt unique id of a seed or source, a dot, and the column's lower-case name.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._followed: dict[str, _Followed | None] = {}
        self._bases: dict[str, set[tuple[str, str]]] = {}
        for node in graph:
            for column in node.columns.values() if node.kind in BASES else ():
                name = f"{node.identifier}.{column.name}".lower()
                self._bases.setdefault(name, set()).add((node.unique_id, column.name))

    def of_pseudonyms(self, node: Node, domain: str) -> frozenset[str]:
        """What the pseudonyms of one linkage domain in a pseudonymized model are made of.

        Raises:
            VeilError: where one of them cannot be followed, or is made of no column.
        """
        found = frozenset[str]()
        for own, made_from in pseudonyms_of(node).values():
            if own == domain:
                found |= self._below(node, made_from)
        return found

    def of(self, node: Node, column: str) -> frozenset[str]:
        """What one column of a relation is made of.

        Raises:
            VeilError: where it cannot be followed, or is made of no column.
        """
        name = column.lower()
        if node.kind == "snapshot":
            return self._below(node, name)
        if node.kind in BASES:
            if name not in (one.name.lower() for one in node.columns.values()):
                raise self._lost(node, column)
            return frozenset({f"{node.unique_id}.{name}"})
        known = self._follow(node)
        sources = known.sources.get(name, ()) if known is not None else ()
        found = frozenset[str]().union(*map(self._named, sources))
        return found or self._below(node, name)

    def _below(self, node: Node, column: str) -> frozenset[str]:
        """The origins of the columns of that name in what a node reads."""
        found = frozenset[str]()
        for parent in map(self._graph.node, filter(self._graph.knows, node.parents)):
            if column.lower() in (one.name.lower() for one in parent.columns.values()):
                found |= self.of(parent, column)
        if not found:
            raise self._lost(node, column)
        return found

    def _lost(self, node: Node, column: str) -> VeilError:
        return VeilError(
            f"{title(node)} column `{column}` cannot be followed to the seed or source that it"
            " comes from, so nobody can say whose budget it counts for.",
            remedy="Write the models between in plain SQL, with `ref()`, `source()` and"
            " `veil.typed()` alone, or keep the column's name in them.",
        )

    def _follow(self, node: Node) -> _Followed | None:
        """A model as the lineage sees it; None where it cannot be followed."""
        if node.unique_id not in self._followed:
            self._followed[node.unique_id] = None  # two models that read each other
            self._followed[node.unique_id] = self._analysed(node)
        return self._followed[node.unique_id]

    def _analysed(self, node: Node) -> _Followed | None:
        try:
            sqls = written(self._graph, node).sqls
        except NotPlainError:
            return None
        relations = []
        for parent in map(self._graph.node, filter(self._graph.knows, node.parents)):
            relation = self._relation(parent)
            if relation is None:
                return None
            relations.append(relation)
        sources: dict[str, set[str]] = {}
        own: Relation | None = None
        for sql in sqls:
            over = relations if own is None else [*relations, own]
            analysis = analyse(sql, over, lineage_model(node, sql, threshold=LEAST_THRESHOLD))
            if any(one.rule in _NOT_FOLLOWED for one in analysis.refusals):
                return None
            own = own or analysis.relation(relation_name(node))
            for column in analysis.columns:
                sources.setdefault(column.name.lower(), set()).update(column.explicit)
        return _Followed(own, sources) if own is not None else None

    def _relation(self, node: Node) -> Relation | None:
        if node.kind in BASES:
            types = {column.name: column.data_type for column in node.columns.values()}
            return base_relation(node, types, name=relation_name(node))
        known = self._follow(node)
        return known.relation if known is not None else None

    def _named(self, source: str) -> frozenset[str]:
        """The columns of seeds and sources that the lineage calls by this name."""
        found = frozenset[str]()
        for unique_id, column in self._bases.get(source.lower(), ()):
            found |= self.of(self._graph.node(unique_id), column)
        return found
