"""Run one of the package's operations through dbt itself, so that it sees the project as it is."""

from __future__ import annotations

from dbt.cli.main import dbtRunner

from veil.project import Project


def run_operation(project: Project, name: str) -> bool:
    """Run a macro of the package; dbt prints its lines and its errors. True where it went well."""
    arguments = ["--quiet", "run-operation", name, "--project-dir", str(project.root)]
    if (project.root / "profiles.yml").exists():
        arguments += ["--profiles-dir", str(project.root)]
    return bool(dbtRunner().invoke(arguments).success)
