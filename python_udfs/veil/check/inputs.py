"""What a parse depends on: every file that dbt would read, by content, and the environment.

Contents are hashed and times are not looked at: a file that was changed and put back is unchanged,
and a file that only looks unchanged is not.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import veil
from veil.check.builtins import SECRET
from veil.project import Project

ENGINES = ("dbt-core", "dbt-duckdb", "dbt-adapters", "dbt-common")
FOLDERS = {
    "model-paths": "models",
    "macro-paths": "macros",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
    "test-paths": "tests",
    "analysis-paths": "analyses",
    "function-paths": "functions",
    "docs-paths": "docs",
}
SINGLE = (
    *("dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml", "selectors.yml"),
    *("catalogs.yml", ".dbtignore", "vars.yml"),
)
READ = (".sql", ".yml", ".yaml", ".md", ".py", ".csv")
HEADER_BYTES = 1 << 16
_QUOTED = re.compile(r"'([^'{}]*)'|\"([^\"{}]*)\"")
_NAMED = re.compile(r"\benv_var\s*\(\s*(?:'(\w+)'|\"(\w+)\")")
_ANY = re.compile(r"\benv_var\b")


@dataclass(frozen=True)
class Inputs:
    """The inputs of a parse.

    Attributes:
        files: SHA-256 of each file by its path from the project's root; of a seed, that of its
            first line.
        settings: digest of versions, target, profile and environment.
        texts: the files of the root project that hold SQL, as they are read, by the same path.
    """

    files: Mapping[str, str]
    settings: str
    texts: Mapping[str, str]

    @classmethod
    def read(
        cls, project: Project, *, profiles: Path, target: str | None, environ: Mapping[str, str]
    ) -> Inputs:
        """Read everything.

        Args:
            project: the dbt project.
            profiles: its profiles.yml.
            target: the target that was asked for.
            environ: the environment.
        """
        files: dict[str, str] = {}
        texts: dict[str, str] = {}
        named: set[str] = set()
        is_open = False
        for one in (project, *project.packages()):
            for path in _files(one):
                name = os.path.relpath(path, project.root).replace(os.sep, "/")
                data = _content(path)
                if data is None or name in files:
                    continue
                files[name] = hashlib.sha256(data).hexdigest()
                if path.suffix == ".csv":
                    continue
                text = data.decode("utf-8", "replace")
                found = _NAMED.findall(text)
                named.update(one or other for one, other in found)
                is_open = is_open or len(_ANY.findall(text)) != len(found)
                if path.suffix == ".sql" and one is project:
                    texts[name] = text
        profile = _content(profiles) or b""
        settings = {
            "veil": tool(),
            "engines": [_version(name) for name in ENGINES],
            "target": target,
            "profile": hashlib.sha256(profile).hexdigest(),
            "environment": _environment(environ, named, is_open=is_open or b"env_var" in profile),
        }
        body = json.dumps(settings, sort_keys=True)
        return cls(files, hashlib.sha256(body.encode()).hexdigest(), texts)

    def changed(self, before: Mapping[str, str]) -> set[str]:
        """Paths of files that differ, are new or are gone."""
        return {
            path
            for path in self.files.keys() | before.keys()
            if self.files.get(path) != before.get(path)
        }


def _environment(environ: Mapping[str, str], named: set[str], *, is_open: bool) -> str:
    """One digest over the variables that a parse may see; secrets, which none may, left out."""
    seen = {
        name: value
        for name, value in environ.items()
        if not name.startswith(SECRET) and (is_open or name in named or name.startswith("DBT_"))
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


@cache
def tool() -> str:
    """Digest of veil itself: its version, and size and time of its modules, for those who work on
    them."""
    root = Path(veil.__file__).parent
    stats = [(str(path), path.stat()) for path in sorted(root.rglob("*.py"))]
    body = [veil.__version__, [(name, one.st_size, one.st_mtime_ns) for name, one in stats]]
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _content(path: Path) -> bytes | None:
    """A file; of a seed its first line, which is all that a check looks at."""
    try:
        with path.open("rb") as file:
            if path.suffix == ".csv":
                return file.readline(HEADER_BYTES)
            return file.read()
    except OSError:
        return None


def _files(project: Project) -> Iterator[Path]:
    config = project.config()
    for name in SINGLE:
        if (project.root / name).is_file():
            yield project.root / name
    folders: dict[Path, None] = {}
    for key, default in FOLDERS.items():
        for name in _names(config.get(key), default):
            folders.setdefault(project.root / name)
    for folder in folders:
        for place, inner, files in os.walk(folder, followlinks=True):
            inner[:] = [name for name in inner if not name.startswith((".", "__"))]
            yield from (Path(place) / name for name in files if name.endswith(READ))


def _names(declared: Any, default: str) -> list[str]:
    """Folder names; of one that holds Jinja, every name that is quoted in it."""
    found: list[str] = []
    for name in [declared] if isinstance(declared, str) else declared or [default]:
        text = str(name)
        found += [one or other for one, other in _QUOTED.findall(text)] if "{" in text else [text]
    # An empty name would be the project's root, with all that lies in it.
    return [name for name in found if name.strip("./ ")]
