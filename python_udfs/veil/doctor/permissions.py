"""Checks of who may read and write the project's files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from veil.doctor.check import Check, error, note, warning
from veil.doctor.place import Place
from veil.findings import Finding

PRIVATE = stat.S_IRWXG | stat.S_IRWXO
CODE_FILES = ("dbt_project.yml", "packages.yml", "dependencies.yml", "profiles.yml")
CODE_FOLDERS = ("macros", "models", "snapshots", "tests", "seeds")


def state_is_private(place: Place) -> Iterator[Finding]:
    """state/ and all in it: 0700 and 0600, one owner."""
    state = place.project.state
    if not place.project.keyring.is_file():
        yield warning("there is no state/keyring.json.", "Run `veil init`.")
    if state.is_dir():
        yield from _open_to_others(place, state)


def warehouse_is_private(place: Place) -> Iterator[Finding]:
    """warehouse/, its zones and its spill folder."""
    folder = place.project.warehouse
    if not folder.is_dir():
        return
    found = list(_open_to_others(place, folder))
    closed = not any(one.file == "warehouse" for one in found)
    for one in found:
        # Inside a closed folder nobody reaches the file; a copy of it would be open all the same.
        if closed:
            yield warning(one.message, one.remedy, file=one.file)
        else:
            yield one


def published_is_not_writable(place: Place) -> Iterator[Finding]:
    """A release is read by many and written by the build alone."""
    folder = place.project.published
    if folder.is_dir():
        yield from _writable(place, [folder, *sorted(folder.rglob("*"))])


def code_is_not_writable(place: Place) -> Iterator[Finding]:
    """Whoever writes a macro, a model or the profile runs code inside the build."""
    paths = [place.root, *(place.root / name for name in CODE_FILES)]
    if place.profiles_file is not None:
        paths.append(place.profiles_file)
    for name in CODE_FOLDERS:
        paths += [place.root / name, *sorted((place.root / name).rglob("*"))]
    yield from _writable(place, list(dict.fromkeys(path for path in paths if path.exists())))


def project_is_closed(place: Place) -> Iterator[Finding]:
    """logs/ and target/ are written under the umask: the folder around them must be closed."""
    if _others_reach(place.root):
        yield warning(
            "every user of this machine can read the project's folder, logs/ and target/ with it.",
            "Close it: chmod 700 on the project's folder, or on one above it.",
        )


def umask_is_strict(place: Place) -> Iterator[Finding]:
    """What dbt writes gets the umask's permissions."""
    if place.umask is None:
        yield note("the umask cannot be read on this machine.")
    elif not place.umask & stat.S_IWOTH:
        yield warning("the umask lets every user write into new files.", "Set `umask 077`.")
    elif place.umask & PRIVATE != PRIVATE:
        yield note(
            "the umask lets other users read new files, dbt's logs and artefacts among them.",
            "Set `umask 077` for the build.",
        )


def _open_to_others(place: Place, folder: Path) -> Iterator[Finding]:
    for path in (folder, *sorted(folder.rglob("*"))):
        shown = place.shown(path)
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            yield error(f"`{shown}` is a link.", "Put the file itself there.", file=shown)
        elif os.geteuid() not in (0, found.st_uid):
            yield error(
                f"`{shown}` belongs to another user.", "Run as its owner, or chown it.", file=shown
            )
        elif found.st_mode & PRIVATE:
            mode = "700" if stat.S_ISDIR(found.st_mode) else "600"
            yield error(
                f"`{shown}` is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).",
                f"Close it: chmod {mode} {shown}",
                file=shown,
            )


def _writable(place: Place, paths: list[Path]) -> Iterator[Finding]:
    """Errors for what everybody may write, warnings for what the group may; ten at most."""
    loose = []
    for path in paths:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & (stat.S_IWOTH | stat.S_IWGRP):
            loose.append((path, bool(mode & stat.S_IWOTH)))
    for path, everybody in sorted(loose, key=lambda one: not one[1])[:10]:
        shown = place.shown(path)
        kind = error if everybody else warning
        who = "every user of this machine" if everybody else "its group"
        yield kind(f"`{shown}` can be written by {who}.", f"chmod go-w {shown}", file=shown)
    if len(loose) > 10:
        yield warning(f"{len(loose) - 10} more files can be written by others.")


def _others_reach(folder: Path) -> bool:
    """Whether a user without a special right can enter `folder` and list it."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IROTH and mode & stat.S_IXOTH) and all(
        above.stat().st_mode & stat.S_IXOTH for above in folder.parents
    )


CHECKS = (
    Check("state_permissions", "permissions of state/ and the keyring", state_is_private),
    Check("warehouse_permissions", "permissions of warehouse/", warehouse_is_private),
    Check("published_permissions", "who can write to published/", published_is_not_writable),
    Check("code_permissions", "who can change models, macros, profile", code_is_not_writable),
    Check("project_readable", "whether other users can read the project", project_is_closed),
    Check("umask", "permissions that new files get", umask_is_strict),
)
