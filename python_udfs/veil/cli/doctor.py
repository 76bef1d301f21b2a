"""`veil doctor`: what is unsafe in this installation."""

from __future__ import annotations

from pathlib import Path

import click

from veil.cli.options import project_option
from veil.errors import FindingError
from veil.files import write_atomic
from veil.findings import as_json, as_sarif, as_text, failed
from veil.project import Project


@click.command()
@project_option
@click.option("--json", "json_wanted", is_flag=True, help="For a machine.")
@click.option(
    "--sarif",
    "sarif_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the findings as SARIF 2.1.0.",
)
def doctor(project: Project, json_wanted: bool, sarif_file: Path | None) -> None:
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
    if sarif_file is not None:
        write_atomic(sarif_file, as_sarif(findings).encode(), mode=0o644)
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
