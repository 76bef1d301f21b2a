"""Where dbt and veil write, as data, and the walk over it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veil.project import Project


@dataclass(frozen=True, slots=True)
class Place:
    """A folder below the project's root, or a pattern of file names in the root itself.

    Attributes:
        path: folder, or pattern.
        reason: what is written there.
        remedy: what to do about a finding there.
    """

    path: str
    reason: str
    remedy: str


_CLEAN = "Remove what wrote it, run `dbt clean`, and build again."
_FIX = "Remove the file, and find what wrote it there."

PLACES = (
    Place("target", "compiled SQL, results, manifest, saved parse, dbt's own docs site", _CLEAN),
    Place("logs", "dbt's log, statements and messages in full", _CLEAN),
    Place("docs", "documents, generated reference, a docs site that is kept", _FIX),
    Place(
        "published",
        "what each audience reads",
        "Take the release back: remove its folder, mend the mart, run `dbt build`.",
    ),
    Place("warehouse", "zones, their write-ahead logs, spill files", _FIX),
    Place("state", "keyring, record, ledger; the keys in it are wrapped", _FIX),
)
ROOT_FILES = (
    Place("*.duckdb", "dbt-duckdb's default database", _FIX),
    Place("*.wal", "its write-ahead log", _FIX),
    Place("*.parquet", "external models land in the root by default", _FIX),
    Place("*.csv", "external models land in the root by default", _FIX),
    Place("*.json", "external models land in the root by default", _FIX),
    Place("*.html", "reports and saved docs pages", _FIX),
    Place("*.log", "logs of tools around dbt", _FIX),
    Place("profiles.yml", "written by `veil init`", _FIX),
    Place("package-lock.yml", "written by `dbt deps`", _FIX),
    Place(".user.yml", "written by dbt", _FIX),
)
EXCEPTIONS = (
    Place("seeds", "the shipped seeds are simulated people; nobody else may keep such a seed", ""),
    Place("data", "data as delivered: the build reads it and never writes there", ""),
)
"""Folders that hold direct identifiers by design, and are not scanned."""

_MOVED = {"target": ("target-path", "DBT_TARGET_PATH"), "logs": ("log-path", "DBT_LOG_PATH")}


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file to scan: where it is, how it is called in a finding, and the place it belongs to."""

    path: Path
    name: str
    place: Place


def walk(project: Project) -> Iterator[Artifact]:
    """Every regular file in every place, each once, however many links lead to it."""
    seen: set[tuple[int, int]] = set()
    for place in PLACES:
        for root, shown in _roots(project, place):
            yield from _walk(root, shown, place, seen)
    for place in ROOT_FILES:
        for path in sorted(project.root.glob(place.path)):
            if path.is_file() and _new(path, seen):
                yield Artifact(path, path.name, place)


def read_manifest(project: Project) -> tuple[Path, dict[str, Any]] | None:
    """dbt's manifest and its file, from the likeliest folder; None without one that is whole."""
    for root, _shown in reversed(_roots(project, PLACES[0])):
        file = root / "manifest.json"
        try:
            raw = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(raw, dict):
            return file, raw
    return None


def _roots(project: Project, place: Place) -> list[tuple[Path, str]]:
    """The place's folder, and where the project or the environment moves it to."""
    roots = [(project.root / place.path, place.path)]
    key, variable = _MOVED.get(place.path, ("", ""))
    for moved in (project.config().get(key), os.environ.get(variable)) if key else ():
        if moved and "{" not in str(moved):
            roots.append((project.root / str(moved), str(moved).rstrip("/")))
    return roots


def _walk(folder: Path, shown: str, place: Place, seen: set[tuple[int, int]]) -> Iterator[Artifact]:
    if not folder.is_dir() or not _new(folder, seen):
        return
    try:
        # `published/<audience>` before `published/.releases`: findings name what a reader knows.
        entries = sorted(os.scandir(folder), key=lambda one: (one.name[:1] == ".", one.name))
    except OSError:
        yield Artifact(folder, shown, place)  # it cannot be read, which is a finding
        return
    folders = []
    for entry in entries:
        path = Path(entry.path)
        name = f"{shown}/{entry.name}"
        try:
            if path.is_dir():
                folders.append((path, name))
            elif path.is_file() and _new(path, seen):
                yield Artifact(path, name, place)
        except FileNotFoundError:
            continue  # a spill file, for example, that is gone by now
        except OSError:
            yield Artifact(path, name, place)
    for path, name in folders:
        yield from _walk(path, name, place, seen)


def _new(path: Path, seen: set[tuple[int, int]]) -> bool:
    found = path.stat()
    identity = (found.st_dev, found.st_ino)
    if identity in seen:
        return False
    seen.add(identity)
    return True
