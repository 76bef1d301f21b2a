"""What `veil tune` sees of the contributions: in a public file, or by a look that is charged."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pyarrow as pa

from veil.audit.keeper import Keeper
from veil.differential.ranks import Ranking
from veil.errors import UsageError, VeilError
from veil.files import private_dir
from veil.keys import Keyring
from veil.policy.budgets import check_budgets
from veil.policy.graph import Graph
from veil.policy.rules import refuse
from veil.policy.settings import THRESHOLD
from veil.project import ZONES, Project
from veil.tuning import Grids, Look, Shape, plan_look
from veil.tuning.shape import exact_shape
from veil.warehouse.budgeting import declare_budgets
from veil.warehouse.contributions import Query
from veil.warehouse.ledger import Ledger, Stored
from veil.warehouse.ledger_rows import Draw, Line
from veil.warehouse.lineage_gate import LineageGate
from veil.warehouse.look import count_cells, count_public, people_by_bin
from veil.warehouse.partial import partial_relations
from veil.warehouse.planned import Planned
from veil.warehouse.private_release import public_cells, query_of
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.zones import attach_zones, close_zones, connection_options, lock_down

Outer = Mapping[str, tuple[object, object]]
_FILE = "veil_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What both ways of tuning need to know.

    Attributes:
        day: of a mart with an increment, the day whose contributions are looked at.
        outer: wider bounds of columns than those declared.
        cells: how many cells the mart will have, where they are private.
    """

    day: date | None = None
    outer: Outer
    cells: int | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a private look gave.

    Attributes:
        grids: the bins.
        shape: the contributions, as far as the noise shows them.
        stored: the look as it stands in the ledger.
        raised: budgets of which more can be spent since they were last declared.
    """

    grids: Grids
    shape: Shape
    stored: Stored
    raised: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a public file holds.

    Attributes:
        grids: the bins.
        shape: the contributions.
        digest: SHA-256 of the file.
    """

    grids: Grids
    shape: Shape
    digest: str


def check_day(planned: Planned, day: date | None) -> None:
    """Refuse a day for a mart without an increment, and none for a mart with one.

    Raises:
        UsageError: that, or a day that the mart does not have.
    """
    if planned.declared.increment is None:
        if day is not None:
            raise UsageError(
                f"model `{planned.node.name}` has no `privacy_increment`, so that no day of it is a"
                " release of its own.",
                remedy="Leave `--day` out.",
            )
    elif day not in planned.days():
        raise UsageError(
            f"each day of model `{planned.node.name}` is a release of its own.",
            remedy="Name one of its days with `--day 2026-06-01`.",
        )


def count_file(planned: Planned, file: Path, asked: Asked, *, people: int | None = None) -> Counted:
    """Count the contributions in a file that is public or synthetic.

    Args:
        planned: the mart.
        file: CSV or Parquet with the columns of the mart's row query.
        asked: see there.
        people: how many people the mart is about, where the file has fewer or more.

    Raises:
        VeilError: the file cannot be read, lacks a column, or has no rows.
    """
    check_day(planned, asked.day)
    with duckdb.connect(":memory:") as conn:
        query = _file_query(conn, planned, file, asked.day)
        cells = asked.cells
        if planned.listed is None and (planned.declared.keys and not planned.declared.is_private):
            query = replace(query, cells=public_cells(conn, planned, asked.day))
            cells = query.cells.num_rows if query.cells is not None else 1
        known = count_cells(conn, query) if cells is None else cells
        grids = Grids.of(planned.declared, cells=known, outer=asked.outer)
        found, pairs, values = count_public(conn, query, grids)
    shape = exact_shape(
        grids,
        people=found,
        cells=known,
        pairs=pairs,
        values=values,
        scale=1.0 if people is None or not found else people / found,
    )
    return Counted(grids, shape, hashlib.sha256(file.read_bytes()).hexdigest())


def look_privately(
    project: Project,
    keyring: Keyring,
    keeper: Keeper,
    graph: Graph,
    planned: Planned,
    asked: Asked,
    *,
    loss: Fraction,
    again: bool = False,
) -> Looked:
    """Look at the contributions with noise, charged before anything is read of them.

    The look is a release of its own in the ledger, `<mart>.tune`, in the budget of the mart. A look
    of the same definition is given again at no cost, unless another one is asked for.

    Args:
        project, keyring, keeper: whose ledger and zones they are.
        graph: dbt's graph.
        planned: the mart.
        asked: see there.
        loss: what the look may cost, in the mart's measure.
        again: look anew, and be charged anew.

    Raises:
        BudgetSpentError: it does not fit into a budget; nothing was read.
        VeilError: a gate does not let the mart's query pass, or the noise hides everything.
    """
    check_day(planned, asked.day)
    check_budgets(graph, project.config())
    raised = declare_budgets(project, keyring, keeper, graph)
    ledger = Ledger(project, keyring, keeper)
    with _zones(project, keyring) as conn:
        _check(conn, project, graph, planned)
        cells = public_cells(conn, planned, asked.day)
        count = _cell_count(planned, cells, asked)
        known = None if planned.declared.is_private else count
        grids = Grids.of(planned.declared, cells=known, outer=asked.outer)
        look = plan_look(
            planned.declared,
            grids,
            cells=count,
            loss=loss,
            day="" if asked.day is None else asked.day.isoformat(),
        )
        draw = _draw(planned, look, asked.day, period="1")
        latest = ledger.latest(draw.name, draw.definition)
        if latest is not None:
            period = int(latest.draw.period) + (1 if again else 0)
            draw = replace(draw, period=str(period))
        query = query_of(planned, asked.day, cells=cells)

        def seen() -> pa.Table:
            _kid, key = keyring.subkey("bounding", "*", use="ranks")
            with closing(conn.cursor()) as cursor:
                return look.draw(people_by_bin(cursor, query, grids, Ranking(key, draw.id)))

        stored = ledger.charge_and_store(draw, seen)
    return Looked(grids, look.shape(stored.cells), stored, tuple(raised))


def _draw(planned: Planned, look: Look, day: date | None, *, period: str) -> Draw:
    """The look as the ledger knows it: the mart's unit, sources and budget, its own name."""
    release = planned.draw(day)
    part = release.lines[0].part
    parameters = look.parameters(planned.declared)
    parameters["public_partitions"] = planned.cells_listed
    return replace(
        release,
        name=f"{planned.node.name}.tune",
        period=period,
        definition=planned.definition(parameters),
        lines=tuple(Line(metric=name, charge=one, part=part) for name, one in look.charges),
        change=None,
    )


def _cell_count(planned: Planned, cells: pa.Table | None, asked: Asked) -> int:
    if cells is not None:
        return int(cells.num_rows)
    if not planned.declared.keys:
        return 1
    if asked.cells is None:
        raise UsageError(
            f"which cells model `{planned.node.name}` has is private, so that nobody may count"
            " them.",
            remedy="Say with `--cells` how many you expect it to name.",
        )
    return asked.cells


def _check(
    conn: duckdb.DuckDBPyConnection, project: Project, graph: Graph, planned: Planned
) -> None:
    """The gates of a build, over the tables that stand in the zones.

    Raises:
        VeilError: why the release could not be drawn either.
    """
    variables = project.config().get("vars")
    found = variables.get("veil:threshold") if isinstance(variables, Mapping) else None
    threshold = found if isinstance(found, int) else THRESHOLD
    gate = LineageGate(conn, graph, threshold=threshold)
    refuse([str(one) for one in gate.check(planned.node, planned.sql, full_refresh=False)])
    partial = partial_relations(conn)
    for node in graph.ancestors(planned.node):
        if node.relation in partial:
            raise VeilError(
                f"`{node.name}` was last built with `--empty` or `--sample`.",
                remedy=f"Build it whole: `dbt build --select +{planned.node.name}`.",
            )


@contextlib.contextmanager
def _zones(project: Project, keyring: Keyring) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the zones and nothing else."""
    for zone in ZONES:
        if not project.zone_file(zone).exists():
            raise VeilError(
                f"warehouse/{zone}.duckdb does not exist: nothing was built yet.",
                remedy="Build what the mart reads first: `dbt build --exclude <mart>`.",
            )
    private_dir(project.spill)
    options = connection_options(project)
    with (
        # A source's location is written from the project's root.
        contextlib.chdir(project.root),
        duckdb.connect(":memory:", config=dict(options)) as conn,
    ):
        attach_zones(conn, project, keyring, read_only=True)
        try:
            lock_down(conn, project)
            yield conn
        finally:
            close_zones(conn)


def _file_query(
    conn: duckdb.DuckDBPyConnection, planned: Planned, file: Path, day: date | None
) -> Query:
    """The rows of a file in the place of the row query."""
    path = literal(str(file.resolve()))
    reader = f"read_parquet({path})"
    if not file.name.endswith(".parquet"):
        reader = f"read_csv({path}, header = true)"
    declared = planned.declared
    try:
        conn.execute(f"create temp table {_FILE} as select * from {reader}")
        described = conn.execute(f"describe {_FILE}").fetchall()
    except (duckdb.Error, UnicodeError):
        described = []
    known = {str(name).lower() for name, *_ in described}
    if not known:
        raise VeilError(
            "the file cannot be read.", remedy="It is a CSV with a header, or a Parquet file."
        )
    keys = {key.name: key.data_type for key in declared.keys}
    columns = {declared.unit, *(one.column for one in planned.plan.parts if one.column)} - {*keys}
    for name in sorted({*keys, *columns}):
        if name.lower() not in known:
            raise VeilError(
                f"the file has no column `{name}`, which model `{planned.node.name}` reads.",
                remedy="Give it the columns of the mart's last select.",
            )
    chosen = [identifier(name) for name in sorted(columns)]
    # A cell is known by its text and not by what the file's reader makes of it.
    for name, kind in keys.items():
        chosen.append(f"try_cast({identifier(name)} as {kind}) as {identifier(name)}")
    where = ""
    if day is not None:
        where = f" where try_cast({identifier(str(declared.increment))} as date) = date '{day}'"
    query = query_of(planned, None, cells=None)
    return replace(query, sql=f"select {', '.join(chosen)} from {_FILE}{where}")
