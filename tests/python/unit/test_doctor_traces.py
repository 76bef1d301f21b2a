"""The doctor on git, on the machine, and on what a build leaves behind."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from doctor_support import (
    CLEAR_FILE,
    IGNORED,
    SEALED_FILE,
    found,
    git,
    good_place,
    levels,
    write,
)

from veil.doctor.leftovers import DAYS, LOG_BYTES

RULES = (
    "git_ignored",
    "git_tracked",
    "git_history",
    "core_dumps",
    "swap",
    "zones_in_clear",
    "database_in_clear",
    "spill_files",
    "half_release",
    "log_retention",
)


@pytest.mark.parametrize("rule", RULES)
def test_a_clean_project_in_git_passes(tmp_path: Path, rule: str) -> None:
    """Ignored, never committed, nothing left behind."""
    place = good_place(tmp_path, with_git=True)
    git(place.root, "add", ".")
    git(place.root, "commit", "--quiet", "-m", "first")

    assert found(place, rule) == []


@pytest.mark.parametrize("line", IGNORED.split())
def test_what_git_does_not_ignore_is_found(tmp_path: Path, line: str) -> None:
    """Each of the private places is asked about; a commented line ignores nothing."""
    place = good_place(tmp_path, with_git=True)
    write(place.root / ".gitignore", IGNORED.replace(line, f"#{line}"))
    (one,) = found(place, "git_ignored")

    assert line.strip("/") in one.message
    assert one.level.value == ("warning" if line in {"/published/", "profiles.yml"} else "error")


def test_a_tracked_keyring_is_an_error_though_it_is_ignored(tmp_path: Path) -> None:
    """A rule in .gitignore does nothing for what git already holds."""
    place = good_place(tmp_path, with_git=True)
    git(place.root, "add", "--force", "state/keyring.json")

    assert levels(place, "git_ignored") == []
    assert levels(place, "git_tracked") == ["error"]


def test_a_keyring_in_the_history_is_an_error_on_any_branch(tmp_path: Path) -> None:
    """Removed is not gone."""
    place = good_place(tmp_path, with_git=True)
    git(place.root, "add", "--force", "state/keyring.json")
    git(place.root, "commit", "--quiet", "-m", "oops")
    git(place.root, "checkout", "--quiet", "--orphan", "other")
    git(place.root, "rm", "--quiet", "--cached", "state/keyring.json")
    git(place.root, "add", ".gitignore")
    git(place.root, "commit", "--quiet", "-m", "clean")

    assert levels(place, "git_tracked") == []
    assert levels(place, "git_history") == ["error"]


def test_a_project_without_git_says_that_nothing_was_checked(tmp_path: Path) -> None:
    """One note, no false alarm."""
    place = good_place(tmp_path)

    assert [levels(place, rule) for rule in RULES[:3]] == [["note"], [], []]


def test_core_dumps_and_swap_are_said(tmp_path: Path) -> None:
    """Memory that may reach a disk: dumps are a warning, swap is a note."""
    place = good_place(tmp_path)

    assert levels(replace(place, core_pattern="|/usr/bin/handler %p"), "core_dumps") == ["warning"]
    assert levels(replace(place, swap=True), "swap") == ["note"]
    assert levels(replace(place, swap=None), "swap") == ["note"]


def test_a_zone_in_clear_is_an_error_unless_it_was_chosen(tmp_path: Path) -> None:
    """The file's header decides; a keyring without zone keys makes it a choice."""
    place = good_place(tmp_path)
    place.project.zone_file("marts").write_bytes(CLEAR_FILE)
    by_accident = levels(place, "zones_in_clear")
    place.project.keyring.write_text('{"entries": [{"purpose": "receipt"}]}')

    assert by_accident == ["error"]
    assert levels(place, "zones_in_clear") == ["warning"]


@pytest.mark.parametrize("name", ["dev.duckdb", "target/scratch.duckdb", "warehouse/old.duckdb"])
def test_a_database_in_clear_is_a_warning(tmp_path: Path, name: str) -> None:
    """A plain file is found, an encrypted one is not, nor a file that only has the name."""
    place = good_place(tmp_path)
    file = write(place.root / name, "no database")
    neither = levels(place, "database_in_clear")
    file.write_bytes(SEALED_FILE)
    sealed = levels(place, "database_in_clear")
    file.write_bytes(CLEAR_FILE)

    assert (neither, sealed) == ([], [])
    assert levels(place, "database_in_clear") == ["warning"]


def test_a_log_of_a_database_in_clear_is_a_warning(tmp_path: Path) -> None:
    """The write-ahead log of an encrypted zone is encrypted as well."""
    place = good_place(tmp_path)
    write(place.root / "warehouse/marts.duckdb.wal", "")
    of_a_zone = levels(place, "database_in_clear")
    write(place.root / "dev.duckdb.wal", "")

    assert of_a_zone == []
    assert levels(place, "database_in_clear") == ["warning"]


def test_spill_files_are_left_over_only_when_no_build_runs(tmp_path: Path) -> None:
    """A lock on a zone means a build; without the list of locks an hour decides."""
    place = good_place(tmp_path)
    spill = write(place.root / "warehouse/spill/duckdb_temp_storage_0.tmp", "")
    zone = place.project.zone_file("marts").stat().st_ino
    running = replace(place, locks=f"1: POSIX  ADVISORY  WRITE 42 fd:01:{zone} 0 EOF\n")
    fresh = replace(place, locks=None)
    os.utime(spill, (0, 0))

    assert levels(place, "spill_files") == ["warning"]
    assert levels(running, "spill_files") == []
    assert levels(fresh, "spill_files") == ["warning"]


@pytest.mark.parametrize(
    "path",
    ["published/.releases/.board-2.part/a", "published/.releases/board-0/a", "state/.veil-1.tmp"],
)
def test_what_a_killed_publication_left_is_a_warning(tmp_path: Path, path: str) -> None:
    """Half a release, a release without a reader, a temporary file."""
    place = good_place(tmp_path)
    write(place.root / path, "")

    assert levels(place, "half_release") == ["warning"]


def test_old_and_big_logs_are_a_warning(tmp_path: Path) -> None:
    """A log counts from its first run, whatever was appended today."""
    place = good_place(tmp_path)
    day = (datetime.now(UTC) - timedelta(days=DAYS + 2)).strftime("%Y-%m-%d")
    log = write(place.root / "logs/dbt.log", f"\n====== {day} 10:00:00.1 | a ======\n")
    old = levels(place, "log_retention")
    write(log, "")
    fresh = levels(place, "log_retention")
    with log.open("r+b") as file:
        file.truncate(LOG_BYTES + 1)

    assert (old, fresh) == (["warning"], [])
    assert levels(place, "log_retention") == ["warning"]


def test_an_old_artefact_is_a_warning(tmp_path: Path) -> None:
    """target/ keeps the compiled SQL of models that are long gone."""
    place = good_place(tmp_path)
    file = write(place.root / "target/run/gone.sql", "")
    then = (datetime.now(UTC) - timedelta(days=DAYS + 2)).timestamp()
    os.utime(file, (then, then))

    assert levels(place, "log_retention") == ["warning"]
