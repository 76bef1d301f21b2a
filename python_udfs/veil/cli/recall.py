"""`veil recall`: a release that should not be out is taken back."""

from __future__ import annotations

import click

from veil.cli.options import project_option
from veil.project import Project


@click.command()
@project_option
@click.argument("audience")
@click.option("--lift", is_flag=True, help="Allow the content that was taken back again.")
def recall(project: Project, audience: str, lift: bool) -> None:
    """Take back what an audience can read, and block it from being published again.

    The files go at once; who holds a copy, or has one open, keeps it. The record says when and
    which release. A later build publishes again as soon as its tables are others.

    \b
    Example:
      veil recall research
      veil recall research --lift
    """
    # duckdb takes a moment to import; `veil --help` does without it.
    from veil.warehouse.recall import allow
    from veil.warehouse.recall import recall as take_back

    if lift:
        allow(project, audience)
        click.echo(f"What was taken back from `{audience}` may be published again: `veil publish`.")
        return
    release = take_back(project, audience)
    click.echo(f"Release {release.id} of `{audience}` was taken back: {release.summary()}")
    click.echo("Copies that somebody made are still there: tell whoever reads this audience.")
