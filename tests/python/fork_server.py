"""Runs dbt commands in children of a process that has imported dbt and opened nothing.

A dbt start costs seconds, nearly all of them imports; a fork spares them. Started as a script by
the tests that kill builds: reads one JSON request a line, runs the command in a child, kills it
after the seconds that the request names, and answers with its exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def child(arguments: list[str]) -> None:
    from dbt.cli.main import dbtRunner

    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os._exit(0 if dbtRunner().invoke(arguments).success else 1)


def main() -> None:
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401
    import duckdb  # noqa: F401

    import veil.plugin  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(request["arguments"])
        if request["kill_after"] is not None:
            # Nobody else waits for it, so its number stays its own until the wait below.
            time.sleep(request["kill_after"])
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
