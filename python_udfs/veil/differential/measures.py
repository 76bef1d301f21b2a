"""The two measures of privacy loss, a charge in one of them, and what charges sum to.

`epsilon`: pure or approximate differential privacy; losses add up plainly (Dwork, Roth, The
Algorithmic Foundations of Differential Privacy, 2014, Theorem 3.16). `rho`: zero-concentrated
differential privacy; rho adds up (Bun, Steinke, Concentrated Differential Privacy, 2016, Lemma 1.7;
with a delta, section 8). In both the deltas add up: the probability that nothing is promised.

The neighbouring relation is everywhere that one privacy unit is added or removed with all its rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from veil.errors import VeilError


class Measure(Enum):
    """In what a loss is counted; the words are those of the YAML."""

    EPSILON = "epsilon"
    RHO = "rho"


def require_exact(*, loss: Fraction, delta: Fraction) -> None:
    """Refuse anything but exact numbers that make sense as a loss.

    Raises:
        VeilError: not a `Fraction`, below 0, or a delta of 1 and more.
    """
    # A float that slips in here would make every sum after it a float.
    if type(loss) is not Fraction or type(delta) is not Fraction:
        raise VeilError("a privacy loss is counted in exact fractions, never in floats.")
    if loss < 0 or delta < 0:
        raise VeilError("a privacy loss cannot be below 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one draw of noise costs.

    Attributes:
        measure: in what `loss` is counted.
        loss: epsilon or rho, at least 0.
        delta: probability outside the promise, at least 0 and below 1; private selection adds it.
    """

    measure: Measure
    loss: Fraction
    delta: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        require_exact(loss=self.loss, delta=self.delta)
        if self.delta >= 1:
            raise VeilError("the delta of a charge must be below 1.")

    def entered_in(self, measure: Measure) -> Charge:
        """The same charge as it enters a budget of that measure.

        Epsilon enters rho as epsilon**2 / 2 (Bun, Steinke 2016, Proposition 1.4) and its delta
        stays beside it (section 8: approximate differential privacy is approximate
        zero-concentrated differential privacy with the same delta). Enter every charge by itself:
        the square of a sum is more than the sum of the squares.

        Raises:
            VeilError: a charge in rho enters a budget in epsilon; no epsilon bounds it alone.
        """
        if measure is self.measure:
            return self
        if self.measure is Measure.RHO:
            raise VeilError(
                "a charge in rho does not enter a budget in epsilon.",
                remedy="Declare the budget in `rho`, or `noise_kind: laplace` on the mart.",
            )
        return Charge(measure=Measure.RHO, loss=self.loss**2 / 2, delta=self.delta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent of a budget, in its measure; immutable, exact."""

    measure: Measure
    loss: Fraction = Fraction(0)
    delta: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        require_exact(loss=self.loss, delta=self.delta)

    def plus(self, charge: Charge) -> Spent:
        """One charge more; in whatever order charges come, the sum is the same.

        Raises:
            VeilError: a charge in rho against a budget in epsilon.
        """
        entered = charge.entered_in(self.measure)
        return Spent(
            measure=self.measure,
            loss=self.loss + entered.loss,
            delta=self.delta + entered.delta,
        )


def spent_by(charges: Iterable[Charge], *, measure: Measure) -> Spent:
    """The plain sum of charges, as the measure counts them."""
    spent = Spent(measure=measure)
    for charge in charges:
        spent = spent.plus(charge)
    return spent
