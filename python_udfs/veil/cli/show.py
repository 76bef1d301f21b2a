"""`veil show`: what is published, and a first look into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from veil.cli.options import project_option
from veil.errors import UsageError, VeilError
from veil.project import Project


def _releases(project: Project) -> list[dict[str, Any]]:
    found = []
    for path in sorted(project.published.glob("*/RELEASE.json")):
        try:
            release = json.loads(path.read_text(encoding="utf-8"))
            tables = [
                {**table, **{key: str(table[key]) for key in ("name", "description", "rows")}}
                for table in release["tables"]
            ]
            # The folder's name, not the file's word: it is where the file lies.
            found.append({**release, "audience": path.parent.name, "tables": tables})
            if not tables:
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            raise VeilError(
                f"{path.relative_to(project.root)} cannot be read.",
                remedy="Run `veil publish` to write the release anew.",
            ) from None
    return found


@click.command()
@project_option
@click.argument("mart", required=False)
@click.option("--rows", default=20, show_default=True, help="How many rows of MART to print.")
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
def show(project: Project, mart: str | None, rows: int, as_json: bool) -> None:
    """List what is published, or print the first rows of MART.

    \b
    Example:
      veil show
      veil show population_pyramid --rows 5
    """
    releases = _releases(project)
    if as_json:
        click.echo(json.dumps(releases, indent=2, ensure_ascii=False))
        return
    if not releases:
        click.echo("Nothing is published yet. Run `dbt build`.")
        return
    if mart is not None:
        _print_mart(project, releases, mart, rows=rows)
        return
    for release in releases:
        file = Path("published") / f"{release['audience']}.duckdb"
        click.echo(f"{file}, for the audience `{release['audience']}`:")
        width = max(len(table["name"]) for table in release["tables"])
        for table in release["tables"]:
            first = table["description"].split(". ")[0].rstrip(".")
            click.echo(f"  {table['name']:<{width}}  {table['rows']:>5} rows  {first}")
    name = releases[0]["tables"][0]["name"]
    click.echo(f"Look into one with `veil show {name}`, or open the file with any DuckDB client.")


def _print_mart(project: Project, releases: list[dict[str, Any]], mart: str, *, rows: int) -> None:
    for release in releases:
        if mart in {table["name"] for table in release["tables"]}:
            # duckdb takes a moment to import; listing does without it.
            from veil.warehouse.reading import first_rows

            file = project.published / f"{release['audience']}.duckdb"
            click.echo(first_rows(file, mart, rows=rows))
            return
    raise UsageError(f"no audience has a mart `{mart}`.", remedy="`veil show` lists them.")
