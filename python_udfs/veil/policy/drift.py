"""Schema drift: a seed or source whose columns are not those that its YAML promises."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from veil.findings import Finding
from veil.policy.graph import Node
from veil.policy.rules.common import title
from veil.project import Project

RULE = "schema_drift"
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,62}")


def seed_header(project: Project, node: Node) -> list[str]:
    """Column names in a seed's file, in order; empty where the file is gone or empty."""
    file = Path(str(node.raw.get("root_path") or project.root)) / node.file
    return csv_header(file, delimiter=str(node.config.get("delimiter") or ","))


def csv_header(file: Path, *, delimiter: str = ",") -> list[str]:
    """Column names in the first line of a CSV file; empty where it cannot be read."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines, delimiter=delimiter), None)
    except (OSError, UnicodeError, csv.Error):
        return []
    return [name.strip() for name in header or ()]


def compare(
    node: Node, real: Mapping[str, str], canonical: Callable[[str], str] = str
) -> Iterator[Finding]:
    """How the real columns of a seed or source differ from its YAML.

    Args:
        node: the seed or source.
        real: its columns in order, with their SQL types; an empty type is not compared.
        canonical: a type as the database spells it; empty where it knows none of that name.
    """
    if not real:
        return
    declared = {column.name.lower(): column for column in node.columns.values()}
    there = {name.lower(): kind for name, kind in real.items()}
    if not declared.keys() & there.keys():
        # Its first line may be a row of data: no word of it is printed.
        yield _finding(
            node,
            "has none of the columns that its YAML promises.",
            "Bring its header back, or correct the YAML.",
        )
        return
    for number, name in enumerate(real, start=1):
        if name.lower() not in declared:
            shown = f"`{name}`" if _WORD.fullmatch(name) else f"number {number}"
            yield _finding(
                node,
                f"has the column {shown}, which its YAML does not know.",
                "Classify it there, or take it out of the data.",
            )
    for key, column in declared.items():
        if key not in there:
            yield _finding(
                node,
                f"lacks the column `{column.name}`, which its YAML promises.",
                "Bring it back, or take it out of the YAML.",
                column=column.name,
            )
        elif column.data_type and there[key]:
            wanted = canonical(column.data_type)
            if wanted and wanted != there[key]:
                yield _finding(
                    node,
                    f"has the column `{column.name}` as `{there[key].lower()}`, but its YAML"
                    f" promises `{column.data_type}`.",
                    "Correct one of the two.",
                    column=column.name,
                )


def _finding(node: Node, problem: str, remedy: str, *, column: str = "") -> Finding:
    return Finding(
        RULE, f"{title(node)} {problem}", remedy, model=node.name, column=column, file=node.file
    )
