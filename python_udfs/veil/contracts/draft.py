"""A mart's contract, drafted from dbt's graph (Open Data Contract Standard 3.1, bitol.io)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from veil.contracts.quality import (
    cells_of,
    column_rules,
    is_required,
    mart_rules,
    once_each,
    role_of,
)
from veil.contracts.released import LIMITATIONS, PROPERTY, Released, released
from veil.contracts.types import logical, physical
from veil.policy.graph import Column, Graph, Node

API_VERSION = "v3.1.0"
FIRST_VERSION = "1.0.0"
VERSION_KEY = "privacy_contract_version"
Contract = dict[str, Any]


def drafts(raw: Mapping[str, Any], *, threshold: int) -> list[Contract]:
    """The contract of every mart of a manifest, by id.

    Args:
        raw: dbt's manifest or flat graph.
        threshold: the project's `veil:threshold`, for marts that declare none.
    """
    graph = Graph(raw)
    owners = {
        str(group.get("name")): str((group.get("owner") or {}).get("name") or "")
        for group in (raw.get("groups") or {}).values()
    }
    return [draft(graph, mart, threshold=threshold, owners=owners) for mart in graph.marts]


def draft(
    graph: Graph, mart: Node, *, threshold: int, owners: Mapping[str, str] | None = None
) -> Contract:
    """One mart's contract: nothing in it but what the YAML says, and no value from the data.

    Args:
        graph: the graph that `mart` is in.
        mart: a model with an audience.
        threshold: the project's `veil:threshold`.
        owners: the owner's name of each group.
    """
    audience = str(mart.meta["privacy_audience"])
    least = effective_threshold(graph, mart, threshold=threshold)
    noisy = released(mart)
    description = " ".join(mart.description.split())
    contract: Contract = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": contract_id(mart),
        "name": mart.name,
        "version": version_of(mart),
        "status": "active",
        "description": {
            "purpose": str(mart.meta.get("privacy_purpose") or description or mart.name),
            "limitations": _limitations(mart, least),
        },
        "servers": _servers(mart, audience),
        "schema": [
            {
                "name": mart.name,
                "physicalName": mart.name,
                "logicalType": "object",
                "physicalType": "table",
                "description": description,
                "dataGranularityDescription": _granularity(description),
                "properties": [_property(graph, mart, one, noisy) for one in mart.columns.values()],
                "quality": [
                    *mart_rules(graph, mart, threshold=least),
                    *([once_each(noisy.grain)] if noisy is not None else []),
                ],
            }
        ],
        "roles": [{"role": audience, "access": "read"}],
    }
    owner = (owners or {}).get(str(mart.config.get("group") or mart.raw.get("group") or ""))
    if mart.meta.get("privacy_owner") or owner:
        contract["team"] = {"name": _text(mart.meta.get("privacy_owner") or owner)}
    if mart.meta.get("privacy_retention"):
        contract["slaProperties"] = [
            {"property": "retention", "value": _text(mart.meta["privacy_retention"])}
        ]
    contract["customProperties"] = [
        {"property": key, "value": value}
        for key, value in {
            "privacy_audience": audience,
            "privacy_population": _text(mart.meta.get("privacy_population") or ""),
            "privacy_release": _text(mart.meta.get("privacy_release") or ""),
            "privacy_unit": _text(mart.meta.get("privacy_unit") or ""),
            **_promise(graph, mart, noisy, least),
        }.items()
    ]
    return contract


def _promise(graph: Graph, mart: Node, noisy: Released | None, least: int) -> dict[str, Any]:
    """What protects the cells: noise, or a threshold."""
    if noisy is not None:
        return {"privacy_grain": list(noisy.grain), PROPERTY: dict(noisy.promise)}
    return {
        "privacy_threshold": least,
        "privacy_grain": list(cells_of(graph, mart).get("grain") or []),
    }


def contract_id(mart: Node) -> str:
    """`<package>.<mart>`, with `.v<n>` where dbt versions the model."""
    return mart.unique_id.removeprefix("model.")


def version_of(mart: Node) -> str:
    """`privacy_contract_version`; else dbt's model version as the major; else 1.0.0."""
    declared = mart.meta.get(VERSION_KEY)
    if declared is not None:
        return str(declared)
    version = mart.raw.get("version")
    return f"{version}.0.0" if isinstance(version, int) else FIRST_VERSION


def effective_threshold(graph: Graph, mart: Node, *, threshold: int) -> int:
    """The threshold that the gate applies: the mart's own or the project's, raised by the gate."""
    declared = mart.meta.get("privacy_threshold")
    raised = cells_of(graph, mart).get("threshold")
    own = declared if isinstance(declared, int) else threshold
    return max(own, raised) if isinstance(raised, int) else own


def _limitations(mart: Node, threshold: int) -> str:
    parts = [f"Speaks of: {_text(mart.meta.get('privacy_population') or 'not declared')}."]
    if mart.meta.get("privacy_release") == "suppressed":
        parts.append(
            f"A cell that speaks of fewer than {threshold} distinct people is empty; an empty cell"
            " is not zero. Rows may be missing from a sum: do not add cells up to a total."
        )
    elif mart.is_differential:
        parts.append(LIMITATIONS)
    return " ".join(parts)


def _servers(mart: Node, audience: str) -> list[dict[str, Any]]:
    return [
        {
            "server": "duckdb",
            "type": "duckdb",
            "description": "All marts of the audience in one file, read-only.",
            "database": f"published/{audience}.duckdb",
            "schema": "main",
        },
        {
            "server": "parquet",
            "type": "local",
            "description": "This mart alone.",
            "path": f"published/{audience}/{mart.name}.parquet",
            "format": "parquet",
        },
    ]


def _property(graph: Graph, mart: Node, column: Column, noisy: Released | None) -> dict[str, Any]:
    role = noisy.roles[column.name] if noisy is not None else role_of(graph, mart, column)
    found: dict[str, Any] = {
        "name": column.name,
        "logicalType": logical(column.data_type),
        "physicalType": physical(column.data_type),
        "description": " ".join(column.description.split()),
        "required": is_required(graph, mart, column.name),
        # What a column of a mart holds is what its release made of it.
        "classification": str(
            column.meta.get("privacy_class") or mart.meta.get("privacy_release") or ""
        ),
        "customProperties": [{"property": "privacy_role", "value": role}] if role else [],
        "quality": column_rules(graph, mart, column.name),
    }
    return {key: value for key, value in found.items() if value not in ("", [])}


def _granularity(description: str) -> str:
    sentences = [one.strip() for one in description.split(". ")]
    return next(
        (one.rstrip(".") + "." for one in sentences if one.lower().startswith("one row per")),
        "Not declared.",
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
