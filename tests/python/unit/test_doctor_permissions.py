"""The doctor on who may read and write what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from doctor_support import RELEASE, found, good_place, levels, write

RULES = (
    "state_permissions",
    "warehouse_permissions",
    "published_permissions",
    "code_permissions",
    "project_readable",
    "umask",
)


@pytest.mark.parametrize("rule", RULES)
def test_a_closed_project_passes(tmp_path: Path, rule: str) -> None:
    """Modes as `veil init` and a build make them raise nothing."""
    assert found(good_place(tmp_path), rule) == []


@pytest.mark.parametrize("path", ["state", "state/keyring.json"])
def test_state_that_others_may_read_is_an_error(tmp_path: Path, path: str) -> None:
    """An open folder or an open keyring is found, with the command that closes it."""
    place = good_place(tmp_path)
    (place.root / path).chmod(0o755)
    (one,) = found(place, "state_permissions")

    assert (one.level.value, one.file) == ("error", path)
    assert "chmod" in one.remedy


def test_a_linked_keyring_is_an_error(tmp_path: Path) -> None:
    """A keyring that is a link may stand anywhere."""
    place = good_place(tmp_path)
    elsewhere = write(tmp_path / "keyring.json", "{}", mode=0o600)
    place.project.keyring.unlink()
    place.project.keyring.symlink_to(elsewhere)

    assert levels(place, "state_permissions") == ["error"]


def test_a_missing_keyring_is_a_warning(tmp_path: Path) -> None:
    """A project that was never set up is said to be so."""
    place = good_place(tmp_path)
    place.project.keyring.unlink()

    assert levels(place, "state_permissions") == ["warning"]


def test_an_open_zone_weighs_by_its_folder(tmp_path: Path) -> None:
    """Inside a closed warehouse an open file is a warning; in an open one it is an error."""
    place = good_place(tmp_path)
    place.project.zone_file("marts").chmod(0o644)
    inside = levels(place, "warehouse_permissions")
    place.project.warehouse.chmod(0o755)

    assert inside == ["warning"]
    assert levels(place, "warehouse_permissions") == ["error", "error"]


def test_a_release_that_everybody_may_write_is_an_error(tmp_path: Path) -> None:
    """Reading a release is what it is for, writing it is not."""
    place = good_place(tmp_path)
    (place.root / RELEASE / "RELEASE.json").chmod(0o664)
    by_group = levels(place, "published_permissions")
    (place.root / RELEASE / "RELEASE.json").chmod(0o666)

    assert by_group == ["warning"]
    assert levels(place, "published_permissions") == ["error"]


@pytest.mark.parametrize("path", ["profiles.yml", "macros/own.sql", "dbt_project.yml"])
def test_code_that_everybody_may_write_is_an_error(tmp_path: Path, path: str) -> None:
    """A macro or a profile that others may change runs their code in the build."""
    place = good_place(tmp_path)
    write(place.root / "macros/own.sql", "")
    (place.root / path).chmod(0o666)

    assert [one.file for one in found(place, "code_permissions")] == [path]


def test_many_loose_files_make_a_short_list(tmp_path: Path) -> None:
    """Ten are named, the rest are counted."""
    place = good_place(tmp_path)
    for number in range(15):
        write(place.root / f"macros/m{number}.sql", "", mode=0o666)
    messages = [one.message for one in found(place, "code_permissions")]

    assert len(messages) == 11
    assert messages[-1].startswith("5 more")


def test_a_project_that_everybody_may_enter_is_a_warning(tmp_path: Path) -> None:
    """Open down to the project means open; one closed folder above it is enough."""
    place = good_place(tmp_path)
    place.root.chmod(0o755)
    above = [folder for folder in place.root.parents if not folder.stat().st_mode & 0o001]
    expected = [] if above else ["warning"]

    assert levels(place, "project_readable") == expected


def test_the_folder_above_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule looks at every folder above, and at the project's own mode."""
    place = good_place(tmp_path)
    place.root.chmod(0o755)
    real = Path.stat

    def open_above(path: Path, **more: bool) -> object:
        found_stat = real(path, **more)
        return type(
            "Stat", (), {"st_mode": found_stat.st_mode | 0o001 | (0o004 * (path == place.root))}
        )

    monkeypatch.setattr(Path, "stat", open_above)

    assert levels(place, "project_readable") == ["warning"]


@pytest.mark.parametrize(("umask", "level"), [(0o000, "warning"), (0o022, "note"), (None, "note")])
def test_a_loose_umask_is_said(tmp_path: Path, umask: int | None, level: str) -> None:
    """World-writable files are a warning, world-readable ones a note."""
    assert levels(replace(good_place(tmp_path), umask=umask), "umask") == [level]
