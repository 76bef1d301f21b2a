"""A rotated pseudonym key in stored tables: one person has one pseudonym at every moment.

After a promotion a build makes pseudonyms under the new key, while tables that it does not rebuild
(another selection, an incremental model, a snapshot) hold those of the old one: joins would lose
people and distinct counts would double. So before any model runs, every stored pseudonym is
brought under the primary key of its domain, through the map of `rekey_map`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from veil.errors import VeilError
from veil.findings import Finding, Level
from veil.keys import Keyring
from veil.policy.graph import Graph
from veil.warehouse.messages import safe_message
from veil.warehouse.rekey_map import MAP, create_map, extend_map, forget_ended, lacks
from veil.warehouse.stored_pseudonyms import (
    DomainKeys,
    StoredColumn,
    domain_keys,
    former_held,
    stored_columns,
    usable_kids,
    was_rotated,
)

RULE = "stale_pseudonym"


def rekey_stored(
    conn: duckdb.DuckDBPyConnection,
    keyring: Keyring,
    graph: Graph,
    *,
    selected: Collection[str] = (),
    full_refresh: bool = False,
    at: datetime | None = None,
) -> list[Finding]:
    """Bring every stored pseudonym under the primary key of its domain; safe to repeat.

    Killed at any moment, the next call goes on. Where no pseudonym key was ever rotated, nothing is
    read. Rows of the map whose window is over are dropped.

    Args:
        conn: with all zones attached for writing; it may be locked down. A cursor of its own is
            used, so that each table's change is committed by itself.
        keyring: the keys, the former ones among them.
        graph: says which columns are pseudonyms, and of what.
        selected: the unique ids of what this run builds.
        full_refresh: whether it builds incremental models from nothing.
        at: the moment that windows are compared with; now when not given.

    Returns:
        A finding for each column that holds pseudonyms which stay as they are, because nobody knows
        any more whose they are: an error where their key is out of use and this run would build on
        them, else a warning. None names a value or a number of people.

    Raises:
        VeilError: a key does not unwrap, or a table cannot be written.
    """
    if not was_rotated(keyring):
        return []
    cursor = conn.cursor()
    try:
        domains = domain_keys(keyring, graph)
        columns = list(stored_columns(cursor, graph))
        held = [(one, kids) for one in columns if (kids := former_held(cursor, one, domains))]
        if held:
            create_map(cursor)
            if any(lacks(cursor, column, kids) for column, kids in held):
                extend_map(cursor, keyring, graph, domains)
            for column, kids in held:
                _rewrite(cursor, column, kids)
        forget_ended(cursor, keyring, at=at)
        run = _Run.of(graph, selected, full_refresh=full_refresh)
        usable = usable_kids(keyring)
        judged = ((column, _judge(cursor, column, domains, usable, run)) for column in columns)
        return [_finding(column, level) for column, level in judged if level is not None]
    except duckdb.Error as error:
        problem = safe_message(error)
    finally:
        cursor.close()
    # Outside the handler: even `from None` would leave the cause, and its value, attached.
    raise VeilError(
        f"stored pseudonyms cannot be brought under the new key: {problem}",
        remedy="Free some space if the disk is full; else build the models anew with"
        " `dbt build --full-refresh`.",
    )


def _rewrite(
    cursor: duckdb.DuckDBPyConnection, column: StoredColumn, kids: Collection[str]
) -> None:
    """Replace what the map knows, in place: order, type and comment of the column stay."""
    if not column.is_text:
        return
    held = " or ".join(column.holds(kid) for kid in kids)
    here = column.quoted
    new = "m.new" if column.domain else f"replace(t.{here}, m.old, m.new)"
    sql = (
        f"update {column.table} as t set {here} = {new} from {MAP} as m"
        f" where {column.pseudonym(kids)} = m.old and ({held})"
    )
    # A text may hold several, one after the other.
    while cursor.execute(sql).fetchall() != [(0,)] and not column.domain:
        pass


@dataclass(frozen=True, slots=True)
class _Run:
    """What of the warehouse a run takes as it stands.

    Attributes:
        read: unique ids of what it builds on, or adds to.
        rebuilt: unique ids of what it builds from nothing.
    """

    read: frozenset[str]
    rebuilt: frozenset[str]

    @classmethod
    def of(cls, graph: Graph, selected: Collection[str], *, full_refresh: bool) -> _Run:
        read: set[str] = set()
        rebuilt: set[str] = set()
        for node in graph:
            if node.unique_id not in selected or node.kind not in {"model", "snapshot"}:
                continue
            read |= {node.unique_id, *(one.unique_id for one in graph.ancestors(node))}
            own = node.config.get("full_refresh")
            anew = full_refresh if own is None else bool(own)
            if node.kind == "model" and (anew or node.config.get("materialized") == "table"):
                rebuilt.add(node.unique_id)
        return cls(frozenset(read), frozenset(rebuilt))


def _judge(
    cursor: duckdb.DuckDBPyConnection,
    column: StoredColumn,
    domains: Mapping[str, DomainKeys],
    usable: Collection[str],
    run: _Run,
) -> Level | None:
    """How much it weighs what a column still holds; None for nothing."""
    node = column.node
    if node is not None and node.unique_id in run.rebuilt:
        return None
    keys = domains.get(column.domain)
    if keys is None:
        # A column that declares no domain may be of one in which a key is primary still.
        kids = {entry.kid for one in domains.values() for entry in one.former}
        kids -= {one.primary for one in domains.values()}
        out_of_use = column.holds_other_than(usable)
    else:
        kids = {entry.kid for entry in keys.former}
        in_use = " or ".join(column.holds(kid) for kid in (keys.primary, *sorted(kids)))
        out_of_use = f"not ({in_use})"
    if column.exists(cursor, out_of_use):
        builds_on = node is not None and node.unique_id in run.read
        return Level.ERROR if builds_on else Level.WARNING
    if any(column.exists(cursor, column.holds(kid)) for kid in sorted(kids)):
        return Level.WARNING
    return None


def _finding(column: StoredColumn, level: Level) -> Finding:
    node = column.node
    kind = "table" if node is None else node.kind
    remedy = {
        "table": "No model is behind it any more.",
        "snapshot": "Give the snapshot another `alias`, so that it begins anew.",
        "source": "Load it anew, without what is under the old key.",
    }.get(kind, f"Build it anew: `dbt build --full-refresh --select {column.title}+`.")
    return Finding(
        rule=RULE,
        message=f"{kind} `{column.title}` column `{column.name}` holds pseudonyms under a key that"
        " is not in use any more, and whose they are is not known; they count as people of their"
        " own.",
        remedy=remedy,
        level=level,
        model=column.title,
        column=column.name,
        file="" if node is None else node.file,
    )
