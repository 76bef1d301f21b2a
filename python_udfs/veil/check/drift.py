"""Schema drift as far as files tell it: the header of a seed, and of a CSV file behind a source."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from veil.findings import Finding
from veil.policy.graph import Graph, Node
from veil.policy.rules.common import title
from veil.project import Project

RULE = "schema_drift"
WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,62}")
_CSV = re.compile(r"'([^'*?\[\]{}]+\.csv)'")


def header_of(project: Project, node: Node) -> list[str]:
    """Column names in the file of a seed or source, in order; empty where no file tells them."""
    delimiter = str(node.config.get("delimiter") or ",")
    if node.kind == "seed":
        file = Path(str(node.raw.get("root_path") or project.root)) / node.file
    else:
        found = _CSV.search(node.relation)
        if found is None or "header = false" in node.relation or "delim" in node.relation:
            return []
        file = project.root / found[1]
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines, delimiter=delimiter), None)
    except (OSError, UnicodeError, csv.Error):
        return []
    return [name.strip() for name in header or ()]


def drifts(project: Project, graph: Graph) -> Iterator[Finding]:
    """Columns that a file has and its YAML does not know, or the other way round."""
    for node in graph:
        if node.kind not in {"seed", "source"} or not node.is_classified:
            continue
        header = header_of(project, node)
        there = {name.lower() for name in header}
        declared = {column.name.lower(): column.name for column in node.columns.values()}
        if not header:
            continue
        if not there & declared.keys():
            # Its first line may be a row of data: no word of it is printed.
            yield _finding(
                node,
                "has none of the columns that its YAML promises.",
                "Bring its header back, or correct the YAML.",
            )
            continue
        for number, name in enumerate(header, start=1):
            if name.lower() not in declared:
                shown = f"`{name}`" if WORD.fullmatch(name) else f"number {number}"
                yield _finding(
                    node,
                    f"has the column {shown}, which its YAML does not know.",
                    "Classify it there, or take it out of the data.",
                )
        for key, name in declared.items():
            if key not in there:
                yield _finding(
                    node,
                    f"lacks the column `{name}`, which its YAML promises.",
                    "Bring it back, or take it out of the YAML.",
                    column=name,
                )


def _finding(node: Node, problem: str, remedy: str, *, column: str = "") -> Finding:
    return Finding(
        RULE, f"{title(node)} {problem}", remedy, model=node.name, column=column, file=node.file
    )
