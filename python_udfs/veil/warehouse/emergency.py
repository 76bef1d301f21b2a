"""After a leak: every key replaced by one command, which finishes when it is run again.

What is to be replaced is written down first, in `state/emergency.json`: a key that was made after
that is not of those that leaked. Then each step looks at what the keyring and the files say, does
what is missing, and saves; the old keys are destroyed last, when nothing needs them any more.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from veil.artifacts.places import read_manifest
from veil.errors import VeilError
from veil.files import read_private, write_atomic
from veil.findings import Finding, Level
from veil.keys import KeyEntry, Keyring, Status, promote, replace_mac, reset, rewrap
from veil.keys.entry import MAC_PURPOSE, USABLE
from veil.policy.graph import Graph
from veil.project import ZONES, Project
from veil.recording import open_keeper
from veil.state import change_keyring
from veil.warehouse.rekey import RULE, rekey_stored
from veil.warehouse.rekey_map import drop_map
from veil.warehouse.token_table import create_token_tables
from veil.warehouse.tokens import MASK, Tokens
from veil.warehouse.zone_rotation import Reencrypted, reencrypt, settle
from veil.warehouse.zones import attach_zones, close_zones, connection_options

PURPOSES = ("audit", "pseudonym", "receipt", "token", "zone")
"""What is replaced always; `perturbation` changes published numbers and is replaced when asked."""
PERTURBATION = "perturbation"
_LIMIT = 1 << 20


@dataclass(frozen=True)
class Response:
    """What was done.

    Attributes:
        resumed: whether an earlier run was finished.
        purposes: whose keys were replaced.
        destroyed: the old keys.
        made: the new keys.
        zones: the zones that were written anew.
        findings: columns that hold pseudonyms or tokens which nobody can match any more.
    """

    resumed: bool
    purposes: tuple[str, ...]
    destroyed: tuple[str, ...]
    made: tuple[str, ...]
    zones: tuple[Reencrypted, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Plan:
    """What is to be replaced: the purposes, and every key of them that there was."""

    purposes: tuple[str, ...]
    old: frozenset[str]


def respond(
    project: Project,
    keyring: Keyring,
    *,
    with_perturbation: bool = False,
    kek_ref: str | None = None,
    progress: Callable[[str], None] = lambda _step: None,
) -> Response:
    """Replace the keys of every purpose, bring what is stored under them, destroy the old ones.

    Args:
        project: whose keys leaked.
        keyring: loaded; it is saved in between.
        with_perturbation: replace the key of shifted dates and noise too: numbers change.
        kek_ref: an existing key-encryption key to wrap everything under; the present one without.
        progress: called with each step, one line.

    Raises:
        VeilError: no manifest says what is stored, a zone is in use, a full disk, a provider that
            does not answer; run again, it goes on where it stopped.
    """
    plan = _read_plan(project)
    resumed = plan is not None
    graph = _graph(project)
    if plan is None:
        settle(project, keyring)
        purposes = (*PURPOSES, *((PERTURBATION,) if with_perturbation else ()))
        leaked = (
            kid
            for kid in _kids(keyring, (*purposes, MAC_PURPOSE))
            if keyring.entry(kid).status is not Status.DESTROYED
        )
        plan = _Plan(purposes, frozenset(leaked))
        _write_plan(project, plan)
    if kek_ref is not None and _is_under_another(keyring, kek_ref):
        progress("wrapping every key anew")
        rewrap(keyring, kek_ref)
        change_keyring(project, keyring, "key.rewrapped")
    progress("making new keys")
    _make(project, keyring, plan)
    _promote(project, keyring, plan)
    progress("bringing stored pseudonyms under the new key")
    findings = _rekey(project, keyring, graph)
    zones: list[Reencrypted] = []
    for done in reencrypt(project, keyring, _zones_left(keyring, plan)):
        progress(f"zone {done.zone} is written anew")
        zones.append(done)
    progress("destroying the old keys")
    _destroy(project, keyring, plan)
    _plan_file(project).unlink(missing_ok=True)
    made = [entry.kid for entry in keyring.entries if _is_new(entry, plan)]
    return Response(
        resumed=resumed,
        purposes=plan.purposes,
        destroyed=tuple(sorted(plan.old)),
        made=tuple(sorted(made)),
        zones=tuple(zones),
        findings=tuple(findings),
    )


def _kids(keyring: Keyring, purposes: tuple[str, ...]) -> list[str]:
    return [entry.kid for entry in keyring.entries if entry.purpose in purposes]


def _plan_file(project: Project) -> Path:
    return project.state / "emergency.json"


def _read_plan(project: Project) -> _Plan | None:
    file = _plan_file(project)
    if not file.exists():
        return None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        raw = json.loads(read_private(file, limit=_LIMIT))
        if {*PURPOSES, PERTURBATION}.issuperset(raw["purposes"]):
            return _Plan(tuple(raw["purposes"]), frozenset(raw["old"]))
    raise VeilError(
        "state/emergency.json cannot be read, and with it which keys were there before the leak.",
        remedy="Remove it and run the command again: it then replaces every key once more.",
    )


def _write_plan(project: Project, plan: _Plan) -> None:
    body = {"purposes": list(plan.purposes), "old": sorted(plan.old)}
    write_atomic(_plan_file(project), (json.dumps(body) + "\n").encode())


def _graph(project: Project) -> Graph:
    found = read_manifest(project)
    if found is not None:
        with contextlib.suppress(LookupError, TypeError, AttributeError):
            return Graph(found[1])
    raise VeilError(
        "target/manifest.json cannot be read, and with it which columns hold pseudonyms.",
        remedy="Run `dbt parse` first.",
    )


def _is_under_another(keyring: Keyring, kek_ref: str) -> bool:
    return any(
        entry.kek_ref != kek_ref
        for entry in keyring.entries
        if entry.status is not Status.DESTROYED
    )


def _is_new(entry: KeyEntry, plan: _Plan) -> bool:
    """Whether a key was made in place of one that leaked."""
    return (
        entry.purpose in (*plan.purposes, MAC_PURPOSE)
        and entry.kid not in plan.old
        and entry.status in USABLE
    )


def _make(project: Project, keyring: Keyring, plan: _Plan) -> None:
    """A pending key for each old one, and another key of the file MAC, in one save."""
    fresh = {entry.purpose for entry in keyring.entries if _is_new(entry, plan)}
    old = {entry.purpose for entry in keyring.entries if entry.kid in plan.old}
    missing = [purpose for purpose in plan.purposes if purpose in old - fresh]
    if missing:
        reset(keyring, missing, replace_pending=True)
    if MAC_PURPOSE not in fresh:
        replace_mac(keyring)
    if missing or MAC_PURPOSE not in fresh:
        made = [entry.kid for entry in keyring.entries if _is_new(entry, plan)]
        change_keyring(project, keyring, "key.emergency", kids=made)


def _promote(project: Project, keyring: Keyring, plan: _Plan) -> None:
    """Every new key but those of zones, which are promoted with their files."""
    pending = [
        entry.kid
        for entry in keyring.entries
        if _is_new(entry, plan) and entry.status is Status.PENDING and entry.purpose != "zone"
    ]
    for kid in pending:
        promote(keyring, kid, window_days=None)
    if pending:
        change_keyring(project, keyring, "key.promoted", kids=pending)


def _zones_left(keyring: Keyring, plan: _Plan) -> list[str]:
    """The zones that an old key still opens, or whose new key is not promoted yet."""
    left = {
        entry.domain
        for entry in keyring.entries
        if entry.purpose == "zone"
        and (entry.status is Status.PENDING or (entry.kid in plan.old and entry.status in USABLE))
    }
    return [zone for zone in ZONES if zone in left]


def _rekey(project: Project, keyring: Keyring, graph: Graph) -> list[Finding]:
    """Stored pseudonyms and the table of random tokens, then the map is dropped."""
    if not all(project.zone_file(zone).exists() for zone in ZONES):
        return []
    options: dict[str, Any] = dict(connection_options(project))
    with (
        # A raw model may be a view over a file, which is named from the project's root.
        contextlib.chdir(project.root),
        duckdb.connect(":memory:", config=options) as conn,
    ):
        attach_zones(conn, project, keyring)
        try:
            findings = rekey_stored(conn, keyring, graph)
            findings += _rekey_tokens(conn, keyring, graph)
            drop_map(conn)
        finally:
            close_zones(conn)
    return findings


def _rekey_tokens(conn: duckdb.DuckDBPyConnection, keyring: Keyring, graph: Graph) -> list[Finding]:
    found = []
    create_token_tables(conn)
    tokens = Tokens(conn, keyring)
    for node in graph:
        if any(one.meta.get("privacy_mask") == MASK for one in node.columns.values()):
            try:
                tokens.prepare(graph, node)
            except VeilError as error:
                found.append(
                    Finding(
                        rule=RULE,
                        message=f"model `{node.name}`: its random tokens cannot be looked up any"
                        f" more. {error.message}",
                        remedy="The next build gives its people new tokens.",
                        level=Level.WARNING,
                        model=node.name,
                        file=node.file,
                    )
                )
    return found


def _destroy(project: Project, keyring: Keyring, plan: _Plan) -> None:
    old = [
        entry.kid
        for entry in keyring.entries
        if entry.kid in plan.old and entry.status is not Status.DESTROYED
    ]
    if not old:
        return
    # Under the old and the new signing key: without the old one, what it signed is not verified.
    open_keeper(project, keyring).checkpoint()
    for kid in old:
        if keyring.entry(kid).status is not Status.DISABLED:
            keyring.set_status(kid, Status.DISABLED)
        keyring.set_status(kid, Status.DESTROYED)
    change_keyring(project, keyring, "key.destroyed", kids=old)
