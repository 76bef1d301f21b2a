"""The doctor on secrets that stand in clear."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_support import PROFILE, PROJECT, found, good_place, levels, write

from veil.findings import as_json, as_sarif, as_text

RULES = ("secret_in_clear", "secret_exposed", "env_file", "key_in_project")


@pytest.mark.parametrize("rule", RULES)
def test_a_project_without_secrets_passes(tmp_path: Path, rule: str) -> None:
    """Plain YAML and a key in the home folder raise nothing."""
    assert found(good_place(tmp_path), rule) == []


@pytest.mark.parametrize(
    "line",
    [
        'password: "{value}"',
        "api_key: {value}",
        "encryption_key: {value}",
        'vars: {{"my_salt": "{value}"}}',
        "vars: {{deep: {{er: {{auth_token: {value}}}}}}}",
        "+token: {value}",
        "password: \"{{{{ env_var('PW', '{value}') }}}}\"",
    ],
)
def test_a_named_secret_in_clear_is_an_error(tmp_path: Path, line: str) -> None:
    """Passwords, keys, salts and tokens are found by name, however deep, also as a default."""
    place = good_place(tmp_path)
    value = secrets.token_urlsafe(9)
    write(place.root / "dbt_project.yml", PROJECT + line.format(value=value) + "\n")
    (one,) = found(replace(place), "secret_in_clear")

    assert (one.level.value, one.file) == ("error", "dbt_project.yml")
    assert one.line == len(PROJECT.splitlines()) + 1
    assert all(value not in form([one]) for form in (as_text, as_json, as_sarif))


@pytest.mark.parametrize("form", ["hex", "base64"])
def test_key_material_is_found_under_any_name(tmp_path: Path, form: str) -> None:
    """32 bytes in a usual encoding are a key, whatever they are called."""
    place = good_place(tmp_path)
    raw = secrets.token_bytes(32)
    value = raw.hex() if form == "hex" else base64.b64encode(raw).decode()
    write(place.root / "dbt_project.yml", f'{PROJECT}vars: {{"harmless": "{value}"}}\n')
    write(place.root / "models/_models.yml", f"# {value}\n")
    findings = found(replace(place), "secret_in_clear")

    assert [one.file for one in findings] == ["dbt_project.yml", "models/_models.yml"]
    assert value not in as_text(findings)


@pytest.mark.parametrize(
    "line",
    [
        "password: \"{{ env_var('DBT_ENV_SECRET_PW') }}\"",
        'password: "<your password>"',
        "token_column: person_token",
        "allow_persistent_secrets: false",
        f"sha256: {'0a' * 32}",
        "attach: [{path: a.duckdb, secret: name_of_a_secret}]",
        "secret_name: mine",
    ],
)
def test_what_is_no_secret_passes(tmp_path: Path, line: str) -> None:
    """References, placeholders, switches, checksums and names of secrets are no secrets."""
    place = good_place(tmp_path)
    write(place.root / "dbt_project.yml", f"{PROJECT}{line}\n")

    assert found(replace(place), "secret_in_clear") == []


def test_a_profile_outside_the_project_is_checked_and_not_named(tmp_path: Path) -> None:
    """The profiles.yml that dbt reads counts, wherever it is; its path is not printed."""
    place = good_place(tmp_path)
    (place.root / "profiles.yml").unlink()
    write(tmp_path / "home/.dbt/profiles.yml", PROFILE + "      password: hunter2\n")
    text = as_text(found(replace(place), "secret_in_clear"))

    assert "profiles.yml (outside the project)" in text
    assert str(tmp_path) not in text
    assert "hunter2" not in text


def test_broken_yaml_is_an_error(tmp_path: Path) -> None:
    """What cannot be read was not checked, and that is said."""
    place = good_place(tmp_path)
    write(place.root / "profiles.yml", "a: [")

    assert levels(replace(place), "secret_in_clear") == ["error"]


@pytest.mark.parametrize(
    ("variable", "level"), [("PLAIN_PW", "error"), ("DBT_ENV_SECRET_PW", "warning")]
)
def test_secrets_from_the_environment_weigh_by_their_name(
    tmp_path: Path, variable: str, level: str
) -> None:
    """A plain variable lands in target/; a secret one in the profile can be printed by a model."""
    place = good_place(tmp_path)
    write(
        place.root / "profiles.yml",
        f"{PROFILE}      password: \"{{{{ env_var('{variable}') }}}}\"\n",
    )

    assert levels(replace(place), "secret_exposed") == [level]


@pytest.mark.parametrize(
    ("name", "line", "mode", "level"),
    [
        (".env", "DBT_ENV_SECRET_VEIL={value}", 0o600, ["warning"]),
        (".env", "export DB_PASSWORD='{value}'", 0o644, ["error"]),
        (".env.example", "DB_PASSWORD={value}", 0o644, ["error"]),
        (".env.example", "DB_PASSWORD=", 0o644, []),
        (".env", "# DB_PASSWORD={value}", 0o644, []),
        (".env", "THREADS=4", 0o644, []),
    ],
)
def test_env_files(tmp_path: Path, name: str, line: str, mode: int, level: list[str]) -> None:
    """A secret in .env is a warning, in one that others read or that is shared an error."""
    place = good_place(tmp_path)
    value = secrets.token_urlsafe(9)
    write(place.root / name, line.format(value=value) + "\n", mode=mode)
    findings = found(place, "env_file")

    assert [one.level.value for one in findings] == level
    assert value not in as_text(findings)


@pytest.mark.parametrize("inside", [True, False])
def test_the_key_belongs_outside_the_project(tmp_path: Path, inside: bool) -> None:
    """A key file in the project's folder is an error, one beside it is not."""
    place = good_place(tmp_path)
    folder = place.root if inside else tmp_path
    place.project.keyring.write_text(f'{{"entries": [{{"kek_ref": "file:{folder}/a.kek"}}]}}')

    assert levels(place, "key_in_project") == (["error"] if inside else [])
