"""Values as whole steps of a metric's grid, in SQL: clamped, and nothing that is no number.

To the nearest step, a tie to the even one, as `veil.differential.grid.to_steps`. Whole numbers and
decimals are counted in whole numbers alone and are exact. A double is multiplied and divided as a
double: where it lies within two roundings of the middle of two steps, it may go to the other one.
What is clamped comes out as whole steps between the bounds in any case, and each row's step depends
on nothing but the row, so that a sum of steps is the same in whatever order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal

from veil.differential.grid import LARGEST_BOUND, ends
from veil.differential.quantiles import Tree
from veil.differential.sensitivity import Clamp
from veil.errors import VeilError
from veil.releases.parts import Aggregate, Part
from veil.warehouse.quoting import identifier

Types = Mapping[str, str]
"""DuckDB's types of the columns of a row query, by their names in small letters."""

WHOLE = frozenset({
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "UHUGEINT",
})  # fmt: skip
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_DIGITS = 37
"""A product of decimals has at most 38."""


def check_number(part: Part, types: Types) -> None:
    """Refuse a metric over a column that holds no numbers, or with bounds that no sum holds.

    Raises:
        VeilError: metric and column.
    """
    if part.column is None or part.clamp is None:
        return
    data_type = types[part.column.lower()]
    if data_type not in WHOLE | _FLOATS and not _DECIMAL.fullmatch(data_type):
        raise VeilError(
            f"metric `{part.metric}` needs numbers, and `{part.column}` holds none.",
            remedy="Cast it in the mart's SQL with `try_cast(... as decimal(18, 2))`.",
        )
    if part.clamp.largest > LARGEST_BOUND:
        raise VeilError(
            f"metric `{part.metric}` has bounds of more than 2**40 steps of `resolution`.",
            remedy="Declare a coarser `resolution` or tighter bounds.",
        )


def step_sql(part: Part, types: Types) -> str:
    """A bigint for a row of the part's column, between the bounds; NULL where it is dropped."""
    if part.column is None or part.clamp is None:
        raise VeilError(f"metric `{part.metric}` has no bounds.")
    column, data_type = identifier(part.column), types[part.column.lower()]
    lower, upper = ends(part.clamp)
    steps = _exact(column, data_type, part.clamp) or _near(column, part.clamp)
    missing = "null" if part.default is None else int(part.default / part.clamp.resolution)
    # `least` and `greatest` pass over NULL, and infinity is above every bound.
    known = f"isfinite({column})" if data_type in _FLOATS else f"{column} is not null"
    clamped = f"least(greatest({steps}, {lower}), {upper})"
    return f"case when {known} then {clamped} else cast({missing} as bigint) end"


def sum_sql(part: Part, types: Types) -> str:
    """SQL of what rows add to the part, as one aggregate; never NULL, and exact."""
    if part.aggregate is Aggregate.ROWS:
        return "count(*)"
    if part.aggregate is Aggregate.VALUES:
        return f"count({step_sql(part, types) if part.clamp else identifier(str(part.column))})"
    step = step_sql(part, types)
    added = f"cast({step} as hugeint) * {step}" if part.aggregate is Aggregate.SQUARES else step
    return f"coalesce(sum({added}), 0)"


def bin_sql(part: Part, types: Types, *, tree: Tree) -> str:
    """The bin of a row's step on a public grid: 0 to `tree.bins` - 1, or NULL."""
    step = step_sql(part, types)
    at = f"least(greatest(({step} - {tree.lower}) // {tree.width}, 0), {tree.bins - 1})"
    return at if part.default is not None else f"case when {step} is not null then {at} end"


def _near(column: str, clamp: Clamp) -> str:
    """Steps as a double has them, before they are clamped; the cast rounds a tie to even."""
    unit = clamp.resolution
    # Clamped as a number too, so that the product stays small.
    lower, upper = float(clamp.lower), float(clamp.upper)
    value = f"least(greatest(cast({column} as double), {lower!r}), {upper!r})"
    if unit.denominator != 1:
        value += f" * {float(unit.denominator)!r}"
    if unit.numerator != 1:
        value += f" / {float(unit.numerator)!r}"
    return f"cast({value} as bigint)"


def _exact(column: str, data_type: str, clamp: Clamp) -> str | None:
    """Steps of a whole number or decimal, before they are clamped; None where 64 bits lack."""
    found = _DECIMAL.fullmatch(data_type)
    if found is None and data_type not in WHOLE:
        return None
    scale = int(found[2]) if found else 0
    last = 10**scale
    # Clamped outside the bounds or at them, and within the type, in units of the last place.
    low, high = math.floor(clamp.lower * last), math.ceil(clamp.upper * last)
    if found:
        most = 10 ** int(found[1]) - 1
        low, high = (min(max(one, -most), most) for one in (low, high))
    elif data_type.startswith("U"):
        low, high = max(low, 0), max(high, 0)
    largest = max(abs(low), abs(high), 1)
    # A unit of the last place is `up / down` steps.
    up, down = (1 / (clamp.resolution * last)).as_integer_ratio()
    # Counted from an even step at or below the bound; see the end.
    lower = ends(clamp)[0] // 2 * 2
    reach = 2 * (largest * up + abs(lower) * down) + down
    if largest * last >= 10**_DIGITS or reach >= 2**63:
        return None
    if not found:
        units = f"least(greatest({column}, {low}), {high})"
    else:
        first, final = (
            f"cast('{Decimal(f'{one}e-{scale}'):f}' as {data_type})" for one in (low, high)
        )
        width = 18 if largest * last < 10**18 else 38
        units = f"cast(least(greatest({column}, {first}), {final}) as decimal({width}, {scale}))"
        units = f"{units} * {last}"
    units = f"cast({units} as bigint)" + (f" * {up}" if up != 1 else "")
    if down == 1:
        return units
    # Half a step is added and rounded down (`//` does so above 0 only); at a tie, an odd result is
    # one too many.
    halves = f"(2 * greatest({units} - {lower * down}, 0) + {down})"
    tie = f"case when {halves} % {4 * down} = {2 * down} then 1 else 0 end"
    return f"{halves} // {2 * down} - {tie} + {lower}"
