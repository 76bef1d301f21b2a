"""Old pseudonyms in an extract that an analyst holds, brought under the new key by the map."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pyarrow as pa

from veil.errors import UsageError, VeilError
from veil.files import write_atomic
from veil.keys import Keyring
from veil.project import IDENTIFIED, Project
from veil.pseudonyms import Token
from veil.warehouse.rekey_map import MAP, has_map
from veil.warehouse.stored_pseudonyms import permitted_kids
from veil.warehouse.zones import attach_zone, close_zones, is_encrypted, load_crypto


def translate_csv(
    project: Project, keyring: Keyring, file: Path, *, column: str, domain: str, output: Path
) -> bool:
    """Write a copy of a CSV file in which the pseudonyms of one column are the new ones.

    Args:
        project: with the map in its identified zone.
        keyring: says which windows are open.
        file: UTF-8, the first line names the columns.
        column: holds pseudonyms.
        domain: their linkage domain.
        output: written for this user alone; it must not exist.

    Returns:
        Whether some old pseudonyms are not in the map; they are written as they are.

    Raises:
        UsageError: the file has no such column, or holds no CSV.
        VeilError: no window is open, so that there is no map, or a file cannot be read or written.
    """
    primary, *former = permitted_kids(keyring, domain)
    if not former:
        raise _closed(domain)
    header, rows = _read(file)
    if header.count(column) != 1:
        raise UsageError(f"{file.name} does not have exactly one column `{column}`.")
    at = header.index(column)
    found = _look_up(project, keyring, {row[at] for row in rows}, domain=domain, former=former)
    unknown = False
    for row in rows:
        unknown |= row[at] not in found and _kid(row[at]) not in ("", primary)
        row[at] = found.get(row[at], row[at])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_atomic(output, text.getvalue().encode(), overwrite=False)
    return unknown


def _closed(domain: str) -> VeilError:
    return VeilError(
        f"no overlap window is open in the domain `{domain}`: the map from old to new pseudonyms is"
        " gone.",
        remedy="Draw the extract again.",
    )


def _read(file: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header, *rows = csv.reader(lines, strict=True)
        if any(len(row) != len(header) for row in rows):
            raise ValueError
        return header, rows
    except (OSError, ValueError, csv.Error):
        pass
    raise UsageError(f"{file.name} cannot be read as CSV in UTF-8 with a line of column names.")


def _kid(text: str) -> str:
    """The key of a pseudonym; empty for anything else."""
    try:
        return Token.parse(text).kid
    except VeilError:
        return ""


def _look_up(
    project: Project, keyring: Keyring, wanted: set[str], *, domain: str, former: list[str]
) -> dict[str, str]:
    """The new pseudonym of each old one that the map knows and whose window is open."""
    old = [one for one in wanted if _kid(one) in former]
    with duckdb.connect(":memory:") as conn:
        if is_encrypted(keyring):
            load_crypto(conn)
        attach_zone(conn, project, keyring, IDENTIFIED, read_only=True)
        try:
            if not has_map(conn):
                raise _closed(domain)
            conn.register("veil_wanted", pa.table({"old": pa.array(old, pa.string())}))
            found = conn.execute(
                f"select m.old, m.new from {MAP} as m semi join veil_wanted as w on m.old = w.old"
                " where m.domain = ?",
                [domain],
            ).fetchall()
        finally:
            close_zones(conn)
    return dict(found)
