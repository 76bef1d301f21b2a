"""A differential release beside plain SQL and beside PipelineDP's local backend.

    python benchmarks/differential.py --rows 10000000
    python benchmarks/differential.py --rows 1000000 --pipeline-dp OTHER_VENV/bin/python

Prints Markdown tables. Events of people in 1,500 public cells (50 regions, 30 days), about ten a
person, with a long-tailed amount; count, people, sum and mean a cell; L0 4, Linf 2, amount clamped
to 0..500. Plain SQL is the same bounding and aggregation written by hand with window functions,
once with DuckDB's `hash()` for the order within a person, which anybody can predict, and once with
an unkeyed SHA-256. It draws no noise and no intervals; veil does both, and reads the same table.
PipelineDP (0.3.1, Apache 2.0) lives in an environment of its own and has 1,000,000 rows at most.

Each run is a process of its own, so that peak memory is its own too; the kinds take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_udfs"))

import duckdb
import opendp.prelude  # noqa: F401  # loaded here, and not while the clock runs

from veil.differential.ranks import Ranking
from veil.policy.graph import Node
from veil.releases import draw_cells, read_declared
from veil.releases.plan import plan
from veil.warehouse.bounding import aggregate
from veil.warehouse.contributions import Query

ROUNDS = 3
KEYS = ("region", "day")
EVENTS = """
    create table events as
    select
        'p1_kabcdef2_' || substr(sha256('u' || (hash(i * 7 + 1) % {people})), 1, 32) as person_key,
        'region ' || lpad(cast(hash(i * 3 + 2) % 50 as varchar), 2, '0') as region,
        date '2026-06-01' + cast(hash(i * 5 + 3) % 30 as integer) as day,
        cast(10 / (0.01 + (hash(i * 11 + 4) % 100000) / 100000.0) as decimal(10, 2)) as amount
    from range({rows}) as t (i)
"""
PLAIN = """
    with rows as (
        select *,
            row_number() over (
                partition by person_key, region, day order by {row_order}, amount
            ) as row_rank,
            {group_order} as group_order
        from events
    ),
    groups as (
        select *,
            dense_rank() over (
                partition by person_key order by group_order, region, day
            ) as group_rank
        from rows where row_rank <= 2
    )
    select region, day, count(*), count(distinct person_key),
        sum(least(greatest(amount, 0), 500)), avg(least(greatest(amount, 0), 500))
    from groups where group_rank <= 4 group by region, day
"""
HASHES = {
    "plain SQL, `hash()`": (
        "hash(person_key, region, day, amount)",
        "hash(person_key, region, day)",
    ),
    "plain SQL, `sha256()`": (
        "sha256(person_key || region || day || amount)",
        "sha256(person_key || region || day)",
    ),
}
VEIL = "veil, with noise and intervals"
PIPELINE = "PipelineDP, local backend"


def declared() -> Any:
    """The release as a mart's YAML declares it."""
    columns: dict[str, Any] = {
        "region": {"name": "region", "data_type": "varchar"},
        "day": {"name": "day", "data_type": "date"},
    }
    bounded = {"metric_column": "amount", "lower": 0, "upper": 500, "resolution": 0.01}
    for name, kind, meta in (
        ("visits", "bigint", {"metric": "count"}),
        ("people", "bigint", {"metric": "privacy_unit_count"}),
        ("amount_sum", "decimal(38,2)", {"metric": "sum", **bounded}),
        ("amount_mean", "decimal(38,2)", {"metric": "mean", **bounded}),
    ):
        columns[name] = {"name": name, "data_type": kind, "config": {"meta": meta}}
        for suffix in ("_low", "_high"):
            columns[name + suffix] = {"name": name + suffix, "data_type": kind}
    meta = {
        "privacy_release": "differential",
        "privacy_unit": "person_key",
        "privacy_budget": "people",
        "epsilon": 1,
        "max_partitions_contributed": 4,
        "max_contributions_per_partition": 2,
        "public_partitions": {
            "region": [f"region {at:02}" for at in range(50)],
            "day": {"from": "2026-06-01", "to": "2026-06-30"},
        },
    }
    raw = {
        "unique_id": "model.bench.events",
        "name": "events",
        "resource_type": "model",
        "raw_code": "",
        "columns": columns,
        "config": {"meta": meta},
    }
    return read_declared(Node(raw), public_relation=False)


def veil_release(conn: duckdb.DuckDBPyConnection) -> int:
    """Bound, aggregate, draw and put together, as a build does; the ledger's commit left out."""
    release = plan(declared())
    regions, days = (", ".join(f"('{one}')" for one in key.values) for key in release.declared.keys)
    cells = conn.execute(
        f"select region, cast(day as date) as day from (values {regions}) as r (region),"
        f" (values {days}) as d (day)"
    ).to_arrow_table()
    query = Query(
        sql="select * from events",
        unit="contributions.person_key",
        keys=KEYS,
        parts=release.parts,
        bounds=release.declared.bounds,
        cells=cells,
    )
    with conn.cursor() as own:
        bounded = aggregate(own, query, Ranking(bytes(32), "benchmark"))
    return draw_cells(release, bounded.keys, bounded.aggregates).num_rows


def run_one(kind: str, database: str) -> dict[str, float]:
    """One run, in this process: seconds, and megabytes at the most."""
    with duckdb.connect(database, read_only=True) as conn:
        conn.execute("select count(amount) from events").fetchall()
        before = time.perf_counter()
        if kind == VEIL:
            cells = veil_release(conn)
        else:
            row_order, group_order = HASHES[kind]
            sql = PLAIN.format(row_order=row_order, group_order=group_order)
            cells = len(conn.execute(sql).fetchall())
        seconds = time.perf_counter() - before
    if cells != 1500:
        raise SystemExit(f"{kind}: {cells} cells")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "megabytes": peak}


PIPELINE_SCRIPT = """
import json, resource, sys, time
import pipeline_dp, pyarrow.parquet as pq
rows = pq.read_table(sys.argv[1]).to_pydict()
rows = list(zip(rows["person_key"], rows["cell"], rows["amount"]))
before = time.perf_counter()
budget = pipeline_dp.NaiveBudgetAccountant(total_epsilon=1, total_delta=1e-9)
engine = pipeline_dp.DPEngine(budget, pipeline_dp.LocalBackend())
metrics = pipeline_dp.Metrics
params = pipeline_dp.AggregateParams(
    noise_kind=pipeline_dp.NoiseKind.LAPLACE,
    metrics=[metrics.COUNT, metrics.PRIVACY_ID_COUNT, metrics.SUM, metrics.MEAN],
    max_partitions_contributed=4, max_contributions_per_partition=2, min_value=0, max_value=500,
)
extractors = pipeline_dp.DataExtractors(
    privacy_id_extractor=lambda row: row[0],
    partition_extractor=lambda row: row[1],
    value_extractor=lambda row: row[2],
)
found = engine.aggregate(rows, params, extractors, public_partitions=list(range(1500)))
budget.compute_budgets()
cells = len(list(found))
seconds = time.perf_counter() - before
assert cells == 1500, cells
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "megabytes": peak}))
"""


def measured(kind: str, database: str, pipeline: str | None) -> dict[str, float]:
    """The same in a process of its own."""
    if kind == PIPELINE:
        command = [str(pipeline), "-c", PIPELINE_SCRIPT, database + ".parquet"]
    else:
        command = [sys.executable, __file__, "--run", kind, "--database", database]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--pipeline-dp", metavar="PYTHON", help="one that has pipeline-dp")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--database", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(run_one(options.run, options.database)))
        return
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "events.duckdb")
        with duckdb.connect(database) as conn:
            conn.execute(EVENTS.format(rows=options.rows, people=options.rows // 10))
            if options.pipeline_dp:
                conn.execute(
                    "copy (select person_key, cast(right(region, 2) as integer) * 30"
                    " + datediff('day', date '2026-06-01', day) as cell,"
                    f" cast(amount as double) as amount from events) to '{database}.parquet'"
                )
        kinds = [VEIL, *HASHES, *([PIPELINE] if options.pipeline_dp else [])]
        found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
        for _ in range(ROUNDS):
            for kind in kinds:
                found[kind].append(measured(kind, database, options.pipeline_dp))
                print(f"{kind}: {found[kind][-1]}", file=sys.stderr)
    table(options.rows, found)


def table(rows: int, found: dict[str, list[dict[str, float]]]) -> None:
    """Medians, and how often veil's time they are."""
    own = statistics.median(one["seconds"] for one in found[VEIL])
    print(f"{rows:,} events, {rows // 10:,} people, 1,500 cells, {os.cpu_count()} cores\n")
    print("| | seconds, median of 3 | as often as veil | peak memory |")
    print("|---|---|---|---|")
    for kind, runs in found.items():
        seconds = statistics.median(one["seconds"] for one in runs)
        peak = max(one["megabytes"] for one in runs)
        print(f"| {kind} | {seconds:.2f} | {seconds / own:.2f} | {peak:,.0f} MB |")
    print()


if __name__ == "__main__":
    main()
