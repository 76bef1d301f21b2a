"""A small project with a differential mart, as dbt's graph has it."""

from __future__ import annotations

from typing import Any

HOOKS = {
    "pre-hook": [{"sql": "{{ veil.check_model() }}"}],
    "post-hook": [{"sql": "{{ veil.gate_model() }}"}],
}
CALL = "{{ veil.dp_aggregate('visits') }}"
ROWS = "with visits as (select * from {{ ref('psn_visits') }}) " + CALL
COUNTS = "select region, {{ veil.suppress_small('count(*)') }} as n from {{ ref('psn_visits') }}"
BUDGET = {"unit": "visitor", "epsilon": 3, "delta": "1e-6"}


def column(name: str, data_type: str = "varchar", **meta: Any) -> dict[str, Any]:
    return {"name": name, "data_type": data_type, "config": {"meta": meta}, "meta": meta}


def classified(name: str, privacy_class: str, data_type: str = "varchar") -> dict[str, Any]:
    return column(name, data_type, privacy_class=privacy_class, privacy_type="category")


def node(name: str, database: str, code: str, parents: list[str], columns: list[Any]) -> Any:
    kind = "seed" if name.startswith("seed_") else "model"
    return {
        "unique_id": f"{kind}.shop.{name}",
        "name": name,
        "alias": name,
        "resource_type": kind,
        "package_name": "shop",
        "database": database,
        "schema": "main",
        "relation_name": f'"{database}"."main"."{name}"',
        "raw_code": code,
        "original_file_path": f"models/{name}.sql",
        "depends_on": {"nodes": parents},
        "columns": {one["name"]: one for one in columns},
        "config": {"materialized": kind.replace("model", "table"), "meta": {}, **HOOKS},
        "meta": {},
    }


def set_meta(raw: Any, **meta: Any) -> None:
    """Change a node's meta; None takes a key out."""
    found = {key: value for key, value in {**raw["meta"], **meta}.items() if value is not None}
    raw["meta"] = raw["config"]["meta"] = found


def exact(name: str, code: str, parent: str = "model.shop.psn_visits", **meta: Any) -> Any:
    """A suppressed mart of the same audience."""
    made = node(name, "marts", code, [parent], [column("n", "bigint")])
    made["config"]["contract"] = {"enforced": True}
    promise = {
        "privacy_audience": "research",
        "privacy_population": "Everybody else",
        "privacy_release": "suppressed",
        "privacy_unit": "visitor_key",
    }
    set_meta(made, **{**promise, **meta})
    return made


def data_test(name: str, reads: list[str], **more: Any) -> dict[str, Any]:
    return {
        "unique_id": f"test.shop.{name}",
        "name": name,
        "resource_type": "test",
        "depends_on": {"nodes": reads},
        "config": {},
        **more,
    }


def gate(mart: str) -> dict[str, Any]:
    """The gate of a suppressed mart."""
    metadata = {"name": "no_small_cells", "namespace": "veil", "kwargs": {}}
    return data_test(f"gate_{mart}", [mart], attached_node=mart, test_metadata=metadata)


def project() -> dict[str, Any]:
    """Visits to clinics over a seed, a public list of regions, and one differential mart."""
    direct, quasi = "direct_identifier", "quasi_identifier"
    seed = node(
        "seed_visits",
        "identified",
        "",
        [],
        [classified("card_no", direct), classified("region", quasi), classified("cost", quasi)],
    )
    seed["config"]["column_types"] = dict.fromkeys(seed["columns"], "varchar")
    seed["package_name"] = "veil"  # the one package whose seeds may identify
    regions = node("seed_regions", "memory", "", [], [classified("region", "non_sensitive")])
    raw = node(
        "raw_visits",
        "identified",
        "select card_no as person_id, region, {{ veil.typed('cost', 'integer') }} as cost"
        " from {{ ref('seed_visits') }}",
        ["seed.shop.seed_visits"],
        [
            classified("person_id", direct),
            classified("region", quasi),
            classified("cost", quasi, "integer"),
        ],
    )
    psn = node(
        "psn_visits",
        "pseudonymized",
        "{{ veil.pseudonymize(ref('raw_visits')) }}",
        ["model.shop.raw_visits"],
        [
            column(
                "visitor_key",
                privacy_from="person_id",
                privacy_mask="pseudonym",
                privacy_domain="visitor",
            ),
            column("region", privacy_mask="keep"),
            column("cost", "integer", privacy_mask="keep"),
        ],
    )
    bounds = {"lower": 0, "upper": 500, "resolution": 1}
    mart = node(
        "by_region",
        "marts",
        ROWS,
        ["model.shop.psn_visits"],
        [
            column("region"),
            column("visits", "bigint", metric="count"),
            *(column(f"visits_{end}", "bigint") for end in ("low", "high")),
            column("cost_sum", "bigint", metric="sum", metric_column="cost", **bounds),
            *(column(f"cost_sum_{end}", "bigint") for end in ("low", "high")),
        ],
    )
    mart["config"] |= {"materialized": "private_release", "contract": {"enforced": True}}
    set_meta(
        mart,
        privacy_audience="research",
        privacy_population="Visitors, June 2026",
        privacy_release="differential",
        privacy_unit="visitor_key",
        privacy_budget="visitors",
        epsilon=1,
        max_partitions_contributed=4,
        max_contributions_per_partition=2,
        public_partitions={"region": ["north", "south"]},
    )
    nodes = [seed, regions, raw, psn, mart]
    return {"nodes": {one["unique_id"]: one for one in nodes}, "sources": {}}


def add(raw: dict[str, Any], *nodes: Any) -> dict[str, Any]:
    raw["nodes"].update({one["unique_id"]: one for one in nodes})
    return raw
