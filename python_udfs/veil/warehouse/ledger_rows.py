"""What the ledger's rows say, and the chain of MACs that holds them together.

A row is a number, a body of canonical JSON, and a MAC over the MAC before it, the number and the
body: none can be changed, moved, copied, added or left out in the middle without the key. That none
is missing at the end is for the audit record to say, see `ledger_record`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from veil.audit.fields import DIGEST, NAME, NODE, PERIOD, Kind
from veil.differential.budgets import Budget
from veil.differential.exact import exact_text, from_exact_text
from veil.differential.measures import Charge, Measure
from veil.differential.windows import Confinement, Entry, Part, Span
from veil.errors import VeilError
from veil.keys.encoding import encode_fields

FORMAT = 1
"""Version of the rows and tables; a later one is refused."""
RESTORE = "Restore the newest state/ from one backup, and find out who can write to it."
_LABEL = b"veil-ledger-v1"
_START = bytes(32)


class LedgerError(VeilError):
    """The ledger is missing, in use, not the one that veil wrote, or cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Whose loss is counted.

    Attributes:
        name: its label in the YAML, for people.
        columns: the columns of sources that it comes from by lineage, each as the dbt unique id
            of its relation, a dot and the column's name.
        within: the partition key within which it is counted, `day` for a person-day; empty where
            it is the whole unit.
    """

    name: str
    columns: frozenset[str]
    within: str = ""

    def __post_init__(self) -> None:
        _expect(NAME, self.name, what="privacy unit's name")
        if self.within:
            _expect(NAME, self.within, what="key within which a privacy unit is counted")
        if not self.columns or not all(one and isinstance(one, str) for one in self.columns):
            raise LedgerError(f"privacy unit `{self.name}` comes from no column of a source.")

    def same_as(self, other: Unit) -> bool:
        """Whether the two are one unit: one label, or a column of a source in common.

        A new label or one more column makes no new unit, and a person-day is the person's.
        """
        return self.name == other.name or not self.columns.isdisjoint(other.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A budget as the project declares it.

    Attributes:
        name: for people; it decides nothing.
        unit: whose loss it limits.
        sources: dbt unique ids of the relations that it is about.
        budget: the limits.
        beside: another unit has a budget over these sources, and both are meant.
    """

    name: str
    unit: Unit
    sources: frozenset[str]
    budget: Budget
    beside: bool = False

    def __post_init__(self) -> None:
        _expect(NAME, self.name, what="budget's name")
        _expect_sources(self.sources, what=f"budget `{self.name}`")

    def counts(self, unit: Unit, sources: frozenset[str]) -> bool:
        """Whether a charge to that unit over those sources counts: one unit, a common source."""
        return self.unit.same_as(unit) and not self.sources.isdisjoint(sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one metric, or the private selection, of a release costs.

    Attributes:
        metric: its name.
        charge: exact; above 0.
        part: the part of a confined series; the ledger keeps series of two marts, or of two
            definitions of one, apart.
    """

    metric: str
    charge: Charge
    part: Part | None = None

    def __post_init__(self) -> None:
        _expect(NAME, self.metric, what="metric's name")
        if self.charge.loss == 0:
            raise LedgerError(f"metric `{self.metric}` costs nothing, so it has no noise.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A release that is to be drawn, or was.

    Attributes:
        name: of the release.
        period: of its `privacy_release_period`: `once`, a month, a day, or a number.
        definition: `definition_of` its declared parameters and canonical query.
        mart: dbt unique id.
        budget: name of the budget that is charged.
        unit: whose loss it is.
        sources: dbt unique ids of the relations that its lineage reaches.
        lines: the charges; every metric its own.
        change: keyed digest of what the query read, for `privacy_refresh: on_change` alone.
    """

    name: str
    period: str
    definition: str
    mart: str
    budget: str
    unit: Unit
    sources: frozenset[str]
    lines: tuple[Line, ...]
    change: str | None = None

    def __post_init__(self) -> None:
        _expect(NAME, self.name, what="release's name")
        _expect(PERIOD, self.period, what="release's period")
        _expect(DIGEST, self.definition, what="release's definition")
        _expect(NODE, self.mart, what="mart's unique id")
        _expect(NAME, self.budget, what="budget's name")
        _expect_sources(self.sources, what=f"release `{self.name}`")
        if self.change is not None:
            _expect(DIGEST, self.change, what="digest of what was read")
        if not self.lines:
            raise LedgerError(f"release `{self.name}` charges nothing, so it has no noise.")

    @property
    def id(self) -> str:
        """What the release is known by: name, period and definition; nothing of the data."""
        fields = (self.name, self.period, self.definition)
        return hashlib.sha256(encode_fields(b"veil-release-v1", fields)).hexdigest()

    def entries(self, on: datetime) -> list[Entry]:
        """The charges as a budget adds them up; `on` is when they were made."""
        return [
            Entry(on=on.date(), charge=line.charge, part=self._scoped(line.part))
            for line in self.lines
        ]

    def _scoped(self, part: Part | None) -> Part | None:
        # A bound confines a person to one part of one query; another query has its own bound.
        if part is None:
            return None
        series = json.dumps([self.mart, self.definition, part.series])
        return Part(series=series, name=part.name, confinement=part.confinement)


def definition_of(parameters: Mapping[str, object], query: str) -> str:
    """SHA-256 of a release's declared parameters and canonical query.

    Args:
        parameters: plain values, as YAML gives them.
        query: normalised SQL with relations by dbt unique id; no target, path or version.

    Raises:
        LedgerError: a parameter is not plain.
    """
    try:
        text = json.dumps(parameters, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise LedgerError("a release's parameters are not plain values.") from None
    return hashlib.sha256(encode_fields(b"veil-definition-v1", (text, query))).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the file holds it; `mac` are 32 bytes."""

    seq: int
    body: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """A release that stands in the ledger; `cells` is the SHA-256 of its stored bytes."""

    draw: Draw
    at: datetime
    cells: str


@dataclass(slots=True)
class Book:
    """What a whole chain of rows says.

    Attributes:
        bodies: of the rows, oldest first.
        head: MAC of the last one, in hexadecimal.
        budgets: those in force, by name.
        made: the releases, oldest first.
    """

    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    head: str = _START.hex()
    budgets: dict[str, Declaration] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    _by_id: dict[str, Made] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.bodies)

    def find(self, release_id: str) -> Made | None:
        """The release of that id."""
        for one in self.made[len(self._by_id) :]:
            self._by_id[one.draw.id] = one
        return self._by_id.get(release_id)

    def moment(self, now: datetime) -> datetime:
        """The moment of the next row: a clock that was put back opens no former window."""
        second = now.astimezone(UTC).replace(microsecond=0)
        return max([second, *(datetime.fromisoformat(one["at"]) for one in self.bodies[-1:])])

    def take(self, body: Mapping[str, Any], mac: bytes) -> None:
        """Go on by one row whose MAC holds."""
        kind = body["kind"]
        if kind == "created" and body["format"] != FORMAT:
            raise LedgerError(
                "state/ledger.duckdb was written by another version of veil.",
                remedy="Use the newest veil that worked with this project.",
            )
        if kind == "budget":
            self.budgets[body["name"]] = read_declaration(body)
        elif kind == "withdrawal":
            self.budgets.pop(body["name"], None)
        elif kind == "release":
            at = datetime.fromisoformat(body["at"])
            self.made.append(Made(draw=read_draw(body), at=at, cells=body["cells"]))
        self.bodies.append(body)
        self.head = mac.hex()


def next_row(key: bytes, book: Book, body: Mapping[str, Any]) -> Row:
    """The row that follows a chain."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Row(book.rows, text, _mac(key, bytes.fromhex(book.head), book.rows, text))


def read_book(key: bytes, rows: Sequence[Row]) -> Book:
    """What the rows say, once every MAC holds.

    Raises:
        LedgerError: a row is not the one that veil wrote there.
    """
    book = Book()
    for row in rows:
        expected = _mac(key, bytes.fromhex(book.head), book.rows, row.body)
        if row.seq != book.rows or not hmac.compare_digest(expected, row.mac):
            raise LedgerError(
                "state/ledger.duckdb was changed by other hands: a row is not the one that veil"
                " wrote.",
                remedy=RESTORE,
            )
        book.take(json.loads(row.body), row.mac)
    if not book.rows:
        raise LedgerError("state/ledger.duckdb is empty: its rows were removed.", remedy=RESTORE)
    return book


def _mac(key: bytes, previous: bytes, seq: int, body: str) -> bytes:
    return hmac.digest(key, encode_fields(_LABEL, (previous.hex(), str(seq), body)), "sha256")


def declaration_body(one: Declaration) -> dict[str, Any]:
    """The body of a budget's row, without its moment."""
    return {
        "kind": "budget",
        "name": one.name,
        "beside": one.beside,
        "measure": one.budget.measure.value,
        "loss": exact_text(one.budget.loss),
        "delta": exact_text(one.budget.delta),
        "window": one.budget.window.value,
        **_about(one.unit, one.sources),
    }


def read_declaration(body: Mapping[str, Any]) -> Declaration:
    """The budget that such a body holds."""
    return Declaration(
        name=body["name"],
        beside=body["beside"],
        budget=Budget(
            measure=Measure(body["measure"]),
            loss=from_exact_text(body["loss"]),
            delta=from_exact_text(body["delta"]),
            window=Span(body["window"]),
        ),
        unit=_unit(body),
        sources=frozenset(body["sources"]),
    )


def draw_body(one: Draw, *, cells: str) -> dict[str, Any]:
    """The body of a release's row, without its moment; `cells` is the digest of its bytes."""
    return {
        "kind": "release",
        "id": one.id,
        "name": one.name,
        "period": one.period,
        "definition": one.definition,
        "mart": one.mart,
        "budget": one.budget,
        "change": one.change,
        "cells": cells,
        "lines": [
            {
                "metric": line.metric,
                "measure": line.charge.measure.value,
                "loss": exact_text(line.charge.loss),
                "delta": exact_text(line.charge.delta),
                "part": line.part
                and [line.part.series, line.part.name, line.part.confinement.value],
            }
            for line in one.lines
        ],
        **_about(one.unit, one.sources),
    }


def read_draw(body: Mapping[str, Any]) -> Draw:
    """The release that such a body holds."""
    return Draw(
        **{name: body[name] for name in ("name", "period", "definition", "mart", "budget")},
        change=body["change"],
        unit=_unit(body),
        sources=frozenset(body["sources"]),
        lines=tuple(
            Line(
                metric=line["metric"],
                charge=Charge(
                    measure=Measure(line["measure"]),
                    loss=from_exact_text(line["loss"]),
                    delta=from_exact_text(line["delta"]),
                ),
                part=_part(line["part"]),
            )
            for line in body["lines"]
        ),
    )


def _part(found: Sequence[str] | None) -> Part | None:
    if found is None:
        return None
    return Part(series=found[0], name=found[1], confinement=Confinement(found[2]))


def _about(unit: Unit, sources: frozenset[str]) -> dict[str, Any]:
    columns = {"unit_columns": sorted(unit.columns), "unit_within": unit.within}
    return {"unit": unit.name, **columns, "sources": sorted(sources)}


def _unit(body: Mapping[str, Any]) -> Unit:
    columns = frozenset(body["unit_columns"])
    return Unit(name=body["unit"], columns=columns, within=body["unit_within"])


def _expect(kind: Kind, value: object, *, what: str) -> None:
    if not kind.fits(value):
        remedy = "Use letters, digits, `_`, `.` and `-`." if kind is NAME else ""
        raise LedgerError(f"a {what} is not a {kind.name}.", remedy=remedy)


def _expect_sources(sources: frozenset[str], *, what: str) -> None:
    if not sources or not all(NODE.fits(one) for one in sources):
        raise LedgerError(f"{what} names no source relation, or one that is no dbt unique id.")
