"""A project as it lies on disk, beside what it was in a commit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from veil.check.cache import key_of
from veil.check.inputs import Inputs
from veil.check.manifest import Profile, check_folder
from veil.errors import VeilError
from veil.exposure.base import Repository, prepare
from veil.exposure.change import Change, Severity
from veil.exposure.compare import compare
from veil.exposure.picture import Picture
from veil.exposure.take import take
from veil.files import write_atomic
from veil.policy.waivers import today
from veil.project import Project

FORMAT = 2
KEPT = 4
"""Pictures of earlier commits that are kept under target/veil/base/."""


@dataclass(frozen=True)
class Difference:
    """What a change exposes.

    Attributes:
        changes: in order.
        commit: hash of the commit that was compared with.
        notice: why everything counts as new; empty where the commit could be looked at.
    """

    changes: tuple[Change, ...]
    commit: str
    notice: str

    @property
    def must_look(self) -> bool:
        return any(one.severity is Severity.LOOK for one in self.changes)


def difference(
    project: Project,
    base: str,
    *,
    target: str | None,
    environ: Mapping[str, str],
    use_cache: bool = True,
    progress: Callable[[str], None] = lambda _what: None,
) -> Difference:
    """Compare a project, uncommitted changes included, with a commit.

    Args:
        project: the dbt project.
        base: what git calls the commit.
        target: a target of the profile; its default where it is None.
        environ: the environment.
        use_cache: whether an earlier check or picture may be built upon.
        progress: told what is looked at.

    Raises:
        VeilError: no repository, no such commit, or a project that dbt cannot parse as it is. A
            commit that cannot be parsed is none: then everything counts as new.
    """
    repository = Repository.of(project)
    commit = repository.commit(base)
    progress("the project as it is")
    after = take(project, target=target, environ=environ, use_cache=use_cache)
    notice, before = "", Picture()
    progress("the project as it was")
    with repository.files(commit) as tree:
        try:
            earlier, inner = prepare(tree, repository, project, environ)
            before = _remembered(
                earlier,
                commit=commit,
                target=target,
                environ=inner,
                store=check_folder(project) / "base" if use_cache else None,
            )
        except VeilError as error:
            notice = f"Everything counts as new: {error.message}"
    if not notice and _uses_veil(after) and not _uses_veil(before):
        notice = "Everything counts as new: the base does not use veil yet."
    return Difference(tuple(compare(before, after)), commit, notice)


def _uses_veil(picture: Picture) -> bool:
    return any(one["guarded"] for one in picture.nodes.values())


def _remembered(
    project: Project,
    *,
    commit: str,
    target: str | None,
    environ: Mapping[str, str],
    store: Path | None,
) -> Picture:
    """The picture of an earlier commit; the one that was kept, where nothing would change it."""
    if store is None:
        return take(project, target=target, environ=environ)
    inputs = Inputs.read(
        project,
        profiles=Profile.find(project, environ).file,
        target=target,
        # A temporary folder; what lies in it is among the inputs.
        environ={key: one for key, one in environ.items() if key != "DBT_PROFILES_DIR"},
    )
    key = key_of(FORMAT, commit, inputs.files, inputs.settings, today())[:32]
    file = store / f"{key}.json"
    found = _load(file)
    if found is None:
        found = take(project, target=target, environ=environ)
        _save(file, found)
    return found


def _load(file: Path) -> Picture | None:
    """A picture that was kept; None where there is none, or a damaged one."""
    try:
        digest, _, body = file.read_bytes().partition(b"\n")
        if digest.decode("ascii") != hashlib.sha256(body).hexdigest():
            return None
        raw = json.loads(body)
        return Picture(raw["project"], raw["nodes"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _save(file: Path, picture: Picture) -> None:
    """Keep a picture; where that fails, the next comparison only takes longer."""
    body = json.dumps(picture.plain(), ensure_ascii=False).encode()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        kept = sorted(file.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, VeilError):
        return
