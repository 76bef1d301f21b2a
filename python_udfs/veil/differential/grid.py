"""Fixed point: values as whole steps of a declared resolution, so that sums are exact.

A float sum depends on the order of its rows, and noise on it shows in the gaps between floats
(Mironov, On Significance of the Least Significant Bits for Differential Privacy, 2012).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from veil.differential.exact import read_number, read_positive
from veil.differential.noise import Integers
from veil.differential.sensitivity import Clamp
from veil.errors import VeilError

Flags = npt.NDArray[np.bool_]

# The largest bound in steps: 2**22 rows at the bound still fit under the largest value that takes
# noise. The largest part of the resolution's fraction: doubles scale by it with two roundings.
LARGEST_BOUND = 2**40
LARGEST_PART = 2**20
_PLACES = 20


def declare_clamp(*, lower: object, upper: object, resolution: object) -> Clamp:
    """The grid that a YAML declares, its numbers read as the decimals that are written.

    Args:
        lower: smallest value, a multiple of `resolution`.
        upper: largest value, a multiple of `resolution`, above `lower`.
        resolution: value of one step, a decimal above 0 such as 0.01, 0.25, 1 or 5.

    Raises:
        VeilError: not finite, out of order, off the grid, or so fine that a sum could overflow.
    """
    clamp = Clamp(
        lower=read_number(lower, name="lower"),
        upper=read_number(upper, name="upper"),
        resolution=read_positive(resolution, name="resolution"),
    )
    _check(clamp)
    return clamp


def ends(clamp: Clamp) -> tuple[int, int]:
    """`lower` and `upper` in steps."""
    return int(clamp.lower / clamp.resolution), int(clamp.upper / clamp.resolution)


def to_steps(
    values: pa.Array, *, clamp: Clamp, default: Fraction | None = None
) -> tuple[Integers, Flags]:
    """Values in steps: to the nearest step (a tie to the even one), then clamped.

    A float counts as the binary number that it is.

    Args:
        values: Arrow array of length n, of integers, decimals or floats.
        clamp: from `declare_clamp`.
        default: what a row that is NULL, NaN or infinite counts as, on the grid, at least `lower`
            and below `upper`; without one such rows are dropped.

    Returns:
        steps: int64, shape (n,), between `lower` and `upper`.
        kept: bool, shape (n,); false where a row is dropped (its step then means nothing).
    """
    _check(clamp)
    lower, upper = ends(clamp)
    filling = lower if default is None else _filling(default, clamp=clamp)
    kept: Flags = np.array(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    steps: Integers = np.full(len(values), filling, dtype=np.int64)
    if pa.types.is_floating(values.type):
        floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        kept &= np.isfinite(floats)
        found = _from_floats(floats[kept], resolution=clamp.resolution)
        steps[kept] = np.clip(found, lower, upper)
    elif pa.types.is_integer(values.type) or pa.types.is_decimal(values.type):
        steps[kept] = [
            min(max(round(Fraction(value) / clamp.resolution), lower), upper)
            for value in values.drop_null().to_pylist()
        ]
    else:
        raise VeilError("a metric needs a column of integers, decimals or floats.")
    return steps, kept if default is None else np.ones(len(values), dtype=np.bool_)


def to_decimals(steps: Integers, *, resolution: Fraction) -> pa.Array:
    """Steps as decimals for output: exact, with the places that the resolution needs.

    Args:
        steps: int64, shape (n,); they need not lie within any bounds (a sum does not).
        resolution: value of one step, at most 2**20, with at most 20 places.
    """
    places = _places(resolution)
    one = int(resolution * 10**places)
    # An exponent beside the digits: arithmetic on decimals would round to the context's digits.
    return pa.array(
        [Decimal(f"{step * one}e-{places}") for step in steps.tolist()],
        type=pa.decimal128(38, places),
    )


def _check(clamp: Clamp) -> None:
    if clamp.largest > LARGEST_BOUND:
        raise VeilError(
            "the bounds lie more than 2**40 steps of `resolution` from 0.",
            remedy="Declare a coarser `resolution` or tighter bounds.",
        )
    if max(clamp.resolution.numerator, clamp.resolution.denominator) > LARGEST_PART:
        raise VeilError("`resolution` must be a ratio of numbers up to 2**20.")
    _places(clamp.resolution)


def _filling(default: Fraction, *, clamp: Clamp) -> int:
    step = default / clamp.resolution
    if step.denominator != 1 or not clamp.lower <= default < clamp.upper:
        raise VeilError(
            "`default` must be a multiple of `resolution`, at least `lower` and below `upper`."
        )
    return step.numerator


def _from_floats(values: npt.NDArray[np.float64], *, resolution: Fraction) -> Integers:
    """The nearest steps of finite values, shape (n,): doubles decide what is clear of a tie."""
    # Beyond every bound, and far from where a product overflows.
    far = float(4 * LARGEST_BOUND * resolution)
    near = np.clip(values, -far, far)
    scaled = near * float(resolution.denominator) / float(resolution.numerator)
    steps = np.rint(scaled)
    # Two roundings moved `scaled` by less than 2**-51 of itself; fractions decide the rest.
    doubtful = np.abs(np.abs(scaled - steps) - 0.5) <= 2.0**-50 * (np.abs(scaled) + 1)
    for at in np.flatnonzero(doubtful):
        steps[at] = round(Fraction(float(near[at])) / resolution)
    return steps.astype(np.int64)


def _places(resolution: Fraction) -> int:
    """Decimal places of one step; refused where no decimal writes it."""
    for places in range(_PLACES + 1):
        if (resolution * 10**places).denominator == 1:
            return places
    raise VeilError("`resolution` must be a decimal such as 0.01, 0.25, 1 or 5.")
