"""New keys for zones, and for everything after a leak: nothing is lost, no old key is left."""

from __future__ import annotations

import base64
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from click.testing import CliRunner, Result

from harness import KEK, DbtProject
from ledger_support import budget, cells, draw, ledger, line
from veil.audit.record import Record
from veil.cli.main import cli
from veil.cli.rekey import emergency, reencrypt
from veil.differential.budgets import BudgetSpentError
from veil.emergency_plan import PERTURBATION, PURPOSES, pending_emergency
from veil.errors import VeilError
from veil.keys import Keyring, Status, promote, rotate
from veil.keys.entry import MAC_PURPOSE, USABLE
from veil.project import ZONES
from veil.recording import open_keeper
from veil.state import change_keyring, load_keyring
from veil.warehouse.content import content_of
from veil.warehouse.emergency import respond
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_rows import LedgerError
from veil.warehouse.receipts import valid_receipts
from veil.warehouse.zone_rotation import reencrypt as reencrypt_zones
from veil.warehouse.zones import attach_file, load_crypto, zone_password

pytestmark = pytest.mark.project


def run(command: click.Command, project: DbtProject, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--project-dir", str(project.root)])


def done(command: click.Command, project: DbtProject, *arguments: str) -> str:
    """Run a command that must go well; what it printed."""
    result = run(command, project, *arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def published(project: DbtProject) -> dict[str, bytes]:
    folder = project.root / "published" / "research"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def content(project: DbtProject) -> dict[str, Any]:
    """Every table of every zone, with what is said of it."""
    with project.connect(read_only=True) as conn:
        tables = conn.execute(
            "select database_name, schema_name, table_name, comment from duckdb_tables()"
            " where database_name not in ('system', 'temp', 'memory') order by all"
        ).fetchall()
        columns = conn.execute(
            "select database_name, schema_name, table_name, column_name, data_type, comment"
            " from duckdb_columns() where not internal order by all"
        ).fetchall()
        hashes = {
            name[:3]: content_of(conn, ".".join(f'"{part}"' for part in name[:3]))
            for name in tables
        }
    return {"tables": tables, "columns": columns, "hashes": hashes}


def live(ring: Keyring, purpose: str, domain: str) -> list[str]:
    return [
        entry.kid
        for entry in ring.entries
        if (entry.purpose, entry.domain) == (purpose, domain) and entry.status in USABLE
    ]


# zones


def test_reencrypted_zones_hold_what_they_held(project: DbtProject) -> None:
    """Tables, comments, views and receipts are the same; the one key of each zone is new."""
    with project.connect() as conn:
        conn.execute("comment on table pseudonymized.main.psn_wic is 'kept'")
        conn.execute("comment on column pseudonymized.main.psn_wic.age is 'kept too'")
        conn.execute("create view pseudonymized.main.seen as from pseudonymized.main.psn_wic")
    before, old = content(project), load_keyring(project.veil)

    text = done(reencrypt, project)

    ring = load_keyring(project.veil)
    assert content(project) == before
    for zone in ZONES:
        (kid,) = live(ring, "zone", zone)
        assert old.entry(old.primary("zone", zone).kid).kid != kid
        assert kid in text
    assert all(
        ring.entry(old.primary("zone", zone).kid).status is Status.DESTROYED for zone in ZONES
    )
    assert project.rows("select count(*) > 0 from pseudonymized.main.seen") == [(True,)]
    assert project.dbt("build", "--select", "psn_wic+").ok


def test_old_copy_of_a_zone_opens_with_the_old_key_alone(project: DbtProject) -> None:
    """What backups hold is not touched, and says so; the new file is none of the old key's."""
    file = project.veil.zone_file("identified")
    old_file, old_ring = file.read_bytes(), project.veil.keyring.read_bytes()
    done(reencrypt, project, "identified")
    new_file = file.read_bytes()
    file.write_bytes(old_file)

    with pytest.raises(VeilError, match="does not open with the key"):
        project.rows("select 1")

    file.write_bytes(new_file)
    project.veil.keyring.write_bytes(old_ring)
    with pytest.raises(VeilError, match="does not open with the key"):
        project.rows("select 1")


def test_zone_that_was_swapped_before_its_key_was_promoted_opens(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between the two steps: everything reads the zone, and the next run finishes."""
    before = content(project)

    def stop(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("veil.warehouse.zone_rotation.promote", stop)
        list(reencrypt_zones(project.veil, load_keyring(project.veil), ["marts"]))
    ring = load_keyring(project.veil)
    pending = [entry.kid for entry in ring.entries if entry.status is Status.PENDING]

    assert content(project) == before
    assert project.dbt("build", "--select", "psn_wic+").ok
    (finished,) = reencrypt_zones(project.veil, load_keyring(project.veil), ["marts"])
    assert [finished.kid] == pending
    assert live(load_keyring(project.veil), "zone", "marts") == pending


def test_zone_whose_key_was_promoted_before_its_file_opens(project: DbtProject) -> None:
    """The other order, as another program might do it: the file is still under the active key."""
    ring = load_keyring(project.veil)
    promote(ring, rotate(ring, "zone", "marts").kid, window_days=None)
    change_keyring(project.veil, ring, "key.promoted")
    before = content(project)
    primary = ring.primary("zone", "marts").kid

    (finished,) = reencrypt_zones(project.veil, load_keyring(project.veil), ["marts"])

    assert finished.kid == primary
    assert content(project) == before
    assert live(load_keyring(project.veil), "zone", "marts") == [primary]


HOLDER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Another process has the file open, as DuckDB does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline()
        yield
        process.communicate("")


def test_zone_in_use_is_left_alone(project: DbtProject) -> None:
    """While a build has the zone open nothing is changed; afterwards it goes on."""
    file = project.veil.zone_file("pseudonymized")
    before = file.read_bytes()
    with held(file):
        refused = run(reencrypt, project, "pseudonymized")

    assert "in use by another process" in str(refused.exception)
    assert file.read_bytes() == before
    done(reencrypt, project, "pseudonymized")
    assert file.read_bytes() != before


def test_full_disk_leaves_the_zone_as_it_was(project: DbtProject) -> None:
    """The copy does not fit: the old file stands, no part of the new one is left."""
    file = project.veil.zone_file("identified")
    before, held_before = content(project), file.stat().st_ino
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size // 2, limits[1]))
    try:
        refused = run(reencrypt, project, "identified")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "stays under its present key" in str(refused.exception)
    assert file.stat().st_ino == held_before
    assert not list(project.veil.warehouse.glob(".*"))
    assert content(project) == before
    done(reencrypt, project, "identified")
    assert content(project) == before


# receipts


def test_receipt_counts_as_long_as_its_key_does(project: DbtProject) -> None:
    """Primary and active keys vouch; a disabled one, and one that the row makes up, do not."""
    ring = load_keyring(project.veil)
    marts = len(project.graph().marts)
    old = ring.primary("receipt", "*").kid
    promote(ring, rotate(ring, "receipt", "*").kid, window_days=None)
    with project.connect() as conn:
        assert len(valid_receipts(conn, ring)) == marts
        ring.set_status(old, Status.DISABLED)
        assert valid_receipts(conn, ring) == {}

        zone = ring.primary("zone", "marts").kid
        conn.execute(f"update marts.veil.receipts set mac = replace(mac, '{old}', '{zone}')")
        assert valid_receipts(conn, load_keyring(project.veil)) == {}


# everything


def secrets_of(ring: Keyring) -> list[bytes]:
    """The material of every key but that of the seal, and the zones' passwords, as text and raw."""
    raw = [
        ring.material(entry)
        for entry in ring.entries
        if entry.status in USABLE and entry.purpose not in (MAC_PURPOSE, "perturbation")
    ]
    raw += [bytes.fromhex(zone_password(ring, zone) or "") for zone in ZONES]
    wrapped = [entry.wrapped for entry in ring.entries if entry.purpose != "perturbation"]
    found = [*raw, *wrapped]
    return found + [form(one) for one in found for form in (_hex, base64.b64encode)]


def _hex(data: bytes) -> bytes:
    return data.hex().encode()


def files_with(project: DbtProject, needles: list[bytes]) -> set[str]:
    return {
        str(path.relative_to(project.root))
        for path in project.root.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    }


def test_emergency_replaces_every_key_and_changes_no_number(project: DbtProject) -> None:
    """Old keys are in no file any more, the map is gone, and the next builds publish the same."""
    before, ring = published(project), load_keyring(project.veil)
    old = {entry.kid for entry in ring.entries if entry.purpose != "perturbation"}
    needles = secrets_of(ring)
    assert files_with(project, needles) == {"state/keyring.json"}, "the search finds them"

    answer = json.loads(done(emergency, project, "--json"))

    ring = load_keyring(project.veil)
    assert set(answer["destroyed"]) == old
    assert all(ring.entry(kid).status is Status.DESTROYED for kid in old)
    assert all(live(ring, entry.purpose, entry.domain) for entry in ring.entries)
    assert files_with(project, needles) == set()
    assert project.rows("select 1 from duckdb_tables() where table_name = 'rekey'") == []
    assert project.dbt("build", "--select", "psn_census+").ok
    assert published(project) == before
    assert project.dbt("build").ok
    assert published(project) == before


def test_emergency_says_what_a_holder_of_the_old_keys_can_do(project: DbtProject) -> None:
    """Copies of zones, extracts, receipts, checkpoints: by name in JSON, in full as text."""
    text = done(emergency, project)
    remains = json.loads(done(emergency, project, "--json"))["remains"]

    assert {one["id"] for one in remains} >= {
        "zone_copies",
        "old_pseudonyms",
        "forged_receipts",
        "forged_checkpoints",
        "key_encryption_key",
        "perturbation",
    }
    for one in remains:
        assert f"  - {one['text']}\n" in text
    assert "dbt build" in text


def test_perturbation_is_replaced_only_when_asked(project: DbtProject) -> None:
    """Its key moves dates: without the word it stays, with it the shifted dates are others."""
    dates = "select ssn_key, event_on from pseudonymized.main.psn_social_security order by all"
    former = load_keyring(project.veil).primary("perturbation", "*").kid
    done(emergency, project)
    assert load_keyring(project.veil).primary("perturbation", "*").kid == former
    before = project.rows(dates)

    done(emergency, project, "--with-perturbation")
    assert project.dbt("build", "--select", "psn_social_security").ok

    ring = load_keyring(project.veil)
    assert ring.entry(former).status is Status.DESTROYED
    assert [one for one, _ in project.rows(dates)] != [one for one, _ in before]
    moved = "select event_on from pseudonymized.main.psn_social_security order by all"
    assert project.rows(moved) != sorted((day,) for _one, day in before)


def test_emergency_puts_everything_under_another_key_encryption_key(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--to` the old key-encryption key opens nothing of the new keyring."""
    ref = f"file:{project.root.parent / (project.root.name + '.kek')}"
    done(emergency, project, "--to", ref)
    monkeypatch.delenv(KEK)

    ring = load_keyring(project.veil)
    assert {e.kek_ref for e in ring.entries if e.status is not Status.DESTROYED} == {ref}
    assert project.dbt("build", "--select", "psn_wic+").ok


def test_pending_keys_of_before_are_not_promoted(project: DbtProject) -> None:
    """A rotation was half done when the keys leaked: its pending key leaked too."""
    ring = load_keyring(project.veil)
    pending = rotate(ring, "pseudonym", "*").kid
    change_keyring(project.veil, ring, "key.added", kids=[pending])

    done(emergency, project)

    assert load_keyring(project.veil).entry(pending).status is Status.DESTROYED


def charged(project: DbtProject) -> Fraction:
    """What is spent of the one budget, after a charge where nothing was charged yet."""
    opened = ledger(project.veil)
    opened.declare([budget()])
    opened.charge_and_store(draw("1", line("9/10")), cells)
    (account,) = opened.spent()
    return account.spent.loss


def opens_ledger(project: DbtProject, key: str) -> bool:
    with duckdb.connect(":memory:") as conn:
        load_crypto(conn)
        try:
            attach_file(conn, ledger_file(project.veil), "ledger", password=key)
        except duckdb.Error:
            return False
        return True


def ledger_key(project: DbtProject) -> str:
    return load_keyring(project.veil).subkey("ledger", "*", use="duckdb")[1].hex()


@pytest.mark.parametrize("step", [None, "rekey_ledger", "_rekey", "_destroy"])
def test_emergency_takes_the_ledger_along(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch, step: str | None
) -> None:
    """Also killed around it: what was spent stays spent, and the old key opens nothing."""
    assert charged(project) == Fraction(9, 10)
    old = ledger_key(project)
    assert opens_ledger(project, old)
    if step is not None:
        interrupted(project, monkeypatch, step)
        assert charged(project) == Fraction(9, 10)
        assert opens_ledger(project, old) is (step == "rekey_ledger")

    answer = json.loads(done(emergency, project, "--json"))

    ring = load_keyring(project.veil)
    assert not opens_ledger(project, old)
    assert opens_ledger(project, ledger_key(project))
    assert ring.primary("ledger", "*").kid in answer["made"]
    assert charged(project) == Fraction(9, 10)
    assert ledger(project.veil).stored(draw("1", line("9/10")).id) is not None
    with pytest.raises(BudgetSpentError):
        ledger(project.veil).charge_and_store(draw("2", line("2/10")), cells)


def test_old_copy_of_the_ledger_is_refused_after_an_emergency(project: DbtProject) -> None:
    """A holder of the old keys puts it back, with his own keyring or without."""
    copy = project.root / "copy"
    shutil.copytree(project.veil.state, copy)
    assert charged(project) == Fraction(9, 10)
    done(emergency, project)
    shutil.copy2(copy / "ledger.duckdb", ledger_file(project.veil))
    with pytest.raises(LedgerError, match="does not open with the key"):
        ledger(project.veil).spent()
    shutil.copy2(copy / "keyring.json", project.veil.keyring)

    with pytest.raises(VeilError):
        ledger(project.veil)


def test_a_ledger_that_does_not_hold_stops_an_emergency_before_it_begins(
    project: DbtProject,
) -> None:
    """Put back or gone: its only key would be destroyed. Nothing is noted, no key is another."""
    older = ledger_file(project.veil).read_bytes()
    charged(project)
    newest = ledger_file(project.veil).read_bytes()
    before = project.veil.keyring.read_bytes()
    ledger_file(project.veil).write_bytes(older)
    assert "rolled back" in str(run(emergency, project).exception)
    ledger_file(project.veil).unlink()
    assert "is gone" in str(run(emergency, project).exception)

    assert project.veil.keyring.read_bytes() == before
    assert not is_pending(project)
    ledger_file(project.veil).touch(mode=0o600)
    ledger_file(project.veil).write_bytes(newest)
    done(emergency, project)
    assert charged(project) == Fraction(9, 10)


def test_emergency_goes_on_without_a_ledger(project: DbtProject) -> None:
    """Of an earlier version, in which nothing was charged: it is not needed to end old keys."""
    for folder in ("state", "warehouse", "published"):
        shutil.rmtree(project.root / folder)
    with project.here():
        cli.main(["init", "--provider", f"env:{KEK}"], standalone_mode=False)
    ledger_file(project.veil).unlink()

    assert json.loads(done(emergency, project, "--json"))["destroyed"]


def test_half_done_zone_rotation_is_settled_first(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zone lies under a pending key: that key is not thrown away before its file was read."""
    before = content(project)

    def stop(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("veil.warehouse.zone_rotation.promote", stop)
        list(reencrypt_zones(project.veil, load_keyring(project.veil), ["identified"]))

    done(emergency, project)

    after = content(project)
    raw = ("identified", "main", "raw_census")
    assert after["hashes"][raw] == before["hashes"][raw]


def test_emergency_without_encryption_or_warehouse(project: DbtProject) -> None:
    """Zones in clear, then none at all: the keys are replaced, the zones have none."""
    for folder in ("state", "warehouse", "published"):
        shutil.rmtree(project.root / folder)
    with project.here():
        cli.main(["init", "--no-encryption", "--provider", f"env:{KEK}"], standalone_mode=False)
    assert "Replaced" in done(emergency, project)
    assert project.dbt("build").ok
    before = published(project)

    assert "Replaced" in done(emergency, project)
    assert isinstance(run(reencrypt, project).exception, VeilError)
    assert project.dbt("build").ok
    assert published(project) == before


def test_emergency_needs_to_know_the_pseudonyms(project: DbtProject) -> None:
    """Without a manifest nothing is touched: old pseudonyms could not be found."""
    (project.root / "target" / "manifest.json").unlink()
    before = project.veil.keyring.read_bytes()

    refused = run(emergency, project)

    assert "dbt parse" in str(refused.exception)
    assert project.veil.keyring.read_bytes() == before
    assert not is_pending(project)


# one that was interrupted, and somebody who meddles with it


def is_pending(project: DbtProject) -> bool:
    return pending_emergency(open_keeper(project.veil, load_keyring(project.veil)))


def interrupted(
    project: DbtProject,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    *,
    with_perturbation: bool = False,
) -> None:
    """An emergency that is killed before a step."""

    def stop(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"veil.warehouse.emergency.{before}", stop)
        respond(project.veil, load_keyring(project.veil), with_perturbation=with_perturbation)
    assert is_pending(project)


def rotated_by_hand(project: DbtProject, purpose: str, domain: str) -> str:
    """A key that somebody put in the primary's place."""
    ring = load_keyring(project.veil)
    kid = rotate(ring, purpose, domain).kid
    change_keyring(project.veil, ring, "key.added", kids=[kid])
    promote(ring, kid, window_days=None)
    change_keyring(project.veil, ring, "key.promoted", kids=[kid])
    return kid


def in_life(project: DbtProject, *purposes: str) -> set[str]:
    """The keys with material: of some purposes, or of all but perturbation."""
    return {
        entry.kid
        for entry in load_keyring(project.veil).entries
        if entry.status is not Status.DESTROYED
        and (entry.purpose in purposes if purposes else entry.purpose != PERTURBATION)
    }


@pytest.mark.parametrize("left", ['{"old": [], "purposes": []}', "[" * 200_000])
def test_a_file_says_nothing_of_what_is_old(project: DbtProject, left: str) -> None:
    """The plan of an earlier version, or one that was forged: not read, and left where it is."""
    file = project.write("state/emergency.json", left)
    old = in_life(project)

    answer = json.loads(done(emergency, project, "--json"))

    assert set(answer["destroyed"]) == old
    assert answer["resumed"] is False
    assert not in_life(project) & old
    assert file.read_text() == left


def test_a_plan_without_the_records_seal_is_refused(project: DbtProject) -> None:
    """Whoever can write to state/ cannot say that every key is new already."""
    ring, kids = load_keyring(project.veil), in_life(project)
    before = project.veil.keyring.read_bytes()
    record = Record.open(project.veil.audit)
    record.append("emergency.begun", old=[], perturbation=False)
    record.append(
        "keyring.intended",
        generation=ring.generation + 1,
        digest="0" * 64,
        reason="key.emergency",
        kids=sorted(kids),
    )

    refused = run(emergency, project)

    assert "was not written by veil" in str(refused.exception)
    assert project.veil.keyring.read_bytes() == before


def test_what_is_made_while_the_anchor_is_away_is_replaced_too(
    project: DbtProject, tmp_path: Path
) -> None:
    """It is refused before anything is noted; a key that somebody rotated to since is old."""
    anchor, away = tmp_path / "anchor", tmp_path / "away"
    anchor.mkdir()
    setting = f'\nvars:\n  "veil:anchor": {{path: {anchor}}}\n'
    project.replace("dbt_project.yml", "\nvars:\n", setting)
    open_keeper(project.veil, load_keyring(project.veil)).checkpoint()
    anchor.rename(away)

    refused = run(emergency, project)

    assert "anchor" in str(refused.exception)
    assert not is_pending(project)

    away.rename(anchor)
    rotated_by_hand(project, "pseudonym", "*")
    old = in_life(project)
    answer = json.loads(done(emergency, project, "--json"))
    assert set(answer["destroyed"]) == old
    assert in_life(project) == set(answer["made"])


def test_keys_of_somebody_else_are_replaced_when_it_goes_on(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotated in between, promoted or pending, of a zone or not: replaced; its own keys stay."""
    before = content(project)
    files = published(project)
    interrupted(project, monkeypatch, "reencrypt")
    ring = load_keyring(project.veil)
    mine = {ring.primary(purpose, "*").kid for purpose in ("audit", "token")}
    done(reencrypt, project, "marts")
    theirs = {
        rotated_by_hand(project, "pseudonym", "*"),
        rotated_by_hand(project, "zone", "marts"),
    }
    ring = load_keyring(project.veil)
    pending = {rotate(ring, "receipt", "*").kid, rotate(ring, "zone", "marts").kid}
    change_keyring(project.veil, ring, "key.added", kids=sorted(pending))

    answer = json.loads(done(emergency, project, "--json"))

    assert answer["resumed"] is True
    assert set(answer["destroyed"]) >= theirs | pending
    assert in_life(project) == set(answer["made"]) > mine
    ring = load_keyring(project.veil)
    assert {e.status for e in ring.entries} == {Status.PRIMARY, Status.DESTROYED}
    assert content(project)["tables"] == before["tables"]
    assert project.dbt("build").ok
    assert published(project) == files


@pytest.mark.parametrize("step", ["_make", "reencrypt", "_destroy"])
def test_perturbation_can_be_added_when_it_goes_on(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """One that was begun without replaces that key as well, also when it is killed once more."""
    (perturbation,) = in_life(project, PERTURBATION)
    old = in_life(project)
    interrupted(project, monkeypatch, "_destroy" if step == "_destroy" else "_make")
    interrupted(project, monkeypatch, step, with_perturbation=True)

    answer = json.loads(done(emergency, project, "--json"))

    assert answer["purposes"] == [*PURPOSES, PERTURBATION]
    assert set(answer["destroyed"]) == old | {perturbation}
    assert in_life(project, *PURPOSES, PERTURBATION, MAC_PURPOSE) == set(answer["made"])
    assert not is_pending(project)


def test_each_emergency_replaces_every_key(project: DbtProject) -> None:
    """The keys that the first one made are old to the second."""
    first = json.loads(done(emergency, project, "--json"))

    second = json.loads(done(emergency, project, "--json"))

    assert first["made"]
    assert second["destroyed"] == first["made"]
    assert in_life(project) == set(second["made"])


def test_one_that_only_lacked_its_end_is_followed_by_another(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All was replaced, and then it was killed: the next run does not call that its own success."""
    interrupted(project, monkeypatch, "end")
    made = in_life(project)

    answer = json.loads(done(emergency, project, "--json"))

    assert set(answer["destroyed"]) == made
    assert not in_life(project) & made


def test_keys_that_were_not_replaced_are_no_success(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says of the old keys comes from the keyring: one is left, so it has not ended."""
    with monkeypatch.context() as patch:
        patch.setattr("veil.warehouse.emergency._destroy", lambda *_arguments: None)
        refused = run(emergency, project)

    assert "not every old key is replaced" in str(refused.exception)
    assert is_pending(project)
    done(emergency, project)
    assert not is_pending(project)
