"""The catalogue of events: what fits is recorded, and nothing else ever is."""

from __future__ import annotations

import json

import pytest
import rfc8785
from audit_support import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from veil.audit.entry import START, Entry, EntryError
from veil.audit.events import CATALOGUE, EventError, check_event
from veil.audit.fields import NAME, NODE, WORD, Kind

FIELDS = [
    pytest.param(event, name, kind, id=f"{event}-{name}")
    for event, found in CATALOGUE.items()
    for name, kind in (*found.fields.items(), *found.optional.items())
]
# What must never be recorded; no field of any event takes one of them.
VALUES = [
    "Jane Doe",
    "078-05-1120",
    "078051120",
    "jane@example.com",
    "p1_kabcdefg_" + "a" * 32,
    "model.veil.p1_kabcdefg_" + "a" * 32,
    "12 Main Street",
    "2026-02-30",
    "2026-11-21T10:00:00Z",
    "٢٠٢٦-١١-٢١",
    "",
    "x" * 5000,
    "abcdef\n",
    'a"b',
    "a\\b",
    "é",
    "1/0",
    "2/4",
    "-1/2",
    "0,5",
    -1,
    2**53,
    1.0,
    float("nan"),
    None,
    b"abc",
    ["Jane Doe"],
    ["kabcdefg", "kabcdefg"],
    {"success": -1},
    {"Jane Doe": 1},
    {"success": True},
    [["kabcdefg"]],
]


def an_entry(event: str = "erasure.done", **changed: object) -> Entry:
    """An entry that can be parsed again, but for what is changed."""
    fields = {
        "at": "2026-11-21T10:00:00Z",
        "event": event,
        "details": SAMPLES.get(event, {}),
        "id": "ef" * 16,
        "previous": START,
        "seq": 0,
        "mac": "01" * 32,
    }
    return Entry(**{**fields, **changed})


@pytest.mark.parametrize("event", sorted(CATALOGUE))
def test_every_event_is_recorded_with_its_fields(event: str) -> None:
    """What fits comes back from its line as it went in."""
    entry = an_entry(event)

    assert Entry.parse(entry.line()) == entry


@pytest.mark.parametrize("event", sorted(CATALOGUE))
def test_the_line_of_every_event_is_canonical(event: str) -> None:
    """The library for RFC 8785 writes what the fast encoder that verifies accepts."""
    line = an_entry(event).line()

    assert rfc8785.dumps(json.loads(line)) == line


@pytest.mark.parametrize(("event", "name", "kind"), FIELDS)
def test_no_field_takes_a_value(event: str, name: str, kind: Kind) -> None:
    """Names, numbers of persons, addresses, pseudonyms, free text: refused and not repeated."""
    for value in VALUES:
        with pytest.raises(EventError) as caught:
            check_event(event, {**SAMPLES[event], name: value})

        assert not isinstance(value, str) or not value or value not in str(caught.value)
        assert name in str(caught.value)
        assert kind.name in str(caught.value)


@pytest.mark.parametrize("event", sorted(CATALOGUE))
def test_a_missing_or_unknown_field_is_refused(event: str) -> None:
    """An entry holds exactly what the catalogue says; an unknown name is not repeated."""
    for name in CATALOGUE[event].fields:
        rest = {key: value for key, value in SAMPLES[event].items() if key != name}
        with pytest.raises(EventError, match=f"lacks its field `{name}`"):
            check_event(event, rest)
    with pytest.raises(EventError) as caught:
        check_event(event, {**SAMPLES[event], "note_on_jane": 1})

    assert "jane" not in str(caught.value)


def test_an_unknown_event_is_refused_and_not_repeated() -> None:
    """A name that somebody makes up could carry anything."""
    with pytest.raises(EventError) as caught:
        check_event("jane.doe", {})

    assert "jane" not in str(caught.value)


def test_a_charge_names_what_was_charged() -> None:
    """A delta alone is no charge, and neither is nothing."""
    charge = CATALOGUE["ledger.charged"]
    fields = {name: SAMPLES["ledger.charged"][name] for name in charge.fields}
    for details in (fields, {**fields, "delta": "1/10"}):
        with pytest.raises(EventError, match="`epsilon` or `rho`"):
            check_event("ledger.charged", details)
    check_event("ledger.charged", {**fields, "rho": "1/10"})


@pytest.mark.parametrize("text", ["0.5", "1e-3", "1", "02/3", "1/03", "0/2", "+1/2", "1 / 2"])
def test_a_charge_is_an_exact_fraction_in_one_spelling(text: str) -> None:
    """Lowest terms: what was charged can be added up and compared as it stands."""
    with pytest.raises(EventError, match="exact fraction"):
        check_event("ledger.charged", {**SAMPLES["ledger.charged"], "epsilon": text})


def test_a_flag_is_no_number_and_a_number_no_flag() -> None:
    """Python takes one for the other; JSON does not."""
    ended, resumed = SAMPLES["build.ended"], SAMPLES["record.resumed"]
    for event, details in (
        ("build.ended", {**ended, "partial": 1}),
        ("record.resumed", {**resumed, "cut": True}),
    ):
        with pytest.raises(EventError):
            check_event(event, details)


@given(st.text(max_size=60))
def test_what_passes_for_a_name_can_break_out_of_nothing(text: str) -> None:
    """Neither JSON, nor a syslog line, nor a log's line ends inside one."""
    for kind in (NAME, NODE, WORD):
        if kind.fits(text):
            assert text.isascii()
            assert not set(text) & set("\"'\\]\n\r\t =@<>{}/:")


@pytest.mark.parametrize(
    "changed",
    [
        {"at": "2026-11-21 10:00:00Z"},
        {"at": "2026-13-21T10:00:00Z"},
        {"at": "2026-11-21T10:00:00+00:00"},
        {"id": "EF" * 16},
        {"id": ""},
        {"previous": "0" * 63},
        {"seq": -1},
        {"seq": True},
        {"event": "jane.doe"},
        {"details": {"request": "Jane Doe"}},
    ],
    ids=str,
)
def test_a_line_with_a_malformed_field_is_no_entry(changed: dict[str, object]) -> None:
    """Reading is as strict as writing, and repeats as little."""
    with pytest.raises(EntryError) as caught:
        Entry.parse(an_entry(**changed).line())

    assert "jane" not in str(caught.value).lower()


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b",", b", ", 1),
        lambda line: line.replace(b'"seq":0', b'"seq":0.0'),
        lambda line: line.replace(b'"seq":0', b'"seq":00'),
        lambda line: line.replace(b'"seq":0', b'"seq":0,"seq":0'),
        lambda line: line.replace(b"erasure", b"\\u0065rasure"),
        lambda line: line.replace(b'"v":1', b'"v":2'),
        lambda line: line.replace(b'"v":1', b'"v":true'),
        lambda line: line.replace(b'"v":1', b'"v":1,"w":1'),
        lambda line: line.replace(b',"v":1', b""),
        lambda line: b'{"v":1,' + line[1:].replace(b',"v":1', b""),
        lambda line: line + b" ",
        lambda line: b"\xef\xbb\xbf" + line,
        lambda _: b"",
        lambda _: b"null",
        lambda _: b"[]",
        lambda _: b"[" * 16_000,
        lambda _: b"9" * 16_000,
        lambda _: b"NaN",
        lambda _: b"\xff\x00",
    ],
)
def test_another_spelling_of_an_entry_is_no_entry(change: object) -> None:
    """One entry has one line: what the tree is made of cannot be written in two ways."""
    with pytest.raises(EntryError):
        Entry.parse(change(an_entry().line()))
