"""Expressions of a row query: each value must be made of one row, of one person's rows, or of
public relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlglot import exp

from veil.lineage.aggregates import bare
from veil.lineage.conditions import COMPARISONS, PREDICATES
from veil.lineage.functions import function_name
from veil.stability.functions import UNORDERED, Kind, judged
from veil.stability.names import Parent, Scope, column_parts
from veil.stability.relations import Rows, fold
from veil.stability.rules import Found, Rule

_CONSTANTS = (
    exp.Literal, exp.Null, exp.Boolean, exp.Var, exp.JSONPath, exp.HexString, exp.BitString,
    exp.ByteString, exp.RawString, exp.National, exp.UnicodeString,
)  # fmt: skip
_ROW_WISE = (
    *COMPARISONS, *PREDICATES, exp.And, exp.Is, exp.In, exp.Exists, exp.Any, exp.All, exp.Case,
    exp.If, exp.Paren, exp.Alias, exp.Where, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div,
    exp.IntDiv, exp.Mod, exp.Pow, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot,
    exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.DPipe, exp.Concat, exp.Tuple, exp.Slice,
    exp.Bracket, exp.Interval, exp.Collate, exp.AtTimeZone, exp.Extract, exp.Struct, exp.Array,
    exp.JSONExtract, exp.JSONExtractScalar, exp.Distinct, exp.Order, exp.Ordered,
    exp.IgnoreNulls, exp.RespectNulls, exp.RegexpFullMatch, exp.StartsWith,
)  # fmt: skip
_WRAPPERS = (exp.Filter, exp.WithinGroup)
_WINDOW = frozenset({"this", "partition_by", "order", "spec", "alias", "over"})


class Expressions:
    """Looks at the expressions of one SELECT.

    Args:
        found: collects refusals.
        scope: the names of the SELECT.
        rows: walks a query inside of it.
        windows: its named windows.
    """

    def __init__(
        self,
        found: Found,
        scope: Scope,
        rows: Callable[[exp.Expr, Parent], Rows],
        windows: Iterable[exp.Expr] = (),
    ) -> None:
        self.scope = scope
        self.owned = False
        """Whether its rows are people's."""
        self._found = found
        self._rows = rows
        self._ordered = False
        self._windows = {fold(window.name): window for window in windows}

    def check(self, node: object) -> None:
        """Refuse whatever in an expression is not known to be stable."""
        if not isinstance(node, exp.Expr) or isinstance(node, _CONSTANTS):
            return
        if isinstance(node, exp.Query | exp.Values):
            self._subquery(node)
        elif isinstance(node, exp.Column):
            self._column(node)
        elif isinstance(node, exp.Identifier):
            self._name([fold(node.name)])
        elif isinstance(node, exp.Cast | exp.TryCast):
            self.check(node.this)
            self._type(node.args.get("to"))
        elif isinstance(node, exp.ToMap):
            self._map(node.this)
        elif isinstance(node, exp.PropertyEQ | exp.Kwarg):
            self.check(node.expression)  # before it stands the name of a field
        elif isinstance(node, exp.Lambda):
            with self._variables(node.expressions):
                self.check(node.this)
        elif isinstance(node, exp.Comprehension):
            self.check(node.args.get("iterator"))
            with self._variables([node.expression, node.args.get("position")]):
                self.check(node.this)
                self.check(node.args.get("condition"))
        elif isinstance(node, exp.Dot):
            self._dot(node)
        elif isinstance(node, exp.Window):
            self._window(node)
        elif isinstance(node, _WRAPPERS):
            ordered = self._ordered or isinstance(node, exp.WithinGroup)
            with self._inside(ordered=ordered):
                self.check(node.this)
            with self._inside(ordered=False):
                self._all(node.expression.iter_expressions())
        elif isinstance(node, _ROW_WISE):
            self._all(node.iter_expressions())
        elif isinstance(node, exp.Func):
            self._call(node)
        else:
            self._found.add(Rule.CONSTRUCT, type(node).__name__.upper())

    def _all(self, nodes: Iterable[object]) -> None:
        for node in nodes:
            self.check(node)

    @contextmanager
    def _inside(self, *, ordered: bool) -> Iterator[None]:
        """Within an aggregate or a window; `ordered`: what gives the rows of a call their order."""
        before, self._ordered = self._ordered, ordered
        self.scope.calls += 1
        try:
            yield
        finally:
            self.scope.calls -= 1
            self._ordered = before

    @contextmanager
    def _variables(self, nodes: Iterable[object]) -> Iterator[None]:
        names = frozenset(fold(node.name) for node in nodes if isinstance(node, exp.Expr))
        self.scope.variables.append(names)
        try:
            yield
        finally:
            self.scope.variables.pop()

    # -- names and values

    def _column(self, node: exp.Column) -> None:
        if isinstance(node.this, exp.Star) or node.args.get("join_mark"):
            self._found.add(Rule.CONSTRUCT, "*")
        else:
            self._name(column_parts(node))

    def _name(self, parts: list[str]) -> None:
        """A name must mean something: here, or in a query around this one."""
        scope, calls = self.scope, 0
        beside = False
        while not scope.has(parts):
            if scope.parent is None:
                self._found.name(Rule.COLUMN, parts[-1])
                return
            calls += scope.calls
            scope, beside = scope.parent
        if beside:
            self._found.name(Rule.LATERAL, parts[-1])
        if calls:
            # `(select sum(p.x))` is a sum over the rows of the query around it.
            self._found.name(Rule.SUBQUERY, parts[-1])

    def _type(self, node: object) -> None:
        if not isinstance(node, exp.DataType):
            self._found.add(Rule.CONSTRUCT, "CAST")
        elif any(one.this is exp.DType.USERDEFINED for one in node.find_all(exp.DataType)):
            # An enum may have been made from the data: what it can hold depends on who is there.
            self._found.add(Rule.CONSTRUCT, "CAST")

    def _map(self, node: exp.Expr) -> None:
        """`map {key: value}`: unlike in a struct, a bare key is a column."""
        while isinstance(node, exp.Bracket):
            self._all(node.expressions)
            node = node.this
        for one in node.iter_expressions():
            if isinstance(one, exp.PropertyEQ | exp.Slice):
                self.check(one.this)
                self.check(one.expression)
            else:
                self.check(one)

    def _dot(self, node: exp.Dot) -> None:
        """`value.function(...)`, or a field of a struct."""
        if isinstance(node.expression, exp.Func):
            self._call(node.expression, first=node.this)
        elif isinstance(node.expression, exp.Identifier):
            self.check(node.this)
        else:
            self._found.add(Rule.CONSTRUCT, "DOT")

    def _subquery(self, node: exp.Expr) -> None:
        if self._rows(node, Parent(self.scope)).owned:
            self._found.add(Rule.SUBQUERY, "SELECT")

    # -- calls

    def _call(self, node: exp.Expr, first: exp.Expr | None = None) -> None:
        """A call of a function; `first` is what stands before the dot of `value.function(...)`."""
        name = function_name(node)
        given = [*([first] if first is not None else []), *node.iter_expressions()]
        kind = judged(name, given)
        if isinstance(kind, Rule):
            self._found.name(kind, name)
            return
        if name == "count":
            given = [one for one in given if not isinstance(one, exp.Star)]
        if kind is Kind.ROW:
            self._all(given)
            return
        self._has_order(name, self._ordered or any(one.find(exp.Order) for one in given))
        with self._inside(ordered=False):
            self._all(given)

    def _window(self, node: exp.Window) -> None:
        """A window function: over one person's rows, or over public ones."""
        partition: list[exp.Expr] = []
        orders: list[exp.Expr] = []
        frames: list[exp.Expr] = []
        for at in self._chain(node):
            self._found.only(at, _WINDOW)
            order, spec = at.args.get("order"), at.args.get("spec")
            partition += at.args.get("partition_by") or []
            orders += order.expressions if order is not None else []
            frames += [spec] if spec is not None else []
        with self._inside(ordered=False):
            self._all([*partition, *orders])
            for frame in frames:
                self._all(frame.iter_expressions())
        name = function_name(bare(node.this))
        with self._inside(ordered=bool(orders)):
            self.check(node.this)
        if frames:
            self._has_order("rows", bool(orders))
        if self.owned and not any(self.scope.is_unit(one) for one in partition):
            self._found.name(Rule.WINDOW, name)

    def _chain(self, node: exp.Window) -> Iterator[exp.Expr]:
        """A window and the named one that it goes on from."""
        yield node
        base = node.args.get("alias")
        if base is None:
            return
        named = self._windows.get(fold(base.name))
        if named is None:
            self._found.name(Rule.COLUMN, base.name)
        elif named.args.get("alias") is not None:
            # DuckDB forgets the PARTITION BY of the one that a named window goes on from.
            self._found.add(Rule.CONSTRUCT, "WINDOW")
        else:
            yield named

    def _has_order(self, name: str, ordered: bool) -> None:
        if self._found.ordered and not ordered and name in UNORDERED:
            self._found.name(Rule.ORDER, name)
