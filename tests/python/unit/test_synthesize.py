"""Simulated people and events: reproducible, shaped like the real thing, and nobody real."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from veil.errors import UsageError, VeilError
from veil.synthesize import names
from veil.warehouse.synthesize import MAX_PEOPLE, SHARES, Synthesized, main, synthesize

PEOPLE = 60_000
EVENTS = 300_000

TEXTS = "sex race_ethnicity email phone street_address zip"
PEOPLE_COLUMNS = {
    "person_id": "BIGINT",
    **dict.fromkeys(["ssn", "first_name", "last_name"], "VARCHAR"),
    "date_of_birth": "DATE",
    **dict.fromkeys(TEXTS.split(), "VARCHAR"),
    "household_id": "BIGINT",
    "region": "VARCHAR",
}
EVENT_COLUMNS = {
    "event_id": "BIGINT",
    "person_id": "BIGINT",
    "event_at": "TIMESTAMP",
    "day": "DATE",
    "category": "VARCHAR",
    "amount_cents": "BIGINT",
    "amount": "DECIMAL(12,2)",
    "ip_address": "VARCHAR",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(people=PEOPLE, events=EVENTS, seed=7, out=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def data(files: Synthesized) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"create view people as from '{files.people}'")
        connection.execute(f"create view events as from '{files.events}'")
        yield connection


def one(data: duckdb.DuckDBPyConnection, query: str) -> float:
    row = data.execute(query).fetchone()
    assert row
    return row[0]


def share(data: duckdb.DuckDBPyConnection, table: str, condition: str) -> float:
    return one(data, f"select avg(cast(coalesce({condition}, false) as integer)) from {table}")


# ---- it works


def test_the_columns_are_those_that_are_documented(data: duckdb.DuckDBPyConnection) -> None:
    """Names, order and types of both files."""
    people = {row[0]: row[1] for row in data.execute("describe people").fetchall()}
    events = {row[0]: row[1] for row in data.execute("describe events").fetchall()}

    assert list(people.items()) == list(PEOPLE_COLUMNS.items())
    assert list(events.items()) == list(EVENT_COLUMNS.items())


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_files_do_not_depend_on_the_number_of_threads(tmp_path: Path, kind: str) -> None:
    """One thread and two write the same bytes, over several row groups."""
    written = []
    for threads in (1, 2):
        with duckdb.connect(config={"threads": threads}) as connection:
            paths = synthesize(
                connection,
                people=130_000,
                events=270_000,
                seed=3,
                out=tmp_path / str(threads),
                format=kind,  # type: ignore[arg-type]
            )
            written.append((paths.people.read_bytes(), paths.events.read_bytes()))

    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("people", set(PEOPLE_COLUMNS) - {"person_id", "household_id"}),
        ("events", set(EVENT_COLUMNS) - {"event_id"}),
    ],
)
def test_another_seed_gives_other_values(tmp_path: Path, kind: str, columns: set[str]) -> None:
    """The seed reaches every column but the numbers of the rows."""
    first, second = (
        getattr(synthesize(people=500, events=500, seed=seed, out=tmp_path / str(seed)), kind)
        for seed in (1, 2)
    )
    with duckdb.connect() as connection:
        same = {
            column: one(
                connection,
                f"select avg(cast(a.{column} is not distinct from b.{column} as integer))"
                f" from '{first}' as a positional join '{second}' as b",
            )
            for column in columns
        }

    assert {column for column, part in same.items() if part > 0.7} == set()


def test_ids_are_unique_and_every_event_has_a_person(data: duckdb.DuckDBPyConnection) -> None:
    """The keys hold: 1..n in both files, and no orphan."""
    assert one(data, "select count(distinct person_id) from people") == PEOPLE
    assert one(data, "select count(distinct event_id) from events") == EVENTS
    assert one(data, "select max(person_id) from people") == PEOPLE
    assert one(data, "select count(*) from events anti join people using (person_id)") == 0


def test_ssns_and_emails_are_one_to_a_person(data: duckdb.DuckDBPyConnection) -> None:
    """After normalising, no number and no address is shared."""
    for column in ("replace(ssn, '-', '')", "lower(trim(email))"):
        assert one(data, f"select count({column}) - count(distinct {column}) from people") == 0


def test_dirt_occurs_at_the_documented_shares(data: duckdb.DuckDBPyConnection) -> None:
    """Each share is within five standard errors and a rounding of what SHARES says."""
    conditions = {
        "email_null": ("people", "email is null"),
        "phone_null": ("people", "phone is null"),
        "ssn_null": ("people", "ssn is null"),
        "ssn_plain": ("people", "ssn not like '%-%'"),
        "name_untrimmed": ("people", "last_name <> trim(last_name)"),
        "sex_null": ("people", "sex is null"),
        "race_null": ("people", "race_ethnicity is null"),
        "address_null": ("people", "street_address is null"),
        "email_upper": ("people", "email = upper(email)"),
        "email_untrimmed": ("people", "email <> trim(email)"),
        "amount_null": ("events", "amount is null"),
        "ip_null": ("events", "ip_address is null"),
        "ip_v6": ("events", "ip_address like '%:%'"),
    }
    assert set(conditions) == set(SHARES)
    # A null comes first, then upper case: later shares count among what is left.
    left = {"email_upper": 0.95, "email_untrimmed": 0.95 * 0.97, "ssn_plain": 0.99, "ip_v6": 0.97}
    for name, (table, condition) in conditions.items():
        expected = SHARES[name] * left.get(name, 1)
        # An address serves about as many events as a person has: fewer draws than rows.
        draws = 30_000 if name == "ip_v6" else PEOPLE if table == "people" else EVENTS
        margin = 5 * (expected * (1 - expected) / draws) ** 0.5

        assert share(data, table, condition) == pytest.approx(expected, abs=margin), name


def test_events_are_long_tailed_over_people(data: duckdb.DuckDBPyConnection) -> None:
    """Most people have few events and a few have hundreds, so bounding contributions matters."""
    median, top = data.execute(
        "select median(n), max(n) from (select count(*) as n from events group by person_id)"
    ).fetchone() or (0, 0)

    assert 1 <= median <= 6
    assert top > 100 * median


def test_amounts_are_long_tailed_and_the_two_columns_agree(
    data: duckdb.DuckDBPyConnection,
) -> None:
    """Cents and decimal say the same; the largest amount is far above the median."""
    median, top, low = data.execute(
        "select median(amount), max(amount), min(amount) from events"
    ).fetchone() or (0, 0, 0)
    differing = "cast(amount * 100 as bigint) is distinct from amount_cents"

    assert one(data, f"select count(*) from events where {differing}") == 0
    assert 15 < median < 20
    assert top > 100 * median
    assert low >= 1


def test_zip_prefixes_are_many_and_long_tailed(data: duckdb.DuckDBPyConnection) -> None:
    """Hundreds of three-digit prefixes, a few large, most of them small enough to suppress."""
    count, large, median = data.execute(
        "select count(*), max(n), median(n)"
        " from (select count(*) as n from people group by left(zip, 3))"
    ).fetchone() or (0, 0, 0)

    assert share(data, "people", "regexp_full_match(zip, '[0-9]{5}')") == 1
    assert 700 < count <= 900
    assert large > 20 * median
    assert one(data, "select count(distinct region) from people") == 50


def test_households_share_an_address_and_mostly_a_name(data: duckdb.DuckDBPyConnection) -> None:
    """About two people a household, one zip each, most with one family name."""
    size, zips = data.execute(
        "select avg(n), max(z) from (select count(*) as n, count(distinct zip) as z"
        " from people group by household_id)"
    ).fetchone() or (0, 0)
    named = one(
        data,
        "select avg(cast(k = 1 as integer)) from (select count(distinct trim(last_name)) as k"
        " from people group by household_id having count(*) > 1)",
    )

    assert size == pytest.approx(2, abs=0.01)
    assert zips == 1
    assert 0.6 < named < 0.9


def test_columns_are_drawn_apart_from_each_other(data: duckdb.DuckDBPyConnection) -> None:
    """The correlation of two numeric columns is within six standard errors of none."""
    for pair in ("ascii(left(sex, 1)), date_diff('day', date_of_birth, date '2026-06-01')",
                 "cast(right(zip, 2) as integer), cast(right(phone, 2) as integer)"):  # fmt: skip
        assert abs(one(data, f"select corr({pair}) from people")) < 6 / PEOPLE**0.5
    assert abs(one(data, "select corr(ln(amount_cents), day_of_month) from"
        " (select *, day(day) as day_of_month from events)")) < 6 / EVENTS**0.5  # fmt: skip


def test_races_occur_at_the_shares_of_the_census_sample(data: duckdb.DuckDBPyConnection) -> None:
    """Every race of the hierarchy occurs, with its share of 1000."""
    assert sum(names.RACES.values()) == 1000
    for race, thousandths in names.RACES.items():
        expected = 0.97 * thousandths / 1000
        margin = 5 * (expected / PEOPLE) ** 0.5

        assert share(data, "people", f"race_ethnicity = '{race}'") == pytest.approx(
            expected, abs=margin
        )


def test_days_and_categories_are_complete(data: duckdb.DuckDBPyConnection) -> None:
    """30 days, 20 categories, and `day` is the day of `event_at`."""
    assert one(data, "select count(distinct day) from events") == 30
    assert one(data, "select count(distinct category) from events") == 20
    assert one(data, "select count(*) from events where day <> cast(event_at as date)") == 0


def test_nobody_is_born_after_the_first_event(data: duckdb.DuckDBPyConnection) -> None:
    """Ages lie between 0 and 100."""
    oldest = "date_of_birth < date '2026-06-01' - interval 36501 day"

    assert share(data, "people", "date_of_birth > date '2026-06-01'") == 0
    assert share(data, "people", oldest) == 0
    assert share(data, "people", "date_of_birth < date '1976-06-01'") > 0.2


# ---- nobody real


def test_no_ssn_could_be_anybodys(data: duckdb.DuckDBPyConnection) -> None:
    """Area 900-999 is never an SSN; groups up to 49 are no taxpayer number either."""
    digits = "replace(ssn, '-', '')"
    shape = f"regexp_full_match({digits}, '9[0-9]{{2}}(0[1-9]|[1-4][0-9])[0-9]{{4}}')"

    assert one(data, f"select count(*) from people where not {shape}") == 0
    assert one(data, f"select count(*) from people where right({digits}, 4) = '0000'") == 0
    assert one(data, f"select count(distinct left({digits}, 3)) from people") == 100


def test_no_email_or_phone_could_be_anybodys(data: duckdb.DuckDBPyConnection) -> None:
    """Domains are reserved by RFC 2606, lines 555-0100 to 555-0199 by the numbering plan."""
    email = "regexp_full_match(lower(trim(email)), '.+@(example\\.(com|net|org)|.+\\.example)')"
    phone = "regexp_full_match(right(regexp_replace(phone, '[^0-9]', '', 'g'), 7), '55501[0-9]{2}')"

    assert one(data, f"select count(*) from people where not {email}") == 0
    assert one(data, f"select count(*) from people where not {phone}") == 0


def test_every_address_on_the_net_is_valid_canonical_and_reserved(
    data: duckdb.DuckDBPyConnection,
) -> None:
    """IPv4 from RFC 2544, IPv6 from RFC 3849, each written as Python writes it."""
    reserved = (ipaddress.ip_network("198.18.0.0/15"), ipaddress.ip_network("2001:db8::/32"))
    query = "select distinct ip_address from events where ip_address is not null limit 5000"
    found = [row[0] for row in data.execute(query).fetchall()]
    parsed = {text: ipaddress.ip_address(text) for text in found}

    assert {address.version for address in parsed.values()} == {4, 6}
    assert [text for text, address in parsed.items() if str(address) != text] == []
    assert all(any(address in net for net in reserved) for address in parsed.values())


# ---- it is refused


def test_files_that_are_there_are_kept_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run stops with exit code 3 and changes nothing; --force replaces."""
    arguments = ["--people", "10", "--events", "10", "--out", str(tmp_path)]
    assert main([*arguments, "--seed", "1"]) == 0
    before = (tmp_path / "people.parquet").read_bytes()
    capsys.readouterr()

    assert main([*arguments, "--seed", "2"]) == 3
    assert capsys.readouterr().err.startswith("veil: ")
    assert (tmp_path / "people.parquet").read_bytes() == before
    assert main([*arguments, "--seed", "2", "--force"]) == 0
    assert (tmp_path / "people.parquet").read_bytes() != before
    assert {path.name for path in tmp_path.iterdir()} == {"people.parquet", "events.parquet"}


def test_one_of_the_two_files_is_enough_to_refuse(tmp_path: Path) -> None:
    """An events file without its people would be replaced just as silently."""
    (tmp_path / "events.parquet").write_bytes(b"mine")

    with pytest.raises(VeilError, match=r"events\.parquet exists"):
        synthesize(people=1, events=1, seed=1, out=tmp_path)
    assert not (tmp_path / "people.parquet").exists()


@pytest.mark.parametrize(
    ("people", "events"), [(0, 1), (-1, 1), (MAX_PEOPLE + 1, 1), (1, -1), (1, 10**12)]
)
def test_counts_out_of_range_are_a_usage_error(tmp_path: Path, people: int, events: int) -> None:
    """More people than SSNs, or none at all, are refused before anything is written."""
    with pytest.raises(UsageError):
        synthesize(people=people, events=events, seed=1, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_shuffles_rows_is_refused(tmp_path: Path) -> None:
    """Without the insertion order the same seed would give other files."""
    with (
        duckdb.connect(config={"preserve_insertion_order": False}) as connection,
        pytest.raises(VeilError, match="insertion order"),
    ):
        synthesize(connection, people=1, events=1, seed=1, out=tmp_path)


def test_a_folder_that_cannot_be_made_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the way of the folder is exit code 3, not a traceback."""
    (tmp_path / "file").write_text("in the way")
    code = main(["--people", "1", "--events", "1", "--out", str(tmp_path / "file/data")])

    assert code == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failure_halfway_leaves_neither_file_nor_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The people are complete when the events fail: still nothing appears."""
    monkeypatch.setattr(
        "veil.warehouse.synthesize._events", lambda *_, **__: "select error('x') from range(3)"
    )

    with pytest.raises(VeilError, match="cannot write"):
        synthesize(people=5, events=5, seed=1, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--out"], ["--people", "many", "--out", "x"], []])
def test_wrong_arguments_are_exit_code_2(arguments: list[str]) -> None:
    """The usual code for wrong usage."""
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)

    assert exit_info.value.code == 2


def test_the_module_runs_and_its_help_has_an_example() -> None:
    """`python -m veil.synthesize --help` is how a reader meets it."""
    done = subprocess.run(
        [sys.executable, "-m", "veil.synthesize", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "python_udfs")},
    )

    assert "example: python -m veil.synthesize" in done.stdout


# ---- small numbers


@pytest.mark.parametrize("people", [1, 2, 3, 12, 13])
def test_few_people_work_as_well_as_many(tmp_path: Path, people: int) -> None:
    """The permutation of the ids covers every person, also when there are one or two."""
    paths = synthesize(people=people, events=2000, seed=5, out=tmp_path)
    with duckdb.connect() as connection:
        found = connection.execute(
            "select count(distinct person_id), min(person_id), max(person_id)"
            f" from '{paths.events}'"
        ).fetchone()

    assert found == (people, 1, people)
