"""A session: one DuckDB connection with its zones attached, functions registered, doors closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from dbt.flags import get_flags

from veil.artifacts import Wanted
from veil.audit.keeper import Keeper
from veil.errors import VeilError
from veil.keys import Keyring
from veil.policy.graph import Graph
from veil.project import Project
from veil.state import load_state
from veil.warehouse.definitions import create_definition_tables
from veil.warehouse.functions import register_functions
from veil.warehouse.lineage_gate import LineageGate
from veil.warehouse.partial import create_partial_tables
from veil.warehouse.receipts import create_receipt_table
from veil.warehouse.token_table import create_token_tables
from veil.warehouse.tokens import Tokens
from veil.warehouse.zones import attach_zones, lock_down

BUILDS = frozenset({"build", "run", "retry", "seed", "snapshot", "clone"})
OPERATIONS = frozenset({"veil.publish"})
"""Operations that may work inside the zones."""


@dataclass(repr=False)
class Session:
    """What the plugin and the command line work with."""

    conn: duckdb.DuckDBPyConnection
    project: Project
    keyring: Keyring
    keeper: Keeper | None = None
    """Keeps the audit record, where the command may write to the zones."""
    tokens: Tokens | None = None
    """The random tokens of the identified zone."""
    started: bool = False
    """Whether `veil.start_run()` has let this run pass."""
    drawn: dict[str, str] = field(default_factory=dict)
    """Content hash of each differential release of this run, by the mart's unique id."""
    wanted: Wanted | None = None
    """What the artefact scans of this run look for."""
    _run: tuple[Mapping[str, Any], Graph, LineageGate] | None = None

    def run(self, raw: Mapping[str, Any], *, threshold: int) -> tuple[Graph, LineageGate]:
        """The graph of this run and its gate: one of each, however many models ask.

        Args:
            raw: dbt's graph; dbt hands the same one to every model of a run.
            threshold: `veil:threshold`.
        """
        if self._run is None or self._run[0] is not raw:
            graph = Graph(raw)
            self._run = raw, graph, LineageGate(self.conn, graph, threshold=threshold)
        return self._run[1:]

    def require_keeper(self) -> Keeper:
        """The keeper of the record.

        Raises:
            VeilError: the command works outside the zones and records nothing.
        """
        if self.keeper is None:
            raise VeilError("this command does not write to the audit record.")
        return self.keeper

    @staticmethod
    def is_partial_run() -> bool:
        """Whether dbt works on part of the input: `--empty` or `--sample`."""
        flags = get_flags()
        return bool(getattr(flags, "EMPTY", False) or getattr(flags, "SAMPLE", None))

    @staticmethod
    def is_full_refresh() -> bool:
        """Whether incremental models are built from nothing."""
        return bool(getattr(get_flags(), "FULL_REFRESH", False))

    @staticmethod
    def command_line_variables() -> frozenset[str]:
        """Names of the variables that `--vars` sets."""
        return frozenset(str(name) for name in getattr(get_flags(), "VARS", None) or ())

    @staticmethod
    def is_build() -> bool:
        """Whether the command writes tables, and so runs `veil.start_run()` first."""
        return getattr(get_flags(), "WHICH", None) in BUILDS

    @staticmethod
    def stays_outside() -> bool:
        """Whether the command works without any zone.

        `dbt show` prints rows that no gate has seen, and an operation may run any SQL:
        the package's own are the only ones that are let in.
        """
        flags = get_flags()
        which = getattr(flags, "WHICH", None)
        return which == "show" or (
            which == "run-operation" and getattr(flags, "MACRO", None) not in OPERATIONS
        )

    @staticmethod
    def locate() -> Project:
        """The project that dbt works on, which need not be the working folder."""
        folder = getattr(get_flags(), "PROJECT_DIR", None)
        return Project.find(Path(folder) if folder else None)

    @classmethod
    def open(cls, conn: duckdb.DuckDBPyConnection) -> Session:
        """Prepare `conn` for a build.

        Raises:
            VeilError: where the keyring, a key or a zone cannot be opened.
        """
        project = cls.locate()
        keyring, keeper = load_state(project)
        if cls.stays_outside():
            lock_down(conn, project)
            return cls(conn=conn, project=project, keyring=keyring)
        keeper.check()
        attach_zones(conn, project, keyring)
        create_receipt_table(conn)
        create_partial_tables(conn)
        create_definition_tables(conn)
        create_token_tables(conn)
        tokens = Tokens(conn, keyring)
        register_functions(conn, keyring, tokens=tokens)
        lock_down(conn, project)
        return cls(conn=conn, project=project, keyring=keyring, keeper=keeper, tokens=tokens)
