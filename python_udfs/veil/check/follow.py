"""Follows the models of a project over each other, each once: nothing stands in a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from veil.findings import Finding, ordered
from veil.gate import Chain, as_finding, check_pieces
from veil.gate.chain import noisy, reads_itself
from veil.gate.declared import parents_of
from veil.gate.differential import check_differential
from veil.gate.feeders import check_raw
from veil.lineage import Relation
from veil.policy.graph import BASES, Graph, Node


class Follower(Chain):
    """The gate's chain over rendered SQL.

    Args:
        graph: dbt's graph.
        columns: columns of seeds, sources and snapshots, in order, with their types.
        threshold: `veil:threshold`.
        day: by which waivers are judged.
        relation: the relation of a model that was followed before; None where it could not be.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        columns: Callable[[Node], Mapping[str, str]],
        threshold: int,
        day: date,
        relation: Callable[[str], Relation | None],
    ) -> None:
        super().__init__(
            graph, definitions=lambda _node: (), columns=columns, threshold=threshold, day=day
        )
        self._relation = relation

    def missing(self, node: Node) -> list[Node]:
        """What the node reads and nobody could follow."""
        return [
            parent
            for parent in parents_of(self._graph, node)
            if parent.kind not in BASES and self._relation(parent.unique_id) is None
        ]

    def base(self, node: Node) -> Relation:
        """A seed, source or snapshot."""
        return self._base(node).relation

    def follow(self, node: Node, sqls: Sequence[str]) -> tuple[list[Finding], Relation]:
        """What stands against a model, and the model as the next one reads it.

        Args:
            node: a model whose parents were all followed.
            sqls: its SQL as it is first built, and as it is built over itself.
        """
        relations = [self._read(parent) for parent in parents_of(self._graph, node)]
        types = {column.name.lower(): column.data_type for column in node.columns.values()}
        first = self._analyse(node, sqls[0], relations)
        if node.is_differential:
            told = [as_finding(refusal, node) for refusal in first.refusals]
            if not told:
                told = list(
                    check_differential(node, self.read_sql(node, sqls[0]), first, relations)
                )
            declared = {column.name: column.data_type for column in node.columns.values()}
            return ordered(told), noisy(node, declared)
        feeding: list[Finding] = []
        if node.is_classified and not node.is_pseudonymized:
            read = self.read_sql(node, sqls[0])
            feeding = list(check_raw(self._graph, node, read, first, relations))
        own = first.relation(node.relation, types)
        refusals = list(first.refusals)
        for sql in sqls[1:]:
            over = [*relations, own] if reads_itself(node, sql) else relations
            refusals += self._analyse(node, sql, over).refusals
            first_part = ("select * from", node.relation, "union all by name select * from (")
            both = "\n".join((*first_part, sql, ")"))
            own = self._analyse(node, both, [*relations, own]).relation(node.relation, types)
        told = [as_finding(refusal, node) for refusal in refusals]
        return ordered([*told, *check_pieces(node, first), *feeding]), own

    def _read(self, node: Node) -> Relation:
        found = None if node.kind in BASES else self._relation(node.unique_id)
        return found if found is not None else self.base(node)
