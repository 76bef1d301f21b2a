"""After a leak: every key replaced by one command, which finishes when it is run again.

The audit record says that it was begun and which keys it made; every other one is replaced. Each
step looks at what the keyring and the files say, does what is missing, and saves; the old keys are
destroyed last, when nothing needs them any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from veil.artifacts.places import read_manifest
from veil.emergency_plan import Plan, begin, end
from veil.errors import VeilError
from veil.findings import Finding, Level
from veil.keys import Keyring, Status, promote, replace_mac, reset, rewrap
from veil.keys.entry import MAC_PURPOSE, USABLE
from veil.policy.graph import Graph
from veil.project import ZONES, Project
from veil.recording import open_keeper
from veil.state import change_keyring
from veil.warehouse.ledger_keys import rekey_ledger, settle_ledger
from veil.warehouse.rekey import RULE, rekey_stored
from veil.warehouse.rekey_map import drop_map
from veil.warehouse.token_table import create_token_tables
from veil.warehouse.tokens import MASK, Tokens
from veil.warehouse.zone_rotation import Reencrypted, reencrypt, settle
from veil.warehouse.zones import attach_zones, close_zones, connection_options


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
        VeilError: no manifest says what is stored, a zone is in use, a ledger that is not the one
            recorded, a full disk, a provider that does not answer, an anchor that cannot be read;
            run again, it goes on where it stopped.
    """
    graph = _graph(project)
    # Whatever can be refused is refused before anything is noted.
    open_keeper(project, keyring).check()
    settle(project, keyring)
    settle_ledger(project, keyring)
    keeper = open_keeper(project, keyring)
    plan, resumed = begin(keeper, keyring, with_perturbation=with_perturbation)
    if kek_ref is not None and _is_under_another(keyring, kek_ref):
        progress("wrapping every key anew")
        rewrap(keyring, kek_ref)
        change_keyring(project, keyring, "key.rewrapped")
    progress("making new keys")
    plan = _make(project, keyring, plan)
    _promote(project, keyring, plan)
    progress("bringing the ledger under its new key")
    rekey_ledger(project, keyring)
    progress("bringing stored pseudonyms under the new key")
    findings = _rekey(project, keyring, graph)
    zones: list[Reencrypted] = []
    for done in reencrypt(project, keyring, _zones_left(keyring, plan)):
        progress(f"zone {done.zone} is written anew")
        zones.append(done)
    progress("destroying the old keys")
    _destroy(project, keyring, plan)
    if not plan.is_done(keyring):
        raise VeilError(
            "not every old key is replaced: the emergency has not ended.",
            remedy="See `veil keys list`, then run the command again: it goes on from there.",
        )
    end(open_keeper(project, keyring), keyring, plan)
    return Response(
        resumed=resumed,
        purposes=plan.purposes,
        destroyed=tuple(plan.destroyed(keyring)),
        made=tuple(plan.new(keyring)),
        zones=tuple(zones),
        findings=tuple(findings),
    )


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


def _make(project: Project, keyring: Keyring, plan: Plan) -> Plan:
    """A pending key for each old one, and another key of the file MAC, in one save."""
    # A pending key of somebody else's would be taken for the one that replaces. No file is under
    # it: `settle` and `settle_ledger` would have promoted it.
    strays = [entry.kid for entry in plan.old(keyring) if entry.status is Status.PENDING]
    for kid in strays:
        keyring.set_status(kid, Status.DISABLED)
    new = {(e.purpose, e.domain) for e in keyring.entries if plan.is_new(e)}
    lacking = {e.purpose for e in plan.old(keyring) if (e.purpose, e.domain) not in new}
    made = [
        entry.kid for entry in reset(keyring, lacking - {MAC_PURPOSE}) if entry.kid not in plan.made
    ]
    if MAC_PURPOSE in lacking:
        made.append(replace_mac(keyring).kid)
    if strays or made:
        change_keyring(project, keyring, "key.emergency", kids=made)
    return plan.with_made(made)


def _promote(project: Project, keyring: Keyring, plan: Plan) -> None:
    """Every new key but those of zones, which are promoted with their files."""
    pending = [
        entry.kid
        for entry in keyring.entries
        if plan.is_new(entry) and entry.status is Status.PENDING and entry.purpose != "zone"
    ]
    for kid in pending:
        promote(keyring, kid, window_days=None)
    if pending:
        change_keyring(project, keyring, "key.promoted", kids=pending)


def _zones_left(keyring: Keyring, plan: Plan) -> list[str]:
    """The zones that an old key still opens, or whose new key is not promoted yet."""
    old = plan.old(keyring)
    left = {
        entry.domain
        for entry in keyring.entries
        if entry.purpose == "zone"
        and (entry.status is Status.PENDING or (entry in old and entry.status in USABLE))
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


def _destroy(project: Project, keyring: Keyring, plan: Plan) -> None:
    old = plan.old(keyring)
    if not old:
        return
    # Under the old and the new signing key: without the old one, what it signed is not verified.
    open_keeper(project, keyring).checkpoint()
    for entry in old:
        if entry.status is not Status.DISABLED:
            keyring.set_status(entry.kid, Status.DISABLED)
        keyring.set_status(entry.kid, Status.DESTROYED)
    change_keyring(project, keyring, "key.destroyed", kids=[entry.kid for entry in old])
