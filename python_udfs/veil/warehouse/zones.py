"""The three zones: encrypted database files, attached with keys that no SQL or profile holds.

The profile's own database is `:memory:`. A table that a failed gate rolled back leaves its bytes in
the file that it was written to, so every zone is encrypted, `marts` included.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import duckdb

from veil.errors import VeilError
from veil.files import private_dir
from veil.keys import Keyring, Status
from veil.project import ZONES, Project
from veil.warehouse.quoting import literal


def connection_options(project: Project) -> dict[str, str]:
    """What DuckDB must know before it connects: spill files are plain text by default."""
    return {
        "temp_directory": str(project.spill),
        "temp_file_encryption": "true",
        "allow_unsigned_extensions": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "arrow_lossless_conversion": "true",
    }


def load_crypto(conn: duckdb.DuckDBPyConnection) -> None:
    """Load the OpenSSL crypto that writing an encrypted database needs.

    Raises:
        VeilError: where the packaged extension does not fit this DuckDB.
    """
    version = f"v{duckdb.__version__}"
    try:
        package = resources.files("duckdb_extension_httpfs")
        extension = Path(str(package / "extensions" / version / "httpfs.duckdb_extension"))
        # LOAD takes no parameter; a quote in a path is doubled.
        conn.execute(f"load {literal(str(extension))}")
    except (ModuleNotFoundError, duckdb.Error):
        raise VeilError(
            "DuckDB's OpenSSL crypto is missing, and without it no zone can be encrypted.",
            remedy=f"Run `pip install duckdb-extension-httpfs=={duckdb.__version__}`"
            " (or choose `veil init --no-encryption`, which is recorded).",
        ) from None


def is_encrypted(keyring: Keyring) -> bool:
    """Whether the zones are encrypted.

    A keyring made by `veil init --no-encryption` has no key for any zone. The file's MAC covers
    that, so the choice cannot be made by deleting a line.
    """
    return any(entry.purpose == "zone" for entry in keyring.entries)


def zone_password(keyring: Keyring, zone: str, *, kid: str | None = None) -> str | None:
    """The key of a zone as 64 hexadecimal characters; None where no zone is encrypted.

    Args:
        keyring: the keys.
        zone: its name.
        kid: another key of the zone than the primary one.
    """
    if not is_encrypted(keyring):
        return None
    _kid, key = keyring.subkey("zone", zone, use="duckdb", kid=kid)
    return key.hex()


def _candidates(keyring: Keyring, zone: str) -> Iterator[str | None]:
    """The keys that may open an existing file, the likeliest first; None stands for the primary.

    A re-encryption that was killed half-way leaves the file under the pending key, or under an
    active one.
    """
    yield None
    for status in (Status.PENDING, Status.ACTIVE):
        for entry in keyring.entries:
            if (entry.purpose, entry.domain, entry.status) == ("zone", zone, status):
                yield entry.kid


def attach_zone(
    conn: duckdb.DuckDBPyConnection,
    project: Project,
    keyring: Keyring,
    zone: str,
    *,
    read_only: bool = False,
) -> str | None:
    """Attach one zone's file under the zone's name; it is created where it is absent.

    Returns:
        The id of the key that opened it; None where no zone is encrypted.

    Raises:
        VeilError: where the file is locked, unreadable or under another key. The text of DuckDB's
            own error is not passed on: it may quote the statement, and with it the key.
    """
    file = project.zone_file(zone)
    existed = file.exists()
    problem: VeilError | None = None
    for kid in _candidates(keyring, zone):
        try:
            attach_file(
                conn,
                file,
                zone,
                password=zone_password(keyring, zone, kid=kid),
                read_only=read_only,
            )
        except duckdb.Error as error:
            # What the primary key met is what counts: with any other the file was not written.
            problem = problem or _explain(error, zone, existed=existed)
            if not existed or not _is_wrong_key(error):
                break
        else:
            if not existed:
                file.chmod(0o600)
            if not is_encrypted(keyring):
                return None
            return kid or keyring.primary("zone", zone).kid
    assert problem is not None  # the loop runs at least once
    raise problem


def attach_file(
    conn: duckdb.DuckDBPyConnection,
    file: Path,
    name: str,
    *,
    password: str | None,
    read_only: bool = False,
) -> None:
    """Attach a database file under a name.

    Raises:
        duckdb.Error: its text may quote the statement, and with it the key: do not pass it on.
    """
    options = []
    if password is not None:
        options = [f"encryption_key '{password}'", "encryption_cipher 'GCM'"]
    if read_only:
        options.append("read_only")
    clause = f" ({', '.join(options)})" if options else ""
    conn.execute(f"attach if not exists {literal(str(file))} as {name}{clause}")


def _is_wrong_key(error: duckdb.Error) -> bool:
    return "wrong encryption key" in str(error).lower()


def _explain(error: duckdb.Error, zone: str, *, existed: bool) -> VeilError:
    text = str(error).lower()
    where = f"warehouse/{zone}.duckdb"
    if "lock" in text:
        return VeilError(
            f"{where} is in use by another process.",
            remedy="Wait until that build ends, or close the program that holds the file open.",
        )
    if existed and ("encrypt" in text or "key" in text or "decrypt" in text):
        return VeilError(
            f"{where} does not open with the key in state/keyring.json.",
            remedy="Put the keyring that wrote it back, or remove warehouse/ and build again.",
        )
    if "permission" in text or "read-only" in text or "cannot open" in text:
        return VeilError(
            f"{where} cannot be opened.",
            remedy="Check that you own warehouse/ and may write to it.",
        )
    return VeilError(
        f"{where} cannot be attached: it is damaged, or the disk is full.",
        remedy="Free some space, or remove warehouse/ and build again.",
    )


def attach_zones(
    conn: duckdb.DuckDBPyConnection, project: Project, keyring: Keyring, *, read_only: bool = False
) -> None:
    """Attach all zones, or none of them."""
    if is_encrypted(keyring):
        load_crypto(conn)
    if not read_only:
        private_dir(project.warehouse)
        private_dir(project.spill)
    try:
        for zone in ZONES:
            attach_zone(conn, project, keyring, zone, read_only=read_only)
    except VeilError:
        close_zones(conn)
        raise


def close_zones(conn: duckdb.DuckDBPyConnection) -> None:
    """Detach every zone that is attached."""
    for zone in ZONES:
        with contextlib.suppress(duckdb.Error):
            conn.execute(f"detach database if exists {zone}")


def lock_down(conn: duckdb.DuckDBPyConnection, project: Project) -> None:
    """Close the connection's doors: no file outside the listed folders, no further settings."""
    listed = ", ".join(literal(str(folder)) for folder in project.readable_folders())
    conn.execute(f"set allowed_directories = [{listed}]")
    conn.execute("set enable_external_access = false")
    conn.execute("set lock_configuration = true")
