"""What was spent, by charge and date: over a window, over a lifetime, and by parts.

Charges add up. The one exception is declared: a series of parts of which no privacy unit can use
more than one part's worth, because a bound that is enforced before aggregation says so. Then the
series costs as much as its dearest part (McSherry, Privacy Integrated Queries, 2009, Theorem 4).
Rows that lie in one part are no such bound, nor are days of a table of persons: a person comes
back the next day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum

from veil.differential.measures import Charge, Measure, Spent
from veil.errors import VeilError


class Span(Enum):
    """Over what a budget renews; the words are those of the YAML.

    Windows follow the calendar: the last day of one and the first of the next together can cost
    twice the budget.
    """

    LIFETIME = "lifetime"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"

    @classmethod
    def read(cls, value: object, *, name: str) -> Span:
        """The span of that word.

        Raises:
            VeilError: another word.
        """
        for one in cls:
            if one.value == value:
                return one
        words = ", ".join(one.value for one in cls)
        raise VeilError(f"`{name}` is not a known window.", remedy=f"Use one of: {words}.")

    def window(self, on: date) -> Window:
        """The window that holds a day."""
        # A datetime is a date to Python, and would compare with none.
        day = date(on.year, on.month, on.day)
        if self is Span.LIFETIME:
            return Window(first=date.min, last=date.max)
        if self is Span.YEAR:
            return Window(first=date(day.year, 1, 1), last=date(day.year, 12, 31))
        if self is Span.MONTH:
            days = monthrange(day.year, day.month)[1]
            return Window(first=day.replace(day=1), last=day.replace(day=days))
        return Window(first=day, last=day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, on: date) -> bool:
        return self.first <= date(on.year, on.month, on.day) <= self.last


class Confinement(Enum):
    """Which enforced bound lets the parts of a series share one charge.

    ONE_PART: every privacy unit (not each row) keeps its rows in one part only, by a bound over
        all parts together.
    WHOLE_WINDOW: L0 is enforced over all parts together, with kept contribution counts: what a
        unit used in earlier parts is no longer free. If it has l_d of the L0 cells in part d, it
        pays at most l_d / L0 of that part's charge; these weights sum to at most 1, so that the
        dearest part bounds the whole (also where epsilon enters rho: the weights are squared).
        Every part must be charged at the L0 of the whole window.
    UNIT_AND_PART: the privacy unit is declared as the unit within a part (a person-day), and the
        mart is labelled so. A person's own loss is then the sum over the parts.
    """

    ONE_PART = "one_part"
    WHOLE_WINDOW = "whole_window"
    UNIT_AND_PART = "unit_and_part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of which series a charge belongs to.

    Attributes:
        series: names what the bound spans; charges of two series add up.
        name: the part in it, a day for example; charges of one part add up.
        confinement: the bound that is enforced. One series has one.
    """

    series: str
    name: str
    confinement: Confinement


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One charge of a budget.

    Attributes:
        on: the day of the charge.
        charge: what it cost.
        part: the part of a confined series; None, the usual case, adds up.
    """

    on: date
    charge: Charge
    part: Part | None = None


def total(entries: Iterable[Entry], *, measure: Measure, window: Window | None = None) -> Spent:
    """What all entries cost together, or those in a window, as the measure counts them.

    Charges without a part add up. Those of a confined series add up within each part, and the
    series counts its largest loss and its largest delta.

    Raises:
        VeilError: a charge in rho for a measure of epsilon; a series with two confinements.
    """
    spent = Spent(measure=measure)
    parts: dict[str, dict[str, Spent]] = {}
    confinements: dict[str, Confinement] = {}
    for entry in entries:
        part = entry.part
        # Also outside the window: a series that changes its bound is wrong as a whole.
        if part and confinements.setdefault(part.series, part.confinement) is not part.confinement:
            raise VeilError(
                "one series of charges names two different bounds.",
                remedy="Begin a new series when the bound changes; the two add up.",
            )
        if window is not None and entry.on not in window:
            continue
        if part is None:
            spent = spent.plus(entry.charge)
            continue
        in_series = parts.setdefault(part.series, {})
        before = in_series.get(part.name, Spent(measure=measure))
        in_series[part.name] = before.plus(entry.charge)
    loss = sum((max(one.loss for one in each.values()) for each in parts.values()), spent.loss)
    delta = sum((max(one.delta for one in each.values()) for each in parts.values()), spent.delta)
    return Spent(measure=measure, loss=loss, delta=delta)
