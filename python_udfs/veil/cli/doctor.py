"""`veil doctor`: what is unsafe in this installation."""

from __future__ import annotations

from pathlib import Path

import click

from veil.cli.options import project_option, sarif_option, write_sarif
from veil.errors import FindingError
from veil.findings import as_json, as_text, failed
from veil.project import Project


@click.command()
@project_option
@click.option("--json", "json_wanted", is_flag=True, help="For a machine.")
@sarif_option
def doctor(project: Project, json_wanted: bool, sarif: Path | None) -> None:
    """Look for insecure settings, permissions, versions and leftovers.

    Errors end with exit code 1; warnings alone do not. Nothing that is printed is a value.

    \b
    Example:
      veil doctor
      veil doctor --sarif doctor.sarif
    """
    # packaging and subprocess calls: the other commands do without.
    from veil.doctor import Place, examine

    outcomes = examine(Place.here(project))
    findings = [one for outcome in outcomes for one in outcome.findings]
    write_sarif(sarif, findings, project)
    if json_wanted:
        checks = [
            {"rule": one.check.rule, "title": one.check.title, "status": one.status}
            for one in outcomes
        ]
        click.echo(as_json(findings, checks=checks))
    else:
        for outcome in outcomes:
            click.echo(f"{outcome.status:<4}  {outcome.check.title}")
        if findings:
            click.echo("\n" + as_text(findings))
    failures = sum(outcome.status == "fail" for outcome in outcomes)
    if failed(findings):
        raise FindingError(
            f"{failures} of {len(outcomes)} checks failed.", remedy="Each finding says the way out."
        )
