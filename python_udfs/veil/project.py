"""Where things are: the folders of a dbt project that uses veil.

Layout (design: layers and zones)::

    dbt_project.yml
    state/      keyring.json, audit/        must outlive a rebuild
    warehouse/  one encrypted file a zone   may be rebuilt
    published/  what each audience reads
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from veil.errors import VeilError

ZONES = ("identified", "pseudonymized", "marts")
"""Databases that the plugin attaches, in the order in which data flows through them."""
IDENTIFIED = ZONES[0]
"""The zone of data as delivered; what only the privacy office may see lies there too."""


@dataclass(frozen=True)
class Project:
    """The folders of one dbt project; `root` holds its `dbt_project.yml`."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project at `start` or in the nearest folder above it.

        Raises:
            VeilError: where no `dbt_project.yml` is found.
        """
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "dbt_project.yml").is_file():
                if "'" in str(folder):
                    raise VeilError(
                        "the project's path holds an apostrophe, with which dbt loads no seed.",
                        remedy="Move it to a path without one.",
                    )
                return cls(folder)
        raise VeilError(
            "no dbt_project.yml here or in a folder above.",
            remedy="Change into the dbt project first, or name it with --project-dir.",
        )

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def keyring(self) -> Path:
        return self.state / "keyring.json"

    @property
    def audit(self) -> Path:
        """The audit record's folder."""
        return self.state / "audit"

    @property
    def checkpoint(self) -> Path:
        """A copy of the record's newest checkpoint, outside its folder."""
        return self.state / "checkpoint"

    @property
    def record(self) -> Path:
        return self.audit / "record.jsonl"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def spill(self) -> Path:
        """DuckDB's `temp_directory`: private, and encrypted by `temp_file_encryption`."""
        return self.warehouse / "spill"

    @property
    def published(self) -> Path:
        return self.root / "published"

    def zone_file(self, zone: str) -> Path:
        return self.warehouse / f"{zone}.duckdb"

    def config(self) -> dict[str, Any]:
        """`dbt_project.yml`, as far as it is plain YAML.

        Raises:
            VeilError: where the file is not a YAML mapping.
        """
        try:
            loaded = yaml.safe_load((self.root / "dbt_project.yml").read_text(encoding="utf-8"))
        except (OSError, UnicodeError, yaml.YAMLError):
            loaded = None
        if not isinstance(loaded, dict):
            raise VeilError(
                "dbt_project.yml cannot be read as a YAML mapping.",
                remedy="Run `dbt parse` to see where it is broken.",
            )
        return loaded

    def packages(self) -> list[Project]:
        """The dbt packages that `dbt deps` installed."""
        installed = self.root / str(self.config().get("packages-install-path") or "dbt_packages")
        return [Project(file.parent) for file in sorted(installed.glob("*/dbt_project.yml"))]

    def readable_folders(self) -> list[Path]:
        """Folders that the build may read files from: seeds, and `data/` for sources.

        The seeds of installed packages are among them. A path that holds Jinja, which only dbt can
        render, counts as the default.
        """
        projects = [self, *self.packages()]
        folders = [
            one.root / ("seeds" if "{" in str(folder) else str(folder))
            for one in projects
            for folder in one.config().get("seed-paths") or ["seeds"]
        ]
        return [*folders, self.root / "data"]
