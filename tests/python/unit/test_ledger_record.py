"""The ledger and the record: neither edited, nor put back, nor exchanged, nor begun anew unseen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ledger_support import (
    budget,
    by_hand,
    cells,
    create,
    draw,
    events,
    ledger,
    line,
    new_project,
)
from veil.audit.record import Record
from veil.differential.budgets import BudgetSpentError
from veil.errors import VeilError
from veil.project import Project
from veil.state import begin_record, load_state
from veil.warehouse import ledger as ledger_module
from veil.warehouse import ledger_file as file_module
from veil.warehouse import ledger_record, ledger_rows
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_rows import LedgerError


class KilledError(Exception):
    """Stands for SIGKILL."""


def never() -> pa.Table:
    """Cells that nobody may draw."""
    raise AssertionError("drawn")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with two releases, for nine tenths of its budget."""
    found = new_project(tmp_path / "project")
    open_ledger = create(found)
    open_ledger.declare([budget()])
    open_ledger.charge_and_store(draw("1", line("1/10")), cells)
    open_ledger.charge_and_store(draw("2", line("8/10")), cells)
    return found


EDITS = {
    "a cheaper charge": "update l.main.chain set body = replace(body, '4/5', '0/1')",
    "a higher limit": "update l.main.chain set body = replace(body, '\"1/1\"', '\"9/1\"')",
    "a row deleted": "delete from l.main.chain where seq = 2",
    "the last row deleted": "delete from l.main.chain where seq = 3",
    "all rows deleted": "delete from l.main.chain",
    "a row twice": "insert into l.main.chain from l.main.chain where seq = 2",
    "a row repeated at the end": "insert into l.main.chain select 4, body, mac from l.main.chain"
    " where seq = 2",
    "two rows exchanged": "update l.main.chain set seq = 5 - seq where seq in (2, 3)",
    "an empty row": "insert into l.main.chain values (null, null, null)",
    "other cells": "update l.main.cells set content = (select content from l.main.cells where"
    f" release_id = '{draw('1').id}') || 'x'::blob where release_id = '{draw('2').id}'",
    "cells removed": "delete from l.main.cells",
    "cells added": "insert into l.main.cells values ('other', 'x'::blob)",
    "a table dropped": "drop table l.main.cells",
}


@pytest.mark.parametrize("how", EDITS)
def test_an_edit_with_a_plain_client_is_refused(project: Project, how: str) -> None:
    """Under the file's key, with any DuckDB."""
    with by_hand(project) as conn:
        conn.execute(EDITS[how])

    with pytest.raises(LedgerError, match=r"state/ledger\.duckdb"):
        ledger(project).charge_and_store(draw("3", line("1/2")), never)


def test_without_the_macs_and_the_head_an_edit_is_believed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: the edited charge is what counts."""
    with by_hand(project) as conn:
        conn.execute("update l.main.chain set body = replace(body, '4/5', '1/5')")
    monkeypatch.setattr(ledger_rows.hmac, "compare_digest", lambda *_: True)

    assert ledger(project).charge_and_store(draw("3", line("1/2")), cells).is_new


def test_without_the_head_in_the_record_a_removed_end_is_believed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: the chain alone does not say how long it was."""
    with by_hand(project) as conn:
        conn.execute("delete from l.main.chain where seq = 3")
        conn.execute("delete from l.main.cells where release_id = ?", [draw("2").id])
    with pytest.raises(LedgerError, match="rolled back"):
        ledger(project).check()
    monkeypatch.setattr(ledger_module, "settle", lambda *_: None)

    assert ledger(project).charge_and_store(draw("3", line("9/10")), cells).is_new


def test_an_older_copy_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens and is whole; the record saw a newer one. Without its head it would be believed."""
    copy = project.root / "copy"
    shutil.copy2(ledger_file(project), copy)
    ledger(project).charge_and_store(draw("3", line("1/10")), cells)
    with pytest.raises(BudgetSpentError):
        ledger(project).charge_and_store(draw("4", line("1/10")), never)
    shutil.copy2(copy, ledger_file(project))

    with pytest.raises(LedgerError, match="rolled back"):
        ledger(project).charge_and_store(draw("4", line("1/10")), never)
    monkeypatch.setattr(ledger_module, "settle", lambda *_: None)
    assert ledger(project).charge_and_store(draw("4", line("1/10")), cells).is_new


def test_another_projects_ledger_is_refused(project: Project, tmp_path: Path) -> None:
    """Under another keyring it does not open; one of the same keyring has another head."""
    other = new_project(tmp_path / "other")
    create(other)
    mine = tmp_path / "mine"
    ledger_file(project).replace(mine)
    shutil.copy2(ledger_file(other), ledger_file(project))
    with pytest.raises(LedgerError, match="another project's"):
        ledger(project).check()
    ledger_file(project).unlink()
    twin = Project(shutil.copytree(project.root, tmp_path / "twin"))
    create(twin, after_loss=True)
    shutil.copy2(ledger_file(twin), ledger_file(project))

    with pytest.raises(LedgerError, match="rolled back"):
        ledger(project).check()


def test_a_damaged_file_is_refused(project: Project) -> None:
    """A flipped byte, or a file that never was a database."""
    data = bytearray(ledger_file(project).read_bytes())
    for place in range(4096 * 3, len(data), 997):
        data[place] ^= 1
    ledger_file(project).write_bytes(bytes(data))
    with pytest.raises(LedgerError, match="damaged"):
        ledger(project).check()
    ledger_file(project).write_bytes(b"no database" * 1000)

    with pytest.raises(LedgerError, match=r"state/ledger\.duckdb"):
        ledger(project).check()


def test_a_ledger_that_is_gone_is_not_begun_anew(project: Project) -> None:
    """Refused to every build, and to `create` without the flag, which is recorded."""
    ledger_file(project).unlink()
    with pytest.raises(LedgerError, match="is gone, and the audit record knows"):
        ledger(project).charge_and_store(draw("3"), never)
    with pytest.raises(LedgerError, match="the audit record, which knows charges, shows"):
        create(project)
    create(project, after_loss=True).declare([budget()])

    assert [one["after_loss"] for one in events(project, "ledger.created")] == [False, True]
    assert ledger(project).spent()[0].spent.loss == 0


def test_without_the_search_for_traces_a_new_ledger_forgets(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of `rm state/ledger.duckdb`."""
    ledger_file(project).unlink()
    monkeypatch.setattr(ledger_module, "refuse_traces", lambda *_: None)
    create(project).declare([budget()])

    assert ledger(project).charge_and_store(draw("3", line("1")), cells).is_new


def published(project: Project, folder: str, release: str | None) -> None:
    """A release as an earlier build left it."""
    path = project.published / folder / "RELEASE.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"tables": [{"name": "a", "release": release}]}))


def test_a_fresh_clone_beside_old_published_files_is_refused(tmp_path: Path) -> None:
    """New state, same published/: whoever reads it has seen releases that nobody would count."""
    for number, place in enumerate(("research", ".releases/research-0123")):
        clone = new_project(tmp_path / f"clone-{number}")
        published(clone, "board", "suppressed")
        published(clone, place, "differential")
        with pytest.raises(LedgerError, match=rf"published/{place}/RELEASE.json shows"):
            create(clone)
    (clone.published / place / "RELEASE.json").write_text("{")
    with pytest.raises(LedgerError, match=r"RELEASE.json shows"):
        create(clone)
    shutil.rmtree(clone.published / place)

    assert create(clone).spent() == []


def test_an_anchor_that_knows_another_record_is_refused(tmp_path: Path) -> None:
    """`rm -rf state` and a new keyring: the anchor still has the former record's checkpoints."""
    anchor = tmp_path / "anchor"
    anchor.mkdir()
    create(new_project(tmp_path / "former", anchor=anchor))
    fresh = new_project(tmp_path / "fresh", anchor=anchor)

    with pytest.raises(LedgerError, match="the anchor, which keeps"):
        create(fresh)
    assert create(fresh, after_loss=True).spent() == []


def test_a_record_begun_anew_needs_a_word(project: Project) -> None:
    """It knows no ledger; the file is taken as it is by an explicit act, which is recorded."""
    begin_record(project)
    with pytest.raises(LedgerError, match="knows of no ledger"):
        ledger(project).check()
    ledger(project).accept()
    with pytest.raises(BudgetSpentError):
        ledger(project).charge_and_store(draw("3", line("1/2")), never)
    (accepted,) = events(project, "ledger.accepted")
    ledger_file(project).unlink()

    assert (accepted["rows"], accepted["known"]) == (4, 0)
    with pytest.raises(LedgerError, match="begun anew after a loss"):
        create(project)


def test_an_older_copy_can_be_accepted_and_the_record_says_what_it_lacks(project: Project) -> None:
    """More is known in it than in a new ledger."""
    copy = project.root / "copy"
    shutil.copy2(ledger_file(project), copy)
    ledger(project).charge_and_store(draw("3", line("1/10")), cells)
    shutil.copy2(copy, ledger_file(project))
    ledger(project).accept()
    (accepted,) = events(project, "ledger.accepted")

    assert (accepted["rows"], accepted["known"]) == (4, 5)
    assert ledger(project).spent()[0].spent.loss * 10 == 9


def test_a_second_ledger_is_not_made_over_the_first(project: Project) -> None:
    """Nor through a link to nowhere."""
    with pytest.raises(LedgerError, match="is there already"):
        create(project, after_loss=True)
    ledger_file(project).unlink()
    ledger_file(project).symlink_to(project.root / "nowhere")

    with pytest.raises(LedgerError, match="is there already"):
        create(project, after_loss=True)
    with pytest.raises(VeilError, match="symbolic link"):
        ledger(project).check()


def stopped(*_: object, **__: object) -> None:
    raise KilledError


STEPS = {
    "before the intent": (ledger_module, "intend", False),
    "before the commit": (file_module, "_commit", False),
    "after the commit": (ledger_module, "note_done", True),
    "before the checkpoint": (ledger_record.Keeper, "checkpoint", True),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_leaves_charge_and_cells_or_neither_and_the_record_agrees(
    project: Project, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """At each step: the next call notes what is missing, or that it was abandoned."""
    owner, name, stands = STEPS[step]
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(owner, name, stopped)
        ledger(project).charge_and_store(draw("3", line("1/20")), cells)
    again = ledger(project).stored(draw("3").id)
    keeper = load_state(project)[1]
    newest = keeper.newest()
    charged = [one["epsilon"] for one in events(project, "ledger.charged")]

    assert (again is not None) == stands
    assert charged == ["1/10", "4/5", *(["1/20"] if stands else [])]
    assert len(events(project, "ledger.abandoned")) == (step == "before the commit")
    assert newest is not None
    assert newest[1].size == keeper.record.size or step == "before the intent"
    assert ledger(project).charge_and_store(draw("3", line("1/20")), cells).is_new != stands


def test_cells_committed_apart_from_their_charge_would_be_noticed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the one transaction: a crash between two leaves a charge without its cells."""
    insert = file_module._insert

    def apart(conn: Any, row: Any, stored: Any) -> None:
        insert(conn, row, None)
        conn.execute("commit")
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(file_module, "_insert", apart)
        ledger(project).charge_and_store(draw("3", line("1/20")), cells)

    with pytest.raises(LedgerError, match="the cells of a release are not those"):
        ledger(project).check()


@pytest.mark.parametrize("step", ["intend", "put_in_place", "note_done"])
def test_a_crash_while_a_ledger_is_made_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It is made again, or it is there; no part of a file is left."""
    project = new_project(tmp_path / "fresh")
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(ledger_module, step, stopped)
        create(project)
    if step != "note_done":
        create(project)

    assert ledger(project).spent() == []
    assert {path.name for path in project.state.iterdir()} >= {"ledger.duckdb"}
    assert not list(project.state.glob("*.part*"))
    assert len(events(project, "ledger.created")) == 1


def test_an_unsigned_charge_is_signed_before_it_is_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the end of the record could be cut off after its cells were seen, and drawn again."""
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(ledger_record.Keeper, "checkpoint", stopped)
        ledger(project).charge_and_store(draw("3", line("1/20")), cells)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(ledger_record.Keeper, "checkpoint", stopped)
        ledger(project).stored(draw("3").id)

    assert ledger(project).stored(draw("3").id) is not None


def test_a_forged_line_of_the_record_brings_no_older_copy_back(project: Project) -> None:
    """A head that somebody without the key notes is not believed."""
    copy = project.root / "copy"
    shutil.copy2(ledger_file(project), copy)
    (head,) = [one["head"] for one in events(project, "ledger.charged")][-1:]
    ledger(project).charge_and_store(draw("3", line("1/20")), cells)
    shutil.copy2(copy, ledger_file(project))
    Record.open(project.audit).append("ledger.accepted", rows=4, head=head, known=5)

    with pytest.raises(VeilError, match="seal does not hold"):
        ledger(project).check()


def test_no_refusal_names_a_value_or_a_key(project: Project) -> None:
    """Neither a cell, nor a key of the file; nor does what is handed out show its cells."""
    keyring = load_state(project)[0]
    secrets = [keyring.subkey("ledger", "*", use=use)[1].hex() for use in ("duckdb", "chain")]
    nested = pa.table({"region": ["north"], "visits": [[["-3"]]]})
    said = [repr(ledger(project).stored(draw("1").id))]
    for asked, made in (
        (draw("3", line("1/20")), lambda: nested),
        (draw("3", line("9")), never),
        (draw("3", budget="other"), never),
    ):
        with pytest.raises(VeilError) as caught:
            ledger(project).charge_and_store(asked, made)
        said.append(f"{caught.value!r} {caught.value}")
    with by_hand(project) as conn:
        conn.execute("update l.main.chain set body = 'north'")
    with pytest.raises(VeilError) as caught:
        ledger(project).check()

    for text in (*said, str(caught.value)):
        assert not [one for one in (*secrets, "north", "-3") if one in text]
