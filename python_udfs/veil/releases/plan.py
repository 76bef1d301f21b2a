"""How a release's loss is spent: a scale of noise for every part, and what each really costs.

The loss is divided over the metrics by their weights (1 where none is declared) and, for private
partitions, their selection, which weighs 1; a metric's share evenly over its parts. A scale is a
float, and the charge is computed from that very float: the charges sum to the declared loss or to a
little less, never to more. Nothing here depends on data or chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from veil.differential.charges import (
    gaussian_charge,
    gaussian_scale,
    laplace_charge,
    laplace_scale,
    selection_charge,
    split,
)
from veil.differential.intervals import half_width
from veil.differential.measures import Charge, Spent, spent_by
from veil.differential.noise import MARGIN, Noise, NoiseKind
from veil.differential.sensitivity import Sensitivity, of_distinct_units
from veil.differential.threshold import threshold
from veil.errors import VeilError
from veil.releases.declared import Declared, MetricKind
from veil.releases.parts import Aggregate, Part, parts_of

SELECTION = "partitions.selection"
"""What private selection is called among the charges; no metric's name and no part's is like it."""
# Half of the largest sum of nodes that `veil.differential.quantiles` takes; the rest is for rows.
_LARGEST_SUM = 2**41
_VARYING = frozenset({MetricKind.MEAN, MetricKind.VARIANCE, MetricKind.QUANTILE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How private partitions are selected.

    Attributes:
        noise: on the number of distinct privacy units of a partition.
        threshold: the noisy number from which on it is named.
    """

    noise: Noise
    threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one draw of a release is made of.

    Attributes:
        declared: the mart.
        parts: all noisy parts, metric by metric.
        noises: of every part, by its name.
        selection: of private partitions; none where they are public.
        charges: of every part by its name, and of `SELECTION` where there is one; exact.
    """

    declared: Declared
    parts: tuple[Part, ...]
    noises: Mapping[str, Noise]
    selection: Selection | None
    charges: tuple[tuple[str, Charge], ...]

    @property
    def cost(self) -> Spent:
        """All charges together, in the mart's own measure; at most what it declares."""
        return spent_by((charge for _, charge in self.charges), measure=self.declared.measure)


def plan(declared: Declared) -> Plan:
    """Divide a mart's loss.

    Raises:
        VeilError: a share for which no noise can be drawn; the message names model and part.
    """
    weights = {metric.name: metric.weight for metric in declared.metrics}
    if declared.is_private:
        weights[SELECTION] = Fraction(1)
    shares = split(declared.loss, weights=weights)
    parts: list[Part] = []
    noises: dict[str, Noise] = {}
    charges: list[tuple[str, Charge]] = []
    for metric in declared.metrics:
        own = parts_of(metric, declared.bounds)
        for part in own:
            noise, charge = _priced(
                declared, part.name, part.sensitivity, share=shares[metric.name] / len(own)
            )
            _check_sums(declared, part, noise)
            noises[part.name] = noise
            charges.append((part.name, charge))
        parts.extend(own)
    selection = None
    if declared.is_private:
        selection, charge = _select(declared, share=shares[SELECTION])
        charges.append((SELECTION, charge))
    made = Plan(
        declared=declared,
        parts=tuple(parts),
        noises=noises,
        selection=selection,
        charges=tuple(charges),
    )
    if made.cost.loss > declared.loss or made.cost.delta > declared.delta:
        raise VeilError(f"model `{declared.name}` would cost more than it declares.")
    return made


def _priced(
    declared: Declared, name: str, sensitivity: Sensitivity, *, share: Fraction
) -> tuple[Noise, Charge]:
    """The noise that a share pays for, and what it costs with the scale that it got."""
    try:
        if declared.noise_kind is NoiseKind.LAPLACE:
            scale = laplace_scale(sensitivity, epsilon=share)
            charge = laplace_charge(sensitivity, scale=scale)
        else:
            scale = gaussian_scale(sensitivity, rho=share)
            charge = gaussian_charge(sensitivity, scale=scale)
        return Noise(declared.noise_kind, scale), charge
    except VeilError as error:
        raise VeilError(
            f"model `{declared.name}`, `{name}`: {error.message}", remedy=error.remedy
        ) from None


def _check_sums(declared: Declared, part: Part, noise: Noise) -> None:
    """Refuse, before anything is drawn, noise of which a path through a tree sums too much."""
    if part.aggregate is not Aggregate.TREE or part.tree is None:
        return
    nodes = part.tree.levels * min(part.tree.branching, part.tree.bins)
    if noise.scale * MARGIN * nodes > _LARGEST_SUM:
        raise VeilError(
            f"model `{declared.name}`, `{part.name}`: the noise is too wide for a quantile.",
            remedy="Declare a larger loss or weight for it, or fewer bins.",
        )


def _select(declared: Declared, *, share: Fraction) -> tuple[Selection, Charge]:
    # Distinct units, not rows: the threshold is about the one unit that makes a partition.
    sensitivity = of_distinct_units(declared.bounds)
    noise, charge = _priced(declared, SELECTION, sensitivity, share=share)
    try:
        least = threshold(
            noise,
            delta=declared.delta,
            max_partitions_contributed=declared.bounds.max_partitions_contributed,
            pre_threshold=declared.pre_threshold,
        )
        charge = selection_charge(charge, delta=declared.delta)
    except VeilError as error:
        raise VeilError(
            f"model `{declared.name}`, `{SELECTION}`: {error.message}",
            remedy=error.remedy or "Declare a `delta` far below one in the number of people.",
        ) from None
    return Selection(noise=noise, threshold=least), charge


def expected_error(made: Plan) -> list[tuple[str, Fraction]]:
    """Half the width of the intervals of a release, metric by metric, before anything is drawn.

    Args:
        made: the plan.

    Returns:
        Name and half width in the metric's own unit, at the declared confidence; of a histogram
        that of one bin. Means, variances and quantiles are left out: theirs depends on the data.
    """
    found = []
    for metric in made.declared.metrics:
        if metric.kind not in _VARYING:
            width = half_width(made.noises[metric.name], confidence=made.declared.confidence)
            found.append((metric.name, metric.resolution * width))
    return found
