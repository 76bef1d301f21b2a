"""Taking a release back removes what veil published, and nothing else."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from keys_support import REF

from veil.audit.keeper import Keeper
from veil.errors import VeilError
from veil.project import Project
from veil.recording import open_keeper
from veil.state import create_keyring, load_keyring
from veil.warehouse.recall import allow, finish_recalls, recall, recalled, refuse_recalled
from veil.warehouse.release import described_release

ID = "0123456789abcdef"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a keyring, a record, and one release."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "dbt_project.yml").write_text("name: demo\n")
    (root / "state").mkdir(mode=0o700)
    monkeypatch.setenv(REF.removeprefix("env:"), secrets.token_hex(32))
    create_keyring(Project(root), kek_ref=REF, is_encrypted=True, after_loss=False)
    project = Project(root)
    project.published.mkdir()
    place(project)
    return project


def place(project: Project) -> Path:
    """A release as veil leaves it; its folder."""
    folder = project.published / ".releases" / f"research-{ID}"
    described(folder, ["research.duckdb", "pyramid.parquet"])
    links(project, Path(".releases") / folder.name)
    return folder


def described(folder: Path, files: list[str], **more: object) -> None:
    folder.mkdir(parents=True)
    for name in files:
        if "/" not in name:
            (folder / name).write_text("rows")
    body = {
        "id": ID,
        "audience": "research",
        "veil": "1",
        "keyring": "k",
        "commit": None,
        "uncommitted_changes": None,
        "policy_hash": "ab" * 32,
        "tables": [{"name": "pyramid", "content_hash": "cd" * 32, "rows": 3}],
        "record": {},
        "published_at": "",
        "files": dict.fromkeys(files, ""),
        **more,
    }
    (folder / "RELEASE.json").write_text(json.dumps(body))


def links(project: Project, target: Path) -> None:
    for name, to in (
        ("research", target),
        ("research.duckdb", Path("research/research.duckdb")),
    ):
        (project.published / name).unlink(missing_ok=True)
        (project.published / name).symlink_to(to)


def keeper(project: Project) -> Keeper:
    return open_keeper(project, load_keyring(project))


def left(project: Project) -> list[str]:
    """What stands in published/, folders left out."""
    return sorted(
        path.name for path in project.published.rglob("*") if path.is_symlink() or not path.is_dir()
    )


def finished(project: Project) -> tuple[list[str], list[str]]:
    """What publishing does first."""
    own = keeper(project)
    return finish_recalls(project, own, recalled(own))


def test_recall_leaves_nothing_of_the_release(project: Project) -> None:
    """Files, links and folder are gone, and the content is blocked until it is allowed."""
    release = recall(project, "research")

    assert left(project) == []
    assert list((project.published / ".releases").iterdir()) == []
    with pytest.raises(VeilError, match="not published again"):
        refuse_recalled(recalled(keeper(project)), release)
    allow(project, "research")
    refuse_recalled(recalled(keeper(project)), release)


def _elsewhere(project: Project) -> Path:
    folder = project.root / "precious"
    described(folder, ["research.duckdb"])
    links(project, folder)
    return folder


def _above(project: Project) -> Path:
    folder = project.root / "precious"
    described(folder, ["research.duckdb"])
    links(project, Path("../precious"))
    return folder


def _other_name(project: Project) -> Path:
    folder = project.published / ".releases" / "notes"
    described(folder, ["research.duckdb"])
    links(project, Path(".releases/notes"))
    return folder


def _link_to_link(project: Project) -> Path:
    folder = project.root / "precious"
    described(folder, ["research.duckdb"])
    name = f".releases/research-{'f' * 16}"
    (project.published / name).symlink_to(folder)
    links(project, Path(name))
    return folder


def _path_in_the_list(project: Project) -> Path:
    folder = project.published / ".releases" / f"research-{'f' * 16}"
    described(folder, ["research.duckdb", "../../../precious"])
    (project.root / "precious").write_text("mine")
    links(project, Path(".releases") / folder.name)
    return folder


def _no_link(project: Project) -> Path:
    folder = project.published / "research"
    folder.unlink()
    described(folder, ["research.duckdb"])
    return folder


def _copied_file(project: Project) -> Path:
    file = project.published / "research.duckdb"
    file.unlink()
    file.write_text("mine")
    return (project.published / "research").resolve()


@pytest.mark.parametrize(
    "strange",
    [_elsewhere, _above, _other_name, _link_to_link, _path_in_the_list, _no_link, _copied_file],
)
def test_what_veil_did_not_put_there_is_not_removed(
    project: Project, strange: Callable[[Project], Path]
) -> None:
    """Wherever the link leads and whatever the list names: refused, before anything is noted."""
    folder = strange(project)
    before = sorted(path for path in project.root.rglob("*") if "audit" not in path.parts)
    with pytest.raises(VeilError, match="is not as veil puts it there") as refused:
        recall(project, "research")

    assert "remove it yourself" in refused.value.remedy
    assert (folder / "research.duckdb").read_text() == "rows"
    assert before == sorted(path for path in project.root.rglob("*") if "audit" not in path.parts)
    assert recalled(keeper(project)) == {}


def test_other_files_in_a_releases_folder_stay(project: Project) -> None:
    """What the release lists is gone; the rest is said to be there."""
    folder = (project.published / "research").resolve()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(VeilError, match="holds other files too, which stay"):
        recall(project, "research")

    assert left(project) == ["notes.txt"]
    assert len(recalled(keeper(project))["research"]) == 1


def test_a_recall_cut_short_after_its_entry_is_finished(project: Project) -> None:
    """Publishing removes what the record says was taken back, and notes it."""
    found = described_release(project.published / "research")
    assert found is not None
    own = keeper(project)
    own.note("publication.recalled", audience="research", release=ID, content=found[0].content)
    done, failed = finished(project)

    assert failed == []
    assert done == [
        f"release {ID} of audience `research` was taken back with `veil recall` and stood in"
        " published/: it is removed."
    ]
    assert left(project) == []
    assert len(own.entries("publication.recalled")) == 2
    assert finished(project) == ([], [])


@pytest.mark.parametrize("half", ["files", "links"])
def test_a_recall_cut_short_at_any_step_is_finished(project: Project, half: str) -> None:
    """Whichever names are gone already."""
    recall(project, "research")
    folder = place(project)
    for name in ["research.duckdb", "pyramid.parquet"] if half == "files" else []:
        (folder / name).unlink()
    for name in ["research", "research.duckdb"] if half == "links" else []:
        (project.published / name).unlink()
    (done,), failed = finished(project)

    assert (ID in done, failed, left(project)) == (True, [], [])
    assert not folder.exists()


def test_a_release_in_the_place_of_the_recalled_one_stays(project: Project) -> None:
    """Only the folder of the recalled one goes, where the links name another."""
    recall(project, "research")
    place(project)
    good = project.published / ".releases" / f"research-{'f' * 16}"
    tables = [{"name": "pyramid", "content_hash": "ef" * 32, "rows": 3}]
    described(good, ["research.duckdb"], tables=tables)
    links(project, Path(".releases") / good.name)
    done, failed = finished(project)

    assert (len(done), failed) == (1, [])
    assert left(project) == ["RELEASE.json", "research", "research.duckdb", "research.duckdb"]


def test_recalled_tables_in_a_folder_of_ones_own_are_said_to_stand(project: Project) -> None:
    """They are not veil's to remove."""
    recall(project, "research")
    described(project.published / "research", ["research.duckdb"])
    done, (failed,) = finished(project)

    assert done == []
    assert "is not as veil puts it there" in failed
    assert (project.published / "research" / "research.duckdb").exists()


def test_a_damaged_description_stops_nothing(project: Project) -> None:
    """Anybody may have written RELEASE.json: neither a traceback nor a removal comes of it."""
    recall(project, "research")
    folder = place(project)
    damaged: list[object] = [[1], [{}], "x", [{"name": "a", "content_hash": "b", "rows": "many"}]]
    for tables in damaged:
        body = {**json.loads((folder / "RELEASE.json").read_text()), "tables": tables}
        (folder / "RELEASE.json").write_text(json.dumps(body))

        assert finished(project) == ([], [])
        with pytest.raises(VeilError, match="has no release"):
            recall(project, "research")
