"""`veil utility`: how far the releases of a mart lie from the truth, for the privacy office."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from veil.cli.options import project_option
from veil.errors import UsageError
from veil.project import Project


@click.command()
@click.argument("mart")
@project_option
@click.option("--json", "as_json_text", is_flag=True, help="For a machine.")
@click.option("--target", metavar="NAME", help="Target of the profile; its default otherwise.")
def utility(mart: str, project: Project, as_json_text: bool, target: str | None) -> None:
    """The error of each release of MART: expected from its declared noise, and realised.

    The realised error is computed from true values and is for the privacy office alone: it lies in
    the encrypted zone of identified data. Do not publish it, and do not choose bounds by it. Bias
    of clamping is not in it; the share of rows that bounding left is.

    \b
    Example:
      veil utility visits_by_region_and_day
    """
    from veil.check import render_models
    from veil.differential.exact import shown_up
    from veil.releases import expected_error
    from veil.state import load_state
    from veil.warehouse.planned import Planned
    from veil.warehouse.utility import utilities

    keyring, _keeper = load_state(project)
    graph, rendered = render_models(
        project, chosen=lambda node: node.is_differential and node.name == mart, target=target
    )
    if not rendered:
        raise UsageError(
            "the project has no differential mart of that name.", remedy="`veil budget` lists them."
        )
    unique_id, sql = next(iter(rendered.items()))
    planned = Planned(graph, graph.node(unique_id), sql)
    expected = dict(expected_error(planned.plan))
    found = utilities(project, keyring, unique_id)
    if as_json_text:
        rows = [
            {**asdict(one), "drawn_at": one.drawn_at.isoformat()}
            | {"expected": float(expected[one.metric]) if one.metric in expected else None}
            for one in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    if not found:
        click.echo(f"{mart} was not drawn yet: run `dbt build`.")
        return
    share = shown_up(planned.declared.confidence * 100)
    click.echo(
        f"{mart}: mean and largest absolute error of its cells, and the expected ± at {share} %"
    )
    for one in found:
        half = expected.get(one.metric)
        wanted = "depends on the data" if half is None else f"±{shown_up(half, digits=4)}"
        click.echo(
            f"  {one.release} ({one.period})  {one.metric}: mean {one.mean_error:.4g}, largest"
            f" {one.largest_error:.4g}, expected {wanted}; {one.cells} cells, bounding kept"
            f" {one.kept:.1%} of the rows"
        )
