"""A private look at contributions: what it costs, and its noise.

Each person is seen once: in one row of one of the person's groups, both chosen at random, as the
release itself chooses what stays (one partition, one contribution). That row says how many groups
the person has, how many rows in this one, and the value of each tuned column, each as a number in a
histogram over public bins. So a person moves each histogram by 1, in one bin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa

from veil.differential.charges import (
    gaussian_charge,
    gaussian_scale,
    laplace_charge,
    laplace_scale,
    split,
)
from veil.differential.exact import exact_text
from veil.differential.measures import Charge
from veil.differential.noise import Integers, Noise, NoiseKind, add_noise
from veil.differential.quantiles import Tree
from veil.differential.sensitivity import Clamp, Contribution, Sensitivity, of_histogram
from veil.errors import VeilError
from veil.releases.declared import Declared
from veil.releases.parts import Aggregate, Part
from veil.tuning.grids import Floats, Grids
from veil.tuning.shape import Shape, noisy_shape

ONE = Contribution(max_partitions_contributed=1, max_contributions_per_partition=1)
CONTRIBUTIONS = "contributions"
"""The histogram of groups and rows; those of values are named for their first metric."""
_VERSION = 1
"""Of what is counted: another one is another look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A private look.

    Attributes:
        grids: the bins.
        cells: of the mart, which is public or was said.
        loss: what it may cost, in the mart's measure.
        noise: of every number.
        charges: by histogram; exact.
        day: of the increment that is looked at; empty where there is none.
    """

    grids: Grids
    cells: int
    loss: Fraction
    noise: Noise
    charges: tuple[tuple[str, Charge], ...]
    day: str

    def parameters(self, declared: Declared) -> dict[str, object]:
        """Everything that shapes the look, in plain values, for its definition.

        Of the mart's own bounds only those are among them that are outer bounds of the bins.
        """
        return {
            "look": _VERSION,
            "grids": self.grids.parameters(),
            "unit": declared.unit,
            "unit_within": declared.unit_within,
            "keys": {key.name: key.data_type for key in declared.keys},
            "partitions": "private" if declared.is_private else "public",
            "noise_kind": declared.noise_kind.value,
            "loss": exact_text(self.loss),
            "day": self.day,
        }

    def draw(self, counts: Mapping[str, Integers]) -> pa.Table:
        """The noisy histograms as one table; one vector call.

        Args:
            counts: people in each bin, shape (bins,), by histogram.
        """
        noisy = add_noise([(counts[name], self.noise) for name, _ in self.charges])
        return pa.table(
            {
                "histogram": [
                    name
                    for (name, _), one in zip(self.charges, noisy, strict=True)
                    for _ in one.values
                ],
                "bin": np.concatenate([np.arange(len(one.values)) for one in noisy]),
                "people": np.concatenate([one.values for one in noisy]),
            }
        )

    def shape(self, drawn: pa.Table) -> Shape:
        """What the noisy histograms say.

        Raises:
            VeilError: the noise hides everything, or the table is not that of this look.
        """
        names = np.array(drawn["histogram"].to_pylist())
        people = drawn["people"].to_numpy()
        found: dict[str, Floats] = {
            name: people[names == name].astype(np.float64) for name, _ in self.charges
        }
        sizes = {CONTRIBUTIONS: self.grids.pairs} | {
            one.name: one.bins for one in self.grids.values
        }
        if {name: len(one) for name, one in found.items()} != sizes:
            raise VeilError("the stored look is not one of this mart.")
        return noisy_shape(
            self.grids,
            cells=self.cells,
            pairs=found[CONTRIBUTIONS],
            values=found,
            noise=self._deviation,
        )

    @property
    def _deviation(self) -> float:
        laplace = self.noise.kind is NoiseKind.LAPLACE
        return self.noise.scale * (math.sqrt(2) if laplace else 1)


def plan_look(
    declared: Declared, grids: Grids, *, cells: int, loss: Fraction, day: str = ""
) -> Look:
    """Divide the loss of a look evenly over its histograms.

    Raises:
        VeilError: a loss for which no noise can be drawn.
    """
    names = (CONTRIBUTIONS, *(one.name for one in grids.values))
    share = split(loss, weights={name: Fraction(1) for name in names})[CONTRIBUTIONS]
    noise, charge = _priced(of_histogram(ONE), declared.noise_kind, share=share)
    return Look(
        grids=grids,
        cells=cells,
        loss=loss,
        noise=noise,
        charges=tuple((name, charge) for name in names),
        day=day,
    )


def _priced(sensitivity: Sensitivity, kind: NoiseKind, *, share: Fraction) -> tuple[Noise, Charge]:
    if kind is NoiseKind.LAPLACE:
        scale = laplace_scale(sensitivity, epsilon=share)
        return Noise(kind, scale), laplace_charge(sensitivity, scale=scale)
    scale = gaussian_scale(sensitivity, rho=share)
    return Noise(kind, scale), gaussian_charge(sensitivity, scale=scale)


def histogram_part(name: str, *, column: str, bins: int) -> Part:
    """People by the number of a bin, 0 to `bins` - 1, that stands in a column."""
    bins = max(2, bins)  # what a histogram has at least
    return Part(
        name=name,
        metric=name,
        aggregate=Aggregate.HISTOGRAM,
        column=column,
        clamp=Clamp(lower=Fraction(0), upper=Fraction(bins), resolution=Fraction(1)),
        default=None,
        tree=Tree(lower=0, width=1, bins=bins, branching=bins),
        bins=bins,
        sensitivity=of_histogram(ONE),
        width=bins,
    )
