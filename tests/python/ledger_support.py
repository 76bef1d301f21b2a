"""Projects with a ledger, budgets and releases for its tests, and a plain DuckDB that edits it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from veil.differential.budgets import Budget
from veil.differential.measures import Charge, Measure
from veil.differential.windows import Part, Span
from veil.project import Project
from veil.state import create_keyring, load_state
from veil.warehouse.ledger import Ledger, create_ledger
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_rows import Declaration, Draw, Line, Unit, definition_of
from veil.warehouse.zones import load_crypto

KEK = "DBT_ENV_SECRET_VEIL_TEST"
EVENTS = "source.demo.app.events"
ORDERS = "source.demo.app.orders"
PERSON = Unit(name="person", columns=frozenset({f"{EVENTS}.user_id", f"{ORDERS}.user_id"}))
CELLS = pa.table({"region": ["north", "south"], "visits": pa.array([41, -3], pa.int64())})
EPSILON, RHO = Measure.EPSILON, Measure.RHO


def new_project(root: Path, *, encrypted: bool = True, anchor: Path | None = None) -> Project:
    """A project with a keyring that has a key for a ledger, and a record; without a ledger."""
    root.mkdir()
    more = "" if anchor is None else f'vars:\n  "veil:anchor": {{path: {anchor}}}\n'
    (root / "dbt_project.yml").write_text(f"name: demo\n{more}")
    (root / "state").mkdir(mode=0o700)
    project = Project(root)
    create_keyring(project, kek_ref=f"env:{KEK}", is_encrypted=encrypted, after_loss=False)
    return project


def create(project: Project, *, after_loss: bool = False) -> Ledger:
    """Make the ledger of a project."""
    return create_ledger(project, *load_state(project), after_loss=after_loss)


def ledger(project: Project, **more: Any) -> Ledger:
    """The ledger of a project, with keyring and record loaded anew."""
    return Ledger(project, *load_state(project), **more)


def budget(
    loss: str = "1",
    *,
    name: str = "research",
    measure: Measure = EPSILON,
    delta: str = "1/1000000",
    window: Span = Span.LIFETIME,
    unit: Unit = PERSON,
    sources: tuple[str, ...] = (EVENTS,),
    beside: bool = False,
) -> Declaration:
    """A budget over the events."""
    limits = Budget(measure=measure, loss=Fraction(loss), delta=Fraction(delta), window=window)
    return Declaration(
        name=name, unit=unit, sources=frozenset(sources), budget=limits, beside=beside
    )


def line(
    loss: str = "1/10",
    *,
    metric: str = "visits",
    measure: Measure = EPSILON,
    delta: str = "0",
    part: Part | None = None,
) -> Line:
    """What one metric costs."""
    charge = Charge(measure=measure, loss=Fraction(loss), delta=Fraction(delta))
    return Line(metric=metric, charge=charge, part=part)


def draw(period: str = "1", *lines: Line, query: str = "select 1", **changed: Any) -> Draw:
    """A release of a tenth of the budget."""
    fields: dict[str, Any] = {
        "name": "visits",
        "period": period,
        "definition": definition_of({"epsilon": "1/10"}, query),
        "mart": "model.demo.visits",
        "budget": "research",
        "unit": PERSON,
        "sources": frozenset({EVENTS}),
        "lines": lines or (line(),),
    }
    return Draw(**{**fields, **changed})


def cells() -> pa.Table:
    """Noisy cells."""
    return CELLS


def many_cells() -> pa.Table:
    """As many as fill 160 kB, whatever the compression; the same every time."""
    numbers = random.Random(5)
    return pa.table({"visits": [numbers.getrandbits(62) for _ in range(20_000)]})


def events(project: Project, *names: str) -> list[dict[str, Any]]:
    """What the record holds of some events, oldest first."""
    return [dict(one.details) for one in load_state(project)[1].entries(*names)]


@contextlib.contextmanager
def by_hand(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    """The ledger in a plain DuckDB, under its key: what a person with a client can do."""
    keyring = load_state(project)[0]
    password = keyring.subkey("ledger", "*", use="duckdb")[1].hex()
    with duckdb.connect(":memory:") as conn:
        load_crypto(conn)
        conn.execute(
            f"attach '{ledger_file(project)}' as l (encryption_key '{password}',"
            " encryption_cipher 'GCM')"
        )
        yield conn
