"""Run every benchmark and write what they print to docs/benchmarks.md.

python benchmarks/run.py
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
PARTS = {
    "pseudonyms.py": "Pseudonyms beside an unkeyed hash and a Python function per row",
    "check.py": "`veil check` beside `dbt parse` and `dbt compile`",
    "record.py": "The audit record beside a chain of hashes in a file and in SQLite",
    "differential.py": "A differential release beside plain SQL and PipelineDP",
    "tuning.py": "A release with tuned bounds beside one with fixed bounds",
}
NOTES = {
    "pseudonyms.py": """The mark is 2.5 times the unkeyed hash. One thread stays below it, several
threads stand around it and often above: DuckDB hands a function 2,048 rows at a time under Python's
interpreter lock, so that a function that does nothing already costs about as much as the hash.
An HMAC is four compressions of SHA-256 where the hash is one.""",
    "check.py": """A thousand models from sources to marts. Cold, most of the time is dbt's own
parse, which the check has to run once; after that it renders and follows by itself what changed,
without dbt. Its marks are 20 seconds cold, 3 seconds after a change of one model, and 500 MB.""",
    "record.py": """All three hold the same lines, and each append is on the disk when it returns.
The marks are 50 ms for an append, a checkpoint and a proof, and 60 seconds for reading all of it.
The chains are read faster because less is asked of them: that each line carries the hash of the one
before, which whoever writes to the file can compute. They have no checkpoint, and no proof shorter
than themselves. veil takes a lock and looks at the end of its file before each append, so that
another process, a crash or a change in between is noticed. The largest times are those of the
disk.""",
    "differential.py": """The marks: at most 1.25 times plain SQL with the same bounding, at no more
memory, and at least 8 times as fast as PipelineDP at a million rows (`--rows 1000000 --pipeline-dp
PYTHON`). Which order a person's rows are cut in matters to the plain SQL: `hash()` is what is
quickly written, and anybody can predict it; `sha256()` without a key can be predicted too. veil's
order is keyed, by AES for groups and HMAC for rows, and its time includes the noise and intervals
of all cells. Peak memory is that of a process with all its libraries.""",
    "tuning.py": """Both cost the same epsilon in all. The mark is a total error at least 5 times
lower. Fixed bounds of 4 groups and 2 rows throw most events of a person with ten away; the look
finds how many a person has, and where clamping costs more than noise.""",
}
HEAD = """# Benchmarks

This page says how fast veil is beside what you would use instead. Each table is one run of one
process on one machine; the ratios carry over to other machines, the seconds do not.

    make benchmark

"""


def main() -> int:
    """Run the benchmarks, one after the other."""
    argparse.ArgumentParser(
        description="Run every benchmark; rewrite docs/benchmarks.md."
    ).parse_args()
    text = HEAD + (
        f"Measured with Python {platform.python_version()} and DuckDB {duckdb.__version__} on"
        f" {os.cpu_count()} cores ({platform.machine()}).\n"
    )
    for file, title in PARTS.items():
        print(f"veil: {title}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, str(HERE / file)], stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            print(f"veil: benchmarks/{file} failed; docs/benchmarks.md stays.", file=sys.stderr)
            return 1
        text += f"\n## {title}\n\n`python benchmarks/{file}`\n\n{done.stdout}\n{NOTES[file]}\n"
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
