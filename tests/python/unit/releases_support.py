"""Differential marts as dbt's graph gives them, for the tests of `veil.releases`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veil.policy.graph import Node
from veil.releases.declared import Declared
from veil.releases.reading import read_declared

Json = dict[str, Any]
PUBLIC_SQL = "{{ veil.dp_aggregate('visits') }}"
BOUNDED: Json = {"metric_column": "cost", "lower": 0, "upper": 500, "resolution": 0.01}


def column(name: str, data_type: str, **meta: Any) -> Json:
    """A column as it stands in dbt's graph."""
    return {"name": name, "data_type": data_type, "config": {"meta": meta}, "meta": meta}


def metric(name: str, kind: str, data_type: str = "bigint", **meta: Any) -> list[Json]:
    """A metric's column and the two of its interval."""
    return [
        column(name, data_type, metric=kind, **meta),
        column(f"{name}_low", data_type),
        column(f"{name}_high", data_type),
    ]


REGION, DAY = column("region", "varchar"), column("day", "date")
COUNT = metric("visits", "count")
UNITS = metric("visitors", "privacy_unit_count")
SUM = metric("cost_sum", "sum", "decimal(38,2)", **BOUNDED, weight=2)
MEAN = metric("cost_mean", "mean", "decimal(38,2)", **BOUNDED)
VARIANCE = metric("cost_variance", "variance", "decimal(38,2)", **BOUNDED)
MEDIAN = metric("cost_median", "quantile", "decimal(38,2)", **BOUNDED, quantile=0.5, bins=100)
HISTOGRAM = metric("cost_bins", "histogram", "bigint[]", **BOUNDED, bins=50)
DISTINCT = metric("services", "distinct_count", metric_column="service")

PARTITIONS: Json = {
    "region": ["north", "south"],
    "day": {"from": "2026-06-01", "to": "2026-06-14"},
}
META: Json = {
    "privacy_audience": "research",
    "privacy_population": "Visitors of clinics, June 2026",
    "privacy_release": "differential",
    "privacy_unit": "visitor_key",
    "privacy_budget": "visitors",
    "epsilon": 1,
    "max_partitions_contributed": 4,
    "max_contributions_per_partition": 2,
}


def mart(*columns: Json | list[Json], code: str = PUBLIC_SQL, **meta: Any) -> Node:
    """A mart of those columns; `meta` is added to `META`, and None takes a key out."""
    flat: list[Json] = []
    for one in columns:
        flat.extend(one if isinstance(one, list) else [one])
    whole = {key: value for key, value in {**META, **meta}.items() if value is not None}
    return Node(
        {
            "unique_id": "model.shop.visits_by_region",
            "name": "visits_by_region",
            "resource_type": "model",
            "raw_code": code,
            "columns": {one["name"]: one for one in flat},
            "config": {"meta": whole},
            "meta": whole,
        }
    )


def whole_mart(**meta: Any) -> Node:
    """A mart with public partitions and a metric of every kind."""
    return mart(
        *(REGION, DAY, COUNT, UNITS, SUM, MEAN, VARIANCE, MEDIAN, HISTOGRAM, DISTINCT),
        **{"public_partitions": PARTITIONS, **meta},
    )


def private_mart(*more: Json | list[Json], **meta: Any) -> Node:
    """A mart with private partitions."""
    return mart(REGION, COUNT, *more, **{"delta": "1e-6", **meta})


def declared(node: Node, *, public_relation: bool = False) -> Declared:
    """What a mart declares."""
    return read_declared(node, public_relation=public_relation)


def changed(columns: Json | list[Json], **meta: Any) -> list[Json]:
    """The same columns, with the meta of the first one changed; None takes a key out."""
    first, *others = columns if isinstance(columns, list) else [columns]
    whole: Mapping[str, Any] = {**first["config"]["meta"], **meta}
    kept = {key: value for key, value in whole.items() if value is not None}
    return [column(first["name"], first["data_type"], **kept), *others]


def typed(columns: list[Json], data_type: str, at: int = 0) -> list[Json]:
    """The same columns, with the type of one changed."""
    return [
        {**one, "data_type": data_type} if place == at else one for place, one in enumerate(columns)
    ]
