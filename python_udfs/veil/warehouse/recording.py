"""What a build writes into the audit record: its start and end, gates, releases, exceptions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import duckdb
from dbt_common.invocation import get_invocation_id

from veil import __version__
from veil.audit.keeper import Keeper
from veil.keys import Keyring
from veil.policy.graph import Graph
from veil.policy.waivers import Waiver, project_waivers, waivers_of
from veil.project import Project
from veil.warehouse.commit import commit_of
from veil.warehouse.receipts import TABLE as RECEIPTS
from veil.warehouse.receipts import valid_receipts
from veil.warehouse.session import Session

NOTED = "marts.veil.noted"
"""Which receipts stand in the record."""
CONFIGURATION = ("dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml")


def note_start(session: Session, graph: Graph, *, command: str, target: str) -> None:
    """Note that a build begins, under which configuration and with which rules set aside."""
    keeper = session.require_keeper()
    digest = configuration_digest(session.project)
    known = next(reversed(keeper.entries("configuration.changed")), None)
    if known is None or (known.details["digest"], known.details["target"]) != (digest, target):
        keeper.note("configuration.changed", digest=digest, target=target)
    for model, waiver in _waivers(graph, session.project):
        keeper.note("waiver.used", model=model, rule=waiver.rule, until=str(waiver.until))
    commit, _changed = commit_of(session.project.root)
    known_commit = {} if commit is None else {"commit": commit}
    keeper.note("build.started", command=command, **_run(), **known_commit)


def note_end(session: Session, *, states: Mapping[str, str], command: str) -> None:
    """Note how a build ended, and which marts passed their gates in it."""
    keeper = session.require_keeper()
    counts = Counter(state.replace(" ", "_").replace("-", "_") for state in states.values())
    keeper.note(
        "build.ended",
        command=command,
        counts=dict(sorted(counts.items())),
        partial=session.is_partial_run(),
        **_run(),
    )
    note_receipts(session.conn, session.keyring, keeper)
    keeper.checkpoint()


def note_receipts(conn: duckdb.DuckDBPyConnection, keyring: Keyring, keeper: Keeper) -> None:
    """Note the receipts that the record does not know yet, of killed builds too.

    A crash between the two steps leaves an entry more, never one less.
    """
    with conn.cursor() as cursor:
        cursor.execute(f"create table if not exists {NOTED} (mart varchar, written_at timestamptz)")
        unnoted = {
            str(mart): written_at
            for mart, written_at in cursor.execute(
                f"select mart, max(written_at) from {RECEIPTS} group by mart"
                f" except select mart, written_at from {NOTED}"
            ).fetchall()
        }
        receipts = valid_receipts(cursor, keyring)
        for mart in sorted(unnoted.keys() & receipts.keys()):
            receipt = receipts[mart]
            keeper.note(
                "gate.passed",
                mart=mart,
                content_hash=receipt.content_hash,
                policy_hash=receipt.policy_hash,
                definition_hash=receipt.definition_hash,
                rows=receipt.rows,
            )
            cursor.execute("begin")
            cursor.execute(f"delete from {NOTED} where mart = ?", [mart])
            cursor.execute(f"insert into {NOTED} values (?, ?)", [mart, unnoted[mart]])
            cursor.execute("commit")


def recorded_gates(keeper: Keeper) -> dict[str, Mapping[str, Any]]:
    """What the record says of each mart's newest gates, by unique id."""
    return {str(entry.details["mart"]): entry.details for entry in keeper.entries("gate.passed")}


def configuration_digest(project: Project) -> str:
    """SHA-256 over the files that configure a project."""
    digest = hashlib.sha256()
    for name in CONFIGURATION:
        file = project.root / name
        data = file.read_bytes() if file.is_file() else b""
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _run() -> dict[str, Any]:
    return {"invocation": get_invocation_id(), "version": __version__}


def _waivers(graph: Graph, project: Project) -> list[tuple[str, Waiver]]:
    own = [(node.name, one) for node in graph for one in waivers_of(node.meta)]
    return [*own, *project_waivers(project.config())]
