"""Entries for other people's tools: OpenTelemetry log records and syslog lines.

An entry holds no value, so neither does an export; each line is checked against the catalogue
before it goes out. Names of fields are `veil.audit.<field>` in both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from veil import __version__
from veil.audit.entry import Entry
from veil.audit.events import CATALOGUE

_FACILITY = 13  # log audit (RFC 5424, table 1)
_INFORMATIONAL, _WARNING = 6, 4
# OpenTelemetry, logs data model, severity numbers.
_OTLP_INFO, _OTLP_WARN = 9, 13
# 32473 is the enterprise number that RFC 5612 sets aside for those who have none.
_SD_ID = "veil@32473"
_TO_ESCAPE = re.compile(r'(["\\\]])')


def otlp_line(entry: Entry) -> str:
    """One entry as an OTLP/JSON request with one log record, on one line.

    Source: OpenTelemetry protocol 1.5, `ExportLogsServiceRequest` in JSON encoding: 64-bit numbers
    are text, names are in lower camel case.
    """
    warns = CATALOGUE[entry.event].warns
    seconds = int(datetime.fromisoformat(entry.at).timestamp())
    record = {
        "timeUnixNano": str(seconds * 1_000_000_000),
        "severityNumber": _OTLP_WARN if warns else _OTLP_INFO,
        "severityText": "WARN" if warns else "INFO",
        "eventName": f"veil.{entry.event}",
        "body": {"stringValue": entry.event},
        "attributes": [_attribute(name, value) for name, value in _fields(entry)],
    }
    request = {
        "resourceLogs": [
            {
                "resource": {"attributes": [_attribute("service.name", "veil")]},
                "scopeLogs": [
                    {
                        "scope": {"name": "veil.audit", "version": __version__},
                        "logRecords": [record],
                    }
                ],
            }
        ]
    }
    return json.dumps(request, separators=(",", ":"))


def syslog_line(entry: Entry) -> str:
    """One entry as a syslog message with structured data and without free text (RFC 5424).

    It names no host and no process: the record knows none.
    """
    severity = _WARNING if CATALOGUE[entry.event].warns else _INFORMATIONAL
    parameters = " ".join(
        f'{name.removeprefix("veil.audit.")}="{_escaped(one)}"'
        for name, value in _fields(entry)
        for one in _each(value)
    )
    head = f"<{_FACILITY * 8 + severity}>1 {entry.at} - veil - {entry.event}"
    return f"{head} [{_SD_ID} {parameters}]"


def _fields(entry: Entry) -> Iterator[tuple[str, str | int | bool | list[str]]]:
    yield "veil.audit.seq", entry.seq
    yield "veil.audit.id", entry.id
    yield "veil.audit.previous", entry.previous
    for name, value in sorted(entry.details.items()):
        if isinstance(value, dict):
            for word, number in sorted(value.items()):
                yield f"veil.audit.{name}.{word}", number
        else:
            yield f"veil.audit.{name}", value


def _attribute(key: str, value: str | int | bool | list[str]) -> dict[str, Any]:
    return {"key": key, "value": _any_value(value)}


def _any_value(value: str | int | bool | list[str]) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(one) for one in value]}}
    return {"stringValue": value}


def _each(value: str | int | bool | list[str]) -> Sequence[str | int | bool]:
    if isinstance(value, list):
        return value
    return [value]


def _escaped(value: str | int | bool) -> str:
    """The value of a parameter (RFC 5424, section 6.3.3)."""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return _TO_ESCAPE.sub(r"\\\1", text)
