"""Small projects for the tests of `veil check`: files, and what dbt's parse would say of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from veil.check.parsed import Parsed
from veil.check.render import Rendered, Renderer
from veil.check.render import with_ephemeral as inlined
from veil.project import Project

HOOKS = {
    "pre-hook": [{"sql": "{{ veil.check_model() }}", "transaction": True}],
    "post-hook": [{"sql": "{{ veil.gate_model() }}", "transaction": True}],
}
IS_INCREMENTAL = """{% macro is_incremental() %}
    {% set relation = adapter.get_relation(this.database, this.schema, this.table) %}
    {{ return(relation is not none and relation.type == 'table'
        and model.config.materialized == 'incremental') }}
{% endmacro %}"""
PROFILE = """demo:
  target: dev
  outputs:
    dev: {type: duckdb, path: ":memory:", plugins: [{module: veil.plugin, alias: veil}]}
"""


def column(data_type: str, **meta: Any) -> dict[str, Any]:
    return {"data_type": data_type, "meta": meta, "config": {"meta": meta}}


def identifying(data_type: str = "varchar") -> dict[str, Any]:
    return column(data_type, privacy_class="direct_identifier", privacy_type="ssn")


def harmless(data_type: str = "varchar") -> dict[str, Any]:
    return column(data_type, privacy_class="non_sensitive", privacy_type="category")


@dataclass
class Small:
    """A project in memory.

    `models` maps a name to its SQL; `configs`, `columns` and `metas` say more of a node by name.
    """

    models: dict[str, str] = field(default_factory=dict)
    macros: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    metas: dict[str, dict[str, Any]] = field(default_factory=dict)
    databases: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    dispatch: dict[str, list[str]] = field(default_factory=dict)

    def node(self, name: str, kind: str, code: str) -> dict[str, Any]:
        database = self.databases.get(name, "memory")
        config = {"materialized": kind, "meta": self.metas.get(name, {}), **HOOKS}
        file = f"seeds/{name}.csv" if kind == "seed" else f"models/{name}.sql"
        found = {
            "unique_id": f"{kind if kind == 'seed' else 'model'}.demo.{name}",
            "resource_type": "seed" if kind == "seed" else "model",
            "package_name": "demo",
            "name": name,
            "alias": name,
            "language": "sql",
            "database": database,
            "schema": "main",
            "relation_name": f'"{database}"."main"."{name}"',
            "raw_code": code,
            "original_file_path": file,
            "config": {**config, **self.configs.get(name, {})},
            "columns": {
                key: {"name": key, **one} for key, one in self.columns.get(name, {}).items()
            },
            "depends_on": {"nodes": [], "macros": []},
        }
        if found["config"]["materialized"] == "ephemeral":
            found["relation_name"] = None
        return found

    def document(self) -> dict[str, Any]:
        """As `veil.warehouse.parsing` writes it."""
        nodes = {}
        for name, code in self.models.items():
            kind = "seed" if name.startswith("seed_") else "table"
            node = self.node(name, kind, code)
            nodes[node["unique_id"]] = node
        by_name = {node["name"]: key for key, node in nodes.items()}
        for node in nodes.values():
            refs = re.findall(r"ref\('(\w+)'\)", node["raw_code"])
            node["depends_on"]["nodes"] = [by_name[one] for one in dict.fromkeys(refs)]
        macros = {}
        for path, text in {"dbt.is_incremental": IS_INCREMENTAL, **self.macros}.items():
            package, name = path.split(".")
            macros[f"macro.{path}"] = {
                "unique_id": f"macro.{path}",
                "name": name,
                "package_name": package,
                "macro_sql": text,
                "depends_on": {"macros": []},
            }
        packages = {"demo", "veil", *(path.split(".")[0] for path in self.macros)}
        return {
            "dbt_version": "1.11",
            "project": "demo",
            "internal": ["dbt_duckdb", "dbt"],
            "packages": sorted(packages | {"dbt", "dbt_duckdb"}),
            "vars": {"demo": self.variables},
            "dispatch": self.dispatch,
            "quoting": {},
            "target": {"name": "dev", "target_name": "dev", "profile_name": "demo"},
            "nodes": nodes,
            "sources": {},
            "unit_tests": {},
            "macros": macros,
            "exposures": {},
            "groups": {},
        }

    def rendered(self, name: str, environ: Mapping[str, str] | None = None) -> Rendered:
        """What becomes of one model."""
        return self.renderer(environ).render(self.document()["nodes"][f"model.demo.{name}"])

    def renderer(self, environ: Mapping[str, str] | None = None) -> Renderer:
        parsed = Parsed(json.loads(json.dumps(self.document())))

        def columns(unique_id: str) -> list[tuple[str, str]] | None:
            found = parsed.nodes[unique_id]["columns"]
            return [(name, one["data_type"]) for name, one in found.items()] or None

        return Renderer(parsed, columns=columns, environ=environ or {})

    def sql(self, name: str) -> str:
        """The one SQL of a model, ephemeral models put in front."""
        rendered = self.rendered(name)
        (sql,) = rendered.sqls
        parts = [(one.split(".")[-1], self.sql(one.split(".")[-1])) for one in rendered.ephemeral]
        return inlined(sql, parts)

    def write(self, root: Path) -> Project:
        """The project's files."""
        for folder in ("models", "seeds", "macros"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "dbt_project.yml").write_text("name: demo\nprofile: demo\n")
        (root / "profiles.yml").write_text(PROFILE)
        (root / "models" / "_models.yml").write_text("version: 2\n")
        (root / "macros" / "one.sql").write_text("{% macro one() %}1{% endmacro %}\n")
        for name, code in self.models.items():
            if name.startswith("seed_"):
                header = ",".join(self.columns.get(name, {}))
                (root / "seeds" / f"{name}.csv").write_text(header + "\n")
            else:
                (root / "models" / f"{name}.sql").write_text(code + "\n")
        return Project(root)


def leaking() -> Small:
    """A seed of people, a raw model, and a mart that tries to read it past the masks."""
    people = {"ssn": identifying(), "kind": harmless()}
    small = Small(
        models={
            "seed_people": "",
            "raw_people": "select ssn, kind from {{ ref('seed_people') }}",
            "step": "select ssn, kind from {{ ref('raw_people') }}",
            "other": "select 1 as one",
        },
        columns={"seed_people": people, "raw_people": people},
        configs={"seed_people": {"column_types": {"ssn": "varchar", "kind": "varchar"}}},
        databases={
            "seed_people": "identified",
            "raw_people": "identified",
            "step": "pseudonymized",
        },
    )
    return small
