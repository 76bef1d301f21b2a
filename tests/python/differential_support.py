"""A dbt project whose differential marts are made to be attacked, and what is seen of its build.

One build releases every mart over thousands of independent cells, so that its numbers are so many
draws from each of two neighbouring inputs: odd cells hold a target, a person with more rows than
the bounds allow, and even cells are the same without one. Other marts have so little noise that it
is 0; they show what bounding and arithmetic do.

Beside the release that dbt writes, the same call draws each mart's twins: releases of the same rows
in which one protection is switched off. Tests must tell them from the true one.
"""

from __future__ import annotations

import contextlib
import csv
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from harness import DbtProject, Outcome, copy_of, new_stranger
from veil.differential import noise
from veil.differential.noise import Integers, Noise
from veil.differential.ranks import Ranking, choose
from veil.releases import Plan, read_declared
from veil.releases.plan import plan
from veil.warehouse import private_release

Yaml = dict[str, Any]
Row = tuple[str, str, object, str]
"""Person, cell or place, amount, day."""
Rows = Callable[[], Iterator[Row]]
Twin = contextlib.AbstractContextManager[Any]

AUDIENCE = "board"
CELLS = 4000
DAY, NEXT_DAY = "2026-06-01", "2026-06-02"
GLASS = 0.03
"""A scale whose draws are not 0 with probability 2 exp(-1 / 0.03), below 1e-14."""
CANARY = "canary of one person"
"""A private place that one person alone brings into being."""
OUTSIDE = "77"
"""A cell that people are in and that is not public."""
DOLLARS, REGULARS = 918_273_645, 400
EXACT = DOLLARS * REGULARS
"""A sum that no noise hits by chance."""
CROWD = 10_000
"""Rows that one person has in every cell of `crowd`."""
HALF, EVERY_GROUP, EVERY_ROW, ONE_LOWER, TWO_LOWER, NO_THRESHOLD, ONE_DRAW, FAVOURITE = (
    "half the scale",
    "no bound on groups",
    "no bound on rows",
    "a threshold one lower",
    "a threshold two lower",
    "no threshold",
    "one draw for all cells",
    "one rank for everybody",
)

PROJECT = """\
name: audit
version: 1.0.0
config-version: 2
profile: audit_at_home

flags:
  send_anonymous_usage_stats: false

models:
  audit:
    +materialized: table
    +pre-hook: "{{ veil.check_model() }}"
    +post-hook: "{{ veil.gate_model() }}"
    +database: marts
    raw: {+database: identified}
    pseudonymized: {+database: pseudonymized}

seeds:
  audit: {+database: identified}

vars:
  "veil:budgets":
    everybody: {unit: member, rho: 1000000000000, delta: 0.4}
"""


@dataclass(frozen=True, kw_only=True)
class Mart:
    """A differential mart.

    Attributes:
        metrics: YAML of each metric by its name.
        meta: of the model, beside what all have.
        rows: of the file; none where the mart reads those of another.
        of: whose rows it reads, by default its own.
        bounds: L0 and Linf.
        cells: so many public cells, from 0 on; 0 for private places.
        join: a join in its query.
        twins: what is switched off in each twin.
    """

    metrics: Mapping[str, Yaml]
    meta: Yaml
    rows: Rows | None = None
    of: str = ""
    bounds: tuple[int, int] = (1, 2)
    cells: int = CELLS
    join: str = ""
    twins: tuple[str, ...] = ()


COUNT: Yaml = {"metric": "count"}
UNITS: Yaml = {"metric": "privacy_unit_count"}


def over(
    metric: str, *, lower: float = 0, upper: float, resolution: float = 1, **more: Any
) -> Yaml:
    """A metric over the amounts."""
    ends = {"metric_column": "amount", "lower": lower, "upper": upper, "resolution": resolution}
    return {"metric": metric, **ends, **more}


# who is in the cells


def pairs(background: list[float], target: float, *, rows: int, cells: int = 1) -> Rows:
    """One person in each cell for each amount; a target in so many cells, all of an odd group."""

    def made() -> Iterator[Row]:
        for cell in range(CELLS * cells):
            group = cell // cells
            for at, amount in enumerate(background):
                yield f"{cell} {at}", str(cell), amount, DAY
            if group % 2:
                for number in range(rows):
                    # Different values: a distinct count sees each.
                    yield f"target {group}", str(cell), target + number, DAY

    return made


def daily() -> Iterator[Row]:
    """One person in each cell and day; targets are there on both days."""
    for cell in range(CELLS):
        for day in (DAY, NEXT_DAY):
            yield f"{cell} {day}", str(cell), 1, day
            if cell % 2:
                yield f"target {cell}", str(cell), 1, day


def places() -> Iterator[Row]:
    """Lone people, each in six places of his own; pairs of places of three people or of four.

    The fourth is the same in both.
    """
    for at in range(2000):
        for place in range(6):
            yield f"lone {at}", f"lone {at} {place}", 1, DAY
    for at in range(2000):
        for place in range(2):
            for other in range(3):
                yield f"pair {at} {place} {other}", f"pair {at} {place}", 1, DAY
            if at % 2:
                yield f"fourth {at}", f"pair {at} {place}", 1, DAY


def few() -> Iterator[Row]:
    """Places of two people, and of three."""
    for at in range(2000):
        for other in range(2 + at % 2):
            yield f"few {at} {other}", f"{2 + at % 2} {at}", 1, DAY


def rare() -> Iterator[Row]:
    """A place of many people, and one of one person."""
    for at in range(REGULARS):
        yield f"regular {at}", "often", DOLLARS, DAY
    yield "rare", CANARY, DOLLARS, DAY


def crowd() -> Iterator[Row]:
    """Ten people in each of five cells, and one with very many rows in all of them."""
    for cell in range(5):
        for other in range(10):
            yield f"{cell} {other}", str(cell), 1, DAY
        for _ in range(CROWD):
            yield "crowd", str(cell), 100, DAY


def choices() -> Iterator[Row]:
    """People with one row in each of ten cells, of which one stays; and one in no public cell."""
    for person in range(1000):
        for cell in range(10):
            yield f"{person}", str(cell), 1, DAY
    yield "outsider", OUTSIDE, 1, DAY


def awkward() -> list[Row]:
    """Floats, one of each person, 250 in each of eight cells; some are no number, or missing."""
    draw = random.Random(5)
    strange = ["nan", "inf", "-inf", "", "-0.0", "5e-324", "1e308", "-1e308", "0.1", "99.99999999"]
    found: list[Row] = []
    for at in range(2000):
        odd = at // 8 % 40
        amount = strange[odd] if odd < len(strange) else repr(draw.uniform(-50, 150))
        found.append((f"{at}", str(at % 8), amount, DAY))
    return found


def shuffled() -> Iterator[Row]:
    """The awkward rows in another order."""
    rows = awkward()
    random.Random(6).shuffle(rows)
    return iter(rows)


def fanned() -> Iterator[Row]:
    """One row of each person, which a join makes ten of."""
    for person in range(60):
        yield f"{person}", str(person % 6), 1, DAY


def glass(metrics: Mapping[str, Yaml], **more: Any) -> Mart:
    """A mart whose every part has the scale `GLASS`."""
    partitions, each = more.setdefault("bounds", (1, 2))
    weights = {
        name: partitions
        * (1 if one == UNITS else each * round(one.get("upper", 1) / one.get("resolution", 1)))
        for name, one in metrics.items()
    }
    return Mart(
        metrics={name: {**one, "weight": weights[name]} for name, one in metrics.items()},
        meta={"epsilon": round(sum(weights.values()) / GLASS)},
        **more,
    )


TOTAL = over("sum", upper=500, resolution=0.01)
FLOATS = {"n": COUNT, "total": over("sum", upper=100, resolution=0.25)}
MARTS: Mapping[str, Mart] = {
    # Each mechanism with a whole epsilon or rho.
    "visits": Mart(
        metrics={"n": COUNT},
        meta={"epsilon": 2},
        rows=pairs([10, 250, 400], 1900, rows=10),
        twins=(HALF, EVERY_ROW),
    ),
    "people": Mart(metrics={"n": UNITS}, meta={"epsilon": 2}, of="visits", twins=(HALF,)),
    "kinds": Mart(
        metrics={"n": {"metric": "distinct_count", "metric_column": "amount"}},
        meta={"epsilon": 2},
        of="visits",
        twins=(HALF, EVERY_ROW),
    ),
    "totals": Mart(metrics={"n": TOTAL}, meta={"epsilon": 2}, of="visits", twins=(HALF,)),
    "bins": Mart(
        metrics={"n": over("histogram", upper=500, bins=5)},
        meta={"epsilon": 2},
        of="visits",
        twins=(HALF,),
    ),
    "upper_fifths": Mart(
        metrics={"n": over("quantile", upper=2000, quantile=0.8, bins=4, branching=2)},
        meta={"epsilon": 3},
        of="visits",
        bounds=(1, 1),
        twins=(HALF,),
    ),
    "together": Mart(
        metrics={"n": COUNT, "total": TOTAL}, meta={"epsilon": 2}, of="visits", twins=(HALF,)
    ),
    "gaussian": Mart(
        metrics={"n": COUNT, "total": TOTAL},
        meta={"rho": 1, "noise_kind": "gaussian"},
        of="visits",
        twins=(HALF,),
    ),
    "means": Mart(
        # Narrow intervals, so that all the more can be read from their ends.
        metrics={"n": over("mean", lower=-100, upper=100, resolution=0.0001)},
        meta={"epsilon": 2, "confidence": 0.1},
        rows=pairs([1] * 8, 150, rows=5),
        bounds=(1, 1),
        twins=(HALF,),
    ),
    "two_cells": Mart(
        metrics={"n": COUNT},
        meta={"epsilon": 2},
        rows=pairs([1], 1, rows=1, cells=2),
        bounds=(2, 1),
        cells=2 * CELLS,
        twins=(HALF,),
    ),
    "one_of_two": Mart(
        metrics={"n": COUNT},
        meta={"epsilon": 2},
        of="two_cells",
        bounds=(1, 1),
        cells=2 * CELLS,
        twins=(EVERY_GROUP,),
    ),
    "days": Mart(
        metrics={"n": COUNT},
        meta={"epsilon": 1, "privacy_increment": "day"},
        rows=daily,
        bounds=(1, 1),
        twins=(HALF,),
    ),
    "named": Mart(
        metrics={"n": UNITS},
        meta={"epsilon": 4, "delta": 0.08},
        rows=places,
        bounds=(2, 1),
        cells=0,
        twins=(HALF, ONE_LOWER, EVERY_GROUP),
    ),
    "named_from_three": Mart(
        metrics={"n": UNITS},
        meta={"epsilon": 2, "delta": 0.04, "pre_threshold": 3},
        rows=few,
        bounds=(1, 1),
        cells=0,
        twins=(TWO_LOWER,),
    ),
    # What an attacker hopes for.
    "empty": Mart(
        metrics={
            "n": COUNT,
            "people": UNITS,
            "total": over("sum", upper=100, resolution=0.5),
            "bins": over("histogram", upper=100, bins=2),
        },
        meta={"epsilon": 1},
        twins=(HALF,),
    ),
    "wide": Mart(
        metrics={"n": COUNT, "again": COUNT}, meta={"epsilon": "1e-11"}, twins=(ONE_DRAW,)
    ),
    "rare": Mart(
        metrics={"n": over("sum", upper=DOLLARS)},
        meta={"epsilon": 2, "delta": "1e-6"},
        rows=rare,
        bounds=(1, 1),
        cells=0,
        twins=(NO_THRESHOLD,),
    ),
    "grid": Mart(
        metrics={"n": FLOATS["total"], "five": over("sum", upper=100, resolution=5)},
        meta={"epsilon": 1},
        of="floats",
    ),
    "floats": glass(FLOATS, rows=lambda: iter(awkward()), cells=8),
    "floats_again": glass(FLOATS, rows=shuffled, cells=8),
    "crowd": glass(
        {"n": COUNT, "people": UNITS, "total": over("sum", upper=100)},
        rows=crowd,
        bounds=(3, 2),
        cells=5,
        twins=(EVERY_GROUP, EVERY_ROW),
    ),
    "choice": glass({"n": COUNT}, rows=choices, bounds=(1, 1), cells=10, twins=(FAVOURITE,)),
    "choice_again": glass({"n": COUNT}, of="choice", bounds=(1, 1), cells=10),
    "fan": glass(
        {"n": COUNT},
        rows=fanned,
        cells=6,
        join="inner join {{ ref('seed_copies') }} as copies on copies.cell = rows_of.cell",
        twins=(EVERY_ROW,),
    ),
}


# the project


def new_audit(root: Path) -> DbtProject:
    """The project, initialised; nothing is built yet. The folder above becomes the package."""
    project = new_stranger(root)
    for name in ("models", "seeds", "data", "docs"):
        shutil.rmtree(root / name)
    project.write("dbt_project.yml", PROJECT)
    project.replace("profiles.yml", "lakeside_clinic:", "audit_at_home:")
    _write_rows(root / "data" / "rows.csv")
    _write_seed(project)
    _write_people(project)
    for name, mart in MARTS.items():
        project.write(f"models/marts/{name}.sql", _sql(mart, mart.of or name))
    _write_yaml(
        project, "models/marts/_marts.yml", models=[described(*one) for one in MARTS.items()]
    )
    return project


def _keys(mart: Mart) -> dict[str, str]:
    keys = {"cell": "bigint"} if mart.cells else {"place": "varchar"}
    return {"day": "date", **keys} if "privacy_increment" in mart.meta else keys


def _sql(mart: Mart, rows: str) -> str:
    columns = ", ".join(f"rows_of.{name}" for name in ("person_key", *_keys(mart), "amount"))
    return (
        f"with own as (\n    select {columns}\n    from {{{{ ref('psn_rows') }}}} as rows_of\n"
        f"    {mart.join}\n    where rows_of.mart = '{rows}'\n)\n"
        "{{ veil.dp_aggregate('own') }}\n"
    )


def described(name: str, mart: Mart) -> Yaml:
    """The YAML of a mart."""
    partitions, rows = mart.bounds
    meta: Yaml = {
        "privacy_audience": AUDIENCE,
        "privacy_population": "Members",
        "privacy_release": "differential",
        "privacy_unit": "person_key",
        "privacy_budget": "everybody",
        "max_partitions_contributed": partitions,
        "max_contributions_per_partition": rows,
        **mart.meta,
    }
    keys = _keys(mart)
    if mart.cells:
        spans = {"cell": {"from": 0, "to": mart.cells - 1}, "day": {"from": DAY, "to": NEXT_DAY}}
        meta["public_partitions"] = {key: spans[key] for key in keys}
    columns: list[Yaml] = [{"name": key, "data_type": kind} for key, kind in keys.items()]
    for metric, one in mart.metrics.items():
        kind = _type(one)
        columns.append({"name": metric, "data_type": kind, "config": {"meta": one}})
        columns += [{"name": metric + end, "data_type": kind} for end in ("_low", "_high")]
    config = {"materialized": "private_release", "contract": {"enforced": True}, "meta": meta}
    return {"name": name, "config": config, "columns": columns}


def _type(metric: Yaml) -> str:
    if metric["metric"] == "histogram":
        return "bigint[]"
    places = len(f"{metric.get('resolution', 1):.6f}".rstrip("0").partition(".")[2])
    return f"decimal(38,{places})" if places else "bigint"


def _write_rows(path: Path) -> None:
    path.parent.mkdir()
    with path.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["person_id", "mart", "cell", "place", "amount", "day"])
        for name, mart in MARTS.items():
            # The awkward rows are those of the same people, in whatever order.
            people = "floats" if name == "floats_again" else name
            for person, place, amount, day in mart.rows() if mart.rows else ():
                cell = place if mart.cells else ""
                writer.writerow([f"member {people} {person}", name, cell, place, amount, day])


def _write_seed(project: DbtProject) -> None:
    copies = "".join(f"{cell},{copy}\n" for cell in range(6) for copy in range(10))
    project.write("seeds/seed_copies.csv", "cell,copy\n" + copies)
    columns = [_classified(name, "non_sensitive", "bigint") for name in ("cell", "copy")]
    types = {"column_types": {"cell": "bigint", "copy": "bigint"}}
    seed = {"name": "seed_copies", "config": types, "columns": columns}
    _write_yaml(project, "seeds/_seeds.yml", seeds=[seed])


def _write_people(project: DbtProject) -> None:
    classes = {
        "person_id": "direct_identifier",
        "mart": "non_sensitive",
        "cell": "quasi_identifier",
        "place": "quasi_identifier",
        "amount": "sensitive",
        "day": "quasi_identifier",
    }
    types = {"cell": "bigint", "amount": "double", "day": "date"}
    source: Yaml = {
        "name": "delivery",
        "config": {
            "meta": {"external_location": "read_csv('data/{name}.csv', all_varchar = true)"}
        },
        "tables": [{"name": "rows", "columns": [_classified(*one) for one in classes.items()]}],
    }
    selected = [
        f"{{{{ veil.typed('{name}', '{types[name]}') }}}} as {name}" if name in types else name
        for name in classes
    ]
    sql = "select\n    " + ",\n    ".join(selected) + "\nfrom {{ source('delivery', 'rows') }}\n"
    project.write("models/raw/raw_rows.sql", sql)
    project.write("models/pseudonymized/psn_rows.sql", "{{ veil.pseudonymize(ref('raw_rows')) }}\n")
    kinds = {name: types.get(name, "varchar") for name in classes}
    key = {"privacy_from": "person_id", "privacy_mask": "pseudonym", "privacy_domain": "member"}
    treated: list[Yaml] = [{"name": "person_key", "data_type": "varchar", "config": {"meta": key}}]
    keep: Yaml = {"meta": {"privacy_mask": "keep"}}
    treated += [
        {"name": name, "data_type": kinds[name], "config": keep} for name in list(classes)[1:]
    ]
    raw = [_classified(name, one, kinds[name]) for name, one in classes.items()]
    contract: Yaml = {"contract": {"enforced": True}}
    models = [
        {"name": "raw_rows", "config": contract, "columns": raw},
        {"name": "psn_rows", "config": contract, "columns": treated},
    ]
    _write_yaml(project, "models/_models.yml", models=models, sources=[source])


def _classified(name: str, privacy_class: str, data_type: str = "varchar") -> Yaml:
    meta = {"privacy_class": privacy_class, "privacy_type": name}
    return {"name": name, "data_type": data_type, "config": {"meta": meta}}


def _write_yaml(project: DbtProject, path: str, **content: list[Yaml]) -> None:
    project.write(path, yaml.safe_dump({"version": 2, **content}, sort_keys=False))


# protections that are switched off


def _lower(by: int) -> Twin:
    select = private_release.select_groups

    def lowered(made: Plan, counts: Integers) -> Any:
        assert made.selection is not None
        selection = replace(made.selection, threshold=made.selection.threshold - by)
        return select(replace(made, selection=selection), counts)

    return mock.patch("veil.warehouse.private_release.select_groups", lowered)


def _half() -> Twin:
    release = noise._release

    def halved(values: Integers, *, noise: Noise) -> Integers:
        return release(values, noise=Noise(noise.kind, noise.scale / 2))

    return mock.patch("veil.differential.noise._release", halved)


def _one_draw() -> Twin:
    release = noise._release

    def shifted(values: Integers, *, noise: Noise) -> Integers:
        return values + release(values[:1] * 0, noise=noise)

    return mock.patch("veil.differential.noise._release", shifted)


def _all_of(most: int) -> Twin:
    def kept(owners: Any, ranks: Any, *, at_most: int) -> Any:
        return choose(owners, ranks, at_most=len(owners) + 1 if at_most == most else at_most)

    return mock.patch("veil.warehouse.bounding.choose", kept)


@contextlib.contextmanager
def _switched_off(what: str, mart: Mart) -> Iterator[None]:
    partitions, rows = mart.bounds
    off: Mapping[str, Callable[[], Twin]] = {
        HALF: _half,
        EVERY_GROUP: lambda: _all_of(partitions),
        EVERY_ROW: lambda: _all_of(rows),
        ONE_LOWER: lambda: _lower(1),
        TWO_LOWER: lambda: _lower(2),
        NO_THRESHOLD: lambda: _lower(2**40),
        ONE_DRAW: _one_draw,
        FAVOURITE: lambda: mock.patch.object(
            Ranking, "of_groups", lambda _self, _people, groups: groups
        ),
    }
    with off[what]():
        yield


# the build


@dataclass(frozen=True)
class Call:
    """One vector call of the sampler, in a release that was not a twin."""

    mart: str
    noise: Noise
    size: int


@dataclass
class Audit:
    """What one build did.

    Attributes:
        project: built; read it, never change it.
        outcome: of the build.
        state: `state/` as it was before.
        calls: of the sampler, in order.
        twins: the cells of each twin, by mart and what was switched off; those of several days
            one below the other.
    """

    project: DbtProject
    outcome: Outcome
    state: Path
    calls: list[Call] = field(default_factory=list)
    twins: dict[tuple[str, str], pa.Table] = field(default_factory=dict)

    def table(self, mart: str, twin: str = "") -> pa.Table:
        """What is published of a mart, or what one of its twins would have published."""
        if twin:
            return self.twins[mart, twin]
        return pq.read_table(self.project.root / "published" / AUDIENCE / f"{mart}.parquet")

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        """How the loss of each mart is spent."""
        graph = self.project.graph()
        nodes = {name: graph.node(f"model.audit.{name}") for name in MARTS}
        return {
            name: plan(read_declared(one, public_relation=False)) for name, one in nodes.items()
        }

    def copy(self, number: int) -> DbtProject:
        """A copy of the built project, to change at will."""
        root = self.project.root
        return copy_of(self.project, root.with_name(f"{root.name[:-4]}{number:04d}"))


@contextlib.contextmanager
def seeded() -> Iterator[None]:
    """Every seed that a process has is set before each draw, always to the same."""
    cells = private_release._cells

    def drawn(session: Any, *arguments: Any) -> pa.Table:
        random.seed(1)
        np.random.seed(1)
        session.conn.execute("select setseed(0.5)")
        return cells(session, *arguments)

    with mock.patch.object(private_release, "_cells", drawn):
        yield


@contextlib.contextmanager
def _watched(audit: Audit) -> Iterator[None]:
    """Every call of the sampler is noted, and every mart's twins are drawn after its release."""
    cells, release = private_release._cells, noise._release
    drawing = ""

    def noted(values: Integers, *, noise: Noise) -> Integers:
        if drawing:
            audit.calls.append(Call(drawing, noise, len(values)))
        return release(values, noise=noise)

    def drawn(session: Any, planned: Any, *arguments: Any) -> pa.Table:
        nonlocal drawing
        name = drawing = planned.node.name
        found = cells(session, planned, *arguments)
        drawing = ""
        for twin in MARTS[name].twins:
            with (
                _switched_off(twin, MARTS[name]),
                mock.patch.object(private_release, "note_utility"),
            ):
                made = cells(session, planned, *arguments)
            before = audit.twins.get((name, twin))
            audit.twins[name, twin] = made if before is None else pa.concat_tables([before, made])
        return found

    with (
        mock.patch.object(private_release, "_cells", drawn),
        mock.patch.object(noise, "_release", noted),
    ):
        yield


_BUILT: list[Audit] = []


def built_audit(factory: pytest.TempPathFactory) -> Audit:
    """The one build of this process: a start of dbt costs seconds."""
    if not _BUILT:
        root = factory.mktemp("audited") / "audit-0000"
        project = new_audit(root)
        state = root.with_name("state-before")
        shutil.copytree(root / "state", state)
        audit = Audit(project, Outcome(ok=False, lines=[]), state)
        # One thread: what is switched off is so for the whole process.
        with seeded(), _watched(audit):
            audit.outcome = project.dbt("build", "--threads", "1")
        assert audit.outcome.ok, audit.outcome.text
        _BUILT.append(audit)
    return _BUILT[0]
