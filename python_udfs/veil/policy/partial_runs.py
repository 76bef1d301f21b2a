"""Runs over part of the input: `--empty` and `--sample` build no mart."""

from __future__ import annotations

from collections.abc import Collection

from veil.errors import VeilError
from veil.policy.graph import Graph


def check_partial_run(graph: Graph, selected: Collection[str]) -> None:
    """Refuse a run over part of the input that has a mart in its selection.

    A mart of a few rows would take the place of the good one, and whatever gate looked at it would
    have looked at nothing.

    Args:
        graph: dbt's graph.
        selected: unique ids of the nodes that the run would build.

    Raises:
        VeilError: names a mart, and the option that leaves all marts out.
    """
    marts = [mart for mart in graph.marts if mart.unique_id in selected]
    if not marts:
        return
    audiences = sorted({str(mart.meta["privacy_audience"]) for mart in marts})
    options = " ".join(f"config.meta.privacy_audience:{audience}" for audience in audiences)
    raise VeilError(
        f"`--empty` and `--sample` build no mart, and the selection holds `{marts[0].name}`"
        + (f" and {len(marts) - 1} more." if len(marts) > 1 else "."),
        remedy=f"Leave the marts out: `--exclude {options}`.",
    )
