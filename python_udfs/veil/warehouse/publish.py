"""Publishing: an audience's gated marts become files, swapped in whole or not at all.

A release is a folder, `published/.releases/<audience>-<id>/`, that holds everything the audience
reads; `published/<audience>` and `published/<audience>.duckdb` are links into it. Replacing the one
link `published/<audience>` is the swap: no reader ever meets half a release, and one that holds an
old file open keeps reading it. See docs/decisions/0006.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from veil.audit.checkpoint import Checkpoint
from veil.errors import VeilError
from veil.files import sync
from veil.policy.definition import definition_hash, policy_hash
from veil.policy.graph import Graph, Node
from veil.warehouse.content import content_of
from veil.warehouse.recall import RELEASES, Recalls, finish_recalls, recalled, refuse_recalled
from veil.warehouse.receipts import Receipt, valid_receipts
from veil.warehouse.recording import note_receipts, recorded_gates
from veil.warehouse.release import Release, read_release, write_release
from veil.warehouse.session import Session

BROKEN = frozenset({"error", "fail", "skipped", "runtime error", "partial success"})


@dataclass(frozen=True)
class Held:
    """Why a mart holds its audience back."""

    mart: str
    reason: str


def publish(
    session: Session, graph: Graph, *, states: Mapping[str, str], threshold: int
) -> list[str]:
    """Publish every audience of `graph`; returns one line for each.

    Args:
        states: the status of each node of this run, by unique id; empty for `veil publish`.
        threshold: the project's default threshold; part of the policy hash.
    """
    keeper = session.require_keeper()
    note_receipts(session.conn, session.keyring, keeper)
    receipts = valid_receipts(session.conn, session.keyring)
    recorded = recorded_gates(keeper)
    audiences: dict[str, list[Node]] = {}
    for mart in graph.marts:
        audiences.setdefault(str(mart.meta["privacy_audience"]), []).append(mart)
    recalls = recalled(keeper)
    # Whatever else becomes of an audience: what was taken back is not left standing.
    lines, failed = finish_recalls(session.project, keeper, recalls)
    for audience, marts in sorted(audiences.items()):
        held = [
            reason
            for mart in marts
            if (
                reason := _held(session, graph, mart, receipts, states, threshold)
                or _outdated(mart, receipts, recorded)
            )
        ]
        if held:
            keeper.note("publication.held", audience=audience)
            lines.append(
                f"audience `{audience}` {_standing(session, audience)}: mart `{held[0].mart}`"
                f" {held[0].reason}"
                + (f" ({len(held) - 1} more held back)" if len(held) > 1 else "")
            )
            continue
        chosen = {mart.name: (mart, receipts[mart.unique_id]) for mart in marts}
        try:
            lines.append(_swap(session, audience, chosen, recalls))
        except VeilError as error:
            failed.append(str(error))
    keeper.checkpoint()
    if failed:  # the other audiences are published all the same
        raise VeilError("\n  ".join([*failed, *lines]))
    return lines


def _standing(session: Session, audience: str) -> str:
    there = (session.project.published / f"{audience}.duckdb").exists()
    return "keeps its previous release" if there else "has no release yet"


def _held(
    session: Session,
    graph: Graph,
    mart: Node,
    receipts: Mapping[str, Receipt],
    states: Mapping[str, str],
    threshold: int,
) -> Held | None:
    for node in (mart, *graph.ancestors(mart)):
        if states.get(node.unique_id) in BROKEN:
            what = "did not build" if node is mart else f"stands on `{node.name}`, which failed"
            return Held(mart.name, f"{what} in this run.")
    for unique_id, state in states.items():
        if state in BROKEN and mart.unique_id in graph.tested_by(unique_id):
            return Held(mart.name, "failed a test in this run.")
    receipt = receipts.get(mart.unique_id)
    if receipt is None:
        return Held(mart.name, "has no gate receipt. Build it with `dbt build`.")
    if receipt.definition_hash != definition_hash(graph, mart):
        return Held(mart.name, "changed since it was gated. Build it again.")
    if receipt.policy_hash != policy_hash(graph, mart, threshold=threshold):
        return Held(mart.name, "stands under another policy than when gated. Build it again.")
    try:
        content, _rows = content_of(session.conn, mart.relation)
    except duckdb.Error:
        return Held(mart.name, "is not in the warehouse. Build it with `dbt build`.")
    if content != receipt.content_hash:
        return Held(mart.name, "has other content than its gates saw. Build it again.")
    return None


def _outdated(
    mart: Node, receipts: Mapping[str, Receipt], recorded: Mapping[str, Mapping[str, Any]]
) -> Held | None:
    """A warehouse that was put back has receipts that hold, and are not the newest recorded."""
    entry, receipt = recorded.get(mart.unique_id), receipts[mart.unique_id]
    if entry is None or entry["content_hash"] != receipt.content_hash:
        return Held(mart.name, "is older than its newest gates on record. Build it again.")
    return None


def _swap(
    session: Session,
    audience: str,
    chosen: Mapping[str, tuple[Node, Receipt]],
    recalls: Recalls,
) -> str:
    published = session.project.published
    here = published / audience
    shown = f"published/{audience}.duckdb"
    try:
        published.mkdir(exist_ok=True)
        releases = published / RELEASES
        releases.mkdir(exist_ok=True)
        release = Release.of(session, audience, chosen)
        refuse_recalled(recalls, release)
        previous = read_release(here)
        file_link = (published / f"{audience}.duckdb", Path(audience) / f"{audience}.duckdb")
        if previous and previous.same_as(release) and _points_at(*file_link):
            return f"{shown} is unchanged: {release.summary()}"
        folder = releases / f"{audience}-{release.id}"
        shutil.rmtree(folder, ignore_errors=True)
        staging = releases / f".{audience}-{release.id}.part"
        shutil.rmtree(staging, ignore_errors=True)
        try:
            staging.mkdir()
            checkpoint, record = _checkpoint(session)
            write_release(session, release, staging, chosen, record=record)
            staging.replace(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        _link(*file_link)
        _link(here, Path(RELEASES) / folder.name)
        _sweep(releases, audience, keep=folder)
        session.require_keeper().note(
            "publication.made", audience=audience, release=release.id, size=checkpoint.size
        )
    except (OSError, duckdb.Error) as error:
        kind = "the disk is full" if getattr(error, "errno", None) == 28 else "cannot be written"
        raise VeilError(
            f"published/ for audience `{audience}`: {kind}; the previous release stays.",
            remedy="Free some space, check that you may write there, then run `veil publish`.",
        ) from None
    return f"published {shown}: {release.summary()}"


def _checkpoint(session: Session) -> tuple[Checkpoint, dict[str, Any]]:
    """The checkpoint that a release is made under, and what RELEASE.json says of it."""
    keeper = session.require_keeper()
    checkpoint = keeper.checkpoint()
    newest = keeper.newest()
    note = newest[0] if newest is not None else ""
    return checkpoint, {"checkpoint": note, "anchored": keeper.anchored}


def _points_at(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.readlink() == target


def _link(link: Path, target: Path) -> None:
    """Point `link` at `target` in one step."""
    if _points_at(link, target):
        return
    if link.exists() and not link.is_symlink():
        raise VeilError(
            f"published/{link.name} was not written by veil, so it is not replaced.",
            remedy="Move it away and publish again.",
        )
    temporary = link.with_name(f".{link.name}.part")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync(link.parent)


def _sweep(releases: Path, audience: str, *, keep: Path) -> None:
    """Remove the audience's former releases; a reader that has one open keeps it."""
    for folder in releases.glob(f"{audience}-*"):
        if folder != keep and folder.name.rsplit("-", 1)[0] == audience:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
