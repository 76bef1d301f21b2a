"""The check of a row query."""

from __future__ import annotations

from collections.abc import Iterable

from veil.lineage.inputs import name_parts
from veil.lineage.parsing import parse
from veil.lineage.refusals import Recorder
from veil.lineage.refusals import Rule as Unparsed
from veil.stability.lexis import is_ambiguous
from veil.stability.queries import Queries
from veil.stability.relations import Personal, Public, fold
from veil.stability.rules import Found, Rule, Unstable

_FAILURES = (RecursionError, ValueError, TypeError, AttributeError, LookupError)
_UNPARSED = {Unparsed.UNPARSEABLE: Rule.UNREADABLE, Unparsed.STATEMENT: Rule.STATEMENT}


def check_stable(
    sql: str, relations: Iterable[Personal | Public], *, unit: str, ordered: bool = False
) -> list[Unstable]:
    """Why a row query is not known to be stable; empty where it is.

    Stable means: one privacy unit with all its rows, added or taken away, adds or takes away only
    rows that carry this unit, and changes no other row. Then bounding each unit's rows bounds what
    a person can change (McSherry, Privacy Integrated Queries, 2009, section 3, transformations;
    Wilson et al., Differentially Private SQL with Bounded User Contribution, 2020, section 3,
    ownership of rows).

    What it takes for granted: units are compared byte by byte (no collation on their columns), two
    columns of one linkage domain have one type, a public relation really depends on nobody, and no
    macro of the database has the name of one of DuckDB's functions. That a value makes a query fail
    is not looked at.

    Which of several rows of one person comes first, and the last bit of a sum of floating-point
    numbers, may depend on the plan that DuckDB makes, and so on how many rows others have.
    `ordered` refuses what has no order at all; ties in an order that is given, and such sums, stay.

    Args:
        sql: compiled DuckDB SQL, one row per contribution.
        relations: all that it may read, under the names that stand in the SQL.
        unit: name of the output column that must carry the privacy unit.
        ordered: refuse `any_value(x)`, `row_number() over (partition by person_key)` and the like,
            where nothing says which row comes first.

    Returns:
        The reasons, each once, in the order in which they are met.
    """
    found = Found(ordered=ordered)
    recorder = Recorder("")
    tree = None if is_ambiguous(sql) else parse(sql, recorder)
    if tree is None:
        rules = [_UNPARSED.get(one.rule, Rule.CONSTRUCT) for one in recorder.refusals]
        for rule in rules or [Rule.UNREADABLE]:
            found.add(rule, "SQL")
        return found.refusals
    known: dict[tuple[str, ...], Personal | Public] = {}
    for relation in sorted(relations, key=lambda one: isinstance(one, Personal)):
        known[name_parts(relation.name)] = relation  # of two the one with people's rows
    try:
        rows = Queries(found, known).rows(tree, {}, None)
    except _FAILURES:
        # sqlglot makes odd trees of odd SQL: `* rename by (age as years)`.
        found.add(Rule.UNREADABLE, "SQL")
        return found.refusals
    carried = [is_unit for name, is_unit in rows.columns if fold(name) == fold(unit)]
    if not found.refusals and (not rows.owned or carried != [True]):
        found.name(Rule.UNIT, unit)
    return found.refusals
