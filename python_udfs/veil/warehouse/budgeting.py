"""The budgets of dbt_project.yml as the ledger takes them over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veil.audit.keeper import Keeper
from veil.keys import Keyring
from veil.policy.budgets import declared_budgets, read_budgets
from veil.policy.graph import Graph
from veil.project import Project
from veil.warehouse.ledger import Ledger
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_rows import Declaration, Unit


def declarations(graph: Graph, config: Mapping[str, Any]) -> list[Declaration]:
    """The declared budgets in the ledger's words.

    Raises:
        VeilError: one cannot be read.
    """
    return [
        Declaration(
            name=one.name,
            unit=Unit(name=one.unit, columns=one.unit_columns, within=one.within),
            sources=one.sources,
            budget=one.budget,
            beside=one.beside,
        )
        for one in read_budgets(graph, declared_budgets(config))
    ]


def declare_budgets(project: Project, keyring: Keyring, keeper: Keeper, graph: Graph) -> list[str]:
    """Let the ledger take over the budgets as they are declared now; each change is recorded.

    Returns:
        A line for each budget of which more can be spent than before.

    Raises:
        LedgerError: budgets are declared and there is no ledger; or see `Ledger.declare`.
    """
    declared = declarations(graph, project.config())
    if not declared and not ledger_file(project).exists():
        return []
    changes = Ledger(project, keyring, keeper).declare(declared)
    what = {True: "was withdrawn", False: "allows more than before"}
    return [
        f"budget `{one.budget}` {what[one.is_withdrawn]}; the record says so."
        for one in changes
        if one.raised
    ]
