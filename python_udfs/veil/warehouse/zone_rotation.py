"""A new key for a zone: its file is written anew under that key and takes the old one's place.

The order is chosen so that the zone opens at every moment. The new key is pending while the new
file is written beside the old one; the file is swapped in by one rename, while DuckDB's lock on the
old one keeps every other process out; then the key is promoted, and the old one is disabled and
destroyed once the file has been opened under the new one. Attaching tries the pending and the
active keys of a zone too, so a file that was swapped in before its key was promoted opens, and a
second run takes up where the first one was killed.

A new file holds no byte of the old one: what was deleted, updated or rolled back is gone with it.
Copies of the old file, in backups for example, still open with the old key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from veil.errors import VeilError
from veil.files import check_private, sync
from veil.keys import KeyEntry, Keyring, Status, promote, rotate
from veil.project import ZONES, Project
from veil.state import change_keyring
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.zones import (
    attach_file,
    attach_zone,
    close_zones,
    connection_options,
    is_encrypted,
    load_crypto,
    zone_password,
)

_NEXT = "veil_next"
_STRUCTURE = """
    select 'schema', schema_name, '', '', coalesce(comment, '')
    from duckdb_schemas() where database_name = {db} and not internal
    union all
    select 'table', schema_name, table_name, sql, coalesce(comment, '')
    from duckdb_tables() where database_name = {db}
    union all
    select 'view', schema_name, view_name, sql, coalesce(comment, '')
    from duckdb_views() where database_name = {db} and not internal
    union all
    select 'column', schema_name, table_name,
        concat_ws(' ', column_index, column_name, data_type, is_nullable, column_default),
        coalesce(comment, '')
    from duckdb_columns() where database_name = {db} and not internal
    union all
    select 'constraint', schema_name, table_name, constraint_text, ''
    from duckdb_constraints() where database_name = {db}
    union all
    select 'index', schema_name, index_name, sql, coalesce(comment, '')
    from duckdb_indexes() where database_name = {db}
    union all
    select 'sequence', schema_name, sequence_name, sql, coalesce(comment, '')
    from duckdb_sequences() where database_name = {db}
    order by all
"""
_CONTENT = "select count(*), bit_xor(hash(t)), sum(cast(hash(t) as hugeint)) from {table} as t"


@dataclass(frozen=True)
class Reencrypted:
    """What was done to one zone."""

    zone: str
    kid: str
    """The key that it is under now."""
    destroyed: tuple[str, ...]
    """The keys that are gone."""


def reencrypt(
    project: Project, keyring: Keyring, zones: Sequence[str] = ZONES
) -> Iterator[Reencrypted]:
    """Give each zone a new key and a new file; one result a zone, when it is done.

    Safe to repeat: a run that was killed is finished by the next, which then makes no further key
    for that zone. It needs free space for one more copy of the largest zone.

    Args:
        project: whose zones.
        keyring: loaded; it is saved in between.
        zones: their names.

    Raises:
        VeilError: zones in clear, a zone in use by another process, a full disk, or a copy that
            differs from its original; the zone then stands as before.
    """
    if zones and not is_encrypted(keyring):
        raise VeilError(
            "the zones are in clear, as `veil init --no-encryption` chose: they have no keys.",
            remedy="To encrypt them, begin anew without that option.",
        )
    for zone in zones:
        yield _reencrypt(project, keyring, zone)


def settle(project: Project, keyring: Keyring) -> None:
    """Promote the pending key of each zone whose file is under it: its re-encryption was killed.

    Raises:
        VeilError: a zone in use by another process.
    """
    for zone in ZONES:
        for entry in _with_status(keyring, zone, Status.PENDING):
            if project.zone_file(zone).exists():
                with _opened(project, keyring, zone) as (_conn, kid):
                    is_under = kid == entry.kid
                if is_under:
                    promote(keyring, entry.kid, window_days=None)
                    change_keyring(project, keyring, "key.promoted", kids=[entry.kid])


def _reencrypt(project: Project, keyring: Keyring, zone: str) -> Reencrypted:
    file = project.zone_file(zone)
    part = file.with_name(f".{file.name}.part")
    _remove(part)
    new = _with_status(keyring, zone, Status.PENDING)
    if file.exists():
        with _opened(project, keyring, zone) as (conn, kid):
            primary = keyring.primary("zone", zone).kid
            former = _with_status(keyring, zone, Status.ACTIVE)
            if not new and kid == primary and not former:
                new = [_add(project, keyring, zone)]
            target = new[-1].kid if new else primary
            if kid != target:
                password = zone_password(keyring, zone, kid=target)
                _swap(conn, zone, file=file, part=part, password=password)
    elif not new:
        new = [_add(project, keyring, zone)]
    if new:
        promote(keyring, new[-1].kid, window_days=None)
        change_keyring(project, keyring, "key.promoted", kids=[new[-1].kid])
    if file.exists():
        _check_opens(file, zone, keyring)
    return Reencrypted(zone, keyring.primary("zone", zone).kid, _destroy(project, keyring, zone))


def _with_status(keyring: Keyring, zone: str, status: Status) -> list[KeyEntry]:
    return [
        entry
        for entry in keyring.entries
        if (entry.purpose, entry.domain, entry.status) == ("zone", zone, status)
    ]


def _add(project: Project, keyring: Keyring, zone: str) -> KeyEntry:
    entry = rotate(keyring, "zone", zone)
    change_keyring(project, keyring, "key.added", kids=[entry.kid])
    return entry


def _destroy(project: Project, keyring: Keyring, zone: str) -> tuple[str, ...]:
    former = tuple(entry.kid for entry in _with_status(keyring, zone, Status.ACTIVE))
    for kid in former:
        keyring.set_status(kid, Status.DISABLED)
        keyring.set_status(kid, Status.DESTROYED)
        change_keyring(project, keyring, "key.destroyed", kids=[kid])
    return former


@contextlib.contextmanager
def _opened(
    project: Project, keyring: Keyring, zone: str
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str | None]]:
    """The zone, attached for writing, so that nobody else has it open; and the key it is under."""
    options: dict[str, Any] = dict(connection_options(project))
    with duckdb.connect(":memory:", config=options) as conn:
        load_crypto(conn)
        try:
            yield conn, attach_zone(conn, project, keyring, zone)
        finally:
            close_zones(conn)


def _swap(
    conn: duckdb.DuckDBPyConnection, zone: str, *, file: Path, part: Path, password: str | None
) -> None:
    """Write the zone anew into `part` and put that in the place of `file`."""
    try:
        attach_file(conn, part, _NEXT, password=password)
        part.chmod(0o600)
        conn.execute(f"copy from database {zone} to {_NEXT}")
        same = _fingerprint(conn, zone) == _fingerprint(conn, _NEXT)
        conn.execute(f"detach {_NEXT}")
        # The log of the old file would be taken for one of the new file.
        conn.execute(f"force checkpoint {zone}")
        if same and not any(_log(path).exists() for path in (file, part)):
            sync(part)
            part.replace(file)
            sync(file.parent)
            return
        problem = "its copy under the new key is not the same"
    except (duckdb.Error, OSError) as error:
        # DuckDB's text may quote the statement, and with it the key.
        full = "no space" in str(error).lower() or getattr(error, "errno", None) == 28
        problem = "the disk is full" if full else "its copy under the new key cannot be written"
    with contextlib.suppress(duckdb.Error):
        conn.execute(f"detach database if exists {_NEXT}")
    with contextlib.suppress(OSError):
        _remove(part)
    raise VeilError(
        f"warehouse/{zone}.duckdb stays under its present key: {problem}.",
        remedy="It needs free space for one more copy of the file; then run it again.",
    )


def _fingerprint(conn: duckdb.DuckDBPyConnection, database: str) -> list[tuple[Any, ...]]:
    """What stands in a database: its structure with comments, and the content of every table."""
    structure = conn.execute(_STRUCTURE.format(db=literal(database))).fetchall()
    content = [
        conn.execute(
            _CONTENT.format(table=".".join((database, identifier(schema), identifier(table))))
        ).fetchall()
        for kind, schema, table, _sql, _comment in structure
        if kind == "table"
    ]
    return [*structure, *content]


def _check_opens(file: Path, zone: str, keyring: Keyring) -> None:
    """Open the zone under its primary key and no other, before the old key is destroyed.

    Raises:
        VeilError: it does not open.
    """
    check_private(file)
    try:
        with duckdb.connect(":memory:") as conn:
            load_crypto(conn)
            attach_file(conn, file, zone, password=zone_password(keyring, zone))
            conn.execute(f"detach {zone}")
        return
    except duckdb.Error:
        pass
    raise VeilError(
        f"warehouse/{zone}.duckdb does not open under its new key; the old key is kept.",
        remedy="Close whatever else has the file open, then run it again.",
    )


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _remove(part: Path) -> None:
    """Remove what a killed run left; it is encrypted."""
    for path in (part, _log(part)):
        path.unlink(missing_ok=True)
