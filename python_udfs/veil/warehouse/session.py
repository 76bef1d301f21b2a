"""A session: one DuckDB connection with its zones attached, functions registered, doors closed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from dbt.flags import get_flags

from veil.keys import Keyring
from veil.project import Project
from veil.state import load_keyring
from veil.warehouse.functions import register_functions
from veil.warehouse.partial import create_partial_tables
from veil.warehouse.receipts import create_receipt_table
from veil.warehouse.zones import attach_zones, lock_down


@dataclass(repr=False)
class Session:
    """What the plugin and the command line work with."""

    conn: duckdb.DuckDBPyConnection
    project: Project
    keyring: Keyring

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
        keyring = load_keyring(project)
        attach_zones(conn, project, keyring)
        create_receipt_table(conn)
        create_partial_tables(conn)
        register_functions(conn, keyring)
        lock_down(conn, project)
        return cls(conn=conn, project=project, keyring=keyring)

    @classmethod
    def open_marts(cls, conn: duckdb.DuckDBPyConnection, project: Project) -> Session:
        """Attach the marts alone, read-only: for `veil publish`."""
        keyring = load_keyring(project)
        attach_zones(conn, project, keyring, read_only=True)
        return cls(conn=conn, project=project, keyring=keyring)
