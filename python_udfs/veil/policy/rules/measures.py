"""What a mart measures, as far as its SQL says: numbers of rows and units, values aggregated.

Read from SQL as it is written, of the mart and of all models down to the pseudonymized ones. It
serves to notice that two marts measure the same: where the SQL leaves room, a mart measures more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sqlglot import exp

from veil.lineage.functions import Behaviour, behaviour, function_name
from veil.lineage.parsing import parse
from veil.lineage.refusals import Recorder
from veil.policy.graph import Graph, Node
from veil.policy.rules.common import is_personal
from veil.policy.rules.units import pseudonyms_of, unit_column, unit_domains
from veil.policy.written import NotPlainError, written

_AGGREGATES = {Behaviour.COUNT, Behaviour.SAFE, Behaviour.QUANTILE, Behaviour.VALUE}
_NAMED = (exp.Column, exp.Alias, exp.TableAlias, exp.Table)
"""What an identifier names by itself; a column is looked at as a whole."""
_DISTINCT = "approx_count_distinct"
EVERY = "*"
"""In the place of a column: all of them."""


class Family(Enum):
    """What is measured; the numbers of one family tell one another."""

    ROWS = "the number of rows"
    UNITS = "the number of privacy units"
    DISTINCT = "the number of different values"
    VALUES = "sum, mean, variance or quantiles"


METRICS: Mapping[str, Family] = {
    "count": Family.ROWS,
    "privacy_unit_count": Family.UNITS,
    "distinct_count": Family.DISTINCT,
    "sum": Family.VALUES,
    "mean": Family.VALUES,
    "variance": Family.VALUES,
    "quantile": Family.VALUES,
    "histogram": Family.VALUES,
}
"""The kinds of metric of a differential mart."""
_OF_COLUMN = {Family.DISTINCT, Family.VALUES}


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured; `column` is that of the data as delivered, empty for numbers of
    rows and units."""

    family: Family
    column: str = ""

    def same_as(self, other: Measure) -> bool:
        return self.family is other.family and (
            self.column == other.column or EVERY in (self.column, other.column)
        )

    def __str__(self) -> str:
        if self.family not in _OF_COLUMN:
            return self.family.value
        return f"{self.family.value} of " + (
            "its columns" if self.column == EVERY else f"`{self.column}`"
        )


@dataclass
class Below:
    """What a mart stands on, differential marts left out.

    Attributes:
        queries: the mart itself, and the models between it and the pseudonymized ones.
        pseudonymized: the pseudonymized models that it reads.
        sources: unique ids of the seeds and sources with personal data.
    """

    queries: list[Node] = field(default_factory=list)
    pseudonymized: list[Node] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)


def below(graph: Graph, mart: Node) -> Below:
    """What a mart stands on."""
    found = Below()
    waiting, seen = [mart], set[str]()
    while waiting:
        node = waiting.pop()
        if node.unique_id in seen:
            continue
        seen.add(node.unique_id)
        if node.is_mart and node.is_differential and node.unique_id != mart.unique_id:
            continue
        if node.kind in {"seed", "source"}:
            if is_personal(node):
                found.sources.add(node.unique_id)
        elif node.is_pseudonymized:
            found.pseudonymized.append(node)
        elif node.kind == "model" and not node.is_classified:
            found.queries.append(node)
        waiting.extend(map(graph.node, filter(graph.knows, node.parents)))
    return found


def measures(graph: Graph, mart: Node) -> frozenset[Measure] | None:
    """What a mart measures; None where its SQL cannot be read before it is compiled."""
    under = below(graph, mart)
    queries: list[exp.Expr] = []
    for node in under.queries:
        try:
            parsed = [parse(sql, Recorder(node.name)) for sql in written(graph, node).sqls]
        except NotPlainError:
            return None
        if None in parsed:
            return None
        queries.extend(one for one in parsed if one is not None)
    names = _Names(queries, under.pseudonymized)
    found = set(_declared(mart, names) if mart.is_differential else ())
    if not mart.is_differential:
        domains = unit_domains(graph, mart)
        units = {unit_column(mart)} | {
            name
            for node in under.pseudonymized
            for name, (domain, _) in pseudonyms_of(node).items()
            if domain in domains
        }
        for query in queries:
            found |= set(_measured(query, names, units))
    if Measure(Family.ROWS) in found and _regroups(queries, is_row_query=mart.is_differential):
        # What was grouped or made distinct before may be one row a unit.
        found.add(Measure(Family.UNITS))
    return frozenset(found)


def _declared(mart: Node, names: _Names) -> Iterator[Measure]:
    for column in mart.columns.values():
        family = METRICS.get(str(column.meta.get("metric")))
        if family in _OF_COLUMN:
            for origin in names.origins(str(column.meta.get("metric_column", EVERY)).lower()):
                yield Measure(family, origin)
        elif family is not None:
            yield Measure(family)


def _measured(query: exp.Expr, names: _Names, units: set[str]) -> Iterator[Measure]:
    for call in query.find_all(exp.Func):
        name = function_name(call)
        kind = behaviour(name)
        if kind not in _AGGREGATES or _is_guard(call):
            continue
        columns = set(_values_in(call))
        is_distinct = name == _DISTINCT or call.find(exp.Distinct) is not None
        if not columns or (kind is Behaviour.COUNT and not is_distinct):
            yield Measure(Family.ROWS)
            continue
        reached = frozenset[str]().union(*map(names.closure, columns))
        if kind is Behaviour.COUNT and reached & units:
            yield Measure(Family.UNITS)
            continue
        family = Family.DISTINCT if kind is Behaviour.COUNT else Family.VALUES
        for column in columns:
            for origin in names.origins(column):
                yield Measure(family, origin)


def _values_in(call: exp.Expr) -> Iterator[str]:
    """The columns whose values a call takes, conditions left out; of `x.sum()` x is one."""
    holders = [call]
    if isinstance(call.parent, exp.Dot):
        holders.append(call.parent.this)
    elif isinstance(call.parent, exp.WithinGroup):
        holders.append(call.parent.expression)
    for holder in holders:
        for one, name in _names_in(holder):
            if not _is_condition(one, within=holder):
                yield name


def _names_in(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """The columns that an expression names; in `cost.sum()` one is a bare identifier."""
    for one in tree.find_all(exp.Column, exp.Star, exp.Identifier):
        call = one.parent
        if isinstance(one, exp.Star) or one.is_star:
            # `count(*)` takes no column's value.
            if not (isinstance(call, exp.Func) and function_name(call) == "count"):
                yield one, EVERY
        elif not (isinstance(one, exp.Identifier) and isinstance(call, _NAMED)):
            yield one, one.name.lower()


def _is_condition(node: exp.Expr, *, within: exp.Expr) -> bool:
    while node is not within and node.parent is not None:
        if isinstance(node.parent, exp.If) and node.arg_key == "this":
            return True
        node = node.parent
    return False


def _is_guard(call: exp.Expr) -> bool:
    """Whether it is the `count(distinct unit) >= 11` of a guard, which shows nothing itself."""
    node = call.parent if isinstance(call.parent, exp.Filter) else call
    condition = node.parent
    return (
        call.find(exp.Distinct) is not None
        and isinstance(condition, exp.GTE)
        and isinstance(condition.expression, exp.Literal)
        and condition.find_ancestor(exp.If, exp.Having) is not None
    )


def _regroups(queries: list[exp.Expr], *, is_row_query: bool) -> bool:
    grouped = [
        one
        for query in queries
        for one in query.find_all(exp.Select)
        if one.args.get("group") or one.args.get("distinct")
    ]
    return len(grouped) > (0 if is_row_query else 1)


class _Names:
    """From a name in some queries to the columns that it may stand for.

    Scopes are left out of account: a name stands for all that it stands for anywhere.
    """

    def __init__(self, queries: list[exp.Expr], pseudonymized: list[Node]) -> None:
        self._made_of: dict[str, set[str]] = {}
        self._delivered: dict[str, set[str]] = {}
        for query in queries:
            self._aliases(query)
        for node in pseudonymized:
            for column in node.columns.values():
                made_from = str(column.meta.get("privacy_from") or column.name).lower()
                self._delivered.setdefault(column.name.lower(), set()).add(made_from)

    def _aliases(self, query: exp.Expr) -> None:
        for alias in query.find_all(exp.Alias):
            self._add(alias.alias, alias.this)
        for table in query.find_all(exp.TableAlias):
            for column in table.args.get("columns") or ():
                self._add(column.name, query)
        for union in query.find_all(exp.SetOperation):
            left = union.this.unnest()
            right = union.expression.unnest()
            if isinstance(left, exp.Query) and isinstance(right, exp.Query):
                for name, made in zip(left.named_selects, right.selects, strict=False):
                    self._add(name, made)

    def _add(self, name: str, made: exp.Expr) -> None:
        self._made_of.setdefault(name.lower(), set()).update(one for _, one in _names_in(made))

    def closure(self, name: str) -> frozenset[str]:
        """A name, and every name that it is made of."""
        found, waiting = {name}, [name]
        while waiting:
            new = self._made_of.get(waiting.pop(), set()) - found
            found |= new
            waiting.extend(new)
        return frozenset(found)

    def origins(self, name: str) -> frozenset[str]:
        """The columns, as they were delivered, that a name may stand for."""
        if name == EVERY:
            return frozenset({EVERY})
        reached = self.closure(name)
        if EVERY in reached:
            return frozenset({EVERY})
        found = [self._delivered[one] for one in reached if one in self._delivered]
        return frozenset[str]().union(*found) if found else reached
