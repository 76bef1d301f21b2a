"""What stands under a differential mart keeps people apart too.

The mart's own query is shown to be stable; a raw model that numbers all rows, or a mask that counts
other people's values, would let one person move the rows of another all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from veil.findings import Finding
from veil.lineage import Analysis, Relation
from veil.policy.graph import Graph, Node
from veil.policy.origins import Origins
from veil.policy.rules.units import pseudonyms_of, unit_domains
from veil.stability import Personal, Public, check_stable

COUNTING_MASKS = frozenset({"email_domain"})
"""Masks whose result for one person depends on how many others have the same."""
_TYPED = re.compile(r"error\('veil: (?:[^']|'')*'\)")
"""The line with which `veil.typed` stops a build; it makes no row."""


def domains_above(graph: Graph, raw: Node) -> frozenset[str]:
    """The linkage domains of the units of the differential marts that stand on a raw model."""
    above = (
        mart
        for mart in graph.marts
        if mart.is_differential
        and raw.unique_id in {one.unique_id for one in graph.ancestors(mart)}
    )
    return frozenset[str]().union(*(unit_domains(graph, mart) for mart in above))


def check_raw(
    graph: Graph, node: Node, sql: str, analysis: Analysis, relations: Sequence[Relation]
) -> Iterator[Finding]:
    """Why a raw model may not stand under a differential mart; nothing where it does not.

    Args:
        graph: dbt's graph.
        node: the raw model.
        sql: its compiled SQL, with three-part names.
        analysis: what the lineage says of it.
        relations: what it reads.
    """
    if not any(one.is_personal for one in relations):
        return
    explicit = {column.name.lower(): set(column.explicit) for column in analysis.columns}
    for domain in sorted(domains_above(graph, node)):
        units = _units(graph, node, domain, explicit)
        if not units:
            yield _finding(node, "owner", "has no column of its unit", "Keep the unit's column.")
        for unit in sorted(units):
            sources = [_as_source(one, explicit.get(unit, set())) for one in relations]
            for found in check_stable(_TYPED.sub("null", sql), sources, unit=unit, ordered=True):
                what = f"is not stable: {found.what}"
                yield _finding(node, found.rule.value, what, found.remedy, column=unit)


def _units(
    graph: Graph, node: Node, domain: str, explicit: Mapping[str, set[str]]
) -> frozenset[str]:
    """Lower-case columns of a raw model that are the unit of a domain."""
    found = frozenset(
        column.lower()
        for child in graph
        if node.unique_id in child.parents
        for one, column in pseudonyms_of(child).values()
        if one == domain
    )
    if found:
        return found
    # It feeds another raw model: the columns that hold what the pseudonym is made of.
    origins = Origins(graph)
    made_of = {
        f"{graph.node(unique_id).name.lower()}.{column}"
        for child in graph
        for unique_id, _, column in (
            one.rpartition(".") for one in origins.of_pseudonyms(child, domain)
        )
    }
    return frozenset(
        column for column, sources in explicit.items() if {one.lower() for one in sources} & made_of
    )


def _finding(node: Node, rule: str, what: str, remedy: str, *, column: str = "") -> Finding:
    return Finding(
        rule=rule,
        message=f"model `{node.name}` stands under a differential mart and {what}.",
        remedy=remedy,
        model=node.name,
        column=column,
        file=node.file,
    )


def check_masks(mart: Node, sql: str, masked: Analysis) -> Iterator[Finding]:
    """Refuse a mart that reads a column whose mask counts other people.

    Args:
        mart: the differential mart.
        sql: its compiled SQL.
        masked: what the lineage says of a pseudonymized model that it reads.
    """
    try:
        read = {
            one.name.lower()
            for one in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Column)
        }
    except SqlglotError:
        return  # the gate has refused it
    for name, mask in masked.model.masks.items():
        if mask.name in COUNTING_MASKS and name.lower() in read:
            yield Finding(
                rule="counting_mask",
                message=f"model `{mart.name}` reads `{masked.model.name}.{name}`, whose mask"
                f" `{mask.name}` depends on how many other people have the same.",
                remedy="Leave the column out, or give it a mask that looks at one row alone.",
                model=mart.name,
                column=name,
                file=mart.file,
            )


def _as_source(relation: Relation, origins: set[str]) -> Personal | Public:
    columns = tuple(name for name, _, _ in relation.columns)
    if not relation.is_personal:
        return Public(name=relation.name, columns=columns)
    units = frozenset(
        name.lower()
        for name, _, label in relation.columns
        if {flow.source.name for flow in label.explicit} & origins
    )
    return Personal(name=relation.name, columns=columns, units=units)
