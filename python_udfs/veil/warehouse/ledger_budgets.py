"""Which charges count for a budget, whether one more fits, and what is spent and left.

A budget is known by its privacy unit and its sources. Every charge ever made to that unit over one
of these sources counts, whichever mart, budget or target it was made for. A release must fit into
every budget that it counts for, not only into the one that it names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from veil.differential.budgets import BudgetSpentError, afford_entries
from veil.differential.measures import Spent
from veil.differential.windows import Confinement, Entry, Span, Window, total
from veil.errors import VeilError
from veil.warehouse.ledger_rows import Book, Declaration, Draw, LedgerError, Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one mart spent of a budget, in the present window and ever."""

    mart: str
    spent: Spent
    lifetime: Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How a budget stands.

    Attributes:
        declared: the budget.
        window: the present one.
        spent: in it.
        left_loss: of it, at least 0; in the budget's measure.
        left_delta: likewise.
        lifetime: everything ever spent, whatever the window.
        marts: what each mart spent. Shares of a rho budget add up to the whole.
    """

    declared: Declaration
    window: Window
    spent: Spent
    left_loss: Fraction
    left_delta: Fraction
    lifetime: Spent
    marts: tuple[Share, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a release would cost one budget; nothing where it is stored already.

    Attributes:
        release: its name.
        mart: dbt unique id.
        budget: its name.
        cost: of the release, in the budget's measure.
        fits: whether it and those quoted before it fit.
    """

    release: str
    mart: str
    budget: str
    cost: Spent
    fits: bool


def require_budget(book: Book, draw: Draw) -> list[Declaration]:
    """The budgets that a release counts for, the one that it names among them.

    Raises:
        LedgerError: it names none in force, or one of another unit or of fewer sources.
    """
    named = book.budgets.get(draw.budget)
    where = f"mart `{draw.mart}`: budget `{draw.budget}`"
    if named is None:
        raise LedgerError(
            f"{where} is not declared.", remedy="Declare it, or name one that is, and build again."
        )
    if not _is_unit_of(named, draw):
        raise LedgerError(
            f"{where} is that of another privacy unit.",
            remedy="Name a budget of the mart's own `privacy_unit`.",
        )
    if not draw.sources <= named.sources:
        raise LedgerError(
            f"{where} does not cover a source that the mart reads by its lineage.",
            remedy="Add the source to the budget; what was charged over it counts then.",
        )
    return [one for one in book.budgets.values() if one.counts(draw.unit, draw.sources)]


def afford_draw(book: Book, draw: Draw, *, at: datetime) -> None:
    """Check that a release fits into every budget that it counts for.

    Raises:
        BudgetSpentError: it does not fit; the message names budget and mart.
        VeilError: no such budget, or a charge in rho against a budget in epsilon.
    """
    for one in require_budget(book, draw):
        _afford(one, book.made, draw, at=at)


def afford_draws(book: Book, draws: Sequence[Draw], *, at: datetime) -> None:
    """Check that releases fit together, those left out that are stored already.

    Raises:
        BudgetSpentError, VeilError: as `afford_draw`, for the first that does not.
    """
    planned = Book(made=list(book.made), budgets=book.budgets)
    for draw in draws:
        if planned.find(draw.id) is None:
            afford_draw(planned, draw, at=at)
            planned.made.append(_made(draw, at))


def quotes(book: Book, draws: Sequence[Draw], *, at: datetime) -> list[Quote]:
    """What releases would cost if they were drawn one after the other; nothing is charged.

    Raises:
        VeilError: as `afford_draw`, but for what does not fit.
    """
    planned = Book(made=list(book.made), budgets=book.budgets)
    found = []
    for draw in draws:
        if planned.find(draw.id) is not None:
            continue
        for one in require_budget(planned, draw):
            before = _in_window(one, planned.made, at)
            after = _in_window(one, [*planned.made, _made(draw, at)], at)
            cost = replace(after, loss=after.loss - before.loss, delta=after.delta - before.delta)
            try:
                _afford(one, planned.made, draw, at=at)
                fits = True
            except BudgetSpentError:
                fits = False
            found.append(
                Quote(release=draw.name, mart=draw.mart, budget=one.name, cost=cost, fits=fits)
            )
        planned.made.append(_made(draw, at))
    return found


def account_of(declared: Declaration, made: Sequence[Made], *, at: datetime) -> Account:
    """How a budget stands on a day.

    Raises:
        VeilError: a charge in rho counts for a budget in epsilon.
    """
    spent = _in_window(declared, made, at)
    budget = declared.budget
    marts = sorted({one.draw.mart for one in made if _counts(declared, one)})
    return Account(
        declared=declared,
        window=budget.window.window(at.date()),
        spent=spent,
        left_loss=max(Fraction(0), budget.loss - spent.loss),
        left_delta=max(Fraction(0), budget.delta - spent.delta),
        lifetime=total(entries_of(declared, made), measure=budget.measure),
        marts=tuple(
            Share(
                mart=mart,
                spent=_in_window(declared, own, at),
                lifetime=total(entries_of(declared, own), measure=budget.measure),
            )
            for mart in marts
            for own in [[one for one in made if one.draw.mart == mart]]
        ),
    )


def entries_of(declared: Declaration, made: Sequence[Made]) -> list[Entry]:
    """Every charge that counts for a budget, as it counts there."""
    return [
        entry
        for one in made
        if _counts(declared, one)
        for entry in _entries(declared, one.draw, at=one.at)
    ]


def _entries(declared: Declaration, draw: Draw, *, at: datetime) -> list[Entry]:
    """The charges of a release. A person's own loss is the sum over all of the person's days."""
    entries = draw.entries(at)
    if declared.unit.within:
        return entries
    return [
        replace(one, part=None)
        if one.part is not None and one.part.confinement is Confinement.UNIT_AND_PART
        else one
        for one in entries
    ]


def merged(declared: Declaration, book: Book) -> Declaration:
    """A declaration as it enters the ledger: what its name covered before, it covers still.

    So a source or column under a new name does not come without what was charged over the old one.

    Raises:
        LedgerError: another unit has a budget over one of its sources or was charged over it, and
            neither of the two says `beside`.
    """
    before = book.budgets.get(declared.name)
    if before is not None and before.unit.same_as(declared.unit):
        columns = before.unit.columns | declared.unit.columns
        declared = replace(
            declared,
            sources=before.sources | declared.sources,
            unit=replace(declared.unit, columns=columns),
        )
    others = [one for one in book.budgets.values() if one.name != declared.name]
    foreign = [(one.unit, one.sources) for one in others if not one.beside] + [
        (one.draw.unit, one.draw.sources)
        for one in book.made
        if not any(known.beside and known.unit.same_as(one.draw.unit) for known in others)
    ]
    if not declared.beside and any(
        not sources.isdisjoint(declared.sources) and not declared.unit.same_as(unit)
        for unit, sources in foreign
    ):
        raise LedgerError(
            f"budget `{declared.name}`: another privacy unit has a budget over one of its sources,"
            " or was charged over it. A new unit would begin with nothing spent.",
            remedy="Name the unit as before; or, where both are meant, declare the budget with"
            " `beside: true`, which is recorded.",
        )
    return declared


def under(book: Book, declared: Collection[Declaration] | None) -> Book:
    """The book as it would be once these budgets are declared; itself where none are given."""
    if declared is None:
        return book
    return Book(made=book.made, budgets={one.name: merged(one, book) for one in declared})


def is_raised(declared: Declaration, book: Book, *, kept: Mapping[str, Declaration]) -> bool:
    """Whether more can be spent than under the budget whose place it takes.

    Args:
        declared: the new one, merged.
        book: with those in force.
        kept: the budgets that the project declares now, by name.
    """
    former = (
        one
        for one in book.budgets.values()
        if one.name == declared.name
        or (one.name not in kept and one.counts(declared.unit, declared.sources))
    )
    return any(not _as_strict(declared, one) for one in former)


def is_loosened(gone: Declaration, book: Book) -> bool:
    """Whether more can be spent without a budget: no other one in force is as strict."""
    others = (one for one in book.budgets.values() if one.name != gone.name)
    return not any(_as_strict(one, gone) for one in others)


def _as_strict(new: Declaration, old: Declaration) -> bool:
    return (
        new.budget.measure is old.budget.measure
        and new.budget.loss <= old.budget.loss
        and new.budget.delta <= old.budget.delta
        and new.budget.window in (old.budget.window, Span.LIFETIME)
        and new.sources >= old.sources
        and new.unit.same_as(old.unit)
        and new.unit.within in ("", old.unit.within)
    )


def _afford(declared: Declaration, made: Sequence[Made], draw: Draw, *, at: datetime) -> None:
    try:
        added = _entries(declared, draw, at=at)
        afford_entries(declared.budget, entries_of(declared, made), added=added)
    except VeilError as error:
        raise type(error)(
            f"mart `{draw.mart}`, budget `{declared.name}`: {error.message}", remedy=error.remedy
        ) from None


def _counts(declared: Declaration, one: Made) -> bool:
    return declared.counts(one.draw.unit, one.draw.sources)


def _is_unit_of(declared: Declaration, draw: Draw) -> bool:
    """Whether both speak of one unit, the key within which it is counted included."""
    return declared.unit.same_as(draw.unit) and declared.unit.within == draw.unit.within


def _in_window(declared: Declaration, made: Sequence[Made], at: datetime) -> Spent:
    window = declared.budget.window.window(at.date())
    return total(entries_of(declared, made), measure=declared.budget.measure, window=window)


def _made(draw: Draw, at: datetime) -> Made:
    return Made(draw=draw, at=at, cells="")
