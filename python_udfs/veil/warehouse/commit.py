"""The commit that a project stands at."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_of(root: Path) -> tuple[str | None, bool | None]:
    """The commit that the project stands at, and whether it was changed since; None outside git."""
    answers = []
    for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=all"]):
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=root, capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.SubprocessError):
            return None, None
        if done.returncode != 0:
            return None, None
        answers.append(done.stdout.strip())
    return answers[0], bool(answers[1])
