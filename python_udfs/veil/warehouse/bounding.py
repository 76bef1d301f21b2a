"""Contributions bounded per privacy unit, and the exact aggregates of what stays.

What comes in is the row query: one row a contribution, after every join and filter. A unit keeps at
most L0 groups and at most Linf rows in each, chosen by `veil.differential.ranks`. The exact
aggregates leave this module for the noise alone.

Most units have few rows in a group, so the rows are first added up by unit and group, in one pass;
only where a kept pair has more than Linf rows are its rows looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from veil.differential.noise import Integers
from veil.differential.ranks import Ranking, Ranks, choose
from veil.errors import VeilError
from veil.releases.parts import Aggregate, Part
from veil.warehouse.contributions import (
    ROWS,
    UID,
    UNIT,
    UNITS,
    Query,
    canonical,
    kind_of_key,
    open_rows,
    texts,
)
from veil.warehouse.messages import safe_message
from veil.warehouse.quoting import identifier
from veil.warehouse.steps import Types, bin_sql, sum_sql

ROW_LEVEL = frozenset({Aggregate.DISTINCT, Aggregate.HISTOGRAM, Aggregate.TREE})
"""Aggregates that are not the sum of what each unit has in a group."""
_GID, _OWNER, _ROW = '"veil gid"', '"veil o"', '"veil r"'


@dataclass(frozen=True, slots=True)
class Bounded:
    """The exact aggregates over bounded contributions. Nothing of it may be shown or stored.

    Attributes:
        keys: one row a cell, the partition keys in order.
        people: distinct privacy units of each cell, shape (cells,).
        aggregates: by part, shape (cells,), or (cells, width) for histograms and trees.
        kept: share of the rows of these cells that bounding left, 1 where there are none.
    """

    keys: pa.Table = field(repr=False)
    people: Integers = field(repr=False)
    aggregates: Mapping[str, Integers] = field(repr=False)
    kept: float


def aggregate(conn: duckdb.DuckDBPyConnection, query: Query, ranking: Ranking) -> Bounded:
    """Bound the contributions and aggregate them.

    Args:
        conn: a connection of its own: what is temporary on it ends with it.
        query: what to read.
        ranking: of this release.

    Raises:
        VeilError: a NULL unit, two key ids in one unit column, a column that a metric cannot use, a
            sum beyond 64 bits, a statement that fails. No value is shown.
    """
    try:
        return _Work(conn, query, ranking).run()
    except duckdb.Error as error:
        problem = safe_message(error)
    # Outside the handler: the cause would quote the value.
    raise VeilError(f"the rows of the release cannot be read: {problem}")


class _Work:
    def __init__(self, conn: duckdb.DuckDBPyConnection, query: Query, ranking: Ranking) -> None:
        self._conn = conn
        self._query = query
        self._ranking = ranking
        self._keys = query.key_columns
        self._columns = query.value_columns
        self._types: Types = {}
        self._summed = [
            part
            for part in query.parts
            if part.aggregate not in ROW_LEVEL and part.aggregate is not Aggregate.UNITS
        ]

    def run(self) -> Bounded:
        most = self._query.bounds
        self._types = open_rows(self._conn, self._query)
        units = texts(self._conn, f"select {UNIT} from {UNITS} order by {UID}")
        people = self._ranking.people(units)
        groups = self._groups()
        uid, gid, rows, sums = self._pairs()
        ranks = self._ranking.of_groups(people[uid], groups[gid])
        kept = choose(uid, ranks, at_most=most.max_partitions_contributed)
        del ranks
        before = int(rows.sum())
        uid, gid, rows = uid[kept], gid[kept], rows[kept]
        after = int(np.minimum(rows, most.max_contributions_per_partition).sum())
        light = rows <= most.max_contributions_per_partition
        cells = len(groups)
        self._choose_rows(uid[~light], gid[~light], people=people, groups=groups)
        totals = self._sums(gid[light], [one[kept][light] for one in sums], cells=cells)
        self._conn.register(
            "veil_light", pa.table({"veil uid": uid[light], "veil gid": gid[light]})
        )
        in_cells = np.bincount(gid, minlength=cells).astype(np.int64)
        for part in self._query.parts:
            if part.aggregate in ROW_LEVEL:
                totals[part.name] = self._by_row(part, cells=cells)
            elif part.aggregate is Aggregate.UNITS:
                totals[part.name] = in_cells
        return Bounded(
            keys=self._cells(),
            people=in_cells,
            aggregates=totals,
            kept=after / before if before else 1.0,
        )

    def _groups(self) -> Ranks:
        """The table `veil_groups` of the keys and their number, and each group's MAC."""
        keys = ", ".join(self._keys)
        if not keys:
            source = "(select 1)"  # one cell, which everybody knows to exist
        elif self._query.cells is not None:
            self._conn.register("veil_cells", self._query.cells)
            source = f"(select distinct {keys} from veil_cells)"
        else:
            source = f"(select distinct {keys} from {ROWS})"
        self._conn.execute(
            f"create temp table veil_groups as select {keys or 'true as always'},"
            f" row_number() over () - 1 as {_GID} from {source}"
        )
        self._check_keys()
        text = canonical(self._keys)
        return self._ranking.groups(
            texts(self._conn, f"select {text} from veil_groups order by {_GID}")
        )

    def _check_keys(self) -> None:
        """Refuse public cells that rows are compared with only after a cast, which may fail."""
        described = self._conn.execute("describe veil_groups").fetchall()
        for name, (_, cell_type, *_) in zip(self._query.keys, described, strict=False):
            if kind_of_key(cell_type) != kind_of_key(self._types[name.lower()]):
                raise VeilError(
                    f"column `{name}` is of another kind than the public partitions of its name.",
                    remedy="Cast it in the mart's SQL to the `data_type` that the mart declares.",
                )

    def _rows_of(self, pairs: str, *, at: str = "") -> str:
        """The rows of some pairs of unit and group, from one join of texts and keys.

        Args:
            pairs: table of unit and group, by their numbers.
            at: a further column of it.
        """
        keys = "".join(f", g.{key}" for key in self._keys)
        on = "".join(f" and r.{key} is not distinct from p.{key}" for key in self._keys)
        return (
            f"(select p.{_GID}{at and f', p.{at}'}{self._values('r.')} from {ROWS} as r join"
            f" (select {UNIT}, {_GID}{at and f', {at}'}{keys} from {pairs} join {UNITS}"
            f" using ({UID}) join veil_groups as g using ({_GID})) as p"
            f" on r.{UNIT} = p.{UNIT}{on})"
        )

    def _values(self, table: str = "") -> str:
        """What the metrics are over, after a comma."""
        return "".join(f", {table}{one}" for one in self._columns)

    def _pairs(self) -> tuple[Integers, Integers, Integers, list[Integers]]:
        """Each unit's groups: unit, group, rows, and the sum of each part over few enough rows."""
        most = self._query.bounds.max_contributions_per_partition
        sums = [
            # Beyond Linf rows the sum is of no use, and may not fit.
            f"case when count(*) <= {most} then try_cast({sum_sql(part, self._types)} as bigint)"
            " else 0 end"
            for part in self._summed
        ]
        on = " and ".join(f"r.{key} is not distinct from g.{key}" for key in self._keys) or "true"
        # Rows outside the public cells end here.
        joined = (
            f"select {UID}, {_GID}{self._values('r.')} from {ROWS} as r join {UNITS}"
            f" using ({UNIT}) join veil_groups as g on {on}"
        )
        chosen = ", ".join((UID, _GID, "count(*) as n", *sums))
        table = self._conn.execute(
            f"select {chosen} from ({joined}) group by {UID}, {_GID}"
        ).to_arrow_table()
        self._refuse_overflow(table.columns[3:])
        uid, gid, rows, *found = (
            column.to_numpy().astype(np.int64, copy=False) for column in table.columns
        )
        return uid, gid, rows, found

    def _choose_rows(
        self,
        uid: Integers,
        gid: Integers,
        *,
        people: Ranks,
        groups: Ranks,
    ) -> None:
        """The rows that stay of pairs with more than Linf: the table `veil_chosen`."""
        pairs = {"veil uid": uid, "veil gid": gid, "veil o": np.arange(len(uid), dtype=np.int64)}
        self._conn.register("veil_heavy", pa.table(pairs))
        self._conn.execute(
            f"create temp table veil_heavy_rows as select row_number() over () - 1 as {_ROW},"
            f" {_OWNER}, {_GID}{self._values()} from {self._rows_of('veil_heavy', at=_OWNER)}"
        )
        # Which copy of the same content a row is, so that each copy has a rank of its own; which
        # of them is called the first changes nothing.
        text = canonical(self._columns)
        table = self._conn.execute(
            f"select {_OWNER}, {_ROW}, {text} || '#' ||"
            f" row_number() over (partition by {_OWNER}, {text}) from veil_heavy_rows"
        ).to_arrow_table()
        owners, places = (
            table.column(at).to_numpy().astype(np.int64, copy=False) for at in range(2)
        )
        ranks = self._ranking.of_rows(people[uid[owners]], groups[gid[owners]], table.column(2))
        most = self._query.bounds.max_contributions_per_partition
        chosen = places[choose(owners, ranks, at_most=most)]
        self._conn.register("veil_kept_rows", pa.table({"veil r": chosen}))
        self._conn.execute(
            f"create temp table veil_chosen as select {_GID}{self._values()} from veil_heavy_rows"
            f" join veil_kept_rows using ({_ROW})"
        )

    def _sums(self, gid: Integers, sums: list[Integers], *, cells: int) -> dict[str, Integers]:
        """What is a plain sum over rows, each part of shape (cells,)."""
        if not self._summed:
            return {}
        names = [f"s{at}" for at in range(len(sums))]
        light = {"veil gid": gid, **dict(zip(names, sums, strict=True))}
        self._conn.register("veil_sums", pa.table(light))
        added = ", ".join(f"sum({name}) as {name}" for name in names)
        heavy = ", ".join(sum_sql(part, self._types) for part in self._summed)
        totals = ", ".join(f"try_cast(sum({name}) as bigint)" for name in names)
        table = self._conn.execute(
            f"select {_GID}, {totals} from ("
            f"select {_GID}, {added} from veil_sums group by {_GID}"
            f" union all select {_GID}, {heavy} from veil_chosen group by {_GID}"
            f") group by {_GID}"
        ).to_arrow_table()
        self._refuse_overflow(table.columns[1:])
        places = table.column(0).to_numpy()
        found = {}
        for part, column in zip(self._summed, table.columns[1:], strict=True):
            total = np.zeros(cells, dtype=np.int64)
            total[places] = column.to_numpy()
            found[part.name] = total
        return found

    def _refuse_overflow(self, sums: Sequence[pa.ChunkedArray]) -> None:
        """Refuse sums of which one is NULL because it does not fit; one column for each part."""
        for part, column in zip(self._summed, sums, strict=True):
            if column.null_count:
                raise VeilError(
                    f"metric `{part.metric}` has a sum that does not fit into 64 bits.",
                    remedy="Declare a coarser `resolution` or tighter bounds.",
                )

    def _by_row(self, part: Part, *, cells: int) -> Integers:
        """Distinct values, or the counts of bins and nodes, over the rows that stay."""
        column = identifier(str(part.column))
        rows = (
            f"(select {_GID}, {column} from veil_chosen union all"
            f" select {_GID}, {column} from {self._rows_of('veil_light')})"
        )
        if part.aggregate is Aggregate.DISTINCT:
            found = self._arrays(
                f"select {_GID}, count(distinct {column}) from {rows} group by {_GID}"
            )
            total = np.zeros(cells, dtype=np.int64)
            total[found[0]] = found[1]
            return total
        if part.tree is None:
            raise VeilError(f"metric `{part.metric}` has no public grid.")
        at = bin_sql(part, self._types, tree=part.tree)
        found = self._arrays(
            f"select {_GID}, b, count(*) from (select {_GID}, {at} as b from {rows})"
            f" where b is not null group by {_GID}, b"
        )
        bins = np.zeros((cells, part.tree.bins), dtype=np.int64)
        bins[found[0], found[1]] = found[2]
        return part.tree.count(bins) if part.aggregate is Aggregate.TREE else bins

    def _arrays(self, sql: str) -> list[Integers]:
        table = self._conn.execute(sql).to_arrow_table()
        return [column.to_numpy().astype(np.int64, copy=False) for column in table.columns]

    def _cells(self) -> pa.Table:
        table = self._conn.execute(f"select * from veil_groups order by {_GID}").to_arrow_table()
        # By place: DuckDB gives a column the name of the table that it came from.
        found: pa.Table = table.select(range(len(self._keys)))
        return found.rename_columns(list(self._query.keys))
