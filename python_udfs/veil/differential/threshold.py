"""Private selection of partitions: which groups may be named at all.

After bounding, adding one person adds 1 to the person count of at most L0 groups. A group that
only this person brings into being is named with probability at most delta / L0, and so any of them
with at most delta; for the groups on both sides the noise on the count pays.

Source: Korolova, Kenthapadi, Mishra, Ntoulas, Releasing Search Queries and Clicks Privately (2009);
the integer threshold from the discrete distribution's own tail, not from OpenDP's, which is wrong.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from veil.differential.noise import Integers, Noise, add_noise
from veil.differential.tails import reach
from veil.errors import VeilError


def threshold(
    noise: Noise,
    *,
    delta: Fraction,
    max_partitions_contributed: int,
    pre_threshold: int = 1,
) -> int:
    """The smallest T with P(max(1, pre_threshold) + noise >= T) <= delta / L0.

    Args:
        noise: what `select` adds to a count of people.
        delta: the selection's whole delta, above 0 and below 1/2.
        max_partitions_contributed: L0, at least 1.
        pre_threshold: a group with fewer people is never named, whatever the noise.

    Raises:
        VeilError: delta, L0 or delta / L0 (below 1e-30) out of range.
    """
    if not 0 < delta < Fraction(1, 2):
        raise VeilError("private selection needs a `delta` above 0 and below 1/2.")
    if max_partitions_contributed < 1:
        raise VeilError("`max_partitions_contributed` must be at least 1.")
    return max(1, pre_threshold) + reach(noise, Fraction(delta) / max_partitions_contributed)


def select(
    counts: Integers, *, noise: Noise, threshold: int, pre_threshold: int = 1
) -> npt.NDArray[np.bool_]:
    """Which groups are named: the mask alone leaves, neither counts nor draws.

    A metric of a named group needs a draw of its own: these draws decided who is seen.

    Args:
        counts: shape (groups,), people in each group after bounding; groups without anybody may
            be left out, they are never named.
        noise: as given to `threshold`.
        threshold: what `threshold` found for that noise and `pre_threshold`.
        pre_threshold: as given to `threshold`.

    Returns:
        shape (groups,): true where the noisy count reaches T and the count `pre_threshold`.
    """
    noisy = add_noise([(counts, noise)])[0].values
    return np.asarray((noisy >= threshold) & (counts >= max(1, pre_threshold)), dtype=np.bool_)
