"""dbt's manifest, as the running process holds it: the only place where macros can be seen.

The `graph` that Jinja hands over knows neither macros nor unit tests.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dbt.adapters.factory import FACTORY
from dbt.flags import get_flags

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """Nodes (sources and unit tests among them) and macros, by unique id."""

    nodes: Mapping[str, Raw]
    macros: Mapping[str, Raw]


def running_manifest() -> Manifest | None:
    """The manifest of the command that runs in this process; None where it needs none."""
    adapter = FACTORY.adapters.get("duckdb")
    resolver: Any = adapter.get_macro_resolver() if adapter is not None else None
    if resolver is None or not hasattr(resolver, "nodes"):
        return None
    nodes = {
        unique_id: node.to_dict(omit_none=False)
        for group in (resolver.nodes, resolver.sources, resolver.unit_tests)
        for unique_id, node in group.items()
    }
    macros = {
        unique_id: {
            "unique_id": unique_id,
            "name": macro.name,
            "package_name": macro.package_name,
            "macro_sql": macro.macro_sql,
            "depends_on": {"macros": list(macro.depends_on.macros)},
        }
        for unique_id, macro in resolver.macros.items()
    }
    return Manifest(nodes, macros)


def limit_tests(tests: Collection[str]) -> None:
    """Let tests say that rows fail and not how many: a number of rows can spell out a value."""
    adapter = FACTORY.adapters.get("duckdb")
    resolver: Any = adapter.get_macro_resolver() if adapter is not None else None
    for unique_id in tests:
        resolver.nodes[unique_id].config.limit = 1


def command_line_variables() -> Mapping[str, Any]:
    """What `--vars` sets."""
    found = getattr(get_flags(), "VARS", None)
    return found if isinstance(found, Mapping) else {}


def stores_failures() -> bool:
    """Whether `--store-failures` is on: rows of failed tests would be written to a table."""
    return bool(getattr(get_flags(), "STORE_FAILURES", False))
