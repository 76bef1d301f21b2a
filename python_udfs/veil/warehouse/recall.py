"""Taking a release back: its files go, and its content is not published again by itself."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from veil.audit.keeper import Keeper
from veil.audit.record import Record
from veil.errors import VeilError
from veil.project import Project
from veil.recording import open_keeper
from veil.state import load_keyring
from veil.warehouse.release import RELEASE_FILE, Release, described_release


def recall(project: Project, audience: str) -> Release:
    """Take an audience's release back; safe to repeat after a crash.

    The entry comes first: a release that is gone without one could be published again unseen.

    Raises:
        VeilError: the audience has no release, or published/ cannot be written.
    """
    here = project.published / audience
    described = described_release(here)
    if described is None or described[0].audience != audience:
        raise VeilError(
            f"audience `{audience}` has no release.", remedy="`veil show` lists what is published."
        )
    release = described[0]
    keeper = open_keeper(project, load_keyring(project))
    keeper.check()
    keeper.note(
        "publication.recalled",
        audience=audience,
        release=release.id,
        content=release.content,
    )
    keeper.checkpoint()
    try:
        folder = here.resolve()
        # The file first: it is what people open, and the link to the folder names the release
        # for a second try.
        (project.published / f"{audience}.duckdb").unlink(missing_ok=True)
        _remove(folder)
        here.unlink()
    except OSError:
        raise VeilError(
            f"published/{audience} cannot be removed.",
            remedy="Check that you may write there, and run it again.",
        ) from None
    return release


def allow(project: Project, audience: str) -> None:
    """Let the content that was taken back last be published again.

    Raises:
        VeilError: nothing of this audience was taken back.
    """
    keeper = open_keeper(project, load_keyring(project))
    blocked = recalled(keeper.record, audience)
    if not blocked:
        raise VeilError(f"no release of audience `{audience}` was taken back.")
    for content in sorted(blocked):
        keeper.note("publication.allowed", audience=audience, content=content)
    keeper.checkpoint()


def recalled(record: Record, audience: str) -> frozenset[str]:
    """The contents of an audience's releases that were taken back and not allowed since."""
    blocked: set[str] = set()
    for entry in record.events({"publication.recalled", "publication.allowed"}):
        if entry.details["audience"] == audience:
            change = blocked.add if entry.event == "publication.recalled" else blocked.discard
            change(str(entry.details["content"]))
    return frozenset(blocked)


def refuse_recalled(keeper: Keeper, release: Release) -> None:
    """Refuse to publish what was taken back.

    Raises:
        VeilError: it was.
    """
    if release.content in recalled(keeper.record, release.audience):
        raise VeilError(
            f"audience `{release.audience}`: these tables were taken back with `veil recall`, and"
            " are not published again.",
            remedy="Mend the marts and build them; or, if the recall was a mistake,"
            f" `veil recall {release.audience} --lift`.",
        )


def _remove(folder: Path) -> None:
    """Remove a release's folder, RELEASE.json last: a second try needs it."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == RELEASE_FILE):
        path.unlink()
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
