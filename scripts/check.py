"""Everything that proves the project, in order: lint, types, tests. `make test` calls it.

Prints one line a step and pytest's closing line last; the output of a step that fails is shown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("python_udfs", "tests", "scripts", "benchmarks")
LINT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff", ("ruff", "check", "--quiet", *CODE)),
    ("format", ("ruff", "format", "--check", "--quiet", *CODE)),
    ("mypy", ("mypy", "--no-error-summary")),
    (
        "sqlfluff",
        ("sqlfluff", "lint", "models", "tests/sql"),
    ),
)


def run(name: str, command: tuple[str, ...]) -> bool:
    """Run one step of `command` from the environment's own folder; True where it passed."""
    started = time.monotonic()
    tool = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    passed = done.returncode == 0
    # Flushed, so that pytest's own closing line comes last.
    print(
        f"{name}: {'passed' if passed else 'FAILED'} ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    if not passed:
        print(done.stdout + done.stderr, flush=True)
    return passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="lint and types only")
    options = parser.parse_args()
    profile = ROOT / "profiles.yml"
    if not profile.exists():  # sqlfluff compiles through dbt, which needs a profile
        profile.write_bytes((ROOT / "profiles.example.yml").read_bytes())
    passed = [run(name, command) for name, command in LINT]
    if not all(passed):
        return 1
    if options.lint:
        return 0
    workers = str(os.cpu_count() or 1)
    command = [sys.executable, "-m", "pytest", "-n", workers, "--dist", "worksteal"]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
