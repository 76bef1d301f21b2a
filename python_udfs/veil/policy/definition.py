"""What a receipt vouches for besides content: the definition of a mart, and the policy above it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from veil import __version__
from veil.policy.graph import Graph, Node


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def definition_hash(graph: Graph, mart: Node) -> str:
    """SHA-256 over a mart's own SQL and YAML: a change of either needs a new build."""
    return _digest(
        {
            "sql": mart.code,
            "description": mart.description,
            "columns": {
                name: [column.data_type, column.description, dict(column.meta)]
                for name, column in mart.columns.items()
            },
            "parents": sorted(mart.parents),
        }
    )


def policy_hash(graph: Graph, mart: Node, *, threshold: int) -> str:
    """SHA-256 over every privacy key of a mart and of all that it is built from, and its gates."""
    return _digest(
        {
            "veil": __version__,
            "threshold": threshold,
            "gates": [
                [test["test_metadata"]["name"], _arguments(test)] for test in graph.gates(mart)
            ],
            "nodes": {
                node.unique_id: [
                    dict(node.meta),
                    {name: dict(column.meta) for name, column in node.columns.items()},
                ]
                for node in (mart, *graph.ancestors(mart))
            },
        }
    )


def _arguments(test: Any) -> dict[str, Any]:
    kwargs = dict(test["test_metadata"].get("kwargs") or {})
    kwargs.pop("model", None)
    return kwargs
