"""Rules about differential marts: how they are declared, written and tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from veil.bypass.materializations import PRIVATE_RELEASE
from veil.policy.graph import DIFFERENTIAL, PREFIX, Graph, Node
from veil.policy.rules.common import Rule, parents, title
from veil.policy.rules.units import reaches_people
from veil.policy.written import NotPlainError, written

IGNORED: Mapping[str, Any] = {
    "batch_size": None, "begin": None, "check_cols": None, "column_types": {},
    "concurrent_batches": None, "delete_condition": None, "event_time": None, "full_refresh": None,
    "grants": {}, "incremental_predicates": None, "incremental_strategy": None, "indexes": [],
    "lookback": 1, "merge_exclude_columns": None, "merge_update_columns": None,
    "on_configuration_change": "apply", "on_schema_change": "ignore", "partition_by": None,
    "partitioned_by": None, "predicates": None, "sort_by": None, "sorted_by": None,
    "sql_header": None, "unique_key": None, "update_condition": None,
}  # fmt: skip
"""Settings that `private_release` does not look at, and what dbt sets where nobody does: a stored
release is written again as it was drawn, whatever they say."""


KEYS = frozenset(
    """
    privacy_audience privacy_budget privacy_class privacy_contract_version privacy_domain
    privacy_drop privacy_from privacy_increment privacy_mask privacy_mask_args privacy_owner
    privacy_population privacy_profile privacy_purpose privacy_purposes privacy_refresh
    privacy_release privacy_release_period privacy_retention privacy_threshold privacy_type
    privacy_unit privacy_unit_within privacy_waiver
    """.split()
)
"""Every key with veil's prefix, as `_known_keys.sql` has them."""


def keys_are_known(graph: Graph, node: Node) -> Iterator[str]:
    """A misspelt `privacy_unit_within` would silently be another promise."""
    if not (node.is_mart and node.is_differential):
        return
    places = [(title(node), node.meta)]
    places += [(f"{title(node)} column `{one.name}`", one.meta) for one in node.columns.values()]
    for where, meta in places:
        for key in sorted(one for one in meta if one.startswith(PREFIX) and one not in KEYS):
            yield f"{where} has the unknown key `{key}`. Known keys: {', '.join(sorted(KEYS))}."


def written_by_its_materialization(graph: Graph, node: Node) -> Iterator[str]:
    """The two belong together: only that way of writing goes through the ledger."""
    is_release = node.config.get("materialized") == PRIVATE_RELEASE
    is_ours = node.kind == "model" and node.is_mart and node.is_differential
    if is_ours and not is_release:
        yield (
            f"{title(node)} promises `{DIFFERENTIAL}`, but is not written by what draws and charges"
            f" its noise. Set `materialized: {PRIVATE_RELEASE}` in its config."
        )
    elif is_release and not is_ours:
        yield (
            f"{title(node)} is `{PRIVATE_RELEASE}`, but no mart with `privacy_release:"
            f" {DIFFERENTIAL}`. Declare it as one, or set `materialized: table`."
        )


def release_is_declared(graph: Graph, node: Node) -> Iterator[str]:
    if node.kind == "model" and node.is_mart and node.is_differential:
        # The arithmetic takes time to import, and most projects have no such mart.
        from veil.releases import problems

        yield from problems(node)


def nothing_is_set_in_vain(graph: Graph, node: Node) -> Iterator[str]:
    if node.config.get("materialized") != PRIVATE_RELEASE:
        return
    for key, unset in IGNORED.items():
        if node.config.get(key) not in (None, "", unset):
            yield (
                f"{title(node)} sets `{key}`, which `{PRIVATE_RELEASE}` does not follow: the stored"
                " release is written again as it was drawn. Take it out."
            )


def partitions_are_public(graph: Graph, node: Node) -> Iterator[str]:
    """The rows of a public list say which cells there are, for everybody to see."""
    if not (node.kind == "model" and node.is_mart and node.is_differential):
        return
    try:
        partitions = written(graph, node).partitions
    except NotPlainError:
        # Nobody can say what it hands over, unless it hands over nothing.
        partitions = frozenset(node.parents if "public_partitions" in node.code else ())
    for unique_id in sorted(partitions):
        if not graph.knows(unique_id):
            yield (
                f"{title(node)} has `public_partitions` that are no relation. Name one by `ref()`"
                " or `source()`."
            )
        elif reaches_people(graph, graph.node(unique_id)):
            yield (
                f"{title(node)} takes its `public_partitions` from `{graph.node(unique_id).name}`,"
                " which is made of people's data, so that its rows tell who is there. Name a"
                " relation over `non_sensitive` columns alone."
            )


def rows_keep_people_apart(graph: Graph, node: Node) -> Iterator[str]:
    """Only a mart's own query is shown to be stable; of a model between nobody knows.

    An ephemeral model is a part of the query.
    """
    if not (node.kind == "model" and node.is_mart and node.is_differential):
        return
    waiting = parents(graph, node)
    while waiting:
        parent = waiting.pop()
        if parent.config.get("materialized") == "ephemeral":
            waiting.extend(parents(graph, parent))
        elif reaches_people(graph, parent) and not parent.is_pseudonymized:
            yield (
                f"{title(node)} reads `{parent.name}`, a model over people's rows that one person"
                " may have changed for others. Read the pseudonymized models themselves, and write"
                f" what `{parent.name}` does into the mart's own SQL, or make it `ephemeral`."
            )


def tests_see_noise_alone(graph: Graph, node: Node) -> Iterator[str]:
    """What passes or fails by exact values beside a mart tells of them, and nobody has paid."""
    if not (node.kind == "model" and node.is_mart and node.is_differential):
        return
    for test in graph.data_tests:
        unique_id = str(test["unique_id"])
        read = {*graph.tested_by(unique_id), str(test.get("attached_node") or "")}
        nodes = [graph.node(one) for one in sorted(read) if graph.knows(one)]
        if any(_shows(graph, one, node) for one in nodes) and (
            exact := [one for one in nodes if reaches_people(graph, one)]
        ):
            yield (
                f"{_called(test)} reads `{node.name}`, which is released with noise, and"
                f" `{exact[0].name}`, which is exact: whether it passes is one more release, and"
                " nobody has paid for it. Compare the mart with public relations or constants."
            )


def _shows(graph: Graph, node: Node, mart: Node) -> bool:
    """Whether the mart is in what stands in a relation."""
    return mart.unique_id in {node.unique_id, *(one.unique_id for one in graph.ancestors(node))}


def _called(test: Mapping[str, Any]) -> str:
    """A generic test's name holds its arguments, so it is called by its kind."""
    metadata = test.get("test_metadata") or {}
    return f"test `{metadata.get('name') or test['name']}`"


ALWAYS: tuple[Rule, ...] = (written_by_its_materialization,)
"""Asked of every model, tagged or not."""
RULES: tuple[Rule, ...] = (
    *ALWAYS,
    keys_are_known,
    release_is_declared,
    nothing_is_set_in_vain,
    partitions_are_public,
    rows_keep_people_apart,
    tests_see_noise_alone,
)
