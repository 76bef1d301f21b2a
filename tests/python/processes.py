"""dbt in processes of its own, for tests that kill one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from harness import ROOT, DbtProject


class Builds:
    """dbt commands in processes of their own, without the wait for its imports."""

    def __init__(self, project: DbtProject) -> None:
        path = os.pathsep.join((str(ROOT / "python_udfs"), os.environ.get("PYTHONPATH", "")))
        self._server = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "python" / "fork_server.py")],
            cwd=project.root,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str, kill_after: float | None = None) -> int:
        """Run one command, killed after so many seconds where it is still there."""
        server = self._server
        assert server.stdin and server.stdout
        request = {"arguments": ["--quiet", *arguments], "kill_after": kill_after}
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline())

    def close(self) -> None:
        with self._server:  # closes the pipes and waits
            self._server.terminate()
