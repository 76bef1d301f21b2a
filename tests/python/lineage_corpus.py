"""The two corpora of the lineage: relations, models, and what the header of a file says."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from veil.lineage import Column, Layer, Model, PrivacyClass, Relation, Rule, Zone, analyse

FOLDER = Path(__file__).parents[1] / "corpus"
REF = re.compile(r"\{\{\s*ref\('(\w+)'\)\s*\}\}")
HEADER = re.compile(r"^-- (\w+): (.*)$", re.MULTILINE)
_DATABASES = {"identified": "identified", "pseudonymized": "pseudonymized", "marts": "marts"}
_LAYER_ZONES = {"intermediate": "pseudonymized", "mart": "marts"}
UNIT, THRESHOLD = "person_key", 11


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "schema.yml").read_text())
    return found


@cache
def zones() -> dict[str, str]:
    """Zone of every relation by its name."""
    base = {name: one["zone"] for name, one in schema()["relations"].items()}
    return base | {name: _LAYER_ZONES[one["layer"]] for name, one in schema()["models"].items()}


def relation_name(name: str) -> str:
    return f'"{_DATABASES[zones()[name]]}"."main"."{name}"'


def compiled(sql: str) -> str:
    """The SQL with every `ref()` as dbt compiles it."""
    return REF.sub(lambda match: relation_name(match[1]), sql)


@cache
def relations() -> tuple[Relation, ...]:
    """The base relations, and the models between them, each followed by the lineage."""
    found = [
        Relation.of(
            relation_name(name),
            Zone(one["zone"]),
            [
                Column(
                    column,
                    spec["type"],
                    PrivacyClass.named(spec["class"]) if spec["class"] else None,
                    domain=spec.get("domain", ""),
                    person=spec.get("person", True),
                )
                for column, spec in one["columns"].items()
            ],
        )
        for name, one in schema()["relations"].items()
    ]
    for name, one in schema()["models"].items():
        model = Model(name, Layer(one["layer"]), unit=UNIT, threshold=THRESHOLD)
        analysis = analyse(compiled(one["sql"]), found, model)
        assert not analysis.refusals, analysis.refusals
        found.append(analysis.relation(relation_name(name)))
    return tuple(found)


@dataclass(frozen=True)
class Case:
    """One file of a corpus."""

    path: Path
    header: dict[str, str]
    sql: str

    @property
    def model(self) -> Model:
        """What its YAML would declare; the header says where that is not the usual."""
        layer = Layer(self.header.get("layer", "mart"))
        model = Model(
            self.path.stem,
            layer,
            unit=self.header.get("unit", UNIT),
            threshold=int(self.header.get("threshold", THRESHOLD)),
        )
        declares = self.header.get("declares", "")
        classes = dict(one.split("=") for one in declares.split())
        return replace(
            model,
            declared={name: PrivacyClass[word.upper()] for name, word in classes.items()},
        )

    @property
    def rule(self) -> Rule:
        return Rule(self.header["rule"])

    @property
    def also(self) -> frozenset[Rule]:
        """Rules that refuse the same model for another reason."""
        return frozenset(Rule(word) for word in self.header.get("also", "").split())


@cache
def cases(kind: str) -> tuple[Case, ...]:
    """The files of the corpus `leaky` or `clean`, in order."""
    found = []
    for path in sorted((FOLDER / kind).glob("*.sql")):
        text = path.read_text()
        found.append(Case(path, dict(HEADER.findall(text)), compiled(text)))
    return tuple(found)
