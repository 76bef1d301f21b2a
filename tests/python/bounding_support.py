"""Bounded aggregates from `veil.warehouse.bounding`, and the same by brute force over dicts.

The reference shares no code with the package but the declared types: HMAC and AES come from the
standard library and from `cryptography`, steps from fractions, and everything is a loop over rows.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from veil.differential.grid import declare_clamp
from veil.differential.quantiles import Tree
from veil.differential.ranks import Ranking
from veil.differential.sensitivity import (
    Clamp,
    Contribution,
    of_count,
    of_distinct_units,
    of_distinct_values,
    of_histogram,
    of_sum,
    of_sum_of_squares,
    of_tree,
)
from veil.releases.parts import Aggregate, Part
from veil.warehouse.bounding import aggregate
from veil.warehouse.contributions import Query

KEY = hashlib.sha256(b"a bounding key for tests").digest()
RELEASE = "visits_by_region/2026-06"
Row = dict[str, Any]
Cells = dict[tuple[Any, ...], dict[str, Any]]


def bounds_of(l0: int, linf: int) -> Contribution:
    """At most `l0` cells a unit and `linf` rows in each."""
    return Contribution(max_partitions_contributed=l0, max_contributions_per_partition=linf)


def clamp_of(lower: object = 0, upper: object = 500, resolution: object = "0.01") -> Clamp:
    """Bounds as the YAML declares them."""
    return declare_clamp(lower=lower, upper=upper, resolution=resolution)


def part_of(
    what: Aggregate,
    column: str | None = None,
    *,
    bounds: Contribution,
    clamp: Clamp | None = None,
    default: Fraction | None = None,
    bins: int = 4,
    branching: int = 2,
) -> Part:
    """A part as `veil.releases.parts` makes it, named for its aggregate."""
    tree = None
    if what in (Aggregate.HISTOGRAM, Aggregate.TREE):
        assert clamp is not None
        lower, upper = (int(end / clamp.resolution) for end in (clamp.lower, clamp.upper))
        children = bins if what is Aggregate.HISTOGRAM else branching
        tree = Tree.declare(lower=lower, upper=upper, bins=bins, branching=children)
    sensitivity = {
        Aggregate.ROWS: lambda: of_count(bounds),
        Aggregate.VALUES: lambda: of_count(bounds),
        Aggregate.UNITS: lambda: of_distinct_units(bounds),
        Aggregate.DISTINCT: lambda: of_distinct_values(bounds),
        Aggregate.SUM: lambda: of_sum(bounds, clamp),
        Aggregate.SQUARES: lambda: of_sum_of_squares(bounds, clamp),
        Aggregate.HISTOGRAM: lambda: of_histogram(bounds),
        Aggregate.TREE: lambda: of_tree(bounds, levels=tree.levels),
    }[what]()
    return Part(
        name=f"{what}_{column or 'all'}",
        metric=f"metric_{what}",
        aggregate=what,
        column=column,
        clamp=clamp,
        default=default,
        tree=tree,
        bins=tree and tree.bins,
        sensitivity=sensitivity,
        width=tree.nodes if tree else 1,
    )


def all_parts(
    bounds: Contribution,
    *,
    column: str = "cost",
    clamp: Clamp | None = None,
    default: Fraction | None = None,
) -> list[Part]:
    """One part of every kind, those of numbers over `column`."""
    clamp = clamp or clamp_of()
    numbers = [Aggregate.SUM, Aggregate.SQUARES, Aggregate.HISTOGRAM, Aggregate.TREE]
    return [
        part_of(Aggregate.ROWS, bounds=bounds),
        part_of(Aggregate.UNITS, bounds=bounds),
        part_of(Aggregate.VALUES, column, bounds=bounds, clamp=clamp, default=default),
        part_of(Aggregate.DISTINCT, column, bounds=bounds),
        *(part_of(one, column, bounds=bounds, clamp=clamp, default=default) for one in numbers),
    ]


def table_of(rows: Sequence[Row], types: dict[str, pa.DataType]) -> pa.Table:
    """Rows as an Arrow table; a column that a row lacks is NULL there."""
    columns = {name: [row.get(name) for row in rows] for name in types}
    return pa.table({name: pa.array(columns[name], type=types[name]) for name in types})


def bounded(
    table: pa.Table | str,
    *,
    keys: Sequence[str],
    parts: Sequence[Part],
    bounds: Contribution,
    cells: pa.Table | None = None,
    key: bytes = KEY,
    release: str = RELEASE,
    before: Sequence[str] = (),
) -> Cells:
    """What `aggregate` gives, by cell: `people` and every part by its name.

    Args:
        table: the rows with the unit in the column `unit`; or their SQL.
        before: statements to run first on the connection.
    """
    with duckdb.connect() as conn:
        for statement in before:
            conn.execute(statement)
        sql = table if isinstance(table, str) else "select * from events"
        if not isinstance(table, str):
            conn.register("events", table)
        query = Query(
            sql=sql,
            unit="contributions.unit",
            keys=tuple(keys),
            parts=parts,
            bounds=bounds,
            cells=cells,
        )
        found = aggregate(conn, query, Ranking(key, release))
    named = [tuple(row.values()) for row in found.keys.to_pylist()] if keys else [()]
    assert found.keys.column_names == list(keys)
    assert len(set(named)) == len(named)
    assert set(found.aggregates) == {part.name for part in parts}
    assert all(len(one) == len(named) for one in (found.people, *found.aggregates.values()))
    return {
        cell: {
            "people": int(found.people[at]),
            **{name: one[at].tolist() for name, one in found.aggregates.items()},
        }
        for at, cell in enumerate(named)
    }


def reference(
    rows: Sequence[Row],
    *,
    keys: Sequence[str],
    parts: Sequence[Part],
    bounds: Contribution,
    cells: Sequence[tuple[Any, ...]] | None = None,
    key: bytes = KEY,
    release: str = RELEASE,
) -> Cells:
    """The same by brute force."""
    own = hmac.digest(key, _fields(b"veil-bounding-v1", release), "sha256").hex().encode()
    by_unit: dict[str, dict[tuple[Any, ...], list[Row]]] = defaultdict(lambda: defaultdict(list))
    found = {cell: [] for cell in cells} if cells is not None else {} if keys else {(): []}
    for row in rows:
        cell = tuple(row[name] for name in keys)
        if cells is None or cell in found:
            by_unit[row["unit"]][cell].append(row)
            found.setdefault(cell, [])
    columns = sorted({part.column for part in parts if part.column})
    for unit, groups in by_unit.items():
        person = _head(own, b"u" + unit.encode())

        def rank(cell: tuple[Any, ...], person: int = person) -> int:
            return _group_rank(own, person, _head(own, b"g" + _content(cell)))

        for cell in sorted(groups, key=rank)[: bounds.max_partitions_contributed]:
            kept = _kept_rows(own, person, cell, groups[cell], columns)
            found[cell] += kept[: bounds.max_contributions_per_partition]
    return {
        cell: {
            "people": len({row["unit"] for row in kept}),
            **{part.name: _aggregate(part, kept) for part in parts},
        }
        for cell, kept in found.items()
    }


def _kept_rows(
    own: bytes, person: int, cell: tuple[Any, ...], rows: list[Row], columns: list[str]
) -> list[Row]:
    """A unit's rows in a cell, the first to keep first."""
    head = struct.pack("<QQ", person, _head(own, b"g" + _content(cell)))
    copies: dict[bytes, int] = defaultdict(int)
    ranked = []
    for row in rows:
        content = _content(tuple(row[name] for name in columns))
        copies[content] += 1
        text = b"%s#%d" % (content, copies[content])
        ranked.append((_head(own, b"r" + head + text), len(ranked), row))
    return [row for *_, row in sorted(ranked, key=lambda one: one[:2])]


def step_of(value: Any, clamp: Clamp, default: Fraction | None = None) -> int | None:
    """A value in steps; None where it is dropped."""
    if value is None or not math.isfinite(value):
        return None if default is None else int(default / clamp.resolution)
    near = min(max(Fraction(value), clamp.lower), clamp.upper)
    return round(near / clamp.resolution)


def _aggregate(part: Part, rows: list[Row]) -> Any:
    what, column = part.aggregate, part.column
    if what is Aggregate.ROWS:
        return len(rows)
    if what is Aggregate.UNITS:
        return len({row["unit"] for row in rows})
    values = [row[column] for row in rows]
    if what is Aggregate.DISTINCT:
        return len({"NaN" if one != one else one for one in values if one is not None})
    if part.clamp is None:
        return sum(one is not None for one in values)
    steps = [step_of(one, part.clamp, part.default) for one in values]
    known = [one for one in steps if one is not None]
    if what is Aggregate.VALUES:
        return len(known)
    if what is Aggregate.SUM:
        return sum(known)
    if what is Aggregate.SQUARES:
        return sum(one * one for one in known)
    assert part.tree is not None
    bins = [0] * part.tree.bins
    for one in known:
        bins[min((one - part.tree.lower) // part.tree.width, part.tree.bins - 1)] += 1
    if what is Aggregate.HISTOGRAM:
        return bins
    levels = [bins]
    while len(levels[0]) > part.tree.branching:
        below, width = levels[0], part.tree.branching
        levels.insert(0, [sum(below[at : at + width]) for at in range(0, len(below), width)])
    return [count for level in levels for count in level]


def _fields(label: bytes, text: str) -> bytes:
    parts = (label, text.encode())
    return b"".join(struct.pack(">I", len(one)) + one for one in parts)


def _head(own: bytes, text: bytes) -> int:
    return int.from_bytes(hmac.digest(own, text, "sha256")[:8], "big")


def _group_rank(own: bytes, person: int, group: int) -> int:
    key = hmac.digest(own, b"groups", "sha256")
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return struct.unpack("<Q", cipher.update(struct.pack("<QQ", person, group))[:8])[0]


def _content(values: tuple[Any, ...]) -> bytes:
    """Each value as its length and its text; NULL is a hyphen."""
    texts = [None if one is None else _text(one) for one in values]
    return "".join("-" if one is None else f"{len(one)}:{one}" for one in texts).encode()


def _text(value: Any) -> str:
    """As DuckDB writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float_text(str(value))
    if isinstance(value, (int, str, Decimal)):
        return str(value)
    assert isinstance(value, date)
    return value.isoformat()


@cache
def _float_text(value: str) -> str:
    """DuckDB's own text of a double; the one thing that is taken from it."""
    found = duckdb.execute("select cast(cast($1 as double) as varchar)", [value]).fetchall()
    return str(found[0][0])
