"""Simulated people and their events in any number, by DuckDB alone.

Every value is a function of (seed, column, row number) through DuckDB's `hash()`, and the only
floating-point operations are exact ones (product, quotient, square root). So the files are the
same for a seed, whatever the number of threads; `hash()` belongs to the version of the engine.

Nobody real can be in them: SSNs have area numbers that are never issued, and groups that no
taxpayer number uses; e-mail domains, phone numbers and addresses on the net are those that RFC
2606, the numbering plan (555-01xx), RFC 2544 and RFC 3849 reserve.

people.parquet: person_id, ssn, first_name, last_name, date_of_birth, sex, race_ethnicity, email,
phone, street_address, zip, household_id, region. events.parquet: event_id, person_id, event_at,
day, category, amount_cents, amount, ip_address. Part of the values is dirty, on purpose: `SHARES`.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import duckdb

from veil.errors import EXIT_FINE, UsageError, VeilError
from veil.synthesize import names
from veil.synthesize.draw import Draw
from veil.warehouse.quoting import literal

Format = Literal["parquet", "csv"]

# What the normalisers find to do, as a share of the rows. Upper case, blanks and missing hyphens
# are shares of the values that an earlier line of the same column left as they were.
SHARES: Final = {
    "email_null": 0.05,
    "email_upper": 0.03,
    "email_untrimmed": 0.02,
    "phone_null": 0.12,
    "ssn_plain": 0.02,
    "ssn_null": 0.01,
    "name_untrimmed": 0.01,
    "sex_null": 0.01,
    "race_null": 0.03,
    "address_null": 0.04,
    "amount_null": 0.005,
    "ip_null": 0.03,
    "ip_v6": 0.2,
}

REGIONS: Final = 50
CATEGORIES: Final = 20
ZIP_PREFIXES: Final = 900
FIRST_DAY: Final = "2026-06-01"
DAYS: Final = 30

# Area 900-999, group 01-49, serial 0001-9999. Numbers in 9xx with higher groups are taxpayer
# numbers (ITIN, ATIN), which people do hold.
_SSN_GROUPS: Final = 49
_SSN_SERIALS: Final = 9999
MAX_PEOPLE: Final = 100 * _SSN_GROUPS * _SSN_SERIALS
MAX_EVENTS: Final = 10_000_000_000

# Twelve people make six households: of 1, 2, 4, 1, 3 and 1.
_HOUSEHOLDS: Final = (0, 1, 1, 2, 2, 2, 2, 3, 4, 4, 4, 5)


@dataclass(frozen=True)
class Synthesized:
    """The paths of the two files."""

    people: Path
    events: Path


def _dirt(draw: Draw) -> Callable[[str], str]:
    """What happens to the share of the rows that `SHARES` says."""
    return lambda what: draw.happens(what, SHARES[what])


def _people(draw: Draw, people: int) -> str:
    """The query of the people, one row per person, ordered by person_id."""
    happens = _dirt(draw)
    households = f"(i // {len(_HOUSEHOLDS)}) * {max(_HOUSEHOLDS) + 1}"
    member = f"{list(_HOUSEHOLDS)}[1 + i % {len(_HOUSEHOLDS)}]"
    # The cube of a unit draw makes a few prefixes large and most of them small.
    rank = draw.unit("zip", "h")
    return f"""
    with numbered as (
        select i, {households} + {member} as h, {draw.scramble(MAX_PEOPLE, "i")} as number
        from range({people}) as rows(i)
    ),
    drawn as (
        select
            i, h, number,
            {draw.below(2, "sex")} = 0 as is_female,
            cast(least(floor({ZIP_PREFIXES} * {rank} * {rank} * {rank}), {ZIP_PREFIXES - 1})
                as bigint) as prefix,
            {draw.below(10, "own_name")} = 0 as has_own_name,
        from numbered
    ),
    named as (
        select
            *,
            case when is_female then {draw.pick(names.FEMALE, "first_name")}
                else {draw.pick(names.MALE, "first_name")} end as first,
            case when has_own_name then {draw.pick(names.LAST, "own_last_name")}
                else {draw.pick(names.LAST, "last_name", "h")} end as last,
            format('{{:03d}}-{{:02d}}-{{:04d}}',
                900 + number // {_SSN_GROUPS * _SSN_SERIALS},
                1 + number // {_SSN_SERIALS} % {_SSN_GROUPS},
                1 + number % {_SSN_SERIALS}) as ssn_text,
        from drawn
    ),
    written as (
        select
            *,
            lower(regexp_replace(strip_accents(first || '.' || last), '[^A-Za-z.]', '', 'g'))
                || i || '@' || case
                    when {draw.below(10, "employer_domain")} = 0
                        then 'firm-' || {draw.skewed(5000, "domain")} || '.example'
                    else {draw.pick(("example.com", "example.net", "example.org"), "domain")}
                end as email_text,
            {draw.below(800, "area")} + 200 as area,
            lpad(cast({draw.below(100, "line")} as varchar), 2, '0') as line,
        from named
    )
    select
        i + 1 as person_id,
        case when {happens("ssn_null")} then null
            when {happens("ssn_plain")} then replace(ssn_text, '-', '')
            else ssn_text end as ssn,
        first as first_name,
        case when {happens("name_untrimmed")} then last || ' ' else last end as last_name,
        date '{FIRST_DAY}' - cast(floor(
            36500 * {draw.unit("age")} * (0.55 + 0.45 * {draw.unit("older")})) as integer)
            as date_of_birth,
        case when {happens("sex_null")} then null
            when is_female then 'Female' else 'Male' end as sex,
        case when {happens("race_null")} then null
            else {draw.weighted(names.RACES, "race")} end as race_ethnicity,
        case when {happens("email_null")} then null
            when {happens("email_upper")} then upper(email_text)
            when {happens("email_untrimmed")} then ' ' || email_text || ' '
            else email_text end as email,
        case when {happens("phone_null")} then null
            else case {draw.below(3, "phone_form")}
                when 0 then '(' || area || ') 555-01' || line
                when 1 then area || '-555-01' || line
                else '+1 ' || area || ' 555 01' || line end end as phone,
        case when {happens("address_null")} then null
            else (1 + {draw.skewed(9999, "house", "h")}) || ' '
                || {draw.pick(names.STREETS, "street", "h")} || ' '
                || {draw.pick(names.STREET_KINDS, "street_kind", "h")}
            end as street_address,
        -- 7 has no divisor in common with 900: large prefixes do not stand side by side
        lpad(cast(10 + prefix * 7 % {ZIP_PREFIXES} as varchar), 3, '0')
            || lpad(cast({draw.below(100, "zip_end", "h")} as varchar), 2, '0') as zip,
        h + 1 as household_id,
        'R' || lpad(cast(1 + prefix % {REGIONS} as varchar), 2, '0') as region
    from written
    """


def _events(draw: Draw, *, people: int, events: int) -> str:
    """The query of the events, one row per event, ordered by event_id."""
    # A person's count falls with the square root of the rank: a Pareto tail of index 2.
    person = draw.scramble(people, draw.skewed(people, "person"))
    happens = _dirt(draw)
    last_second = DAYS * 86_400
    v6_thousandths = round(SHARES["ip_v6"] * 1000)
    return f"""
    with drawn as (
        select
            i,
            {person} as p,
            {draw.below(last_second, "second")} as seconds,
            {draw.skewed(CATEGORIES, "category")} as category_number,
            {draw.unit("amount")} as u,
        from range({events}) as rows(i)
    ),
    valued as (
        select
            *,
            -- Lomax of index 2: median 17.6, one in a hundred above 360, no finite variance
            case when {happens("amount_null")} then null
                else 100 + cast(floor(least(4000 * (1 / sqrt(u) - 1), 99999900.0)) as bigint)
                end as amount_cents,
            -- three addresses to a person
            {draw.bits("ip", f"p * 3 + {draw.below(3, 'device')}")} as address,
        from drawn
    )
    select
        i + 1 as event_id,
        p + 1 as person_id,
        timestamp '{FIRST_DAY}' + to_seconds(seconds) as event_at,
        date '{FIRST_DAY}' + cast(seconds // 86400 as integer) as day,
        'category_' || lpad(cast(category_number + 1 as varchar), 2, '0') as category,
        amount_cents,
        cast(cast(amount_cents as decimal(12, 0)) * 0.01 as decimal(12, 2)) as amount,
        case when {happens("ip_null")} then null
            when (address >> 50) % 1000 < {v6_thousandths}
                then format('2001:db8:{{:x}}:{{:x}}::{{:x}}',
                    1 + cast(address % 65535 as bigint),
                    1 + cast((address >> 16) % 65535 as bigint),
                    1 + cast((address >> 32) % 65535 as bigint))
            else '198.' || (18 + address % 2) || '.' || ((address >> 8) % 256) || '.'
                || (1 + (address >> 16) % 254) end as ip_address
    from valued
    """


@contextmanager
def _progress(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Say on stderr how far the running query is; a moving bar on a terminal only."""
    done = threading.Event()

    def draw_bar() -> None:
        while not done.wait(0.2):
            percent = max(0, min(100, int(connection.query_progress())))
            bar = f"\rveil: {name} [{'#' * (percent // 5):<20}] {percent:3d} %"
            print(bar, end="", flush=True, file=sys.stderr)

    print(f"veil: writing {name}", file=sys.stderr)
    if not sys.stderr.isatty():
        yield
        return
    connection.execute("set enable_progress_bar = true")
    connection.execute("set enable_progress_bar_print = false")
    thread = threading.Thread(target=draw_bar, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print(file=sys.stderr)


def synthesize(
    connection: duckdb.DuckDBPyConnection | None = None,
    *,
    people: int,
    events: int,
    seed: int,
    out: Path,
    format: Format = "parquet",
    force: bool = False,
    progress: bool = False,
) -> Synthesized:
    """Write `people` simulated people and `events` events to two files in `out`.

    Args:
        connection: where the queries run; a new one in memory when None. It must preserve the
            insertion order (the engine's default).
        people: number of people, 1 to `MAX_PEOPLE`.
        events: number of events, 0 to `MAX_EVENTS`, long-tailed over the people.
        seed: any whole number; the same seed gives the same files.
        out: the folder, made when absent.
        format: `parquet` or `csv`, also the ending of the files.
        force: replace files that are there.
        progress: say on stderr what is going on.

    Returns:
        The paths. A file is complete or absent: it is written beside its place and renamed.

    Raises:
        UsageError: a count is out of range.
        VeilError: a file is there and `force` is not given, or the files cannot be written.
    """
    if not 1 <= people <= MAX_PEOPLE:
        raise UsageError(f"--people must be between 1 and {MAX_PEOPLE:,}.")
    if not 0 <= events <= MAX_EVENTS:
        raise UsageError(f"--events must be between 0 and {MAX_EVENTS:,}.")
    written = Synthesized(out / f"people.{format}", out / f"events.{format}")
    for path in (written.people, written.events):
        if path.exists() and not force:
            raise VeilError(f"{path} exists.", remedy="Pass --force, or another folder.")
    draw = Draw(seed)
    jobs = {
        written.people: _people(draw, people),
        written.events: _events(draw, people=people, events=events),
    }
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in jobs}
    options = "format parquet, compression zstd" if format == "parquet" else "format csv, header"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with connection.cursor() if connection else duckdb.connect() as session:
            _require_order(session)
            for path, query in jobs.items():
                target = literal(str(parts[path]))
                with _progress(session, path.name) if progress else nullcontext():
                    session.execute(f"copy ({query}) to {target} ({options})")
        for path, part in parts.items():
            part.replace(path)
    except (duckdb.Error, OSError) as error:
        raise VeilError(
            f"cannot write the simulated data to {out} ({type(error).__name__}).",
            remedy="Check that the folder can be written and has room.",
        ) from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
    return written


def _require_order(session: duckdb.DuckDBPyConnection) -> None:
    row = session.execute("select current_setting('preserve_insertion_order')").fetchone()
    if row != (True,):
        raise VeilError(
            "this connection does not preserve the insertion order.",
            remedy="`set preserve_insertion_order = true`: without it a seed decides nothing.",
        )


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m veil.synthesize",
        description="Write simulated people and events, the same for the same seed.",
        epilog="example: python -m veil.synthesize --people 1000000 --events 10000000 --seed 7"
        " --out data/synthetic",
    )
    parser.add_argument("--people", type=int, default=100_000, help="people (%(default)s)")
    parser.add_argument("--events", type=int, default=1_000_000, help="events (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="any whole number (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the two files")
    parser.add_argument(
        "--format", choices=("parquet", "csv"), default="parquet", help="%(default)s"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line: 0 fine, 2 usage, 3 cannot run."""
    options = _arguments().parse_args(argv)
    try:
        written = synthesize(
            people=options.people,
            events=options.events,
            seed=options.seed,
            out=options.out,
            format=options.format,
            force=options.force,
            progress=True,
        )
    except VeilError as error:
        print(f"veil: {error}", file=sys.stderr)
        return error.exit_code
    for path in (written.people, written.events):
        print(f"{path}  {path.stat().st_size:,} bytes")
    return EXIT_FINE
