"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

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
