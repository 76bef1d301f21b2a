"""What is asked of the SQL of a differential mart, whose rows of people end in the noise.

Its query is stable (see `veil.stability`), its unit is a pseudonym as it stands in the tables, and
neither a pseudonym nor an identifier names a cell. A public list of partitions comes from relations
that hold nobody's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from veil.findings import Finding
from veil.lineage import Analysis, PrivacyClass, Relation
from veil.lineage.inputs import name_parts
from veil.policy.graph import Node
from veil.stability import Personal, Public, check_stable

_PUBLIC_PARTITIONS = re.compile(r"^\s*-- veil public partitions: (.+)$", re.MULTILINE)
"""The line in which `veil.dp_aggregate` names the relation that lists the cells."""
_FAILING = {
    "str_to_time": "strptime",
    "strptime": "strptime",
    "error": "error",
    "date_from_parts": "make_date",
    "make_date": "make_date",
    "make_time": "make_time",
    "timestamp_from_parts": "make_timestamp",
    "make_timestamp": "make_timestamp",
}
"""Functions that fail on some values, by sqlglot's names and their own, with DuckDB's name."""


def public_partitions(sql: str) -> str | None:
    """The relation that lists the cells, as compiled SQL has it; None where none does."""
    found = _PUBLIC_PARTITIONS.search(sql)
    return found[1].strip() if found else None


def check_differential(
    node: Node, sql: str, analysis: Analysis, relations: Sequence[Relation]
) -> Iterator[Finding]:
    """Why no release may be drawn from a query.

    Args:
        node: the mart.
        sql: its compiled SQL, with three-part names.
        analysis: what the lineage says of it.
        relations: what it reads.
    """
    # numpy and pyarrow: a check of what was checked before does without.
    from veil.releases import read_declared

    listed = public_partitions(sql)
    declared = read_declared(node, public_relation=listed is not None)
    domain = analysis.domains().get(declared.unit.lower())
    if not domain:
        yield _finding(
            node,
            "privacy_unit",
            f"has the privacy unit `{declared.unit}`, which is no pseudonym in what it reads.",
            "Select the pseudonym as it stands in the pseudonymized model: no cast, no expression.",
            column=declared.unit,
        )
        return
    classes = {column.name.lower(): column.classes for column in analysis.columns}
    for key in declared.keys:
        found = classes.get(key.name.lower(), frozenset())
        if found & {PrivacyClass.PSEUDONYM, PrivacyClass.DIRECT_IDENTIFIER}:
            yield _finding(
                node,
                "partition_key",
                f"has the partition key `{key.name}`, which names single people.",
                "Group by something that many share.",
                column=key.name,
            )
    if declared.on_change:
        for metric in declared.metrics:
            found = classes.get(str(metric.column).lower(), frozenset())
            if PrivacyClass.PSEUDONYM in found:
                yield _finding(
                    node,
                    "privacy_refresh",
                    f"is refreshed on change and reads the pseudonym `{metric.column}`, which a"
                    " rotation of its key would change.",
                    "Release it by period: take `privacy_refresh` out.",
                    column=metric.name,
                )
    if listed is not None:
        known = {name_parts(one.name): one for one in relations}
        found_in = known.get(name_parts(listed))
        if found_in is None or found_in.is_personal:
            yield _finding(
                node,
                "public_partitions",
                "lists its partitions in a relation that is not public.",
                "Use a seed whose columns are all `non_sensitive`, list them in the YAML, or leave"
                " `public_partitions` out and declare `delta`.",
            )
    for construct in failing(sql):
        yield _finding(
            node,
            "failing_row",
            f"has `{construct}` of a column, which stops the build on a value that does not fit:"
            " whether it stops would tell of one person, at no cost.",
            "Use `try_cast`, or `try_strptime`: what does not fit becomes NULL.",
        )
    sources = [_as_source(one, domain) for one in relations]
    for one in check_stable(sql, sources, unit=declared.unit, ordered=True):
        yield _finding(node, one.rule.value, f"is not stable: {one.what}.", one.remedy)


def failing(sql: str) -> list[str]:
    """Constructs of a query that stop it on a value: whether it runs would tell of that value."""
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return []  # refused as unstable
    found = []
    for one in tree.walk():
        if isinstance(one, exp.Cast) and not isinstance(one, exp.TryCast):
            is_text = one.to.this in exp.DataType.TEXT_TYPES
            if not is_text and any(one.this.find_all(exp.Column)):
                found.append("cast")
        elif isinstance(one, exp.Func) and any(one.find_all(exp.Column)):
            name = (one.name if isinstance(one, exp.Anonymous) else one.sql_name()).lower()
            found += [_FAILING[name]] if name in _FAILING else []
    return list(dict.fromkeys(found))


def _as_source(relation: Relation, domain: str) -> Personal | Public:
    columns = tuple(name for name, _, _ in relation.columns)
    if not relation.is_personal:
        return Public(name=relation.name, columns=columns)
    units = frozenset(
        name.lower()
        for name, _, label in relation.columns
        if label.key is not None and label.key.domain == domain
    )
    return Personal(name=relation.name, columns=columns, units=units)


def _finding(node: Node, rule: str, what: str, remedy: str, *, column: str = "") -> Finding:
    return Finding(
        rule=rule,
        message=f"model `{node.name}` {what}",
        remedy=remedy,
        model=node.name,
        column=column,
        file=node.file,
    )
