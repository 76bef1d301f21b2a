"""`veil tune`: proposes the bounds of a differential mart, with the error that each costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from veil.cli.options import progress_bar, project_option, write_text
from veil.errors import FindingError, UsageError, VeilError
from veil.project import Project

if TYPE_CHECKING:
    from veil.findings import Finding
    from veil.policy.graph import Graph
    from veil.releases import Declared
    from veil.tuning.grids import Grids
    from veil.tuning.shape import Shape
    from veil.tuning.show import Origin
    from veil.warehouse.planned import Planned
    from veil.warehouse.tuning import Asked

_SHARE = Fraction(1, 10)
"""Of the mart's loss, or of what `--inside` allows, that a private look costs where nothing else
is said."""
_file = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@project_option
@click.argument("mart")
@click.option("--private", "is_private", is_flag=True, help="Look at the rows with noise; charged.")
@click.option("--epsilon", help="What the look may cost; a tenth of the mart's own otherwise.")
@click.option("--rho", help="The same for a mart with Gaussian noise.")
@click.option("--inside", help="The look and the release together cost no more than this.")
@click.option("--again", is_flag=True, help="Look anew, charged anew; else the same look is kept.")
@click.option("--public", "public_file", type=_file, help="CSV or Parquet that you say is public.")
@click.option("--synthetic", "synthetic_file", type=_file, help="The same, made without people.")
@click.option("--people", type=click.IntRange(1), help="How many the mart is about, not the file.")
@click.option("--look", is_flag=True, help="A look without noise; refused, and said why.")
@click.option(
    "--outer", multiple=True, metavar="[COLUMN=]LOWER..UPPER", help="Wider public bounds."
)
@click.option("--cells", type=click.IntRange(1), help="How many cells are expected, if private.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Of a mart with an increment.")
@click.option(
    "--plot",
    "plot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plot as SVG.",
)
@click.option("--json", "as_machine", is_flag=True, help="For a machine.")
@click.option("--target", metavar="NAME", help="Target of the profile; its default otherwise.")
def tune(
    project: Project,
    mart: str,
    is_private: bool,
    epsilon: str | None,
    rho: str | None,
    inside: str | None,
    again: bool,
    public_file: Path | None,
    synthetic_file: Path | None,
    people: int | None,
    look: bool,
    outer: tuple[str, ...],
    cells: int | None,
    day: datetime | None,
    plot_file: Path | None,
    as_machine: bool,
    target: str | None,
) -> None:
    """Propose clamping bounds and contribution bounds for a differential mart.

    The numbers come from one of: `--private`, a noisy look at the mart's rows, which is charged to
    the mart's budget before anything is shown; `--public` or `--synthetic`, a file with the columns
    of the mart's last select. Nothing in the project is changed.

    \b
    Example:
      veil tune visits_by_region --private --inside 1
      veil tune visits_by_region --synthetic visits.parquet --people 100000 --plot bounds.svg
    """
    if look:
        _refuse_look()
    ways = [is_private, public_file is not None, synthetic_file is not None]
    if sum(ways) > 1:
        raise UsageError("the numbers come from one place: `--private` or one file.")
    file = public_file or synthetic_file
    if file is not None and (epsilon or rho or again or inside):
        raise UsageError(
            "`--epsilon`, `--rho`, `--inside` and `--again` are about a private look, and a public"
            " file costs nothing."
        )
    if is_private and people is not None:
        raise UsageError("a private look counts the people itself; leave `--people` out.")
    # DuckDB takes a moment to import.
    from veil.tuning import propose
    from veil.tuning.plot import svg
    from veil.tuning.show import Tuned, as_plain, as_text
    from veil.warehouse.tuning import Asked

    with progress_bar(3, "tuning") as bar:
        # What a check keeps of its parse is read by whatever renders after it.
        found = _checked(project, target=target) if is_private else ()
        graph, planned = _planned(project, mart, target=target)
        declared = planned.declared
        most = None if inside is None else _number(inside, name="inside")
        loss = _loss(declared, epsilon=epsilon, rho=rho, most=most)
        if not any(ways):
            _offer(declared, loss)
        bar.update(1)
        own = None if day is None else date(day.year, day.month, day.day)
        asked = Asked(day=own, outer=_outer(declared, outer), cells=cells)
        left = declared.loss if most is None else most - loss
        if left <= 0:
            raise UsageError(
                "the look would cost all that `--inside` allows, and leave nothing for the release."
            )
        if file is not None:
            kind = "public" if public_file is not None else "synthetic"
            seen = _from_file(planned, file, asked, kind=kind, people=people)
        else:
            _refuse_unreleasable(graph, planned, found)
            seen = _from_look(project, graph, planned, asked, loss=loss, again=again)
        bar.update(1)
        grids, shape, origin = seen
        proposal = propose(declared, shape, grids, loss=left)
        bar.update(1)
    tuned = Tuned(declared=declared, shape=shape, proposal=proposal, origin=origin)
    if plot_file is not None:
        write_text(plot_file, svg(proposal.profiles, title=f"{declared.name}: error by bound"))
    click.echo(json.dumps(as_plain(tuned), indent=2) if as_machine else as_text(tuned))


def _refuse_look() -> None:
    raise UsageError(
        "a look without noise at the data to be released is refused: bounds that it chose would"
        " tell what it saw, and no guarantee would cover them.",
        remedy="Use `--private`, whose noise is charged, or `--public` or `--synthetic` data.",
    )


def _offer(declared: Declared, loss: Fraction) -> None:
    """Say which ways there are, and what the private one costs."""
    from veil.differential.exact import shown_up

    raise UsageError(
        "say where the numbers come from.",
        remedy=f"`--private` looks at the rows of `{declared.name}` with noise, which costs"
        f" {declared.measure.value} {shown_up(loss)} of budget `{declared.budget}`;"
        " `--public FILE` and `--synthetic FILE` cost nothing.",
    )


def _planned(project: Project, mart: str, *, target: str | None) -> tuple[Graph, Planned]:
    from veil.check import render_models
    from veil.warehouse.planned import Planned

    graph, rendered = render_models(
        project, chosen=lambda node: node.name == mart and node.is_differential, target=target
    )
    if not rendered:
        raise UsageError(
            f"the project has no differential mart `{mart}`.",
            remedy="Name a model with `privacy_release: differential`.",
        )
    unique_id, sql = next(iter(rendered.items()))
    return graph, Planned(graph, graph.node(unique_id), sql)


def _number(text: str, *, name: str) -> Fraction:
    from veil.differential.exact import read_positive

    try:
        return read_positive(text, name=f"--{name}")
    except VeilError as error:
        raise UsageError(error.message, remedy=error.remedy) from None


def _loss(
    declared: Declared, *, epsilon: str | None, rho: str | None, most: Fraction | None
) -> Fraction:
    """What the look may cost, in the mart's own measure."""
    given = {"epsilon": epsilon, "rho": rho}
    word = declared.measure.value
    other = next(name for name in given if name != word)
    if given[other] is not None:
        raise UsageError(f"model `{declared.name}` counts its loss in `{word}`: use `--{word}`.")
    text = given[word]
    if text is not None:
        return _number(text, name=word)
    return (declared.loss if most is None else most) * _SHARE


def _outer(declared: Declared, given: Sequence[str]) -> dict[str, tuple[object, object]]:
    """Bounds by column; those without a column are of all tuned ones."""
    from veil.tuning.grids import TUNED

    columns = [str(one.column) for one in declared.metrics if one.kind in TUNED]
    found: dict[str, tuple[object, object]] = {}
    for one in given:
        column, named, bounds = one.rpartition("=")
        lower, cut, upper = bounds.partition("..")
        if not cut:
            raise UsageError(
                "`--outer` is no pair of bounds.", remedy="Write `0..1000`, or `cost=0..1000`."
            )
        found.update(dict.fromkeys([column] if named else columns, (lower, upper)))
    return found


def _from_file(
    planned: Planned, file: Path, asked: Asked, *, kind: str, people: int | None
) -> tuple[Grids, Shape, Origin]:
    from veil.tuning.show import Origin
    from veil.warehouse.tuning import count_file

    found = count_file(planned, file, asked, people=people)
    origin = Origin(
        kind=kind,
        line=f"a file declared {kind} (SHA-256 {found.digest[:16]})",
        plain={"sha256": found.digest, "charged": False},
    )
    return found.grids, found.shape, origin


def _from_look(
    project: Project,
    graph: Graph,
    planned: Planned,
    asked: Asked,
    *,
    loss: Fraction,
    again: bool,
) -> tuple[Grids, Shape, Origin]:
    from veil.differential.exact import exact_text, shown_up
    from veil.state import load_state
    from veil.tuning.show import Origin
    from veil.warehouse.tuning import look_privately

    keyring, keeper = load_state(project)
    found = look_privately(project, keyring, keeper, graph, planned, asked, loss=loss, again=again)
    for line in found.raised:
        click.echo(line, err=True)
    word, budget = planned.declared.measure.value, planned.declared.budget
    draw, cost = found.stored.draw, f"{word} {shown_up(loss)}"
    paid = f"{cost} charged to" if found.stored.is_new else f"{cost} charged before to"
    origin = Origin(
        kind="private",
        line=f"private look {draw.period}, {paid} budget `{budget}`",
        plain={
            "release": draw.name,
            "period": draw.period,
            "loss": exact_text(loss),
            "budget": budget,
            "charged": found.stored.is_new,
        },
    )
    return found.grids, found.shape, origin


def _checked(project: Project, *, target: str | None) -> Sequence[Finding]:
    from veil.check import check_project
    from veil.findings import Level

    report = check_project(project, target=target)
    return [one for one in report.findings if one.level is Level.ERROR]


def _refuse_unreleasable(graph: Graph, planned: Planned, found: Sequence[Finding]) -> None:
    """Refuse a look at what no build would release either.

    Raises:
        FindingError: what `veil check` finds in the mart, in what it stands on, or in the project.
    """
    from veil.findings import as_text

    names = {"", planned.node.name, *(one.name for one in graph.ancestors(planned.node))}
    own = [one for one in found if one.model in names]
    if own:
        raise FindingError(f"no look is taken at what may not be released.\n{as_text(own)}")
