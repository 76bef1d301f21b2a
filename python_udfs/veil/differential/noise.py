"""Noise over integers: the one place of the project that draws it.

OpenDP samples the discrete Laplace and the discrete Gaussian exactly, from random bits of the
OpenSSL inside its library, which the operating system seeds and which seeds itself anew in a forked
process. No key, no data and no seed of Python or NumPy enters.

Source: Canonne, Kamath, Steinke, The Discrete Gaussian for Differential Privacy (2020), section 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from veil.errors import VeilError

Integers = npt.NDArray[np.int64]

# Below, whole numbers hardly change: a budget that large protects nobody.
SMALLEST_SCALE = 0.01
# A hundred scales: a draw of either kind lies beyond with probability below exp(-99). The largest
# value plus that margin stays inside int64, so that OpenDP's saturation never comes into play.
MARGIN = 100
LARGEST_SCALE = 2.0**61 / MARGIN
LARGEST_VALUE = 2**62


class NoiseKind(StrEnum):
    """`noise_kind` of the YAML."""

    LAPLACE = "laplace"
    GAUSSIAN = "gaussian"


@dataclass(frozen=True)
class Noise:
    """A distribution over the integers, symmetric about 0.

    Args:
        kind: P(k) proportional to exp(-|k| / scale), or to exp(-k**2 / (2 scale**2)).
        scale: in steps of the metric's grid; the very float that OpenDP gets. OpenDP samples from
            its exact rational value, and so the accountant charges `exact_scale`.
    """

    kind: NoiseKind
    scale: float

    def __post_init__(self) -> None:
        """Refuse what is no float (an int may not fit into one) and what lies out of range."""
        if not isinstance(self.scale, float) or not math.isfinite(self.scale):
            raise VeilError("noise needs a `scale` that is a finite float.")
        if not SMALLEST_SCALE <= self.scale <= LARGEST_SCALE:
            raise VeilError(
                f"noise needs a `scale` between {SMALLEST_SCALE} and 2**61 / {MARGIN} grid steps.",
                remedy="Change the budget's share, or the metric's `resolution`.",
            )

    @property
    def exact_scale(self) -> Fraction:
        """The scale as the rational number that the float is."""
        return Fraction(self.scale)


@dataclass(frozen=True)
class Noisy:
    """Values after noise, with the distribution that the noise was really drawn from.

    Args:
        values: int64, the shape of what went in.
        noise: what `values` minus the true ones follows, independently in every place.
    """

    values: Integers
    noise: Noise


def require_opendp() -> None:
    """Refuse, before anything is charged, where noise cannot be drawn.

    Raises:
        VeilError: OpenDP is not installed, or does not load.
    """
    try:
        import opendp.measurements  # noqa: F401
    except Exception:  # its library fails to load in many ways
        raise VeilError(
            "OpenDP, which draws all noise, is not installed or does not load; nothing is charged.",
            remedy="Run `pip install 'dbt-veil[differential]'`.",
        ) from None


def add_noise(parts: Sequence[tuple[Integers, Noise]]) -> list[Noisy]:
    """Add a fresh, independent draw to every value: one vector call for each distinct noise.

    Args:
        parts: int64 arrays of any shape (cells, or cells by nodes; none is fine), each with its
            noise; what shares a noise shares a call, so that no cell is timed alone.

    Raises:
        VeilError: a value lies beyond 2**62, before anything is drawn. Bounds that `Grid` accepts
            do not get there with fewer than 2**22 rows a cell at the largest bound.
    """
    for values, _ in parts:
        if values.dtype != np.int64:
            raise VeilError("noise is added to int64 values only.")
        # Two comparisons: the absolute value of the smallest int64 is negative.
        if values.size and (values.max() > LARGEST_VALUE or values.min() < -LARGEST_VALUE):
            raise VeilError(
                "an aggregate is too large for its noise to fit into 64 bits.",
                remedy="Declare a coarser `resolution` or tighter bounds.",
            )
    places: dict[Noise, list[int]] = {}
    for place, (_, noise) in enumerate(parts):
        places.setdefault(noise, []).append(place)
    done: dict[int, Noisy] = {}
    for noise, chosen in places.items():
        released = _release(np.concatenate([parts[at][0].ravel() for at in chosen]), noise=noise)
        start = 0
        for at in chosen:
            values = parts[at][0]
            done[at] = Noisy(released[start : start + values.size].reshape(values.shape), noise)
            start += values.size
    return [done[at] for at in range(len(parts))]


def _release(values: Integers, *, noise: Noise) -> Integers:
    """One call into OpenDP over `values`, shape (n,), n >= 0."""
    if not values.size:
        return values.copy()
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian, make_laplace
    from opendp.metrics import l1_distance, l2_distance
    from opendp.mod import enable_features

    # Discrete Laplace and Gaussian carry this flag, as everything does that is not yet vetted by
    # OpenDP's committee; their proofs are published beside the code.
    enable_features("contrib")
    # `T=int` would be 32 bits wide, and larger values would saturate without a word.
    domain = vector_domain(atom_domain(T="i64"))
    if noise.kind is NoiseKind.LAPLACE:
        measurement = make_laplace(domain, l1_distance(T="i64"), scale=noise.scale)
    else:
        measurement = make_gaussian(domain, l2_distance(T="f64"), scale=noise.scale)
    return np.array(measurement(values.tolist()), dtype=np.int64)
