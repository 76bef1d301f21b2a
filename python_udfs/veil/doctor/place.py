"""What the checks look at: the project, the machine, and what is installed.

Everything that comes from outside the project's folder is a field, so that a check can be tried
on a machine that does not exist.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from veil.doctor.documents import read_mapping
from veil.project import Project

PLUGIN = "veil.plugin"


@dataclass(frozen=True)
class Place:
    """Where veil runs.

    Attributes:
        project: the dbt project.
        environ: the environment variables.
        home: the user's home folder.
        version_of: the installed version of a distribution, None where it is absent.
        python: the interpreter's version.
        core_pattern: where the kernel writes core dumps, or `|` and what it pipes them to.
        umask: bits that new files lack; None where it cannot be read without changing it.
        swap: whether the machine swaps to disk; None where unknown.
        locks: `/proc/locks`, the open file locks; None where unknown.
        now: the moment by which age is judged.
    """

    project: Project
    environ: Mapping[str, str]
    home: Path
    version_of: Callable[[str], str | None]
    python: str
    core_pattern: str
    umask: int | None
    swap: bool | None
    locks: str | None
    now: datetime

    @classmethod
    def here(cls, project: Project) -> Place:
        """This machine, this user, this environment."""
        swaps = _system_text("swaps")
        return cls(
            project=project,
            environ=os.environ,
            home=Path.home(),
            version_of=_installed_version,
            python=platform.python_version(),
            core_pattern=_system_text("sys/kernel/core_pattern") or "",
            umask=_umask(),
            swap=None if swaps is None else len(swaps.splitlines()) > 1,
            locks=_system_text("locks"),
            now=datetime.now(UTC),
        )

    @property
    def root(self) -> Path:
        return self.project.root

    def shown(self, path: Path) -> str:
        """`path` from the project's root; outside it the name alone."""
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix() or "."
        return f"{path.name} (outside the project)"

    @cached_property
    def config(self) -> dict[str, Any]:
        """dbt_project.yml."""
        return self.project.config()

    @cached_property
    def profiles_file(self) -> Path | None:
        """The profiles.yml that dbt would read."""
        named = self.environ.get("DBT_PROFILES_DIR")
        folders = [Path(named)] if named else [self.root, self.home / ".dbt"]
        files = [folder / "profiles.yml" for folder in folders]
        return next((file for file in files if file.is_file()), None)

    @cached_property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """The targets of the project's profile, by name; empty where none can be read."""
        document = read_mapping(self.profiles_file) if self.profiles_file else None
        profile = (document or {}).get(str(self.config.get("profile")))
        found = profile.get("outputs") if isinstance(profile, dict) else None
        if not isinstance(found, dict):
            return {}
        return {str(name): value for name, value in found.items() if isinstance(value, dict)}

    @cached_property
    def target(self) -> str:
        """The target that dbt takes by itself."""
        document = read_mapping(self.profiles_file) if self.profiles_file else None
        profile = (document or {}).get(str(self.config.get("profile")))
        return str(profile.get("target", "default")) if isinstance(profile, dict) else ""

    @property
    def flags(self) -> Mapping[str, Any]:
        """`flags:` of dbt_project.yml."""
        found = self.config.get("flags")
        return found if isinstance(found, dict) else {}


def uses_plugin(output: Mapping[str, Any]) -> bool:
    """Whether a target loads veil's plugin."""
    plugins = output.get("plugins")
    return isinstance(plugins, list) and any(
        isinstance(one, dict) and one.get("module") == PLUGIN for one in plugins
    )


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _system_text(name: str) -> str | None:
    try:
        return Path("/proc", name).read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return None


def _umask() -> int | None:
    # os.umask() would have to change it to read it.
    for line in (_system_text("self/status") or "").splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return None
