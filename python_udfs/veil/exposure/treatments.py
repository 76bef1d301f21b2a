"""What a pseudonymized model does to each column: mask, arguments, source, linkage domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from veil.exposure.query import digest
from veil.policy.graph import Node

CATALOGUE = "macro.veil._mask_catalogue"
LINKING = frozenset({"pseudonym", "random_token", "encrypt"})
"""Masks that give equal values equal results throughout a linkage domain."""
HIERARCHIES = ("hierarchy", "population")
"""Arguments that name a seed in which a mask looks values up."""
_DATA = re.compile(r"set catalogue -?%\}(.*?)\{%-? endset", re.DOTALL)
_SHOWN = frozenset({"unit", "hierarchy", "level", "population", "person"})
"""Arguments whose text names a thing of the project, and no value."""


def meta_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Meta of a node or column from both its places; `veil check` says where they contradict."""
    inner = (raw.get("config") or {}).get("meta")
    found = [one for one in (raw.get("meta"), inner) if isinstance(one, Mapping)]
    return {str(key): value for one in found for key, value in one.items()}


def hierarchies(nodes: Iterable[Mapping[str, Any]]) -> set[str]:
    """Names of the seeds that some mask looks values up in."""
    return {
        str(one["arguments"][key])
        for node in nodes
        if node["layer"] == "pseudonymized"
        for one in node["columns"].values()
        for key in HIERARCHIES
        if one["arguments"].get(key)
    }


class Treatments:
    """Treatments with the defaults of the catalogue of masks filled in.

    Args:
        macros: dbt's macros by unique id; the catalogue is one of them.
    """

    def __init__(self, macros: Mapping[str, Mapping[str, Any]]) -> None:
        text = str((macros.get(CATALOGUE) or {}).get("macro_sql") or "")
        found = _DATA.search(text)
        try:
            catalogue = yaml.safe_load(found[1]) if found else {}
        except yaml.YAMLError:
            catalogue = {}
        self._defaults = {
            str(mask): {
                str(name): rule["default"]
                for name, rule in (one.get("arguments") or {}).items()
                if isinstance(rule, dict) and "default" in rule
            }
            for mask, one in (catalogue or {}).items()
            if isinstance(one, dict)
        }

    def of(self, node: Node, meta: Mapping[str, Any]) -> dict[str, Any]:
        """Profile, dropped columns, and the treatment of each column."""
        dropped = meta.get("privacy_drop")
        columns = {
            str(raw.get("name")): self._column(str(raw.get("name")), meta_of(raw))
            for raw in (node.raw.get("columns") or {}).values()
        }
        return {
            "profile": str(meta.get("privacy_profile") or ""),
            "drop": sorted(map(str, dropped)) if isinstance(dropped, list) else [],
            "columns": columns,
        }

    def _column(self, name: str, meta: Mapping[str, Any]) -> dict[str, Any]:
        mask = str(meta.get("privacy_mask") or "")
        declared = meta.get("privacy_mask_args")
        arguments = dict(self._defaults.get(mask, {}))
        arguments |= declared if isinstance(declared, Mapping) else {}
        return {
            "mask": mask,
            "from": str(meta.get("privacy_from") or name),
            "domain": str(meta.get("privacy_domain") or ""),
            "arguments": {str(key): _kept(str(key), arguments[key]) for key in sorted(arguments)},
        }


def _kept(name: str, value: Any) -> Any:
    """An argument as the picture may hold it: numbers and names, of a text a digest alone."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(one, int | float) for one in value):
        return value
    if name in _SHOWN:
        return str(value)
    return f"digest {digest(value)}"
