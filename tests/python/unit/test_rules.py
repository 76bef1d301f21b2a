"""The rules over dbt's graph: each refuses what breaks it, and names node and remedy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from veil.errors import VeilError
from veil.policy.graph import Graph
from veil.policy.rules import check_project, refusals

HOOKS = {
    "pre-hook": [{"sql": "{{ veil.check_model() }}"}],
    "post-hook": [{"sql": "{{ veil.gate_model() }}"}],
}
CONTRACT = {"enforced": True}


def column(name: str, **meta: Any) -> dict[str, Any]:
    return {"name": name, "data_type": "varchar", "config": {"meta": meta}, "meta": meta}


def model(name: str, database: str, parents: list[str], columns: list[Any], **meta: Any) -> Any:
    return {
        "unique_id": f"model.shop.{name}",
        "name": name,
        "resource_type": "model",
        "database": database,
        "relation_name": f'"{database}"."main"."{name}"',
        "depends_on": {"nodes": parents},
        "columns": {one["name"]: one for one in columns},
        "config": {**HOOKS, "materialized": "table", "contract": CONTRACT, "meta": meta},
        "meta": meta,
        "raw_code": "{{ veil.pseudonymize(ref('raw_a')) }}" if name == "psn_a" else "select 1",
    }


def project() -> dict[str, Any]:
    """A small project that keeps every rule."""
    secret = {"privacy_class": "direct_identifier", "privacy_type": "ssn"}
    nodes = [
        model("raw_a", "identified", ["source.shop.s.a"], [column("ssn", **secret)]),
        model(
            "psn_a",
            "pseudonymized",
            ["model.shop.raw_a"],
            [column("a_key", privacy_from="ssn", privacy_mask="pseudonym", privacy_domain="p")],
        ),
        model("joined", "pseudonymized", ["model.shop.psn_a"], [column("a_key")]),
        model(
            "mart_a",
            "marts",
            ["model.shop.joined"],
            [column("people_count")],
            privacy_audience="board",
            privacy_population="All",
            privacy_release="suppressed",
            privacy_unit="a_key",
        ),
    ]
    gate = {
        "unique_id": "test.shop.gate",
        "name": "gate",
        "resource_type": "test",
        "attached_node": "model.shop.mart_a",
        "depends_on": {"nodes": ["model.shop.mart_a"]},
        "test_metadata": {"name": "no_small_cells", "namespace": "veil", "kwargs": {}},
        "config": {"severity": "ERROR", "error_if": "!= 0"},
    }
    source = {
        "unique_id": "source.shop.s.a",
        "name": "a",
        "resource_type": "source",
        "database": "memory",
        "columns": {"ssn": column("ssn", **secret)},
    }
    return {
        "nodes": {node["unique_id"]: node for node in [*nodes, gate]},
        "sources": {source["unique_id"]: source},
    }


def node(raw: dict[str, Any], name: str) -> Any:
    return raw["nodes"][f"model.shop.{name}"]


def set_meta(raw: dict[str, Any], name: str, key: str, value: Any) -> None:
    target = node(raw, name)
    target["meta"] = target["config"]["meta"] = {**target["meta"], key: value}


def del_meta(raw: dict[str, Any], name: str, key: str) -> None:
    target = node(raw, name)
    kept = {one: value for one, value in target["meta"].items() if one != key}
    target["meta"] = target["config"]["meta"] = kept


Break = Callable[[dict[str, Any]], Any]


def constrain(raw: dict[str, Any], name: str, kind: str) -> None:
    node(raw, name)["constraints"] = [{"type": kind, "columns": ["ssn"]}]


def unclassified_below(raw: dict[str, Any]) -> None:
    """A mart over an untagged model over a seed that nobody classified."""
    raw["nodes"]["seed.shop.visitors"] = {
        "unique_id": "seed.shop.visitors",
        "name": "visitors",
        "resource_type": "seed",
        "database": "memory",
        "columns": {},
        "config": {},
    }
    raw["nodes"]["model.shop.between"] = model("between", "memory", ["seed.shop.visitors"], [])
    node(raw, "mart_a")["depends_on"].update(nodes=["model.shop.between"])


def typed_seed(raw: dict[str, Any]) -> None:
    raw["nodes"]["seed.shop.people"] = {
        "unique_id": "seed.shop.people",
        "name": "people",
        "resource_type": "seed",
        "database": "identified",
        "columns": {
            "wage": column("wage", privacy_class="sensitive", privacy_type="amount"),
        },
        "config": {"column_types": {"wage": "integer"}},
    }


def add_seed(raw: dict[str, Any], package: str | None, privacy_class: str) -> None:
    """A classified seed of a package, loaded as text."""
    seed = {
        "unique_id": f"seed.{package}.people",
        "package_name": package,
        "name": "people",
        "resource_type": "seed",
        "database": "identified",
        "columns": {"ssn": column("ssn", privacy_class=privacy_class, privacy_type="ssn")},
        "config": {"column_types": {"ssn": "varchar"}},
    }
    raw["nodes"][str(seed["unique_id"])] = seed


def second_mart(raw: dict[str, Any]) -> None:
    twin = copy.deepcopy(node(raw, "mart_a"))
    twin.update(unique_id="model.shop.Mart_A", name="Mart_A")
    raw["nodes"]["model.shop.Mart_A"] = twin


BREAKS: dict[str, tuple[Break, str, str]] = {
    "unclassified seed under a mart": (unclassified_below, "`visitors`", "`privacy_class`"),
    "seed with types of its own": (typed_seed, "`people` column `wage`", "`veil.typed`"),
    "seed that identifies": (
        lambda raw: add_seed(raw, "shop", "direct_identifier"),
        "seed `people` column `ssn`",
        "Deliver it as a file under data/",
    ),
    "seed of no package that identifies": (
        lambda raw: add_seed(raw, None, "direct_identifier"),
        "seed `people` column `ssn`",
        "a source with `external_location`",
    ),
    "primary key on raw": (
        lambda raw: constrain(raw, "raw_a", "primary_key"),
        "raw_a",
        "data test such as `unique`",
    ),
    "unique on pseudonymized": (
        lambda raw: constrain(raw, "psn_a", "unique"),
        "psn_a",
        "data test such as `unique`",
    ),
    "schema of ours": (lambda raw: node(raw, "mart_a").update(schema="veil"), "mart_a", "receipts"),
    "audience as a path": (
        lambda raw: set_meta(raw, "mart_a", "privacy_audience", "../etc"),
        "mart_a",
        "small letters",
    ),
    "audience as a list": (
        lambda raw: set_meta(raw, "mart_a", "privacy_audience", ["a"]),
        "mart_a",
        "small letters",
    ),
    "two marts of one name": (second_mart, "`mart_a`", "Rename one"),
    "union beside the one call": (
        lambda raw: node(raw, "psn_a").update(
            raw_code="{{ veil.pseudonymize(ref('raw_a')) ~ ' union all select ssn from x' }}"
        ),
        "psn_a",
        "nothing else",
    ),
    "configuration beside the one call": (
        lambda raw: node(raw, "psn_a").update(
            raw_code="{{ config(post_hook='x') }}{{ veil.pseudonymize(ref('raw_a')) }}"
        ),
        "psn_a",
        "nothing else",
    ),
    "gate outside the transaction": (
        lambda raw: node(raw, "mart_a")["config"].update(
            {"post-hook": [{"sql": "{{ veil.gate_model() }}", "transaction": False}]}
        ),
        "mart_a",
        "gate_model",
    ),
    "gate in a comment": (
        lambda raw: node(raw, "mart_a")["config"].update(
            {"post-hook": [{"sql": "{# veil.gate_model() #} select 1"}]}
        ),
        "mart_a",
        "gate_model",
    ),
    "no pre-hook": (
        lambda raw: node(raw, "joined")["config"].pop("pre-hook"),
        "joined",
        "check_model",
    ),
    "no post-hook": (
        lambda raw: node(raw, "mart_a")["config"].pop("post-hook"),
        "mart_a",
        "gate_model",
    ),
    "column without class": (
        lambda raw: node(raw, "raw_a")["columns"].update(extra=column("extra")),
        "raw_a",
        "`extra` has no valid `privacy_class`",
    ),
    "column without type": (
        lambda raw: node(raw, "raw_a")["columns"].update(
            extra=column("extra", privacy_class="sensitive")
        ),
        "raw_a",
        "`extra` has no `privacy_type`",
    ),
    "source without classes": (
        lambda raw: raw["sources"]["source.shop.s.a"].update(columns={}),
        "`a`",
        "Classify every column",
    ),
    "mart reads raw": (
        lambda raw: node(raw, "mart_a")["depends_on"].update(nodes=["model.shop.raw_a"]),
        "mart_a",
        "personal data as delivered",
    ),
    "mart reads a source": (
        lambda raw: node(raw, "mart_a")["depends_on"].update(nodes=["source.shop.s.a"]),
        "mart_a",
        "personal data as delivered",
    ),
    "joined reads raw": (
        lambda raw: node(raw, "joined")["depends_on"].update(nodes=["model.shop.raw_a"]),
        "joined",
        "personal data as delivered",
    ),
    "raw in another zone": (
        lambda raw: node(raw, "raw_a").update(database="marts"),
        "raw_a",
        "`+database: identified`",
    ),
    "pseudonymized in memory": (
        lambda raw: node(raw, "psn_a").update(database="memory"),
        "psn_a",
        "`+database: pseudonymized`",
    ),
    "mart elsewhere": (
        lambda raw: node(raw, "mart_a").update(database="memory"),
        "mart_a",
        "`+database: marts`",
    ),
    "external mart": (
        lambda raw: node(raw, "mart_a")["config"].update(materialized="external"),
        "mart_a",
        "could not roll it back",
    ),
    "view over pseudonyms": (
        lambda raw: node(raw, "psn_a")["config"].update(materialized="view"),
        "psn_a",
        "is a view",
    ),
    "Python model": (
        lambda raw: node(raw, "joined").update(language="python"),
        "joined",
        "Python model",
    ),
    "no population": (
        lambda raw: del_meta(raw, "mart_a", "privacy_population"),
        "mart_a",
        "privacy_population",
    ),
    "no unit": (lambda raw: del_meta(raw, "mart_a", "privacy_unit"), "mart_a", "privacy_unit"),
    "unknown release": (
        lambda raw: set_meta(raw, "mart_a", "privacy_release", "public"),
        "mart_a",
        "unknown `privacy_release`",
    ),
    "threshold of one": (
        lambda raw: set_meta(raw, "mart_a", "privacy_threshold", 1),
        "mart_a",
        "from 3",
    ),
    "threshold as text": (
        lambda raw: set_meta(raw, "mart_a", "privacy_threshold", "11"),
        "mart_a",
        "from 3",
    ),
    "threshold as truth": (
        lambda raw: set_meta(raw, "mart_a", "privacy_threshold", True),
        "mart_a",
        "from 3",
    ),
    "no gate": (lambda raw: raw["nodes"].pop("test.shop.gate"), "mart_a", "lacks its gate"),
    "no contract": (
        lambda raw: node(raw, "mart_a")["config"].update(contract={}),
        "mart_a",
        "contract",
    ),
    "gate warns": (
        lambda raw: raw["nodes"]["test.shop.gate"]["config"].update(severity="warn"),
        "mart_a",
        "by `severity`",
    ),
    "gate has where": (
        lambda raw: raw["nodes"]["test.shop.gate"]["config"].update(where="1=0"),
        "mart_a",
        "by `where`",
    ),
    "gate has limit": (
        lambda raw: raw["nodes"]["test.shop.gate"]["config"].update(limit=1),
        "mart_a",
        "by `limit`",
    ),
    "gate has error_if": (
        lambda raw: raw["nodes"]["test.shop.gate"]["config"].update(error_if="> 10"),
        "mart_a",
        "by `error_if`",
    ),
    "gate stores failures": (
        lambda raw: raw["nodes"]["test.shop.gate"]["config"].update(store_failures=True),
        "mart_a",
        "by `store_failures`",
    ),
}


def test_whole_project_passes() -> None:
    """The project that the breaks start from breaks no rule."""
    raw = project()

    assert refusals(Graph(raw), list(Graph(raw))) == []


@pytest.mark.parametrize("name", BREAKS)
def test_broken_rule_is_refused(name: str) -> None:
    """Each break is refused, and the line names the node and the remedy."""
    breaking, where, remedy = BREAKS[name]
    raw = copy.deepcopy(project())
    breaking(raw)

    with pytest.raises(VeilError) as refused:
        check_project(Graph(raw), command="build")
    lines = [line for line in str(refused.value).splitlines() if where in line and remedy in line]

    assert lines, str(refused.value)


@pytest.mark.parametrize(
    ("package", "privacy_class"),
    [
        pytest.param("veil", "direct_identifier", id="the-demo"),
        pytest.param("shop", "quasi_identifier", id="quasi-identifier"),
        pytest.param("shop", "sensitive", id="sensitive"),
        pytest.param("shop", "non_sensitive", id="public-list"),
    ],
)
def test_other_seeds_are_let_in(package: str, privacy_class: str) -> None:
    """The simulated seeds of the demo may identify; a seed that identifies nobody is anyone's."""
    raw = project()
    add_seed(raw, package, privacy_class)

    assert refusals(Graph(raw), list(Graph(raw))) == []


def test_untagged_projects_are_left_alone() -> None:
    """A model with no tagged ancestor is out of scope, hooks or not."""
    raw = project()
    raw["nodes"]["model.shop.free"] = model("free", "memory", [], [column("a")])
    raw["nodes"]["model.shop.free"]["config"].pop("pre-hook")

    assert refusals(Graph(raw), list(Graph(raw))) == []


def test_clone_is_refused() -> None:
    """`dbt clone` would make views over a protected zone."""
    with pytest.raises(VeilError, match="clone"):
        check_project(Graph(project()), command="clone")


def test_conflicting_meta_is_refused() -> None:
    """The same key in `meta` and `config.meta` with different values is refused."""
    raw = project()
    node(raw, "raw_a")["columns"]["ssn"]["meta"] = {"privacy_class": "non_sensitive"}

    with pytest.raises(VeilError, match="twice"):
        check_project(Graph(raw), command="build")
