"""YAML files as the checks read them: as data, and as scalars with their keys and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value of a YAML file.

    Attributes:
        keys: the keys that lead to it; an item of a list adds none.
        value: its text. Never printed.
        is_text: whether YAML takes it for a string or a number, not for true, false or nothing.
        line: from 1.
    """

    keys: tuple[str, ...]
    value: str
    is_text: bool
    line: int

    @property
    def name(self) -> str:
        """The last key, without dbt's `+`."""
        return self.keys[-1].lstrip("+") if self.keys else ""


def read_mapping(path: Path) -> dict[str, Any] | None:
    """A YAML file as a mapping; None where it is none or cannot be read."""
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError):
        return None
    return loaded if isinstance(loaded, dict) else None


def scalars(path: Path) -> list[Scalar] | None:
    """Every value of a YAML file; None where it cannot be read."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError, yaml.YAMLError):
        return None
    return [] if node is None else list(_walk(node, (), frozenset()))


def _walk(node: yaml.Node, keys: tuple[str, ...], above: frozenset[int]) -> Iterator[Scalar]:
    if id(node) in above:  # an alias may lead back to what holds it
        return
    above |= {id(node)}
    if isinstance(node, yaml.ScalarNode):
        is_text = node.tag.rpartition(":")[2] in {"str", "int", "float"}
        yield Scalar(keys, str(node.value), is_text, node.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _walk(item, keys, above)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _walk(value, (*keys, str(key.value)), above)
