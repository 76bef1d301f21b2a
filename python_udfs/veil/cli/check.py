"""`veil check`: the static gate, by hand and in continuous integration."""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from veil.cli.options import project_option, sarif_option, write_sarif
from veil.errors import EXIT_FINDING
from veil.project import Project

SHOW_AFTER = 1.0
"""Seconds after which progress is shown."""


@click.command()
@project_option
@click.option("--scope", is_flag=True, help="List what veil guards, and why; check nothing.")
@click.option("--json", "as_json_text", is_flag=True, help="For a machine.")
@sarif_option
@click.option("--no-cache", is_flag=True, help="Look at everything anew.")
@click.option(
    "--select", metavar="NAME", multiple=True, help="Report on this model only; repeat it."
)
@click.option("--target", metavar="NAME", help="Target of the profile; its default otherwise.")
def check(
    project: Project,
    scope: bool,
    as_json_text: bool,
    sarif: Path | None,
    no_cache: bool,
    select: tuple[str, ...],
    target: str | None,
) -> None:
    """Follow every column through the project, without a warehouse and without a key.

    The gate of `dbt build`, before anything is built: classes, masks, lineage, promises, and what
    moves data past them. Exit code 1 where something may not be built.

    \b
    Example:
      veil check
      veil check --select earnings_by_sex_and_age
      veil check --sarif veil.sarif
    """
    # Syntax trees come and go by the million; collecting them more seldom saves a tenth.
    gc.set_threshold(100_000, 50, 100)
    # The lineage takes a moment to import; the other commands do without it.
    from veil.check import check_project
    from veil.findings import as_json, as_text, failed

    start = time.monotonic()
    report = check_project(
        project, target=target, use_cache=not no_cache, select=select, progress=_bar(start)
    )
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    seconds = time.monotonic() - start
    if scope:
        rows = [asdict(one) for one in report.scope]
        if as_json_text:
            click.echo(json.dumps({"scope": rows}, indent=2, ensure_ascii=False))
            return
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            place = f"{row['layer']:<13} {row['zone']:<13}"
            click.echo(f"{row['name']:<{width}}  {row['kind']:<8} {place} {row['why']}")
        click.echo(f"veil check: {len(rows)} in scope.")
        return
    write_sarif(sarif, report.findings, project)
    if as_json_text:
        click.echo(as_json(report.findings, models=report.models, seconds=round(seconds, 1)))
    else:
        if report.findings:
            click.echo(as_text(report.findings) + "\n")
        click.echo(
            f"veil check: {_count(report.models, 'model')},"
            f" {_count(len(report.findings), 'finding')}, {seconds:.1f} s"
        )
    if failed(report.findings):
        sys.exit(EXIT_FINDING)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


class _bar:  # noqa: N801  # a function with a memory
    """Progress on a terminal, where it takes longer than a moment."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._shown = start

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._start > SHOW_AFTER and now - self._shown > 0.1:
            self._shown = now
            click.echo(f"\rveil check: {done} of {total} models", err=True, nl=False)
