"""`veil audit begin`: another record after a loss, and never in the place of one that holds."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from keys_support import REF

from veil.audit.record import Record
from veil.cli.audit import audit
from veil.errors import EXIT_CANNOT_RUN, EXIT_FINE, EXIT_USAGE, VeilError
from veil.project import Project
from veil.recording import open_keeper
from veil.state import change_keyring, create_keyring, load_keyring

DIGEST = "ab" * 32


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a keyring and a record."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "dbt_project.yml").write_text("name: demo\n")
    (root / "state").mkdir(mode=0o700)
    monkeypatch.setenv(REF.removeprefix("env:"), secrets.token_hex(32))
    create_keyring(Project(root), kek_ref=REF, is_encrypted=True, after_loss=False)
    return Project(root)


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said, a refusal as `main` prints it."""

    exit_code: int
    output: str


def run(project: Project, command: str, *arguments: str) -> Answer:
    """Run `veil audit …`."""
    found = CliRunner().invoke(audit, [command, *arguments, "--project-dir", str(project.root)])
    if isinstance(found.exception, VeilError):
        return Answer(found.exception.exit_code, f"{found.output}{found.exception}")
    return Answer(found.exit_code, found.output)


def damaged(project: Project) -> bytes:
    """One letter of the first line is another; returns the record as it then is."""
    data = project.record.read_bytes().replace(b"record.began", b"record.begun", 1)
    project.record.write_bytes(data)
    return data


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def with_anchor(project: Project, folder: Path) -> None:
    folder.mkdir()
    (project.root / "dbt_project.yml").write_text(
        f'name: demo\nvars:\n  "veil:anchor": {{path: {folder}}}\n'
    )


def with_command_anchor(project: Project, notes: Path) -> None:
    """An anchor as in the how-to: one program appends, another prints all that was kept."""
    notes.touch()
    keep = f'{{ [ ! -s "{notes}" ] || echo; cat; }} >> "{notes}"'
    anchor = {"command": ["sh", "-c", keep], "read": ["cat", str(notes)]}
    text = json.dumps({"name": "demo", "vars": {"veil:anchor": anchor}})
    (project.root / "dbt_project.yml").write_text(text)


def one_more_key(project: Project) -> None:
    keyring = load_keyring(project)
    kid = keyring.add("pseudonym", "person").kid
    change_keyring(project, keyring, "key.added", kids=[kid])


def test_a_record_that_holds_is_not_replaced(project: Project) -> None:
    """Also with --yes: whoever has the keyring cannot push the history aside that way."""
    before = contents(project.state)
    for arguments in ([], ["--yes"]):
        found = run(project, "begin", *arguments)

        assert found.exit_code == EXIT_USAGE
        assert "the record holds" in found.output
    assert contents(project.state) == before


def test_without_yes_it_says_what_is_wrong_and_touches_nothing(project: Project) -> None:
    """The damaged record is evidence: not even its end is mended."""
    with project.record.open("ab") as file:
        file.write(b'{"torn')
    damaged(project)
    before = contents(project.state)
    found = run(project, "begin")

    assert found.exit_code == EXIT_USAGE
    assert "line 1 is damaged" in found.output
    assert "--yes" in found.output
    assert contents(project.state) == before


def test_damaged_record_is_kept_and_another_one_verifies(project: Project) -> None:
    """What is left lies in closed-1, byte for byte; the new record has another name and key."""
    old_key = run(project, "key").output.strip()
    evidence = damaged(project)
    found = run(project, "begin", "--yes")

    assert found.exit_code == EXIT_FINE
    assert "state/audit/closed-1/" in found.output
    assert (project.audit / "closed-1" / "record.jsonl").read_bytes() == evidence
    assert run(project, "verify").exit_code == EXIT_FINE
    assert run(project, "verify", "--pubkey", old_key).exit_code not in {EXIT_FINE, EXIT_USAGE}
    one_more_key(project)
    assert run(project, "begin", "--yes").exit_code == EXIT_USAGE


def test_a_lost_record_is_replaced(project: Project) -> None:
    """Nothing is left of it but checkpoints; they are kept."""
    project.record.unlink()
    found = run(project, "begin", "--yes")

    assert found.exit_code == EXIT_FINE
    assert [path.name for path in (project.audit / "closed-1").iterdir()] != []
    assert not (project.audit / "closed-1" / "record.jsonl").exists()
    assert run(project, "verify").exit_code == EXIT_FINE


def test_state_from_an_older_backup_goes_on_beside_its_anchor(
    project: Project, tmp_path: Path
) -> None:
    """All of state/ was lost and put back from a backup: whole, but older than the anchor."""
    with_anchor(project, tmp_path / "anchor")
    one_more_key(project)
    shutil.copytree(project.state, tmp_path / "copy")
    one_more = load_keyring(project)
    kid = one_more.add("pseudonym", "household").kid
    change_keyring(project, one_more, "key.added", kids=[kid])
    shutil.rmtree(project.state)
    shutil.copytree(tmp_path / "copy", project.state)

    assert run(project, "verify").exit_code == EXIT_FINE  # by itself it is whole
    assert "rolled back" in run(project, "begin").output
    assert run(project, "begin", "--yes").exit_code == EXIT_FINE
    open_keeper(project, load_keyring(project)).check()


def test_nothing_is_closed_while_the_anchor_is_away(project: Project, tmp_path: Path) -> None:
    """Nobody can tell whether the record was rolled back: exit code 3, and all stays."""
    with_anchor(project, tmp_path / "anchor")
    one_more_key(project)
    (tmp_path / "anchor").rename(tmp_path / "gone")
    before = contents(project.state)
    found = run(project, "begin", "--yes")

    assert found.exit_code == EXIT_CANNOT_RUN
    assert "anchor" in found.output
    assert contents(project.state) == before


def test_what_was_recalled_stays_recalled(project: Project) -> None:
    """A wrong release is not published again because the record that knew it was damaged."""
    recalled = {"audience": "research", "release": "ab" * 8, "content": DIGEST}
    keeper = open_keeper(project, load_keyring(project))
    keeper.note("publication.recalled", **recalled)
    keeper.note("publication.allowed", audience="research", content=DIGEST)
    keeper.checkpoint()
    damaged(project)
    found = run(project, "begin", "--yes")
    blocked = [one.details for one in Record.open(project.audit).events({"publication.recalled"})]

    assert blocked == [recalled]
    assert "taken back" in found.output
    assert run(project, "verify").exit_code == EXIT_FINE


def test_an_anchor_that_knows_the_former_record_alone_is_no_hindrance(
    project: Project, tmp_path: Path
) -> None:
    """It holds nothing of the new name yet; what was recalled is carried over all the same."""
    with_command_anchor(project, tmp_path / "notes")
    recalled = {"audience": "research", "release": "ab" * 8, "content": DIGEST}
    keeper = open_keeper(project, load_keyring(project))
    keeper.note("publication.recalled", **recalled)
    keeper.checkpoint()
    damaged(project)
    found = run(project, "begin", "--yes")

    assert found.exit_code == EXIT_FINE
    assert Record.open(project.audit).last("publication.recalled") is not None
    open_keeper(project, load_keyring(project)).check()
    assert run(project, "verify").exit_code == EXIT_FINE


@pytest.mark.parametrize("loss", ["gone", "line gone", "line damaged"])
def test_recalls_that_are_lost_with_their_lines_are_spoken_of(project: Project, loss: str) -> None:
    """With and without --yes: what must not come back has to be recalled again."""
    keeper = open_keeper(project, load_keyring(project))
    keeper.note("publication.recalled", audience="research", release="ab" * 8, content=DIGEST)
    keeper.checkpoint()
    lines = project.record.read_bytes().splitlines(keepends=True)
    at = next(seq for seq, line in enumerate(lines) if b"publication.recalled" in line)
    if loss == "gone":
        project.record.unlink()
    else:
        damage = [] if loss == "line gone" else [b"x" + lines[at]]
        project.record.write_bytes(b"".join([*lines[:at], *damage, *lines[at + 1 :]]))
    asked, done = run(project, "begin"), run(project, "begin", "--yes")

    assert (asked.exit_code, done.exit_code) == (EXIT_USAGE, EXIT_FINE)
    for said in (asked.output, done.output):
        assert "are forgotten: look into what is published, and recall again" in said


def test_recalls_that_can_be_read_are_not_said_to_be_lost(project: Project) -> None:
    """A number that was changed in a line hides no other."""
    data = project.record.read_bytes()
    project.record.write_bytes(data.replace(b'"after_loss":false', b'"after_loss":true', 1))
    found = run(project, "begin", "--yes")

    assert found.exit_code == EXIT_FINE
    assert "forgotten" not in found.output
