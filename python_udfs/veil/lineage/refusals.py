"""What the lineage refuses: one rule each, the way out of it, and the line that a person reads."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}|\*")


class Rule(Enum):
    """Why a model is refused."""

    UNPARSEABLE = "unparseable"
    STATEMENT = "statement"
    UNKNOWN_RELATION = "unknown_relation"
    UNKNOWN_COLUMN = "unknown_column"
    UNFOLLOWABLE = "unfollowable"
    UNKNOWN_FUNCTION = "unknown_function"
    REFUSED_FUNCTION = "refused_function"
    TABLE_FUNCTION = "table_function"
    MASK_FUNCTION = "mask_function"
    ERROR_MESSAGE = "error_message"
    LAYER = "layer"
    UNCLASSIFIED = "unclassified"
    CLASS_LOWERED = "class_lowered"
    DIRECT_IDENTIFIER = "direct_identifier"
    PSEUDONYM = "pseudonym"
    IDENTIFIER_STEERS = "identifier_steers"
    SENSITIVE_GRAIN = "sensitive_grain"
    UNGUARDED_AGGREGATE = "unguarded_aggregate"
    VALUE_AGGREGATE = "value_aggregate"
    GUARD_THRESHOLD = "guard_threshold"
    GUARD_UNIT = "guard_unit"
    SUBGROUP = "subgroup"
    BROADCAST = "broadcast"
    PERSONAL_ROWS = "personal_rows"
    STEERED_ROWS = "steered_rows"
    WAIVER = "waiver"


NEVER_WAIVED = frozenset(
    {
        Rule.STATEMENT,
        Rule.DIRECT_IDENTIFIER,
        Rule.PSEUDONYM,
        Rule.PERSONAL_ROWS,
        Rule.MASK_FUNCTION,
        Rule.REFUSED_FUNCTION,
        Rule.WAIVER,
    }
)
"""No reason is good enough for these."""

_GUARD = "Show it through `veil.suppress_small(...)`"
_WAIVE = "or waive it in the model's YAML with owner, reason and expiry date"
_TEXTS: dict[Rule, tuple[str, str]] = {
    Rule.UNPARSEABLE: (
        "its SQL cannot be read",
        "Write it in plain DuckDB SQL.",
    ),
    Rule.STATEMENT: (
        "its SQL is not one SELECT",
        "A model is one query; other statements do not belong in it.",
    ),
    Rule.UNKNOWN_RELATION: (
        "it reads {what}, which is none of its parents",
        "Read it through `ref()` or `source()`.",
    ),
    Rule.UNKNOWN_COLUMN: (
        "nothing that it reads has {what}",
        "Correct the name, or add the column to the parent's YAML.",
    ),
    Rule.UNFOLLOWABLE: (
        "{what} cannot be followed",
        f"Write the columns out, {_WAIVE}.",
    ),
    Rule.UNKNOWN_FUNCTION: (
        "nobody has said what {what} does to a privacy class",
        f"Use a listed function, {_WAIVE}.",
    ),
    Rule.REFUSED_FUNCTION: (
        "{what} reads past the lineage",
        "Take it out; read relations by `ref()` and settings by `var()`.",
    ),
    Rule.TABLE_FUNCTION: (
        "{what} makes rows that nobody has classified",
        "Read a model, seed or source; `range`, `generate_series` and `unnest` are free.",
    ),
    Rule.MASK_FUNCTION: (
        "{what} is called where no mask stands",
        "Masks are called by `veil.pseudonymize` alone, on a classified column and never on a"
        " literal, a range or a list.",
    ),
    Rule.ERROR_MESSAGE: (
        "{source} would be printed by error(): {path}",
        "Give `error` a literal text.",
    ),
    Rule.LAYER: (
        "it reads {what}, which is not of its own layer or the one before",
        "Read a model of the layer before.",
    ),
    Rule.UNCLASSIFIED: (
        "{what} has no `privacy_class`",
        "Classify it in its YAML.",
    ),
    Rule.CLASS_LOWERED: (
        "{source} reaches it by {path}, but its `privacy_class` is lower",
        "Declare at least the class of what it is made of, or take the source out.",
    ),
    Rule.DIRECT_IDENTIFIER: (
        "{source} reaches it by {path}",
        "Take it out, or treat it in the pseudonymized model with a mask that hides.",
    ),
    Rule.PSEUDONYM: (
        "{source} reaches it by {path}",
        "Take it out, or count it: `veil.suppress_small('count(distinct ...)')`.",
    ),
    Rule.IDENTIFIER_STEERS: (
        "{source} decides which rows there are: {path}",
        "Compare pseudonyms with pseudonyms only, and no identifier with anything.",
    ),
    Rule.SENSITIVE_GRAIN: (
        "{source} names a cell by {path}",
        "Put it in bands in the pseudonymized model (masks `bucket`, `generalize`), aggregate it"
        f" behind a guard, {_WAIVE}.",
    ),
    Rule.UNGUARDED_AGGREGATE: (
        "an aggregate over people has no guard: {path}",
        f"{_GUARD}, or add `having count(distinct <privacy_unit>) >= <threshold>`, {_WAIVE}.",
    ),
    Rule.VALUE_AGGREGATE: (
        "the guarded aggregate hands out the value of one person: {path}",
        f"Use sum, avg, count, median or stddev, {_WAIVE}.",
    ),
    Rule.GUARD_THRESHOLD: (
        "the guard is lower than `privacy_threshold`: {path}",
        "Use `veil.suppress_small(...)` without a threshold of its own.",
    ),
    Rule.GUARD_UNIT: (
        "the guard does not count the distinct `privacy_unit`: {path}",
        "Count the pseudonym column that `privacy_unit` names: `veil.suppress_small(...)`.",
    ),
    Rule.SUBGROUP: (
        "the guard counts the whole cell, the aggregate a part of it: {path}",
        "Count the same part in the guard (`count(distinct <privacy_unit>) filter (where <the same"
        " condition>)`), select it by WHERE, or make it a column of the grain.",
    ),
    Rule.BROADCAST: (
        "it speaks of other people than those that the guard counts: {path}",
        "Join over a pseudonym, or guard the inner aggregate too.",
    ),
    Rule.PERSONAL_ROWS: (
        "its rows are people, or groups of people that no guard counts: {path}",
        "Aggregate them and show each aggregate through `veil.suppress_small(...)`.",
    ),
    Rule.STEERED_ROWS: (
        "which of its rows are there, or their order, tells what no guard covers: {path}",
        f"Filter and order by guarded values or by the grain, {_WAIVE}.",
    ),
    Rule.WAIVER: (
        "its waiver of {what} has expired or may not be given",
        "Take it out and mend the model, or renew it where the rule can be waived.",
    ),
}


def shown(name: str) -> str:
    """A name as a message may carry it: a plain word, or nothing of it (it may hold a value)."""
    return "".join(
        f".{part}" if index else part
        for index, part in enumerate(
            part if _WORD.fullmatch(part) else "…" for part in name.split(".")
        )
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a model may not be written.

    Attributes:
        rule: which rule it breaks.
        model: name of the model.
        column: name of the column, empty where the whole model is meant.
        what: what the rule speaks of: a relation, a function, a construct; may be empty.
        source: `raw_people.ssn`, empty where no column flows.
        source_class: class of that source, as a word.
        path: `raw_people.ssn -> upper() -> code`, empty where no column flows.
    """

    rule: Rule
    model: str
    column: str = ""
    what: str = ""
    source: str = ""
    source_class: str = ""
    path: str = ""

    @property
    def mechanism(self) -> str:
        return self.rule.value

    @property
    def remedy(self) -> str:
        return _TEXTS[self.rule][1]

    @property
    def problem(self) -> str:
        """One line: model, column, path; no value and no literal of the SQL."""
        where = f"model `{self.model}`"
        if self.column:
            where += f" column `{shown(self.column)}`"
        path = " -> ".join(_step(step) for step in self.path.split(" -> ")) if self.path else "it"
        problem = _TEXTS[self.rule][0].format(
            what=f"`{shown(self.what)}`" if self.what else "something",
            source=f"{self.source_class.replace('_', ' ')} `{shown(self.source)}`".strip(),
            path=f"`{path}`",
        )
        return f"{where}: {problem}."

    @property
    def message(self) -> str:
        """The problem and the way out, one line."""
        return f"{self.problem} Ways out: {self.remedy}"

    def __str__(self) -> str:
        return self.message


def _step(step: str) -> str:
    return step if re.fullmatch(r"[a-z_0-9]+\(\)|\|\||case|join", step) else shown(step)


class Recorder:
    """Collects refusals, each once; knows which rules are off and which are waived."""

    def __init__(
        self,
        model: str,
        *,
        off: Collection[Rule] = (),
        waived: Collection[tuple[Rule, str]] = (),
    ) -> None:
        self.model = model
        self._off = frozenset(off)
        self._waived = frozenset(waived)
        self._found: dict[Refusal, None] = {}

    @property
    def refusals(self) -> list[Refusal]:
        return list(self._found)

    def is_off(self, rule: Rule) -> bool:
        """Whether a rule is switched off; only the tests that prove that it bears load do so."""
        return rule in self._off

    def is_waived(self, rule: Rule, column: str) -> bool:
        return (rule, column) in self._waived or (rule, "") in self._waived

    def add(
        self,
        rule: Rule,
        *,
        column: str = "",
        what: str = "",
        source: str = "",
        source_class: str = "",
        path: str = "",
    ) -> bool:
        """Record a refusal; False where the rule is off, so that the next one is looked at."""
        if rule in self._off:
            return False
        if not self.is_waived(rule, column):
            found = Refusal(rule, self.model, column, what, source, source_class, path)
            self._found[found] = None
        return True
