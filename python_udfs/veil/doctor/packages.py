"""Checks of what is installed: pinned, and as the lock says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from veil.doctor.check import Check, error, warning
from veil.doctor.documents import read_mapping
from veil.doctor.place import Place
from veil.findings import Finding

COMMIT = re.compile(r"[0-9a-f]{40}")
VERSION_TAG = re.compile(r"v?\d+(\.\d+)+[\w.+-]*")
EXACT = re.compile(r"=?=?\s*\d+(\.\d+)*[\w.+-]*")
PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
PIP_LOCKS = ("requirements*.lock", "requirements*.txt")
TOML_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock*.toml")
WATCHED = (
    *("dbt-core", "dbt-duckdb", "duckdb", "duckdb-extension-httpfs"),
    *("cryptography", "sqlglot", "opendp"),
)


def dbt_packages_are_pinned(place: Place) -> Iterator[Finding]:
    """packages.yml: a branch, `latest` or a range brings other code tomorrow."""
    has_lock = (place.root / "package-lock.yml").is_file()
    remote = 0
    for name in ("packages.yml", "dependencies.yml"):
        document = read_mapping(place.root / name) or {}
        for package in document.get("packages") or []:
            if not isinstance(package, dict) or "local" in package:
                continue
            remote += 1
            yield from _pin(package, file=name, has_lock=has_lock)
    if remote and not has_lock:
        yield warning(
            "there is no package-lock.yml.", "Run `dbt deps --lock` and commit it.", file=""
        )


def python_packages_are_locked(place: Place) -> Iterator[Finding]:
    """A lock with hashes, and what is installed is what it says."""
    locks = _locks(place)
    if not locks:
        yield warning(
            "no lock file for Python packages was found (requirements.lock, uv.lock, …).",
            "Pin every package with its hash, for example by `uv pip compile --generate-hashes`.",
        )
        return
    pins: dict[str, set[str]] = {}
    for path in locks:
        text = path.read_text(encoding="utf-8", errors="replace")
        for name, version in _pins(path, text):
            pins.setdefault(name, set()).add(version)
        if (
            path.suffix != ".toml"
            and path.name.startswith("requirements")
            and "--hash=" not in text
        ):
            yield warning(
                f"`{place.shown(path)}` pins versions without hashes: another file of the same"
                " version would be installed.",
                "Write the hashes into it.",
                file=place.shown(path),
            )
    for name in WATCHED:
        installed = place.version_of(name)
        if installed and name in pins and installed not in pins[name]:
            yield warning(
                f"`{name}` {installed} is installed, and the lock says"
                f" {' or '.join(sorted(pins[name]))}.",
                "Install from the lock.",
            )


def _pin(package: Mapping[str, Any], *, file: str, has_lock: bool) -> Iterator[Finding]:
    if "git" in package or "private" in package:
        where = str(package.get("git") or package.get("private"))
        label = re.sub(r"\.git$", "", where).rstrip("/").rpartition("/")[2]
        revision = str(package.get("revision") or "")
        if COMMIT.fullmatch(revision):
            return
        if not VERSION_TAG.fullmatch(revision):
            yield error(
                f"package `{label}` follows a branch: `dbt deps` brings other code tomorrow.",
                "Write the commit as its `revision`.",
                file=file,
            )
        elif not has_lock:
            yield warning(
                f"package `{label}` names a tag, which can be moved.",
                "Write the commit, or commit a package-lock.yml.",
                file=file,
            )
    elif "tarball" in package:
        label = str(package.get("name") or "tarball")
        yield warning(
            f"package `{label}` comes as a tarball, of which dbt checks no hash.",
            "Take it from git by commit.",
            file=file,
        )
    elif "package" in package:
        versions = package.get("version")
        wanted = versions if isinstance(versions, list) else [versions]
        exact = len(wanted) == 1 and EXACT.fullmatch(str(wanted[0]).strip())
        if not exact and not has_lock:
            yield warning(
                f"package `{package['package']}` has a range of versions and no lock.",
                "Name one version, or commit a package-lock.yml.",
                file=file,
            )


def _locks(place: Place) -> list[Path]:
    """The lock files of the project, or of the nearest folder above it in the same repository."""
    for folder in (place.root, *place.root.parents):
        found = [path for glob in (*PIP_LOCKS, *TOML_LOCKS) for path in sorted(folder.glob(glob))]
        found = [path for path in found if path.suffix != ".txt" or _all_pinned(path)]
        if found:
            return found
        if (folder / ".git").exists():
            break
    return []


def _all_pinned(path: Path) -> bool:
    lines = [line.strip() for line in path.read_text("utf-8", errors="replace").splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    return bool(wanted) and all(PIN.match(line) for line in wanted)


def _pins(path: Path, text: str) -> Iterator[tuple[str, str]]:
    if path.suffix == ".txt" or path.name.startswith("requirements"):
        for line in text.splitlines():
            found = PIN.match(line)
            if found:
                yield canonicalize_name(found.group(1)), found.group(2)
        return
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    for package in [*document.get("package", []), *document.get("packages", [])]:
        if isinstance(package, dict) and "name" in package and "version" in package:
            yield canonicalize_name(str(package["name"])), str(package["version"])


CHECKS = (
    Check("dbt_packages", "dbt packages are pinned", dbt_packages_are_pinned),
    Check("python_lock", "Python packages are locked", python_packages_are_locked),
)
