"""What the YAML of a node says, in the lineage's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from veil.lineage import (
    Column,
    Layer,
    Mask,
    Model,
    PrivacyClass,
    Relation,
    Rule,
    Waiver,
    Zone,
)
from veil.policy.graph import Graph, Node
from veil.policy.rules.layers import is_one_call
from veil.policy.waivers import waivers_of

MASKS = re.compile(r"^\s*-- veil masks: (\{.*\})$", re.MULTILINE)
"""The line in which `veil.pseudonymize` says which mask stands on which column: profiles fill in
what the YAML leaves out."""
SNAPSHOT_COLUMNS: Mapping[str, PrivacyClass] = {
    # An unkeyed hash of the row's key is as good as the key.
    "dbt_scd_id": PrivacyClass.DIRECT_IDENTIFIER,
    "dbt_updated_at": PrivacyClass.QUASI_IDENTIFIER,
    "dbt_valid_from": PrivacyClass.QUASI_IDENTIFIER,
    "dbt_valid_to": PrivacyClass.QUASI_IDENTIFIER,
    "dbt_is_deleted": PrivacyClass.QUASI_IDENTIFIER,
}
"""Columns that dbt itself adds to a snapshot, where the YAML does not classify them."""
WAIVABLE = frozenset(rule.value for rule in Rule)


def layer_of(node: Node) -> Layer:
    """Which layer a node in scope belongs to, by what its YAML declares."""
    if node.is_mart:
        return Layer.MART
    if node.is_pseudonymized:
        return Layer.PSEUDONYMIZED
    if node.is_classified:
        return Layer.RAW
    return Layer.INTERMEDIATE


def lineage_model(node: Node, sql: str, *, threshold: int) -> Model:
    """A model as the lineage looks at it.

    Args:
        node: the model.
        sql: its compiled SQL, which names the masks of a pseudonymized model.
        threshold: `veil:threshold`, for marts that declare none.
    """
    layer = layer_of(node)
    if node.is_differential:
        # Its SQL gives rows of people, which end in the noise: what is asked of them is asked by
        # `gate.differential`.
        layer = Layer.INTERMEDIATE
    declared = {}
    for column in node.columns.values():
        found = PrivacyClass.named(str(column.meta.get("privacy_class", "")))
        if found is not None:
            declared[column.name] = found
    own = node.meta.get("privacy_threshold")
    return Model(
        node.name,
        layer,
        declared=declared if layer is Layer.RAW else {},
        masks=_masks(sql) if layer is Layer.PSEUDONYMIZED else {},
        trusted=layer is Layer.PSEUDONYMIZED and is_one_call(node),
        unit=_unit(node),
        threshold=own if isinstance(own, int) else threshold,
        waivers=tuple(
            Waiver(Rule(one.rule), one.column, one.owner, one.reason, one.until)
            for one in waivers_of(node.meta)
            if one.rule in WAIVABLE
        ),
    )


def _unit(node: Node) -> str:
    unit = node.meta.get("privacy_unit")
    return unit if isinstance(unit, str) else ""


def _masks(sql: str) -> dict[str, Mask]:
    found = MASKS.search(sql)
    if found is None:
        return {}
    try:
        pairs = json.loads(found[1])
    except ValueError:
        return {}
    return {name: Mask(str(mask), str(domain or "")) for name, (mask, domain) in pairs.items()}


def base_relation(node: Node, columns: Mapping[str, str], *, name: str | None = None) -> Relation:
    """A seed, source or snapshot as the lineage reads it.

    Args:
        node: the node.
        columns: SQL type of each column that it really has, in order.
        name: its three-part name, where that is not `node.relation` (a file behind a source).
    """
    classes = {
        column.name.lower(): PrivacyClass.named(str(column.meta.get("privacy_class", "")))
        for column in node.columns.values()
    }
    if node.kind == "snapshot":
        classes = {**SNAPSHOT_COLUMNS, **classes}
    return Relation.of(
        name or node.relation,
        Zone.IDENTIFIED,
        [
            Column(column, data_type.lower(), classes.get(column.lower()))
            for column, data_type in columns.items()
        ],
    )


def parents_of(graph: Graph, node: Node) -> list[Node]:
    """What a node reads, with an ephemeral model replaced by what it reads: it has no table."""
    found: dict[str, Node] = {}
    waiting = list(node.parents)
    seen: set[str] = set()
    while waiting:
        unique_id = waiting.pop(0)
        if unique_id in seen or not graph.knows(unique_id):
            continue
        seen.add(unique_id)
        parent = graph.node(unique_id)
        if parent.config.get("materialized") == "ephemeral":
            waiting.extend(parent.parents)
        else:
            found[unique_id] = parent
    return list(found.values())
