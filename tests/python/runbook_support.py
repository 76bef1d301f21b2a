"""Reading a runbook's commands and following them, in a shell like that of its reader."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import KEK, ROOT

_BLOCK = re.compile(
    r"^```sh\n(?P<command>.*?)^```\n(?:\n^```text\n(?P<output>.*?)^```\n)?", re.S | re.M
)
_TOOLS = {"dbt": "-c 'from dbt.cli.main import cli; cli()'", "veil": "-m veil", "python": ""}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Step:
    """One block of commands, the heading that it stands under, and what it prints, abridged."""

    section: str
    command: str
    output: str | None


def steps(text: str) -> list[Step]:
    """Every `sh` block of a runbook, in order; none is left out."""
    return [
        Step(part.partition("\n")[0].removeprefix("## "), block["command"], block["output"])
        for part in re.split(r"^(?=## )", text, flags=re.M)
        for block in _BLOCK.finditer(part)
    ]


def says(expected: str, printed: str) -> bool:
    """Whether `printed` is what a runbook shows; `...` stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in expected.strip().split("..."))
    lines = (line.rstrip() for line in _COLOURS.sub("", printed).strip().splitlines())
    return re.fullmatch(pattern, "\n".join(lines), re.S) is not None


class Reader:
    """Somebody who types a runbook's commands in the project's folder, block after block.

    A variable that one block sets is there in the next. The home folder is the reader's own, and
    the key-encryption key of the tests is not in the environment.

    Args:
        project: the dbt project's folder.
        home: the home folder, empty.
    """

    def __init__(self, project: Path, home: Path) -> None:
        self.project = project
        self.home = home
        tools = home / ".local" / "bin"
        tools.mkdir(parents=True)
        for name, arguments in _TOOLS.items():
            tool = tools / name
            tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            tool.chmod(0o700)
        self._variables = tools / "variables"
        self._variables.touch()
        self._environment = {
            **{name: text for name, text in os.environ.items() if name != KEK},
            "HOME": str(home),
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "python_udfs"),
            "PYTHONIOENCODING": "utf-8",
        }

    def types(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a block; it stops at the first command that fails."""
        kept = shlex.quote(str(self._variables))
        return subprocess.run(
            ["sh", "-eu", "-c", f"set -a\n. {kept}\n{command}\nexport -p > {kept}\n"],
            cwd=self.project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
        )

    def follows(self, step: Step) -> str:
        """Run a step of a runbook, and hold what it prints against what the runbook shows."""
        done = self.types(step.command)
        shown = f"{step.section}\n{step.command}\n{done.stdout}"
        assert done.returncode == 0, shown
        if step.output is not None:
            assert says(step.output, done.stdout), shown
        return done.stdout
