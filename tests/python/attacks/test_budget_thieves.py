"""Those who want a budget back that is spent: none gets more than the limit, or it is recorded.

Each theft is tried on a built project whose limit leaves too little for another release. Where it
is stopped by one check, a twin shows that it succeeds with that check off.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from demo_marts import CONFIG, COSTS, RELEASES, SPENT, WAGES, YAML, drawn, shown, spent
from harness import KEK, DbtProject, copy_of
from ledger_support import by_hand, draw, events, ledger
from processes import Builds
from veil.cli.main import cli
from veil.errors import VeilError
from veil.state import load_state
from veil.warehouse.ledger_file import ledger_file
from veil.warehouse.ledger_rows import Declaration, LedgerError, Unit

pytestmark = pytest.mark.project


def init(project: DbtProject, *options: str) -> None:
    """`veil init`."""
    with project.here():
        cli.main(["init", "--provider", f"env:{KEK}", *options], standalone_mode=False)


def nothing_shows(patch: pytest.MonkeyPatch) -> None:
    """Switch off every look for earlier releases."""
    patch.setattr("veil.cli.init.former_state", lambda project: [])
    patch.setattr("veil.cli.init._further_traces", lambda project: [])
    patch.setattr("veil.warehouse.ledger_traces.earlier_releases", lambda project, keeper: [])


# beginning anew


def without_state(project: DbtProject) -> DbtProject:
    """`rm -rf state`, and the zones with it, which no new key would open."""
    shutil.rmtree(project.veil.state)
    shutil.rmtree(project.veil.warehouse)
    return project


def beside_old_files(project: DbtProject) -> DbtProject:
    """A fresh clone, as git has it, into which what was published is copied."""
    clone = project.root.with_name(project.root.name.replace("demo", "twin"))
    made = shutil.ignore_patterns("state", "warehouse", "target", "logs", "profiles.yml")
    shutil.copytree(project.root, clone, symlinks=True, ignore=made)
    return DbtProject(clone)


@pytest.mark.parametrize("steal", [without_state, beside_old_files])
def test_nothing_begins_anew_beside_old_releases(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch, steal: Callable[[DbtProject], DbtProject]
) -> None:
    """`veil init` refuses; a flag says that somebody knows, and stands in the record for good."""
    thief = steal(project)
    with pytest.raises(VeilError, match=r"RELEASE\.json shows") as refused:
        init(thief)
    is_made = ledger_file(thief.veil).exists()
    init(thief, "--after-loss")
    said = [one["after_loss"] for one in events(thief.veil, "ledger.created", "keyring.created")]
    shutil.rmtree(thief.veil.state)
    nothing_shows(monkeypatch)
    init(thief)
    # The twin: with nobody looking, the whole budget is there again.
    stolen = spent(thief), events(thief.veil, "ledger.created")[0]["after_loss"]
    shutil.rmtree(thief.root)

    assert "from a backup" in str(refused.value)
    assert not is_made
    assert said == [True, True]
    assert stolen == ({}, False)


def test_anchor_remembers_what_nothing_else_does(project: DbtProject, tmp_path: Path) -> None:
    """State, zones and published files are all gone: the anchor's checkpoints are not."""
    project.replace(
        CONFIG, "\nvars:\n", f'\nvars:\n  "veil:anchor": {{path: {tmp_path / "anchor"}}}\n'
    )
    (tmp_path / "anchor").mkdir()
    load_state(project.veil)[1].checkpoint()
    shutil.rmtree(project.veil.published)
    without_state(project)
    with pytest.raises(VeilError, match="the anchor, which keeps checkpoints"):
        init(project)
    # The twin: without an anchor nobody can tell it from a new project.
    project.replace(CONFIG, '"veil:anchor"', '"veil:nothing"')
    init(project)

    assert spent(project) == {}


# other names


def renamed(project: DbtProject) -> str:
    """The same release under other names of budget, unit, column and mart; gives the mart's."""
    project.replace(CONFIG, "visitors: {unit: visitor,", "guests: {unit: guest,")
    project.replace(YAML, "privacy_budget: visitors", "privacy_budget: guests")
    for file in (YAML, "models/marts/_exposures.yml"):
        project.replace(file, COSTS, "what_services_cost")
    psn = "models/pseudonymized/_pseudonymized.yml"
    project.replace(psn, "privacy_domain: visitor", "privacy_domain: guest")
    text = (project.root / psn).read_text()
    before, own, rest = text.partition("  - name: psn_visits\n")
    project.write(psn, before + own + rest.replace("person_key", "guest_key"))
    before, own, rest = (project.root / YAML).read_text().partition(f"  - name: {WAGES}\n")
    project.write(YAML, before.replace("person_key", "guest_key") + own + rest)
    models = project.root / "models" / "marts"
    (models / f"{COSTS}.sql").rename(models / "what_services_cost.sql")
    daily = models / "visits_by_region_and_day.sql"
    daily.write_text(daily.read_text().replace("person_key", "guest_key"))
    return "what_services_cost"


def test_other_names_do_not_bring_a_budget_back(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Budget, unit, column and mart are all called otherwise: the charges of before count."""
    before = drawn(project)
    mart = renamed(project)
    init(project)  # the new linkage domain has a key of its own
    refused = project.dbt("build", "--select", f"+{mart}")
    as_before = drawn(project)
    # The twin: a ledger that goes by names.
    monkeypatch.setattr(Unit, "same_as", lambda self, other: self.name == other.name)
    monkeypatch.setattr(Declaration, "counts", lambda self, unit, sources: self.unit == unit)
    monkeypatch.setattr("veil.warehouse.ledger.merged", lambda declared, book: declared)
    stolen = project.dbt("build", "--select", f"+{mart}")

    assert "budget `guests`: the release costs epsilon 2 " in refused.messages[f"model.veil.{mart}"]
    assert "left are epsilon 1.2 " in refused.messages[f"model.veil.{mart}"]
    assert as_before == before
    assert stolen.results[f"model.veil.{mart}"] == "success", stolen.text
    assert len(drawn(project)) == len(before) + 1


# the file itself


def edited(project: DbtProject) -> None:
    """A charge made smaller in a DuckDB client, by somebody who has the key."""
    with by_hand(project.veil) as conn:
        conn.execute(
            'update l.chain set body = replace(body, \'"loss":"1/10"\', \'"loss":"1/9999"\')'
        )


def cells_edited(project: DbtProject) -> None:
    """The cells of one release put in the place of another's."""
    with by_hand(project.veil) as conn:
        conn.execute("update l.cells set content = (select min(content) from l.cells)")


def deleted(project: DbtProject) -> None:
    """The ledger alone is gone."""
    ledger_file(project.veil).unlink()


def of_another_project(project: DbtProject) -> None:
    """A ledger with nothing spent, well made, under the same keyring."""
    keyring, keeper = load_state(project.veil)
    deleted(project)
    with pytest.MonkeyPatch.context() as patch:
        nothing_shows(patch)
        for name in ("intend", "note_done"):
            patch.setattr(f"veil.warehouse.ledger.{name}", lambda *_: None)
        from veil.warehouse.ledger import create_ledger

        create_ledger(project.veil, keyring, keeper)


FILES = {
    edited: "was changed by other hands: a row",
    cells_edited: "was changed by other hands: the cells",
    deleted: "is gone, and the audit record knows what was charged",
    of_another_project: "was rolled back",
}


def test_build_stops_at_a_ledger_that_is_not_the_newest_one(project: DbtProject) -> None:
    """Edited, exchanged, rolled back or gone: one line, nothing is built; put back, it goes on."""
    good = ledger_file(project.veil).read_bytes()
    said = {}
    for steal in FILES:
        steal(project)
        outcome = project.dbt("build", "--select", COSTS)
        said[steal] = outcome.ok, outcome.results, outcome.text
        if steal is deleted:
            with pytest.raises(LedgerError, match="shows earlier releases"):
                init(project)
        ledger_file(project.veil).with_name("ledger.duckdb.wal").unlink(missing_ok=True)
        ledger_file(project.veil).write_bytes(good)
        ledger_file(project.veil).chmod(0o600)
    outcome = project.dbt("build", "--select", COSTS)

    for steal, part in FILES.items():
        ok, results, text = said[steal]
        assert not ok and results == {}
        assert part in text, steal.__name__
    assert outcome.ok, outcome.text
    assert spent(project) == SPENT


def test_without_the_key_the_ledger_does_not_open(built: DbtProject) -> None:
    """A client without it sees no table; the file holds no name of a mart or budget either."""
    file = ledger_file(built.veil)
    with pytest.raises(duckdb.Error, match="encrypted"):
        duckdb.connect(str(file), read_only=True)

    assert not re.search(rb"visitors|visit_costs|epsilon", file.read_bytes())


def test_where_no_mac_is_compared_an_edited_charge_is_believed(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the edited row."""
    edited(project)
    monkeypatch.setattr("veil.warehouse.ledger_rows.hmac.compare_digest", lambda a, b: True)

    assert spent(project)["visitors"] < SPENT["visitors"]


def test_older_ledger_is_refused_and_would_forget_a_charge(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A well made file of an hour ago; the twin, where nobody asks the record, has it forgotten."""
    older = ledger_file(project.veil).read_bytes()
    newest = ledger(project.veil).releases()[-1].draw
    again: dict[str, Any] = {
        name: getattr(newest, name)
        for name in ("name", "definition", "mart", "budget", "unit", "sources")
    }
    table = ledger(project.veil).stored(newest.id)
    assert table is not None
    ledger(project.veil).charge_and_store(draw("2", *newest.lines, **again), lambda: table.cells)
    ledger_file(project.veil).with_name("ledger.duckdb.wal").unlink(missing_ok=True)
    ledger_file(project.veil).write_bytes(older)
    outcome = project.dbt("build", "--select", COSTS)
    monkeypatch.setattr("veil.warehouse.ledger.settle", lambda keeper, book: None)

    assert not outcome.ok and outcome.results == {}
    assert "was rolled back: the audit record saw a newer one written" in outcome.text
    assert [name for name, _, _ in drawn(project)] == RELEASES


# two at once


@pytest.fixture
def pair(project: DbtProject) -> Iterator[tuple[DbtProject, DbtProject]]:
    """The project, and a copy of it with zones of its own over the same state/."""
    other = copy_of(project, project.root.with_name(project.root.name.replace("demo", "twin")))
    yield project, other
    shutil.rmtree(other.root)


def at_once(*projects: DbtProject) -> list[int]:
    """Build the mart of costs in processes of their own, begun together; their exit codes."""
    running = [Builds(project) for project in projects]
    try:
        for one in running:
            one.run("parse")  # the imports are done, and the next command begins at once
        with ThreadPoolExecutor() as threads:
            done = [threads.submit(one.run, "build", "--select", COSTS) for one in running]
            return sorted(one.result() for one in done)
    finally:
        for one in running:
            one.close()


def asks_for(project: DbtProject, period: int) -> None:
    """A release of epsilon 1, of which the limit has 1.2 left."""
    project.replace(YAML, "epsilon: 2\n", f"epsilon: 1\n        privacy_release_period: {period}\n")


def test_of_two_builds_at_once_one_draws(project: DbtProject) -> None:
    """The same project twice: the zones belong to one of the two, or the other one replays."""
    asks_for(project, 2)
    codes = at_once(project, project)
    new = [one for one in drawn(project) if one[1] == "2"]

    assert codes in ([0, 0], [0, 1])
    assert [name for name, _, _ in new] == [COSTS]
    assert spent(project) == {**SPENT, "visitors": 5.8}


def test_of_two_projects_over_one_state_one_gets_the_last_share(
    pair: tuple[DbtProject, DbtProject],
) -> None:
    """Two releases that fit one by one and not together; the ledger is one for both."""
    one, other = pair
    shutil.rmtree(other.veil.state)
    other.veil.state.symlink_to(one.veil.state)
    for project, period in ((one, 2), (other, 3)):
        asks_for(project, period)
    codes = at_once(one, other)

    assert codes == [0, 1]
    assert len(drawn(one)) == len(RELEASES) + 1
    assert spent(one) == {**SPENT, "visitors": 5.8}


def test_two_copies_of_all_state_both_draw(pair: tuple[DbtProject, DbtProject]) -> None:
    """What no file in a project can stop: a second ledger knows nothing of the first one's draw."""
    for project in pair:
        asks_for(project, 2)
    codes = at_once(*pair)
    parts = [json.dumps([name for name, _, _ in drawn(one)]) for one in pair]

    assert codes == [0, 0]
    assert parts[0] == parts[1]
    assert shown(pair[0], COSTS) != shown(pair[1], COSTS)
