"""Total error of a release under fixed bounds, and under those that a private look proposes.

    python benchmarks/tuning.py --rows 10000000

Prints a Markdown table. Both releases cost the same epsilon in all: of the second one the look pays
its part out of it. People have about ten events each, over 50 regions and 30 days; amounts are
long-tailed. Everything is done by veil's own code: bounding, noise, the look and the proposal; only
the ledger and dbt are left out. The error of a metric is the sum of all cells' absolute errors,
against the true totals without any bound, over the sum of the totals; the total is the mean of the
metrics' errors.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_udfs"))

from veil.differential.measures import Measure
from veil.differential.noise import NoiseKind
from veil.differential.ranks import Ranking
from veil.differential.sensitivity import Clamp, Contribution
from veil.releases import Declared, Key, Metric, MetricKind, Period, draw_cells
from veil.releases.plan import plan
from veil.tuning import Grids, plan_look, propose
from veil.tuning.search import adopted
from veil.warehouse.bounding import aggregate
from veil.warehouse.contributions import Query
from veil.warehouse.look import people_by_bin

REGIONS, DAYS, EVENTS_EACH = 50, 30, 10
KEY = bytes(range(32))
AMOUNT = Clamp(lower=Fraction(0), upper=Fraction(500), resolution=Fraction(1, 100))
METRICS = (
    Metric(name="events", kind=MetricKind.COUNT),
    Metric(name="people", kind=MetricKind.UNITS),
    *(
        Metric(
            name=f"amount_{kind}",
            kind=kind,
            column="amount",
            clamp=AMOUNT,
            resolution=AMOUNT.resolution,
        )
        for kind in (MetricKind.SUM, MetricKind.MEAN)
    ),
)
NAMES = tuple(metric.name for metric in METRICS)


def declared(epsilon: Fraction) -> Declared:
    """The reference release: L0 4, Linf 2, amounts from 0 to 500."""
    keys = (
        Key(name="region", data_type="integer", values=tuple(range(REGIONS))),
        Key(name="day", data_type="integer", values=tuple(range(DAYS))),
    )
    return Declared(
        name="events",
        mart="model.benchmark.events",
        budget="people",
        period=Period("once"),
        on_change=False,
        increment=None,
        unit="person",
        unit_within=None,
        keys=keys,
        metrics=METRICS,
        bounds=Contribution(max_partitions_contributed=4, max_contributions_per_partition=2),
        noise_kind=NoiseKind.LAPLACE,
        measure=Measure.EPSILON,
        loss=epsilon,
        delta=Fraction(0),
        pre_threshold=1,
        confidence=Fraction(19, 20),
        columns=("region", "day", *(name + end for name in NAMES for end in ("", "_low", "_high"))),
        public_relation=False,
    )


def make_events(conn: duckdb.DuckDBPyConnection, rows: int) -> None:
    """A table of events: the same at every run, and in no order."""
    people = max(1, rows // EVENTS_EACH)
    conn.execute(
        "create table events as select 'p' || (hash(i) % "
        f"{people}) as person, cast(hash(i + 1000000007) % {REGIONS} as integer) as region,"
        f" cast(hash(i + 2000000011) % {DAYS} as integer) as day,"
        # Log-normal: median 20, mean 33, 99 % below 206.
        " cast(exp(3 + sqrt(-2 * ln((hash(i + 3) % 1000000 + 1) / 1000001))"
        " * cos(2 * pi() * (hash(i + 7) % 1000000) / 1e6)) as decimal(12, 2)) as amount"
        f" from range({rows}) as numbers(i)"
    )


def query(mart: Declared, *, cells: pa.Table) -> Query:
    """The row query of a mart over the events."""
    return Query(
        sql="select * from events",
        unit="contributions.person",
        keys=tuple(key.name for key in mart.keys),
        parts=plan(mart).parts,
        bounds=mart.bounds,
        cells=cells,
    )


def truth(conn: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    """The exact cells, in the order of the keys."""
    found = conn.execute(
        "select count(*) as events, count(distinct person) as people,"
        " sum(cast(amount as double)) as amount_sum, avg(cast(amount as double)) as amount_mean"
        " from events group by region, day order by region, day"
    ).to_arrow_table()
    return {name: found[name].to_numpy().astype(np.float64) for name in NAMES}


def release(conn: duckdb.DuckDBPyConnection, mart: Declared, *, cells: pa.Table) -> pa.Table:
    """Draw a release."""
    with closing(conn.cursor()) as cursor:
        bounded = aggregate(cursor, query(mart, cells=cells), Ranking(KEY, mart.name))
    return draw_cells(plan(mart), bounded.keys, bounded.aggregates)


def errors(drawn: pa.Table, true: dict[str, np.ndarray]) -> dict[str, float]:
    """Sum of absolute errors over the sum of the true values, of each metric."""
    return {
        name: float(
            np.abs(drawn[name].to_numpy().astype(np.float64) - true[name]).sum()
            / np.abs(true[name]).sum()
        )
        for name in NAMES
    }


def row(name: str, mart: Declared, found: dict[str, float], seconds: float) -> str:
    """A line of the table."""
    bounds = mart.bounds
    uppers = ", ".join(f"{float(one.clamp.upper):g}" for one in mart.metrics if one.clamp)
    numbers = " | ".join(f"{100 * found[metric]:.2f} %" for metric in NAMES)
    total = 100 * sum(found.values()) / len(found)
    return (
        f"| {name} | {float(mart.loss):g} | {bounds.max_partitions_contributed},"
        f" {bounds.max_contributions_per_partition} | {uppers} | {numbers} | {total:.2f} % |"
        f" {seconds:.1f} |"
    )


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Error under fixed bounds and under tuned ones.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--epsilon", type=Fraction, default=Fraction(1))
    parser.add_argument("--look", type=Fraction, help="of it, for the look; a twentieth")
    options = parser.parse_args()
    if options.rows < EVENTS_EACH or options.epsilon <= 0:
        parser.error("at least 10 rows, and an epsilon above 0.")
    look_loss = options.look or options.epsilon / 20
    fixed = declared(options.epsilon)
    with duckdb.connect() as conn:
        make_events(conn, options.rows)
        cells = conn.execute(
            f"select cast(r as integer) as region, cast(d as integer) as day"
            f" from range({REGIONS}) as a(r), range({DAYS}) as b(d)"
        ).to_arrow_table()
        true = truth(conn)
        start = time.perf_counter()
        before = errors(release(conn, fixed, cells=cells), true)
        taken = [time.perf_counter() - start]
        start = time.perf_counter()
        grids = Grids.of(fixed, cells=cells.num_rows)
        look = plan_look(fixed, grids, cells=cells.num_rows, loss=look_loss)
        with closing(conn.cursor()) as cursor:
            seen = people_by_bin(cursor, query(fixed, cells=cells), grids, Ranking(KEY, "look"))
        shape = look.shape(look.draw(seen))
        left = options.epsilon - look_loss
        proposal = propose(fixed, shape, grids, loss=left)
        taken.append(time.perf_counter() - start)
        tuned = adopted(fixed, proposal.best, loss=left)
        start = time.perf_counter()
        after = errors(release(conn, tuned, cells=cells), true)
        taken.append(time.perf_counter() - start)
    ratio = sum(before.values()) / sum(after.values())
    print(f"{options.rows:,} rows, {cells.num_rows:,} cells, epsilon {float(options.epsilon):g}")
    print(f"in all; the look pays {float(look_loss):g} and takes {taken[1]:.1f} s.\n")
    print(f"| bounds | epsilon | L0, Linf | upper | {' | '.join(NAMES)} | total | s |")
    print("|---|---|---|---|" + "---|" * (len(NAMES) + 2))
    print(row("fixed", fixed, before, taken[0]))
    print(row("tuned", tuned, after, taken[2]))
    print(f"\nTotal error of the fixed bounds over that of the tuned ones: {ratio:.1f}.")
    expected = proposal.best.total
    print(f"The proposal expected a total of {100 * expected:.2f} %.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
