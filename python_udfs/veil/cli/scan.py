"""`veil scan`: finds personal data in sources, and in masked output."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from veil.cli.options import project_option, sarif_option, write_sarif
from veil.errors import EXIT_FINDING, UsageError, VeilError
from veil.findings import Finding, Level, as_json, as_text, failed
from veil.project import Project

if TYPE_CHECKING:
    from veil.detect import Target, Verdict

    Scanned = list[tuple[Target, list[Verdict]]]

ROWS = 10_000


@click.command()
@project_option
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option(
    "--sample",
    "rows",
    type=click.IntRange(1, 1_000_000),
    default=ROWS,
    show_default=True,
    help="How many rows of each table to look at.",
)
@click.option("--masked", is_flag=True, help="Look for identifiers in masked and published tables.")
@click.option(
    "--artifacts", is_flag=True, help="Search the files of target/, logs/ and their like."
)
@click.option(
    "--write",
    "draft_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draft a properties YAML into a new file.",
)
@sarif_option
@click.option("--json", "as_machine", is_flag=True, help="For a machine.")
def scan(
    project: Project,
    names: tuple[str, ...],
    rows: int,
    masked: bool,
    artifacts: bool,
    draft_file: Path | None,
    sarif: Path | None,
    as_machine: bool,
) -> None:
    """Find personal data by column name, shape and checksum, over samples.

    Without a NAME every seed and source of the project is scanned. A column classified lower than
    what is in it ends the command with exit code 1. No value is ever printed.

    \b
    Example:
      veil scan
      veil scan patients data/visits.parquet --write models/raw/_draft.yml
      veil scan --masked
      veil scan --artifacts
    """
    if artifacts and (names or masked or draft_file):
        raise UsageError("`--artifacts` searches files and goes with no name, --masked or --write.")
    if draft_file is not None and draft_file.exists():
        raise UsageError(
            f"{draft_file} is there already, and a draft never overwrites a file.",
            remedy="Name another one.",
        )
    scanned: Scanned = []
    if artifacts:
        # duckdb takes a moment to import.
        from veil.warehouse.artifacts import scan_project

        found = scan_project(project)
    else:
        scanned, found = _scan_tables(project, names, rows=rows, masked=masked)
    if draft_file is not None:
        _write_draft(draft_file, scanned)
    write_sarif(sarif, found, project)
    if as_machine:
        click.echo(as_json(found, tables=[_as_row(*one) for one in scanned]))
    else:
        _print(scanned, found, draft_file)
    if failed(found):
        sys.exit(EXIT_FINDING)


def _scan_tables(
    project: Project, names: tuple[str, ...], *, rows: int, masked: bool
) -> tuple[Scanned, list[Finding]]:
    # Engine and detectors take a moment to import; `veil --help` does without them.
    from veil.detect import (
        compare,
        find_targets,
        judge_table,
        refuse_values_as_names,
        require_all,
    )
    from veil.warehouse.sampling import open_sampler

    require_all()
    targets = find_targets(project, names, masked=masked)
    scanned: Scanned = []
    found: list[Finding] = []
    with (
        open_sampler(project, targets) as sampler,
        _progress(targets) as bar,
    ):
        for target in bar:
            try:
                table = sampler.sample(target, rows=rows)
                refuse_values_as_names(target.name, [column.name for column in table.columns])
            except VeilError as error:
                if names:
                    raise
                found.append(_not_scanned(target, error))
                continue
            verdicts = judge_table(table)
            scanned.append((target, verdicts))
            found.extend(compare(target, verdicts))
    if targets and not scanned:
        raise VeilError("no table could be read.", remedy=found[0].message)
    return scanned, found


def _progress(targets: list[Target]) -> AbstractContextManager[Iterable[Target]]:
    """A bar for a person; a log gets none."""
    if not sys.stderr.isatty():
        return nullcontext(targets)
    return click.progressbar(
        targets,
        label="Scanning",
        file=sys.stderr,
        item_show_func=lambda target: target.name if target else None,
    )


def _not_scanned(target: Target, error: VeilError) -> Finding:
    return Finding(
        rule="not_scanned",
        message=error.message,
        remedy=error.remedy,
        level=Level.WARNING,
        model=target.name,
        file=target.yaml,
    )


def _write_draft(file: Path, scanned: Scanned) -> None:
    from veil.detect import draft

    try:
        # `x`: what another process wrote in the meantime stays too.
        with file.open("x", encoding="utf-8") as out:
            out.write(draft(scanned))
    except OSError:
        raise VeilError(
            f"{file} cannot be written.", remedy="Name a new file in a folder that you own."
        ) from None


def _as_row(target: Target, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "name": target.name,
        "kind": target.kind,
        "columns": [
            {
                "name": one.column,
                "declared_class": target.classes.get(one.column.lower()),
                "declared_type": target.types.get(one.column.lower()),
                "privacy_class": one.privacy_class,
                "privacy_type": one.privacy_type,
                "confidence": round(one.confidence, 4),
                "why": list(one.why),
                "hits": one.hits,
                "tried": one.tried,
                "distinct_values": one.values,
                "precision_low": round(one.precision, 4),
                "chance_high": round(one.chance, 6),
            }
            for one in verdicts
        ],
    }


def _print(scanned: Scanned, found: list[Finding], draft_file: Path | None) -> None:
    for target, verdicts in scanned:
        click.echo(f"{target.kind} {target.name}")
        lines = [("column", "type", "class", "sure", "by", "declared")]
        lines.extend(
            (
                one.column,
                one.privacy_type,
                one.privacy_class,
                f"{one.confidence:.2f}",
                ", ".join(one.why) or "-",
                target.classes.get(one.column.lower())
                or target.masks.get(one.column.lower())
                or "-",
            )
            for one in verdicts
        )
        widths = [max(len(line[at]) for line in lines) for at in range(5)]
        for line in lines:
            cells = [f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)]
            click.echo("  " + "  ".join([*cells, line[-1]]).rstrip())
    if found:
        click.echo(as_text(found))
    elif any(not target.is_masked for target, _ in scanned):
        click.echo("No column is classified lower than what was found in it.")
    elif scanned:
        click.echo("No direct identifier in the clear was found.")
    else:
        click.echo("Nothing found.")
    if draft_file is not None:
        click.echo(f"Drafted {draft_file}: read every line before you use it.")
