"""The tight total of dp-accounting, beside the sum that is enforced."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from veil.differential.conversion import epsilon_of_rho
from veil.differential.measures import Charge, Measure
from veil.differential.tight import tight_epsilon
from veil.errors import VeilError

DELTA = Fraction(1, 10**6)


def in_epsilon(loss: str, delta: str = "0") -> Charge:
    return Charge(measure=Measure.EPSILON, loss=Fraction(loss), delta=Fraction(delta))


def in_rho(loss: str) -> Charge:
    return Charge(measure=Measure.RHO, loss=Fraction(loss))


def test_a_delta_that_is_spent_is_refused() -> None:
    """Nothing is left for the composition."""
    pytest.importorskip("dp_accounting")
    with pytest.raises(VeilError, match="not above what"):
        tight_epsilon([in_epsilon("1/10", "1/1000000")], delta=DELTA)


def test_many_small_charges_cost_less_than_their_sum() -> None:
    """Advanced composition: a hundred charges of 0.05 (Dwork, Rothblum, Vadhan, 2010)."""
    pytest.importorskip("dp_accounting")
    found = tight_epsilon([in_epsilon("1/20")] * 100, delta=DELTA)
    # Theorem III.3 there, an upper bound by other means.
    bound = math.sqrt(2 * 100 * math.log(1e6)) * 0.05 + 100 * 0.05 * math.expm1(0.05)

    assert found < bound < 5
    assert found > 1


def test_one_charge_costs_no_more_than_itself() -> None:
    """And hardly less."""
    pytest.importorskip("dp_accounting")
    found = tight_epsilon([in_epsilon("1")], delta=DELTA)

    assert 0.99 < found <= 1.001


def test_rho_agrees_with_our_conversion() -> None:
    """Two ways to one theorem: Canonne, Kamath, Steinke 2020, over all orders and over some."""
    pytest.importorskip("dp_accounting")
    found = tight_epsilon([in_rho("1/4"), in_rho("1/4")], delta=DELTA)
    ours = float(epsilon_of_rho(Fraction(1, 2), delta=DELTA))

    assert ours <= found * 1.000001
    assert found < ours * 1.05
