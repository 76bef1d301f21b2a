"""The wheel: a stranger installs it, without this source tree, and builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness import KEK, ROOT, DbtProject, new_stranger

pytestmark = pytest.mark.project


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed; returns what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the repository without a network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip put the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *options, "--target", folder, wheel, cwd=folder)
    return folder


def test_wheel_holds_every_module_and_the_licence(wheel: Path) -> None:
    """Each Python file of the package is in the wheel, and so are py.typed, LICENSE and NOTICE."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    source = ROOT / "python_udfs"
    modules = {str(path.relative_to(source)) for path in source.rglob("*.py")}

    assert modules | {"veil/py.typed"} == {name for name in names if name.startswith("veil/")}
    assert {Path(name).name for name in names if "/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_stranger_builds_with_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    """Entry point, plugin and publishing work from the installed wheel, not from this tree."""
    project: DbtProject = new_stranger(tmp_path / "repository" / "lakeside")
    shutil.rmtree(project.veil.state)
    alone = {"PYTHONPATH": str(installed)}
    veil, dbt = installed / "bin" / "veil", (sys.executable, "-m", "dbt.cli.main")
    where = run(sys.executable, "-c", "import veil; print(veil.__file__)", cwd=tmp_path, **alone)
    made = run(veil, "init", "--provider", f"env:{KEK}", cwd=project.root, **alone)
    built = run(*dbt, "build", cwd=project.root, **alone)
    again = run(
        sys.executable,
        "-m",
        "veil",
        "publish",
        "--project-dir",
        project.root,
        cwd=tmp_path,
        **alone,
    )

    assert Path(where.strip()).is_relative_to(installed)
    assert "state/keyring.json is new" in made
    assert "published published/board.duckdb: 2 marts" in built
    assert "published published/partners.duckdb: 1 mart" in built
    assert "published/board.duckdb is unchanged" in again
    with project.published("board") as conn:
        assert conn.execute("select count(*) from visits_by_ward_and_age").fetchall() == [(20,)]
