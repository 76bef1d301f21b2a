#!/usr/bin/env python3
"""Build the seeds from the sample data that ships in the pseudopeople 1.3.1 wheel.

    pip download pseudopeople==1.3.1 --no-deps --dest wheels
    python scripts/build_seeds.py --wheel wheels/pseudopeople-1.3.1-py3-none-any.whl

Every person in the sample is simulated. The output is the same byte for byte at every run: the
wheel and the engine are pinned, the rows are ordered by all columns, the quoting is fixed. The
daily events need no wheel: build_events.py makes them.

Exit codes: 0 fine, 1 `--check` found a difference, 2 usage, 3 cannot run.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from build_events import event_files
from seed_files import Rows, changed_seeds, write_seeds

from veil.errors import EXIT_FINDING, EXIT_FINE, VeilError

WHEEL_NAME = "pseudopeople-1.3.1-py3-none-any.whl"
WHEEL_SHA256 = "10527df127738ed00e3e88a87eec369cc10d85b4733b1c76aebe93f14d13487a"
SAMPLE_FOLDER = "pseudopeople/data/sample_datasets"

# One household in thirteen is enough to look at and small enough to ship.
HOUSEHOLD_SHARE = 13
# The full sample runs to 2040.
SEED_TAX_YEARS = (2019, 2023)


@dataclass(frozen=True)
class Table:
    """One table of the sample: where it stands in the wheel, and what is kept of it.

    `columns` maps the name in the seed to an expression over the delivered columns, in the order
    of the seed. Not kept: `copy_*` (input of pseudopeople's own noise), guardians, employer
    addresses, constants (city, state, zip), middle names, flat numbers, post boxes, the row index,
    and the mailing address of a W-2, which the census has too.
    """

    name: str
    folder: str
    columns: dict[str, str]

    @property
    def member(self) -> str:
        """The Parquet file's path inside the wheel."""
        return f"{SAMPLE_FOLDER}/{self.folder}/{self.folder}.parquet"


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _day(name: str) -> dict[str, str]:
    return {name: f"strftime({name}, '%Y-%m-%d')"}


# Some streets come without a number: concat_ws leaves out what is NULL.
_STREET = {"street_address": "concat_ws(' ', street_number, street_name)"}


TABLES = (
    Table(
        name="census",
        folder="decennial_census",
        columns={
            **_same("simulant_id", "household_id", "year"),
            **_same("first_name", "last_name"),
            **_day("date_of_birth"),
            **_STREET,
            **_same("age", "sex", "race_ethnicity"),
            **_same("relationship_to_reference_person", "housing_type"),
        },
    ),
    Table(
        name="w2",
        folder="taxes_w2_and_1099",
        columns={
            **_same("simulant_id", "household_id", "tax_year", "tax_form", "ssn"),
            **_same("first_name", "last_name"),
            **_day("date_of_birth"),
            **_same("age", "employer_id", "employer_name", "wages"),
        },
    ),
    Table(
        name="social_security",
        folder="social_security",
        columns={
            **_same("simulant_id", "ssn", "first_name", "last_name"),
            **_day("date_of_birth"),
            **_same("sex", "event_type"),
            **_day("event_date"),
        },
    ),
    Table(
        name="wic",
        folder="women_infants_and_children",
        columns={
            **_same("simulant_id", "household_id", "year"),
            **_same("first_name", "last_name"),
            **_day("date_of_birth"),
            **_STREET,
            **_same("sex", "race_ethnicity", "relationship_to_reference_person"),
        },
    ),
)

RACE_GROUPS = {
    "AIAN": "Other",
    "Asian": "Asian or Pacific Islander",
    "Black": "Black",
    "Latino": "Latino",
    "Multiracial or Other": "Other",
    "NHOPI": "Asian or Pacific Islander",
    "White": "White",
}

RELATIONSHIP_GROUPS = {
    "Adopted child": "Child",
    "Biological child": "Child",
    "Child-in-law": "Other relative",
    "Foster child": "Child",
    "Grandchild": "Other relative",
    "Institutionalized group quarters population": "Group quarters",
    "Noninstitutionalized group quarters population": "Group quarters",
    "Opposite-sex spouse": "Partner",
    "Opposite-sex unmarried partner": "Partner",
    "Other nonrelative": "Nonrelative",
    "Other relative": "Other relative",
    "Parent": "Other relative",
    "Parent-in-law": "Other relative",
    "Reference person": "Reference person",
    "Roommate or housemate": "Nonrelative",
    "Same-sex spouse": "Partner",
    "Same-sex unmarried partner": "Partner",
    "Sibling": "Other relative",
    "Stepchild": "Child",
}

# Under 50 employees small, under 250 medium: the limits of EU recommendation 2003/361/EC.
EMPLOYER_SIZE_GROUPS = {
    "1-4": "small",
    "5-9": "small",
    "10-19": "small",
    "20-49": "small",
    "50-99": "medium",
    "100-249": "medium",
    "250+": "large",
}

EVERYONE = "*"
OLDEST_AGE = 120
# 45 CFR 164.514(b)(2)(i)(C), the safe-harbor rule: ages of 90 and over stand in one category.
TOP_AGE = 90


def age_band(age: int, *, width: int) -> str:
    """The band of `width` years that holds `age` in whole years: `30-34`; `90+` at the top.

    >>> age_band(34, width=5), age_band(34, width=10), age_band(97, width=5)
    ('30-34', '30-39', '90+')
    """
    if age >= TOP_AGE:
        return f"{TOP_AGE}+"
    low = age - age % width
    return f"{low}-{low + width - 1}"


def life_stage(age: int) -> str:
    """A stage made of whole ten-year bands, so that the hierarchy nests: 0-19, 20-39, 40-59, 60+.

    >>> life_stage(19), life_stage(20), life_stage(90)
    ('child or teenager', 'young adult', 'older adult')
    """
    stages = ("child or teenager", "young adult", "middle-aged adult", "older adult")
    return stages[min(age // 20, len(stages) - 1)]


def hierarchies() -> dict[str, Rows]:
    """Every hierarchy seed by file name, header first.

    The first column is the value; the others are its levels from finest to coarsest, and each
    value of a finer level belongs to exactly one value of the next.
    """
    ages: Rows = [("age", "age_band_5", "age_band_10", "life_stage", "everyone")]
    for age in range(OLDEST_AGE + 1):
        bands = (age_band(age, width=5), age_band(age, width=10))
        ages.append((str(age), *bands, life_stage(age), EVERYONE))

    def two_levels(value: str, group: str, groups: dict[str, str]) -> Rows:
        return [(value, group, "everyone"), *((k, v, EVERYONE) for k, v in groups.items())]

    return {
        "hierarchy_age.csv": ages,
        "hierarchy_employer_size.csv": two_levels(
            "employer_size", "employer_size_group", EMPLOYER_SIZE_GROUPS
        ),
        "hierarchy_race.csv": two_levels("race_ethnicity", "race_group", RACE_GROUPS),
        "hierarchy_relationship.csv": two_levels(
            "relationship_to_reference_person", "relationship_group", RELATIONSHIP_GROUPS
        ),
    }


@contextmanager
def open_sample(wheel: Path, *, sha256: str = WHEEL_SHA256) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with one view per table of the sample, every column as text.

    Args:
        wheel: path of the wheel.
        sha256: what the wheel's SHA-256 must be, in hexadecimal.

    Raises:
        VeilError: the wheel is absent, another file, or lacks a table.
    """
    remedy = f"Run `pip download pseudopeople==1.3.1 --no-deps` and pass {WHEEL_NAME}."
    if not wheel.is_file():
        raise VeilError(f"there is no wheel at {wheel}.", remedy=remedy)
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise VeilError(f"{wheel} is not the pinned wheel: its SHA-256 differs.", remedy=remedy)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        try:
            with zipfile.ZipFile(wheel) as archive:
                for table in TABLES:
                    archive.extract(table.member, folder)
        except (zipfile.BadZipFile, KeyError) as error:
            raise VeilError(f"{wheel} lacks a table of the sample.", remedy=remedy) from error
        for table in TABLES:
            kept = ", ".join(f"cast({sql} as varchar) as {c}" for c, sql in table.columns.items())
            path = _literal(Path(folder, table.member))
            connection.execute(f"create view {table.name} as select {kept} from {path}")
        yield connection


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def sampled(table: Table) -> str:
    """The query of one seed: the rows of the sampled households, ordered by all columns."""
    in_sample = f"hash(household_id) % {HOUSEHOLD_SHARE} = 0"
    first, last = SEED_TAX_YEARS
    # `hash` belongs to the version of the engine: another one could pick other households.
    rows = {
        "census": f"from census where {in_sample}",
        "w2": f"from w2 where {in_sample} and tax_year between '{first}' and '{last}'",
        "wic": f"from wic where {in_sample}",
    }
    if table.name in rows:
        return f"select * {rows[table.name]} order by all"
    # Social security knows no household: its people are those who occur in the other three.
    people = " union ".join(f"select simulant_id {each}" for each in rows.values())
    return f"select * from {table.name} where simulant_id in ({people}) order by all"


def seed_files(connection: duckdb.DuckDBPyConnection) -> dict[str, Rows]:
    """Every seed by file name, header first: the people, the hierarchies, the daily events."""
    files: dict[str, Rows] = {}
    for table in TABLES:
        rows = connection.execute(sampled(table)).fetchall()
        files[f"seed_{table.name}.csv"] = [tuple(table.columns), *rows]
    return files | hierarchies() | event_files()


def extract(connection: duckdb.DuckDBPyConnection, out: Path) -> list[Path]:
    """Write the whole sample, all years, to `out` as `<table>.parquet`; the paths written.

    The columns are those of the seeds: same names, same order, all text. A file appears complete
    or not at all.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for table in TABLES:
        path, part = out / f"{table.name}.parquet", out / f"{table.name}.parquet.part"
        query = f"select * from {table.name} order by all"
        try:
            connection.execute(f"copy ({query}) to {_literal(part)} (format parquet)")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        written.append(path)
    return written


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Build the seeds from the sample data of the pinned pseudopeople wheel.",
        epilog=f"example: python scripts/build_seeds.py --wheel wheels/{WHEEL_NAME} --check",
    )
    parser.add_argument("--wheel", type=Path, required=True, help=f"path of {WHEEL_NAME}")
    parser.add_argument("--out", type=Path, default=Path("seeds"), help="folder of the seeds")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--check", action="store_true", help="compare --out with a rebuild; exit 1 if it differs"
    )
    mode.add_argument(
        "--extract", type=Path, metavar="DIR", help="write the whole sample to DIR as Parquet"
    )
    return parser


def main(argv: Sequence[str] | None = None, *, sha256: str = WHEEL_SHA256) -> int:
    """Run the command line; the exit code."""
    arguments = _arguments().parse_args(argv)
    try:
        with open_sample(arguments.wheel, sha256=sha256) as connection:
            if arguments.check:
                changed = changed_seeds(arguments.out, seed_files(connection), others={})
                for name in changed:
                    print(f"veil: {name} differs from a rebuild.", file=sys.stderr)
                return EXIT_FINDING if changed else EXIT_FINE
            if arguments.extract:
                written = extract(connection, arguments.extract)
            else:
                written = write_seeds(arguments.out, seed_files(connection), others={})
    except VeilError as error:
        print(f"veil: {error}", file=sys.stderr)
        return error.exit_code
    except (duckdb.Error, OSError) as error:
        # The engine's own text may quote a value: name the kind of failure alone.
        print(f"veil: cannot build the seeds ({type(error).__name__}).", file=sys.stderr)
        return VeilError.exit_code
    for path in written:
        print(f"{path}  {path.stat().st_size:,} bytes")
    return EXIT_FINE


if __name__ == "__main__":
    raise SystemExit(main())
