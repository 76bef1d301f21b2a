"""A differential release inside a build: given again from the ledger, or drawn, charged and stored.

The order is that of `Ledger.charge_and_store`: the charge must fit before a row is read, and charge
and cells are committed before anybody sees a cell. What is left to dbt is a copy of stored cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial

import duckdb
import pyarrow as pa

from veil.differential.exact import shown_up
from veil.differential.noise import require_opendp
from veil.differential.ranks import Ranking
from veil.errors import VeilError
from veil.policy.graph import Graph, Node
from veil.releases import draw_cells, realised_error, select_groups
from veil.warehouse.bounding import aggregate
from veil.warehouse.change import change_digests
from veil.warehouse.content import content_of
from veil.warehouse.contributions import Query
from veil.warehouse.ledger import Ledger, Stored
from veil.warehouse.ledger_rows import Draw
from veil.warehouse.planned import Planned
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.session import Session
from veil.warehouse.utility import note_utility

SCHEMA = "marts.veil"
PATIENCE = 3600.0
"""Seconds that a mart waits for another one whose rows are being read under the ledger's lock."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the materialization copies.

    Attributes:
        relation: table with the noisy cells.
        line: what a person should know.
    """

    relation: str
    line: str


def draw_release(session: Session, graph: Graph, node: Node, sql: str) -> Drawn:
    """The cells of a differential mart, from the ledger or drawn now.

    Args:
        session: with zones and keeper.
        graph: dbt's graph.
        node: the mart.
        sql: its compiled SQL, which the gates let pass.

    Raises:
        BudgetSpentError: a draw does not fit into its budget.
        VeilError: the release cannot be drawn; nothing is charged.
    """
    planned = Planned(graph, node, sql)
    keeper = session.require_keeper()
    ledger = Ledger(session.project, session.keyring, keeper, wait=PATIENCE)
    wanted = []
    for day in planned.days():
        draw = planned.draw(day)
        if planned.declared.on_change:
            draw = _changed(session, planned, ledger)
        wanted.append((draw, partial(_cells, session, planned, draw, day)))
    stored = ledger.charge_and_store_all(wanted)
    relation = _stage(session, planned, [one.cells for one in stored])
    return Drawn(relation, _line(planned, [one for one in stored if one.is_new]))


def check_copy(session: Session, node: Node, content: str) -> None:
    """Refuse a differential mart that is not the copy of what the ledger keeps.

    Raises:
        VeilError: it was not drawn in this run, or its table holds something else.
    """
    if session.drawn.get(node.unique_id) != content:
        raise VeilError(
            f"model `{node.name}` is not a copy of its release in the ledger.",
            remedy="Take out what changes it after it was drawn (a hook, another materialization).",
        )


def _changed(session: Session, planned: Planned, ledger: Ledger) -> Draw:
    """The newest release where nothing that it reads has changed, else the one after it."""
    draw = planned.draw(None, period="1")
    latest = ledger.latest(draw.name, draw.definition)
    with closing(session.conn.cursor()) as conn:
        found = change_digests(conn, query_of(planned, None, cells=None), session.keyring)
    if latest is None:
        return planned.draw(None, period="1", change=found[0])
    if latest.draw.change in found:
        return latest.draw
    return planned.draw(None, period=str(int(latest.draw.period) + 1), change=found[0])


def _cells(session: Session, planned: Planned, draw: Draw, day: date | None) -> pa.Table:
    # A stored release is given again without it.
    require_opendp()
    _kid, key = session.keyring.subkey("bounding", "*", use="ranks")
    with closing(session.conn.cursor()) as conn:
        cells = public_cells(conn, planned, day)
        query = query_of(planned, day, cells=cells)
        bounded = aggregate(conn, query, Ranking(key, draw.id))
    keys, aggregates = bounded.keys, bounded.aggregates
    if planned.plan.selection is not None:
        named = select_groups(planned.plan, bounded.people)
        keys = keys.filter(pa.array(named))
        aggregates = {name: one[named] for name, one in aggregates.items()}
    cells = draw_cells(planned.plan, keys, aggregates)
    errors = realised_error(planned.plan, keys, aggregates, cells)
    with closing(session.conn.cursor()) as conn:
        note_utility(conn, draw, errors, cells=cells.num_rows, kept=bounded.kept)
    return cells


def query_of(planned: Planned, day: date | None, *, cells: pa.Table | None) -> Query:
    declared = planned.declared
    unit = f"contributions.{identifier(declared.unit)}"
    if declared.unit_within is not None:
        unit = f"{unit} || '/' || cast({identifier(declared.unit_within)} as varchar)"
    return Query(
        sql=f"select * from ({planned.sql}) as rows{_on(planned, day)}",
        unit=unit,
        keys=tuple(key.name for key in declared.keys),
        parts=planned.plan.parts,
        bounds=declared.bounds,
        cells=cells,
    )


def _on(planned: Planned, day: date | None) -> str:
    """The condition that the rows are of one part."""
    if day is None:
        return ""
    name = identifier(str(planned.declared.increment))
    return f" where {name} = date {literal(day.isoformat())}"


def public_cells(
    conn: duckdb.DuckDBPyConnection, planned: Planned, day: date | None
) -> pa.Table | None:
    """The public cells of a part, in the types of the contract; None where there are none."""
    keys = planned.declared.keys
    if planned.declared.is_private or not keys:
        return None
    casts = ", ".join(
        f"cast({identifier(key.name)} as {key.data_type}) as {identifier(key.name)}" for key in keys
    )
    if planned.listed is not None:
        sql = f"select distinct {casts} from {planned.listed}{_on(planned, day)}"
        return conn.execute(sql).to_arrow_table()
    values = [
        [day] if day is not None and key.name == planned.declared.increment else key.values or ()
        for key in keys
    ]
    columns = zip(*itertools.product(*values), strict=True)
    table = pa.table({key.name: list(one) for key, one in zip(keys, columns, strict=True)})
    conn.register("veil_listed", table)
    return conn.execute(f"select {casts} from veil_listed").to_arrow_table()


def _stage(session: Session, planned: Planned, cells: Sequence[pa.Table]) -> str:
    """Write stored cells into a table of the marts zone, in the types of the contract."""
    node = planned.node
    relation = f"{SCHEMA}.{identifier('release ' + node.identifier)}"
    casts = ", ".join(
        f"cast({identifier(name)} as {node.columns[name].data_type}) as {identifier(name)}"
        for name in planned.declared.columns
    )
    # A release that was drawn under another order of columns is the same release.
    columns = list(planned.declared.columns)
    with closing(session.conn.cursor()) as conn:
        conn.register("veil_cells", pa.concat_tables(one.select(columns) for one in cells))
        conn.execute(f"create or replace table {relation} as select {casts} from veil_cells")
        content = content_of(conn, relation)[0]
    session.drawn[node.unique_id] = content
    return relation


def _line(planned: Planned, new: Sequence[Stored]) -> str:
    """What became of the release."""
    mart, budget = f"`{planned.node.name}`", f"`{planned.declared.budget}`"
    if not new:
        return f"{mart} is given again as it was released; budget {budget} is charged nothing."
    declared = planned.declared
    losses = [sum((line.charge.loss for line in one.draw.lines), Fraction(0)) for one in new]
    # A budget of person-days counts the dearest day.
    is_daily = declared.unit_within is not None and declared.unit_within == declared.increment
    cost = max(losses) if is_daily else sum(losses, Fraction(0))
    parts = f" in {len(new)} parts" if len(new) > 1 else ""
    charge = f"{declared.measure.value} {shown_up(cost)}"
    return f"{mart} is drawn anew{parts}: budget {budget} is charged {charge}."
