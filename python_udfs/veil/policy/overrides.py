"""Macros that would silently take the place of veil's own.

`adapter.dispatch` looks into the root project first: a macro there that happens to be called
`default__mask_pseudonym` would mask nothing, and no SQL or YAML would show it.
"""

from __future__ import annotations

import re
from pathlib import Path

from veil.bypass.materializations import PRIVATE_RELEASE
from veil.errors import VeilError
from veil.project import Project

PACKAGE = "veil"
DEFINED = re.compile(r"\{%-?\s*(?:macro|test)\s+(?:default|duckdb)__(\w+)")
WRITES = re.compile(rf"\{{%-?\s*materialization\s+{PRIVATE_RELEASE}\b")
PUBLIC = re.compile(r"adapter\.dispatch\(\s*'(\w+)'")


def _macros(project: Project) -> list[Path]:
    folders = project.config().get("macro-paths") or ["macros"]
    return [file for folder in folders for file in (project.root / str(folder)).rglob("*.sql")]


def check_overrides(project: Project) -> None:
    """Refuse a project in which another package defines an implementation of a veil macro.

    Raises:
        VeilError: names the file and the macro.
    """
    projects = [project, *project.packages()]
    names: set[str] = set()
    for one in projects:
        if one.config().get("name") == PACKAGE:
            for file in _macros(one):
                names.update(PUBLIC.findall(file.read_text(encoding="utf-8")))
    for one in projects:
        if one.config().get("name") == PACKAGE:
            continue
        for file in _macros(one):
            text = file.read_text(encoding="utf-8", errors="replace")
            found = [name for name in DEFINED.findall(text) if name in names]
            if WRITES.search(text):
                found.append(PRIVATE_RELEASE)
            if found:
                raise VeilError(
                    f"{file.relative_to(one.root)} defines an implementation of `veil.{found[0]}`,"
                    " which would take the place of the package's own.",
                    remedy="Rename the macro.",
                )
