"""The doctor's look at keyring and record."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from doctor_support import found, good_place
from keys_support import REF

from ledger_support import budget, cells, draw
from veil.doctor import Place
from veil.emergency_plan import begin
from veil.findings import Level
from veil.keys import promote, rotate
from veil.state import change_keyring, create_keyring, load_keyring, load_state
from veil.warehouse.ledger import Ledger, create_ledger
from veil.warehouse.ledger_file import ledger_file


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project with a real keyring and record."""
    monkeypatch.setenv(REF.removeprefix("env:"), secrets.token_hex(32))
    good = good_place(tmp_path)
    good.project.keyring.unlink()
    create_keyring(good.project, kek_ref=REF, is_encrypted=True, after_loss=False)
    return good


def anchored(place: Place, setting: str) -> None:
    with (place.root / "dbt_project.yml").open("a") as file:
        file.write(f'vars:\n  "veil:anchor": {setting}\n')


def test_a_sound_record_is_fine(place: Place) -> None:
    """Keyring and record agree."""
    assert found(place, "record") == []


def test_a_rolled_back_keyring_is_found(place: Place, tmp_path: Path) -> None:
    """An older copy of the keyring is an error."""
    shutil.copy2(place.project.keyring, tmp_path / "old")
    keyring = load_keyring(place.project)
    rotate(keyring, "pseudonym", "*")
    change_keyring(place.project, keyring, "key.added")
    shutil.copy2(tmp_path / "old", place.project.keyring)
    (one,) = found(place, "record")

    assert "rolled back" in one.message


def test_a_record_without_anchor_is_said(place: Place, tmp_path: Path) -> None:
    """No anchor, one that cannot be read back, one that can."""
    (none,) = found(place, "anchor")
    anchored(place, "{command: [logger]}")
    (deaf,) = found(place, "anchor")
    text = (place.root / "dbt_project.yml").read_text()
    (place.root / "dbt_project.yml").write_text(
        text.replace("{command: [logger]}", f"{{path: {tmp_path}}}")
    )

    assert "copied nowhere" in none.message
    assert "cannot be read back" in deaf.message
    assert found(place, "anchor") == []


def test_a_key_past_its_window_is_found(place: Place) -> None:
    """Active after its end: stale; inside its window, and about to end: said with the days."""
    keyring = load_keyring(place.project)
    kid = rotate(keyring, "pseudonym", "*").kid
    promote(keyring, kid, window_days=1, at=datetime.now(UTC) - timedelta(days=2))
    change_keyring(place.project, keyring, "key.promoted", kids=[kid])
    kid = rotate(keyring, "receipt", "*").kid
    promote(keyring, kid, window_days=5)
    change_keyring(place.project, keyring, "key.promoted", kids=[kid])
    stale, soon = found(place, "key_dates")

    assert "is over" in stale.message
    assert "ends in 4 days" in soon.message


def test_an_emergency_that_was_not_finished_is_found(place: Place) -> None:
    """Some keys are new and some old: it has to be run again."""
    keyring, keeper = load_state(place.project)
    begin(keeper, keyring, with_perturbation=False)
    (found_one,) = found(place, "record")

    assert "emergency" in found_one.message


def test_a_ledger_is_looked_at(place: Place) -> None:
    """None yet is a note, a sound one is fine, one that others can read is an error."""
    (none,) = found(place, "ledger")
    create_ledger(place.project, *load_state(place.project), after_loss=True)
    sound = found(place, "ledger")
    ledger_file(place.project).chmod(0o640)
    (exposed,) = found(place, "ledger")

    assert (none.level, none.remedy) == (Level.NOTE, "Run `veil init`.")
    assert sound == []
    assert exposed.level is Level.ERROR
    assert "`state/ledger.duckdb` is open to other users" in exposed.message
    assert str(place.root) not in f"{exposed.message}{exposed.remedy}"


def test_a_ledger_that_does_not_hold_is_found(place: Place, tmp_path: Path) -> None:
    """Put back, gone although something was charged, or under a key that is not the newest."""
    project = place.project
    create_ledger(project, *load_state(project), after_loss=True).declare([budget()])
    shutil.copy2(ledger_file(project), tmp_path / "older")
    Ledger(project, *load_state(project)).charge_and_store(draw(), cells)
    newest = ledger_file(project).read_bytes()
    shutil.copy2(tmp_path / "older", ledger_file(project))
    (older,) = found(place, "ledger")
    ledger_file(project).unlink()
    (gone,) = found(place, "ledger")
    ledger_file(project).write_bytes(newest)
    ledger_file(project).chmod(0o600)
    keyring = load_keyring(project)
    promote(keyring, rotate(keyring, "ledger", "*").kid, window_days=None)
    change_keyring(project, keyring, "key.promoted")
    (former,) = found(place, "ledger")

    assert "rolled back" in older.message
    assert "is gone, and the audit record knows" in gone.message
    assert [one.level for one in (older, gone, former)] == [Level.ERROR, Level.ERROR, Level.WARNING]
    assert "is under the former key" in former.message
