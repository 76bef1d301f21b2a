"""Partition keys: their types, and the public values that a mart declares for them.

A public partition is released whether anybody is in it or not; which ones there are must not come
from the data. So they are listed, or spanned by two ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from math import prod
from typing import Any, NoReturn

import pyarrow as pa

from veil.audit.fields import DATE
from veil.errors import VeilError
from veil.releases.declared import Key, Value
from veil.releases.parameters import Place

KEY_TYPES: Mapping[str, pa.DataType] = {
    "varchar": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "utinyint": pa.uint8(),
    "usmallint": pa.uint16(),
    "uinteger": pa.uint32(),
    "ubigint": pa.uint64(),
}
"""Types of a partition key. No float: two that print alike can be two cells."""
MOST_CELLS = 1_000_000
YESTERDAY = "yesterday"
"""Upper end of a span of days that grows by itself."""
_LIST_THEM = "Give every key a list, or `{from: ..., to: ...}` where it counts days or numbers."
_WRITE = {
    "varchar": "Write every value as a text in quotes.",
    "boolean": "Write `true` and `false`.",
    "date": "Write every day as 2026-06-01.",
}


def read_keys(place: Place, keys: Sequence[Key]) -> tuple[Key, ...]:
    """The keys with their public values, where the mart declares any.

    Args:
        place: the model.
        keys: of known types, without values.
    """
    declared = place.meta.get("public_partitions")
    if declared is None:
        return tuple(keys)
    if not isinstance(declared, Mapping) or not declared:
        place.refuse("has `public_partitions` that are no mapping of keys", remedy=_LIST_THEM)
        return tuple(keys)
    names = {key.name for key in keys}
    for name in sorted(str(name) for name in declared if name not in names):
        place.refuse(
            f"has `public_partitions` for `{name}`, which is no partition key",
            remedy="A partition key is a column of the mart without a `metric`.",
        )
    read = []
    for key in keys:
        values = None
        if key.name in declared:
            values = place.take(partial(_values, key, declared[key.name]))
        else:
            place.refuse(
                f"has public partitions, but none of the key `{key.name}`",
                remedy=f"{_LIST_THEM} Either all keys are public or none is.",
            )
        read.append(replace(key, values=values))
    if prod(len(key.values or ()) for key in read) > MOST_CELLS:
        place.take(partial(_refuse_many, "it"))
    return tuple(read)


def _values(key: Key, declared: object) -> tuple[Value, ...]:
    """Ascending, NULL last."""
    if isinstance(declared, Mapping):
        return _span(key, declared)
    if not isinstance(declared, list) or not declared:
        raise VeilError(
            f"`public_partitions` of `{key.name}` are no list, or an empty one.", remedy=_LIST_THEM
        )
    if len(declared) > MOST_CELLS:
        _refuse_many(f"key `{key.name}`")
    values: list[Any] = [_fitting(key, one) for one in declared if one is not None]
    nulls = len(declared) - len(values)
    if len(set(values)) < len(values) or nulls > 1:
        raise VeilError(
            f"`public_partitions` of `{key.name}` hold a value twice.",
            remedy="Take one out: a cell is drawn once.",
        )
    return (*sorted(values), *[None] * nulls)


def _span(key: Key, declared: Mapping[Any, object]) -> tuple[Value, ...]:
    """All from one end to the other, both included."""
    if declared.keys() != {"from", "to"} or key.data_type in ("varchar", "boolean"):
        raise VeilError(
            f"`public_partitions` of `{key.name}` span nothing: they are not `from` and `to` of"
            " days or whole numbers.",
            remedy=_LIST_THEM,
        )
    first: Any = _fitting(key, declared["from"])
    last: Any = _last(key, declared["to"])
    if first > last:
        raise VeilError(
            f"`public_partitions` of `{key.name}` begin after they end.",
            remedy="Exchange `from` and `to`.",
        )
    if isinstance(first, date):
        days = (last - first).days + 1
        if days <= MOST_CELLS:
            return tuple(first + timedelta(days=at) for at in range(days))
    elif last - first < MOST_CELLS:
        return tuple(range(first, last + 1))
    _refuse_many(f"key `{key.name}`")


def _last(key: Key, value: object) -> Value:
    """The upper end; `yesterday` is the last whole day, by the calendar in UTC."""
    if key.data_type == "date" and value == YESTERDAY:
        return datetime.now(UTC).date() - timedelta(days=1)
    return _fitting(key, value)


def _fitting(key: Key, value: object) -> Value:
    """A value as the type of its key holds it; YAML's own readings of a text are not guessed at."""
    kind = key.data_type
    if kind == "varchar" and isinstance(value, str):
        return value
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "date":
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if isinstance(value, str) and DATE.fits(value):
            return date.fromisoformat(value)
    if kind not in _WRITE and isinstance(value, int) and not isinstance(value, bool):
        bits = KEY_TYPES[kind].bit_width
        lowest = 0 if kind.startswith("u") else -(2 ** (bits - 1))
        if lowest <= value < lowest + 2**bits:
            return value
    raise VeilError(
        f"`public_partitions` of `{key.name}` hold a value that does not fit the type `{kind}`.",
        remedy=_WRITE.get(kind, "Write whole numbers that the type can hold."),
    )


def _refuse_many(what: str) -> NoReturn:
    raise VeilError(
        f"{what} has more than {MOST_CELLS:,} public partitions.",
        remedy="Each cell costs a draw, whether anybody is in it or not: declare coarser keys.",
    )
