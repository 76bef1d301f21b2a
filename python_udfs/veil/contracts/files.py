"""Contracts as files: `contracts/<id>.odcs.yaml`, committed by the team."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from veil.contracts.draft import Contract
from veil.errors import VeilError

SUFFIX = ".odcs.yaml"
HEADER = "# Written by `veil contract --write` from the models' YAML; keys of your own are kept.\n"
OWN_KEYS = (
    "apiVersion kind id name version description servers schema roles team slaProperties"
    " customProperties"
).split()
"""What the draft writes. `status` and every other key of the standard belong to the team."""


def file_name(contract: Mapping[str, Any]) -> str:
    """`<id>.odcs.yaml`."""
    return f"{contract['id']}{SUFFIX}"


def as_yaml(contract: Mapping[str, Any]) -> str:
    """A contract as YAML, in the order of its keys."""

    class Plain(yaml.SafeDumper):
        """Lists as `- ` lines, indented; no aliases."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

    text = yaml.dump(
        dict(contract), Dumper=Plain, sort_keys=False, allow_unicode=True, width=96, indent=2
    )
    return HEADER + str(text)


def read_contracts(folder: Path) -> dict[str, Contract]:
    """The contracts of a folder by file name; an absent folder has none.

    Raises:
        VeilError: a file that is no YAML mapping with an id, or two with the same id.
    """
    found: dict[str, Contract] = {}
    ids: set[str] = set()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        where = f"{folder.name}/{path.name}"
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError, yaml.YAMLError):
            loaded = None
        if not isinstance(loaded, dict) or not isinstance(loaded.get("id"), str):
            raise VeilError(f"{where} cannot be read as a contract.", remedy="Restore it from git.")
        if loaded["id"] in ids:
            raise VeilError(f"{where} has the id of another contract.", remedy="Remove one.")
        ids.add(loaded["id"])
        found[path.name] = loaded
    return found


def merged(drafted: Mapping[str, Any], old: Mapping[str, Any] | None) -> Contract:
    """The draft, with what the team wrote into the old file: its status and keys of its own."""
    kept = {key: value for key, value in (old or {}).items() if key not in OWN_KEYS}
    return {**drafted, **kept}
