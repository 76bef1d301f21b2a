"""The script that builds the seeds, on a wheel made by the tests."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

from veil.errors import VeilError

ROOT = Path(__file__).resolve().parents[3]
SEEDS = ROOT / "seeds"
# The scripts stand beside each other and import each other.
sys.path.insert(0, str(ROOT / "scripts"))


def load_script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


build_seeds = load_script("build_seeds")
seed_files = load_script("seed_files")


def sampled_household(wanted: bool) -> str:
    """A household number that is in the sample, or is not."""
    with duckdb.connect() as connection:
        row = connection.execute(
            "select h from (select '0_' || i as h from range(1000) t(i)) "
            "where (hash(h) % 13 = 0) = ? order by h limit 1",
            [wanted],
        ).fetchone()
    assert row
    return row[0]


def write_wheel(path: Path, *, rows: int = 3) -> str:
    """A wheel with the layout of the real one and a few invented people; its SHA-256."""
    inside, outside = sampled_household(True), sampled_household(False)
    delivered = f"""
        'p' || i as simulant_id, if(i % 2 = 0, '{inside}', '{outside}') as household_id,
        2020 + i as year, 2018 + i // 2 as tax_year, 'W2' as tax_form, '900-01-000' || i as ssn,
        'O"Neil, A' as first_name, 'Ünal' as last_name,
        timestamp_ns '1980-02-03 00:00:00' as date_of_birth,
        if(i = 0, null, '12') as street_number, 'main st' as street_name, 40 as age,
        'Female' as sex, 'White' as race_ethnicity,
        'Sibling' as relationship_to_reference_person, 'Household' as housing_type,
        i as employer_id, 'Acme' as employer_name, 1000 * i as wages, 'creation' as event_type,
        timestamp_ns '1980-02-04 00:00:00' as event_date, 'unused' as copy_ssn
    """
    parquet = path.parent / "table.parquet"
    with duckdb.connect() as connection, zipfile.ZipFile(path, "w") as archive:
        connection.execute(
            f"copy (select {delivered} from range({rows}) t(i) order by -i)"
            f" to '{parquet}' (format parquet)"
        )
        for table in build_seeds.TABLES:
            archive.write(parquet, table.member)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "sample.whl"
    return path, write_wheel(path)


def run(wheel: tuple[Path, str], *arguments: str | Path) -> int:
    path, sha256 = wheel
    return build_seeds.main(["--wheel", str(path), *map(str, arguments)], sha256=sha256)


def test_a_rebuild_is_the_same_byte_for_byte(wheel: tuple[Path, str], tmp_path: Path) -> None:
    """Two builds agree in every file, and --check says so."""
    assert run(wheel, "--out", tmp_path / "a") == 0
    assert run(wheel, "--out", tmp_path / "b") == 0

    first, second = ({p.name: p.read_bytes() for p in (tmp_path / x).iterdir()} for x in "ab")
    assert first == second
    assert len(first) == 12
    assert run(wheel, "--out", tmp_path / "a", "--check") == 0


def test_a_seed_keeps_the_sampled_households_and_drops_the_rest(
    wheel: tuple[Path, str], tmp_path: Path
) -> None:
    """Commas, quotes, accents and NULL survive; line ends are LF; other households are absent."""
    run(wheel, "--out", tmp_path / "seeds")
    household = sampled_household(True)
    text = (tmp_path / "seeds/seed_census.csv").read_bytes().decode()

    assert text == (
        "simulant_id,household_id,year,first_name,last_name,date_of_birth,street_address,age,sex,"
        "race_ethnicity,relationship_to_reference_person,housing_type\n"
        f'p0,{household},2020,"O""Neil, A",Ünal,1980-02-03,main st,40,Female,White,Sibling,'
        "Household\n"
        f'p2,{household},2022,"O""Neil, A",Ünal,1980-02-03,12 main st,40,Female,White,Sibling,'
        "Household\n"
    )


def test_a_seed_of_tax_forms_keeps_2019_to_2023(tmp_path: Path) -> None:
    """The first and the last year are in, their neighbours are not."""
    path = tmp_path / "sample.whl"
    run((path, write_wheel(path, rows=14)), "--out", tmp_path / "seeds")
    with (tmp_path / "seeds/seed_w2.csv").open(encoding="utf-8") as stream:
        years = {row["tax_year"] for row in csv.DictReader(stream)}

    # Delivered were 2018 to 2024, each year once to the sampled household.
    assert years == {"2019", "2020", "2021", "2022", "2023"}


@pytest.mark.parametrize("damage", ["change", "remove", "add"])
def test_check_names_the_file_that_differs(
    wheel: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    """One changed byte, a missing file or a stray one is a finding: exit code 1."""
    out = tmp_path / "seeds"
    run(wheel, "--out", out)
    victim = out / ("seed_stray.csv" if damage == "add" else "seed_w2.csv")
    if damage == "remove":
        victim.unlink()
    else:
        victim.write_bytes((victim.read_bytes() if victim.exists() else b"") + b"x")
    capsys.readouterr()

    assert run(wheel, "--out", out, "--check") == 1
    assert capsys.readouterr().err == f"veil: {victim.name} differs from a rebuild.\n"


def test_the_extract_has_the_columns_of_the_seeds_as_text_and_every_row(
    wheel: tuple[Path, str], tmp_path: Path
) -> None:
    """A raw model reads a seed or the full sample without a change."""
    assert run(wheel, "--out", tmp_path / "seeds") == 0
    assert run(wheel, "--extract", tmp_path / "full") == 0
    names = ("census", "w2", "social_security", "wic")

    assert {path.name for path in (tmp_path / "full").iterdir()} == {f"{n}.parquet" for n in names}
    with duckdb.connect() as connection:
        for name in names:
            path = tmp_path / f"full/{name}.parquet"
            described = connection.execute(f"describe from '{path}'").fetchall()
            header = (tmp_path / f"seeds/seed_{name}.csv").read_text().splitlines()[0]
            assert ",".join(column[0] for column in described) == header
            assert {column[1] for column in described} == {"VARCHAR"}
            assert connection.execute(f"select count(*) from '{path}'").fetchone() == (3,)


def test_the_shipped_seeds_have_the_columns_that_the_script_writes() -> None:
    """A column added to the script without a rebuild is noticed without the wheel."""
    headers = {
        table.name: (SEEDS / f"seed_{table.name}.csv").read_text(encoding="utf-8").splitlines()[0]
        for table in build_seeds.TABLES
    }

    assert headers == {table.name: ",".join(table.columns) for table in build_seeds.TABLES}


@pytest.mark.parametrize("name", build_seeds.hierarchies())
def test_the_shipped_hierarchies_are_those_of_the_script(name: str, tmp_path: Path) -> None:
    """They need no wheel, so every test run rebuilds them."""
    fresh = tmp_path / name
    seed_files.write_csv(fresh, build_seeds.hierarchies()[name])

    assert fresh.read_bytes() == (SEEDS / fresh.name).read_bytes()


@pytest.mark.parametrize("content", [None, b"not the wheel"])
def test_a_wrong_or_absent_wheel_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    """Exit code 3, the way out, no traceback, and nothing is written."""
    path = tmp_path / "other.whl"
    if content:
        path.write_bytes(content)
    code = build_seeds.main(["--wheel", str(path), "--out", str(tmp_path / "seeds")])
    error = capsys.readouterr().err

    assert code == 3
    assert error.startswith("veil: ")
    assert error.count("\n") == 1
    assert "pip download pseudopeople==1.3.1" in error
    assert not (tmp_path / "seeds").exists()


def test_a_wheel_without_a_table_is_refused(tmp_path: Path) -> None:
    """The hash is checked first, the content all the same."""
    path = tmp_path / "empty.whl"
    zipfile.ZipFile(path, "w").close()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    with (
        pytest.raises(VeilError, match="lacks a table"),
        build_seeds.open_sample(path, sha256=sha256),
    ):
        pass


def test_an_empty_string_is_refused_because_it_would_come_back_as_null(tmp_path: Path) -> None:
    """NULL and the empty string are two things, and CSV has one form for both."""
    with pytest.raises(VeilError, match="empty string"):
        seed_files.write_csv(tmp_path / "x.csv", [("a", "b"), ("", "c")])


def test_an_engine_error_is_reported_without_a_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cast that fails quotes the value; the message of the script does not."""
    path = tmp_path / "bad.whl"
    parquet = tmp_path / "bad.parquet"
    with duckdb.connect() as connection, zipfile.ZipFile(path, "w") as archive:
        connection.execute(f"copy (select '078-05-1120' as ssn) to '{parquet}' (format parquet)")
        for table in build_seeds.TABLES:
            archive.write(parquet, table.member)
    wheel = path, hashlib.sha256(path.read_bytes()).hexdigest()

    assert run(wheel, "--out", tmp_path / "seeds") == 3
    error = capsys.readouterr().err
    assert error.startswith("veil: cannot build the seeds")
    assert error.count("\n") == 1
    assert "078-05-1120" not in error
