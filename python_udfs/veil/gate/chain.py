"""The chain of relations up to a model: each is analysed once, from the SQL that made it.

What matters is what stands in the warehouse, and not what the project's files say today: a table
that was built from an older, leakier definition still holds what that definition let in. So the
labels of a parent come from the definition it was built with, and a parent that stands on something
which has changed since is refused until both are built again.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlglot
from sqlglot.errors import SqlglotError

from veil.errors import VeilError
from veil.gate.declared import base_relation, lineage_model, parents_of
from veil.lineage import Analysis, Relation, Zone, analyse
from veil.lineage.label import PUBLIC, Label
from veil.policy.graph import BASES, Graph, Node
from veil.policy.rules.layers import is_one_call

PART = r"\(select \* from {relation} where (?:{filters})\)"
"""How dbt writes a part of a relation in the place of the whole."""
_LITERALS = {"STRING", "NUMBER"}


class DefinitionError(VeilError):
    """A parent of which nobody knows by what SQL it was built."""


@dataclass(frozen=True, slots=True)
class Definition:
    """By what a table was built.

    Attributes:
        sql: its compiled SQL.
        parents: digest of the labels of each relation that it read, by unique id.
    """

    sql: str
    parents: Mapping[str, str]

    @property
    def shape(self) -> str:
        """SHA-256 of the SQL with every literal taken out, under which it is kept: an incremental
        model that names the day in its SQL has one shape, not one a day."""
        try:
            tokens = sqlglot.tokenize(self.sql, read="duckdb")
        except SqlglotError:
            return hashlib.sha256(self.sql.encode()).hexdigest()
        words = ["?" if token.token_type.name in _LITERALS else token.text for token in tokens]
        return hashlib.sha256("\x1f".join(words).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    """A relation that was looked at, and what it was computed from."""

    definitions: tuple[Definition, ...]
    parents: Mapping[str, str]
    relation: Relation
    digest: str


Definitions = Callable[[Node], Sequence[Definition]]
"""The definitions a table was built with: several for an incremental one, the first one first."""
Columns = Callable[[Node], Mapping[str, str]]
"""The columns that a relation really has, with their SQL types, in order."""


class Chain:
    """Analyses models over the relations that they read.

    Args:
        graph: dbt's graph.
        definitions: where a built table's definitions come from.
        columns: where a relation's columns come from.
        threshold: `veil:threshold`.
        day: by which waivers are judged.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        definitions: Definitions,
        columns: Columns,
        threshold: int,
        day: date,
    ) -> None:
        self._graph = graph
        self._definitions = definitions
        self._columns = columns
        self._threshold = threshold
        self._day = day
        self._known: dict[str, _Known] = {}
        self._seen: dict[str, _Known] = {}
        self._lock = threading.RLock()

    def check(self, node: Node, sql: str) -> tuple[Analysis, Definition]:
        """Follow the columns of a model that is about to be written.

        Returns:
            What the lineage says of it, and the definition to keep beside the table.

        Raises:
            DefinitionError: where a parent's definition is unknown or out of date.
        """
        with self._lock:
            self._seen = {}
            relations = self._parents(node)
            if reads_itself(node, sql):
                relations.append(self._look(node).relation)
            return self._analyse(node, sql, relations), Definition(sql, self._digests(node))

    def parents(self, node: Node) -> list[Relation]:
        """The relations that a model reads, with the names that `read_sql` gives them."""
        with self._lock:
            self._seen = {}
            return self._parents(node)

    def feeders(self, node: Node) -> Iterator[tuple[Node, str, Analysis, list[Relation]]]:
        """Each raw and pseudonymized model under a model as it was built: itself, its SQL with
        three-part names, what the lineage says of it, and what it reads."""
        with self._lock:
            self._seen = {}
            for one in self._graph.ancestors(node):
                if one.kind == "model" and (one.is_classified or one.is_pseudonymized):
                    relations = self._parents(one)
                    for definition in self._definitions(one):
                        own = [*relations, self._look(one).relation]
                        found = self._analyse(one, definition.sql, own)
                        yield one, self.read_sql(one, definition.sql), found, relations

    def read_sql(self, node: Node, sql: str) -> str:
        """A model's SQL with a name of three parts for every relation."""
        for parent in parents_of(self._graph, node):
            name = stand_in(parent)
            if name is not None:
                sql = sql.replace(parent.relation, name)
        return sql

    def _look(self, node: Node) -> _Known:
        """A relation and its digest; each once in one question, each analysed once in all."""
        seen = self._seen.get(node.unique_id)
        if seen is None:
            seen = self._base(node) if node.kind in BASES else self._built(node)
            self._seen[node.unique_id] = seen
        return seen

    def _base(self, node: Node) -> _Known:
        relation = base_relation(node, self._columns(node), name=stand_in(node))
        return _Known((), {}, relation, digest(relation))

    def _built(self, node: Node) -> _Known:
        found = tuple(self._definitions(node))
        if not found:
            raise DefinitionError(
                f"model `{node.name}` was not built by veil as it stands, so nobody can say what is"
                " in it.",
                remedy=f"Build it first: `dbt build --select +{node.name}`.",
            )
        digests = self._digests(node)
        self._compare(node, found, digests)
        known = self._known.get(node.unique_id)
        if known is None or (known.definitions, known.parents) != (found, digests):
            relation = self._combined(node, found)
            known = _Known(found, digests, relation, digest(relation))
            self._known[node.unique_id] = known
        return known

    def _compare(self, node: Node, found: Sequence[Definition], digests: Mapping[str, str]) -> None:
        for definition in found:
            for unique_id, was in definition.parents.items():
                if digests.get(unique_id) != was:
                    known = self._graph.knows(unique_id)
                    name = self._graph.node(unique_id).name if known else "a relation"
                    raise DefinitionError(
                        f"model `{node.name}` was built from `{name}` as it was before it changed.",
                        remedy=f"Build both: `dbt build --select +{node.name} --full-refresh`.",
                    )

    def _combined(self, node: Node, found: Sequence[Definition]) -> Relation:
        """The labels of a table, whichever of its definitions a row came from."""
        types = {name.lower(): kind for name, kind in self._columns(node).items()}
        if node.is_differential:
            return noisy(node, self._columns(node))
        relations = self._parents(node)
        own = self._analyse(node, found[0].sql, relations).relation(node.relation, types)
        for definition in found[1:]:
            first = ("select * from", node.relation, "union all by name select * from (")
            both = "\n".join((*first, definition.sql, ")"))
            own = self._analyse(node, both, [*relations, own]).relation(node.relation, types)
        return own

    def _parents(self, node: Node) -> list[Relation]:
        return [self._look(parent).relation for parent in parents_of(self._graph, node)]

    def _digests(self, node: Node) -> dict[str, str]:
        return {
            parent.unique_id: self._look(parent).digest for parent in parents_of(self._graph, node)
        }

    def _analyse(self, node: Node, sql: str, relations: list[Relation]) -> Analysis:
        sql = self.read_sql(node, sql)
        for parent in parents_of(self._graph, node):
            if is_one_call(node):
                sql = _whole(sql, parent.relation)
        if reads_itself(node, sql):
            sql = _without_watermark(sql, node.relation)
        model = lineage_model(node, sql, threshold=self._threshold)
        return analyse(sql, relations, model, today=self._day)


def _whole(sql: str, relation: str) -> str:
    """The SQL over the whole of a relation, where dbt put a part of it in its place.

    `--empty`, `--sample` and microbatches do so; a mask stands on a stored column all the same.
    """
    filters = r"false limit 0|[\w.\"]+ (?:>=|<) '[^']*'(?: and [\w.\"]+ < '[^']*')?"
    part = re.compile(PART.format(relation=re.escape(relation), filters=filters))
    return part.sub(lambda _: relation, sql)


def _without_watermark(sql: str, relation: str) -> str:
    """The SQL with `(select max(day) from {{ this }})` taken out of it.

    How far an incremental table has come decides in which run a row is added, and not whether.
    """
    mark = re.compile(
        r"\(\s*select\s+(?:coalesce\s*\(\s*)?(?:max|min)\s*\(\s*[\w.\"]+\s*\)"
        r"(?:\s*,[^(),]*\))?(?:\s+as\s+\w+)?"
        rf"\s+from\s+{re.escape(relation)}\s*\)",
        re.IGNORECASE,
    )
    return mark.sub("(null)", sql)


def noisy(node: Node, columns: Mapping[str, str]) -> Relation:
    """A differential mart: what is computed from noisy cells alone gives nothing more away."""
    labelled = tuple((name, kind, PUBLIC) for name, kind in columns.items())
    return Relation(node.relation, Zone.MARTS, labelled)


def reads_itself(node: Node, sql: str) -> bool:
    """Whether an incremental model's SQL reads the table that it adds to."""
    return node.config.get("materialized") == "incremental" and node.relation in sql


def stand_in(node: Node) -> str | None:
    """A three-part name for a source whose relation is a file or a call; None for all others.

    The compiled SQL holds the file's path or the call in its place.
    """
    if node.kind != "source" or node.is_table:
        return None
    parts = ("identified", f"source {node.raw.get('source_name', '')}", node.name)
    return ".".join('"{}"'.format(str(part).replace('"', "")) for part in parts)


def digest(relation: Relation) -> str:
    """SHA-256 of what a relation's labels say, whatever SQL computed them."""
    body = {
        "columns": [[name.lower(), _plain(label)] for name, _, label in relation.columns],
        "open": bool(relation.open_rows),
        "chosen": sorted(source.name for source in relation.chosen),
        "steered": sorted(source.name for source in relation.steered),
        "steers": sorted(source.name for source in relation.steers),
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _plain(label: Label) -> list[object]:
    return [
        sorted({(flow.source.name, flow.privacy_class.word) for flow in label.explicit}),
        sorted({(source.name, source.privacy_class.word) for source in label.implicit}),
        label.reach.name,
        [label.key.domain, label.key.name, label.key.person] if label.key else None,
        label.aggregated,
        label.why,
    ]
