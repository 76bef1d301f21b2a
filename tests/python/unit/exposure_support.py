"""A small project as a parse tells it, to change in one place and compare with itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from check_support import HOOKS

from veil.check.parsed import Parsed
from veil.exposure import Change, Picture, compare, draw
from veil.lineage import Relation, Zone
from veil.lineage.classes import Flow, Path, PrivacyClass, Reach, Source
from veil.lineage.label import Label

SECRETS = (
    "Zq9-constant",
    "Zq9-reason",
    "Zq9-hook",
    "Zq9-variable",
    "Zq9-literal",
    "Zq9-where",
    "Zq9-north",
)
"""Texts that stand in the project's files and may stand in no output."""
CATALOGUE = """{% macro _mask_catalogue() %}{%- set catalogue -%}
partial:
  arguments:
    keep_first: {type: integer, default: 0}
    keep_last: {type: integer, default: 0}
age_band:
  arguments:
    width: {type: integer, default: 10}
    top: {type: integer, default: 90}
{%- endset -%}{% endmacro %}"""
QUERY = """select city, {{ banded('age') }} as age, round(avg(income), -2) as income_mean
from {{ ref('psn_people') }} where city <> 'Zq9-literal' group by city, age -- grouped"""

Node = dict[str, Any]
Flows = Mapping[str, str]


def column(name: str, **meta: Any) -> Node:
    return {"name": name, "data_type": "varchar", "meta": meta, "config": {"meta": meta}}


def classified(name: str, privacy_class: str, privacy_type: str = "category") -> Node:
    return column(name, privacy_class=privacy_class, privacy_type=privacy_type)


def node(name: str, kind: str, *columns: Node, code: str = "", **more: Any) -> Node:
    """A node; `meta`, `config`, `parents`, `macros` and `database` say more of it."""
    config = {"meta": more.get("meta", {}), **more.get("config", {})}
    if kind == "model":
        config = {**copy.deepcopy(HOOKS), "access": "protected", **config}
    return {
        "unique_id": f"{kind}.demo.{name}",
        "resource_type": kind,
        "package_name": "demo",
        "name": name,
        "alias": name,
        "database": more.get("database", "identified"),
        "schema": "main",
        "relation_name": f'"{more.get("database", "identified")}"."main"."{name}"',
        "raw_code": code,
        "original_file_path": f"models/{name}.sql",
        "config": config,
        "columns": {one["name"]: one for one in columns},
        "depends_on": {"nodes": more.get("parents", []), "macros": more.get("macros", [])},
    }


def gate(mart: str, **kwargs: Any) -> Node:
    """The `no_small_cells` of a mart."""
    return {
        "unique_id": f"test.demo.no_small_cells_{mart}",
        "resource_type": "test",
        "package_name": "demo",
        "name": f"no_small_cells_{mart}",
        "attached_node": f"model.demo.{mart}",
        "test_metadata": {"namespace": "veil", "name": "no_small_cells", "kwargs": kwargs},
        "config": {"severity": "ERROR"},
        "depends_on": {"nodes": [f"model.demo.{mart}"]},
    }


@dataclass
class Seen:
    """What lineage says of one column: sources that it shows, that it aggregates; by class."""

    shown: Flows = field(default_factory=dict)
    counted: Flows = field(default_factory=dict)
    reach: str = "guarded"


def _source(name: str, word: str) -> Source:
    relation, column_ = name.split(".")
    found = PrivacyClass.named(word)
    assert found is not None
    return Source(relation, column_, found)


def relation(columns: Mapping[str, Seen], chosen: Flows) -> Relation:
    """The labels that lineage would give a mart."""
    labels = [
        (
            name,
            "varchar",
            Label(
                explicit={
                    Flow(_source(key, word), 0): Path(Path(None, key), f"mart.{name}")
                    for key, word in one.shown.items()
                },
                implicit={_source(key, word): Path(None, key) for key, word in one.counted.items()},
                reach=Reach[one.reach.upper()],
            ),
        )
        for name, one in columns.items()
    ]
    steers = {_source(key, word): Path(None, key) for key, word in chosen.items()}
    return Relation('"marts"."main"."people"', Zone.MARTS, tuple(labels), steers=steers)


@dataclass
class Scene:
    """A project: a seed of people, a raw and two pseudonymized models, and a mart `people`."""

    nodes: dict[str, Node]
    seen: dict[str, Seen]
    chosen: dict[str, str]
    macros: dict[str, Any]
    config: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=lambda: {"acme/tools": "1.0.0"})
    headers: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=lambda: {"seed_cities": "one"})
    exposures: dict[str, Any] = field(default_factory=dict)
    profile: str = "demo"
    dispatch: dict[str, Any] = field(default_factory=dict)
    is_followed: bool = True

    @property
    def mart(self) -> Node:
        return self.nodes["model.demo.people"]

    @property
    def masked(self) -> Node:
        return self.nodes["model.demo.psn_people"]

    @property
    def seed(self) -> Node:
        return self.nodes["seed.demo.seed_people"]

    @property
    def test(self) -> Node:
        return self.nodes["test.demo.no_small_cells_people"]

    def meta(self, name: str, column_: str = "", **keys: Any) -> None:
        """Set keys in the meta of a node or of its column; None takes one out."""
        holder = next(one for one in self.nodes.values() if one["name"] == name)
        holder = holder["columns"][column_] if column_ else holder
        found = {**holder["config"]["meta"], **keys}
        kept = {key: one for key, one in found.items() if one is not None}
        holder["config"]["meta"] = kept
        if column_:
            holder["meta"] = kept

    def mask(self, column_: str, mask: str, **arguments: Any) -> None:
        """Give a column of psn_people another mask."""
        args = arguments or None
        self.meta("psn_people", column_, privacy_mask=mask, privacy_mask_args=args)

    def picture(self) -> Picture:
        document = {
            "project": "demo",
            "internal": [],
            "packages": ["demo", "veil"],
            "vars": {"demo": self.variables},
            "dispatch": self.dispatch,
            "target": {"profile_name": self.profile},
            "nodes": self.nodes,
            "sources": {},
            "macros": self.macros,
            "exposures": self.exposures,
            "groups": {},
        }
        found = {"model.demo.people": relation(self.seen, self.chosen)} if self.is_followed else {}
        return draw(
            Parsed(copy.deepcopy(document)),
            relations=found,
            config={"vars": self.variables, **self.config},
            packages=self.packages,
            columns_of=lambda one: self.headers.get(one.name, []),
            content_of=lambda one: self.rows.get(one.name, ""),
            texts={},
        )


def macro(name: str, text: str) -> dict[str, Any]:
    package, short = name.split(".")
    return {
        f"macro.{name}": {
            "unique_id": f"macro.{name}",
            "name": short,
            "package_name": package,
            "macro_sql": text,
            "depends_on": {"macros": []},
        }
    }


def scene() -> Scene:
    """The project before anybody changes it."""
    people = (
        classified("ssn", "direct_identifier", "ssn"),
        classified("age", "quasi_identifier", "age"),
        classified("city", "quasi_identifier", "city"),
        classified("income", "sensitive", "amount"),
        classified("kind", "non_sensitive"),
    )
    made = {"privacy_from": "ssn", "privacy_mask": "pseudonym"}
    key = column("person_key", **made, privacy_domain="person")
    visitor = column("visitor", **made, privacy_domain="visit")
    band = {"width": 10, "top": 90}
    generalized = {"hierarchy": "seed_cities", "level": "region"}
    nodes = [
        node("seed_people", "seed", *people),
        node("seed_cities", "seed", classified("city", "non_sensitive")),
        node("raw_people", "model", *people, parents=["seed.demo.seed_people"]),
        node(
            "psn_people",
            "model",
            key,
            column("age", privacy_mask="age_band", privacy_mask_args=band),
            column("city", privacy_mask="generalize", privacy_mask_args=generalized),
            column("kind", privacy_mask="constant", privacy_mask_args={"value": SECRETS[0]}),
            meta={"privacy_drop": ["income"]},
            parents=["model.demo.raw_people"],
            database="pseudonymized",
        ),
        node(
            "psn_visits",
            "model",
            visitor,
            parents=["model.demo.raw_people"],
            database="pseudonymized",
        ),
        node(
            "people",
            "model",
            *(column(name) for name in ("city", "age", "people_count", "income_mean")),
            code=QUERY,
            meta={
                "privacy_audience": "research",
                "privacy_population": "People of the sample",
                "privacy_release": "suppressed",
                "privacy_unit": "person_key",
                "privacy_threshold": 11,
                "privacy_retention": "2 years",
                "privacy_purpose": "Statistics",
                "epsilon": 1.0,
                "k": 5,
            },
            config={"contract": {"enforced": True}},
            parents=["model.demo.psn_people"],
            macros=["macro.demo.banded"],
            database="marts",
        ),
        gate(
            "people",
            count_column="people_count",
            grain=["city", "age"],
            magnitudes=["income_mean"],
            threshold=20,
        ),
    ]
    return Scene(
        {one["unique_id"]: one for one in nodes},
        {
            "city": Seen({"seed_people.city": "quasi_identifier"}),
            "age": Seen({"seed_people.age": "quasi_identifier"}),
            "people_count": Seen({}, {"psn_people.person_key": "pseudonym"}),
            "income_mean": Seen({}, {"seed_people.income": "sensitive"}),
        },
        {"seed_people.city": "quasi_identifier"},
        {
            **macro("veil._mask_catalogue", CATALOGUE),
            **macro("demo.banded", "{% macro banded(x) %}{{ x }} / 10{% endmacro %}"),
        },
    )


def compared(before: Scene, after: Scene) -> list[Change]:
    return compare(before.picture(), after.picture())
