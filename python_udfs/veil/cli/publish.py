"""`veil publish`: what the build's last step does, by hand."""

from __future__ import annotations

import sys

import click

from veil.cli.options import project_option
from veil.errors import EXIT_CANNOT_RUN
from veil.project import Project


@click.command()
@project_option
def publish(project: Project) -> None:
    """Swap in the release of each audience whose marts all passed their gates.

    \b
    Example:
      veil publish
    """
    # dbt takes seconds to import; the other commands do without it.
    from veil.warehouse.operation import run_operation

    if not run_operation(project, "veil.publish"):
        sys.exit(EXIT_CANNOT_RUN)
