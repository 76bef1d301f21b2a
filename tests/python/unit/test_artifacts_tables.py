"""Values inside DuckDB and Parquet files: live rows, names, comments, and what was dropped."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from veil.artifacts import Identifier, KeySearch, Kind, fingerprint
from veil.artifacts.inspector import Inspector, Tally
from veil.artifacts.reading import chunks
from veil.warehouse.artifacts import open_tables
from veil.warehouse.zones import load_crypto

SSN = "123-45-6789"
NAMES = ("Carla", "Petra", "Ines", "Nora", "Ruth", "Greta")


@pytest.fixture
def inspector() -> Inspector:
    rows = [Identifier("people.ssn", "p0", SSN)]
    rows += [Identifier("people.first", f"p{n}", name) for n, name in enumerate(NAMES)]
    rows += [Identifier("people.last", "p0", "Wong"), Identifier("people.last", "p1", "Diaz")]
    return Inspector(fingerprint(rows), KeySearch([]))


def _tables(inspector: Inspector, path: Path) -> dict[str, tuple[set[str], set[str]]]:
    """By table: the sources found in it, and the columns that they were found in."""
    found = {}
    with open_tables(path) as opened:
        assert opened.kind is Kind.TABLES
        for sheet in opened.sheets:
            tally = Tally()
            inspector.sheet(sheet, tally)
            if tally:
                sources = {inspector.sources[source] for source in tally.values}
                found[sheet.name] = (sources, set(tally.columns.values()))
    return found


def _bytes(inspector: Inspector, path: Path) -> set[str]:
    tally = Tally()
    with path.open("rb") as file:
        for chunk in chunks(file):
            inspector.chunk(chunk, tally)
    return {inspector.sources[source] for source in tally.values}


def _duckdb(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as conn:
        for statement in statements:
            conn.execute(statement)
    return path


@pytest.mark.parametrize(
    "value",
    [
        f"'{SSN}'",
        "123456789::bigint",
        f"['x', '{SSN}']",
        f"{{'a': {{'b': '{SSN}'}}}}",
        f"map {{'{SSN}': 1}}",
        f'\'{{"s": "{SSN}"}}\'::json',
        f"'{SSN}'::blob",
        f"'{SSN}'::enum('{SSN}', 'x')",
    ],
)
def test_value_of_any_type_is_found(inspector: Inspector, tmp_path: Path, value: str) -> None:
    """Text, numbers, lists, structs, maps, JSON, blobs and enums; column and table are named."""
    path = _duckdb(tmp_path / "a.duckdb", f"create table t as select 1 as id, {value} as code")

    assert _tables(inspector, path)["t"] == ({"people.ssn"}, {"code"})


@pytest.mark.parametrize(
    "statement",
    [
        f"comment on table t is 'see {SSN}'",
        f"comment on column t.a is '{SSN}'",
        f"create view v as select a from t where a = '{SSN}'",
        f'create table "{SSN}" (a int)',
        f'alter table t rename column a to "{SSN}"',
        f"create macro m(x) as x = '{SSN}'",
        f"alter table t alter column a set default '{SSN}'",
        f"create table c (a varchar check (a <> '{SSN}'))",
        f"create type e as enum ('{SSN}')",
    ],
)
def test_names_comments_and_definitions_are_read(
    inspector: Inspector, tmp_path: Path, statement: str
) -> None:
    """A value in the catalogue is as readable as one in a table."""
    path = _duckdb(tmp_path / "a.duckdb", "create table t (a varchar)", statement)

    assert "people.ssn" in _tables(inspector, path)[""][0]


def test_row_is_the_company_of_a_name(inspector: Inspector, tmp_path: Path) -> None:
    """First and last name of one person in one row count; of two persons, they do not."""
    path = _duckdb(
        tmp_path / "a.duckdb",
        "create table same as select 'Carla' as f, 3 as n, 'Wong' as l",
        "create table other as select 'Petra' as f, 'Wong' as l union all select 'Carla', 'Diaz'",
    )

    assert set(_tables(inspector, path)) == {"same"}


def test_column_of_names_counts_as_a_whole(inspector: Inspector, tmp_path: Path) -> None:
    """No given name counts alone; a column of nothing else does, and a few among many do not."""
    names = ", ".join(f"('{name}')" for name in NAMES)
    many = ", ".join(f"('category {number}')" for number in range(20))
    path = _duckdb(
        tmp_path / "a.duckdb",
        f"create table names as from (values {names}) as t(who)",
        f"create table mixed as from (values {names}, {many}) as t(what)",
    )

    assert _tables(inspector, path) == {"names": ({"people.first"}, {"who"})}


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "zstd"])
def test_parquet_is_read_whatever_its_codec(
    inspector: Inspector, tmp_path: Path, codec: str
) -> None:
    """Rows and key-value metadata; a reader of bytes alone would miss a compressed page."""
    path = tmp_path / "a.parquet"
    with duckdb.connect() as conn:
        conn.execute(
            f"copy (select range as n, repeat('{SSN} ', 3) as s from range(500)) to '{path}'"
            f" (format parquet, codec '{codec}', kv_metadata {{note: 'of {SSN}'}})"
        )
    found = _tables(inspector, path)

    assert found["a"] == ({"people.ssn"}, {"s"})
    assert found[""][0] == {"people.ssn"}


def test_bytes_show_what_was_dropped(inspector: Inspector, tmp_path: Path) -> None:
    """A dropped table is gone from the catalogue, and its strings still stand in the file."""
    path = _duckdb(
        tmp_path / "a.duckdb",
        "pragma force_compression = 'uncompressed'",
        f"create table t as select '{SSN}' as s, range as n from range(200000)",
        "checkpoint",
        "drop table t",
        "checkpoint",
    )

    assert SSN.encode() in path.read_bytes()  # or the test passes for the wrong reason
    assert _tables(inspector, path) == {}
    assert _bytes(inspector, path) == {"people.ssn"}


def test_encrypted_file_is_told_from_one_that_says_so(tmp_path: Path) -> None:
    """Only a file that DuckDB refuses without a key counts as encrypted."""
    closed = tmp_path / "closed.duckdb"
    with duckdb.connect() as conn:
        load_crypto(conn)
        conn.execute(f"attach '{closed}' as z (encryption_key '{'ab' * 32}')")
        conn.execute(f"create table z.t as select '{SSN}' as s")
    forged = _duckdb(tmp_path / "forged.duckdb", f"create table t as select '{SSN}' as s")
    data = bytearray(forged.read_bytes())
    data[20] |= 1
    forged.write_bytes(data)
    kinds = {}
    for path in (closed, forged):
        with open_tables(path) as opened:
            kinds[path.stem] = opened.kind

    assert kinds == {"closed": Kind.ENCRYPTED, "forged": Kind.BROKEN}


def test_file_under_scan_reads_no_other_file(inspector: Inspector, tmp_path: Path) -> None:
    """A view in a scanned file cannot make the scanner open something else."""
    secret = tmp_path / "secret.csv"
    secret.write_text(f"a\n{SSN}\n")
    path = _duckdb(
        tmp_path / "a.duckdb",
        "create table t (a int)",
        f"create view v as select * from read_csv('{secret}')",
    )

    assert _tables(inspector, path) == {}


@pytest.mark.parametrize("head", [b"PAR1", b"\0" * 8 + b"DUCK"])
def test_broken_table_file_is_not_passed_over(tmp_path: Path, head: bytes) -> None:
    """A file that claims to be a table and does not open is told from one that does not."""
    path = tmp_path / "a"
    path.write_bytes(head + b"x" * 5000)
    kinds = []
    try:
        with open_tables(path) as opened:
            kinds.append(opened.kind)
            list(opened.sheets)
    except Exception as error:
        kinds.append(type(error).__name__)

    assert kinds[-1] in {Kind.BROKEN, "UnreadableError"}
