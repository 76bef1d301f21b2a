"""Every model of a project, parents first: rendered, followed, and what stands against it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import Any

from veil.check.adapter import Columns
from veil.check.cache import Kept, key_of
from veil.check.codec import packed, unpacked
from veil.check.drift import header_of
from veil.check.follow import Follower
from veil.check.inputs import tool
from veil.check.parsed import Parsed
from veil.check.render import VOLATILE, Rendered, Renderer, with_ephemeral
from veil.errors import VeilError
from veil.findings import Finding, Level
from veil.gate import check_stranger
from veil.gate.declared import SNAPSHOT_COLUMNS, parents_of
from veil.lineage import Relation
from veil.policy.graph import BASES, Graph, Node
from veil.project import Project

__all__ = ["TRUSTED", "Columns", "Models"]

TRUSTED = frozenset({"dbt", "dbt_duckdb", "veil"})
"""Packages of whose macros it is known that they give the same SQL twice."""
MESSAGES = {
    "needs_build": (
        Level.NOTE,
        "has SQL that depends on data; it is checked when it is built.",
        "",
    ),
    "unrenderable": (
        Level.ERROR,
        "has SQL that cannot be rendered without a warehouse, so nobody can follow it here.",
        "`dbt compile` says more. Use what dbt documents: ref, source, config, var, macros.",
    ),
    "not_followed": (
        Level.NOTE,
        "stands on a model that could not be followed here; it is checked when it is built.",
        "",
    ),
}


class Models:
    """The models of one project, with what an earlier check knew of them.

    Args:
        project: the dbt project.
        parsed: its parse, SQL that changed since put in.
        graph: the same in veil's words.
        renderer: makes the renderer, given where columns come from.
        known: what an earlier check kept, by unique id.
        state: key of everything but the models' own SQL.
        threshold: `veil:threshold`.
        day: by which waivers are judged.
    """

    def __init__(
        self,
        project: Project,
        parsed: Parsed,
        graph: Graph,
        *,
        renderer: Callable[[Columns], Renderer],
        known: Mapping[str, Kept],
        state: str,
        threshold: int,
        day: date,
    ) -> None:
        self._project = project
        self._parsed = parsed
        self._graph = graph
        self._known = known
        self._state = state
        self._threshold = threshold
        self._day = day
        self.kept: dict[str, Kept] = {}
        self._relations: dict[str, Relation | None] = {}
        self._digests: dict[str, str] = {}
        self._rendered: dict[str, Rendered] = {}
        self._is_trusted: dict[str, bool] = {}
        self._renderer = renderer(self._columns)
        self._follower = Follower(
            graph,
            columns=lambda node: dict(self._base_columns(node)),
            threshold=threshold,
            day=day,
            relation=self._relation,
        )
        self._scope = self._in_scope()

    @property
    def scope(self) -> frozenset[str]:
        """Unique ids of the nodes that veil guards."""
        return self._scope

    def order(self) -> list[Node]:
        """Models and snapshots, parents first.

        Raises:
            VeilError: where they read each other in a circle.
        """
        sorter = TopologicalSorter(
            {
                node.unique_id: [p for p in node.parents if self._graph.knows(p)]
                for node in self._graph
            }
        )
        try:
            names = list(sorter.static_order())
        except CycleError:
            raise VeilError("models read each other in a circle.") from None
        return [self._graph.node(name) for name in names if self._is_built(self._graph.node(name))]

    def check(self, node: Node) -> tuple[Finding, ...]:
        """What stands against one model; its parents were checked before."""
        fast = self._fast_key(node)
        known = self._known.get(node.unique_id)
        if known is None or not fast or known.fast != fast:
            known = self._check(node, fast, known)
        self.kept[node.unique_id] = known
        return known.found

    def _check(self, node: Node, fast: str, known: Kept | None) -> Kept:
        rendered = self._render(node.unique_id)
        if self._is_volatile(node, rendered):
            fast = ""
        problem = rendered.problem
        if rendered.refused and not problem:
            text = rendered.refused.removeprefix("veil: ")
            found = Finding("policy", text, model=node.name, file=node.file)
            return Kept(fast, "", (found,), "", "refused")
        if not problem and not rendered.sqls:
            problem = "unrenderable"
        is_guarded = node.unique_id in self._scope
        if not problem and is_guarded and self._follower.missing(node):
            problem = "not_followed"
        if problem:
            return Kept(fast, "", (self._problem(node, problem),), "", problem)
        sqls = [with_ephemeral(sql, self._ephemeral(rendered)) for sql in rendered.sqls]
        slow = key_of(
            tool(),
            self._threshold,
            self._waiver_day(node),
            node.raw,
            sqls,
            self._parent_digests(node),
        )
        if known is not None and known.slow == slow and known.state in {"", "outside"}:
            return Kept(fast, slow, known.found, known.relation, known.state)
        if not is_guarded:
            strange = {one: None for sql in sqls for one in check_stranger(self._graph, node, sql)}
            relation = self._outside(node, sqls)
            return Kept(fast, slow, tuple(strange), relation, "outside")
        try:
            refusals, made = self._follower.follow(node, sqls)
        except VeilError as error:
            said = Finding("policy", str(error), model=node.name, file=node.file)
            return Kept(fast, "", (said,), "", "refused")
        return Kept(fast, slow, tuple(refusals), packed(made))

    def _outside(self, node: Node, sqls: list[str]) -> str:
        """Labels of a model out of scope, where a guarded one reads it."""
        if self._follower.missing(node) or not any(
            node.unique_id in self._graph.node(one).parents for one in self._scope
        ):
            return ""
        try:
            return packed(self._follower.follow(node, sqls)[1])
        except VeilError:
            return ""

    # -- rendering

    def render_ahead(self, nodes: Sequence[Node]) -> list[list[Any]]:
        """The SQL of models, as plain data for `take`; those that ask for columns are left out,
        because their parents were not followed yet."""
        found = []
        for node in nodes:
            done = self._renderer.render(self._parsed.nodes[node.unique_id])
            if not done.problem and not done.asked_columns:
                sets = [sorted(done.macros), list(done.ephemeral)]
                found.append([node.unique_id, list(done.sqls), done.refused, *sets])
        return found

    def take(self, rendered: Sequence[Sequence[Any]]) -> None:
        """Use what `render_ahead` gave, in another process."""
        for unique_id, sqls, refused, macros, ephemeral in rendered:
            self._rendered[unique_id] = Rendered(
                tuple(sqls), refused, macros=frozenset(macros), ephemeral=tuple(ephemeral)
            )

    def _render(self, unique_id: str) -> Rendered:
        if unique_id not in self._rendered:
            self._rendered[unique_id] = self._renderer.render(self._parsed.nodes[unique_id])
        return self._rendered[unique_id]

    def _ephemeral(self, rendered: Rendered) -> list[tuple[str, str]]:
        """Name and SQL of every ephemeral model that is put in front, each once, dbt's order."""
        found: dict[str, tuple[str, str]] = {}

        def add(one: Rendered) -> None:
            for unique_id in one.ephemeral:
                inner = self._render(unique_id)
                add(inner)
                raw = self._parsed.nodes[unique_id]
                found.setdefault(
                    unique_id, (str(raw.get("alias") or raw["name"]), "".join(inner.sqls[:1]))
                )

        add(rendered)
        return list(found.values())

    def _is_volatile(self, node: Node, rendered: Rendered) -> bool:
        """Whether the same template may give other SQL in the next minute."""
        return VOLATILE.search(node.code) is not None or any(
            self._may_vary(macro) for macro in rendered.macros
        )

    def _may_vary(self, unique_id: str) -> bool:
        if unique_id not in self._is_trusted:
            macro = self._parsed.macros[unique_id]
            self._is_trusted[unique_id] = macro["package_name"] in TRUSTED or not VOLATILE.search(
                str(macro["macro_sql"])
            )
        return not self._is_trusted[unique_id]

    # -- columns and labels

    def _relation(self, unique_id: str) -> Relation | None:
        if unique_id not in self._relations:
            kept = self.kept.get(unique_id)
            self._relations[unique_id] = unpacked(kept.relation) if kept and kept.relation else None
        return self._relations[unique_id]

    def _columns(self, unique_id: str) -> list[tuple[str, str]] | None:
        """Columns of a node for templates: what the lineage found, else what the YAML declares."""
        node = self._graph.node(unique_id)
        if node.kind in BASES:
            return self._base_columns(node) or None
        relation = self._relation(unique_id)
        if relation is not None:
            types = {column.name.lower(): column.data_type for column in node.columns.values()}
            return [(name, types.get(name.lower(), "")) for name, _, _ in relation.columns]
        return [(column.name, column.data_type) for column in node.columns.values()] or None

    def _base_columns(self, node: Node) -> list[tuple[str, str]]:
        declared = {column.name.lower(): column for column in node.columns.values()}
        header = header_of(self._project, node) if node.kind != "snapshot" else []
        kept = self.kept.get(node.unique_id)
        if kept is not None and kept.relation:
            header = [name for name, _, _ in unpacked(kept.relation).columns]
        types = {key.lower(): str(one) for key, one in self._seed_types(node).items()}
        found = {
            name: types.get(name.lower())
            or (declared[name.lower()].data_type if name.lower() in declared else "")
            for name in header or [column.name for column in node.columns.values()]
        }
        if node.kind == "snapshot":
            found = {**found, **{name: found.get(name, "") for name in SNAPSHOT_COLUMNS}}
        return list(found.items())

    def _seed_types(self, node: Node) -> Mapping[str, Any]:
        types = node.config.get("column_types")
        return types if isinstance(types, Mapping) else {}

    # -- keys

    def _fast_key(self, node: Node) -> str:
        codes = [_hash(node.code), *(_hash(one.code) for one in self._ephemeral_parents(node))]
        return key_of(self._state, codes, self._parent_digests(node), self._waiver_day(node))

    def _waiver_day(self, node: Node) -> str:
        metas = (node.config.get("meta"), node.raw.get("meta"))
        return str(self._day) if any("privacy_waiver" in (meta or ()) for meta in metas) else ""

    def _parent_digests(self, node: Node) -> list[tuple[str, str]]:
        return [
            (parent.unique_id, self._digest(parent)) for parent in parents_of(self._graph, node)
        ]

    def _digest(self, node: Node) -> str:
        if node.unique_id not in self._digests:
            if node.kind in BASES:
                text = packed(self._follower.base(node))
            else:
                kept = self.kept.get(node.unique_id)
                text = kept.relation or kept.state if kept is not None else "unknown"
            self._digests[node.unique_id] = _hash(text)
        return self._digests[node.unique_id]

    def _ephemeral_parents(self, node: Node) -> Iterator[Node]:
        waiting, seen = list(node.parents), set[str]()
        while waiting:
            unique_id = waiting.pop(0)
            if unique_id in seen or not self._graph.knows(unique_id):
                continue
            seen.add(unique_id)
            parent = self._graph.node(unique_id)
            if parent.config.get("materialized") == "ephemeral":
                yield parent
                waiting.extend(parent.parents)

    def _in_scope(self) -> frozenset[str]:
        found = set()
        for node in self._graph:
            try:
                if self._graph.in_scope(node):
                    found.add(node.unique_id)
            except VeilError:  # its YAML contradicts itself, which the rules report
                found.add(node.unique_id)
        return frozenset(found)

    @staticmethod
    def _is_built(node: Node) -> bool:
        return (
            node.kind in {"model", "snapshot"}
            and node.config.get("materialized") != "ephemeral"
            and node.raw.get("language", "sql") == "sql"
        )

    @staticmethod
    def _problem(node: Node, problem: str) -> Finding:
        level, text, remedy = MESSAGES[problem]
        message = f"{node.kind} `{node.name}` {text}"
        return Finding(problem, message, remedy, level, model=node.name, file=node.file)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
