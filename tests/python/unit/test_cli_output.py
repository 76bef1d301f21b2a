"""Output that cannot be written ends a command with one line and exit code 3."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest
from audit_support import SIGNER, sealed

from veil.errors import EXIT_CANNOT_RUN, EXIT_FINE, EXIT_USAGE

COMMANDS = {
    "verify": "audit verify {folder}/record.jsonl --pubkey {key}",
    "json": "audit verify {folder}/record.jsonl --pubkey {key} --json",
    "tampered": "audit verify {folder}/hashes --checkpoints {folder}/checkpoints --pubkey {key}",
    "export": "audit export --project-dir {folder}/project",
    "help": "--help",
    "command help": "audit --help",
}
GONE = "a pipe whose other end is closed"
ENDS = {
    "full disk": ">/dev/full",
    "closed": ">&-",
    "reader gone": GONE,
    "all to a full disk": ">/dev/full 2>&1",
}


@pytest.fixture(scope="module")
def veil(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, str]]:
    """Runs a command line of veil in a shell; gives its exit code and what it said of errors."""
    folder = tmp_path_factory.mktemp("audit")
    sealed(folder, 4)
    project = folder / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: demo\n")
    (project / "state").mkdir(mode=0o700)
    sealed(project / "state" / "audit", 40)

    def run(arguments: str, end: str = "") -> tuple[int, str]:
        filled = arguments.format(folder=shlex.quote(str(folder)), key=SIGNER.vkey)
        line = f"exec {shlex.quote(sys.executable)} -m veil {filled}"
        reader, writer = os.pipe()
        if end == GONE:
            os.close(reader)
        else:
            line = f"{line} {end}"
        try:
            done = subprocess.run(
                ["sh", "-c", line],
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                cwd=folder,
            )
        finally:
            os.close(writer)
            if end != GONE:
                os.close(reader)
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_output_that_cannot_be_written_is_exit_code_three(
    veil: Callable[..., tuple[int, str]], command: str, end: str
) -> None:
    """Whatever the command found; one line says why, where anybody can still read it."""
    code, said = veil(command, end)

    assert code == EXIT_CANNOT_RUN
    assert "Traceback" not in said and "Exception" not in said
    if "2>&1" not in end:
        assert said.startswith("veil: ") and said.count("\n") == 1


def test_output_that_can_be_written_changes_no_exit_code(
    veil: Callable[..., tuple[int, str]],
) -> None:
    """The twin: the same commands into a pipe that is read."""
    assert veil(COMMANDS["verify"]) == (EXIT_FINE, "")
    assert veil(COMMANDS["export"]) == (EXIT_FINE, "")
    assert veil("audit nonsense")[0] == EXIT_USAGE


def test_errors_that_cannot_be_written_leave_the_exit_code(
    veil: Callable[..., tuple[int, str]],
) -> None:
    """A usage error stays one where its text has no place to go to."""
    assert veil("audit nonsense", "2>&-")[0] == EXIT_USAGE
