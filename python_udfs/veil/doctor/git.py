"""Checks of git: what it must not hold, now and in its history."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from veil.doctor.check import Check, error, note, warning
from veil.doctor.place import Place
from veil.findings import Finding, Level

SECONDS = 30
PRIVATE = {
    # a file to ask about -> how much it weighs if git holds it
    "state/keyring.json": Level.ERROR,
    "warehouse/identified.duckdb": Level.ERROR,
    "logs/dbt.log": Level.ERROR,
    "target/manifest.json": Level.ERROR,
    "profiles.yml": Level.WARNING,
    "published/RELEASE.json": Level.WARNING,
}
HISTORY = ("state", "warehouse", "logs", "target", ".env")
UNKNOWN = "git cannot be asked here, so nothing about it was checked."


def private_files_are_ignored(place: Place) -> Iterator[Finding]:
    """.gitignore covers keys, zones, logs, artefacts, releases and the profile."""
    if not _is_repository(place):
        yield note("the project is not in a git repository, or git is not installed.")
        return
    done = _git(place, "check-ignore", "--no-index", "--", *PRIVATE)
    if done is None or done.returncode not in (0, 1):
        yield note(UNKNOWN)
        return
    ignored = set(done.stdout.splitlines())
    for path, level in PRIVATE.items():
        if path not in ignored:
            shown = path if path == "profiles.yml" else f"{path.split('/')[0]}/"
            kind = error if level is Level.ERROR else warning
            yield kind(f"git does not ignore `{shown}`.", f"Write `{shown}` into .gitignore.")


def private_files_are_not_tracked(place: Place) -> Iterator[Finding]:
    """An ignored file that was added before stays in git."""
    if not _is_repository(place):
        return
    for path, level in [*PRIVATE.items(), (".env", Level.ERROR)]:
        top = path.split("/")[0]
        done = _git(place, "ls-files", "-z", "--", top)
        if done is None or done.returncode != 0:
            yield note(UNKNOWN)
            return
        if done.stdout:
            kind = error if level is Level.ERROR else warning
            yield kind(
                f"git holds files of `{top}`.",
                f"git rm -r --cached {top}; what was pushed is known: rotate the keys in it.",
            )


def private_files_never_were(place: Place) -> Iterator[Finding]:
    """A commit keeps what a later one removed."""
    if not _is_repository(place):
        return
    for top in HISTORY:
        done = _git(place, "log", "--all", "-1", "--format=%h", "--", top)
        if done is None or done.returncode != 0:
            yield note(f"the history of git was not searched within {SECONDS} seconds.")
            return
        if done.stdout.strip():
            yield error(
                f"`{top}` is in the history of git.",
                "Take it as known to all who have the repository: make new keys and remove it"
                " from the history (git filter-repo).",
            )


def _is_repository(place: Place) -> bool:
    done = _git(place, "rev-parse", "--is-inside-work-tree")
    return done is not None and done.stdout.strip() == "true"


def _git(place: Place, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=place.root,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None


CHECKS = (
    Check("git_ignored", "what git must ignore", private_files_are_ignored),
    Check("git_tracked", "what git must not hold", private_files_are_not_tracked),
    Check("git_history", "what was never committed", private_files_never_were),
)
