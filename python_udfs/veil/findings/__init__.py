"""Findings: what a check found, and how it is shown to a person, a machine or a review tool."""

from veil.findings.finding import Finding, Level, failed, ordered
from veil.findings.sarif import as_sarif
from veil.findings.text import as_json, as_text

__all__ = ["Finding", "Level", "as_json", "as_sarif", "as_text", "failed", "ordered"]
