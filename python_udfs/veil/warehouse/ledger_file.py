"""`state/ledger.duckdb`: opened by a connection of its own, which no model ever sees.

Two tables: `chain` has the rows of `ledger_rows`, `cells` the bytes of each release. The file is
encrypted under a key of its own wherever the zones are; the MACs hold either way.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from veil.files import check_private, sync
from veil.keys import Keyring, Status
from veil.keys.entry import ANY_DOMAIN
from veil.project import Project
from veil.warehouse.ledger_rows import RESTORE, Book, LedgerError, Row, read_book
from veil.warehouse.zones import attach_file, connection_options, is_encrypted, load_crypto

PURPOSE = "ledger"
"""Of the key. It is no zone's: only `Ledger.rekey` puts the file under another one."""
SHOWN = "state/ledger.duckdb"
_NAME = "ledger"
_TRIED = (Status.PRIMARY, Status.PENDING, Status.ACTIVE)


def ledger_file(project: Project) -> Path:
    """Where the ledger is."""
    return project.state / "ledger.duckdb"


@dataclass(repr=False)
class Opened:
    """An open ledger whose chain is whole.

    Attributes:
        conn: nobody else's.
        kid: id of the key that it is under.
        key: of its MACs.
        book: what its rows say.
    """

    conn: duckdb.DuckDBPyConnection
    kid: str
    key: bytes
    book: Book

    def append(self, row: Row, cells: tuple[str, bytes] | None = None) -> None:
        """Write a row, and the cells of a release with it, in one transaction.

        Raises:
            LedgerError: it was not written, or its end is not known; the next opening tells.
        """
        try:
            self.conn.execute("begin")
            _insert(self.conn, row, cells)
            _commit(self.conn)
        except duckdb.Error:
            raise _unwritten() from None

    def cells(self, release_id: str) -> bytes:
        """The bytes of a release, which `open_ledger` held against the chain."""
        rows = self.conn.execute(
            "select content from ledger.main.cells where release_id = ?", [release_id]
        ).fetchall()
        return bytes(rows[0][0])


@contextlib.contextmanager
def open_ledger(project: Project, keyring: Keyring) -> Iterator[Opened]:
    """Open the ledger and check it as far as the file itself goes; the caller holds its lock.

    Raises:
        LedgerError: in use, damaged, under another key, or not what veil wrote.
        VeilError: open to other users, or the OpenSSL crypto is missing.
    """
    file = ledger_file(project)
    check_private(project.state)
    check_private(file)
    with _connection(project, keyring) as conn:
        kid = _attach(conn, keyring, file)
        try:
            rows = [
                Row(seq, body or "", bytes(mac or b""))
                for seq, body, mac in conn.execute(
                    "select cast(seq as bigint), cast(body as varchar), cast(mac as blob)"
                    " from ledger.main.chain order by seq"
                ).fetchall()
            ]
            digests = conn.execute(
                "select release_id, sha256(content) from ledger.main.cells"
            ).fetchall()
        except duckdb.Error:
            raise LedgerError(
                f"{SHOWN} is damaged, or its tables are not those of a ledger.", remedy=RESTORE
            ) from None
        kid, key, book = _read(keyring, kid, rows)
        if sorted((one.draw.id, one.cells) for one in book.made) != sorted(digests):
            raise LedgerError(
                f"{SHOWN} was changed by other hands: the cells of a release are not those that"
                " veil stored.",
                remedy=RESTORE,
            )
        # The journal of the last writes; DuckDB makes it with the mode of the umask.
        with contextlib.suppress(OSError):
            _journal(file).chmod(0o600)
        yield Opened(conn, kid, key, book)


@contextlib.contextmanager
def new_file(
    project: Project,
    keyring: Keyring,
    kid: str,
    rows: Sequence[Row],
    cells: Sequence[tuple[str, bytes]] = (),
) -> Iterator[Path]:
    """Write a ledger beside its place; removed again unless it is moved there.

    Raises:
        LedgerError: it cannot be written.
    """
    file = ledger_file(project)
    part = file.with_name(f".ledger-{secrets.token_hex(8)}.part")
    for left in file.parent.glob(".ledger-*.part*"):
        left.unlink(missing_ok=True)
    try:
        with _connection(project, keyring) as conn:
            attach_file(conn, part, _NAME, password=_password(keyring, kid))
            part.chmod(0o600)
            conn.execute("begin")
            conn.execute("create table ledger.main.chain (seq bigint, body varchar, mac blob)")
            conn.execute("create table ledger.main.cells (release_id varchar, content blob)")
            for row in rows:
                _insert(conn, row, None)
            for release_id, data in cells:
                conn.execute("insert into ledger.main.cells values (?, ?)", [release_id, data])
            conn.execute("commit")
            conn.execute("checkpoint ledger")
        sync(part)
        yield part
    except (duckdb.Error, OSError):
        raise _unwritten() from None
    finally:
        for left in (part, _journal(part)):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def put_in_place(part: Path, project: Project, *, overwrite: bool) -> None:
    """Give a new file the ledger's name, in one step.

    Raises:
        OSError: it cannot, or the name is taken and must not be.
        LedgerError: the journal of the former file was not worked in.
    """
    file = ledger_file(project)
    if overwrite and _journal(file).exists():
        raise _unwritten()
    if overwrite:
        part.replace(file)
    else:
        # A hard link, unlike a rename, fails when the name is taken.
        file.hardlink_to(part)
        part.unlink()
    sync(file.parent)


def newest_kid(keyring: Keyring) -> str:
    """The key that a ledger should be under: a pending one in a rotation, else the primary."""
    kids = {entry.status: entry.kid for entry in keyring.entries if entry.purpose == PURPOSE}
    return kids.get(Status.PENDING) or keyring.primary(PURPOSE, ANY_DOMAIN).kid


def mac_key(keyring: Keyring, kid: str) -> bytes:
    """The key of the MACs; another one than that of the file."""
    return keyring.subkey(PURPOSE, ANY_DOMAIN, use="chain", kid=kid)[1]


def _commit(conn: duckdb.DuckDBPyConnection) -> None:
    """The moment at which charge and cells stand; apart, so that a test can stop before it."""
    conn.execute("commit")


def _insert(conn: duckdb.DuckDBPyConnection, row: Row, cells: tuple[str, bytes] | None) -> None:
    conn.execute("insert into ledger.main.chain values (?, ?, ?)", [row.seq, row.body, row.mac])
    if cells is not None:
        conn.execute("insert into ledger.main.cells values (?, ?)", [*cells])


@contextlib.contextmanager
def _connection(project: Project, keyring: Keyring) -> Iterator[duckdb.DuckDBPyConnection]:
    options: dict[str, Any] = dict(connection_options(project))
    with duckdb.connect(":memory:", config=options) as conn:
        if is_encrypted(keyring):
            load_crypto(conn)
        yield conn


def _kids(keyring: Keyring) -> list[str]:
    """The keys that a file may be under, the likeliest first."""
    own = [entry for entry in keyring.entries if entry.purpose == PURPOSE]
    kids = [entry.kid for status in _TRIED for entry in own if entry.status is status]
    if not kids:
        raise LedgerError(
            "the keyring has no key for the ledger.", remedy="Run `veil init`, which adds it."
        )
    return kids


def _password(keyring: Keyring, kid: str) -> str | None:
    if not is_encrypted(keyring):
        return None
    return keyring.subkey(PURPOSE, ANY_DOMAIN, use="duckdb", kid=kid)[1].hex()


def _attach(conn: duckdb.DuckDBPyConnection, keyring: Keyring, file: Path) -> str | None:
    """Attach the file; gives the key that opened it, None where it is in clear."""
    for kid in _kids(keyring):
        try:
            attach_file(conn, file, _NAME, password=_password(keyring, kid))
        except duckdb.Error as error:
            text = str(error).lower()
            if "wrong encryption key" in text:
                continue
            if "lock" in text:
                raise LedgerError(
                    f"{SHOWN} is in use by another process.",
                    remedy="Wait until it ends, or close the program that holds the file open.",
                ) from None
            raise LedgerError(f"{SHOWN} does not open: it is damaged.", remedy=RESTORE) from None
        return kid if is_encrypted(keyring) else None
    raise LedgerError(
        f"{SHOWN} does not open with the key in state/keyring.json: it is another project's, or"
        " the keyring is another one.",
        remedy=RESTORE,
    )


def _read(keyring: Keyring, kid: str | None, rows: Sequence[Row]) -> tuple[str, bytes, Book]:
    problem: LedgerError | None = None
    for one in [kid] if kid is not None else _kids(keyring):
        key = mac_key(keyring, one)
        try:
            return one, key, read_book(key, rows)
        except LedgerError as error:
            problem = problem or error
    assert problem is not None  # there is a key
    raise problem


def _journal(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _unwritten() -> LedgerError:
    return LedgerError(
        f"{SHOWN} cannot be written: the disk is full, or the folder is read-only.",
        remedy="Free some space and run it again; what was charged is settled then.",
    )
