"""No crash of a process with keys leaves its memory behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CRASH = """
import os, resource, sys
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
from veil.process import forbid_core_files
secret = bytes.fromhex(sys.argv[1])
if sys.argv[2] == "on":
    forbid_core_files()
os.abort()
"""


@pytest.mark.parametrize("protection", ["on", "off"])
def test_a_crash_writes_no_core_file(tmp_path: Path, protection: str) -> None:
    """The child crashes with a key in its memory; without the protection a file would hold it."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if protection == "off" and (pattern.startswith(("|", "/")) or hard == 0):
        pytest.skip("this machine writes core files elsewhere, or none at all")
    done = subprocess.run(
        [sys.executable, "-c", CRASH, "1f2e" * 16, protection],
        cwd=tmp_path,
        env={**os.environ, "PYTHONFAULTHANDLER": ""},
        capture_output=True,
    )
    cores = list(tmp_path.iterdir())

    assert done.returncode == -signal.SIGABRT
    assert bool(cores) == (protection == "off")
    assert all(bytes.fromhex("1f2e" * 16) in core.read_bytes() for core in cores)
