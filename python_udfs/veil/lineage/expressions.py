"""Labels of expressions: one handler for each kind of node, and a refusal for any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from sqlglot import exp

from veil.lineage import aggregates, calls, conditions, members, subqueries, windows
from veil.lineage.classes import Reach
from veil.lineage.context import Select, Shared, Walker
from veil.lineage.label import PUBLIC, Label, Part, combine
from veil.lineage.refusals import Rule
from veil.lineage.scope import column_parts

_CONSTANTS = (
    exp.Literal, exp.Null, exp.Boolean, exp.Var, exp.DataType, exp.JSONPath, exp.HexString,
    exp.BitString, exp.ByteString, exp.RawString, exp.National, exp.UnicodeString,
)  # fmt: skip
_SHAPING = (
    exp.Mod, exp.IntDiv, exp.Pow, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor,
    exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.BitwiseNot,
)  # fmt: skip
_PLAIN = (
    exp.Add, exp.Sub, exp.DPipe, exp.Neg, exp.Tuple, exp.Slice, exp.Interval, exp.Collate,
    exp.AtTimeZone, exp.Distinct, exp.Extract, exp.Ordered, exp.Order, exp.Concat, exp.Struct,
    exp.Array,
)  # fmt: skip
Handler = Callable[["Expressions", exp.Expr], Label]


class Expressions:
    """Labels the expressions of one SELECT."""

    def __init__(self, shared: Shared, select: Select, walker: Walker) -> None:
        self.shared = shared
        self.select = select
        self.walker = walker
        self._raw = False
        self._aliases = "last"
        self._memo: dict[tuple[int, bool, str], Label] = {}

    # -- how to ask

    @property
    def by_row(self) -> bool:
        """Whether values are of rows, and not of groups."""
        return self._raw or not self.select.aggregating

    @contextmanager
    def of_rows(self) -> Iterator[None]:
        """Inside an aggregate's brackets."""
        before, self._raw = self._raw, True
        try:
            yield
        finally:
            self._raw = before

    @contextmanager
    def aliases(self, when: str) -> Iterator[None]:
        """In ORDER BY an alias wins over a column (`first`), in HAVING it may be either (`too`)."""
        before, self._aliases = self._aliases, when
        try:
            yield
        finally:
            self._aliases = before

    @contextmanager
    def variables(self, names: dict[str, Label]) -> Iterator[None]:
        """Inside a lambda."""
        self.select.scope.lambdas.append(names)
        try:
            yield
        finally:
            self.select.scope.lambdas.pop()

    def forget(self) -> None:
        """The labels of columns have changed."""
        self._memo.clear()

    def label(self, node: object) -> Label:
        """The label of one expression; `PUBLIC` for what is no expression."""
        if not isinstance(node, exp.Expr) or isinstance(node, _CONSTANTS):
            return PUBLIC
        if self.select.scope.lambdas:
            return self._labelled(node)
        key = (id(node), self._raw, self._aliases)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self._labelled(node)
        return found

    def labels(self, nodes: Iterable[object]) -> list[Label]:
        return [self.label(node) for node in nodes]

    def children(self, node: exp.Expr, step: str = "") -> Label:
        """Everything in a node, in one label."""
        return combine(self.labels(node.iter_expressions()), step)

    def _labelled(self, node: exp.Expr) -> Label:
        if self.select.key_nodes and not self.by_row and node in self.select.key_nodes:
            with self.of_rows():
                label = self.label(node)
            return self.as_key(replace(label, conditions=frozenset()))
        handler = self._HANDLERS.get(type(node))
        if handler is not None:
            return handler(self, node)
        if isinstance(node, conditions.COMPARISONS):
            return conditions.comparison(self, node)
        if isinstance(node, conditions.PREDICATES):
            return conditions.tagged(self, node, self.children(node))
        if isinstance(node, _SHAPING):
            return replace(self.children(node), shaped=True)
        if isinstance(node, _PLAIN):
            return self.children(node, "||" if isinstance(node, exp.DPipe | exp.Concat) else "")
        if isinstance(node, exp.Query):
            return subqueries.scalar(self, node)
        if isinstance(node, exp.Func):
            return calls.called(self, node)
        self.shared.refuse(Rule.UNFOLLOWABLE, type(node).__name__)
        return combine([self.children(node), self.select.scope.everything()])

    # -- names

    def _column(self, node: exp.Expr) -> Label:
        assert isinstance(node, exp.Column)
        if isinstance(node.this, exp.Star):
            item = self.select.scope.item(node.text("table").lower())
            return item.row if item else self._unknown(node)
        return self._named(column_parts(node), node)

    def _identifier(self, node: exp.Expr) -> Label:
        return self._named([node.name.lower()], node)

    def _named(self, parts: list[str], node: exp.Expr) -> Label:
        scope = self.select.scope
        found = scope.resolve(parts, alias_first=self._aliases == "first")
        if found is None:
            return self._unknown(node)
        item, label = found
        if label.cell and self.select.guards:
            label = self.behind(label)
        if item is None:
            return label
        if not self.by_row:
            label = self.as_key(label)
        if self._aliases == "too" and len(parts) == 1 and parts[0] in scope.aliases:
            alias = scope.alias_label(parts[0])
            return combine([label, alias]) if alias is not None else label
        return label

    def _unknown(self, node: exp.Expr) -> Label:
        name = node.name if isinstance(node, exp.Column | exp.Identifier) else ""
        self.shared.refuse(Rule.UNKNOWN_COLUMN, name)
        return self.select.scope.everything()

    def as_key(self, label: Label) -> Label:
        """A column outside of every aggregate: it names the group."""
        if not label.is_personal:
            return label
        if label.place:
            # It names rows and not cells: whoever sees it sees how many people each cell has.
            return replace(label, cell=0, lowered=None, grain=False)
        owners = frozenset((flow.owner, flow.tally) for flow in label.flows())
        owners |= aggregates.rows_of(self.select)
        lowered = Label(
            explicit=label.explicit,
            implicit=label.implicit,
            reach=Reach.GUARDED,
            key=label.key,
            parts=frozenset({Part(frozenset(), owners)}),
        )
        return self.behind(
            replace(
                lowered,
                reach=Reach.PERSONAL,
                parts=frozenset(),
                cell=self.select.cell,
                grain=True,
                lowered=lowered,
            )
        )

    def behind(self, label: Label) -> Label:
        """A label behind the guards of WHERE, HAVING and QUALIFY."""
        return self.shared.guarding.behind(label, self.select.guards)[0]

    def _star(self, node: exp.Expr) -> Label:
        return combine(item.row for item in self.select.scope.visible())

    def _refused(self, node: exp.Expr) -> Label:
        self.shared.refuse(Rule.UNFOLLOWABLE, type(node).__name__.upper())
        return self.select.scope.everything()

    def _inner(self, node: exp.Expr) -> Label:
        return self.label(node.this)

    _HANDLERS: ClassVar[dict[type[exp.Expr], Handler]] = {
        exp.Column: _column,
        exp.Identifier: _identifier,
        exp.Star: _star,
        exp.PositionalColumn: _refused,
        exp.Paren: _inner,
        exp.Alias: _inner,
        exp.Any: _inner,
        exp.All: _inner,
        exp.Is: conditions.null_test,
        exp.And: conditions.conjunction,
        exp.Case: conditions.case,
        exp.If: conditions.choice,
        exp.In: subqueries.membership,
        exp.Exists: subqueries.existence,
        exp.Cast: members.cast,
        exp.TryCast: members.cast,
        exp.Mul: members.product,
        exp.Div: members.product,
        exp.PropertyEQ: members.named_value,
        exp.Kwarg: members.named_value,
        exp.ToMap: members.looked_up,
        exp.Bracket: members.looked_up,
        exp.JSONExtract: members.looked_up,
        exp.JSONExtractScalar: members.looked_up,
        exp.Comprehension: members.comprehension,
        exp.Dot: members.dot,
        exp.Window: windows.window,
        exp.Filter: aggregates.wrapped,
        exp.WithinGroup: aggregates.wrapped,
        exp.IgnoreNulls: aggregates.wrapped,
        exp.RespectNulls: aggregates.wrapped,
    }
