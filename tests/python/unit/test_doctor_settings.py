"""The doctor on dbt's flags, on packages and on versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from doctor_support import LOCK, PROJECT, VERSIONS, edit, found, good_place, levels, write
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from veil.doctor import versions
from veil.doctor.known_holes import AS_OF, HOLES, STALE_DAYS

RULES = (
    "telemetry",
    "store_failures",
    "run_start",
    "dbt_flags",
    "dbt_packages",
    "python_lock",
    "known_holes",
)
COMMIT = "a" * 40


@pytest.mark.parametrize("rule", RULES)
def test_a_careful_project_passes(tmp_path: Path, rule: str) -> None:
    """Flags set, packages pinned, versions new."""
    assert found(good_place(tmp_path), rule) == []


@pytest.mark.parametrize(
    ("rule", "old", "new", "level"),
    [
        ("telemetry", "send_anonymous_usage_stats: false", "printer_width: 80", "warning"),
        ("telemetry", "stats: false", "stats: true", "warning"),
        ("store_failures", "+store_failures: false", "+enabled: true", "warning"),
        ("store_failures", "+store_failures: false", "demo: {+store_failures: true}", "error"),
        ("store_failures", "flags:", "flags:\n  store_failures: true", "error"),
        ("run_start", "skip_nodes_if_on_run_start_fails: true", "printer_width: 80", "note"),
        ("dbt_flags", "flags:", "flags:\n  debug: true", "warning"),
        ("dbt_flags", "flags:", "flags:\n  log_level: debug", "warning"),
        ("dbt_flags", "flags:", "flags:\n  version_check: false", "warning"),
        ("dbt_flags", "flags:", "flags:\n  log_file_max_bytes: 0", "warning"),
        (
            "dbt_flags",
            "flags:",
            "flags:\n  require_explicit_package_overrides_for_builtin_materializations: false",
            "error",
        ),
    ],
)
def test_a_loose_flag_is_found(tmp_path: Path, rule: str, old: str, new: str, level: str) -> None:
    """Each flag by the check that is for it."""
    assert levels(edit(good_place(tmp_path), "dbt_project.yml", old, new), rule) == [level]


@pytest.mark.parametrize(("name", "level"), [("aaa", "error"), ("zebra", "note")])
def test_a_package_whose_hook_runs_before_ours_makes_the_flag_needed(
    tmp_path: Path, name: str, level: str
) -> None:
    """dbt skips veil's hook after a failed one of a package that comes earlier in the alphabet."""
    place = good_place(tmp_path)
    write(place.root / f"dbt_packages/{name}/dbt_project.yml", f'name: {name}\non-run-start: "a"\n')
    with_flag = levels(replace(place), "run_start")
    write(place.root / "dbt_project.yml", PROJECT.replace("skip_nodes", "# skip_nodes"))

    assert with_flag == []
    assert levels(replace(place), "run_start") == [level]


@pytest.mark.parametrize(
    ("package", "without_lock", "with_lock"),
    [
        (f"git: a/b.git, revision: {COMMIT}", [], []),
        ("git: a/b.git, revision: 1.2.0", ["warning"], []),
        ("git: a/b.git, revision: main", ["error"], ["error"]),
        ("git: a/b.git", ["error"], ["error"]),
        ("package: dbt-labs/dbt_utils, version: 1.3.0", [], []),
        ("package: dbt-labs/dbt_utils, version: ['>=1.0.0', '<2.0.0']", ["warning"], []),
        ("tarball: a.tgz, name: c", ["warning"], ["warning"]),
    ],
)
def test_dbt_packages_need_a_pin(
    tmp_path: Path, package: str, without_lock: list[str], with_lock: list[str]
) -> None:
    """A commit or an exact version is a pin; a branch never is; the lock mends the rest."""
    place = good_place(tmp_path)
    write(place.root / "packages.yml", f"packages:\n  - {{{package}}}\n")
    before = levels(place, "dbt_packages")
    write(place.root / "package-lock.yml", "packages: []\n")

    assert before == [*without_lock, "warning"], "the missing lock is said too"
    assert levels(place, "dbt_packages") == with_lock


def test_a_local_package_needs_no_lock(tmp_path: Path) -> None:
    """What lies in the same repository is reviewed with it."""
    place = good_place(tmp_path)
    write(place.root / "packages.yml", "packages:\n  - {local: ../other}\n")

    assert found(place, "dbt_packages") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "duckdb>=1\n"),
        ("requirements.lock", "duckdb==1.5.5\n"),
        ("requirements.lock", LOCK.replace("1.5.5", "1.5.4")),
        ("uv.lock", '[[package]]\nname = "duckdb"\nversion = "1.5.4"\n'),
    ],
)
def test_a_lock_that_does_not_hold_is_a_warning(tmp_path: Path, name: str, text: str) -> None:
    """Ranges only, no hashes, or another version than the installed one."""
    place = good_place(tmp_path)
    (place.root / "requirements.lock").unlink()
    write(place.root / name, text)

    assert levels(place, "python_lock") == ["warning"]


def test_a_version_outside_the_tested_range_is_a_warning(tmp_path: Path) -> None:
    """Older, newer and missing are told apart; the range comes from veil's own metadata."""
    place = good_place(tmp_path)
    wanted, python = versions.declared()
    right = {one.name: _inside(one.specifier) for one in wanted}
    fine = replace(place, version_of=right.get)
    newer = replace(place, version_of={**right, "duckdb": "99.0"}.get)
    missing = replace(place, version_of={**right, "duckdb": None}.get)

    assert python
    assert levels(fine, "versions") == []
    assert levels(newer, "versions") == ["warning"]
    assert levels(missing, "versions") == ["error"]
    assert levels(replace(fine, python="3.8.1"), "versions") == ["warning"]


def _inside(specifier: SpecifierSet) -> str:
    """The lowest version that a range names itself."""
    named = [one.version for one in specifier if one.operator in {"==", ">="}]
    return named[0] if named else "1"


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: f"{hole.package}-{hole.ids[0]}")
def test_each_known_hole_is_noticed_and_its_end_is_none(tmp_path: Path, hole: object) -> None:
    """A version below the fixed one has the hole, the fixed one has it no more."""
    from veil.doctor.known_holes import Hole

    assert isinstance(hole, Hole)
    place = good_place(tmp_path)
    for text in hole.affected:
        (end,) = [one.version for one in SpecifierSet(text) if one.operator == "<"]
        start = [one.version for one in SpecifierSet(text) if one.operator == ">="]
        bad = start[0] if start else "0.0.1"
        for version, expected in ((bad, True), (end, False)):
            at = replace(place, version_of={hole.package: version}.get)
            names = [hole.ids[0] in one.message for one in found(at, "known_holes")]

            assert any(names) is expected, version


def test_the_locked_versions_have_no_known_hole(tmp_path: Path) -> None:
    """What veil's own lock installs is past every hole in the list."""
    root = Path(__file__).parents[3]
    pins = {}
    for line in (root / "requirements.lock").read_text().splitlines():
        name, mark, rest = line.partition("==")
        if mark and not line.startswith((" ", "#")):
            pins[name.split("[")[0]] = rest.split(" ")[0]
    place = replace(good_place(tmp_path), version_of=pins.get)

    assert {hole.package for hole in HOLES} <= set(pins)
    assert found(place, "known_holes") == []
    assert all(Version(pins[name]) for name in VERSIONS)


def test_an_old_list_says_so(tmp_path: Path) -> None:
    """Half a year later nobody may take silence for safety."""
    place = good_place(tmp_path)
    late = place.now.replace(year=AS_OF.year, month=AS_OF.month, day=AS_OF.day)
    late += timedelta(days=STALE_DAYS + 1)

    assert levels(replace(place, now=late), "known_holes") == ["note"]
