"""`veil budget`: what is spent, what is left, and what the next build would cost."""

from __future__ import annotations

import json
import sys

import click

from veil.cli.options import project_option
from veil.errors import EXIT_FINDING
from veil.project import Project


@click.command()
@project_option
@click.option("--json", "as_json_text", is_flag=True, help="For a machine; exact ratios.")
@click.option(
    "--tight",
    metavar="DELTA",
    help="Show the total at this delta as dp-accounting composes it; not enforced.",
)
@click.option("--target", metavar="NAME", help="Target of the profile; its default otherwise.")
def budget(project: Project, as_json_text: bool, tight: str | None, target: str | None) -> None:
    """What of each privacy budget is spent and left, and what the next build would cost.

    Nothing is drawn and nothing is charged. Budgets are shown as dbt_project.yml declares them by
    now. Exit code 1 where the next build does not fit.

    \b
    Example:
      veil budget
      veil budget --json
      veil budget --tight 1e-6
    """
    from veil.check import render_models
    from veil.differential.exact import read_delta
    from veil.state import load_state
    from veil.warehouse.budget_report import as_plain, as_text, report_budgets, tight_lines

    keyring, keeper = load_state(project)
    graph, rendered = render_models(
        project, chosen=lambda node: node.is_differential, target=target
    )
    report = report_budgets(project, keyring, keeper, graph, rendered)
    click.echo(json.dumps(as_plain(report), indent=2) if as_json_text else as_text(report))
    if tight is not None:
        for line in tight_lines(report, delta=read_delta(tight, name="--tight")):
            click.echo(line, err=as_json_text)
    if not report.fits:
        sys.exit(EXIT_FINDING)
