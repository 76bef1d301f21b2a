"""The reported epsilon of a rho: never below the true one, and as tight as the paper's."""

from __future__ import annotations

import json
import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.differential.conversion import Guarantee, epsilon_of_rho, guarantee, simple_epsilon
from veil.differential.measures import Measure, Spent
from veil.errors import VeilError

CASES = json.loads(
    (Path(__file__).parents[2] / "vectors" / "zcdp.json").read_text(encoding="utf-8")
)["cases"]
NEAR = Fraction(1, 10**11)

rhos = st.fractions(min_value=Fraction(1, 10**6), max_value=50, max_denominator=10**9)
deltas = st.integers(2, 40).map(lambda power: Fraction(1, 2**power)) | st.integers(1, 30).map(
    lambda power: Fraction(1, 10**power)
)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _smallest(rho: Fraction, delta: Fraction) -> Fraction:
    """The minimum of Corollary 13 over alpha, to 40 digits, by comparing values alone."""
    with localcontext(Context(prec=60)):
        loss, small = _decimal(rho), _decimal(delta)

        def bound(order: Decimal) -> Decimal:
            alpha = 1 + order
            return alpha * loss - (alpha * small).ln() / order + (order / alpha).ln()

        low, high = Decimal(0), (-small.ln() / loss).sqrt()
        for _ in range(150):
            third = (high - low) / 3
            if bound(low + third) < bound(high - third):
                high -= third
            else:
                low += third
        return max(Fraction(0), Fraction(bound((low + high) / 2)))


def _gaussian_delta(*, variance: Fraction, epsilon: Fraction) -> Decimal:
    """Smallest delta of a discrete Gaussian on a count, to 40 digits: Theorem 7 of the paper."""
    with localcontext(Context(prec=50)):
        width, loss = _decimal(variance), _decimal(epsilon)
        reach = int(30 * math.sqrt(variance)) + 30
        weights = {x: (-Decimal(x * x) / (2 * width)).exp() for x in range(-reach, reach + 1)}
        whole = sum(weights.values())
        # P[X = x] against P[X = x - 1]: where the first is more than exp(epsilon) times the second.
        factor = loss.exp()
        return sum(
            (
                max(Decimal(0), weights[x] - factor * weights.get(x + 1, Decimal(0)))
                for x in range(-reach, reach)
            ),
            Decimal(0),
        ) / Decimal(whole)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rho']}, {case['delta']}")
def test_known_answers(case: dict[str, str]) -> None:
    """The authors' own code, and the simple bound of Bun and Steinke."""
    rho, delta = Fraction(case["rho"]), Fraction(case["delta"])

    assert abs(epsilon_of_rho(rho, delta=delta) - Fraction(case["epsilon"])) < NEAR * 40
    assert abs(simple_epsilon(rho, delta=delta) - Fraction(case["simple"])) < NEAR * 40


@given(rho=rhos, delta=deltas)
@settings(deadline=None, database=None, max_examples=60)
def test_the_reported_epsilon_lies_just_above_the_true_minimum(
    rho: Fraction, delta: Fraction
) -> None:
    """Against the minimum in 40 digits: never below, and above by at most 1e-11 of it."""
    true = _smallest(rho, delta)
    found = epsilon_of_rho(rho, delta=delta)

    assert true <= found <= true * (1 + NEAR)
    assert found <= simple_epsilon(rho, delta=delta)


def test_a_report_rounded_to_nearest_is_caught() -> None:
    """The twin that cuts the true minimum to the nearest 11 digits lies below it half the time."""
    below = 0
    for number in range(1, 101):
        true = _smallest(Fraction(number, 37), Fraction(1, 10**9))
        below += Fraction(f"{float(true):.11g}") < true

    assert below > 20


@given(rho=rhos, delta=deltas)
@settings(deadline=None, database=None, max_examples=60)
def test_the_simple_bound_lies_just_above_its_formula(rho: Fraction, delta: Fraction) -> None:
    """Against the formula in 100 digits."""
    with localcontext(Context(prec=100)):
        loss = _decimal(rho)
        true = Fraction(loss + 2 * (loss * -_decimal(delta).ln()).sqrt())

    assert true <= simple_epsilon(rho, delta=delta) <= true * (1 + NEAR)


@pytest.mark.parametrize("variance", [Fraction(1, 2), Fraction(3), Fraction(50)])
@pytest.mark.parametrize("delta", [Fraction(1, 100), Fraction(1, 10**6), Fraction(1, 10**9)])
def test_a_discrete_gaussian_keeps_the_reported_promise(
    variance: Fraction, delta: Fraction
) -> None:
    """Its exact delta at the reported epsilon is at most the reported delta."""
    epsilon = epsilon_of_rho(1 / (2 * variance), delta=delta)

    assert _gaussian_delta(variance=variance, epsilon=epsilon) <= _decimal(delta)


def test_a_report_that_says_too_little_is_caught() -> None:
    """The twin that reports three quarters of epsilon breaks the promise."""
    delta = Fraction(1, 10**6)
    epsilon = epsilon_of_rho(Fraction(1, 6), delta=delta) * 3 / 4

    assert _gaussian_delta(variance=Fraction(3), epsilon=epsilon) > _decimal(delta)


def test_google_s_accountant_agrees() -> None:
    """dp-accounting minimises the same bound over a grid of alphas: a little above, never below."""
    accounting = pytest.importorskip("dp_accounting")
    rdp = pytest.importorskip("dp_accounting.rdp")
    orders = [1 + 1.01**power / 100 for power in range(1, 1200)]
    for rho, delta in ((Fraction(1, 10), 1e-6), (Fraction(1, 2), 1e-9), (Fraction(3), 1e-5)):
        accountant = rdp.RdpAccountant(orders=orders)
        accountant.compose(accounting.ZCDpEvent(rho=float(rho)))
        theirs = Fraction(accountant.get_epsilon(delta))
        ours = epsilon_of_rho(rho, delta=Fraction(repr(delta)))

        assert theirs - Fraction(1, 1000) * theirs < ours < theirs + NEAR


def test_the_tight_total_lies_below_the_report() -> None:
    """The privacy loss distribution of the continuous Gaussian needs less epsilon, not more."""
    accounting = pytest.importorskip("dp_accounting")
    pld = pytest.importorskip("dp_accounting.pld")
    accountant = pld.PLDAccountant()
    accountant.compose(accounting.GaussianDpEvent(noise_multiplier=2.0), 4)
    tight = accountant.get_epsilon(1e-6)

    assert 0.8 * float(epsilon_of_rho(Fraction(1, 2), delta=Fraction(1, 10**6))) < tight
    assert tight < epsilon_of_rho(Fraction(1, 2), delta=Fraction(1, 10**6))


@pytest.mark.parametrize("rho", [Fraction(1, 10**80), Fraction(1, 10**300), Fraction(10**40)])
def test_extreme_rho_keeps_the_direction(rho: Fraction) -> None:
    """Far beyond what a float holds: at most the simple bound, never below 0."""
    delta = Fraction(1, 10**500)

    assert 0 <= epsilon_of_rho(rho, delta=delta) <= simple_epsilon(rho, delta=delta)


def test_nothing_spent_is_epsilon_zero() -> None:
    """Without a loss there is none to report."""
    assert epsilon_of_rho(Fraction(0), delta=Fraction(1, 2)) == 0
    assert simple_epsilon(Fraction(0), delta=Fraction(1, 2)) == 0


def test_a_report_of_rho_adds_both_deltas() -> None:
    """That of private selection, and that of the conversion."""
    delta, selected = Fraction(1, 10**6), Fraction(1, 10**9)
    spent = Spent(measure=Measure.RHO, loss=Fraction(1, 40), delta=selected)

    assert guarantee(spent, delta=delta) == Guarantee(
        epsilon=epsilon_of_rho(Fraction(1, 40), delta=delta), delta=delta + selected
    )


def test_a_report_of_epsilon_is_what_was_spent() -> None:
    """No conversion, no delta added."""
    spent = Spent(measure=Measure.EPSILON, loss=Fraction(1, 3), delta=Fraction(1, 10**9))

    assert guarantee(spent, delta=Fraction(1, 10**6)) == Guarantee(
        epsilon=spent.loss, delta=spent.delta
    )


@pytest.mark.parametrize(
    ("rho", "delta"),
    [
        (0.5, Fraction(1, 10)),
        (Fraction(-1), Fraction(1, 10)),
        (Fraction(1), 1e-6),
        (Fraction(1), Fraction(0)),
        (Fraction(1), Fraction(2, 3)),
    ],
)
def test_inexact_or_impossible_numbers_are_refused(rho: Fraction, delta: Fraction) -> None:
    """No float enters, and no delta that promises nothing."""
    for convert in (epsilon_of_rho, simple_epsilon):
        with pytest.raises(VeilError):
            convert(rho, delta=delta)
