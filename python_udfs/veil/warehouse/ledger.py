"""The ledger: what was ever charged, and every noisy release as it was drawn, in one file.

A release is drawn once. Its charge and its cells are committed together before anybody sees a cell;
from then on the stored bytes are given again, at no cost, whatever the data has become. A charge is
never taken back. See `ledger_budgets` for which charges count for a budget, and `ledger_record` for
how the audit record notices that the file was put back, edited or exchanged.

A ledger is opened for each call and closed again, under a lock: two processes, or two threads of
one, never both pass the same check.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from veil.audit.keeper import Keeper
from veil.files import check_private, locked
from veil.keys import Keyring
from veil.project import Project
from veil.warehouse.ledger_budgets import (
    Account,
    Quote,
    account_of,
    afford_draws,
    is_loosened,
    is_raised,
    merged,
    quotes,
    under,
)
from veil.warehouse.ledger_cells import cells_from_bytes, cells_to_bytes
from veil.warehouse.ledger_file import (
    SHOWN,
    Opened,
    ledger_file,
    mac_key,
    new_file,
    newest_kid,
    open_ledger,
    put_in_place,
)
from veil.warehouse.ledger_record import accept, intend, note_done, settle
from veil.warehouse.ledger_rows import (
    FORMAT,
    RESTORE,
    Book,
    Declaration,
    Draw,
    LedgerError,
    Made,
    declaration_body,
    draw_body,
    next_row,
)
from veil.warehouse.ledger_traces import is_charged, refuse_traces

LOCK_SECONDS = 30.0
"""How long a call waits for another one; a charge takes less than a second."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A release as it was drawn.

    Attributes:
        draw: what it is and what it cost.
        at: when it was charged.
        cells: the noisy table.
        content: SHA-256 of its stored bytes.
        is_new: whether this call drew it.
    """

    draw: Draw
    at: datetime
    cells: pa.Table = field(repr=False)
    content: str
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a declared budget; `raised`: more can be spent than before."""

    budget: str
    raised: bool
    is_withdrawn: bool = False


def _now() -> datetime:
    return datetime.now(UTC)


def create_ledger(
    project: Project, keyring: Keyring, keeper: Keeper, *, after_loss: bool = False
) -> Ledger:
    """Make the project's ledger, with nothing spent.

    Args:
        project: whose ledger it is.
        keyring: loaded, with a key for it.
        keeper: of the record.
        after_loss: make one although there were releases before; it is recorded.

    Raises:
        LedgerError: there is one; or something shows earlier releases, and the flag is not given.
        AuditError: the record cannot be written, was rolled back, or is not anchored.
    """
    file = ledger_file(project)
    check_private(project.state)
    with locked(file, timeout=LOCK_SECONDS):
        if file.exists() or file.is_symlink():
            raise LedgerError(
                f"{SHOWN} is there already.", remedy="Leave it: what was spent stands in it."
            )
        if not after_loss:
            refuse_traces(project, keeper)
        kid = newest_kid(keyring)
        body = {
            "kind": "created",
            "format": FORMAT,
            "after_loss": after_loss,
            # Two ledgers of one keyring have different heads.
            "ledger": secrets.token_hex(16),
            "at": _text(_now()),
        }
        _replace(project, keyring, keeper, kid, bodies=[body])
    return Ledger(project, keyring, keeper)


class Ledger:
    """The ledger of one project.

    Every method raises `LedgerError` where the file is missing, in use, or not the newest one that
    the record saw written, and `AuditError` where the record does not hold.

    Args:
        project: whose ledger it is.
        keyring: loaded.
        keeper: of the record.
        clock: gives the present moment; one that was put back does not open a former window.
        wait: seconds to wait for another process.
    """

    def __init__(
        self,
        project: Project,
        keyring: Keyring,
        keeper: Keeper,
        *,
        clock: Callable[[], datetime] = _now,
        wait: float = LOCK_SECONDS,
    ) -> None:
        self._project = project
        self._keyring = keyring
        self._keeper = keeper
        self._clock = clock
        self._wait = wait

    def declare(self, declared: Collection[Declaration]) -> list[Change]:
        """Take over the budgets of the project: all of them, as they stand in its YAML now.

        A limit that is lower or higher, a new name, and a budget that is gone each are a row and an
        event; where nothing changed, nothing is written. What was spent is never touched.

        Raises:
            LedgerError: two of one name; a new unit over sources that another one has a budget for.
            VeilError: a budget in epsilon, and charges in rho that count for it.
        """
        kept = {one.name: one for one in declared}
        if len(kept) != len(declared):
            raise LedgerError("two budgets have one name.", remedy="Rename one of them.")
        changes = []
        with self._opened() as opened:
            book = opened.book
            for name, one in sorted(kept.items()):
                new = merged(one, book)
                if book.budgets.get(name) == new:
                    continue
                account_of(new, book.made, at=book.moment(self._clock()))  # its charges fit into it
                raised = is_raised(new, book, kept=kept)
                self._keeper.check()
                self._append(opened, {**declaration_body(new), "raised": raised})
                changes.append(Change(name, raised))
            for name in sorted(book.budgets.keys() - kept.keys()):
                raised = is_loosened(book.budgets[name], book)
                self._keeper.check()
                self._append(opened, {"kind": "withdrawal", "name": name, "raised": raised})
                changes.append(Change(name, raised, is_withdrawn=True))
        return changes

    def charge_and_store(self, draw: Draw, cells: Callable[[], pa.Table]) -> Stored:
        """Draw a release and charge it; or give the stored one, where it was drawn before.

        When this returns, charge and cells are committed, noted in the record and signed. Where it
        raises, either both stand or neither, and the next call knows which.

        Args:
            draw: the release and what it costs.
            cells: draws the noise, and gives the released cells and nothing else; called at most
                once, when the charge is known to fit.

        Raises:
            BudgetSpentError: it does not fit into a budget that it counts for.
            LedgerError: no such budget, or cells that cannot be stored.
            AnchorError: it is charged and stored, but its checkpoint is not anchored.
        """
        return self.charge_and_store_all([(draw, cells)])[0]

    def charge_and_store_all(
        self, wanted: Sequence[tuple[Draw, Callable[[], pa.Table]]]
    ) -> list[Stored]:
        """The same for several in turn, each committed by itself; none, where not all of them fit.

        Where one raises, those before it stand.
        """
        with self._opened() as opened:
            at = opened.book.moment(self._clock())
            afford_draws(opened.book, [draw for draw, _ in wanted], at=at)
            return [self._settle(opened, draw, cells, at=at) for draw, cells in wanted]

    def _settle(
        self, opened: Opened, draw: Draw, cells: Callable[[], pa.Table], *, at: datetime
    ) -> Stored:
        made = opened.book.find(draw.id)
        if made is not None:
            return _given(opened, made)
        # Nothing is drawn while nobody could notice that the record was put back.
        self._keeper.check()
        data = cells_to_bytes(cells())
        digest = hashlib.sha256(data).hexdigest()
        self._keeper.note(
            "release.drawn",
            release=draw.name,
            mart=draw.mart,
            period=draw.period,
            definition_hash=draw.definition,
        )
        self._append(opened, draw_body(draw, cells=digest), at=at, cells=(draw.id, data))
        return replace(_given(opened, opened.book.made[-1]), is_new=True)

    def stored(self, release_id: str) -> Stored | None:
        """The release of that id, byte for byte as it was drawn; None where it was not."""
        with self._opened() as opened:
            made = opened.book.find(release_id)
            return None if made is None else _given(opened, made)

    def latest(self, name: str, definition: str) -> Stored | None:
        """The last of that name and definition that a number is the period of; for `on_change`."""
        wanted = (name, definition)
        with self._opened() as opened:
            made = [one for one in opened.book.made if one.draw.period.isdecimal()]
            same = [one for one in made if (one.draw.name, one.draw.definition) == wanted]
            newest = max(same, key=lambda one: int(one.draw.period), default=None)
            return None if newest is None else _given(opened, newest)

    def quote(
        self, draws: Sequence[Draw], *, declared: Collection[Declaration] | None = None
    ) -> list[Quote]:
        """What releases would cost, one after the other; nothing is drawn or charged.

        Args:
            draws: the releases.
            declared: budgets as the next build would take them over; else those in force.

        Raises:
            LedgerError: a release names no budget.
        """
        with self._opened() as opened:
            book = under(opened.book, declared)
            return quotes(book, draws, at=opened.book.moment(self._clock()))

    def spent(self, *, declared: Collection[Declaration] | None = None) -> list[Account]:
        """How every budget stands, by name; `declared` as for `quote`."""
        with self._opened() as opened:
            book = under(opened.book, declared)
            at = opened.book.moment(self._clock())
            return [account_of(one, book.made, at=at) for _, one in sorted(book.budgets.items())]

    def releases(self) -> list[Made]:
        """Every release ever drawn, oldest first, without its cells."""
        with self._opened() as opened:
            return opened.book.made

    def check(self) -> None:
        """Check the whole ledger, and finish what a crash left."""
        with self._opened():
            pass

    def accept(self) -> None:
        """Take the file as it is, although the record knows another head; it is recorded.

        For a project whose record was lost, or whose newest ledger was: an older copy still knows
        more of what was spent than a new one. Every row must be veil's own.
        """
        with self._locked(), open_ledger(self._project, self._keyring) as opened:
            self._keeper.check()
            accept(self._keeper, opened.book)

    def rekey(self) -> str:
        """Write the file anew under the keyring's newest key; safe to repeat.

        Returns:
            The id of the key that it is under; no other key of the ledger is needed any more.
        """
        with self._locked():
            with self._settled() as opened:
                book, kid = opened.book, newest_kid(self._keyring)
                if opened.kid == kid:
                    return kid
                cells = [(one.draw.id, opened.cells(one.draw.id)) for one in book.made]
            at = _text(book.moment(self._clock()))
            bodies = [*book.bodies, {"kind": "rekeyed", "kid": kid, "at": at}]
            _replace(self._project, self._keyring, self._keeper, kid, bodies=bodies, cells=cells)
        return kid

    def _append(
        self,
        opened: Opened,
        body: dict[str, Any],
        *,
        at: datetime | None = None,
        cells: tuple[str, bytes] | None = None,
    ) -> None:
        book = opened.book
        body = {**body, "at": _text(at or book.moment(self._clock()))}
        row = next_row(opened.key, book, body)
        intend(self._keeper, row, body)
        opened.append(row, cells)
        book.take(body, row.mac)
        note_done(self._keeper, book)

    @contextmanager
    def _opened(self) -> Iterator[Opened]:
        with self._locked(), self._settled() as opened:
            yield opened

    @contextmanager
    def _locked(self) -> Iterator[None]:
        check_private(self._project.state)
        file = ledger_file(self._project)
        with locked(file, timeout=self._wait):
            if not file.exists() and not file.is_symlink():
                raise _missing(is_charged(self._keeper))
            yield

    @contextmanager
    def _settled(self) -> Iterator[Opened]:
        with open_ledger(self._project, self._keyring) as opened:
            settle(self._keeper, opened.book)
            yield opened


def _replace(
    project: Project,
    keyring: Keyring,
    keeper: Keeper,
    kid: str,
    *,
    bodies: Sequence[Mapping[str, Any]],
    cells: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Write a ledger of these rows under a key, put it in its place, and note its last row."""
    keeper.check()
    key, book = mac_key(keyring, kid), Book()
    rows = []
    for body in bodies:
        rows.append(next_row(key, book, body))
        book.take(body, rows[-1].mac)
    with new_file(project, keyring, kid, rows, cells) as part:
        intend(keeper, rows[-1], bodies[-1])
        put_in_place(part, project, overwrite=len(rows) > 1)
    note_done(keeper, book)


def _given(opened: Opened, made: Made) -> Stored:
    data = opened.cells(made.draw.id)
    return Stored(made.draw, made.at, cells_from_bytes(data), made.cells)


def _missing(charged: bool) -> LedgerError:
    if charged:
        return LedgerError(
            f"{SHOWN} is gone, and the audit record knows what was charged in it.", remedy=RESTORE
        )
    return LedgerError(f"{SHOWN} does not exist.", remedy="Run `veil init`.")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
