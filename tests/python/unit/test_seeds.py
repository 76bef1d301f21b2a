"""The people that ship: what stands in the files, and what the YAML says of it."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SEEDS = ROOT / "seeds"
CLASSES = {"direct_identifier", "quasi_identifier", "sensitive", "non_sensitive"}
PEOPLE = ("seed_census", "seed_w2", "seed_social_security", "seed_wic")
EVENTS = ("seed_visits",)
PUBLIC = ("seed_regions",)
HIERARCHIES = (
    "hierarchy_age",
    "hierarchy_employer_size",
    "hierarchy_race",
    "hierarchy_relationship",
    "hierarchy_treatment",
)
EVERY_SEED = (*PEOPLE, *EVENTS, *PUBLIC, *HIERARCHIES)


def read(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def declared(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def seeds_yaml() -> dict[str, dict[str, Any]]:
    return {seed["name"]: seed for seed in declared(SEEDS / "_seeds.yml")["seeds"]}


# ---- the files


def test_every_seed_file_has_its_pinned_checksum() -> None:
    """The files are those that the script wrote, none missing and none besides."""
    pinned = dict(
        reversed(line.split("  "))
        for line in (SEEDS / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    )
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in SEEDS.glob("*.csv")}

    assert found == pinned


def test_the_seeds_stay_small() -> None:
    """Together they are under 1.3 MB, so that a clone stays quick."""
    size = sum(path.stat().st_size for path in SEEDS.glob("*.csv"))

    assert 100_000 < size < 1_300_000


@pytest.mark.parametrize("name", EVERY_SEED)
def test_every_column_is_declared_in_order_with_class_type_and_description(name: str) -> None:
    """The YAML names exactly the columns of the file, and each one is classified."""
    seed = seeds_yaml()[name]
    columns = {column["name"]: column for column in seed["columns"]}
    metas = [column["config"]["meta"] for column in columns.values()]

    assert list(columns) == list(read(name)[0])
    assert all(meta["privacy_class"] in CLASSES and meta["privacy_type"] for meta in metas)
    assert all(column["description"] for column in columns.values())
    assert "One row per" in seed["description"]


def test_no_seed_is_undeclared() -> None:
    """A file without YAML would load without a class."""
    assert set(seeds_yaml()) == {path.stem for path in SEEDS.glob("*.csv")} == set(EVERY_SEED)


@pytest.mark.parametrize("name", EVERY_SEED)
def test_seeds_load_as_text_but_for_the_age_of_the_hierarchy(name: str) -> None:
    """dbt would otherwise guess types, and lose the leading zero of an identifier."""
    types = seeds_yaml()[name]["config"]["column_types"]
    integers = [column for column, kind in types.items() if kind == "integer"]

    assert list(types) == list(read(name)[0])
    assert set(types.values()) <= {"varchar", "integer"}
    assert integers == (["age"] if name == "hierarchy_age" else [])


def test_the_source_says_the_same_as_the_seeds() -> None:
    """DATA=full reads other files under the same names, descriptions and classes."""
    (source,) = declared(ROOT / "models/raw/_sources.yml")["sources"]
    tables = {f"seed_{table['name']}": table for table in source["tables"]}

    assert tuple(tables) == PEOPLE
    for name, table in tables.items():
        assert table["columns"] == seeds_yaml()[name]["columns"]
        assert table["description"] == seeds_yaml()[name]["description"]
        location = table["config"]["meta"]["external_location"]
        assert location.format(name=table["name"]) == f"data/full/{name[5:]}.parquet"


def test_a_column_has_one_class_wherever_it_occurs() -> None:
    """The same name in two tables is the same kind of thing."""
    seen: dict[str, set[str]] = {}
    for name in PEOPLE:
        for column in seeds_yaml()[name]["columns"]:
            meta = column["config"]["meta"]
            seen.setdefault(column["name"], set()).add(str(sorted(meta.items())))

    assert {name: kinds for name, kinds in seen.items() if len(kinds) > 1} == {}


def test_values_have_the_shapes_that_the_raw_models_cast() -> None:
    """Dates, numbers and SSNs are well formed, so a cast cannot fail and print a value."""
    shapes = {
        r"\d{4}-\d\d-\d\d": {"date_of_birth", "event_date"},
        r"\d+": {"age", "year", "tax_year", "wages", "employer_id"},
        r"\d{3}-\d\d-\d{4}": {"ssn"},
        r"0_\d+": {"simulant_id", "household_id"},
    }
    wrong = Counter(
        (name, column)
        for name in PEOPLE
        for row in read(name)
        for shape, columns in shapes.items()
        for column in columns & row.keys()
        if not re.fullmatch(shape, row[column])
    )

    assert wrong == Counter()


def test_the_tables_join_on_people() -> None:
    """Social security holds nobody who occurs in no other table, and covers most W-2 people."""
    others = {row["simulant_id"] for name in PEOPLE if name != "seed_social_security"
              for row in read(name)}  # fmt: skip
    register = {row["simulant_id"] for row in read("seed_social_security")}
    workers = {row["simulant_id"] for row in read("seed_w2")}

    assert register <= others
    assert len(workers & register) > 0.9 * len(workers) > 500


# ---- hierarchies


@pytest.mark.parametrize("name", HIERARCHIES)
def test_each_value_of_a_level_belongs_to_one_value_of_the_next(name: str) -> None:
    """A hierarchy nests: generalising twice is generalising once, to the coarser level."""
    rows = read(name)
    levels = list(rows[0])
    split = [
        (finer, coarser, value)
        for finer, coarser in pairwise(levels)
        for value in {row[finer] for row in rows}
        if len({row[coarser] for row in rows if row[finer] == value}) != 1
    ]

    assert split == []
    assert len({row[levels[0]] for row in rows}) == len(rows)
    assert {row["everyone"] for row in rows} == {"*"}
    assert levels[-1] == "everyone"


def test_the_age_hierarchy_covers_0_to_120() -> None:
    """No age that a person can have is outside."""
    assert [int(row["age"]) for row in read("hierarchy_age")] == list(range(121))


def test_no_age_of_ninety_or_more_stands_in_a_band_of_its_own() -> None:
    """45 CFR 164.514(b)(2)(i)(C): ages over 89 may only be shown as one category."""
    old = [row for row in read("hierarchy_age") if int(row["age"]) >= 90]

    assert {(row["age_band_5"], row["age_band_10"]) for row in old} == {("90+", "90+")}


@pytest.mark.parametrize(
    ("hierarchy", "column", "tables"),
    [
        ("hierarchy_race", "race_ethnicity", ("seed_census", "seed_wic")),
        (
            "hierarchy_relationship",
            "relationship_to_reference_person",
            ("seed_census", "seed_wic"),
        ),
        ("hierarchy_age", "age", ("seed_census", "seed_w2")),
        ("hierarchy_treatment", "treatment", EVENTS),
        ("seed_regions", "region", EVENTS),
    ],
)
def test_every_value_in_the_data_stands_in_its_hierarchy(
    hierarchy: str, column: str, tables: tuple[str, ...]
) -> None:
    """A value without a level would become NULL, or stop the build."""
    known = {row[column] for row in read(hierarchy)}
    found = {row[column] for table in tables for row in read(table)}

    assert found
    assert found <= known
