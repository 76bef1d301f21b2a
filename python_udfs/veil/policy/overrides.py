"""Macros that would silently take the place of veil's own.

`adapter.dispatch` looks into the root project first: a macro there that happens to be called
`default__mask_pseudonym` would mask nothing, and no SQL or YAML would show it.
"""

from __future__ import annotations

import re
from pathlib import Path

from veil.errors import VeilError
from veil.project import Project

PACKAGE = "veil"
DEFINED = re.compile(r"\{%-?\s*(?:macro|test)\s+(?:default|duckdb)__(\w+)")
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
            for name in DEFINED.findall(file.read_text(encoding="utf-8", errors="replace")):
                if name in names:
                    raise VeilError(
                        f"{file.relative_to(one.root)} defines an implementation of `veil.{name}`,"
                        " which would take the place of the package's own.",
                        remedy="Rename the macro.",
                    )
