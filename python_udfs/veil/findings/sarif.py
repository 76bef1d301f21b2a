"""Findings as SARIF 2.1.0, which code review shows beside the line (OASIS, 2020)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from veil import __version__
from veil.findings.finding import Finding, ordered

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(findings: Iterable[Finding]) -> str:
    """A SARIF log with one run; each finding is a result, each rule is described once."""
    results = ordered(findings)
    rules = sorted({one.rule for one in results})
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "veil",
                        "version": __version__,
                        "rules": [
                            {"id": rule, "shortDescription": {"text": rule.replace("_", " ")}}
                            for rule in rules
                        ],
                    }
                },
                "results": [_result(one, rules) for one in results],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.level.value,
        "message": {"text": str(finding)},
    }
    if finding.file:
        place: dict[str, Any] = {"artifactLocation": {"uri": finding.file}}
        if finding.line:
            place["region"] = {"startLine": finding.line}
        result["locations"] = [{"physicalLocation": place}]
    return result
