"""Fills the bins of a look: each person's groups, rows and values, as numbers of public bins.

Every number of a row depends on the rows of its own person alone, so that one person more or less
changes no other person's row.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from veil.differential.noise import Integers
from veil.differential.ranks import Ranking
from veil.errors import VeilError
from veil.releases.parts import Aggregate, Part
from veil.tuning.grids import Counts, Floats, Grids, Magnitudes
from veil.tuning.look import CONTRIBUTIONS, ONE, histogram_part
from veil.warehouse.bounding import aggregate
from veil.warehouse.contributions import Query
from veil.warehouse.messages import safe_message
from veil.warehouse.quoting import identifier
from veil.warehouse.steps import check_number

_SEEN, _PAIRS, _LOOK, _CELLS = "veil_seen", "veil_pairs", "veil_look", "veil_look_cells"
# Names that no column of a row query has: YAML refuses a blank in a name.
_PERSON, _GROUP, _PAIR, _COPY = "veil person", "veil group", "veil pair", "veil copy"
_BUCKETS = 4096
"""A group's number is one of so many: what is chosen among is who has it, and no table grows with
the number of groups. Two groups of a person that share one are seen half as often."""


def people_by_bin(
    conn: duckdb.DuckDBPyConnection, query: Query, grids: Grids, ranking: Ranking
) -> dict[str, Integers]:
    """Each person once, in one row of one group, as `veil.tuning.look` says.

    Args:
        conn: a connection of its own: what is temporary on it ends with it.
        query: of the release; its bounds and parts are not used.
        grids: the bins.
        ranking: of this look.

    Returns:
        by histogram, shape (bins,): exact; nothing of it may be shown or stored.

    Raises:
        VeilError: the rows cannot be read, or see `aggregate`; no value is shown.
    """
    parts = [histogram_part(CONTRIBUTIONS, column=_PAIR, bins=grids.pairs)]
    parts += [histogram_part(one.name, column=_column(one), bins=one.bins) for one in grids.values]
    _read(conn, query, grids)
    relation = _PAIRS
    if grids.values:
        relation = _LOOK
        # Rows that look alike are told apart, so that each is as likely to be chosen.
        parts.append(_counted(_COPY))
    seen = Query(
        sql=f"select * from {relation}",
        unit=f"contributions.{identifier(_PERSON)}",
        keys=(_GROUP,),
        parts=parts,
        bounds=ONE,
        cells=None,
    )
    found = aggregate(conn, seen, ranking).aggregates
    sizes = {CONTRIBUTIONS: grids.pairs} | {one.name: one.bins for one in grids.values}
    return {
        name: np.ascontiguousarray(found[name].sum(axis=0)[:size]) for name, size in sizes.items()
    }


def count_public(
    conn: duckdb.DuckDBPyConnection, query: Query, grids: Grids
) -> tuple[int, Floats, dict[str, Floats]]:
    """All pairs and rows of data that is public, by bin.

    Returns:
        people; pairs by bin; rows by bin of each column's values.

    Raises:
        VeilError: the rows cannot be read; no value is shown.
    """
    _read(conn, query, grids)
    person = identifier(_PERSON)
    people, nulls = conn.execute(
        f"select count(distinct {person}), count(*) - count({person}) from {_SEEN}"
    ).fetchall()[0]
    if nulls:
        raise VeilError("a row of the file has no privacy unit.", remedy="Take such rows out.")
    pairs = _by_bin(conn, _PAIRS, _PAIR, grids.pairs)
    return (
        people,
        pairs,
        {one.name: _by_bin(conn, _SEEN, _column(one), one.bins) for one in grids.values},
    )


def count_cells(conn: duckdb.DuckDBPyConnection, query: Query) -> int:
    """How many cells the rows of public data make; without partition keys there is one.

    Raises:
        VeilError: the rows cannot be read; no value is shown.
    """
    if not query.key_columns:
        return 1
    keys = ", ".join(query.key_columns)
    try:
        sql = f"select count(*) from (select distinct {keys} from ({query.sql}))"
        return int(conn.execute(sql).fetchall()[0][0])
    except duckdb.Error as error:
        problem = safe_message(error)
    raise VeilError(f"the rows cannot be read: {problem}")


def _read(conn: duckdb.DuckDBPyConnection, query: Query, grids: Grids) -> None:
    """Make the tables of rows and of pairs, and that of rows with their pair."""
    try:
        _check_numbers(conn, query, grids)
        conn.execute(f"create temp table {_SEEN} as {_seen_sql(conn, query, grids)}")
        conn.execute(f"create temp table {_PAIRS} as {_pairs_sql(query, grids)}")
        if grids.values:
            conn.execute(f"create temp table {_LOOK} as {_look_sql(query, grids)}")
        return
    except duckdb.Error as error:
        problem = safe_message(error)
    # Outside the handler: the cause would quote the value.
    raise VeilError(f"the rows cannot be read: {problem}")


def _check_numbers(conn: duckdb.DuckDBPyConnection, query: Query, grids: Grids) -> None:
    described = conn.execute(f"describe {query.sql}").fetchall()
    types = {str(name).lower(): str(kind) for name, kind, *_ in described}
    for one in grids.values:
        part = histogram_part(one.metrics[0], column=one.column, bins=one.bins)
        check_number(part, types)


def _seen_sql(conn: duckdb.DuckDBPyConnection, query: Query, grids: Grids) -> str:
    """Person, keys and the bins of the values, of the rows in the cells."""
    nears = "".join(f", {_near_sql(one)} as {_near(one)}" for one in grids.values)
    columns = [f"cast({query.unit} as varchar) as {identifier(_PERSON)}", *query.key_columns]
    columns += [f"{_value_sql(one)} as {identifier(_column(one))}" for one in grids.values]
    where = ""
    if query.cells is not None:
        conn.register(_CELLS, query.cells)
        on = " and ".join(
            f"cells.{key} is not distinct from contributions.{key}" for key in query.key_columns
        )
        where = f" where exists (select 1 from {_CELLS} as cells where {on})"
    rows = f"(select *{nears} from ({query.sql})) as contributions"
    return f"select {', '.join(columns)} from {rows}{where}"


def _pairs_sql(query: Query, grids: Grids) -> str:
    """Pairs of a person and a group, with the number of their bin and of their group."""
    person, keys = identifier(_PERSON), query.key_columns
    pair = ", ".join((person, *keys))
    groups = _count_sql("count(*) over (partition by " + person + ")", grids.groups)
    bucket = f"hash({', '.join(keys)}) % {_BUCKETS}" if keys else "0"
    return (
        f"select {pair}, ({groups}) * {grids.rows.bins} + ({_count_sql('count(*)', grids.rows)})"
        f" as {identifier(_PAIR)}, {bucket} as {identifier(_GROUP)} from {_SEEN} group by {pair}"
    )


def _look_sql(query: Query, grids: Grids) -> str:
    """Rows with the bins of their pair; equal rows of a person and group are numbered."""
    person, keys = identifier(_PERSON), query.key_columns
    values = [identifier(_column(one)) for one in grids.values]
    own = ", ".join(f"seen.{one}" for one in (person, *keys, *values))
    on = " and ".join(f"seen.{one} is not distinct from pairs.{one}" for one in (person, *keys))
    return (
        f"select seen.{person}, {', '.join(f'seen.{one}' for one in values)},"
        f" pairs.{identifier(_PAIR)}, pairs.{identifier(_GROUP)},"
        f" row_number() over (partition by {own}) as {identifier(_COPY)}"
        f" from {_SEEN} as seen join {_PAIRS} as pairs on {on}"
    )


def _column(grid: Magnitudes) -> str:
    return f"veil {grid.name}"


def _count_sql(number: str, counts: Counts) -> str:
    """The bin of a whole number."""
    ends = counts.ends[: counts.bins - 1]
    cases = " ".join(f"when {number} <= {end} then {at}" for at, end in enumerate(ends))
    return f"case {cases} else {len(ends)} end" if cases else "0"


def _near(grid: Magnitudes) -> str:
    return identifier(f"veil near {grid.name}")


def _near_sql(grid: Magnitudes) -> str:
    """A row's value, clamped to the outer bounds; NULL where it is dropped."""
    value = f"cast({identifier(grid.column)} as double)"
    lower, upper = float(grid.clamp.lower), float(grid.clamp.upper)
    missing = "null" if grid.default is None else repr(float(grid.default))
    # A decimal beyond a double is infinite, as NaN and NULL no number to clamp.
    known = f"coalesce(isfinite({value}), false)"
    near = f"least(greatest({value}, {lower!r}), {upper!r})"
    return f"case when {known} then {near} else {missing} end"


def _value_sql(grid: Magnitudes) -> str:
    """The bin of a clamped value: those below 0 follow those above, where both can be."""
    near, last = _near(grid), len(grid.ends) - 1
    cases = "".join(
        f" when abs({near}) <= {float(end)!r} then {at}" for at, end in enumerate(grid.ends[:-1])
    )
    size = f"case when {near} is null then null{cases} else {last} end"
    side = f" + case when {near} < 0 then {last + 1} else 0 end" if len(grid.sides) > 1 else ""
    return f"{size}{side}"


def _counted(column: str) -> Part:
    """A part that reads a column and releases nothing."""
    part = histogram_part(column, column=column, bins=2)
    return Part(
        name=part.name,
        metric=part.metric,
        aggregate=Aggregate.VALUES,
        column=column,
        clamp=None,
        default=None,
        tree=None,
        bins=None,
        sensitivity=part.sensitivity,
        width=1,
    )


def _by_bin(conn: duckdb.DuckDBPyConnection, relation: str, column: str, bins: int) -> Floats:
    name = identifier(column)
    rows: pa.Table = conn.execute(
        f"select {name} as bin, count(*) as n from {relation} where {name} is not null group by bin"
    ).to_arrow_table()
    found = np.zeros(bins)
    found[rows["bin"].to_numpy()] = rows["n"].to_numpy()
    return found
