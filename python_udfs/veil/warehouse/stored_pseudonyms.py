"""Where pseudonyms stand in the warehouse, and under which keys they may."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from veil.keys import KeyEntry, Keyring, KeyringError, Status
from veil.keys.entry import ANY_DOMAIN, time_text
from veil.policy.graph import Graph, Node
from veil.pseudonyms.token import FORMAT, PAYLOAD_CHARS
from veil.warehouse.quoting import identifier, literal

_IN_USE = frozenset({Status.PRIMARY, Status.ACTIVE})
_ANY = f"{FORMAT}_(k[a-z2-7]{{7}})_[a-z2-7]{{{PAYLOAD_CHARS}}}"
"""Any pseudonym; its group is the key's id."""


@dataclass(frozen=True, slots=True)
class DomainKeys:
    """The keys of one domain: what is new is under `primary`, what is older under `former`."""

    primary: str
    former: tuple[KeyEntry, ...]


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A stored column of text, or one that holds texts inside.

    Attributes:
        table: its full name, quoted.
        name: the column's name.
        is_text: whether it can be rewritten.
        title: the model's name, or the table's where no model is behind it.
        node: the model, snapshot or source behind it.
        domain: of a declared pseudonym; empty for any other column.
    """

    table: str
    name: str
    is_text: bool
    title: str
    node: Node | None
    domain: str

    @property
    def quoted(self) -> str:
        return identifier(self.name)

    def holds(self, kid: str) -> str:
        """SQL that is true where it holds a pseudonym of a key."""
        start = f"{FORMAT}_{kid}"
        if self.domain:
            # A range: DuckDB skips the row groups that are out of it. After `_` comes a backtick.
            return f"({self.quoted} >= '{start}_' and {self.quoted} < '{start}`')"
        return f"contains(cast({self.quoted} as varchar), '{start}_')"

    def pseudonym(self, kids: Collection[str]) -> str:
        """SQL for the first pseudonym of those keys in it, the table being `t`."""
        if self.domain:
            return f"t.{self.quoted}"
        pattern = f"{FORMAT}_(?:{'|'.join(kids)})_[a-z2-7]{{{PAYLOAD_CHARS}}}"
        return f"regexp_extract(cast(t.{self.quoted} as varchar), {literal(pattern)})"

    def holds_other_than(self, kids: Collection[str]) -> str:
        """SQL that is true where a pseudonym under a key that is none of these stands in it.

        Any of a text's pseudonyms counts, of whichever domain.
        """
        text = f"cast({self.quoted} as varchar)"
        known = ", ".join(literal(kid) for kid in sorted(kids))
        return (
            f"(contains({text}, '{FORMAT}_') and not list_has_all([{known}]::varchar[],"
            f" regexp_extract_all({text}, {literal(_ANY)}, 1)))"
        )

    def exists(self, cursor: duckdb.DuckDBPyConnection, condition: str) -> bool:
        """Whether a row fulfils a condition."""
        sql = f"select 1 from {self.table} where {condition} limit 1"
        return bool(cursor.execute(sql).fetchall())


def permitted_kids(keyring: Keyring, domain: str, *, at: datetime | None = None) -> list[str]:
    """The keys under which a pseudonym of `domain` may stand now: primary, or within its window.

    Raises:
        KeyringError: the domain has no primary key.
    """
    primary = keyring.primary("pseudonym", domain, at=at).kid
    former = (e.kid for e in former_keys(keyring, domain, primary) if is_open(e, time_text(at)))
    return [primary, *former]


def is_open(entry: KeyEntry, now: str) -> bool:
    """Whether a key is in use and, if it has a window, within it."""
    return entry.status in _IN_USE and (entry.not_after is None or now < entry.not_after)


def usable_kids(keyring: Keyring) -> frozenset[str]:
    """The keys of any domain under which a stored pseudonym may still be matched with a new one."""
    return frozenset(
        entry.kid
        for entry in keyring.entries
        if entry.purpose == "pseudonym" and entry.status in _IN_USE
    )


def was_rotated(keyring: Keyring) -> bool:
    """Whether a pseudonym may stand under any other key than the first."""
    begun = [
        entry
        for entry in keyring.entries
        if entry.purpose == "pseudonym" and entry.status is not Status.PENDING
    ]
    return len(begun) > 1


def former_keys(keyring: Keyring, domain: str, primary: str) -> tuple[KeyEntry, ...]:
    """Other keys under which pseudonyms of the domain may stand and can still be matched.

    The key of all domains is one of them where the domain was given a key of its own.
    """
    return tuple(
        entry
        for entry in keyring.entries
        if entry.purpose == "pseudonym"
        and entry.domain in (domain, ANY_DOMAIN)
        and entry.status in _IN_USE
        and entry.kid != primary
    )


def declared(node: Node) -> Iterator[tuple[str, str, str]]:
    """Name, source column and domain of each pseudonym that a model declares."""
    for column in node.columns.values():
        if column.meta.get("privacy_mask") == "pseudonym" and column.meta.get("privacy_domain"):
            source = str(column.meta.get("privacy_from", column.name))
            yield column.name, source, str(column.meta["privacy_domain"])


def domain_keys(keyring: Keyring, graph: Graph) -> dict[str, DomainKeys]:
    """The keys of each domain that has a primary one; without it, its models cannot be built."""
    found: dict[str, DomainKeys] = {}
    for domain in {domain for node in graph for _name, _from, domain in declared(node)}:
        with contextlib.suppress(KeyringError):
            primary = keyring.primary("pseudonym", domain).kid
            found[domain] = DomainKeys(primary, former_keys(keyring, domain, primary))
    return found


def stored_columns(cursor: duckdb.DuckDBPyConnection, graph: Graph) -> Iterator[StoredColumn]:
    """Every column of a table that may hold pseudonyms. A mart with an audience holds none."""
    nodes: dict[tuple[str, str, str], Node] = {}
    for node in graph:  # by unique id: a model comes before a source of the same table
        if node.kind in {"model", "snapshot", "source"}:
            place = (node.database.lower(), node.schema.lower(), node.identifier.lower())
            nodes.setdefault(place, node)
    rows = cursor.execute(
        "select database_name, schema_name, table_name, column_name, data_type"
        " from duckdb_columns() semi join duckdb_tables() using (database_oid, table_oid)"
        " where database_name in ('pseudonymized', 'marts') and schema_name <> 'veil'"
        " and (data_type like '%VARCHAR%' or data_type like '%JSON%') order by all"
    ).fetchall()
    for database, schema, table, name, data_type in rows:
        behind = nodes.get((database, str(schema).lower(), str(table).lower()))
        if behind is not None and behind.is_mart:
            continue
        domains = {} if behind is None else {one.lower(): d for one, _from, d in declared(behind)}
        yield StoredColumn(
            table=".".join(map(identifier, (database, schema, table))),
            name=str(name),
            is_text=data_type in {"VARCHAR", "JSON"},
            title=str(table) if behind is None else behind.name,
            node=behind,
            domain=domains.get(str(name).lower(), ""),
        )


def former_held(
    cursor: duckdb.DuckDBPyConnection, column: StoredColumn, domains: Mapping[str, DomainKeys]
) -> list[str]:
    """The former keys under which a column holds pseudonyms."""
    keys = [domains[column.domain]] if column.domain in domains else domains.values()
    kids = {entry.kid for one in keys for entry in one.former}
    return [kid for kid in sorted(kids) if column.exists(cursor, column.holds(kid))]
