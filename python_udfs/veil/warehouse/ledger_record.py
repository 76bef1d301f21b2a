"""What the audit record says of the ledger: its newest head, and what each change was.

Every change is noted twice. Before it `ledger.intended`, with the number of rows that there will be
and the MAC of the last one; after it what was done, with the same two. A crash leaves an intent
without its second note, and the file tells which of the two it was: either the row stands there,
and the note is made up for; or it does not, and the intent was abandoned. So a committed charge is
in the record before it is in the file, and no head but the newest one recorded is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from veil.audit.entry import Entry
from veil.audit.events import Value, check_event
from veil.audit.fields import FRACTION
from veil.audit.keeper import Keeper
from veil.differential.exact import exact_text, from_exact_text
from veil.warehouse.ledger_file import SHOWN
from veil.warehouse.ledger_rows import RESTORE, Book, LedgerError, Row

CHARGED = "ledger.charged"
INTENDED = "ledger.intended"
_ABANDONED = "ledger.abandoned"
_ACCEPTED = "ledger.accepted"
_EVENTS = {
    "created": "ledger.created",
    "budget": "budget.declared",
    "withdrawal": "budget.withdrawn",
    "release": CHARGED,
    "rekeyed": "ledger.rekeyed",
}
_DONE = (*_EVENTS.values(), _ACCEPTED)
_DECIMALS = 10**18
# Restored together they fit; the ledger alone is taken as it is, and the record says so.
_OR_ACCEPT = (
    f"{RESTORE} Without one: `veil init --after-loss` takes the file as it is, which is recorded."
)


def intend(keeper: Keeper, row: Row, body: Mapping[str, Any]) -> None:
    """Note that a row is about to be written; when this returns, its second note will fit too.

    Raises:
        EventError: the row cannot be noted, so it may not be written.
        AuditError: the record cannot be written.
    """
    head = row.mac.hex()
    check_event(*_done(row.seq + 1, head, body))
    keeper.note(INTENDED, rows=row.seq + 1, head=head)


def note_done(keeper: Keeper, book: Book) -> None:
    """Note what the last row of a ledger did, and sign it.

    Raises:
        AuditError: it is not noted, which the next opening makes up for; or not anchored.
    """
    event, details = _done(book.rows, book.head, book.bodies[-1])
    keeper.note(event, **details)
    keeper.checkpoint()


def accept(keeper: Keeper, book: Book) -> None:
    """Note that the ledger is taken as it is, whatever the record knew.

    Raises:
        AuditError: as `note_done`.
    """
    newest = _newest(keeper)[1]
    known = 0 if newest is None else newest.details["rows"]
    keeper.note(_ACCEPTED, rows=book.rows, head=book.head, known=known)
    keeper.checkpoint()


def settle(keeper: Keeper, book: Book) -> None:
    """Hold a ledger against the newest head recorded, and finish what a crash left.

    Nothing of the ledger is believed before a signed checkpoint covers its last charge: an
    unsigned end of the record could be cut off, and the former ledger put back.

    Raises:
        LedgerError: it is an older, a newer or another one.
        TamperedError: the record is not what veil wrote.
        AuditError: a note that a crash left out cannot be written or anchored.
    """
    newest, saved = _newest(keeper)
    here = (book.rows, book.head)
    is_saved = saved is not None and here == _place(saved)
    if newest is not None and newest.event == INTENDED and here == _place(newest):
        note_done(keeper, book)
        return
    if not is_saved:
        raise _mismatch(book.rows, saved)
    assert newest is not None  # the saved one is among them
    if newest.event == INTENDED:
        rows, head = _place(newest)
        keeper.note(_ABANDONED, rows=rows, head=head)
    signed = keeper.newest()
    if newest.event == INTENDED or signed is None or signed[1].size <= newest.seq:
        keeper.checkpoint()


def recordable(value: Fraction) -> str:
    """`p/q` as a field of the record holds it: exact, or rounded up to 18 decimals where too long.

    The exact charge stands in the ledger.
    """
    text = exact_text(value)
    if FRACTION.fits(text):
        return text
    return exact_text(Fraction(-(-value.numerator * _DECIMALS // value.denominator), _DECIMALS))


def _newest(keeper: Keeper) -> tuple[Entry | None, Entry | None]:
    """The newest entry about the ledger, and the newest that says what its head is."""
    entries = keeper.entries(INTENDED, _ABANDONED, *_DONE)
    saved = next((one for one in reversed(entries) if one.event in _DONE), None)
    return (entries[-1] if entries else None), saved


def _place(entry: Entry) -> tuple[Any, Any]:
    return entry.details["rows"], entry.details["head"]


def _mismatch(rows: int, saved: Entry | None) -> LedgerError:
    if saved is None:
        return LedgerError(
            f"{SHOWN} is there, and the audit record knows of no ledger: one of them is another"
            " project's, or the record was begun anew.",
            remedy=_OR_ACCEPT,
        )
    known = saved.details["rows"]
    assert isinstance(known, int)  # the catalogue says so
    if rows < known:
        return LedgerError(
            f"{SHOWN} was rolled back: the audit record saw a newer one written.", remedy=_OR_ACCEPT
        )
    if rows > known:
        return LedgerError(
            f"{SHOWN} is newer than the audit record knows: the record was rolled back.",
            remedy=_OR_ACCEPT,
        )
    return LedgerError(
        f"{SHOWN} is not the ledger that the audit record saw written.", remedy=_OR_ACCEPT
    )


def _done(rows: int, head: str, body: Mapping[str, Any]) -> tuple[str, dict[str, Value]]:
    """The event that says what a row did."""
    details: dict[str, Value] = {"rows": rows, "head": head}
    kind = body["kind"]
    if kind == "created":
        details["after_loss"] = body["after_loss"]
    elif kind == "rekeyed":
        details["kid"] = body["kid"]
    elif kind == "withdrawal":
        details |= {"budget": body["name"], "raised": body["raised"]}
    elif kind == "budget":
        details |= {name: body[name] for name in ("unit", "window", "raised", "beside")}
        details["budget"] = body["name"]
        details[body["measure"]] = recordable(from_exact_text(body["loss"]))
        details["delta"] = recordable(from_exact_text(body["delta"]))
    else:
        details |= {"release": body["name"], "budget": body["budget"], **_sums(body["lines"])}
    return _EVENTS[kind], details


def _sums(lines: list[dict[str, Any]]) -> dict[str, Value]:
    """What a release costs, by measure; epsilon and rho stand side by side where it has both."""
    sums: dict[str, Fraction] = {}
    for line in lines:
        for name, text in ((line["measure"], line["loss"]), ("delta", line["delta"])):
            sums[name] = sums.get(name, Fraction(0)) + from_exact_text(text)
    return {name: recordable(value) for name, value in sums.items()}
