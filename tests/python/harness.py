"""Drive one dbt project in this process, as pytest's tests do.

dbt takes seconds to import and to parse, so a worker imports it once, builds the project once, and
each test works on a copy of what was built.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from veil.keys import Keyring
from veil.policy.graph import Graph
from veil.project import Project
from veil.warehouse.functions import register_functions
from veil.warehouse.zones import attach_zones, connection_options

ROOT = Path(__file__).parents[2]
PARTS = ("dbt_project.yml", "profiles.example.yml", "macros", "models", "seeds")
KEK = "DBT_ENV_SECRET_VEIL_TEST"


@dataclass
class Outcome:
    """What one dbt command did."""

    ok: bool
    lines: list[str]
    results: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class DbtProject:
    """A dbt project in a folder of its own."""

    root: Path

    @property
    def veil(self) -> Project:
        return Project(self.root)

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        before = Path.cwd()
        os.chdir(self.root)
        try:
            yield
        finally:
            os.chdir(before)

    def dbt(self, *arguments: str) -> Outcome:
        """Run one dbt command; every message is caught, whatever its level."""
        lines: list[str] = []
        runner = dbtRunner(callbacks=[lambda event: lines.append(event.info.msg)])
        with self.here():
            try:
                done = runner.invoke(["--no-use-colors", "--quiet", *arguments])
            finally:
                DuckDBConnectionManager.close_all_connections()
        outcome = Outcome(ok=bool(done.success), lines=lines)
        if done.exception is not None:
            lines.append(str(done.exception))
        for result in getattr(done.result, "results", None) or ():
            unique_id = getattr(getattr(result, "node", None), "unique_id", None)
            if unique_id:
                outcome.results[unique_id] = str(result.status)
                outcome.messages[unique_id] = str(result.message or "")
        return outcome

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def replace(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} does not hold the text to replace"
        file.write_text(text.replace(old, new), encoding="utf-8")

    @contextlib.contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the zones attached and the functions registered, not locked."""
        keyring = Keyring.load(self.veil.keyring)
        options = connection_options(self.veil)
        with duckdb.connect(":memory:", config=options) as conn:  # type: ignore[arg-type]
            attach_zones(conn, self.veil, keyring, read_only=read_only)
            register_functions(conn, keyring)
            yield conn

    @contextlib.contextmanager
    def published(self, audience: str = "research") -> Iterator[duckdb.DuckDBPyConnection]:
        path = self.root / "published" / f"{audience}.duckdb"
        with duckdb.connect(str(path), read_only=True) as conn:
            yield conn

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect(read_only=True) as conn:
            return conn.execute(sql).fetchall()

    def graph(self) -> Graph:
        import json

        return Graph(json.loads((self.root / "target" / "manifest.json").read_text()))


def new_project(root: Path) -> DbtProject:
    """The demo project, copied without state, with a keyring under the environment's key."""
    root.mkdir(parents=True)
    _copy(root, PARTS)
    return _initialised(DbtProject(root))


def new_stranger(root: Path) -> DbtProject:
    """The project in integration_tests/, inside a copy of the repository, its packages installed.

    `root` is its folder; the folder above becomes the package that its packages.yml names.
    """
    _copy(root.parent, (*PARTS, "docs", "tests/sql"))
    made = ("target", "logs", "dbt_packages", "state", "warehouse", "published", "profiles.yml")
    shutil.copytree(ROOT / "integration_tests", root, ignore=shutil.ignore_patterns(*made))
    shutil.copy2(root / "profiles.example.yml", root / "profiles.yml")
    project = DbtProject(root)
    installed = project.dbt("deps")
    assert installed.ok, installed.text
    return _initialised(project)


def _copy(root: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part)
        elif source.exists():
            root.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / part)


def _initialised(project: DbtProject) -> DbtProject:
    from veil.cli.main import cli

    with project.here():
        cli.main(["init", "--provider", f"env:{KEK}"], standalone_mode=False)
    return project


def copy_of(project: DbtProject, root: Path) -> DbtProject:
    """A whole copy, links kept: state, warehouse and published files with it.

    dbt's saved parse holds the absolute path of each seed. Both paths are equally long, so that the
    path can be replaced inside the binary file, which spares every test a full parse.
    """
    shutil.copytree(project.root, root, symlinks=True)
    old, new = (str(path).encode() for path in (project.root, root))
    assert len(old) == len(new), "a copy's path must be as long as the original's"
    for name in ("partial_parse.msgpack", "manifest.json"):
        file = root / "target" / name
        file.write_bytes(file.read_bytes().replace(old, new))
    return DbtProject(root)
