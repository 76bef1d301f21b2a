"""Checks of what a build may leave behind: files in clear, half releases, old logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from veil.doctor.check import Check, error, warning
from veil.doctor.place import Place
from veil.findings import Finding
from veil.project import ZONES

DAYS = 30
LOG_BYTES = 50 * 2**20
TARGET_BYTES = 500 * 2**20
_HEADER = re.compile(r"^=+ (\d{4}-\d\d-\d\d)")
_MAGIC_AT, _MAGIC, _FLAGS_AT = 8, b"DUCK", 20


def zones_are_encrypted(place: Place) -> Iterator[Finding]:
    """`veil init --no-encryption` is a choice; a zone in clear without it is none."""
    chosen = _chosen_clear(place)
    if chosen:
        yield warning(
            "the zones are in clear, as `veil init --no-encryption` chose.",
            "Keep the disk encrypted, or begin anew with encrypted zones.",
        )
    for zone in ZONES:
        if is_encrypted(place.project.zone_file(zone)) is False and not chosen:
            yield error(
                f"`warehouse/{zone}.duckdb` is in clear.",
                "Remove warehouse/ and build again.",
                file=f"warehouse/{zone}.duckdb",
            )


def no_database_in_clear(place: Place) -> Iterator[Finding]:
    """Databases that no zone and no release accounts for: dbt's default `path` leaves one."""
    folders = (place.root, place.project.warehouse, place.root / "target", place.root / "data")
    zones = {place.project.zone_file(zone) for zone in ZONES}
    for folder in folders:
        for path in sorted(folder.glob("*.duckdb")):
            if path not in zones and is_encrypted(path) is False:
                shown = place.shown(path)
                yield warning(
                    f"`{shown}` is a database in clear that veil did not make.",
                    "Remove it if it holds people's data.",
                    file=shown,
                )
        for path in sorted(folder.glob("*.wal")):
            database = path.with_name(path.name.removesuffix(".wal"))
            if is_encrypted(database) is not True:
                shown = place.shown(path)
                yield warning(
                    f"`{shown}` is a write-ahead log in clear.",
                    "Open its database once to have it taken in, or remove both.",
                    file=shown,
                )


def no_spill_files(place: Place) -> Iterator[Finding]:
    """A killed build leaves its spill files; they are encrypted, with a key that is gone."""
    files = [path for path in place.project.spill.glob("**/*") if path.is_file()]
    if files and not _build_runs(place, files):
        yield warning(
            f"warehouse/spill/ holds {len(files)} files though no build runs.",
            "Remove them.",
            file="warehouse/spill",
        )


def no_half_release(place: Place) -> Iterator[Finding]:
    """Folders that a killed publication left, and releases that no link leads to any more."""
    published = place.project.published
    current = {link.resolve() for link in published.glob("*") if link.is_symlink()}
    for path in sorted([*published.glob(".*.part"), *published.glob(".releases/*")]):
        shown = place.shown(path)
        if path.name.endswith(".part"):
            yield warning(
                f"`{shown}` is half a release.", "Remove it; nobody reads it.", file=shown
            )
        elif path.resolve() not in current:
            yield warning(
                f"`{shown}` is a release that no audience reads any more.",
                "Remove it, unless it is in circulation still.",
                file=shown,
            )
    for path in sorted(place.project.state.glob(".veil-*.tmp")):
        shown = place.shown(path)
        yield warning(f"`{shown}` was left by a killed command.", "Remove it.", file=shown)


def logs_are_not_kept(place: Place) -> Iterator[Finding]:
    """dbt logs every statement at level debug, and a statement that fails may quote a value."""
    yield from _kept(place, "logs", _log_folder(place), most=LOG_BYTES)
    yield from _kept(place, "target", place.root / "target", most=TARGET_BYTES)


def is_encrypted(path: Path) -> bool | None:
    """Whether a DuckDB file is encrypted; None where it is no DuckDB file.

    The main header holds a checksum (8 bytes), `DUCK`, the version (8) and four words of flags, of
    which the first bit says encrypted (DuckDB 1.4, storage/storage_info.hpp).
    """
    try:
        with path.open("rb") as file:
            head = file.read(_FLAGS_AT + 1)
    except OSError:
        return None
    if len(head) <= _FLAGS_AT or head[_MAGIC_AT : _MAGIC_AT + 4] != _MAGIC:
        return None
    return bool(head[_FLAGS_AT] & 1)


def _chosen_clear(place: Place) -> bool:
    try:
        document = json.loads(place.project.keyring.read_text(encoding="utf-8"))
        return not any(entry.get("purpose") == "zone" for entry in document["entries"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _build_runs(place: Place, files: list[Path]) -> bool:
    """Whether a process holds a zone open; where that is unknown, whether a file is an hour old."""
    if place.locks is None:
        newest = max(path.stat().st_mtime for path in files)
        return place.now.timestamp() - newest < 3600
    held = set(re.findall(r"[0-9a-f]+:[0-9a-f]+:(\d+) ", place.locks))
    zones = [place.project.zone_file(zone) for zone in ZONES]
    return any(str(zone.stat().st_ino) in held for zone in zones if zone.exists())


def _log_folder(place: Place) -> Path:
    return place.root / str(place.flags.get("log_path") or place.config.get("log-path") or "logs")


def _kept(place: Place, name: str, folder: Path, *, most: int) -> Iterator[Finding]:
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    size = sum(path.stat().st_size for path in files)
    if size > most:
        yield warning(
            f"{name}/ holds {size // 2**20} MB; {most // 2**20} are plenty.",
            "Remove what you do not need.",
            file=name,
        )
    oldest = min((_begun(path) for path in files), default=place.now)
    days = (place.now - oldest).days
    if days > DAYS:
        yield warning(
            f"{name}/ reaches back {days} days; keep {DAYS} at most.",
            f"Remove old files: `dbt clean`, or a job that empties {name}/.",
            file=name,
        )


def _begun(path: Path) -> datetime:
    """When a file was begun: dbt.log by its first run, any other by its date."""
    if path.suffix == ".log":
        with path.open("r", encoding="utf-8", errors="replace") as file:
            for line in (next(file, "") for _ in range(5)):
                found = _HEADER.match(line)
                if found:
                    return datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


CHECKS = (
    Check("zones_in_clear", "the zones are encrypted", zones_are_encrypted),
    Check("database_in_clear", "databases that veil did not make", no_database_in_clear),
    Check("spill_files", "spill files of a killed build", no_spill_files),
    Check("half_release", "half and forgotten releases", no_half_release),
    Check("log_retention", f"logs/ and target/, {DAYS} days at most", logs_are_not_kept),
)
