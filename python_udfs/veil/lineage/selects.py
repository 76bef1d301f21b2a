"""One SELECT, from FROM to LIMIT, in the order in which a database evaluates it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from veil.lineage import guards, projections
from veil.lineage.calls import aggregates_rows
from veil.lineage.classes import Flow, OpenRow, PrivacyClass
from veil.lineage.context import Ctes, Select, Shared, Walker
from veil.lineage.expressions import Expressions
from veil.lineage.label import Label, combine, key_owners, steers
from veil.lineage.scope import Rows, Scope
from veil.lineage.sources import Sources
from veil.lineage.steering import conjuncts, refuse_identifiers, steer

_ARGS = frozenset(
    [
        "with_", "expressions", "distinct", "limit", "from_", "joins", "where", "group", "having",
        "qualify", "windows", "order", "offset", "sample",
    ]
)  # fmt: skip
_GROUP_ARGS = frozenset(
    ["expressions", "all", "rollup", "cube", "grouping_sets", "grouping_sets_as_group_by_element"]
)
_SETS = ("rollup", "cube", "grouping_sets")


class OneSelect:
    """The walk over one SELECT."""

    def __init__(
        self, shared: Shared, walker: Walker, query: exp.Select, *, ctes: Ctes, parent: Scope | None
    ) -> None:
        self._shared = shared
        self._query = query
        self._select = Select(Scope(parent), ctes, shared.tags.mark)
        self._ev = Expressions(shared, self._select, walker)
        self._sources = Sources(self._ev, walker)

    def rows(self) -> Rows:
        query, select, ev = self._query, self._select, self._ev
        self._shared.only(query, _ARGS)
        self._shared.sampled(query.args.get("sample"))
        start = query.args.get("from_")
        self._sources.read(start.this if start else None, query.args.get("joins") or ())
        select.windows = {window.name.lower(): window for window in query.args.get("windows") or ()}
        self._aliases()
        self._where()
        self._group()
        self._after("having")
        columns = list(projections.columns(ev, query.expressions))
        self._after("qualify")
        # What ORDER BY looks at makes no row a guarded one.
        closed = dict(select.closed)
        by_name: dict[str, Label] = {}
        for name, label in columns:
            by_name.setdefault(name.lower(), label)
        projections.order(ev, query, by_name, [label for _, label in columns])
        return self._result(columns, closed)

    # -- before grouping

    def _aliases(self) -> None:
        scope, ev = self._select.scope, self._ev
        for projection in self._query.expressions:
            if isinstance(projection, exp.Alias):
                scope.aliases.setdefault(projection.alias.lower(), []).append(projection.this)
        walking: set[str] = set()

        def alias_label(name: str) -> Label | None:
            if name in walking:
                return None
            walking.add(name)
            try:
                with ev.aliases("last"):
                    found = ev.labels(scope.aliases[name])
                # Of two columns of one name DuckDB takes one or the other: here it is both.
                return found[0] if len(found) == 1 else combine(found)
            finally:
                walking.discard(name)

        scope.alias_label = alias_label

    def _where(self) -> None:
        where = self._query.args.get("where")
        if where is None:
            return
        found = list(conjuncts(where.this))
        self._guarded_by(found)
        for condition in found:
            self._sources.condition(condition)
        self._ev.forget()

    def _guarded_by(self, conditions: Sequence[exp.Expr]) -> None:
        """Guards in a condition that every row meets: what it says of a cell closes the cell."""
        select, threshold = self._select, self._shared.threshold
        for condition in conditions:
            for guard in guards.positive(condition, self._ev.label, threshold=threshold):
                select.guards.append(guard)
                if guard.weak is None or self._shared.recorder.is_off(guard.weak):
                    select.closed.setdefault(guard.cell, []).append(guard)
                    select.close(guard.cell)
        self._ev.forget()

    # -- grouping and after

    def _group(self) -> None:
        query, select, group = self._query, self._select, self._query.args.get("group")
        places = [*query.expressions, *(query.args.get(k) for k in ("having", "qualify", "order"))]
        if (
            group is None
            and query.args.get("having") is None
            and not any(aggregates_rows(place) for place in places if place is not None)
        ):
            return
        keys: list[Label] = []
        if group is not None:
            self._shared.only(group, _GROUP_ARGS)
            plain = list(group.expressions)
            if group.args.get("all"):
                plain = [p.unalias() for p in query.expressions if not aggregates_rows(p)]
            nodes = [self._key(one) for one in plain]
            select.key_nodes = {
                node: node for node in nodes if not isinstance(node, exp.Column | exp.Literal)
            }
            keys = self._ev.labels(nodes)
            parts = [
                one for name in _SETS for part in group.args.get(name) or () for one in _flat(part)
            ]
            for label in (*keys, *self._ev.labels(self._key(one) for one in parts)):
                refuse_identifiers(self._shared, label, least=PrivacyClass.DIRECT_IDENTIFIER)
                select.steers.append(label)
        select.aggregating = True
        select.cell, select.others = self._shared.tags.fresh(), self._shared.tags.fresh()
        # The key of a rollup is not a key of every group.
        select.keys = keys
        self._ev.forget()

    def _key(self, node: exp.Expr) -> exp.Expr:
        """What a key stands for: a place in the list, an alias, or itself."""
        listed = self._query.expressions
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            index = int(node.this) - 1
            if 0 <= index < len(listed):
                found: exp.Expr = listed[index].unalias()
                return found
        if isinstance(node, exp.Column) and len(node.parts) == 1:
            name, scope = node.name.lower(), self._select.scope
            if scope.column(name) is None:
                return next(iter(scope.aliases.get(name, ())), node)
        return node

    def _after(self, clause: str) -> None:
        """HAVING or QUALIFY."""
        found = self._query.args.get(clause)
        if found is None:
            return
        conditions = list(conjuncts(found.this))
        with self._ev.aliases("too"):
            self._guarded_by(conditions)
            for condition in conditions:
                label = self._ev.behind(self._ev.label(condition))
                steer(self._shared, self._select, label, groups=True)

    # -- what comes out

    def _result(
        self, columns: list[tuple[str, Label]], closed: dict[int, list[guards.Guard]]
    ) -> Rows:
        select, root = self._select, self._shared.tags.same
        out: list[tuple[str, Label]] = []
        for name, label in columns:
            if label.grain and label.cell in closed:
                label, _ = self._shared.guarding.behind(label, closed[label.cell])
            out.append((name, _rooted(label, root)))
        rows, chosen = dict(select.open_rows), frozenset(select.chosen)
        if select.aggregating:
            rows, chosen = self._groups(), frozenset()
        steering = combine(select.steers)
        return Rows(
            columns=out,
            open_rows={root(tag): row for tag, row in rows.items() if row.cell not in closed},
            chosen=chosen | select.chosen_groups,
            steered=frozenset(select.steered),
            steers=steers(steering),
            steer=_rooted(replace(steering, key=None), root),
            guarded=select.guarded or bool(closed),
        )

    def _groups(self) -> dict[int, OpenRow]:
        """One row for each group; without GROUP BY one row, whoever is in it.

        Groups of a pseudonym are rows of whom it stands for, as far as that is one.
        """
        select, tags = self._select, self._shared.tags
        sources = [*(row.source for row in select.open_rows.values()), *select.chosen]
        if not sources or self._query.args.get("group") is None:
            return {}
        row = tags.fresh()
        keys = [
            (label.key.person, owner)
            for label in select.keys
            if label.key
            for owner in key_owners(label)
        ]
        for person, root in ((True, tags.same), (False, tags.kin)):
            owners = {root(owner) for is_person, owner in keys if is_person or not person}
            if len(owners) == 1:
                tags.link(row, owners.pop(), person=person)
        return {row: OpenRow(sources[0], select.cell)}


def _rooted(label: Label, root: Callable[[int], int]) -> Label:
    """The label with every owner replaced by the one that stands for its group."""
    if all(root(flow.owner) == flow.owner for flow in label.explicit):
        return label
    explicit = {
        Flow(flow.source, root(flow.owner), flow.tally): path
        for flow, path in label.explicit.items()
    }
    return replace(label, explicit=explicit)


def _flat(node: exp.Expr) -> Iterator[exp.Expr]:
    """The columns of ROLLUP, CUBE and GROUPING SETS."""
    if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
        for one in node.expressions:
            yield from _flat(one)
    elif isinstance(node, exp.Paren):
        yield from _flat(node.this)
    else:
        yield node
