"""Checks of versions: tested together with veil, and without a known hole."""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from veil.doctor.check import Check, error, note, warning
from veil.doctor.known_holes import AS_OF, HOLES, STALE_DAYS
from veil.doctor.place import Place
from veil.findings import Finding

DISTRIBUTION = "dbt-veil"


def versions_were_tested(place: Place) -> Iterator[Finding]:
    """What is installed lies in the ranges that veil declares and is tested in."""
    wanted, python = declared()
    if not wanted:
        yield note("veil's own metadata is missing, so no version range was checked.")
    for requirement in wanted:
        installed = _parsed(place.version_of(requirement.name))
        if installed is None:
            yield error(f"`{requirement.name}` is not installed.", f"pip install '{requirement}'")
        elif not requirement.specifier.contains(installed, prereleases=True):
            yield warning(
                f"`{requirement.name}` {installed} is outside of what veil was tested with"
                f" ({requirement.specifier}).",
                f"pip install '{requirement}'",
            )
    if python and not SpecifierSet(python).contains(place.python, prereleases=True):
        yield warning(f"Python {place.python} is outside of what veil was tested with ({python}).")


def no_known_hole(place: Place) -> Iterator[Finding]:
    """The list of known_holes.py."""
    for hole in HOLES:
        installed = _parsed(place.version_of(hole.package))
        if installed is None or not any(
            SpecifierSet(range_).contains(installed, prereleases=True) for range_ in hole.affected
        ):
            continue
        kind = error if hole.reaches else warning
        yield kind(
            f"`{hole.package}` {installed} has a known hole, {hole.ids[0]}: {hole.harm}.",
            "Install a newer version"
            + ("." if hole.reaches else ", though veil does not use that part of it."),
        )
    if (place.now.date() - AS_OF).days > STALE_DAYS:
        yield note(
            f"the list of known holes is of {AS_OF.isoformat()}.",
            "Update veil, and run an auditor such as pip-audit in CI.",
        )


def declared(extra: str = "") -> tuple[list[Requirement], str]:
    """veil's own requirements, and its range of Python versions.

    From the installed distribution; in a checkout without one, from pyproject.toml.

    Args:
        extra: whose requirements are meant; those without an extra where it is empty.
    """
    try:
        found = importlib.metadata.distribution(DISTRIBUTION)
        lines, python = found.requires or [], str(found.metadata["Requires-Python"] or "")
    except importlib.metadata.PackageNotFoundError:
        lines, python = _from_checkout(extra)
    wanted = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        # A line without an extra is no marker, or one that holds for all.
        plain, ours = (
            requirement.marker is None or requirement.marker.evaluate({"extra": one})
            for one in ("", extra)
        )
        if ours and (plain == (not extra)):
            wanted.append(requirement)
    return wanted, python


def _from_checkout(extra: str) -> tuple[list[str], str]:
    file = Path(__file__).resolve().parents[3] / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return [], ""
    if project.get("name") != DISTRIBUTION:
        return [], ""
    python = str(project.get("requires-python", ""))
    if not extra:
        return list(project.get("dependencies", [])), python
    lines = project.get("optional-dependencies", {}).get(extra, [])
    return [f"{line}; extra == '{extra}'" for line in lines], python


def _parsed(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None


CHECKS = (
    Check("versions", "versions that veil was tested with", versions_were_tested),
    Check("known_holes", f"known holes, as of {AS_OF.isoformat()}", no_known_hole),
)
