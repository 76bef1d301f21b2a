"""What makes a row query unstable: one rule each, and the way out of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlglot import exp

from veil.lineage.context import clause
from veil.lineage.refusals import shown


class Rule(StrEnum):
    """Why a row query is refused."""

    UNREADABLE = "unreadable"
    """It is no SQL that can be parsed, or nests too deep."""
    STATEMENT = "statement"
    """It is not one SELECT."""
    RELATION = "relation"
    """It reads what nobody has declared, so nobody knows whose rows they are."""
    OWNER = "owner"
    """It reads people's rows that do not belong to exactly one privacy unit each."""
    COLUMN = "column"
    """A name means nothing, or may mean several things (`rowid` counts other people's rows)."""
    FUNCTION = "function"
    """Nobody has looked at what the function's result depends on."""
    VOLATILE = "volatile"
    """Its value depends on chance, on the clock or on the session: a replay would differ."""
    CONSTRUCT = "construct"
    """Nobody has shown that it keeps the rows of two people apart."""
    LIMIT = "limit"
    """Whether a row is among the first or in a sample depends on the other rows."""
    ORDER = "order"
    """It takes rows by an order that nobody gave, and other people's rows can change that one."""
    JOIN = "join"
    """Rows of two people meet: each result would belong to both."""
    PRESERVED = "preserved"
    """A row that stays where it finds nobody tells who is absent."""
    LATERAL = "lateral"
    """A query in FROM that looks at its neighbours cannot be followed."""
    GROUP = "group"
    """One result is made of several people's rows."""
    DISTINCT = "distinct"
    """Which of two people's equal rows is left out, nobody can say."""
    WINDOW = "window"
    """A row is computed from other people's rows."""
    SET_OPERATION = "set_operation"
    """Its branches do not carry the privacy unit in the same column."""
    SUBQUERY = "subquery"
    """A condition or value depends on other people's rows, or may be an aggregate over them."""
    UNIT = "unit"
    """The result does not say whose each row is."""


_REMEDIES = {
    Rule.UNREADABLE: "Write plain DuckDB SQL: no invisible character, a space after a number.",
    Rule.STATEMENT: "Write one SELECT.",
    Rule.RELATION: "Read a model, seed or source by `ref()` or `source()`.",
    Rule.OWNER: "Read a relation of which each row has one privacy unit, in one column.",
    Rule.COLUMN: "Correct the name, qualify it, or name the computed column with `as`.",
    Rule.FUNCTION: "Use a function that the table of functions lists.",
    Rule.VOLATILE: "Take it out; put a date or a number into the model's YAML instead.",
    Rule.CONSTRUCT: "Write it with joins, GROUP BY and named columns.",
    Rule.LIMIT: "Take it out: contributions are bounded after this query.",
    Rule.ORDER: "Give an ORDER BY inside its own brackets.",
    Rule.JOIN: "Add `on left.<privacy unit> = right.<privacy unit>`, or USING, as plain columns.",
    Rule.PRESERVED: "Keep the side with people's rows: put it first, in an inner or left join.",
    Rule.LATERAL: "Join by a condition; `unnest` of a row's own list may stand in FROM.",
    Rule.GROUP: "Add the privacy unit to GROUP BY: the release aggregates over people.",
    Rule.DISTINCT: "Select the privacy unit too, or name it in ON.",
    Rule.WINDOW: "Add the privacy unit to PARTITION BY.",
    Rule.SET_OPERATION: "Select the unit as the same column in every branch; bracket INTERSECT.",
    Rule.SUBQUERY: "Use a `semi join` or `anti join` with the privacy unit in ON.",
    Rule.UNIT: "Select the privacy unit as it is, once: no cast, no computation.",
}


@dataclass(frozen=True, slots=True)
class Unstable:
    """One reason why a row query is refused.

    Attributes:
        rule: which rule it breaks.
        what: the construct: a clause, a function, a name; never a literal of the SQL.
        remedy: the way out, one line.
    """

    rule: Rule
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"`{self.what}`: {(self.rule.replace('_', ' '))}. {self.remedy}"


class Found:
    """Collects refusals, each once.

    Args:
        ordered: refuse what takes rows by an order that nobody gave, too.
    """

    def __init__(self, *, ordered: bool) -> None:
        self.ordered = ordered
        self._found: dict[Unstable, None] = {}

    @property
    def refusals(self) -> list[Unstable]:
        return list(self._found)

    def add(self, rule: Rule, what: str) -> None:
        """Record a refusal. `what` is words of ours: a clause."""
        self._found[Unstable(rule, what, _REMEDIES[rule])] = None

    def name(self, rule: Rule, name: str) -> None:
        """Record a refusal of something that the SQL names: shown where it is a plain word."""
        self.add(rule, shown(name))

    def only(self, node: exp.Expr, known: Collection[str]) -> None:
        """Refuse a clause that nobody has thought of."""
        for key, value in node.args.items():
            if value and key not in known:
                self.add(Rule.CONSTRUCT, clause(key))

    def chosen(self, node: exp.Expr) -> None:
        """Refuse the clauses that choose rows by their number."""
        for key in ("limit", "offset", "sample"):
            if node.args.get(key):
                self.add(Rule.LIMIT, clause(key))
