"""Taking a release back: its files go, and its content is not published again by itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from veil.audit.keeper import Keeper
from veil.errors import VeilError
from veil.project import Project
from veil.recording import open_keeper
from veil.state import load_keyring
from veil.warehouse.release import RELEASE_FILE, Release, described_release

RELEASES = ".releases"
_FOLDER = re.compile(r"(.+)-([0-9a-f]{16})")

Recalls = Mapping[str, Collection[str]]
"""Of each audience the contents that were taken back and not allowed since."""


def recall(project: Project, audience: str) -> Release:
    """Take an audience's release back; safe to repeat after a crash.

    The entry comes first: a release that is gone without one could be published again unseen.

    Raises:
        VeilError: the audience has no release, veil did not put it there, or published/ cannot be
            written.
    """
    found = _Found.at(project.published / audience)
    if found is None or found.release.audience != audience:
        raise VeilError(
            f"audience `{audience}` has no release.", remedy="`veil show` lists what is published."
        )
    folder = _linked(project.published, audience)
    file = project.published / f"{audience}.duckdb"
    if folder is None or not found.is_plain or (file.exists() and not file.is_symlink()):
        raise _strange(audience)
    keeper = open_keeper(project, load_keyring(project))
    keeper.check()
    _note(keeper, audience, folder, found)
    keeper.checkpoint()
    _take_away(project.published, audience, folder, found)
    return found.release


def finish_recalls(
    project: Project, keeper: Keeper, recalls: Recalls
) -> tuple[list[str], list[str]]:
    """Take away what stands in published/ although it was taken back.

    A recall may have been cut short after its entry, and a copy of the files may have been put
    back.

    Returns:
        A line for each release that was removed, and one for each that was not.
    """
    done: list[str] = []
    failed: list[str] = []
    for audience, contents in sorted(recalls.items()):
        known = len(failed)
        for folder in sorted((project.published / RELEASES).glob("*")):
            found = _Found.at(folder)
            if found is None or found.content not in contents:
                continue
            try:
                if not (found.is_plain and _release_id(folder, audience)):
                    raise _strange(audience)
                _note(keeper, audience, folder, found)
                _take_away(project.published, audience, folder, found)
            except VeilError as error:
                failed.append(str(error))
                continue
            done.append(
                f"release {_release_id(folder, audience)} of audience `{audience}` was taken back"
                " with `veil recall` and stood in published/: it is removed."
            )
        left = _Found.at(project.published / audience)
        if left is not None and left.content in contents and len(failed) == known:
            failed.append(str(_strange(audience)))
    return done, failed


def allow(project: Project, audience: str) -> None:
    """Let the content that was taken back last be published again.

    Raises:
        VeilError: nothing of this audience was taken back.
    """
    keeper = open_keeper(project, load_keyring(project))
    blocked = recalled(keeper).get(audience)
    if not blocked:
        raise VeilError(f"no release of audience `{audience}` was taken back.")
    for content in sorted(blocked):
        keeper.note("publication.allowed", audience=audience, content=content)
    keeper.checkpoint()


def recalled(keeper: Keeper) -> Recalls:
    """What was taken back and not allowed since.

    Raises:
        TamperedError: the record is not what veil wrote.
    """
    blocked: dict[str, set[str]] = {}
    for entry in keeper.entries("publication.recalled", "publication.allowed"):
        contents = blocked.setdefault(str(entry.details["audience"]), set())
        change = contents.add if entry.event == "publication.recalled" else contents.discard
        change(str(entry.details["content"]))
    return blocked


def refuse_recalled(recalls: Recalls, release: Release) -> None:
    """Refuse to publish what was taken back.

    Raises:
        VeilError: it was.
    """
    if release.content in recalls.get(release.audience, ()):
        raise VeilError(
            f"audience `{release.audience}`: these tables were taken back with `veil recall`, and"
            " are not published again.",
            remedy="Mend the marts and build them; or, if the recall was a mistake,"
            f" `veil recall {release.audience} --lift`.",
        )


@dataclass(frozen=True)
class _Found:
    """What RELEASE.json in a folder says; anybody may have written it.

    Attributes:
        release: as described.
        files: names of its files.
        content: of its tables.
    """

    release: Release
    files: tuple[str, ...]
    content: str

    @classmethod
    def at(cls, folder: Path) -> _Found | None:
        """None where there is no such file, or it is damaged."""
        described = described_release(folder)
        if described is None:
            return None
        try:
            described[0].summary()
            return cls(described[0], tuple(described[1]), described[0].content)
        except (LookupError, TypeError, ValueError):
            return None

    @property
    def is_plain(self) -> bool:
        """Whether its files are named, and no path leads out of the folder."""
        return not any(
            not isinstance(name, str) or name in {"", ".", ".."} or set(name) & {"/", "\0"}
            for name in self.files
        )


def _note(keeper: Keeper, audience: str, folder: Path, found: _Found) -> None:
    keeper.note(
        "publication.recalled",
        audience=audience,
        release=_release_id(folder, audience),
        content=found.content,
    )


def _release_id(folder: Path, audience: str) -> str:
    """The id in the name of a folder of the audience, one that was never finished too; or empty."""
    named = _FOLDER.fullmatch(folder.name.removeprefix(".").removesuffix(".part"))
    return named[2] if named and named[1] == audience and not folder.is_symlink() else ""


def _linked(published: Path, audience: str) -> Path | None:
    """The folder of the release that an audience's link names; None where veil made no such link.

    The text of the link is looked at: a path that leads elsewhere on its way is another text.
    """
    link = published / audience
    target = link.readlink() if link.is_symlink() else Path()
    is_ours = (
        target.parent == Path(RELEASES)
        and _FOLDER.fullmatch(target.name)
        and _release_id(published / target, audience)
        and not (published / RELEASES).is_symlink()
    )
    return published / target if is_ours else None


def _take_away(published: Path, audience: str, folder: Path, found: _Found) -> None:
    """Remove a release's files, the links to them, and its folder.

    RELEASE.json goes last: it says to a second try what is to be removed.

    Raises:
        VeilError: one of them cannot be removed, or the folder holds something else too.
    """
    link, file = published / audience, published / f"{audience}.duckdb"
    try:
        is_linked = _linked(published, audience) == folder
        # The file first: it is what people open.
        if is_linked and file.is_symlink():
            file.unlink()
        for name in found.files:
            (folder / name).unlink(missing_ok=True)
        if is_linked:
            link.unlink()
        (folder / RELEASE_FILE).unlink(missing_ok=True)
    except OSError:
        raise VeilError(
            f"published/{audience} cannot be removed.",
            remedy="Check that you may write there, and run it again.",
        ) from None
    try:
        folder.rmdir()
    except OSError:
        raise VeilError(
            f"the release of audience `{audience}` was taken back; its folder in"
            f" published/{RELEASES}/ holds other files too, which stay.",
            remedy="Look at them, and remove the folder yourself.",
        ) from None


def _strange(audience: str) -> VeilError:
    return VeilError(
        f"published/{audience} is not as veil puts it there: a link to a release in"
        f" published/{RELEASES}/ that lists its files. Nothing of it is removed.",
        remedy="Look at where it leads, and remove it yourself.",
    )
