"""`veil keys` as somebody meets it on a good day and on a bad one."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from keys_support import spellings

from veil.cli.keys import ON_PROMOTION, WITHOUT_IT, keys
from veil.cli.main import cli
from veil.errors import EXIT_CANNOT_RUN, EXIT_USAGE, VeilError
from veil.keys import Keyring, KeyringError, Status
from veil.keys.entry import ALGORITHMS
from veil.project import Project
from veil.state import change_keyring

ONE, TWO = "DBT_ENV_SECRET_KEYS_ONE", "DBT_ENV_SECRET_KEYS_TWO"
ROTATE = ("rotate", "--purpose", "pseudonym")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in (ONE, TWO):
        monkeypatch.setenv(name, secrets.token_hex(32))
    root = tmp_path / "project"
    root.mkdir()
    (root / "dbt_project.yml").write_text("name: veil\nprofile: veil\n")
    (root / "profiles.example.yml").write_text("veil: {target: dev}\n")
    made = CliRunner().invoke(cli, ["init", "--provider", f"env:{ONE}", "--project-dir", str(root)])
    assert made.exit_code == 0, made.output
    return root


def veil(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments, "--project-dir", str(root)])


def done(root: Path, *arguments: str) -> str:
    result = veil(root, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refused(root: Path, *arguments: str) -> VeilError:
    before = Project(root).keyring.read_bytes()
    error = veil(root, *arguments).exception
    assert isinstance(error, VeilError), error
    assert Project(root).keyring.read_bytes() == before
    return error


def ring_of(root: Path) -> Keyring:
    return Keyring.load(Project(root).keyring)


def pending_of(root: Path) -> str:
    return next(e.kid for e in ring_of(root).entries if e.status is Status.PENDING)


def primary_of(root: Path, purpose: str = "pseudonym") -> str:
    return ring_of(root).primary(purpose, "*").kid


def test_a_whole_life_from_rotate_to_destroy(root: Path) -> None:
    """Each step by its command; each says what it changed and what comes next."""
    old = primary_of(root)
    said = done(root, *ROTATE)
    new = pending_of(root)
    assert f"Key {new} is pending" in said and f"veil keys promote {new}" in said
    said = done(root, "promote", new, "--window", "0")
    assert "every pseudonym under it is another" in said and f"veil keys retire {old}" in said
    assert f"Key {old} is stale" in done(root, "list")
    said = done(root, "retire", old)
    assert said.index(WITHOUT_IT["pseudonym"]) < said.index("is disabled")
    said = done(root, "destroy", old, "--yes")

    assert said.index(WITHOUT_IT["pseudonym"]) < said.index("is destroyed")
    assert ring_of(root).entry(old).status is Status.DESTROYED
    assert primary_of(root) == new
    assert "keys unwrap" in done(root, "verify")


def test_a_pseudonym_key_has_a_window_of_thirty_days_and_others_no_end(root: Path) -> None:
    """Unless `--window` says so."""
    for purpose in ("pseudonym", "receipt"):
        old = primary_of(root, purpose)
        done(root, "rotate", "--purpose", purpose)
        done(root, "promote", pending_of(root))
        end = ring_of(root).entry(old).not_after
        if purpose == "receipt":
            assert end is None
        else:
            assert end is not None
            left = datetime.fromisoformat(end) - datetime.now(UTC)
            assert timedelta(days=29) < left <= timedelta(days=30)

    assert "open until" in str(refused(root, "retire", next(
        e.kid for e in ring_of(root).entries
        if e.status is Status.ACTIVE and e.purpose == "pseudonym"
    )))  # fmt: skip


def test_a_key_that_changes_published_numbers_says_so(root: Path) -> None:
    """Before and when it happens."""
    said = done(root, "rotate", "--purpose", "perturbation")
    assert "published numbers change" in said

    assert "published numbers change" in done(root, "promote", pending_of(root))


def test_a_zone_key_is_left_to_the_commands_that_know_its_file(root: Path) -> None:
    """Neither step is taken by hand."""
    error = refused(root, "rotate", "--purpose", "zone", "--domain", "marts")
    assert error.exit_code == EXIT_USAGE
    assert "veil keys reencrypt" in str(error) and "veil keys emergency" in str(error)
    ring = ring_of(root)
    kid = ring.add("zone", "marts").kid
    change_keyring(Project(root), ring, "key.added", kids=[kid])

    assert refused(root, "promote", kid).exit_code == EXIT_USAGE


def test_destroy_without_yes_says_what_would_be_lost_and_stops(root: Path) -> None:
    """Exit code 2, and the key is still there."""
    kid = primary_of(root, "token")
    assert "cannot become destroyed" in str(refused(root, "destroy", kid))
    done(root, "disable", kid)
    error = refused(root, "destroy", kid)

    assert error.exit_code == EXIT_USAGE
    assert WITHOUT_IT["token"] in str(error) and "--yes" in str(error)
    assert ring_of(root).entry(kid).wrapped


def test_disable_works_without_the_provider_and_says_what_that_leaves_open(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emergency stop on the worst day; repeated later, it is sealed."""
    kid = primary_of(root)
    with monkeypatch.context() as patch:
        patch.delenv(ONE)
        said = done(root, "disable", kid)
        assert WITHOUT_IT["pseudonym"] in said and "Repeat the command" in said
    assert ring_of(root).unsealed == (kid,)
    assert f"`veil keys disable {kid}` seals it" in done(root, "list")
    said = done(root, "disable", kid)

    assert "Repeat the command" not in said
    assert ring_of(root).unsealed == ()


def test_disable_works_while_the_record_is_gone(root: Path) -> None:
    """The key stops, and the exit code says that this is not recorded."""
    kid = primary_of(root)
    Project(root).record.unlink()
    result = veil(root, "disable", kid)

    assert isinstance(result.exception, VeilError)
    assert f"key {kid} is disabled, and that is not recorded" in str(result.exception)
    assert ring_of(root).unsealed == (kid,)


def test_the_key_that_signs_the_record_is_not_disabled_before_its_successor(root: Path) -> None:
    """Rotated first, it can be; and every step stands in a record that verifies."""
    kid = primary_of(root, "audit")
    error = refused(root, "disable", kid)
    assert error.exit_code == EXIT_USAGE and "rotate --purpose audit" in str(error)
    done(root, "rotate", "--purpose", "audit")
    done(root, "promote", pending_of(root))
    done(root, "disable", kid)
    done(root, "destroy", kid, "--yes")

    assert ring_of(root).entry(kid).status is Status.DESTROYED
    assert "keys unwrap" in done(root, "verify")


@pytest.mark.parametrize("command", ["promote", "retire", "disable", "destroy"])
def test_an_unknown_key_and_that_of_the_seal_are_refused(root: Path, command: str) -> None:
    """A value in place of a kid is not repeated."""
    assert "123-45-6789" not in str(refused(root, command, "123-45-6789"))
    mac = next(e.kid for e in ring_of(root).entries if e.purpose == "keyring-mac")

    assert isinstance(refused(root, command, mac), KeyringError)


def test_rewrap_moves_every_key_and_says_when_the_old_one_may_go(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one variable to another, then to a key file that it makes; no old one is needed."""
    material = ring_of(root).subkey("pseudonym", "person", "mac")
    said = done(root, "rewrap", "--to", f"env:{TWO}")
    assert f"environment variable `{TWO}`" in said
    assert f"environment variable `{ONE}` still opens older copies" in said
    monkeypatch.delenv(ONE)
    assert ring_of(root).subkey("pseudonym", "person", "mac") == material
    said = done(root, "rewrap", "--to", "file:~/.config/veil/new.kek")
    monkeypatch.delenv(TWO)

    assert "new.kek" in said
    assert ring_of(root).subkey("pseudonym", "person", "mac") == material
    assert "keys unwrap" in done(root, "verify")


def test_rewrap_under_a_key_that_is_not_there_changes_nothing(root: Path) -> None:
    """And a key that somebody pastes in place of a reference is not repeated."""
    pasted = secrets.token_hex(32)
    for ref in ("env:DBT_ENV_SECRET_NOT_SET", pasted, f"env:{pasted}", "nonsense:x"):
        error = refused(root, "rewrap", "--to", ref)
        assert error.exit_code == EXIT_CANNOT_RUN
        assert pasted not in str(error)


def test_list_shows_ends_and_ages_in_words_and_for_a_machine(root: Path) -> None:
    """Days left of a window; keys that are old."""
    old = primary_of(root)
    done(root, *ROTATE)
    done(root, "promote", pending_of(root), "--window", "10")
    body = json.loads(done(root, "list", "--json"))
    rows = {row["kid"]: row for row in body["keys"]}

    assert rows[old]["status"] == "active"
    assert rows[old]["days_left"] == 9
    assert rows[primary_of(root)]["not_after"] is None
    assert body["notes"] == []
    assert "days_left" in done(root, "list").splitlines()[1]


def test_list_says_what_to_do_about_old_and_ending_keys(root: Path) -> None:
    """A primary that ends within two weeks, and one that is older than asked for."""
    ring = ring_of(root)
    end = datetime.now(UTC) + timedelta(days=3)
    kid = ring.add("pseudonym", "person", Status.PRIMARY, not_after=end).kid
    change_keyring(Project(root), ring, "key.added", kids=[kid])
    said = done(root, "list")

    assert f"Key {kid} ends on" in said
    assert "older than" not in said


def test_no_command_shows_material(root: Path) -> None:
    """The whole output of a life, and what the commands take: an id, never a key."""
    ring = ring_of(root)
    known = [ring._unwrap(entry) for entry in ring.entries]
    kid = primary_of(root)
    said = [
        done(root, *ROTATE),
        done(root, "promote", pending_of(root)),
        done(root, "disable", kid),
    ]
    said += [done(root, "list"), done(root, "list", "--json"), done(root, "verify")]
    said += [done(root, "destroy", kid, "--yes"), done(root, "rewrap", "--to", f"env:{TWO}")]
    text = "\n".join(said)

    assert not any(part in text for secret in known for part in spellings(secret))
    assert not any(part in text for e in ring.entries for part in spellings(e.wrapped))
    given = {p.name for command in keys.commands.values() for p in command.params}
    assert given <= {
        "project", "as_json", "max_age", "purpose", "domain", "kid", "window", "yes", "ref",
        *(p.name for name, c in keys.commands.items() if name not in MINE for p in c.params),
    }  # fmt: skip


MINE = {"list", "verify", "rotate", "promote", "retire", "disable", "destroy", "rewrap"}


def test_every_purpose_says_what_its_key_is_needed_for() -> None:
    """A new purpose cannot be added without its sentences."""
    purposes = set(ALGORITHMS) - {"keyring-mac"}

    assert set(WITHOUT_IT) == purposes
    assert set(ON_PROMOTION) == purposes - {"zone"}
    assert set(keys.commands) >= MINE
    assert all("Example:" in (command.help or "") for command in keys.commands.values())
