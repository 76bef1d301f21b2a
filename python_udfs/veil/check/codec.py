"""Relations of the lineage as JSON and back, so that a model's labels outlive the process.

Works over the fields of the lineage's dataclasses, whatever they are: an unknown shape is an error,
and then the model is analysed again.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

from veil.lineage import Relation
from veil.lineage.classes import Path


def packed(relation: Relation) -> str:
    """A relation as text; equal relations give equal texts."""
    return json.dumps(_pack(relation), ensure_ascii=False, separators=(",", ":"))


def unpacked(text: str) -> Relation:
    """The relation that `packed` wrote.

    Raises:
        ValueError: where the text is none.
    """
    try:
        found = _unpack(Relation, json.loads(text))
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("no relation") from error
    if not isinstance(found, Relation):
        raise ValueError("no relation")  # noqa: TRY004  # one kind of error for all of them
    return found


def _pack(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, int):
        return value
    if isinstance(value, Path):
        return list(value)
    if is_dataclass(value):
        return {
            one.name: _pack(getattr(value, one.name))
            for one in fields(value)
            if getattr(value, one.name) != _default(one)
        }
    if isinstance(value, Mapping):
        return [[_pack(key), _pack(one)] for key, one in value.items()]
    if isinstance(value, frozenset):
        return sorted((_pack(one) for one in value), key=json.dumps)
    if isinstance(value, tuple):
        return [_pack(one) for one in value]
    raise TypeError(type(value).__name__)


def _default(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else MISSING


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _unpack(kind: Any, value: Any) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (one for one in inner if one is not type(None))
        return _unpack(kind, value)
    if origin is frozenset:
        return frozenset(_unpack(inner[0], one) for one in value)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_unpack(inner[0], one) for one in value)
        return tuple(_unpack(one, part) for one, part in zip(inner, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {_unpack(inner[0], key): _unpack(inner[1], one) for key, one in value}
    if kind is Path:
        return _path(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[value]
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _unpack(hints[name], one) for name, one in value.items()})
    if kind in (str, int, bool) and type(value) is kind:
        return value
    raise TypeError(str(kind))


def _path(steps: list[str]) -> Path | None:
    found: Path | None = None
    for step in steps:
        found = Path(found, _unpack(str, step))
    return found
