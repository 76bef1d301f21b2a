"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from veil.files import write_atomic
from veil.findings import Finding, as_sarif
from veil.project import Project

project_option: Callable[[Any], Any] = click.option(
    "--project-dir",
    "project",
    metavar="DIR",
    default=".",
    show_default=True,
    callback=lambda _context, _option, value: Project.find(Path(value)),
    help="The dbt project, or a folder inside it.",
)

sarif_option: Callable[[Any], Any] = click.option(
    "--sarif",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the findings as SARIF 2.1.0 too, for code review.",
)


def write_sarif(path: Path | None, findings: Iterable[Finding], project: Project) -> None:
    """Write what `--sarif` asks for; nothing where it asks for nothing.

    Code review looks files up from the root of the repository.
    """
    if path is not None:
        prefix = _in_repository(project)
        placed = [replace(one, file=prefix + one.file) if one.file else one for one in findings]
        write_text(path, as_sarif(placed) + "\n")


def _in_repository(project: Project) -> str:
    """The project's folder in its git repository, `/` at the end; empty at its root, or without."""
    for folder in (project.root, *project.root.parents):
        if (folder / ".git").exists():
            inner = project.root.relative_to(folder).as_posix()
            return "" if inner == "." else f"{inner}/"
    return ""


def write_text(path: Path, text: str) -> None:
    """Write a file that somebody else will read.

    Raises:
        VeilError: it cannot be written.
    """
    write_atomic(path, text.encode(), mode=0o644)


def progress_bar(length: int, label: str) -> Any:
    """A bar on a terminal; a log gets none, and not its label either."""
    return click.progressbar(
        length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    )
