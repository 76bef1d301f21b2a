#!/usr/bin/env python3
"""Build the seeds of daily events: visits to public clinics, their regions and treatments.

    python scripts/build_events.py             writes them, and pins their checksums
    python scripts/build_events.py --check     compares; exit code 1 where one differs

Every visitor is simulated. The output is the same byte for byte at every run and under every
version of Python: the draws are whole numbers made of SHA-256, so that neither `random`'s
algorithms nor a platform's rounding take part.

Exit codes: 0 fine, 1 `--check` found a difference, 2 usage, 3 cannot run.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from seed_files import Rows, changed_seeds, pinned_sums, write_seeds

from veil.errors import EXIT_FINDING, EXIT_FINE, VeilError

VISITS = "seed_visits.csv"
REGIONS = "seed_regions.csv"
TREATMENT_LEVELS = "hierarchy_treatment.csv"

SEED = 20260601
PEOPLE = 1500
# A Monday; two whole weeks, so that every day of the week occurs twice.
FIRST_DAY = date(2026, 6, 1)
DAYS = 14
# Monday to Sunday: at weekends the clinics treat what cannot wait.
WEEKDAY_WEIGHTS = (20, 17, 16, 17, 15, 7, 3)
# Somebody treated every day but Sunday, as after an operation, and one person on Sundays too.
DAILY_PEOPLE = 8
# Of anybody else; more than half come once.
MOST_VISITS = 37
OPENING_HOUR, OPEN_HOURS = 7, 12

REGION_ROWS = (
    # code, name, group, people in a thousand
    ("N1", "Harbour Coast", "north", 150),
    ("N2", "Upper Lakes", "north", 90),
    ("N3", "Northern Hills", "north", 50),
    ("C1", "Capital City", "centre", 330),
    ("C2", "River Plain", "centre", 190),
    ("S1", "Eastern Fields", "south", 110),
    ("S2", "Southern Vale", "south", 65),
    ("S3", "Outer Islands", "south", 15),
)
AWAY_IN_THOUSAND = 70


@dataclass(frozen=True)
class Treatment:
    """A kind of treatment.

    Attributes:
        name: as it stands in the seed.
        service: the service that gives it, one of six.
        weight: visits in a thousand.
        minutes: the shortest visit; most are near it, a few last nine times as long.
        cents: the least cost.
        spread: cents above `cents` that the dearest visit reaches.
    """

    name: str
    service: str
    weight: int
    minutes: int
    cents: int
    spread: int


TREATMENTS = (
    Treatment("general consultation", "consultation", 320, 8, 3500, 9000),
    Treatment("specialist consultation", "consultation", 110, 12, 6000, 18000),
    Treatment("blood test", "laboratory", 175, 5, 1200, 38000),
    Treatment("infection test", "laboratory", 55, 5, 1600, 21000),
    Treatment("wound dressing", "nursing", 95, 10, 1800, 9000),
    Treatment("injection", "nursing", 35, 5, 1500, 12000),
    Treatment("physiotherapy", "therapy", 80, 20, 2800, 12000),
    Treatment("occupational therapy", "therapy", 30, 25, 3200, 9000),
    Treatment("family counselling", "counselling", 40, 30, 5200, 15000),
    Treatment("addiction counselling", "counselling", 30, 25, 4800, 12000),
    Treatment("x-ray", "imaging", 18, 10, 8000, 20000),
    Treatment("tomography", "imaging", 12, 20, 16000, 74000),
)
SERVICE_GROUPS = {
    "consultation": "advice",
    "counselling": "advice",
    "imaging": "examination",
    "laboratory": "examination",
    "nursing": "care",
    "therapy": "care",
}
COST_UNKNOWN_IN_THOUSAND = 60
MINUTES_UNKNOWN_IN_THOUSAND = 35


@dataclass
class Draw:
    """A stream of whole numbers: SHA-256 of a seed and a counter, 64 bits at a time."""

    seed: int
    _count: int = field(default=0, init=False)

    def below(self, n: int) -> int:
        """0..n-1; the bias of the remainder is under n / 2**64."""
        self._count += 1
        digest = hashlib.sha256(f"veil.events:{self.seed}:{self._count}".encode()).digest()
        return int.from_bytes(digest[:8]) % n

    def skewed(self, n: int, *, power: int) -> int:
        """0..n-1, low ones more often: floor(n * u**power) for an even u of 0..1."""
        part = self.below(1 << 32)
        return int(n * part**power >> 32 * power)

    def weighted(self, weights: Sequence[int]) -> int:
        """A place in `weights`, each with its share of their sum."""
        limits = list(accumulate(weights))
        return bisect_right(limits, self.below(limits[-1]))


@dataclass(frozen=True, order=True)
class _Visit:
    """One visit without its number; the order is that of the seed."""

    visited_at: str
    person_id: str
    region: str
    treatment: str
    minutes: str | None = field(compare=False)
    cost: str | None = field(compare=False)


def regions() -> Rows:
    """The public list of regions, header first."""
    return [("region", "region_name", "region_group"), *(row[:3] for row in REGION_ROWS)]


def treatments() -> Rows:
    """The hierarchy of treatments, header first; a level's values belong to one of the next."""
    levels = ((one.name, one.service, SERVICE_GROUPS[one.service], "*") for one in TREATMENTS)
    return [("treatment", "service", "service_group", "everyone"), *levels]


def visits() -> Rows:
    """Every visit in order of time, header first.

    Most people come once, a few on most days, and exactly one on every day of the fortnight.
    """
    draw = Draw(SEED)
    found: list[_Visit] = []
    for person in range(PEOPLE):
        # 48271 is prime and no factor of 900,000: every person has another number.
        person_id = f"C-{100_000 + (person + 1) * 48_271 % 900_000}"
        home = draw.weighted([row[3] for row in REGION_ROWS])
        for day in _days_of(draw, person):
            away = draw.below(1000) < AWAY_IN_THOUSAND
            region = draw.below(len(REGION_ROWS)) if away else home
            found.append(_visit(draw, person_id, day=day, region=REGION_ROWS[region][0]))
    header = ("visit_id", "person_id", "visited_at", "region", "treatment", "minutes", "cost")
    rows: Rows = [header]
    for number, one in enumerate(sorted(found), start=1):
        row = (one.visited_at, one.region, one.treatment, one.minutes, one.cost)
        rows.append((f"V-{number:06}", one.person_id, *row))
    return rows


def _days_of(draw: Draw, person: int) -> list[int]:
    """The days of one person's visits, 0..13; a day stands as often as there are visits on it."""
    if person < DAILY_PEOPLE:
        daily = [day for day in range(DAYS) if person == 0 or day % 7 != 6]
        return daily + [daily[draw.below(len(daily))] for _ in range(draw.below(DAYS))]
    weights = list(WEEKDAY_WEIGHTS * (DAYS // 7))
    # One day on which this person never comes, so that nobody else is there on all of them.
    weights[draw.below(DAYS)] = 0
    return [draw.weighted(weights) for _ in range(1 + draw.skewed(MOST_VISITS, power=6))]


def _visit(draw: Draw, person_id: str, *, day: int, region: str) -> _Visit:
    given = TREATMENTS[draw.weighted([one.weight for one in TREATMENTS])]
    minute = OPENING_HOUR * 60 + draw.below(OPEN_HOURS * 60)
    minutes = given.minutes + draw.skewed(8 * given.minutes, power=4)
    cents = given.cents + draw.skewed(given.spread, power=5)
    return _Visit(
        visited_at=f"{FIRST_DAY + timedelta(days=day)} {minute // 60:02}:{minute % 60:02}",
        person_id=person_id,
        region=region,
        treatment=given.name,
        minutes=None if draw.below(1000) < MINUTES_UNKNOWN_IN_THOUSAND else str(minutes),
        cost=None
        if draw.below(1000) < COST_UNKNOWN_IN_THOUSAND
        else f"{cents // 100}.{cents % 100:02}",
    )


def event_files() -> dict[str, Rows]:
    """The seeds of daily events by file name, header first."""
    return {VISITS: visits(), REGIONS: regions(), TREATMENT_LEVELS: treatments()}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Build the seeds of daily events: simulated visits, regions and treatments.",
        epilog="example: python scripts/build_events.py --check",
    )
    parser.add_argument("--out", type=Path, default=Path("seeds"), help="folder of the seeds")
    parser.add_argument(
        "--check", action="store_true", help="compare --out with a rebuild; exit 1 if it differs"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    arguments = _arguments().parse_args(argv)
    files = event_files()
    try:
        pinned = pinned_sums(arguments.out)
        others = {name: digest for name, digest in pinned.items() if name not in files}
        if arguments.check:
            changed = changed_seeds(arguments.out, files, others=others)
            for name in changed:
                print(f"veil: {name} differs from a rebuild.", file=sys.stderr)
            return EXIT_FINDING if changed else EXIT_FINE
        written = write_seeds(arguments.out, files, others=others)
    except VeilError as error:
        print(f"veil: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"veil: cannot build the seeds ({type(error).__name__}).", file=sys.stderr)
        return VeilError.exit_code
    for path in written:
        print(f"{path}  {path.stat().st_size:,} bytes")
    return EXIT_FINE


if __name__ == "__main__":
    raise SystemExit(main())
