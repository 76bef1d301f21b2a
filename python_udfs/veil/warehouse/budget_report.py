"""What is spent and left of each budget, and what the next build would cost, before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from veil.audit.keeper import Keeper
from veil.differential.budgets import cautions
from veil.differential.exact import exact_text, shown_down, shown_up
from veil.differential.measures import Charge, Spent
from veil.differential.tight import tight_epsilon
from veil.differential.windows import Span
from veil.keys import Keyring
from veil.policy.graph import Graph
from veil.project import Project
from veil.releases import expected_error
from veil.warehouse.budgeting import declarations
from veil.warehouse.ledger import Ledger
from veil.warehouse.ledger_budgets import Account, Quote, entries_of
from veil.warehouse.planned import Planned


@dataclass(frozen=True, slots=True)
class NextRelease:
    """A differential mart in the next build.

    Attributes:
        planned: the mart.
        quotes: of the releases that would be drawn for it, one for each budget that they count
            for; none where all of it is given again.
    """

    planned: Planned
    quotes: tuple[Quote, ...]

    @property
    def costs(self) -> Mapping[str, tuple[Spent, bool, int]]:
        """By budget: what the mart costs it, whether that fits, and in how many releases."""
        found: dict[str, tuple[Spent, bool, int]] = {}
        for one in self.quotes:
            cost, fits, parts = found.get(one.budget, (Spent(measure=one.cost.measure), True, 0))
            loss, delta = cost.loss + one.cost.loss, cost.delta + one.cost.delta
            both = Spent(measure=cost.measure, loss=loss, delta=delta)
            found[one.budget] = both, fits and one.fits, parts + 1
        return found


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """The accounts of all budgets, every charge that counts for each, the differential marts of
    the project, and how many charges were begun and never committed."""

    accounts: tuple[Account, ...]
    charges: Mapping[str, Sequence[Charge]]
    releases: tuple[NextRelease, ...]
    abandoned: int

    @property
    def fits(self) -> bool:
        """Whether the next build could be paid."""
        return all(one.fits for release in self.releases for one in release.quotes)


def report_budgets(
    project: Project,
    keyring: Keyring,
    keeper: Keeper,
    graph: Graph,
    rendered: Mapping[str, str],
) -> BudgetReport:
    """Look into the ledger, and plan the next build over it; nothing is drawn or charged.

    Args:
        project, keyring, keeper: whose ledger it is.
        graph: dbt's graph.
        rendered: SQL of each differential mart by unique id.

    Raises:
        LedgerError: no ledger, or a mart names a budget that is not declared.
        VeilError: a mart is not whole.
    """
    ledger = Ledger(project, keyring, keeper)
    planned = [Planned(graph, graph.node(one), sql) for one, sql in sorted(rendered.items())]
    declared = declarations(graph, project.config())
    draws = [draw for one in planned for draw in one.draws(period=_next_period(ledger, one))]
    quotes = ledger.quote(draws, declared=declared)
    releases = tuple(
        NextRelease(one, tuple(quote for quote in quotes if quote.mart == one.node.unique_id))
        for one in planned
    )
    accounts, made = tuple(ledger.spent(declared=declared)), ledger.releases()
    charges = {
        one.declared.name: [entry.charge for entry in entries_of(one.declared, made)]
        for one in accounts
    }
    abandoned = sum(1 for _ in keeper.entries("ledger.abandoned"))
    return BudgetReport(accounts, charges, releases, abandoned)


def _next_period(ledger: Ledger, planned: Planned) -> str:
    """The number after the newest release of a mart that is drawn on change: whether the data has
    changed is not looked at, so it is quoted as if it had."""
    if not planned.declared.on_change:
        return ""
    draw = planned.draw(None, period="1")
    latest = ledger.latest(draw.name, draw.definition)
    return "1" if latest is None else str(int(latest.draw.period) + 1)


def as_text(report: BudgetReport) -> str:
    """For people: what is spent is rounded up, what is left is rounded down."""
    lines = [line for one in report.accounts for line in (*_account(one), "")]
    if not report.accounts:
        lines += ['no budget is in force; declare one under `vars:`, as `"veil:budgets"`.', ""]
    if report.abandoned:
        times = "once" if report.abandoned == 1 else f"{report.abandoned} times"
        lines += [
            f"note: a write to the ledger was begun and not committed, {times}: a crash, or its"
            " file was taken away. What was drawn then cost nothing; the record has the moments.",
            "",
        ]
    lines.append("next build")
    if not report.releases:
        lines.append("  no differential mart in this project")
    for release in report.releases:
        lines.append(f"  {release.planned.node.name}: {_next(release)}")
        lines += [f"    {line}" for line in _error(release.planned)]
    return "\n".join(lines)


def tight_lines(report: BudgetReport, *, delta: Fraction) -> list[str]:
    """The tight total of each budget that was charged, over its whole lifetime.

    Args:
        report: the accounts.
        delta: of the whole.

    Raises:
        VeilError: as `tight_epsilon`.
    """
    return [
        f"budget `{one.declared.name}`: all releases together are within epsilon"
        f" {tight_epsilon(report.charges[one.declared.name], delta=delta):.4g} at delta"
        f" {shown_up(delta)} (dp-accounting; shown, not enforced)"
        for one in report.accounts
        if report.charges[one.declared.name]
    ]


def as_plain(report: BudgetReport) -> dict[str, Any]:
    """For a machine: losses and deltas as exact ratios."""
    return {
        "budgets": [
            {
                "name": one.declared.name,
                "unit": one.declared.unit.name,
                "within": one.declared.unit.within or None,
                "sources": sorted(one.declared.sources),
                "measure": one.declared.budget.measure.value,
                "window": one.declared.budget.window.value,
                "limit": _pair(one.declared.budget.loss, one.declared.budget.delta),
                "spent": _pair(one.spent.loss, one.spent.delta),
                "left": _pair(one.left_loss, one.left_delta),
                "lifetime": _pair(one.lifetime.loss, one.lifetime.delta),
                "marts": {
                    share.mart: _pair(share.lifetime.loss, share.lifetime.delta)
                    for share in one.marts
                },
            }
            for one in report.accounts
        ],
        "next_build": [
            {
                "mart": release.planned.node.unique_id,
                "costs": {
                    budget: {**_pair(cost.loss, cost.delta), "fits": fits, "releases": parts}
                    for budget, (cost, fits, parts) in release.costs.items()
                },
                "expected_error": {
                    metric: float(half) for metric, half in expected_error(release.planned.plan)
                },
            }
            for release in report.releases
        ],
        "abandoned": report.abandoned,
        "fits": report.fits,
    }


def _pair(loss: Fraction, delta: Fraction) -> dict[str, str]:
    return {"loss": exact_text(loss), "delta": exact_text(delta)}


def _account(one: Account) -> Iterator[str]:
    budget, unit, word = one.declared.budget, one.declared.unit, one.declared.budget.measure.value
    whose = f"{unit.name} within a {unit.within}" if unit.within else unit.name
    window = budget.window
    every = "" if window is Span.LIFETIME else f", anew every {window.value}"
    yield f"budget `{one.declared.name}`, for each {whose}{every}"
    yield f"  limit     {_loss(word, shown_down(budget.loss), budget.delta, shown_down)}"
    yield f"  spent     {_spent(one.spent)}"
    yield f"  left      {_loss(word, shown_down(one.left_loss), one.left_delta, shown_down)}"
    if window is not Span.LIFETIME:
        yield f"  lifetime  {_spent(one.lifetime)}"
    for share in one.marts:
        yield f"    {share.mart.rpartition('.')[2]}: {_spent(share.lifetime)}"
    for caution in cautions(budget, name=one.declared.name):
        yield f"  note: {caution}"


def _next(release: NextRelease) -> str:
    costs = release.costs
    if not costs:
        return "given again as it was released, at no cost"
    said = []
    for budget, (cost, fits, parts) in sorted(costs.items()):
        times = f" in {parts} releases" if parts > 1 else ""
        said.append(f"{_spent(cost)}{times} of `{budget}`" + ("" if fits else ": DOES NOT FIT"))
    return "drawn anew, " + "; ".join(said)


def _error(planned: Planned) -> Iterator[str]:
    share = shown_up(planned.declared.confidence * 100)
    for metric, half in expected_error(planned.plan):
        yield f"{metric}: ±{shown_up(half, digits=4)} at {share} % (noise only)"


def _spent(spent: Spent) -> str:
    return _loss(spent.measure.value, shown_up(spent.loss), spent.delta, shown_up)


def _loss(word: str, loss: str, delta: Fraction, shown: Any) -> str:
    return f"{word} {loss}" + (f", delta {shown(delta)}" if delta else "")
