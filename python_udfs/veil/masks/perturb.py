"""Keyed perturbation: from 64 bits of a person's MAC to a shift in days or a Laplace draw.

The same person gets the same draw at every build and in every join, so that averaging over
rebuilds or over rows of one person removes nothing. It carries no differential-privacy claim.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from veil.errors import VeilError

Bits = npt.NDArray[np.uint64]


def _null_mask(nulls: Any) -> npt.NDArray[np.bool_]:
    return np.asarray(nulls.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def shift_days(bits: Bits, *, days: int, nulls: Any) -> pa.Array:
    """Whole days in [-days, days], uniform up to 2**-48, never 0.

    Args:
        bits: shape (n,), uniform 64-bit integers.
        days: the largest shift, at least 1.
        nulls: Arrow array of length n; its NULLs become NULL.
    """
    if not 1 <= days <= 3650:
        raise VeilError("mask `shift_date` needs `days` between 1 and 3650.")
    position = (bits % np.uint64(2 * days)).astype(np.int32)
    shift = np.where(position < days, position - days, position - days + 1)
    return pa.array(shift.astype(np.int32), mask=_null_mask(nulls))


def laplace(bits: Bits, *, scale: float, nulls: Any) -> pa.Array:
    """Laplace(0, scale): a sign and an exponential magnitude, by inversion of 52 bits.

    Args:
        bits: shape (n,), uniform 64-bit integers.
        scale: mean absolute deviation, in the unit of the column, above 0.
        nulls: Arrow array of length n; its NULLs become NULL.

    Source: inverse transform, L. Devroye, Non-Uniform Random Variate Generation (1986), II.2.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise VeilError("mask `noise` needs a `scale` above 0.")
    # One bit is the sign, 52 others the magnitude: (k + 1/2) / 2**52 is exact and lies strictly
    # between 0 and 1, so the logarithm is finite; with 53 bits the largest k would round to 1.
    uniform = ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    sign = np.where(bits & np.uint64(1), 1.0, -1.0)
    draw = sign * -scale * np.log(uniform)
    return pa.array(draw, mask=_null_mask(nulls))
