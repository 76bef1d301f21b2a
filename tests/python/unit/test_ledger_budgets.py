"""What a budget belongs to: no new name, unit, window or second budget gets back what was spent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from ledger_support import (
    EVENTS,
    ORDERS,
    PERSON,
    RHO,
    budget,
    cells,
    create,
    draw,
    events,
    ledger,
    line,
    new_project,
)
from veil.differential.budgets import BudgetSpentError
from veil.differential.windows import Confinement, Part, Span
from veil.errors import VeilError
from veil.project import Project
from veil.warehouse.ledger_rows import Declaration, Draw, LedgerError, Unit

HOUSEHOLD = Unit(name="household", columns=frozenset({f"{EVENTS}.household_id"}))
RENAMED = Unit(name="human", columns=PERSON.columns)


def never() -> pa.Table:
    """Cells that nobody may draw."""
    raise AssertionError("drawn")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose budget of epsilon 1 is spent."""
    found = new_project(tmp_path / "project")
    open_ledger = create(found)
    open_ledger.declare([budget()])
    open_ledger.charge_and_store(draw("1", line("1")), cells)
    return found


THEFTS = {
    "renamed mart": ([budget()], {"mart": "model.demo.other", "name": "other"}),
    "renamed budget": ([budget(name="fresh")], {"budget": "fresh"}),
    "second budget": ([budget(), budget("9", name="fresh")], {"budget": "fresh"}),
    "second budget in rho": (
        [budget(), budget("9", name="fresh", measure=RHO)],
        {"budget": "fresh"},
    ),
    "renamed unit": ([budget(unit=RENAMED)], {"unit": RENAMED}),
    "renamed unit and budget": (
        [budget(name="fresh", unit=RENAMED)],
        {"unit": RENAMED, "budget": "fresh"},
    ),
    "renamed column of the unit": (
        [budget(unit=Unit(name="person", columns=frozenset({f"{EVENTS}.person_id"})))],
        {"unit": Unit(name="person", columns=frozenset({f"{EVENTS}.person_id"}))},
    ),
    "renamed source": (
        [budget(sources=("source.demo.app.occurrences",))],
        {"sources": frozenset({"source.demo.app.occurrences"})},
    ),
    "one source more": (
        [budget(name="fresh", sources=(EVENTS, ORDERS))],
        {"sources": frozenset({EVENTS, ORDERS}), "budget": "fresh"},
    ),
    "another window": ([budget(window=Span.DAY)], {}),
}


@pytest.mark.parametrize("how", THEFTS)
def test_no_change_of_names_gets_back_what_was_spent(project: Project, how: str) -> None:
    """Nothing of any size fits any more, and nothing is drawn to find that out."""
    declared, changed = THEFTS[how]
    open_ledger = ledger(project)
    open_ledger.declare(declared)

    with pytest.raises(BudgetSpentError):
        open_ledger.charge_and_store(draw("2", line("1/1000000"), **changed), never)


@pytest.mark.parametrize("how", [name for name in THEFTS if name != "another window"])
def test_without_the_rule_of_unit_and_sources_each_of_them_works(
    project: Project, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The twin: where charges are not looked for by unit and sources."""
    declared, changed = THEFTS[how]
    monkeypatch.setattr(Declaration, "counts", lambda self, unit, sources: False)
    open_ledger = ledger(project)
    open_ledger.declare(declared)

    assert open_ledger.charge_and_store(draw("2", line("1/1000000"), **changed), cells).is_new


def test_a_new_unit_over_old_sources_must_say_that_it_is_meant(project: Project) -> None:
    """Other columns and another label begin with nothing spent: refused, or recorded."""
    open_ledger = ledger(project)
    with pytest.raises(LedgerError, match="another privacy unit") as caught:
        open_ledger.declare([budget(), budget(name="homes", unit=HOUSEHOLD)])
    assert "`homes`" in str(caught.value)
    open_ledger.declare([budget(), budget(name="homes", unit=HOUSEHOLD, beside=True)])
    homes = {"unit": HOUSEHOLD, "budget": "homes", "name": "homes"}
    open_ledger.charge_and_store(draw("1", line("1/2"), **homes), cells)
    open_ledger.declare([budget("2"), budget(name="homes", unit=HOUSEHOLD, beside=True)])
    spent = {one.declared.name: one.spent.loss for one in open_ledger.spent()}

    assert spent == {"homes": Fraction(1, 2), "research": 1}
    assert [one["beside"] for one in events(project, "budget.declared")] == [False, True, False]
    with pytest.raises(LedgerError, match="another privacy unit"):
        open_ledger.charge_and_store(draw("2", **{**homes, "budget": "research"}), never)


def test_a_unit_that_takes_over_the_name_of_a_budget_must_say_so_too(project: Project) -> None:
    """The name of a budget decides nothing."""
    with pytest.raises(LedgerError, match="another privacy unit"):
        ledger(project).declare([budget(unit=HOUSEHOLD)])


def test_a_raised_limit_is_a_recorded_change_and_opens_just_the_rest(project: Project) -> None:
    """Declared again, nothing is written; lowered, it is no raise; withdrawn, it is one."""
    open_ledger = ledger(project)
    assert open_ledger.declare([budget()]) == []
    assert [one.raised for one in open_ledger.declare([budget("3/2", delta="1/100000")])] == [True]
    open_ledger.charge_and_store(draw("2", line("1/2")), cells)
    with pytest.raises(BudgetSpentError):
        open_ledger.charge_and_store(draw("3", line("1/1000000")), never)
    assert [one.raised for one in open_ledger.declare([budget("1/2")])] == [False]
    (gone,) = open_ledger.declare([])
    declared = events(project, "budget.declared")
    (account,) = [open_ledger.declare([budget("9")]), *open_ledger.spent()][1:]

    assert (gone.raised, gone.is_withdrawn) == (True, True)
    assert [(one["epsilon"], one["raised"]) for one in declared] == [
        ("1/1", False),
        ("3/2", True),
        ("1/2", False),
    ]
    assert declared[1] == {
        **declared[1],
        "budget": "research",
        "unit": "person",
        "delta": "1/100000",
        "window": "lifetime",
    }
    assert account.spent.loss == Fraction(3, 2)


def test_a_raise_under_a_new_name_is_one(project: Project) -> None:
    """The budget whose place it takes is looked for by unit and sources."""
    higher = ledger(project).declare([budget("2", name="fresh")])
    same = ledger(project).declare([budget("2", name="again")])

    assert [(one.budget, one.raised) for one in higher] == [("fresh", True), ("research", True)]
    assert [one.raised for one in same] == [False, False]


def test_beside_a_windowed_budget_the_lifetime_total_stands(tmp_path: Path) -> None:
    """A window renews; what a person lost over the years does not."""
    project = new_project(tmp_path / "windowed")
    create(project).declare([budget(window=Span.MONTH)])
    for month in (1, 2, 3):
        now = datetime(2030, month, 5, tzinfo=UTC)
        ledger(project, clock=lambda now=now: now).charge_and_store(
            draw(f"2030-0{month}", line("1")), cells
        )
    (account,) = ledger(project).spent()

    assert (account.spent.loss, account.left_loss, account.lifetime.loss) == (1, 0, 3)
    assert [(one.spent.loss, one.lifetime.loss) for one in account.marts] == [(1, 3)]


def a_day(day: int, series: str = "visits", **changed: object) -> Draw:
    """The release of one day of a series of which each person keeps one day."""
    part = Part(series=series, name=f"2030-01-0{day}", confinement=Confinement.ONE_PART)
    return draw(f"2030-01-0{day}", line("1/2", part=part), **changed)


def test_parts_of_a_series_cost_as_much_as_the_dearest(tmp_path: Path) -> None:
    """One query's series alone: in another mart or definition it adds up."""
    project = new_project(tmp_path / "parts")
    open_ledger = create(project)
    open_ledger.declare([budget()])
    for day in (1, 2, 3):
        open_ledger.charge_and_store(a_day(day), cells)
    assert open_ledger.spent()[0].spent.loss == Fraction(1, 2)
    open_ledger.charge_and_store(a_day(4, query="select 2"), cells)

    assert open_ledger.spent()[0].spent.loss == 1
    with pytest.raises(BudgetSpentError):
        open_ledger.charge_and_store(a_day(5, mart="model.demo.other"), never)


def test_a_budget_in_epsilon_is_refused_where_rho_was_charged(tmp_path: Path) -> None:
    """No epsilon bounds it alone."""
    project = new_project(tmp_path / "rho")
    open_ledger = create(project)
    open_ledger.declare([budget(measure=RHO)])
    open_ledger.charge_and_store(draw("1", line(measure=RHO)), cells)

    with pytest.raises(VeilError, match="does not enter a budget in epsilon"):
        open_ledger.declare([budget()])
    assert open_ledger.spent()[0].declared.budget.measure is RHO


@pytest.mark.parametrize(
    "make",
    [
        lambda: budget(sources=()),
        lambda: budget(sources=("events",)),
        lambda: budget(name="Jane Doe"),
        lambda: Unit(name="person", columns=frozenset()),
        lambda: draw("yesterday"),
        lambda: draw(lines=()),
        lambda: draw(change="x"),
        lambda: line("0"),
        lambda: line(metric="Jane Doe"),
    ],
)
def test_what_cannot_be_accounted_for_is_no_budget_and_no_release(make: object) -> None:
    """Refused where it is made, and its text is not repeated."""
    with pytest.raises(VeilError) as caught:
        make()  # type: ignore[operator]

    assert "Jane" not in str(caught.value)


def test_two_budgets_of_one_name_are_refused(project: Project) -> None:
    """Nobody could say which one a mart names."""
    with pytest.raises(LedgerError, match="one name"):
        ledger(project).declare([budget(), budget("2")])


def a_person_day(day: int) -> Draw:
    """The release of one day of a series whose unit is the person-day."""
    part = Part(series="visits", name=f"2030-01-0{day}", confinement=Confinement.UNIT_AND_PART)
    within = replace(PERSON, within="day")
    name = f"visits.2030-01-0{day}"
    return draw("once", line("1/2", part=part), name=name, unit=within, budget="days")


def test_a_person_day_is_no_person(tmp_path: Path) -> None:
    """A series of days costs a budget of person-days its dearest day, and the person's all days."""
    project = new_project(tmp_path / "days")
    open_ledger = create(project)
    days = budget("1/2", name="days", unit=replace(PERSON, within="day"))
    open_ledger.declare([days, budget("2", name="people")])
    for day in (1, 2, 3, 4):
        open_ledger.charge_and_store(a_person_day(day), cells)
    spent = {one.declared.name: one.spent.loss for one in open_ledger.spent()}

    assert spent == {"days": Fraction(1, 2), "people": 2}
    with pytest.raises(BudgetSpentError, match="`people`"):
        open_ledger.charge_and_store(a_person_day(5), never)


def test_a_person_does_not_draw_on_a_budget_of_person_days(tmp_path: Path) -> None:
    """Nor a person-day on a person's: their losses are not the same number."""
    project = new_project(tmp_path / "apart")
    open_ledger = create(project)
    open_ledger.declare([budget(name="days", unit=replace(PERSON, within="day"))])

    with pytest.raises(LedgerError, match="another privacy unit"):
        open_ledger.charge_and_store(draw("1", budget="days"), never)
    with pytest.raises(LedgerError, match="another privacy unit"):
        open_ledger.declare([budget(name="days")])
        open_ledger.charge_and_store(a_person_day(1), never)
