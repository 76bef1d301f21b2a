"""`veil contract`: what each published mart promises its readers, as a data contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from veil.artifacts.places import read_manifest
from veil.cli.options import project_option
from veil.contracts import FOLDER
from veil.errors import FindingError, UsageError, VeilError
from veil.files import write_atomic
from veil.findings import Level, as_json, as_text, failed
from veil.policy.settings import THRESHOLD
from veil.project import Project


@click.command()
@project_option
@click.argument("marts", metavar="[MART…]", nargs=-1)
@click.option(
    "--write",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write one file a mart into DIR; refused where a committed promise would be broken.",
)
@click.option("--check", is_flag=True, help="Compare contracts/ with the models.")
@click.option("--json", "json_wanted", is_flag=True, help="For a machine.")
def contract(
    project: Project, marts: tuple[str, ...], folder: Path | None, check: bool, json_wanted: bool
) -> None:
    """Print, write or check the data contracts of the marts (Open Data Contract Standard).

    They are drafted from target/manifest.json: run `dbt parse` or a build first.

    \b
    Example:
      veil contract population_pyramid
      veil contract --write contracts
      veil contract --check
    """
    # yaml and the graph: `veil --help` does without.
    from veil.contracts import contract_breaks, drafts
    from veil.policy.graph import Graph

    if check and (folder is not None or marts):
        raise UsageError("--check goes with neither MART nor --write.")
    raw = _manifest(project)
    threshold = _threshold(project)
    drafted = drafts(raw, threshold=threshold)
    if check:
        found = contract_breaks(project.root / FOLDER, Graph(raw), threshold=threshold)
        if json_wanted:
            click.echo(as_json(found))
        else:
            click.echo(as_text(found) or f"{FOLDER}/ and the models agree.")
        if failed(found):
            raise FindingError("a contract is broken.", remedy="Each finding says the way out.")
        return
    chosen = [one for one in drafted if not marts or one["name"] in marts]
    unknown = sorted(set(marts) - {str(one["name"]) for one in chosen})
    if unknown:
        raise UsageError(f"no mart is called `{unknown[0]}`.", remedy="`veil contract` lists all.")
    if folder is not None:
        _write(project.root / folder, chosen, Graph(raw), threshold=threshold)
    elif json_wanted:
        click.echo(json.dumps(chosen, indent=2, ensure_ascii=False))
    else:
        from veil.contracts import as_yaml

        click.echo("---\n".join(as_yaml(one) for one in chosen), nl=False)


def _write(folder: Path, chosen: list[dict[str, Any]], graph: Any, *, threshold: int) -> None:
    from veil.contracts import as_yaml, contract_breaks, file_name, merged, read_contracts

    names = {str(one["name"]) for one in chosen}
    broken = [
        one
        for one in contract_breaks(folder, graph, threshold=threshold)
        if one.level is Level.ERROR and one.model in names
    ]
    if broken:
        click.echo(as_text(broken))
        raise FindingError("nothing was written: a contract would be broken.")
    committed = {one["id"]: one for one in read_contracts(folder).values()}
    folder.mkdir(parents=True, exist_ok=True)
    for one in chosen:
        text = as_yaml(merged(one, committed.get(one["id"])))
        write_atomic(folder / file_name(one), text.encode(), mode=0o644)
        click.echo(f"{folder.name}/{file_name(one)}  version {one['version']}")


def _manifest(project: Project) -> dict[str, Any]:
    """dbt's manifest; one that is older than a model would draft what is no longer so."""
    found = read_manifest(project)
    if found is None:
        raise VeilError("there is no manifest of dbt in target/.", remedy="Run `dbt parse`.")
    file, raw = found
    sources = [project.root / "dbt_project.yml"]
    sources += [path for path in (project.root / "models").rglob("*") if path.is_file()]
    if any(path.stat().st_mtime > file.stat().st_mtime for path in sources if path.exists()):
        raise VeilError("models changed since dbt last read them.", remedy="Run `dbt parse`.")
    return raw


def _threshold(project: Project) -> int:
    declared = project.config().get("vars")
    found = declared.get("veil:threshold") if isinstance(declared, dict) else None
    return found if isinstance(found, int) else THRESHOLD
