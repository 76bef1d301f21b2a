"""The ledger as `veil init` makes it and `veil keys` keeps it: never begun anew unseen or lost."""

from __future__ import annotations

import json
import secrets
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from ledger_support import budget, cells, draw, events, ledger, line
from veil.cli.main import cli
from veil.errors import VeilError
from veil.keys import DEFAULT_PURPOSES, Keyring, KeyringError, Status
from veil.project import Project
from veil.state import begin_record, create_keyring, load_keyring
from veil.warehouse import ledger_traces
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_keys import kid_of_ledger, settle_ledger
from veil.warehouse.ledger_rows import LedgerError
from veil.warehouse.zones import attach_file, load_crypto

KEK = "DBT_ENV_SECRET_VEIL_LEDGER"
INIT = ("init", "--provider", f"env:{KEK}")


class KilledError(Exception):
    """Stands for SIGKILL."""


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in which nothing was done yet."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(KEK, secrets.token_hex(32))
    return clone(tmp_path / "project")


@pytest.fixture
def project(fresh: Project) -> Project:
    """One whose ledger knows a release, for nine tenths of its budget."""
    done(fresh, *INIT)
    ledger(fresh).declare([budget()])
    ledger(fresh).charge_and_store(draw("1", line("9/10")), cells)
    return fresh


def clone(root: Path, *, anchor: Path | None = None) -> Project:
    root.mkdir()
    more = "" if anchor is None else f'vars:\n  "veil:anchor": {{path: {anchor}}}\n'
    (root / "dbt_project.yml").write_text(f"name: veil\nprofile: veil\n{more}")
    (root / "profiles.example.yml").write_text("veil: {target: dev}\n")
    return Project(root)


def veil(project: Project, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--project-dir", str(project.root)])


def done(project: Project, *arguments: str) -> str:
    """Run a command that must go well; what it printed."""
    result = veil(project, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refused(project: Project, *arguments: str) -> VeilError:
    error = veil(project, *arguments).exception
    assert isinstance(error, VeilError), error
    return error


def published(project: Project, release: str) -> None:
    """A release as an earlier build left it."""
    path = project.published / "research" / "RELEASE.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"tables": [{"name": "a", "release": release}]}))


def spent(project: Project) -> list[Fraction]:
    return [one.spent.loss for one in ledger(project).spent()]


def rotated(project: Project) -> tuple[str, str]:
    """The ledger's key of before, and a pending one."""
    done(project, "keys", "rotate", "--purpose", "ledger")
    ring = load_keyring(project)
    own = {entry.status: entry.kid for entry in ring.entries if entry.purpose == "ledger"}
    return own[Status.PRIMARY], own[Status.PENDING]


def password(project: Project, kid: str) -> str:
    return load_keyring(project).subkey("ledger", "*", use="duckdb", kid=kid)[1].hex()


def opens(project: Project, key: str) -> bool:
    with duckdb.connect(":memory:") as conn:
        load_crypto(conn)
        try:
            attach_file(conn, ledger_file(project), "ledger", password=key)
        except duckdb.Error:
            return False
        return True


def of_an_earlier_version(project: Project) -> None:
    """State without a ledger, and without the keys that it takes."""
    project.state.mkdir(mode=0o700)
    older = [pair for pair in DEFAULT_PURPOSES if pair[0] not in ("ledger", "bounding")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("veil.state.DEFAULT_PURPOSES", older)
        create_keyring(project, kek_ref=f"env:{KEK}", is_encrypted=True, after_loss=False)


# made


def test_init_makes_a_ledger_once_and_says_so(fresh: Project) -> None:
    """Private and recorded; what was spent outlives every further init."""
    first = done(fresh, *INIT)
    ledger(fresh).declare([budget()])
    ledger(fresh).charge_and_store(draw("1", line("9/10")), cells)
    before = ledger_file(fresh).read_bytes()
    again = done(fresh, "init")

    assert "state/ledger.duckdb is new" in first
    assert "state/ledger.duckdb is there already" in again
    assert ledger_file(fresh).stat().st_mode & 0o777 == 0o600
    assert ledger_file(fresh).read_bytes() == before
    assert [one["after_loss"] for one in events(fresh, "ledger.created")] == [False]
    assert spent(fresh) == [Fraction(9, 10)]


def test_a_project_of_an_earlier_version_gets_keys_and_ledger(fresh: Project) -> None:
    """Suppressed releases are no charge; the new keys are named and recorded."""
    of_an_earlier_version(fresh)
    published(fresh, "suppressed")
    with pytest.raises(LedgerError, match=r"does not exist\. Run `veil init`"):
        ledger(fresh).check()
    said = done(fresh, "init")
    ring = load_keyring(fresh)

    for purpose in ("ledger", "bounding"):
        kid = ring.primary(purpose, "*").kid
        assert f"Key {kid} is new: {purpose}, domain *." in said
        assert kid in events(fresh, "keyring.intended")[-1]["kids"]
    assert events(fresh, "keyring.intended")[-1]["reason"] == "key.added"
    assert "state/ledger.duckdb is new" in said
    assert ledger(fresh).spent() == []


def test_a_ledger_beside_a_keyring_without_its_key_names_the_way_out(
    project: Project, tmp_path: Path
) -> None:
    """It was put beside the state of an earlier version."""
    other = clone(tmp_path / "other")
    of_an_earlier_version(other)
    shutil.copy2(ledger_file(project), ledger_file(other))

    with pytest.raises(LedgerError, match=r"no key for the ledger\. Run `veil init`"):
        ledger(other).check()
    assert "another project's" in str(refused(other, "init"))


def test_a_making_that_was_killed_is_finished_by_the_next_init(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the file stands, or after it and before its note."""
    for number, step in enumerate(("put_in_place", "note_done")):
        with monkeypatch.context() as patch:
            patch.setattr(f"veil.warehouse.ledger.{step}", killed)
            assert isinstance(veil(fresh, *INIT).exception, KilledError)
        assert ledger_file(fresh).exists() is bool(number)
    done(fresh, "init")

    assert len(events(fresh, "ledger.created")) == 1
    assert ledger(fresh).spent() == []


def killed(*_arguments: Any, **_more: Any) -> None:
    raise KilledError


# an attacker begins anew


def test_removed_state_beside_published_files_is_not_begun_anew(project: Project) -> None:
    """`rm -rf state` and init again: refused, and nothing is made; the link may be gone too."""
    published(project, "differential")
    shutil.rmtree(project.state)
    assert "RELEASE.json shows" in str(refused(project, *INIT))
    hidden = project.published / ".releases" / "research-0123"
    hidden.parent.mkdir()
    (project.published / "research").rename(hidden)

    assert "RELEASE.json shows" in str(refused(project, *INIT))
    assert not project.keyring.exists()
    assert not ledger_file(project).exists()


def test_a_clone_with_older_state_beside_published_releases_gets_no_ledger(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keys, profile and folders are made all the same; the twin without the search forgets."""
    of_an_earlier_version(fresh)
    published(fresh, "differential")
    error = refused(fresh, "init")
    assert "published/research/RELEASE.json shows earlier releases" in str(error)
    assert "`veil init --after-loss`" in error.remedy
    assert not ledger_file(fresh).exists()
    assert (fresh.root / "profiles.yml").exists()
    assert load_keyring(fresh).primary("ledger", "*")

    with monkeypatch.context() as patch:
        patch.setattr(ledger_traces, "_is_differential", lambda _: False)
        assert "is new" in done(fresh, "init")


@pytest.mark.parametrize("kind", ["folder", "command"])
def test_removed_state_beside_an_anchor_is_not_begun_anew(
    fresh: Project, tmp_path: Path, kind: str
) -> None:
    """Everything but the anchor is gone: it remembers; with the word it is recorded."""
    kept = tmp_path / "anchor"
    kept.mkdir()
    setting = f"{{path: {kept}}}"
    if kind == "command":
        # Two notes of one record have one empty line between them.
        keep = f"{{ test ! -s {kept}/all || echo; cat; }} >> {kept}/all"
        setting = json.dumps(
            {"command": ["sh", "-c", keep], "read": ["sh", "-c", f"cat {kept}/all || true"]}
        )
    config = f'name: veil\nprofile: veil\nvars:\n  "veil:anchor": {setting}\n'
    (fresh.root / "dbt_project.yml").write_text(config)
    done(fresh, *INIT)
    ledger(fresh).declare([budget()])
    ledger(fresh).charge_and_store(draw(), cells)
    for folder in ("state", "warehouse"):
        shutil.rmtree(fresh.root / folder)

    assert "the anchor, which keeps checkpoints already, shows" in str(refused(fresh, *INIT))
    assert not fresh.keyring.exists()
    assert "is new" in done(fresh, *INIT, "--after-loss")
    assert events(fresh, "ledger.created")[0]["after_loss"] is True
    assert events(fresh, "keyring.created")[0]["after_loss"] is True


def test_a_removed_ledger_is_made_anew_only_with_a_word(project: Project) -> None:
    """The record knows what was charged."""
    ledger_file(project).unlink()
    assert "the audit record, which knows charges, shows" in str(refused(project, "init"))
    assert not ledger_file(project).exists()
    done(project, "init", "--after-loss")

    assert [one["after_loss"] for one in events(project, "ledger.created")] == [False, True]
    assert ledger(project).spent() == []


def test_a_ledger_that_the_record_does_not_know_is_taken_only_with_a_word(
    project: Project, tmp_path: Path
) -> None:
    """An older copy, and the ledger of a record that was begun anew: what was spent stays."""
    shutil.copy2(ledger_file(project), tmp_path / "older")
    ledger(project).charge_and_store(draw("2", line("1/10")), cells)
    shutil.copy2(tmp_path / "older", ledger_file(project))
    assert "rolled back" in str(refused(project, "init"))
    assert "is taken as it is" in done(project, "init", "--after-loss")
    begin_record(project)
    assert "knows of no ledger" in str(refused(project, "init"))
    assert "is taken as it is" in done(project, "init", "--after-loss")

    assert [one["known"] for one in events(project, "ledger.accepted")] == [0]
    assert spent(project) == [Fraction(9, 10)]
    assert "is there already" in done(project, "init")


def test_a_ledger_whose_keyring_is_lost_is_kept_beside_the_new_one(project: Project) -> None:
    """No key opens it; it is evidence, and with its keyring it would open again."""
    old, ring = ledger_file(project).read_bytes(), project.keyring.read_bytes()
    project.keyring.unlink()
    assert "shows that this project had a keyring" in str(refused(project, *INIT))
    for number in (1, 2):
        said = done(project, *INIT, "--after-loss")
        assert f"kept as state/ledger.closed-{number}.duckdb" in said
        assert ledger(project).spent() == []
        project.keyring.unlink()

    assert (project.state / "ledger.closed-1.duckdb").read_bytes() == old
    assert ring not in {path.read_bytes() for path in project.state.glob("*.json")}


# its key


def test_a_rotation_takes_the_ledger_along(project: Project) -> None:
    """With `promote` the file is under the new key; the former one opens nothing and can go."""
    former, new = rotated(project)
    key = password(project, former)
    assert opens(project, key)
    assert "written anew under it" in done(project, "keys", "promote", new)

    assert not opens(project, key)
    assert opens(project, password(project, new))
    assert spent(project) == [Fraction(9, 10)]
    assert [one["kid"] for one in events(project, "ledger.rekeyed")] == [new]
    done(project, "keys", "retire", former)
    done(project, "keys", "destroy", former, "--yes")
    assert spent(project) == [Fraction(9, 10)]


def test_a_promotion_killed_between_file_and_keyring_is_repeated(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is under a pending key, which opens; that key is not stopped meanwhile."""
    former, new = rotated(project)
    with monkeypatch.context() as patch:
        patch.setattr("veil.cli.keys.change_keyring", killed)
        assert isinstance(veil(project, "keys", "promote", new).exception, KilledError)
    assert load_keyring(project).entry(new).status is Status.PENDING
    assert kid_of_ledger(project, load_keyring(project)) == new
    assert spent(project) == [Fraction(9, 10)]
    assert f"veil keys promote {new}" in refused(project, "keys", "disable", new).remedy
    done(project, "keys", "promote", new)

    assert load_keyring(project).primary("ledger", "*").kid == new
    assert len(events(project, "ledger.rekeyed")) == 1
    done(project, "keys", "disable", former)


def test_an_emergency_would_end_such_a_promotion_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the pending key, and the ledger with it, would be thrown away as a stray."""
    _, new = rotated(project)
    with monkeypatch.context() as patch:
        patch.setattr("veil.cli.keys.change_keyring", killed)
        veil(project, "keys", "promote", new)
    settle_ledger(project, load_keyring(project))

    assert load_keyring(project).entry(new).status is Status.PRIMARY
    assert spent(project) == [Fraction(9, 10)]


@pytest.mark.parametrize("encrypted", [True, False])
def test_the_key_that_the_ledger_is_under_is_neither_disabled_nor_destroyed(
    fresh: Project, encrypted: bool
) -> None:
    """With the way out, and no change; also where only its rows' seal hangs on the key."""
    done(fresh, *INIT, *([] if encrypted else ["--no-encryption"]))
    kid = load_keyring(fresh).primary("ledger", "*").kid
    before = fresh.keyring.read_bytes()
    error = refused(fresh, "keys", "disable", kid)
    assert f"is under key {kid}" in error.message
    assert "veil keys rotate --purpose ledger" in error.remedy
    assert isinstance(refused(fresh, "keys", "destroy", kid, "--yes"), KeyringError)

    assert fresh.keyring.read_bytes() == before
    assert ledger(fresh).spent() == []


def test_a_ledger_put_back_under_its_former_key_keeps_that_key(
    project: Project, tmp_path: Path
) -> None:
    """From a backup: no retirement strands it, and `veil init` brings it along."""
    shutil.copy2(ledger_file(project), tmp_path / "backup")
    former, new = rotated(project)
    done(project, "keys", "promote", new)
    shutil.copy2(tmp_path / "backup", ledger_file(project))
    for command in ("retire", "disable"):
        assert "Run `veil init`" in refused(project, "keys", command, former).remedy
    # It is older than the record knows, by the row that said the new key.
    done(project, "init", "--after-loss")
    done(project, "keys", "retire", former)
    shutil.copy2(tmp_path / "backup", ledger_file(project))

    assert "nobody can tell" in str(refused(project, "keys", "destroy", former, "--yes"))


def test_without_the_provider_a_key_of_the_ledger_is_not_disabled_blindly(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell whether the file is under it; other keys are stopped at once."""
    ring = load_keyring(project)
    before = project.keyring.read_bytes()
    monkeypatch.delenv(KEK)
    error = refused(project, "keys", "disable", ring.primary("ledger", "*").kid)

    assert "nobody can tell now" in str(error)
    assert project.keyring.read_bytes() == before
    done(project, "keys", "disable", ring.primary("bounding", "*").kid)


def test_a_key_of_no_ledger_can_go(project: Project) -> None:
    """Without a file nothing is under it; one that was never promoted neither."""
    _, pending = rotated(project)
    done(project, "keys", "disable", pending)
    done(project, "keys", "destroy", pending, "--yes")
    ledger_file(project).unlink()
    done(project, "keys", "disable", load_keyring(project).primary("ledger", "*").kid)

    assert {e.status for e in Keyring.load(project.keyring).entries if e.purpose == "ledger"} == {
        Status.DISABLED,
        Status.DESTROYED,
    }


def test_a_refusal_names_no_key_material(project: Project) -> None:
    """Ids and paths alone."""
    kid = load_keyring(project).primary("ledger", "*").kid
    text = str(refused(project, "keys", "disable", kid))

    assert password(project, kid) not in text
    assert load_keyring(project).material(load_keyring(project).entry(kid)).hex() not in text


def test_init_between_the_two_steps_of_a_rotation_harms_nothing(project: Project) -> None:
    """It puts the ledger under the pending key, which opens."""
    former, new = rotated(project)
    done(project, "init")
    assert kid_of_ledger(project, load_keyring(project)) == new
    done(project, "keys", "promote", new)

    done(project, "keys", "retire", former)
    assert spent(project) == [Fraction(9, 10)]
