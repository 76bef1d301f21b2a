"""`veil diff`: what a change exposes, for whoever reviews it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from veil.cli.options import project_option, sarif_option, write_sarif, write_text
from veil.errors import EXIT_FINDING
from veil.project import Project


@click.command()
@project_option
@click.option("--base", metavar="REF", required=True, help="What git calls the commit before.")
@click.option("--json", "as_json_text", is_flag=True, help="For a machine.")
@click.option(
    "--markdown",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it as Markdown too, for a comment on a pull request.",
)
@sarif_option
@click.option("--no-cache", is_flag=True, help="Look at everything anew.")
@click.option("--target", metavar="NAME", help="Target of the profile; its default otherwise.")
def diff(
    project: Project,
    base: str,
    as_json_text: bool,
    markdown: Path | None,
    sarif: Path | None,
    no_cache: bool,
    target: str | None,
) -> None:
    """Say what a change exposes: who can see what they could not see before.

    Compares the project as it lies here, uncommitted changes included, with a commit: columns,
    audiences, masks, thresholds, gates, waivers. Needs no key and no warehouse. Exit code 1 where a
    reviewer must look.

    \b
    Example:
      veil diff --base origin/main
      veil diff --base HEAD --markdown exposure.md
    """
    # The lineage takes a moment to import; the other commands do without it.
    from veil.exposure import as_markdown
    from veil.exposure.difference import difference
    from veil.exposure.markdown import summary
    from veil.findings import as_json, as_text

    found = difference(
        project,
        base,
        target=target,
        environ=os.environ,
        use_cache=not no_cache,
        progress=lambda what: _progress(f"veil diff: {what} …"),
    )
    _progress("")
    findings = [one.finding() for one in found.changes]
    if markdown is not None:
        text = as_markdown(found.changes, base=base, notice=found.notice)
        write_text(markdown, text)
    write_sarif(sarif, findings, project)
    if as_json_text:
        changes = [one.plain() for one in found.changes]
        more = {"base": base, "commit": found.commit, "notice": found.notice}
        click.echo(as_json(findings, **more, must_look=found.must_look, changes=changes))
    else:
        if findings:
            click.echo(as_text(findings) + "\n")
        if found.notice:
            click.echo(found.notice)
        click.echo(f"veil diff: {summary(found.changes)}.")
    if found.must_look:
        sys.exit(EXIT_FINDING)


def _progress(text: str) -> None:
    """One line on a terminal, in the place of the line before."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)
