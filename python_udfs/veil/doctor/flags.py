"""Checks of dbt's own flags in dbt_project.yml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from veil.doctor.check import Check, error, note, warning
from veil.doctor.place import Place
from veil.findings import Finding

FILE = "dbt_project.yml"
OVERRIDES = "require_explicit_package_overrides_for_builtin_materializations"


def telemetry_is_off(place: Place) -> Iterator[Finding]:
    """dbt sends usage statistics unless told otherwise."""
    if place.flags.get("send_anonymous_usage_stats") is not False:
        yield warning(
            "dbt sends usage statistics from this project.",
            "Set `send_anonymous_usage_stats: false` under `flags:`.",
            file=FILE,
        )


def failures_are_not_stored(place: Place) -> Iterator[Finding]:
    """`store_failures` writes the rows that failed a test into a table."""
    tests = [place.config.get(key) for key in ("data_tests", "tests")]
    values = [value for block in tests for value in _values(block, "store_failures")]
    if place.flags.get("store_failures") or any(value is not False for value in values):
        yield error(
            "`store_failures` is on: rows that fail a test are kept in a table that no gate sees.",
            "Set `data_tests: {+store_failures: false}`.",
            file=FILE,
        )
    elif not any(_top(block, "store_failures") is False for block in tests):
        yield warning(
            "one `dbt test --store-failures` would keep failing rows in a table.",
            "Set `data_tests: {+store_failures: false}`, which beats the command line.",
            file=FILE,
        )


def hooks_cannot_be_skipped(place: Place) -> Iterator[Finding]:
    """A failing on-run-start of another package makes dbt skip veil's, and build all the same.

    dbt runs the packages' hooks in the order of their names, the project's own last; after one
    whose SQL fails it skips the rest (dbt-core 1.11, `RunTask.safe_run_hooks`). A refusal of veil's
    own stops the run with or without the flag.
    """
    if place.flags.get("skip_nodes_if_on_run_start_fails") is True:
        return
    earlier = [
        name
        for package in place.project.packages()
        if package.config().get("on-run-start")
        and (name := str(package.config().get("name"))) < "veil"
    ]
    if earlier:
        yield error(
            f"package `{earlier[0]}` has an `on-run-start` that runs before veil's: if it fails,"
            " dbt skips veil's checks and builds all the same.",
            "Set `skip_nodes_if_on_run_start_fails: true` under `flags:`.",
            file=FILE,
        )
    else:
        yield note(
            "a failing `on-run-start` of your own would not stop the build (veil's refusals do).",
            "Set `skip_nodes_if_on_run_start_fails: true` under `flags:`.",
            file=FILE,
        )


def nothing_talks_too_much(place: Place) -> Iterator[Finding]:
    """Flags that print SQL on the console or let a package replace a materialization."""
    flags = place.flags
    if flags.get("debug") or str(flags.get("log_level", "")).lower() == "debug":
        yield warning(
            "dbt prints every statement on the console, where CI keeps it.",
            "Take `debug` and `log_level: debug` out of `flags:`.",
            file=FILE,
        )
    if flags.get(OVERRIDES) is False:
        yield error(
            "a package may replace dbt's materializations, and with them the hooks that gate.",
            f"Take `{OVERRIDES}` out of `flags:`.",
            file=FILE,
        )
    if flags.get("version_check") is False or place.environ.get("DBT_VERSION_CHECK") == "false":
        yield warning(
            "dbt does not check `require-dbt-version`.",
            "Take `version_check: false` out of `flags:`.",
            file=FILE,
        )
    if flags.get("log_file_max_bytes") == 0:
        yield warning(
            "logs/dbt.log grows without end.",
            "Take `log_file_max_bytes: 0` out of `flags:`.",
            file=FILE,
        )


def _values(block: Any, name: str) -> Iterator[Any]:
    """Every value of `name` or `+name` in a nested block."""
    if isinstance(block, Mapping):
        for key, value in block.items():
            if str(key).lstrip("+") == name:
                yield value
            else:
                yield from _values(value, name)


def _top(block: Any, name: str) -> Any:
    return (block.get(f"+{name}", block.get(name))) if isinstance(block, Mapping) else None


CHECKS = (
    Check("telemetry", "usage statistics", telemetry_is_off),
    Check("store_failures", "whether failing rows are kept", failures_are_not_stored),
    Check("run_start", "whether veil's checks can be skipped", hooks_cannot_be_skipped),
    Check("dbt_flags", "dbt's flags", nothing_talks_too_much),
)
