"""The ledger: one draw, one charge, the same bytes for ever."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ledger_support import (
    CELLS,
    EVENTS,
    ORDERS,
    RHO,
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
from veil.audit.anchor import AnchorError
from veil.differential.budgets import BudgetSpentError
from veil.differential.windows import Span
from veil.errors import VeilError
from veil.files import locked
from veil.keys import promote, rotate
from veil.project import Project
from veil.recording import open_keeper
from veil.state import change_keyring, load_keyring
from veil.warehouse import ledger_cells, ledger_rows
from veil.warehouse.ledger_cells import cells_from_bytes, cells_to_bytes
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_rows import LedgerError, definition_of
from veil.warehouse.zones import lock_down

CLIENT = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)  # as DuckDB does
print(flush=True)
sys.stdin.read()
"""


def never() -> pa.Table:
    """Cells that nobody may draw."""
    raise AssertionError("drawn")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a ledger and one budget of epsilon 1."""
    found = new_project(tmp_path / "project")
    create(found).declare([budget()])
    return found


def test_a_release_is_drawn_once_and_given_again_byte_for_byte(project: Project) -> None:
    """The second call draws nothing, charges nothing and gives the same table."""
    first = ledger(project).charge_and_store(draw(), cells)
    again = ledger(project).charge_and_store(draw(), never)
    stored = ledger(project).stored(draw().id)
    (account,) = ledger(project).spent()

    assert first.is_new
    assert not again.is_new
    assert stored is not None
    assert again.content == first.content == stored.content
    assert again.cells.equals(CELLS)
    assert (account.spent.loss, account.left_loss) == (Fraction(1, 10), Fraction(9, 10))


def test_ten_tenths_fit_and_nothing_after_them(project: Project) -> None:
    """The eleventh charge of any size is refused before a draw, and the record agrees."""
    open_ledger = ledger(project)
    for number in range(10):
        open_ledger.charge_and_store(draw(str(number)), cells)
    with pytest.raises(BudgetSpentError) as caught:
        open_ledger.charge_and_store(draw("10", line("1/1000000000000")), never)

    assert "`model.demo.visits`" in str(caught.value)
    assert "`research`" in str(caught.value)
    assert len(events(project, "ledger.charged")) == len(events(project, "release.drawn")) == 10
    assert open_ledger.charge_and_store(draw("3"), never).cells.equals(CELLS)


def test_the_record_holds_each_charge_with_the_ledgers_head(project: Project) -> None:
    """Intent, draw and charge, under a checkpoint."""
    selection = line("1/3", metric="selection", delta="1/10000000")
    ledger(project).charge_and_store(draw("2026-11", line(), selection), cells)
    keeper = open_keeper(project, load_keyring(project))
    *_, drawn, intended, charged = keeper.entries(
        "release.drawn", "ledger.intended", "ledger.charged"
    )
    newest = keeper.newest()

    assert [drawn.event, intended.event] == ["release.drawn", "ledger.intended"]
    assert charged.details == {
        **intended.details,
        "release": "visits",
        "budget": "research",
        "epsilon": "13/30",
        "delta": "1/10000000",
    }
    assert newest is not None
    assert newest[1].size == keeper.record.size


def test_a_charge_too_long_for_the_record_is_rounded_up_there_and_exact_here(
    project: Project,
) -> None:
    """The exact value of a float's scale has more digits than a field of the record."""
    exact = 1 / Fraction(7.3) ** 5
    ledger(project).charge_and_store(draw("1", line(str(exact))), cells)
    (charged,) = events(project, "ledger.charged")
    (account,) = ledger(project).spent()

    assert account.spent.loss == exact
    assert 0 < Fraction(charged["epsilon"]) - exact < Fraction(1, 10**18)


def test_a_budget_in_rho_takes_epsilon_squared_over_two(project: Project) -> None:
    """Each charge by itself; a charge in rho never enters a budget in epsilon."""
    open_ledger = ledger(project)
    open_ledger.declare([budget(), budget(name="zcdp", measure=RHO, sources=(ORDERS,))])
    both = draw("1", line("1/2"), line("1/4", metric="sum", measure=RHO), budget="zcdp")
    over_orders = {"sources": frozenset({ORDERS}), "name": "orders"}
    open_ledger.charge_and_store(draw("1", *both.lines, budget="zcdp", **over_orders), cells)
    spent = {one.declared.name: one.spent.loss for one in open_ledger.spent()}

    assert spent == {"research": 0, "zcdp": Fraction(1, 8) + Fraction(1, 4)}
    with pytest.raises(VeilError, match="does not enter a budget in epsilon"):
        open_ledger.charge_and_store(draw("2", line(measure=RHO)), never)


def test_accounts_and_quotes_say_what_is_spent_left_and_to_come(project: Project) -> None:
    """Per budget and mart; a stored release costs nothing more."""
    open_ledger = ledger(project)
    open_ledger.charge_and_store(draw("1", line("2/5")), cells)
    other = {"mart": "model.demo.minutes", "name": "minutes"}
    open_ledger.charge_and_store(draw("1", line("1/5"), **other), cells)
    (account,) = open_ledger.spent()
    quoted = open_ledger.quote(
        [draw("1"), draw("2", line("3/10")), draw("3", line("3/10"), **other)]
    )

    assert {one.mart: one.spent.loss for one in account.marts} == {
        "model.demo.visits": Fraction(2, 5),
        "model.demo.minutes": Fraction(1, 5),
    }
    assert [(one.mart, one.cost.loss, one.fits) for one in quoted] == [
        ("model.demo.visits", Fraction(3, 10), True),
        ("model.demo.minutes", Fraction(3, 10), False),
    ]
    assert len(open_ledger.releases()) == 2


def test_a_release_must_name_a_budget_that_covers_it(project: Project) -> None:
    """Undeclared, of another unit, or of fewer sources: refused before the draw."""
    open_ledger = ledger(project)
    wider = frozenset({EVENTS, ORDERS})
    for changed, said in (
        ({"budget": "other"}, "not declared"),
        ({"sources": wider}, "does not cover a source"),
    ):
        with pytest.raises(LedgerError, match=said):
            open_ledger.charge_and_store(draw(**changed), never)

    assert events(project, "release.drawn") == []


def test_a_draw_that_fails_costs_nothing(project: Project) -> None:
    """Noise that was not handed over was not seen."""
    with pytest.raises(AssertionError, match="drawn"):
        ledger(project).charge_and_store(draw(), never)
    with pytest.raises(LedgerError, match="without loss"):
        ledger(project).charge_and_store(draw(), lambda: pa.table({"x": [[[1, 2]]]}))

    assert ledger(project).stored(draw().id) is None
    assert events(project, "ledger.charged") == []


def test_a_clock_put_back_opens_no_former_window(project: Project) -> None:
    """A month that was left is not spent from again; the next one is."""
    clocks = [datetime(2027, 3, 9, tzinfo=UTC), datetime(2027, 2, 9, tzinfo=UTC)]
    open_ledger = ledger(project, clock=lambda: clocks[0])
    open_ledger.declare([budget(window=Span.MONTH)])
    open_ledger.charge_and_store(draw("1", line("1")), cells)
    clocks.pop(0)
    with pytest.raises(BudgetSpentError):
        open_ledger.charge_and_store(draw("2", line("1/10")), never)
    clocks[0] = datetime(2027, 4, 1, tzinfo=UTC)
    open_ledger.charge_and_store(draw("2", line("1")), cells)
    (account,) = open_ledger.spent()

    assert (account.spent.loss, account.lifetime.loss) == (1, 2)


def test_an_on_change_release_finds_its_last_draw(project: Project) -> None:
    """The one of the highest number; its digest stands in the ledger, nowhere in the record."""
    open_ledger = ledger(project)
    assert open_ledger.latest("visits", draw().definition) is None
    draws = {"9": "ab" * 32, "10": "cd" * 32, "once": None, "2026-06": None, "2": None}
    for period, change in draws.items():
        open_ledger.charge_and_store(draw(period, change=change), cells)
    found = open_ledger.latest("visits", draw().definition)

    assert found is not None
    assert found.draw.change == "cd" * 32
    assert b"cdcdcdcd" not in project.record.read_bytes()


def test_a_release_is_known_by_name_period_parameters_and_query() -> None:
    """And by nothing else: neither mart nor budget nor what was read."""
    same = draw("1", change="ab" * 32, mart="model.demo.other", budget="other")
    ids = {one.id for one in (draw(), draw("2"), draw(name="b"), draw(query="select 2"))}

    assert same.id == draw().id
    assert len(ids) == 4
    assert definition_of({"a": 1, "b": 2}, "q") == definition_of({"b": 2, "a": 1}, "q")
    with pytest.raises(LedgerError, match="plain"):
        definition_of({"a": {1}}, "q")


def test_cells_hold_no_value_that_was_filtered_out() -> None:
    """A dictionary keeps unselected keys and a null covers a value; neither gets to the bytes."""
    keys = pa.array(["north", "secret-village"]).dictionary_encode().filter(pa.array([True, False]))
    hidden = pa.Array.from_buffers(
        pa.int64(), 1, [pa.py_buffer(b"\0"), pa.py_buffer(b"EXACT!!!")], null_count=1
    )
    table = pa.table({"region": keys, "visits": hidden})
    table = table.replace_schema_metadata({b"pandas": b"secret-village"})
    data = cells_to_bytes(table)

    assert cells_from_bytes(data).to_pylist() == [{"region": "north", "visits": None}]
    assert b"secret" not in data
    assert b"EXACT" not in data
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    assert b"secret" in sink.getvalue().to_pybytes(), "as it came, it holds them"


def test_lists_are_stored_without_what_lies_beside_them() -> None:
    """A slice of a list column keeps the whole column; its bytes hold the slice alone."""
    whole = pa.array([[1, 2], [7_777_777], [3, 4]])
    table = pa.table({"bins": whole.slice(2)})
    data = cells_to_bytes(table)

    assert cells_from_bytes(data).to_pydict() == {"bins": [[3, 4]]}
    assert cells_from_bytes(data).column(0).chunk(0).values.to_pylist() == [3, 4]
    for odd in ([[1, None]], [None, [1]], [[[1]]]):
        with pytest.raises(LedgerError, match="without loss"):
            cells_to_bytes(pa.table({"bins": odd}))


def test_cells_that_do_not_come_back_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN is no noisy number, and a table that reads as another is not stored."""
    with pytest.raises(LedgerError, match="NaN"):
        cells_to_bytes(pa.table({"x": [float("nan")]}))
    monkeypatch.setattr(ledger_cells, "cells_from_bytes", lambda data: pa.table({"x": [2]}))
    with pytest.raises(LedgerError, match="without loss"):
        cells_to_bytes(pa.table({"x": [1]}))


def test_the_file_is_private_encrypted_and_out_of_a_models_reach(project: Project) -> None:
    """Mode 0600, no text in it, and the build's connection may not attach or read it."""
    ledger(project).charge_and_store(draw(), cells)
    file = ledger_file(project)
    with duckdb.connect(":memory:") as build:
        lock_down(build, project)
        for statement in (f"attach '{file}' as l", f"select * from read_blob('{file}')"):
            with pytest.raises(duckdb.PermissionException):
                build.execute(statement)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"model.demo.visits" not in file.read_bytes()
    file.chmod(0o644)
    with pytest.raises(VeilError, match="open to other users"):
        ledger(project).check()


def test_another_process_that_holds_it_is_named(project: Project) -> None:
    """By veil's own lock, or by DuckDB's, which a client holds."""
    with (
        locked(ledger_file(project), timeout=1),
        pytest.raises(VeilError, match="held by another process"),
    ):
        ledger(project, wait=0).check()
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(ledger_file(project))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        assert client.stdout
        client.stdout.readline()
        with pytest.raises(LedgerError, match="in use by another process"):
            ledger(project).check()
        client.communicate("")


def test_a_project_without_encryption_has_a_ledger_all_the_same(tmp_path: Path) -> None:
    """In clear as its zones are; the chain holds either way."""
    found = new_project(tmp_path / "clear", encrypted=False)
    create(found).declare([budget()])
    ledger(found).charge_and_store(draw(), cells)
    with duckdb.connect(str(ledger_file(found))) as conn:
        conn.execute("update chain set body = replace(body, '1/10', '1/20')")

    with pytest.raises(LedgerError, match="changed by other hands"):
        ledger(found).check()


def test_a_ledger_gets_another_key_and_says_the_same(project: Project) -> None:
    """Under a pending key, before and after it is promoted; the old one opens nothing."""
    first = ledger(project).charge_and_store(draw(), cells)
    keyring = load_keyring(project)
    old = keyring.primary("ledger", "*").kid
    new = rotate(keyring, "ledger", "*")
    change_keyring(project, keyring, "key.added", kids=[new.kid])
    assert ledger(project).rekey() == new.kid
    assert ledger(project).stored(draw().id) is not None
    keyring = load_keyring(project)
    promote(keyring, new.kid, window_days=None)
    change_keyring(project, keyring, "key.promoted", kids=[new.kid])
    assert ledger(project).rekey() == new.kid
    again = ledger(project).charge_and_store(draw(), never)

    assert again.content == first.content
    assert events(project, "ledger.rekeyed")[0]["kid"] == new.kid
    assert old != new.kid
    with by_hand(project) as conn:
        assert conn.execute("select count(*) from l.main.chain").fetchall() == [(4,)]


def test_nothing_is_drawn_while_the_anchor_cannot_be_read(tmp_path: Path) -> None:
    """A charge that nobody could notice being taken back is not made."""
    (tmp_path / "anchor").mkdir()
    found = new_project(tmp_path / "project", anchor=tmp_path / "anchor")
    create(found).declare([budget()])
    (tmp_path / "anchor").rename(tmp_path / "gone")

    with pytest.raises(AnchorError):
        ledger(found).charge_and_store(draw(), never)
    with pytest.raises(AnchorError):
        ledger(found).declare([budget("2")])
    (tmp_path / "gone").rename(tmp_path / "anchor")
    assert ledger(found).charge_and_store(draw(), cells).is_new
    assert len(events(found, "budget.declared")) == 1


def test_a_ledger_of_another_version_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows may say what this one does not know."""
    monkeypatch.setattr(ledger_rows, "FORMAT", ledger_rows.FORMAT + 1)

    with pytest.raises(LedgerError, match="another version of veil"):
        ledger(project).check()
