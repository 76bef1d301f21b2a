"""A declared budget, and whether one more charge fits into what is left of it.

A budget is declared in one measure. `delta` of a budget in epsilon is the delta of the whole; of a
budget in rho it is what private selection may spend (the conversion of rho to epsilon for a report
takes a delta of its own, see `conversion`). A budget without a delta admits no private selection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from veil.differential.exact import read_delta, read_positive, shown_down, shown_up
from veil.differential.measures import Charge, Measure, Spent, require_exact
from veil.differential.windows import Entry, Span, total
from veil.errors import FindingError, VeilError

_NOTHING = Fraction(0)
_DECLARED = {"epsilon", "rho", "delta", "window"}
# Where a declared number says next to nothing to a person: exp(20) is a factor of 485 million, and
# rho 5 is an epsilon above 20 at a delta of one in a million. A warning, because the choice is the
# privacy officer's and an old release may have to be accounted for as it was.
_SILLY_EPSILON = Fraction(20)
_SILLY_RHO = Fraction(5)
_SILLY_DELTA = Fraction(1, 10_000)
_TINY = Fraction(1, 10_000)


class BudgetSpentError(FindingError):
    """A charge does not fit into what is left of a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent.

    Attributes:
        measure: in what `loss` is counted.
        loss: epsilon or rho, above 0.
        delta: sum of the deltas that may be spent, at least 0 and below 1.
        window: over what span it renews; `LIFETIME` never.
    """

    measure: Measure
    loss: Fraction
    delta: Fraction = _NOTHING
    window: Span = Span.LIFETIME

    def __post_init__(self) -> None:
        require_exact(loss=self.loss, delta=self.delta)
        if self.loss == 0 or self.delta >= 1:
            raise VeilError("a budget is above 0, and its delta below 1.")

    def holds(self, spent: Spent) -> bool:
        """Whether what was spent lies within the budget, both in loss and in delta."""
        if spent.measure is not self.measure:
            raise VeilError("a budget is compared with what was spent in its own measure.")
        return spent.loss <= self.loss and spent.delta <= self.delta


def can_afford(budget: Budget, spent: Spent, charge: Charge) -> bool:
    """Whether a charge still fits: what was spent and the charge lie within the budget.

    Raises:
        VeilError: a charge in rho against a budget in epsilon.
    """
    return budget.holds(spent.plus(charge))


def afford(budget: Budget, spent: Spent, charge: Charge) -> Spent:
    """What is spent after the charge.

    Raises:
        BudgetSpentError: it does not fit. The message shows the public numbers: what is left
            rounded down, what it would cost rounded up.
        VeilError: a charge in rho against a budget in epsilon.
    """
    return _within(budget, before=spent, after=spent.plus(charge))


def afford_entries(budget: Budget, entries: Sequence[Entry], *, added: Sequence[Entry]) -> Spent:
    """What is spent in the budget's window after some entries more, parts of series included.

    Args:
        budget: the budget.
        entries: all that it was ever charged.
        added: what a build would charge; all of one window, at least one.

    Returns:
        The total of the window that holds the added entries.

    Raises:
        BudgetSpentError: it does not fit.
        VeilError: a charge in rho against a budget in epsilon, a series with two bounds, added
            entries of two windows.
    """
    windows = {budget.window.window(one.on) for one in added}
    if len(windows) != 1:
        raise VeilError("the charges of one build lie in one window of their budget.")
    window = windows.pop()
    before = total(entries, measure=budget.measure, window=window)
    after = total([*entries, *added], measure=budget.measure, window=window)
    return _within(budget, before=before, after=after)


def _within(budget: Budget, *, before: Spent, after: Spent) -> Spent:
    if budget.holds(after):
        return after
    word = budget.measure.value
    cost, left = after.loss - before.loss, max(_NOTHING, budget.loss - before.loss)
    cost_delta, left_delta = after.delta - before.delta, max(_NOTHING, budget.delta - before.delta)
    raise BudgetSpentError(
        f"the release costs {word} {shown_up(cost)} and delta {shown_up(cost_delta)}; "
        f"left are {word} {shown_down(left)} and delta {shown_down(left_delta)}.",
        remedy="Release less, wait for the budget's next window, or have its limit raised.",
    )


def read_budget(declared: Mapping[str, object], *, name: str) -> Budget:
    """A budget as it stands in YAML: `epsilon` or `rho`, and optionally `delta` and `window`.

    Args:
        declared: the keys and values of the YAML.
        name: name of the budget, for the messages.

    Raises:
        VeilError: both measures or none, an unknown key, a number that is not finite and above 0,
            an unknown window.
    """
    unknown = sorted(str(key) for key in declared if key not in _DECLARED)
    measures = [one for one in Measure if one.value in declared]
    if unknown or len(measures) != 1:
        raise VeilError(
            f"budget `{name}` does not declare exactly one of `epsilon` and `rho`"
            + (f", or declares an unknown key (`{unknown[0]}`)." if unknown else "."),
            remedy="Allowed are `epsilon` or `rho`, and `delta` and `window` beside it.",
        )
    word = measures[0].value
    delta = _NOTHING
    if "delta" in declared:
        delta = read_delta(declared["delta"], name=f"{name}.delta")
    return Budget(
        measure=measures[0],
        loss=read_positive(declared[word], name=f"{name}.{word}"),
        delta=delta,
        window=Span.read(declared.get("window", Span.LIFETIME.value), name=f"{name}.window"),
    )


def cautions(budget: Budget, *, name: str) -> tuple[str, ...]:
    """What a person should hear about a budget that is allowed and odd; one line each.

    Too much: epsilon above 20, rho above 5, delta above 1/10000. Too little to release anything
    useful: a loss below 1/10000. A window other than the lifetime.
    """
    said = []
    most = _SILLY_EPSILON if budget.measure is Measure.EPSILON else _SILLY_RHO
    word = budget.measure.value
    if budget.loss > most:
        said.append(f"budget `{name}`: `{word}` above {most} promises a person next to nothing.")
    if budget.loss < _TINY:
        said.append(f"budget `{name}`: `{word}` below {_TINY} drowns every number in noise.")
    if budget.delta > _SILLY_DELTA:
        said.append(
            f"budget `{name}`: `delta` above {_SILLY_DELTA} lets whole persons through; "
            "keep it far below one in the number of people."
        )
    if budget.window is not Span.LIFETIME:
        said.append(
            f"budget `{name}` renews every {budget.window.value}: over the years a person's loss "
            "is the lifetime total, which has no limit."
        )
    return tuple(said)
