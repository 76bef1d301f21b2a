"""Budgets: read as written, added up exactly, and never overdrawn."""

from __future__ import annotations

import math
from datetime import date, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.differential.budgets import (
    Budget,
    BudgetSpentError,
    afford,
    afford_entries,
    can_afford,
    cautions,
    read_budget,
)
from veil.differential.exact import (
    exact_text,
    from_exact_text,
    read_delta,
    read_number,
    read_positive,
    shown_down,
    shown_up,
)
from veil.differential.measures import Charge, Measure, Spent, spent_by
from veil.differential.windows import Confinement, Entry, Part, Span, Window, total
from veil.errors import EXIT_FINDING, VeilError

TENTH = Fraction(1, 10)
DAY = date(2026, 5, 1)


def _epsilon(loss: Fraction, delta: Fraction = Fraction(0)) -> Charge:
    return Charge(measure=Measure.EPSILON, loss=loss, delta=delta)


def _rho(loss: Fraction, delta: Fraction = Fraction(0)) -> Charge:
    return Charge(measure=Measure.RHO, loss=loss, delta=delta)


losses = st.fractions(min_value=0, max_value=100)
deltas = st.fractions(min_value=0, max_value=Fraction(1, 2))
epsilon_charges = st.builds(_epsilon, losses, deltas)
any_charges = st.one_of(epsilon_charges, st.builds(_rho, losses, deltas))


def test_ten_tenths_fit_into_one_and_the_eleventh_of_any_size_does_not() -> None:
    """Declared 1 and charged 0.1 from YAML: exactly ten."""
    budget = read_budget({"epsilon": 1.0}, name="people")
    spent = Spent(measure=Measure.EPSILON)
    for _ in range(10):
        spent = afford(budget, spent, _epsilon(read_positive(0.1, name="epsilon")))

    assert spent.loss == budget.loss
    for size in (TENTH, Fraction(1, 10**6), Fraction(1, 10**1000)):
        assert not can_afford(budget, spent, _epsilon(size))


def test_a_budget_kept_in_floats_is_caught() -> None:
    """The twin that adds floats lets an eleventh charge through."""
    spent = 0.0
    for _ in range(10):
        spent += 0.1

    assert spent + 1e-17 <= 1.0
    assert not can_afford(
        Budget(measure=Measure.EPSILON, loss=Fraction(1)),
        spent_by([_epsilon(TENTH)] * 10, measure=Measure.EPSILON),
        _epsilon(Fraction(1e-17)),
    )


@pytest.mark.parametrize(("loss", "delta"), [(0.1, Fraction(0)), (1, Fraction(0)), (TENTH, 1e-9)])
def test_no_float_becomes_a_loss(loss: object, delta: object) -> None:
    """Neither charge nor sum nor budget takes anything but fractions."""
    for kind in (Charge, Spent, Budget):
        with pytest.raises(VeilError, match="exact fractions"):
            kind(measure=Measure.EPSILON, loss=loss, delta=delta)  # type: ignore[arg-type]


@given(charges=st.lists(any_charges, max_size=8), data=st.data())
@settings(deadline=None, database=None)
def test_charges_add_up_exactly_in_any_order(charges: list[Charge], data: st.DataObject) -> None:
    """The sum is that of the fractions, whichever comes first."""
    mixed = data.draw(st.permutations(charges))
    spent = spent_by(charges, measure=Measure.RHO)

    assert spent == spent_by(mixed, measure=Measure.RHO)
    assert spent.delta == sum(one.delta for one in charges)
    assert spent.loss == sum(
        one.loss if one.measure is Measure.RHO else one.loss * one.loss / 2 for one in charges
    )


@given(before=st.lists(epsilon_charges, max_size=5), charge=epsilon_charges, loss=losses)
@settings(deadline=None, database=None)
def test_what_is_afforded_never_exceeds_the_limit(
    before: list[Charge], charge: Charge, loss: Fraction
) -> None:
    """`afford` and `can_afford` agree, and what passes lies within both limits."""
    budget = Budget(measure=Measure.EPSILON, loss=loss + 1, delta=Fraction(1, 3))
    spent = spent_by(before, measure=Measure.EPSILON)
    if can_afford(budget, spent, charge):
        after = afford(budget, spent, charge)

        assert after.loss <= budget.loss
        assert after.delta <= budget.delta
    else:
        with pytest.raises(BudgetSpentError):
            afford(budget, spent, charge)


def test_epsilon_enters_a_rho_budget_as_half_its_square() -> None:
    """Bun and Steinke 2016, Proposition 1.4; each charge by itself, the delta beside it."""
    charges = [_epsilon(Fraction(1)), _epsilon(Fraction(1, 2), Fraction(1, 10**6))]

    assert spent_by(charges, measure=Measure.RHO) == Spent(
        measure=Measure.RHO, loss=Fraction(5, 8), delta=Fraction(1, 10**6)
    )


def test_rho_never_enters_an_epsilon_budget() -> None:
    """Refused with a way out, however small the charge."""
    budget = Budget(measure=Measure.EPSILON, loss=Fraction(10), delta=Fraction(1, 10))
    with pytest.raises(VeilError, match="rho does not enter") as caught:
        can_afford(budget, Spent(measure=Measure.EPSILON), _rho(Fraction(1, 10**9)))

    assert "rho" in caught.value.remedy


def test_a_budget_is_not_compared_with_another_measure() -> None:
    """Rho 1 is not epsilon 1."""
    with pytest.raises(VeilError, match="own measure"):
        Budget(measure=Measure.EPSILON, loss=Fraction(1)).holds(Spent(measure=Measure.RHO))


def test_the_deltas_of_private_selections_add_up_to_the_limit() -> None:
    """Three thirds of the declared delta pass, a fourth selection does not."""
    budget = read_budget({"rho": "1/2", "delta": "3e-9"}, name="people")
    one = _rho(Fraction(1, 100), Fraction(1, 10**9))
    spent = spent_by([one] * 3, measure=Measure.RHO)

    assert budget.holds(spent)
    assert not can_afford(budget, spent, one)
    assert can_afford(budget, spent, _rho(Fraction(1, 100)))


def test_a_budget_without_a_delta_admits_no_private_selection() -> None:
    """Pure stays pure."""
    budget = read_budget({"epsilon": 1}, name="people")

    assert not can_afford(
        budget, Spent(measure=Measure.EPSILON), _epsilon(TENTH, Fraction(1, 10**30))
    )


def test_the_refusal_rounds_to_the_safe_side() -> None:
    """What is left is never shown as more, what it costs never as less; exit code of a finding."""
    budget = Budget(measure=Measure.EPSILON, loss=Fraction(2, 3))
    with pytest.raises(BudgetSpentError) as caught:
        afford(budget, Spent(measure=Measure.EPSILON), _epsilon(Fraction(4, 3)))

    assert "costs epsilon 1.33334 and" in caught.value.message
    assert "left are epsilon 0.666666 and" in caught.value.message
    assert caught.value.exit_code == EXIT_FINDING


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        (0.1, Fraction(1, 10)),
        (0.30000000000000004, Fraction(30000000000000004, 10**17)),
        (1e-6, Fraction(1, 10**6)),
        (1e22, Fraction(10**22)),
        (3, Fraction(3)),
        ("0.1", Fraction(1, 10)),
        ("1e-6", Fraction(1, 10**6)),
        (".5", Fraction(1, 2)),
        ("+2.", Fraction(2)),
        ("1/3", Fraction(1, 3)),
        ("2/6", Fraction(1, 3)),
        ("0.1000000000000000000001", Fraction(10**21 + 1, 10**22)),
    ],
)
def test_a_number_is_read_as_it_is_written(written: object, exact: Fraction) -> None:
    """0.1 is a tenth."""
    assert read_number(written, name="epsilon") == exact
    assert read_positive(written, name="epsilon") == exact


@pytest.mark.parametrize(
    "wrong",
    [
        math.nan,
        math.inf,
        -math.inf,
        True,
        False,
        None,
        [],
        "",
        "nan",
        "inf",
        "1_000",
        " 1",
        "1\n",
        "١",
        "1/0",
        "1/2/3",
        "0.5/2",
        "0x10",
        "1e9999999999",
        "1" * 101,
        Fraction(1, 2),
    ],
)
def test_what_is_no_plain_finite_number_is_refused(wrong: object) -> None:
    """The message names the parameter and repeats no value."""
    with pytest.raises(VeilError, match="`epsilon` is not a finite number") as caught:
        read_number(wrong, name="epsilon")

    assert "1_000" not in str(caught.value)


@pytest.mark.parametrize("wrong", [0, 0.0, -0.0, -1, "-1/2", "0/5", "0e9"])
def test_zero_and_less_are_refused(wrong: object) -> None:
    """A budget, a delta and a bound of a person are above 0."""
    for read in (read_positive, read_delta):
        with pytest.raises(VeilError, match="not above 0"):
            read(wrong, name="delta")


def test_a_delta_of_one_is_refused() -> None:
    """It would promise nothing."""
    assert read_delta("0.999") < 1
    with pytest.raises(VeilError, match="not below 1"):
        read_delta(1.0)


@given(value=st.fractions(min_value=0))
@settings(deadline=None, database=None)
def test_a_stored_fraction_comes_back(value: Fraction) -> None:
    """What the ledger writes is what it reads."""
    assert from_exact_text(exact_text(value)) == value


def test_the_longest_charge_comes_back() -> None:
    """The smallest and the largest float as sigma still fit into a row."""
    for sigma in (5e-324, 1.7976931348623157e308):
        value = 1 / (2 * Fraction(sigma) ** 2)

        assert from_exact_text(exact_text(value)) == value


@pytest.mark.parametrize(
    "text", ["", "1", "1/0", "2/4", "-1/2", "01/2", "1/2 ", "0.5", "1/" * 2000]
)
def test_an_edited_fraction_is_refused(text: str) -> None:
    """Only lowest terms, so that one number has one text."""
    with pytest.raises(VeilError, match="lowest terms"):
        from_exact_text(text)


@given(value=st.fractions(min_value=Fraction(1, 10**9), max_value=10**9), digits=st.integers(1, 30))
@settings(deadline=None, database=None)
def test_shown_numbers_enclose_the_true_one(value: Fraction, digits: int) -> None:
    """Spent is never shown as less, left never as more, and both are close."""
    low, high = (Fraction(show(value, digits=digits)) for show in (shown_down, shown_up))

    assert low <= value <= high
    assert high - low <= value * Fraction(10) ** (1 - digits)


def test_shown_numbers_are_plain() -> None:
    """No needless digits, an exponent only where it helps."""
    assert [shown_up(one) for one in (Fraction(0), Fraction(1, 2), Fraction(1200))] == [
        "0",
        "0.5",
        "1200",
    ]
    assert shown_down(Fraction(1, 10**9)) == "1e-9"
    assert (shown_up(Fraction(1, 3), digits=3), shown_down(Fraction(2, 3), digits=3)) == (
        "0.334",
        "0.666",
    )


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"delta": 1e-6},
        {"epsilon": 1, "rho": 1},
        {"epsilon": 1, "Delta": 1e-6},
        {"epsilon": 1, "window": "week"},
        {"epsilon": 1, "window": None},
        {"epsilon": True},
        {"rho": math.nan},
        {"epsilon": 0},
        {"epsilon": 1, "delta": 0},
        {"epsilon": 1, "delta": 1},
    ],
)
def test_a_budget_that_is_not_clear_is_refused(declared: dict[str, object]) -> None:
    """One measure, known keys, numbers above 0; the message names the budget."""
    with pytest.raises(VeilError, match="`people"):
        read_budget(declared, name="people")


def test_a_declared_budget_is_read() -> None:
    """All four keys."""
    found = read_budget({"rho": "1/3", "delta": 1e-9, "window": "month"}, name="people")

    assert found == Budget(
        measure=Measure.RHO, loss=Fraction(1, 3), delta=Fraction(1, 10**9), window=Span.MONTH
    )


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"epsilon": 20}, []),
        ({"epsilon": 20.1}, ["next to nothing"]),
        ({"rho": 5}, []),
        ({"rho": 6}, ["next to nothing"]),
        ({"epsilon": 1e-5}, ["drowns"]),
        ({"epsilon": 1, "delta": 0.001}, ["whole persons"]),
        ({"epsilon": 1, "window": "day"}, ["lifetime total"]),
    ],
)
def test_odd_budgets_are_allowed_and_remarked_upon(
    declared: dict[str, object], words: list[str]
) -> None:
    """One remark for each oddity, none for a sensible budget."""
    found = cautions(read_budget(declared, name="people"), name="people")

    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True))


def _days(charges: list[Charge], confinement: Confinement | None) -> list[Entry]:
    return [
        Entry(
            on=date(2026, 5, day),
            charge=charge,
            part=Part(series="s", name=str(day), confinement=confinement) if confinement else None,
        )
        for day, charge in enumerate(charges, start=1)
    ]


def test_every_day_of_a_daily_mart_is_a_full_charge() -> None:
    """Without a declared bound a date confines nobody."""
    entries = _days([_epsilon(TENTH)] * 30, None)

    assert total(entries, measure=Measure.EPSILON).loss == 3


@pytest.mark.parametrize("confinement", Confinement)
def test_a_confined_series_costs_its_dearest_part(confinement: Confinement) -> None:
    """The largest loss and the largest delta of a part, whose own charges add up."""
    cheap, dear = _epsilon(TENTH, Fraction(1, 100)), _epsilon(3 * TENTH)
    entries = _days([cheap, dear, cheap], confinement)
    entries.append(Entry(on=DAY, charge=cheap, part=entries[0].part))

    assert total(entries, measure=Measure.EPSILON) == Spent(
        measure=Measure.EPSILON, loss=3 * TENTH, delta=Fraction(2, 100)
    )


def test_two_series_and_loose_charges_add_up() -> None:
    """Only the parts of one series share."""
    first = _days([_epsilon(TENTH)] * 3, Confinement.ONE_PART)
    part = Part(series="other", name="1", confinement=Confinement.ONE_PART)
    entries = [
        *first,
        Entry(on=DAY, charge=_epsilon(TENTH), part=part),
        Entry(on=DAY, charge=_epsilon(TENTH)),
    ]

    assert total(entries, measure=Measure.EPSILON).loss == 3 * TENTH


def test_a_series_that_changes_its_bound_is_refused() -> None:
    """Also where the other bound stands outside the window."""
    entries = [
        *_days([_epsilon(TENTH)], Confinement.ONE_PART),
        Entry(
            on=date(2026, 9, 9),
            charge=_epsilon(TENTH),
            part=Part(series="s", name="9", confinement=Confinement.WHOLE_WINDOW),
        ),
    ]
    with pytest.raises(VeilError, match="two different bounds"):
        total(entries, measure=Measure.EPSILON, window=Span.DAY.window(DAY))


@given(
    used=st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(lambda one: sum(one) <= 4),
    charges=st.lists(epsilon_charges, min_size=5, max_size=5),
)
@settings(deadline=None, database=None)
def test_a_person_of_a_whole_window_pays_at_most_the_dearest_part(
    used: list[int], charges: list[Charge]
) -> None:
    """However L0 = 4 cells are spread over the days: the claim by which parts share a charge."""
    entries = _days(charges[: len(used)], Confinement.WHOLE_WINDOW)
    for measure in Measure:
        paid = [
            Charge(
                measure=Measure.EPSILON,
                loss=entry.charge.loss * cells / 4,
                delta=entry.charge.delta * cells / 4,
            )
            for cells, entry in zip(used, entries, strict=True)
        ]
        person = spent_by(paid, measure=measure)
        series = total(entries, measure=measure)

        assert person.loss <= series.loss
        assert person.delta <= series.delta


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        (Span.DAY, date(2024, 2, 10), date(2024, 2, 10)),
        (Span.MONTH, date(2024, 2, 1), date(2024, 2, 29)),
        (Span.YEAR, date(2024, 1, 1), date(2024, 12, 31)),
        (Span.LIFETIME, date.min, date.max),
    ],
)
def test_a_window_follows_the_calendar(span: Span, first: date, last: date) -> None:
    """First and last day included, whatever the hour."""
    window = span.window(date(2024, 2, 10))

    assert window == Window(first=first, last=last) == span.window(datetime(2024, 2, 10, 23, 59))
    assert first in window
    assert datetime(last.year, last.month, last.day, 23, 59) in window


def test_a_window_ends() -> None:
    """The day after belongs to the next one; the last month of the calendar has an end too."""
    assert date(2024, 3, 1) not in Span.MONTH.window(DAY.replace(year=2024, month=2))
    assert Span.MONTH.window(date(9999, 12, 5)).last == date.max


def test_a_window_renews_and_the_lifetime_does_not() -> None:
    """April is spent, May is free, and the lifetime total counts both."""
    budget = Budget(measure=Measure.EPSILON, loss=Fraction(1), window=Span.MONTH)
    april = Entry(on=date(2026, 4, 30), charge=_epsilon(Fraction(1)))
    may = Entry(on=DAY, charge=_epsilon(Fraction(1)))

    assert afford_entries(budget, [april], added=[may]).loss == 1
    assert total([april, may], measure=Measure.EPSILON).loss == 2
    with pytest.raises(BudgetSpentError):
        afford_entries(budget, [april, may], added=[Entry(on=DAY, charge=_epsilon(TENTH))])


def test_a_new_part_costs_what_it_adds_to_the_dearest() -> None:
    """A further day of a confined series is free, a dearer one costs the difference."""
    budget = Budget(measure=Measure.EPSILON, loss=TENTH)
    days = _days([_epsilon(TENTH), _epsilon(TENTH), _epsilon(2 * TENTH)], Confinement.ONE_PART)

    assert afford_entries(budget, days[:1], added=days[1:2]).loss == TENTH
    with pytest.raises(
        BudgetSpentError, match=r"costs epsilon 0\.1 and delta 0; left are epsilon 0"
    ):
        afford_entries(budget, days[:2], added=days[2:])


@pytest.mark.parametrize("months", [[], [4, 5]])
def test_a_build_of_two_windows_or_none_is_refused(months: list[int]) -> None:
    """Else the charges of one month could be held against another's."""
    budget = Budget(measure=Measure.EPSILON, loss=Fraction(1), window=Span.MONTH)
    added = [Entry(on=date(2026, month, 1), charge=_epsilon(TENTH)) for month in months]
    with pytest.raises(VeilError, match="one window"):
        afford_entries(budget, [], added=added)


def test_a_charge_with_a_delta_of_one_is_refused() -> None:
    """It would stand for publishing a person."""
    with pytest.raises(VeilError, match="below 1"):
        _epsilon(TENTH, Fraction(1))
    with pytest.raises(VeilError, match="below 0"):
        _epsilon(-TENTH)
