"""What a process that holds keys in its memory may leave behind."""

from __future__ import annotations

import resource


def forbid_core_files() -> None:
    """Let no crash of this process write its memory, and with it keys, into a file.

    A handler that the machine's `core_pattern` pipes to is not kept from it; `veil doctor` looks
    for one. The children of the process inherit the limit.
    """
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
