"""The documents' commands, run as a reader would run them, and their output compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import ROOT, DbtProject

pytestmark = pytest.mark.project

BLOCK = re.compile(
    r"<!-- run(?P<fails>: fails)? -->\n```sh\n(?P<command>.*?)```\n"
    r"(?:\n<!-- output -->\n```text\n(?P<output>.*?)```\n)?",
    re.S,
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TOOLS = {"dbt": "-c 'from dbt.cli.main import cli; cli()'", "veil": "-m veil", "python": ""}


Shell = Callable[[str], subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Example:
    """One marked command of a document, and what it should print."""

    command: str
    output: str | None
    fails: bool


def examples(text: str) -> list[Example]:
    """The marked commands of a document, in order."""
    return [
        Example(found["command"], found["output"], fails=bool(found["fails"]))
        for found in BLOCK.finditer(text)
    ]


def says(expected: str, printed: str) -> bool:
    """Whether `printed` is what a document shows; `...` stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("..."))
    shown = "\n".join(line.rstrip() for line in ANSI.sub("", printed).strip().splitlines())
    return re.fullmatch(pattern, shown, re.S) is not None


@pytest.fixture
def shell(project: DbtProject, tmp_path: Path) -> Shell:
    """Runs a command in the project, with dbt, veil and python mapped to this interpreter."""
    for name, module in TOOLS.items():
        tool = tmp_path / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
        tool.chmod(0o700)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "python_udfs"),
        "PYTHONIOENCODING": "utf-8",
    }

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-eu", "-c", command],
            cwd=project.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
        )

    return run


def _follow(document: str, shell: Shell) -> int:
    """Run a document's examples; returns how many there are."""
    found = examples((ROOT / document).read_text(encoding="utf-8"))
    for example in found:
        done = shell(example.command)

        assert (done.returncode != 0) == example.fails, f"{example.command}\n{done.stdout}"
        if example.output is not None:
            assert says(example.output, done.stdout), f"{example.command}\n{done.stdout}"
    return len(found)


def test_readme_shows_what_its_commands_print(project: DbtProject, shell: Shell) -> None:
    """Each marked command of the README runs, and prints what stands below it."""
    # The README begins before the first release.
    shutil.rmtree(project.root / "published")

    assert _follow("README.md", shell) >= 2


def test_tutorial_works_as_written(shell: Shell) -> None:
    """A reader who follows the tutorial from the build on gets what it shows."""

    assert _follow("docs/tutorial.md", shell) >= 4


def test_how_to_of_noise_works_as_written(shell: Shell) -> None:
    """A new user's first differential mart: its cost, its release, a replay, and a spent budget."""

    assert _follow("docs/how-to/release-with-differential-privacy.md", shell) >= 10


@pytest.mark.parametrize(
    ("expected", "printed", "fits"),
    [
        ("a ... c", "a b c", True),
        ("...\n1 row", "much\nmore\n1 row\n", True),
        ("1 row", "2 rows", False),
        ("│ 43 │", "│ 44 │", False),
        ("first", "first\nsecond", False),
    ],
)
def test_an_output_that_differs_is_noticed(expected: str, printed: str, fits: bool) -> None:
    """The comparison forgives what `...` covers, and nothing else."""
    assert says(expected, printed) is fits
