"""The bypass check over what real dbt makes of this repository, and its lists beside real dbt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness import DbtProject, new_stranger
from veil.bypass import check_bypasses
from veil.bypass.judge import Judge
from veil.bypass.known import BUILT_IN, HARMLESS_MACROS, VEIL_HOOKS, VEIL_MACROS, base_name
from veil.bypass.readers import READERS
from veil.bypass.rules import Rule
from veil.bypass.world import World
from veil.findings import Finding
from veil.policy.graph import Graph


def manifest_of(project: DbtProject) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((project.root / "target" / "manifest.json").read_text())
    return manifest


def found_in(manifest: dict[str, Any]) -> list[Finding]:
    """What the check finds where nothing is public and nothing is waived."""
    graph = Graph(manifest)
    guarded = {node.unique_id for node in graph if graph.in_scope(node)}
    return check_bypasses(
        {**manifest["nodes"], **manifest["sources"], **manifest["unit_tests"]},
        manifest["macros"],
        in_scope=guarded.__contains__,
        is_public=lambda unique_id, column: False,
        waived=lambda unique_id, rule: False,
    )


def test_the_demo_is_clean(built: DbtProject) -> None:
    """Its models, tests, hooks and sources need no waiver."""
    assert found_in(manifest_of(built)) == []


def test_a_strangers_project_is_clean(tmp_path: Path) -> None:
    """The one in integration_tests/, which installs the package."""
    project = new_stranger(tmp_path / "repository" / "lakeside")
    assert project.dbt("parse").ok

    assert found_in(manifest_of(project)) == []


def test_what_dbt_records_is_enough_to_find_a_leak(project: DbtProject) -> None:
    """A model, a macro and a hook as dbt writes them into its manifest."""
    project.write(
        "macros/leak.sql",
        "{% macro leaked() %}{% if execute %}"
        "{{ run_query('select max(ssn) from identified.main.raw_census').rows[0][0] }}"
        "{% endif %}{% endmacro %}",
    )
    project.write("models/marts/a.sql", "select '{{ leaked() }}' as total")
    project.write("models/marts/b.sql", "{{ config(post_hook='drop table x') }}select 1 as one")
    assert project.dbt("parse").ok

    assert {(one.rule, one.model) for one in found_in(manifest_of(project))} >= {
        ("jinja_reads_data", "a"),
        ("hook_sql", "b"),
    }


@pytest.fixture(scope="module")
def listed(built: DbtProject) -> dict[str, set[str]]:
    """Names of macros, without the adapter's prefix, by package."""
    found: dict[str, set[str]] = {}
    for macro in manifest_of(built)["macros"].values():
        package = "dbt" if macro["package_name"] in BUILT_IN else macro["package_name"]
        found.setdefault(package, set()).add(base_name(macro["name"]))
    return found


def test_every_listed_macro_of_dbt_exists(listed: dict[str, set[str]]) -> None:
    """A name in the lists that dbt does not have would allow a macro that nobody has read."""
    readers = {name for package, name in READERS if package == "dbt"}

    assert set(HARMLESS_MACROS) - listed["dbt"] == set()
    assert readers - listed["dbt"] == set()


def test_macros_listed_as_harmless_walk_clean(built: DbtProject) -> None:
    """The list is not taken on trust: as a stranger's macros they would pass as well."""
    manifest = manifest_of(built)
    macros = dict(manifest["macros"])
    for macro in manifest["macros"].values():
        if macro["package_name"] in BUILT_IN and base_name(macro["name"]) in HARMLESS_MACROS:
            unique_id = f"macro.stranger.{macro['name']}"
            macros[unique_id] = {
                **macro,
                "unique_id": unique_id,
                "package_name": "stranger",
                "depends_on": {"macros": []},
            }
    judge = Judge(World({}, macros, is_public=lambda unique_id, column: False))
    reading = {
        base_name(one.split(".")[-1])
        for one in macros
        if one.startswith("macro.stranger.")
        and any(issue.rule is Rule.READS for issue in judge.reached(one))
    }

    # It reads the catalogue by a statement of its own: names and types, and no row.
    assert reading == {"get_columns_in_relation"}


def test_every_public_macro_of_veil_is_listed(listed: dict[str, set[str]]) -> None:
    """A new one is refused in models until somebody says here that it reads nothing."""
    public = {name for name in listed["veil"] if not name.startswith("_")}
    # dbt calls it when it writes a model; in no list, it is refused in the text of one.
    public -= {"materialization_private_release_duckdb"}

    assert public == VEIL_MACROS.keys() | VEIL_HOOKS
