"""Pseudonyms beside an unkeyed hash and a Python function per row, in one process.

    python benchmarks/pseudonyms.py --rows 3000000

Prints a Markdown table. The queries run in turn, `--repeats` times, so that a busy moment of the
machine falls on all of them; the smallest and the median time are shown.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python_udfs"))

from veil.keys import Keyring, LocalFileProvider
from veil.pseudonyms.mac import Pseudonymiser, mac_head
from veil.warehouse.functions import register_functions

BUILTIN = "built-in `sha256(v)`, no key"
VEIL = "`veil_pseudonym(v, domain, type)`, as models call it"
ARROW = "`Pseudonymiser.tokens` as a function of one argument"
NOTHING = "a function that returns its argument"
ROWWISE = "Python function per row (`hmac`)"
KEY = "ab" * 32
KID = "kabcdefg"


def per_row(key: str, kid: str) -> Callable[[str], str]:
    """Make the usual hand-written function: one value, one call."""
    head = mac_head("email", "email")

    def pseudonym(value: str) -> str:
        mac = hmac.new(key.encode(), head + value.strip().lower().encode(), hashlib.sha256)
        return f"p1_{kid}_{base64.b32encode(mac.digest()[:20]).decode().lower()}"

    return pseudonym


def keyring_in(folder: Path) -> Keyring:
    """Make a keyring that lives as long as the benchmark."""
    (folder / "kek").mkdir(mode=0o700)
    key = str(folder / "kek" / "key")
    LocalFileProvider(key).create()
    return Keyring.create(folder / "keyring.json", kek_ref=f"file:{key}")


def prepare(conn: duckdb.DuckDBPyConnection, *, rows: int, row_wise: int, folder: Path) -> None:
    """Register the functions and make the rows, all distinct."""
    engine = Pseudonymiser(KEY, KID)

    def one(values: Any) -> pa.Array:
        return engine.tokens(values, privacy_type="email")

    register_functions(conn, keyring_in(folder))
    text = "VARCHAR"
    conn.create_function("same", lambda v: v, [text], text, type="arrow", null_handling="special")
    conn.create_function("one", one, [text], text, type="arrow", null_handling="special")
    conn.create_function("each", per_row(KEY, KID), [text], text)
    for table, count in (("t", rows), ("few", row_wise)):
        conn.execute(
            f"create table {table} as "
            f"select 'person-' || i || '@example.org' as v from range({count}) as r(i)"
        )


def measure(conn: duckdb.DuckDBPyConnection, *, rows: int, row_wise: int, repeats: int) -> str:
    """Time every query in turn; returns a Markdown table and what it says."""
    queries = {
        BUILTIN: "select sha256(v) as p from t",
        VEIL: "select veil_pseudonym(v, 'person', 'email') as p from t",
        ARROW: "select one(v) as p from t",
        NOTHING: "select same(v) as p from t",
        ROWWISE: "select each(v) as p from few",
    }
    times: dict[str, list[float]] = {name: [] for name in queries}
    for _ in range(repeats):
        for name, query in queries.items():
            start = time.perf_counter()
            conn.execute(f"create or replace table o as {query}").fetchall()
            times[name].append(time.perf_counter() - start)
    times[ROWWISE] = [each * rows / row_wise for each in times[ROWWISE]]
    lines = [
        "| | min s | median s | min, times sha256 | median, times sha256 |",
        "|---|---|---|---|---|",
    ]
    base = times[BUILTIN]
    for name, taken in times.items():
        low, mid = min(taken), statistics.median(taken)
        ratios = f"{low / min(base):.2f} | {mid / statistics.median(base):.2f}"
        lines.append(f"| {name} | {low:.2f} | {mid:.2f} | {ratios} |")
    faster = min(times[ROWWISE]) / min(times[VEIL])
    lines.append(
        f"\nThe last row was measured on {row_wise:,} rows and scaled; `veil_pseudonym` is"
        f" {faster:.0f} times as fast."
    )
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Time pseudonyms beside an unkeyed hash.")
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    row_wise = max(1, options.rows // 200)
    print(f"{options.rows:,} distinct strings, {options.repeats} runs.")
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as conn:
        prepare(conn, rows=options.rows, row_wise=row_wise, folder=Path(folder))
        agreed = conn.execute("select bool_and(one(v) = each(v)) from few").fetchall()
        if agreed != [(True,)]:
            print("veil: the two pseudonyms differ.", file=sys.stderr)
            return 1
        for threads in sorted({1, os.cpu_count() or 1}):
            conn.execute(f"set threads = {threads}")
            print(f"\n### {threads} thread{'' if threads == 1 else 's'}\n")
            print(
                measure(conn, rows=options.rows, row_wise=row_wise, repeats=options.repeats),
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
