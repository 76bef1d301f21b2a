"""The lineage gate inside a build: before a model is written, its compiled SQL is followed from the
tables that really stand in the zones."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from veil.errors import VeilError
from veil.findings import Finding
from veil.gate import Chain, Definition, as_finding, check_pieces, check_stranger
from veil.gate.differential import check_differential
from veil.gate.feeders import check_masks, check_raw
from veil.policy.graph import Graph, Node
from veil.policy.waivers import today
from veil.project import ZONES
from veil.warehouse.definitions import (
    described_columns,
    note_sql,
    real_columns,
    stored_definitions,
)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A model that passed and is being written."""

    definition: Definition
    adds: bool


class LineageGate:
    """The gate of one run: one graph, one set of labels.

    Args:
        conn: a connection with the zones attached; the gate works on a cursor of its own, because
            the models of a run call from several threads.
        graph: dbt's graph.
        threshold: `veil:threshold`.
    """

    def __init__(self, conn: duckdb.DuckDBPyConnection, graph: Graph, *, threshold: int) -> None:
        self._conn = conn.cursor()
        self._graph = graph
        self._lock = threading.RLock()
        self._passed: dict[str, _Pending] = {}
        self._volatile: dict[str, list[Definition]] = {}
        self._chain = Chain(
            graph,
            definitions=self._definitions,
            columns=self._columns,
            threshold=threshold,
            day=today(),
        )

    def check(self, node: Node, sql: str, *, full_refresh: bool) -> list[Finding]:
        """Why a model may not be written; where it may, its definition is kept in mind.

        Raises:
            VeilError: where it stands on a table that nobody can vouch for.
        """
        with self._lock:
            if not self._graph.in_scope(node):
                return check_stranger(self._graph, node, sql)
            if not sql:
                raise VeilError(
                    f"model `{node.name}` came without its compiled SQL, so nobody can follow it.",
                    remedy="Build it with `dbt build`.",
                )
            analysis, definition = self._chain.check(node, sql)
            pieces = check_pieces(node, analysis)
            if node.is_differential and not analysis.refusals:
                read, parents = self._chain.read_sql(node, sql), self._chain.parents(node)
                pieces += check_differential(node, read, analysis, parents)
                for one, built, found, below in self._chain.feeders(node):
                    if one.is_pseudonymized:
                        pieces += check_masks(node, sql, found)
                    else:
                        pieces += check_raw(self._graph, one, built, found, below)
            if not analysis.refusals and not pieces and node.kind == "model":
                adds = (
                    node.config.get("materialized") == "incremental"
                    and not full_refresh
                    and bool(self._columns(node))
                )
                self._passed[node.unique_id] = _Pending(definition, adds)
            return [*(as_finding(refusal, node) for refusal in analysis.refusals), *pieces]

    def passed_sql(self, node: Node) -> str:
        """The SQL of a model that passed in this run and is being written.

        Raises:
            VeilError: it did not pass.
        """
        with self._lock:
            pending = self._passed.get(node.unique_id)
            if pending is None:
                raise _unchecked(node)
            return pending.definition.sql

    def note_sql(self, node: Node) -> str:
        """SQL that keeps the definition of the model just written, for its own transaction.

        Raises:
            VeilError: where the model was not checked in this run.
        """
        with self._lock:
            if not self._graph.in_scope(node):
                return ""
            pending = self._passed.pop(node.unique_id, None)
            if pending is None:
                raise _unchecked(node)
            if node.database not in ZONES:
                kept = self._volatile.get(node.relation, []) if pending.adds else []
                self._volatile[node.relation] = [*kept, pending.definition]
            return note_sql(node.database, node.relation, pending.definition, adds=pending.adds)

    def _definitions(self, node: Node) -> Sequence[Definition]:
        if node.database in ZONES:
            return stored_definitions(self._conn, node.database, node.relation)
        return self._volatile.get(node.relation, ())

    def _columns(self, node: Node) -> dict[str, str]:
        if node.kind == "source" and not node.is_table:
            return described_columns(self._conn, node.relation)
        return real_columns(self._conn, node.database, node.schema, node.identifier)


def _unchecked(node: Node) -> VeilError:
    return VeilError(
        f"model `{node.name}` was written without `veil.check_model()`.",
        remedy='Add `+pre-hook: "{{ veil.check_model() }}"` to its folder.',
    )
