"""After anything that dbt can do, good or bad, no file in clear holds a person or a key.

Two searches look: the artefact scanner, and a plain search for bytes that shares no code with it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

import pytest

from harness import DbtProject
from processes import Builds
from veil.findings import Level
from veil.pseudonyms.mac import Pseudonymiser
from veil.warehouse.artifacts import scan_project

pytestmark = pytest.mark.project

LEFTOVERS = ("target", "logs", "published", "state", "warehouse")
CANARY = "918-27-3645"


def canaries(project: DbtProject) -> set[bytes]:
    """Values of direct identifiers that occur nowhere by chance."""
    with (project.root / "seeds" / "seed_w2.csv").open(newline="") as file:
        ssns = {row["ssn"].encode() for row in csv.DictReader(file)}
    with (project.root / "seeds" / "seed_census.csv").open(newline="") as file:
        streets = {row["street_address"].encode() for row in csv.DictReader(file)}
    return {value for value in ssns | streets if len(value) > 9} | {CANARY.encode()}


def told_by_bytes(project: DbtProject) -> set[str]:
    pattern = re.compile(b"|".join(re.escape(one) for one in sorted(canaries(project))))
    return {
        path.name
        for name in LEFTOVERS
        for path in (project.root / name).rglob("*")
        if path.is_file() and pattern.search(path.read_bytes())
    }


def told_by_scanner(project: DbtProject) -> list[str]:
    return [one.message for one in scan_project(project.veil) if one.level is Level.ERROR]


def plant(project: DbtProject) -> None:
    """A person of our own in the seed that pseudonyms are made of."""
    file = project.root / "seeds" / "seed_social_security.csv"
    lines = file.read_text().splitlines()
    column = lines[0].split(",").index("ssn")
    cells = next(csv.reader([lines[1]]))
    cells[column] = CANARY
    lines[1] = ",".join(cells)
    file.write_text("\n".join(lines) + "\n")


def green(project: DbtProject, _patch: pytest.MonkeyPatch) -> None:
    assert project.dbt("build").ok


def red(project: DbtProject, _patch: pytest.MonkeyPatch) -> None:
    project.replace("models/raw/_raw.yml", "data_type: varchar", "data_type: integer")
    assert not project.dbt("build").ok


def debug(project: DbtProject, _patch: pytest.MonkeyPatch) -> None:
    assert project.dbt("debug").ok


def show(project: DbtProject, _patch: pytest.MonkeyPatch) -> None:
    assert not project.dbt("show", "--select", "raw_social_security").ok


def docs(project: DbtProject, _patch: pytest.MonkeyPatch) -> None:
    assert project.dbt("docs", "generate", "--static").ok


def crash(project: DbtProject, patch: pytest.MonkeyPatch) -> None:
    """A function that falls over and names the value that it fell over."""

    def broken(self: Pseudonymiser, values: object, **_more: object) -> object:
        raise RuntimeError(f"cannot do {list(values)[:5]} {CANARY}")  # type: ignore[call-overload]

    patch.setattr(Pseudonymiser, "tokens", broken)
    outcome = project.dbt("build")
    assert not outcome.ok
    assert "no value is shown" in outcome.text
    assert CANARY not in outcome.text


EVENTS: tuple[Callable[[DbtProject, pytest.MonkeyPatch], None], ...] = (
    green,
    red,
    debug,
    show,
    docs,
    crash,
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_nothing_is_left_in_clear(
    project: DbtProject,
    monkeypatch: pytest.MonkeyPatch,
    event: Callable[[DbtProject, pytest.MonkeyPatch], None],
) -> None:
    """Both searches find nothing after each of them."""
    plant(project)
    with monkeypatch.context() as patch:
        event(project, patch)

    assert told_by_bytes(project) == set()
    assert told_by_scanner(project) == []


def test_nothing_is_left_by_a_killed_build(project: DbtProject) -> None:
    """Killed while it writes: before the scan that ends a build, so nobody has looked yet."""
    plant(project)
    builds = Builds(project)
    try:
        for moment in (1.0, 2.0, 3.0):
            builds.run("build", kill_after=moment)
    finally:
        builds.close()

    assert told_by_bytes(project) == set()
    assert told_by_scanner(project) == []


def test_without_the_guard_of_functions_the_crash_is_found(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: where the text of a function's error is passed on, both searches find it."""
    plant(project)

    def broken(self: Pseudonymiser, values: object, **_more: object) -> object:
        raise RuntimeError(f"cannot do {CANARY}")

    def bare(conn: object, name: str, function: object, parameters: object, result: str) -> None:
        conn.create_function(  # type: ignore[attr-defined]
            name, function, parameters, result, type="arrow", null_handling="special"
        )

    with monkeypatch.context() as patch:
        patch.setattr(Pseudonymiser, "tokens", broken)
        patch.setattr("veil.warehouse.functions._register", bare)
        patch.setattr("veil.warehouse.cursors.safe_message", lambda error, sql: str(error))
        assert not project.dbt("build").ok

    assert "dbt.log" in told_by_bytes(project)
    assert any(".ssn`" in message for message in told_by_scanner(project))
