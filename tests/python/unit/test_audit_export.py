"""Exports: what other people's parsers read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from audit_support import SAMPLES

from veil.audit.entry import START, Entry
from veil.audit.events import CATALOGUE
from veil.audit.export import otlp_line, syslog_line
from veil.audit.lines import TamperedError
from veil.audit.record import Record

# RFC 5424, section 6: the grammar as far as veil uses it.
SYSLOG = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) - ([!-~]{1,48}) - ([!-~]{1,32})"
    r" \[([!-~]{1,32})((?: [!#-<>-\\^-~]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\]"
)
PARAMETER = re.compile(r' ([^= ]+)="((?:[^"\\\]]|\\["\\\]])*)"')


def an_entry(event: str) -> Entry:
    return Entry("2026-11-21T10:00:00Z", event, SAMPLES[event], "ef" * 16, START, 7)


def flat(entry: Entry) -> dict[str, list[object]]:
    """What an export must hold: each field with its values."""
    found: dict[str, list[object]] = {
        "seq": [entry.seq],
        "id": [entry.id],
        "previous": [entry.previous],
    }
    for name, value in entry.details.items():
        if isinstance(value, dict):
            found |= {f"{name}.{word}": [number] for word, number in value.items()}
        else:
            found[name] = list(value) if isinstance(value, list) else [value]
    return found


def plain(value: dict[str, object]) -> list[object]:
    """A value of OTLP as Python has it."""
    ((kind, inner),) = value.items()
    if kind == "arrayValue":
        return [one for item in inner["values"] for one in plain(item)]
    return [int(inner) if kind == "intValue" else inner]


@pytest.mark.parametrize("event", sorted(CATALOGUE))
def test_opentelemetry_gets_every_field_with_its_type(event: str) -> None:
    """One request of one log record a line; 64-bit numbers are text, as its JSON form demands."""
    entry = an_entry(event)
    line = otlp_line(entry)
    (resource,) = json.loads(line)["resourceLogs"]
    (scope,) = resource["scopeLogs"]
    (record,) = scope["logRecords"]
    moment = datetime(2026, 11, 21, 10, tzinfo=UTC)
    attributes = {one["key"]: plain(one["value"]) for one in record["attributes"]}

    assert "\n" not in line
    assert record["timeUnixNano"] == f"{int(moment.timestamp())}000000000"
    assert record["body"] == {"stringValue": event}
    assert record["severityText"] == ("WARN" if CATALOGUE[event].warns else "INFO")
    assert attributes == {f"veil.audit.{name}": values for name, values in flat(entry).items()}


@pytest.mark.parametrize("event", sorted(CATALOGUE))
def test_syslog_lines_follow_the_grammar(event: str) -> None:
    """Every field stands in the structured data; there is no text, no host and no process."""
    entry = an_entry(event)
    parts = SYSLOG.fullmatch(syslog_line(entry))

    assert parts is not None
    assert int(parts[1]) == (108 if CATALOGUE[event].warns else 110)
    assert (parts[2], parts[3], parts[4]) == (entry.at, "veil", event)
    found: dict[str, list[str]] = {}
    for name, value in PARAMETER.findall(parts[6]):
        found.setdefault(name, []).append(value)
    assert found == {
        name: [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
        for name, values in flat(entry).items()
    }


def test_an_edited_line_is_not_exported(tmp_path: Path) -> None:
    """What somebody wrote into the record by hand reaches no log service."""
    record = Record.open(tmp_path)
    for _ in range(3):
        record.append("waiver.used", **SAMPLES["waiver.used"])
    model = SAMPLES["waiver.used"]["model"].encode()
    data = record.path.read_bytes().replace(b'"model":"' + model, b'"model":"jane@x.org', 1)
    record.path.write_bytes(data)
    exported = []
    with pytest.raises(TamperedError):
        for entry in record.events():
            exported.append(otlp_line(entry))

    assert len(exported) == 1
    assert "jane" not in exported[0]
