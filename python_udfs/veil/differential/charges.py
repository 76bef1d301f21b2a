"""From the scale that the noise was really drawn with to an exact charge, and back.

A scale is a float because OpenDP takes one, and OpenDP samples with the exact value of that float;
the charge is computed from the same value, as a fraction. Nothing here rounds.

Discrete Laplace of scale b on integers of L1 sensitivity L1: epsilon = L1 / b (Ghosh, Roughgarden,
Sundararajan, Universally Utility-Maximizing Privacy Mechanisms, 2009). Discrete Gaussian of
parameter sigma on integers of L2 sensitivity L2: rho = L2**2 / (2 sigma**2) (Canonne, Kamath,
Steinke, The Discrete Gaussian for Differential Privacy, 2020, arXiv:2004.00010, Theorems 4 and 14).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from veil.differential.measures import Charge, Measure
from veil.differential.sensitivity import Sensitivity
from veil.errors import VeilError

# Bits of the integer square root from which the search for the float begins; a float has 53.
_ROOT_BITS = 128


def _exact(scale: float) -> Fraction:
    # An int or a Fraction is not what the sampler got; only a float has one exact value there.
    if not isinstance(scale, float) or not math.isfinite(scale) or scale <= 0:
        raise VeilError(
            "the scale of the noise is not a finite float above 0.",
            remedy="Declare an epsilon or rho for which noise can be drawn.",
        )
    return Fraction(scale)


def laplace_charge(sensitivity: Sensitivity, *, scale: float) -> Charge:
    """Charge of one vector of discrete Laplace noise over all cells of one metric.

    Args:
        sensitivity: of the whole vector, in grid steps.
        scale: the float handed to OpenDP, in grid steps.

    Returns:
        L1 / scale, in epsilon.
    """
    return Charge(measure=Measure.EPSILON, loss=sensitivity.l1 / _exact(scale))


def gaussian_charge(sensitivity: Sensitivity, *, scale: float) -> Charge:
    """Charge of one vector of discrete Gaussian noise over all cells of one metric.

    Args:
        sensitivity: of the whole vector, in grid steps.
        scale: sigma, the float handed to OpenDP, in grid steps.

    Returns:
        L2**2 / (2 sigma**2), in rho.
    """
    return Charge(measure=Measure.RHO, loss=sensitivity.l2_squared / (2 * _exact(scale) ** 2))


def selection_charge(noise: Charge, *, delta: Fraction) -> Charge:
    """Charge of private selection: the noise on the count of distinct units, and delta.

    A unit that alone holds a cell is seen with at most delta / L0, and it holds at most L0 cells,
    so that the whole selection adds delta (Wilson et al., Differentially Private SQL with Bounded
    User Contribution, 2020; Desfontaines et al., Differentially Private Partition Selection, 2022).

    Args:
        noise: charge of the noise on `of_distinct_units`, without a delta.
        delta: probability of the whole selection, in (0, 1).
    """
    if noise.delta != 0:
        raise VeilError("the noise of a private selection carries no delta of its own.")
    if type(delta) is not Fraction or not 0 < delta < 1:
        raise VeilError(
            "private selection needs a `delta` between 0 and 1, as an exact fraction.",
            remedy="Declare `delta` on the mart, or `public_partitions`.",
        )
    return Charge(measure=noise.measure, loss=noise.loss, delta=delta)


def _share(share: Fraction) -> Fraction:
    if type(share) is not Fraction or share <= 0:
        raise VeilError("a share of a budget is an exact fraction above 0.")
    return share


def _no_float() -> VeilError:
    return VeilError(
        "the wanted privacy loss needs a scale that no float can hold.",
        remedy="Declare a larger epsilon or rho, or a coarser `resolution`.",
    )


def laplace_scale(sensitivity: Sensitivity, *, epsilon: Fraction) -> float:
    """The smallest float whose exact charge is at most epsilon.

    Raises:
        VeilError: epsilon is not an exact fraction above 0, or no finite float is large enough.
    """
    wanted = sensitivity.l1 / _share(epsilon)
    try:
        scale = float(wanted)
    except OverflowError:
        raise _no_float() from None
    # The conversion rounds to nearest; a scale below the wanted one would cost more than the share.
    if scale == 0 or Fraction(scale) < wanted:
        scale = math.nextafter(scale, math.inf)
    if math.isinf(scale):
        raise _no_float()
    return scale


def gaussian_scale(sensitivity: Sensitivity, *, rho: Fraction) -> float:
    """The smallest float sigma whose exact charge is at most rho.

    Raises:
        VeilError: rho is not an exact fraction above 0, or no finite float is large enough.
    """
    wanted = sensitivity.l2_squared / (2 * _share(rho))
    # Half the shift is the scale of the root; enough bits that the root is within a float or two.
    half = max(0, _ROOT_BITS + (wanted.denominator.bit_length() - wanted.numerator.bit_length()))
    root = math.isqrt((wanted.numerator << (2 * half)) // wanted.denominator)
    try:
        scale = float(Fraction(root, 1 << half))
    except OverflowError:
        raise _no_float() from None
    # The float is the nearest to a root that was cut off: never one too far up, maybe one too low.
    while scale == 0 or (math.isfinite(scale) and Fraction(scale) ** 2 < wanted):
        scale = math.nextafter(scale, math.inf)
    if math.isinf(scale):
        raise _no_float()
    return scale


def split(whole: Fraction, *, weights: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Divide a release's epsilon, rho or delta over its metrics; the shares sum to the whole.

    Args:
        whole: what is divided, above 0.
        weights: by name of the metric or part, exact, each above 0; only their ratios count.

    Raises:
        VeilError: no weight, or one that is not an exact fraction above 0.
    """
    _share(whole)
    if not weights or any(type(one) is not Fraction or one <= 0 for one in weights.values()):
        raise VeilError(
            "the weights of a budget's shares are not exact fractions above 0.",
            remedy="Declare a weight above 0 for every metric, or none for equal shares.",
        )
    total = sum(weights.values(), Fraction(0))
    return {name: whole * weight / total for name, weight in weights.items()}
