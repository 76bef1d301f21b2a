"""The doctor on the dbt profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from doctor_support import PROFILE, found, good_place, levels, write

from veil.doctor.profile import WEAK_SETTINGS

RULES = ("profile", "profile_files", "profile_settings", "profile_outward")
HARMLESS = dict.fromkeys(WEAK_SETTINGS, "false") | {
    "temp_file_encryption": "true",
    "lock_configuration": "true",
    "custom_extension_repository": "''",
    "autoinstall_extension_repository": "''",
    "allowed_directories": "[]",
    "allowed_paths": "[]",
    "log_query_path": "''",
    "profiling_output": "''",
}
WEAKENING = dict.fromkeys(WEAK_SETTINGS, "true") | {
    "temp_file_encryption": "false",
    "lock_configuration": '"off"',
    "allowed_directories": "[a]",
}


@pytest.mark.parametrize("rule", RULES)
def test_the_profile_of_the_readme_passes(tmp_path: Path, rule: str) -> None:
    """The lines that `veil init` prints raise nothing."""
    assert found(good_place(tmp_path), rule) == []


@pytest.mark.parametrize(
    ("rule", "lines", "level"),
    [
        ("profile_files", "attach: [{path: other.duckdb}]", "error"),
        ("profile_files", "database: md:cloud", "error"),
        ("profile_settings", "settings: {memory_limit: 1GB}", "error"),
        ("profile_settings", "disable_transactions: true", "error"),
        ("profile_settings", "keep_open: false", "note"),
        ("profile_outward", "filesystems: [{fs: s3}]", "error"),
        ("profile_outward", "remote: {host: a}", "error"),
        ("profile_outward", "motherduck_token: a", "error"),
        ("profile_outward", "use_credential_provider: aws", "error"),
        ("profile_outward", "secrets: [{type: s3}]", "warning"),
        ("profile_outward", "extensions: [spatial]", "warning"),
        ("profile_outward", "module_paths: [lib]", "warning"),
    ],
)
def test_a_line_that_opens_a_door_is_found(
    tmp_path: Path, rule: str, lines: str, level: str
) -> None:
    """Each is found by the one check that is for it."""
    place = good_place(tmp_path)
    write(place.root / "profiles.yml", f"{PROFILE}      {lines}\n")
    place = replace(place)

    assert levels(place, rule) == [level]
    assert all(found(place, other) == [] for other in RULES if other != rule)


@pytest.mark.parametrize("option", sorted(WEAK_SETTINGS))
def test_a_setting_that_weakens_is_an_error_and_its_opposite_is_none(
    tmp_path: Path, option: str
) -> None:
    """Every listed setting is judged by its value."""
    place = good_place(tmp_path)
    seen = []
    for value in (WEAKENING[option], HARMLESS[option]):
        text = f"{PROFILE}      config_options: {{{option}: {value}}}\n"
        write(place.root / "profiles.yml", text)
        seen.append(levels(replace(place), "profile_settings"))

    assert seen == [["error"], []]


def test_a_database_file_in_clear_is_an_error_in_any_target(tmp_path: Path) -> None:
    """dbt's usual `path` writes everything unencrypted, also in a target that nobody uses today."""
    place = good_place(tmp_path)
    other = "    old:\n      type: duckdb\n      path: dev.duckdb\n"
    write(place.root / "profiles.yml", PROFILE + other)
    (one,) = found(replace(place), "profile_files")

    assert one.level.value == "error"
    assert "`old`" in one.message


def test_plugins_beside_veil_are_a_warning_and_a_config_of_veil_an_error(tmp_path: Path) -> None:
    """Foreign code sees every zone; a plugin's config is printable."""
    place = good_place(tmp_path)
    more = "          config: {a: 1}\n        - module: gsheet\n"
    write(place.root / "profiles.yml", PROFILE + more)

    assert levels(replace(place), "profile_outward") == ["error", "warning"]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        (PROFILE.replace("veil.plugin", "excel"), "error"),
        (PROFILE.replace("demo:", "another:"), "error"),
        ("- a list", "error"),
        (None, "warning"),
    ],
)
def test_a_profile_that_does_not_load_veil_is_said(
    tmp_path: Path, text: str | None, level: str
) -> None:
    """No plugin, no such profile, no mapping, no file: never a silent pass."""
    place = good_place(tmp_path)
    if text is None:
        (place.root / "profiles.yml").unlink()
    else:
        write(place.root / "profiles.yml", text)

    assert levels(replace(place), "profile") == [level]


def test_the_folder_in_the_environment_comes_first(tmp_path: Path) -> None:
    """DBT_PROFILES_DIR decides which file is checked, as it does for dbt."""
    place = good_place(tmp_path)
    write(tmp_path / "elsewhere/profiles.yml", PROFILE.replace(":memory:", "dev.duckdb"))
    place = replace(place, environ={"DBT_PROFILES_DIR": str(tmp_path / "elsewhere")})

    assert levels(place, "profile_files") == ["error"]
