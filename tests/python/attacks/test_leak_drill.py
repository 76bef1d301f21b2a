"""The drill: every key leaks, one command replaces them, and the thief is left with the past.

The thief has the bytes of every key as they were before, the key-encryption key, the keyring, and a
copy of everything that was stored. Each attack is a function; the same attacks work on a project in
which nobody ran the command.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner

from harness import KEK, ROOT, DbtProject
from veil.audit.checkpoint import Checkpoint
from veil.audit.note import Signer, sign
from veil.audit.record import Record
from veil.cli.main import cli
from veil.errors import EXIT_FINDING, EXIT_FINE, VeilError
from veil.keys import Keyring, Status, UnwrapError, open_provider
from veil.keys.making import unseal
from veil.project import ZONES
from veil.pseudonyms.mac import Pseudonymiser
from veil.recording import origin_of
from veil.state import load_keyring
from veil.warehouse.content import content_of
from veil.warehouse.zones import attach_file, zone_password

pytestmark = pytest.mark.project

KNOWN = [
    # model, its pseudonym, raw model, its identifier (which is also the type), domain
    ("psn_census", "person_key", "raw_census", "person_id", "person"),
    ("psn_census", "household_key", "raw_census", "household_id", "household"),
    ("psn_wic", "person_key", "raw_wic", "person_id", "person"),
    ("psn_social_security", "ssn_key", "raw_social_security", "ssn", "social_security"),
]
MART = "population_pyramid"


@dataclass(frozen=True)
class Loot:
    """What the thief carries away; all of it is from before the command."""

    keyring: Path
    state: Path
    warehouse: Path
    passwords: dict[str, str]
    macs: dict[str, str]
    receipt: tuple[str, bytes]
    signer: Signer
    perturbation: bytes
    identifiers: dict[str, list[str]]
    pseudonyms: dict[str, set[str]]


def steal(project: DbtProject, place: Path) -> Loot:
    """Unwrap every key and copy all files, as whoever has both halves of the key can."""
    ring = load_keyring(project.veil)
    place.mkdir(mode=0o700)
    shutil.copytree(project.veil.state, place / "state")
    shutil.copytree(project.veil.warehouse, place / "warehouse")
    shutil.copy2(project.veil.keyring, place / "keyring.json")
    return Loot(
        keyring=place / "keyring.json",
        state=place / "state",
        warehouse=place / "warehouse",
        passwords={zone: zone_password(ring, zone) or "" for zone in ZONES},
        macs={row[-1]: ring.subkey("pseudonym", row[-1], use="mac")[1].hex() for row in KNOWN},
        receipt=ring.subkey("receipt", "*", use="mac"),
        signer=Signer(origin_of(ring), ring.subkey("audit", "*", use="checkpoint")[1]),
        perturbation=ring.subkey("perturbation", "*", use="drill")[1],
        identifiers={
            f"{row[2]}.{row[3]}": [
                value
                for (value,) in project.rows(
                    f"select distinct {row[3]} from identified.main.{row[2]}"
                )
                if value is not None
            ]
            for row in KNOWN
        },
        pseudonyms=stored(project),
    )


def stored(project: DbtProject) -> dict[str, set[str]]:
    """The payloads of the pseudonyms that stand in the warehouse, by column; key ids left out."""
    return {
        f"{model}.{column}": {
            token.rpartition("_")[2]
            for (token,) in project.rows(f"select {column} from pseudonymized.main.{model}")
            if token is not None
        }
        for model, column, *_rest in KNOWN
    }


def published(project: DbtProject) -> dict[str, bytes]:
    folder = project.veil.published / "research"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def veil(project: DbtProject, *arguments: str) -> str:
    """Run a command that must go well; what it printed."""
    with project.here():
        done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code == EXIT_FINE, done.exception
    return done.stdout


# what the thief tries


def opens(loot: Loot, warehouse: Path) -> set[str]:
    """The zones in a folder that open with a stolen key; each is tried on each."""
    found = set()
    for zone in ZONES:
        for password in loot.passwords.values():
            with duckdb.connect(":memory:") as conn:
                try:
                    file = warehouse / f"{zone}.duckdb"
                    attach_file(conn, file, "tried", password=password, read_only=True)
                except duckdb.Error:
                    continue
                found.add(zone)
    return found


def recognises(loot: Loot, pseudonyms: dict[str, set[str]]) -> dict[str, float]:
    """The share of pseudonyms, by column, that trying every identifier leads back to a person.

    The thief even knows every identifier there is, and is shown the stored pseudonyms.
    """
    shares = {}
    for model, column, raw, identifier, domain in KNOWN:
        known = pa.array(loot.identifiers[f"{raw}.{identifier}"], type=pa.string())
        engine = Pseudonymiser(loot.macs[domain], loot.receipt[0])
        tokens = engine.tokens(known, privacy_type=identifier).to_pylist()
        name = f"{model}.{column}"
        hits = pseudonyms[name] & {token.rpartition("_")[2] for token in tokens}
        shares[name] = len(hits) / len(pseudonyms[name])
    return shares


def publishes(loot: Loot, project: DbtProject) -> bool:
    """Whether a mart that he changed is published with a receipt that he made.

    He is even let into the marts' zone. The receipt names his key, and once more the key of today.
    """
    before = published(project)
    old_kid, key = loot.receipt
    kids = {old_kid, load_keyring(project.veil).primary("receipt", "*").kid}
    mart = next(one for one in project.graph().marts if one.name == MART)
    with project.connect() as conn:
        conn.execute(f"update {mart.relation} set people_count = people_count + 1")
        content, rows = content_of(conn, mart.relation)
        table, which = "marts.veil.receipts", [mart.unique_id]
        ((text,),) = conn.execute(f"select body from {table} where mart = ?", which).fetchall()
        forged: dict[str, Any] = {**json.loads(text), "content_hash": content, "rows": rows}
        body = json.dumps(forged, sort_keys=True, separators=(",", ":"))
        tag = hmac.new(key, body.encode(), hashlib.sha256).hexdigest()
        conn.execute(f"delete from {table} where mart = ?", which)
        for kid in kids:
            values = [*which, body, f"{kid}:{tag}"]
            conn.execute(f"insert into {table} values (?, ?, ?, now())", values)
    project.dbt("run-operation", "veil.publish")
    return published(project) != before


def lengthens(loot: Loot, audit: Path, place: Path) -> Path:
    """A copy of a record with an entry of his own, under a checkpoint that he signed."""
    shutil.copytree(audit, place)
    record = Record.open(place)
    record.append("waiver.used", model=MART, rule="small_cells", until="2099-12-31")
    checkpoint = Checkpoint(loot.signer.name, record.size, record.root())
    with (place / "checkpoints").open("a", encoding="utf-8") as file:
        file.write("\n" + sign(checkpoint.text(), [loot.signer]))
    return place


def seals(loot: Loot, generation: int) -> bytes:
    """A keyring of the old keys, sealed by himself, as new as the one that it should replace."""
    ring = Keyring.load(loot.keyring)
    while ring.generation < generation:
        ring.save()
    return loot.keyring.read_bytes()


def auditor_says(audit: Path, pubkey: str, place: Path) -> int:
    """The exit code of a verification elsewhere: three files, another home, no key, no project."""
    place.mkdir(mode=0o700)
    for name in ("record.jsonl", "checkpoints"):
        shutil.copy2(audit / name, place)
    (place / "auditor.vkey").write_text(pubkey)
    command = "audit verify record.jsonl --checkpoints checkpoints --pubkey auditor.vkey"
    done = subprocess.run(
        [sys.executable, "-m", "veil", *command.split()],
        cwd=place,
        env={
            "HOME": str(place),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "python_udfs"),
        },
        capture_output=True,
        timeout=60,
    )
    return done.returncode


# the drill


def test_after_a_leak_one_command_leaves_the_thief_with_the_past(
    project: DbtProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Emergency, build: the same numbers, a record that verifies elsewhere, nothing to steal."""
    old_key = veil(project, "audit", "key")
    numbers, loot = published(project), steal(project, tmp_path / "loot")
    old_kek = os.environ[KEK]
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    # One command; from here on nothing needs the key-encryption key that leaked.
    printed = veil(project, "keys", "emergency", "--to", "file:~/.config/veil/new.kek", "--json")
    monkeypatch.delenv(KEK)
    build = project.dbt("build")
    assert build.ok, build.text
    assert published(project) == numbers

    # The auditor has two files, and the new public key by a way of his own; the project is away.
    key = veil(project, "audit", "key")
    audit = shutil.copytree(project.veil.audit, tmp_path / "audit")
    away = project.root.rename(project.root.with_name(f"{project.root.name}-away"))
    found = [
        auditor_says(audit, key, tmp_path / "auditor"),
        auditor_says(lengthens(loot, audit, tmp_path / "longer"), key, tmp_path / "auditor-2"),
        auditor_says(loot.state / "audit", key, tmp_path / "auditor-3"),
    ]
    away.rename(project.root)
    assert found == [EXIT_FINE, EXIT_FINDING, EXIT_FINDING]

    # What is stored now tells the thief nothing.
    assert opens(loot, project.veil.warehouse) == set()
    assert set(recognises(loot, stored(project)).values()) == {0.0}
    assert not publishes(loot, project)
    assert published(project) == numbers
    ring = load_keyring(project.veil)
    with monkeypatch.context() as thief:
        thief.setenv(KEK, old_kek)
        for entry in ring.entries:
            if entry.status is not Status.DESTROYED:
                with pytest.raises(UnwrapError):
                    unseal(ring.id, entry, open_provider(f"env:{KEK}"))
        good = project.veil.keyring.read_bytes()
        project.veil.keyring.write_bytes(seals(loot, ring.generation))
        with pytest.raises(VeilError, match="do not belong together"):
            load_keyring(project.veil)
        project.veil.keyring.write_bytes(good)

        # The list names what he can do all the same, and he can.
        can = {
            "zone_copies": opens(loot, loot.warehouse) == set(ZONES),
            "old_pseudonyms": set(recognises(loot, loot.pseudonyms).values()) == {1.0},
            "forged_checkpoints": auditor_says(
                lengthens(loot, loot.state / "audit", tmp_path / "old"), old_key, tmp_path / "late"
            )
            == EXIT_FINE,
            "forged_keyring": Keyring.load(loot.keyring).generation == ring.generation,
            "key_encryption_key": Keyring.load(loot.state / "keyring.json").id == ring.id,
            "perturbation": ring.subkey("perturbation", "*", use="drill")[1] == loot.perturbation,
        }
    assert can == dict.fromkeys(can, True)
    listed = {one["id"] for one in json.loads(printed)["remains"]}
    assert listed == {*can, "old_tokens", "forged_receipts", "ledger_copies", "bounding"}


def test_without_the_command_every_attack_of_the_drill_works(
    project: DbtProject, tmp_path: Path
) -> None:
    """The twin: zones open, everybody is recognised, forgeries are published and believed."""
    key = veil(project, "audit", "key")
    loot = steal(project, tmp_path / "loot")
    longer = lengthens(loot, project.veil.audit, tmp_path / "longer")

    assert opens(loot, project.veil.warehouse) == set(ZONES)
    assert set(recognises(loot, stored(project)).values()) == {1.0}
    assert auditor_says(longer, key, tmp_path / "auditor") == EXIT_FINE
    assert publishes(loot, project)
