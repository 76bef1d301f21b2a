"""Findings for a person, and as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from veil.findings.finding import Finding, ordered


def as_text(findings: Iterable[Finding]) -> str:
    """One finding a paragraph: level and rule, the message, the way out beneath it."""
    lines = []
    for one in ordered(findings):
        where = f"{one.file}:{one.line}" if one.file and one.line else one.file
        lines.append(f"{one.level.value} [{one.rule}]{f' {where}' if where else ''}")
        lines.append(f"  {one.message}")
        if one.remedy:
            lines.append(f"  {one.remedy}")
    return "\n".join(lines)


def as_json(findings: Iterable[Finding], **more: Any) -> str:
    """A JSON object: `findings`, and what else is handed in beside it."""
    rows = [{**asdict(one), "level": one.level.value} for one in ordered(findings)]
    document: Mapping[str, Any] = {**more, "findings": rows}
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)
