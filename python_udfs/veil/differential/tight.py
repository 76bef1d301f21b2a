"""A tighter total than the one that is enforced, by the library dp-accounting (an extra).

What the ledger enforces is the plain sum: exact, and never too low. Composition over many releases
costs less than the sum, by theorems whose numbers need numerics (privacy loss distributions, Renyi
orders). Shown beside the sum, and never enforced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from importlib import import_module

from veil.differential.measures import Charge, Measure
from veil.errors import VeilError


def tight_epsilon(charges: Iterable[Charge], *, delta: Fraction) -> float:
    """Epsilon at a delta for all charges together, composed adaptively or not.

    A charge in epsilon counts as the worst mechanism of that epsilon and delta; one in rho as any
    mechanism of that zero-concentrated loss.

    Args:
        charges: exact, at least one.
        delta: of the whole, above the sum of the charges' own.

    Raises:
        VeilError: the extra is not installed, or delta is not above what was spent of it.
    """
    try:
        # By name: it is not there where types are checked.
        accounting = import_module("dp_accounting")
        rdp = import_module("dp_accounting.rdp")
        common = import_module("dp_accounting.pld.common")
        distribution = import_module("dp_accounting.pld.privacy_loss_distribution")
    except ImportError:
        raise VeilError(
            "the tight total needs the library dp-accounting.",
            remedy="Run `pip install 'dbt-veil[accounting]'`.",
        ) from None
    every = list(charges)
    own = sum((one.delta for one in every), Fraction(0))
    if not own < delta < 1:
        raise VeilError(
            "`delta` is not above what the releases have spent of it.",
            remedy="Name a larger one, below 1.",
        )
    if all(one.measure is Measure.EPSILON for one in every):
        # Many charges are alike: each kind is composed with itself in one step.
        alike = Counter((float(one.loss), float(one.delta)) for one in every)
        whole = distribution.identity()
        for (loss, lost), times in sorted(alike.items()):
            worst = common.DifferentialPrivacyParameters(loss, lost)
            one_kind = distribution.from_privacy_parameters(worst)
            whole = whole.compose(one_kind.self_compose(times))
        return float(whole.get_epsilon_for_delta(float(delta)))
    renyi = rdp.RdpAccountant()
    for one in every:
        rho = one.entered_in(Measure.RHO).loss
        renyi.compose(accounting.ZCDpEvent(float(rho)))
    return float(renyi.get_epsilon(float(delta - own)))
