"""The runbooks, followed as written, each after the accident that it is for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness import ROOT, DbtProject
from runbook_support import Reader, Step, says, steps
from veil.audit.record import Record
from veil.cli.keys import rewrap_keys
from veil.keys import Keyring, Status
from veil.state import change_keyring, load_keyring

pytestmark = pytest.mark.project

RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(path.stem for path in RUNBOOKS.glob("*.md") if path.stem != "README")
Accident = Callable[[DbtProject, Reader], None]


def page(name: str) -> str:
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture
def reader(project: DbtProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The team's engineer: the key-encryption key is a file, as `veil init` makes it."""
    found = Reader(project.root, tmp_path / "home")
    monkeypatch.setenv("HOME", str(found.home))
    arguments = ["--to", "file:~/.config/veil/demo.kek", "--project-dir", str(project.root)]
    done = CliRunner().invoke(rewrap_keys, arguments)
    assert done.exit_code == 0, done.exception
    return found


def prepared(reader: Reader) -> None:
    """What the first page asks for before anything happens: backup, anchor, public key."""
    (reader.home / "veil-anchor").mkdir()
    setting = f'\nvars:\n  "veil:anchor": {{path: {reader.home / "veil-anchor"}}}\n'
    DbtProject(reader.project).replace("dbt_project.yml", "\nvars:\n", setting)
    for step in steps(page("README")):
        reader.follows(step)


def changed_key(project: DbtProject) -> None:
    """A key operation after the backup."""
    ring = load_keyring(project.veil)
    kid = ring.add("pseudonym", "visit").kid
    change_keyring(project.veil, ring, "key.added", kids=[kid])


def followed(
    name: str, project: DbtProject, reader: Reader, accidents: Mapping[str, Accident]
) -> list[str]:
    """Follow a page to its end; an accident happens before the section that is for it."""
    left = dict(accidents)
    printed = []
    for step in steps(page(name)):
        if step.section in left:
            left.pop(step.section)(project, reader)
        printed.append(reader.follows(step))
    assert not left, "each accident has its section"
    return printed


def tables(project: DbtProject) -> dict[str, list[Any]]:
    """What is published: every table's rows."""
    with project.published() as conn:
        names = conn.execute("select table_name from duckdb_tables() order by all").fetchall()
        return {name: conn.execute(f'from "{name}" order by all').fetchall() for (name,) in names}


def pseudonyms(project: DbtProject) -> set[str]:
    sql = "select distinct person_key from pseudonymized.main.psn_census"
    return {token for (token,) in project.rows(sql)}


def kids(project: DbtProject, *statuses: Status) -> set[str]:
    ring = Keyring.load(project.veil.keyring)
    return {entry.kid for entry in ring.entries if entry.status in statuses}


# the pages


def test_every_page_has_its_parts_and_is_on_the_list() -> None:
    """First steps, what stays possible, whom to tell, what to write down; all of it is run."""
    for name in PAGES:
        text = page(name)
        headings = re.findall(r"^## (.+)$", text, re.M)

        assert headings[0].startswith("First, ")
        assert headings[-3:] == ["What is still possible", "Whom to tell", "Write down"]
        assert f"]({name}.md)" in page("README")
        assert len(steps(text)) == text.count("```sh\n") >= 4


def test_links_between_pages_lead_somewhere() -> None:
    """Nobody looks for a heading on a bad day."""
    for name in ["README", *PAGES]:
        for target, anchor in re.findall(r"\]\(([\w./-]*)#?([\w-]*)\)", page(name)):
            file = RUNBOOKS / target if target else RUNBOOKS / f"{name}.md"
            headings = re.findall(r"^## (.+)$", file.read_text(encoding="utf-8"), re.M)
            marks = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}

            assert not anchor or anchor in marks, f"{name}: {target}#{anchor}"


def test_a_page_that_does_not_work_is_noticed(reader: Reader) -> None:
    """A command that fails, and one that prints something else than shown."""
    failing, other = steps(
        "## A\n\n```sh\nfalse\ntrue\n```\n\n```sh\necho b\n```\n\n```text\nc\n```\n"
    )

    with pytest.raises(AssertionError, match="false"):
        reader.follows(failing)
    with pytest.raises(AssertionError, match="echo b"):
        reader.follows(other)
    assert says("a ... c", "a b c") and not says("a", "a b")


def test_a_variable_is_there_in_the_next_block(reader: Reader) -> None:
    """As in the shell of whoever types the blocks one after the other."""
    reader.follows(Step("", "NAME='a b'\n", None))
    reader.follows(Step("", 'echo "$NAME"\n', "a b"))


# each of them


def test_leaked_key(project: DbtProject, reader: Reader) -> None:
    """Every key is another, the old key-encryption key is gone, and the numbers are the same."""
    before, old = tables(project), kids(project, Status.PRIMARY)
    (keep,) = {
        entry.kid
        for entry in Keyring.load(project.veil.keyring).entries
        if entry.purpose == "perturbation"
    }
    followed("leaked-key", project, reader, {})
    text = (reader.home / "veil-case" / "remains.txt").read_text()

    assert tables(project) == before
    assert kids(project, Status.PRIMARY) & old == {keep}
    assert old - {keep} <= kids(project, Status.DESTROYED)
    assert not (reader.home / ".config" / "veil" / "demo.kek").exists()
    assert "A holder of the old keys can still:\n  - Read every copy" in text


def test_lost_keyring(project: DbtProject, reader: Reader) -> None:
    """From a backup nothing changes; without one every pseudonym is another."""
    prepared(reader)
    before, people = tables(project), pseudonyms(project)
    found: dict[str, Any] = {}

    def lose_keyring(project: DbtProject, _reader: Reader) -> None:
        project.veil.keyring.unlink()

    def lose_state(project: DbtProject, _reader: Reader) -> None:
        changed_key(project)
        shutil.rmtree(project.veil.state)

    def lose_backups(project: DbtProject, _reader: Reader) -> None:
        found.update(tables=tables(project), people=pseudonyms(project))
        project.veil.keyring.unlink()

    followed(
        "lost-keyring",
        project,
        reader,
        {
            "First, in minutes": lose_keyring,
            "All of state/ is gone": lose_state,
            "Without a backup": lose_backups,
        },
    )
    closed = Record.open(project.veil.audit / "closed-2")
    created = Record.open(project.veil.audit).last("keyring.created")

    assert found == {"tables": before, "people": people}
    assert pseudonyms(project).isdisjoint(people)
    assert tables(project).keys() == before.keys()
    assert closed.last("record.replaced") is not None
    assert created is not None and created.details["after_loss"] is True


def test_failed_audit(project: DbtProject, reader: Reader) -> None:
    """Torn goes on; tampered and forked end in another record, and the old ones are kept."""
    prepared(reader)

    def tear(project: DbtProject, _reader: Reader) -> None:
        with project.veil.record.open("ab") as file:
            file.write(b'{"at":"2026-11-')

    def tamper(project: DbtProject, _reader: Reader) -> None:
        lines = project.veil.record.read_bytes().splitlines(keepends=True)
        at, line = next((at, one) for at, one in enumerate(lines) if b'"gate.passed"' in one)
        lines[at] = re.sub(rb'"rows":\d+', b'"rows":1', line)
        project.veil.record.write_bytes(b"".join(lines))

    def put_back(project: DbtProject, reader: Reader) -> None:
        copy = reader.home / "copy"
        shutil.copytree(project.veil.state, copy)
        changed_key(project)
        shutil.rmtree(project.veil.state)
        shutil.copytree(copy, project.veil.state)

    before = tables(project)
    followed(
        "failed-audit",
        project,
        reader,
        {"First, in minutes": tear, "Tampered": tamper, "Forked": put_back},
    )
    closed = {path.name for path in project.veil.audit.glob("closed-*/record.jsonl")}

    assert tables(project) == before
    assert closed == {"record.jsonl"} and len(list(project.veil.audit.glob("closed-*"))) == 2
    assert Record.open(project.veil.audit / "closed-1").last("record.resumed") is not None


def test_wrong_release(project: DbtProject, reader: Reader) -> None:
    """The wrong release is gone and replaced by one of another id and content."""
    before = tables(project)
    printed = followed("wrong-release", project, reader, {})
    ids = re.findall(r"^release (\w+)$", "".join(printed), re.M)
    recalled = Record.open(project.veil.audit).last("publication.recalled")
    release = json.loads((project.veil.published / "research" / "RELEASE.json").read_text())

    assert recalled is not None
    assert ids == [recalled.details["release"], release["id"]]
    assert ids[0] != ids[1]
    assert tables(project) != before


def test_staff_leaver(project: DbtProject, reader: Reader) -> None:
    """What the leaver knew opens nothing that is written from now on; no number changes."""
    before, people = tables(project), pseudonyms(project)
    old = Keyring.load(project.veil.keyring)
    followed("staff-leaver", project, reader, {})
    ring = Keyring.load(project.veil.keyring)

    assert tables(project) == before
    assert pseudonyms(project).isdisjoint(people)
    for purpose, status in [("pseudonym", "destroyed"), ("zone", "destroyed"), ("audit", "active")]:
        for entry in old.entries:
            if entry.purpose == purpose:
                assert ring.entry(entry.kid).status == status
    assert {entry.kek_ref for entry in ring.entries}.isdisjoint({"file:~/.config/veil/demo.kek"})
    assert not (reader.home / ".config" / "veil" / "demo.kek").exists()
