"""What is proposed, for people, for a machine, and as YAML to paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from veil.differential.exact import exact_text, shown_up
from veil.differential.sensitivity import Clamp
from veil.releases.declared import Declared
from veil.tuning.plot import bars
from veil.tuning.search import Choice, Proposal, plain_number
from veil.tuning.shape import Shape

NORM = "expected absolute error of a cell, as a share of the cell; the total is the metrics' mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the numbers come from.

    Attributes:
        kind: `private`, `public` or `synthetic`; the last two as whoever ran the command said.
        line: for people, without a full stop.
        plain: for a machine.
    """

    kind: str
    line: str
    plain: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """All that is shown.

    Attributes:
        declared: the mart as it is.
        shape: its contributions.
        proposal: what is proposed.
        origin: of the shape.
    """

    declared: Declared
    shape: Shape
    proposal: Proposal
    origin: Origin


def as_text(tuned: Tuned) -> str:
    """Table, plot, and the YAML to paste."""
    declared, proposal, shape = tuned.declared, tuned.proposal, tuned.shape
    cells = _about(shape.cells)
    lines = [
        f"{declared.name}: from {tuned.origin.line}",
        f"about {_about(shape.people)} people, each in {shape.all_pairs / shape.people:.1f} groups"
        f" with {shape.all_rows / shape.all_pairs:.1f} rows a group; {cells} cells",
        f"error: {NORM}",
        "",
        *_table(tuned),
        "",
        *bars(proposal.profiles),
        "to paste:",
        "",
        yaml_lines(tuned),
    ]
    if declared.is_private:
        lines += [
            "",
            "What private selection leaves out, cells of few people, is no part of these errors.",
        ]
    return "\n".join(lines)


def _table(tuned: Tuned) -> list[str]:
    proposal = tuned.proposal
    head = ("", "", "bounds", "bounding", "clamping", "noise", "total")
    rows: list[tuple[str, ...]] = [head]
    for name, choice, loss in (
        ("now", proposal.now, tuned.declared.loss),
        ("proposed", proposal.best, proposal.loss),
    ):
        rows += _rows(name, choice, word=tuned.declared.measure.value, loss=loss)
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if at < 3 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _rows(name: str, choice: Choice, *, word: str, loss: Fraction) -> Iterator[tuple[str, ...]]:
    most, each = (
        choice.bounds.max_partitions_contributed,
        choice.bounds.max_contributions_per_partition,
    )
    held = f"{word} {shown_up(loss)}, {most} x {each}"
    yield name, "all metrics", held, "", "", "", _percent(choice.total)
    for metric, error in choice.errors.items():
        yield (
            "",
            metric,
            _clamp_text(choice.clamps[metric]),
            _percent(error.bounding),
            _percent(error.clamping),
            _percent(error.noise),
            _percent(error.total),
        )


def _clamp_text(clamp: Clamp | None) -> str:
    return "" if clamp is None else f"{plain_number(clamp.lower)} .. {plain_number(clamp.upper)}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share < 10 else "> 1000 %"


def _about(number: float) -> str:
    """Three digits: the others would be noise."""
    return f"{float(f'{number:.3g}'):,.0f}" if number >= 1 else f"{number:.2g}"


def yaml_lines(tuned: Tuned) -> str:
    """The keys that change or stay, where they stand in the YAML of a model."""
    declared, proposal = tuned.declared, tuned.proposal
    best = proposal.best.bounds
    meta = [
        f"        max_partitions_contributed: {best.max_partitions_contributed}",
        f"        max_contributions_per_partition: {best.max_contributions_per_partition}",
    ]
    if proposal.loss != declared.loss:
        meta.insert(0, f"        {declared.measure.value}: {_loss_text(proposal.loss)}")
    columns = [
        line
        for metric in declared.metrics
        for clamp in [proposal.best.clamps[metric.name]]
        if clamp is not None and clamp != metric.clamp
        for line in _column_lines(metric.name, clamp)
    ]
    return "\n".join(
        [
            f"  # bounds: veil tune, {tuned.origin.line}",
            f"  - name: {declared.name}",
            "    config:",
            "      meta:",
            *meta,
            *(["    columns:", *columns] if columns else []),
        ]
    )


def _column_lines(name: str, clamp: Clamp) -> tuple[str, str]:
    bounds = f"lower: {plain_number(clamp.lower)}, upper: {plain_number(clamp.upper)}"
    return f"      - name: {name}", f"        config: {{meta: {{{bounds}}}}}"


def _loss_text(loss: Fraction) -> str:
    """As YAML takes it: a decimal where there is one, else a ratio in quotes."""
    rest = loss.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return plain_number(loss) if rest == 1 else f'"{exact_text(loss)}"'


def as_plain(tuned: Tuned) -> dict[str, Any]:
    """For a machine; losses as exact ratios, bounds as they are written, errors as shares."""
    declared, proposal, shape = tuned.declared, tuned.proposal, tuned.shape
    return {
        "mart": declared.mart,
        "from": {"kind": tuned.origin.kind, **tuned.origin.plain},
        "norm": NORM,
        "measure": declared.measure.value,
        "people": shape.people,
        "pairs": shape.all_pairs,
        "rows": shape.all_rows,
        "cells": shape.cells,
        "now": _plain_choice(proposal.now, loss=declared.loss),
        "proposed": _plain_choice(proposal.best, loss=proposal.loss),
        "profiles": _plain_profiles(proposal),
        "yaml": yaml_lines(tuned),
    }


def _plain_choice(choice: Choice, *, loss: Fraction) -> dict[str, Any]:
    return {
        "loss": exact_text(loss),
        "max_partitions_contributed": choice.bounds.max_partitions_contributed,
        "max_contributions_per_partition": choice.bounds.max_contributions_per_partition,
        "total": choice.total,
        "metrics": {
            name: {
                **_plain_clamp(choice.clamps[name]),
                "bounding": error.bounding,
                "clamping": error.clamping,
                "noise": error.noise,
                "total": error.total,
            }
            for name, error in choice.errors.items()
        },
    }


def _plain_clamp(clamp: Clamp | None) -> dict[str, str]:
    if clamp is None:
        return {}
    return {"lower": plain_number(clamp.lower), "upper": plain_number(clamp.upper)}


def _plain_profiles(proposal: Proposal) -> Sequence[dict[str, Any]]:
    return [
        {
            "bound": profile.title,
            "points": [
                {"value": one.label, "bias": one.bias, "total": one.total} for one in profile.points
            ],
        }
        for profile in proposal.profiles
    ]
