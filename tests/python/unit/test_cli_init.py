"""`veil init`, `veil keys` and `veil show` as a user meets them."""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from veil.audit.record import Record
from veil.cli.main import cli, main
from veil.errors import UsageError, VeilError
from veil.keys import Keyring
from veil.project import Project

VARIABLE = "DBT_ENV_SECRET_VEIL_CLI"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(VARIABLE, secrets.token_hex(32))
    root = tmp_path / "project"
    root.mkdir()
    (root / "dbt_project.yml").write_text("name: veil\nprofile: veil\n")
    (root / "profiles.example.yml").write_text("veil: {target: dev}\n")
    return root


def veil(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--project-dir", str(root)], catch_exceptions=True)


def test_init_makes_keyring_profile_and_folders(root: Path) -> None:
    """A fresh project gets a private keyring, a key file away from it, a profile, and a record."""
    result = veil(root, "init")
    project = Project(root)

    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(project.keyring.stat().st_mode) == 0o600
    assert stat.S_IMODE(project.warehouse.stat().st_mode) == 0o700
    assert (root / "profiles.yml").read_bytes() == (root / "profiles.example.yml").read_bytes()
    key_files = list((root.parent / "home" / ".config" / "veil").iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in key_files] == [0o600]
    assert [entry.event for entry in Record.open(project.audit).events()] == [
        "record.began",
        "keyring.created",
        "keyring.saved",
        "ledger.intended",
        "ledger.created",
    ]


def test_init_is_safe_to_repeat(root: Path) -> None:
    """A second `veil init` changes no byte of keyring, profile or key file."""
    veil(root, "init")
    before = {path: path.read_bytes() for path in root.parent.rglob("*") if path.is_file()}

    result = veil(root, "init")

    assert result.exit_code == 0
    assert {path: path.read_bytes() for path in root.parent.rglob("*") if path.is_file()} == before


def test_init_keeps_a_profile_of_the_user(root: Path) -> None:
    """An existing profiles.yml is never touched."""
    (root / "profiles.yml").write_text("mine: {}\n")

    veil(root, "init")

    assert (root / "profiles.yml").read_text() == "mine: {}\n"


@pytest.mark.parametrize(
    "trace",
    ["published/research/RELEASE.json", "warehouse/marts.duckdb", "state/audit/record.jsonl"],
)
def test_init_makes_no_new_state_over_old(root: Path, trace: str) -> None:
    """Where files show an earlier keyring, a new one is refused, with the two ways out."""
    (root / trace).parent.mkdir(parents=True)
    (root / trace).write_text("{}")
    (root / trace).parent.chmod(0o700)
    (root / "state").mkdir(exist_ok=True)
    (root / "state").chmod(0o700)

    result = veil(root, "init")

    assert isinstance(result.exception, VeilError)
    assert trace in str(result.exception)
    assert "--after-loss" in str(result.exception)
    assert not Project(root).keyring.exists()


def test_init_after_loss_is_recorded(root: Path) -> None:
    """The explicit way out works, and the record says that it was taken."""
    (root / "published" / "research").mkdir(parents=True)
    (root / "published" / "research" / "RELEASE.json").write_text("{}")

    result = veil(root, "init", "--after-loss")
    entry = Record.open(Project(root).audit).last("keyring.created")

    assert result.exit_code == 0, result.output
    assert entry is not None
    assert entry.details["after_loss"] is True


def test_no_encryption_is_explicit_and_recorded(root: Path) -> None:
    """`--no-encryption` makes a keyring without zone keys; the record says so."""
    veil(root, "init", "--no-encryption")
    project = Project(root)
    purposes = {entry.purpose for entry in Keyring.load(project.keyring).entries}
    entry = Record.open(project.audit).last("keyring.created")

    assert "zone" not in purposes
    assert entry is not None
    assert entry.details["encrypted"] is False


def test_env_provider_takes_only_secret_variables(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that dbt would hand to a model is refused; nothing is left behind."""
    monkeypatch.setenv("VEIL_KEK", secrets.token_hex(32))

    result = veil(root, "init", "--provider", "env:VEIL_KEK")

    assert isinstance(result.exception, VeilError)
    assert "DBT_ENV_SECRET_" in str(result.exception)
    assert not Project(root).keyring.exists()


def test_env_provider_works(root: Path) -> None:
    """A variable with the right name serves, and its value stands in no file."""
    import os

    result = veil(root, "init", "--provider", f"env:{VARIABLE}")
    value = os.environ[VARIABLE]

    assert result.exit_code == 0, result.output
    assert Keyring.load(Project(root).keyring).entries
    assert not [
        path for path in root.rglob("*") if path.is_file() and value.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (f"env:{VARIABLE}", f"env:{VARIABLE}"),
        (f"passphrase:{VARIABLE}", f"passphrase:{VARIABLE}"),
        ("file:~/kek/one", "file:{home}/kek/one"),
    ],
)
def test_init_is_safe_to_repeat_with_its_provider(root: Path, first: str, again: str) -> None:
    """The same place may be named in other words."""
    veil(root, "init", "--provider", first)
    result = veil(root, "init", "--provider", again.format(home=root.parent / "home"))

    assert result.exit_code == 0, result.output
    assert "is there already" in result.output


@pytest.mark.parametrize(
    "other", ["env:DBT_ENV_SECRET_OTHER", "file:~/kek", f"passphrase:{VARIABLE}", "vault:a/b"]
)
def test_init_does_not_pass_another_provider_by(
    root: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keyring would stay under the old key, and nobody would know: refused, with the way."""
    monkeypatch.setenv("DBT_ENV_SECRET_OTHER", secrets.token_hex(32))
    veil(root, "init", "--provider", f"env:{VARIABLE}")
    before = Project(root).keyring.read_bytes()

    refused = veil(root, "init", "--provider", other).exception

    assert isinstance(refused, UsageError)
    assert "veil keys rewrap --to URI" in refused.remedy
    assert Project(root).keyring.read_bytes() == before
    assert not (root.parent / "home" / "kek").exists()


def test_init_elsewhere_prints_the_lines_to_paste(root: Path) -> None:
    """In a consumer's project nothing of theirs is written; the lines to paste are printed."""
    (root / "dbt_project.yml").write_text("name: lakeside\nprofile: lakeside\n")
    (root / "profiles.example.yml").unlink()

    result = veil(root, "init")

    assert "module: veil.plugin" in result.output
    assert "veil.check_model()" in result.output and "veil.gate_model()" in result.output
    assert "lakeside:" in result.output
    assert not (root / "profiles.yml").exists()


def test_keys_list_shows_no_material(root: Path) -> None:
    """`veil keys list --json` names every key and nothing of what it is."""
    veil(root, "init")
    keyring = Keyring.load(Project(root).keyring)

    listed = json.loads(veil(root, "keys", "list", "--json").output)
    text = veil(root, "keys", "list").output

    assert {key["kid"] for key in listed["keys"]} == {entry.kid for entry in keyring.entries}
    assert not any("wrapped" in key for key in listed["keys"])
    for entry in keyring.entries:
        if entry.purpose != "keyring-mac":
            assert keyring.material(entry).hex() not in text + json.dumps(listed)


def test_keys_verify_finds_an_edited_keyring(root: Path) -> None:
    """One changed byte in the keyring is found."""
    veil(root, "init")
    assert veil(root, "keys", "verify").exit_code == 0
    path = Project(root).keyring
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(bytes(raw))

    assert isinstance(veil(root, "keys", "verify").exception, VeilError)


def test_show_without_releases_says_what_to_do(root: Path) -> None:
    """Before the first build `veil show` names the command that publishes."""
    assert "dbt build" in veil(root, "show").output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["nonsense"], 2),
        (["init", "--nonsense"], 2),
        (["keys", "list", "--project-dir", "/"], 3),
    ],
)
def test_exit_codes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """0 fine, 2 usage, 3 cannot run; an error is one line on standard error."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)

    assert stop.value.code == code
    if code == 3:
        assert capsys.readouterr().err.count("\n") == 1


def test_every_command_has_help_with_an_example() -> None:
    """Each command's help ends in an example."""
    commands = [cli, *cli.commands.values(), *cli.commands["keys"].commands.values()]  # type: ignore[attr-defined]

    assert all("Example:" in (command.help or "") for command in commands)
