"""The content of one release: a DuckDB file, a Parquet file a mart, and RELEASE.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from veil import __version__
from veil.errors import VeilError
from veil.files import sync
from veil.policy.graph import Node
from veil.releases.promise import promise_of
from veil.warehouse.commit import commit_of
from veil.warehouse.content import content_of
from veil.warehouse.quoting import identifier, literal
from veil.warehouse.receipts import Receipt
from veil.warehouse.session import Session

RELEASE_FILE = "RELEASE.json"
STORAGE_VERSION = "v1.2.0"
"""The oldest storage that current clients read; newer files shut out older readers."""

Chosen = Mapping[str, tuple[Node, Receipt]]


@dataclass(frozen=True)
class Release:
    """What RELEASE.json says. Nothing in it tells how a cell came to be hidden."""

    id: str
    audience: str
    veil: str
    keyring: str
    commit: str | None
    uncommitted_changes: bool | None
    policy_hash: str
    tables: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, session: Session, audience: str, chosen: Chosen) -> Release:
        tables = tuple(
            {
                "name": name,
                "description": mart.description,
                "population": mart.meta.get("privacy_population"),
                "release": mart.meta.get("privacy_release"),
                "rows": receipt.rows,
                "content_hash": receipt.content_hash,
                "gates": list(receipt.gates),
                **({"differential": promise_of(mart)} if mart.is_differential else {}),
            }
            for name, (mart, receipt) in sorted(chosen.items())
        )
        policies = sorted(receipt.policy_hash for _mart, receipt in chosen.values())
        policy = hashlib.sha256("".join(policies).encode()).hexdigest()
        commit, changed = commit_of(session.project.root)
        identity = json.dumps([audience, commit, changed, policy, tables], sort_keys=True)
        return cls(
            id=hashlib.sha256(identity.encode()).hexdigest()[:16],
            audience=audience,
            veil=__version__,
            keyring=session.keyring.id,
            commit=commit,
            uncommitted_changes=changed,
            policy_hash=policy,
            tables=tables,
        )

    @property
    def content(self) -> str:
        """SHA-256 over the names and contents of its tables, whatever commit they came from."""
        tables = sorted((str(one["name"]), str(one["content_hash"])) for one in self.tables)
        return hashlib.sha256(json.dumps([self.audience, tables]).encode()).hexdigest()

    def same_as(self, other: Release) -> bool:
        return asdict(self) == asdict(other)

    def summary(self) -> str:
        rows = sum(int(table["rows"]) for table in self.tables)
        marts = f"{len(self.tables)} mart{'' if len(self.tables) == 1 else 's'}"
        return f"{marts}, {rows} row{'' if rows == 1 else 's'}."


def read_release(folder: Path) -> Release | None:
    """The release that `folder` holds; None where there is none or its files are not whole."""
    described = described_release(folder)
    if described is None:
        return None
    release, files = described
    expected = {
        f"{release.audience}.duckdb",
        *(f"{table['name']}.parquet" for table in release.tables),
    }
    try:
        names = {path.name for path in folder.iterdir()}
        if set(files) != expected or expected | {RELEASE_FILE} != names:
            return None
        if any(file_digest(folder / name) != digest for name, digest in files.items()):
            return None
    except OSError:
        return None
    return release


def described_release(folder: Path) -> tuple[Release, Mapping[str, str]] | None:
    """What a folder's RELEASE.json says, and the digest that each file should have."""
    try:
        raw = json.loads((folder / RELEASE_FILE).read_text(encoding="utf-8"))
        files = dict(raw.pop("files"))
        raw.pop("published_at")
        raw.pop("record")
        return Release(**{**raw, "tables": tuple(raw["tables"])}), files
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_release(
    session: Session, release: Release, folder: Path, chosen: Chosen, *, record: Mapping[str, Any]
) -> None:
    """Write all files of `release` into the empty `folder`, fsync each.

    `record` says under which checkpoint of the audit record it is made.

    The marts travel by Arrow into a connection of their own: the build's connection is locked and
    may not write here. Rows are sorted by all columns, so that equal content gives equal files.
    """
    files = {}
    with duckdb.connect(":memory:", config={"arrow_lossless_conversion": "true"}) as out:
        # One thread: row groups are then cut at the same rows every time.
        out.execute("set threads = 1")
        database = folder / f"{release.audience}.duckdb"
        out.execute(
            f"attach {literal(str(database))} as release (storage_version '{STORAGE_VERSION}')"
        )
        for name, (mart, receipt) in sorted(chosen.items()):
            table = f"release.main.{identifier(name)}"
            with session.conn.cursor() as source:
                rows = source.execute(
                    f"select * from {mart.relation} order by all"
                ).to_arrow_table()
            out.register("incoming", rows)
            out.execute(f"create table {table} as select * from incoming")
            out.unregister("incoming")
            if content_of(out, table)[0] != receipt.content_hash:
                raise VeilError(
                    f"mart `{name}` changed on its way into the published file; nothing is"
                    " published.",
                    remedy="Give its columns plain SQL types (see docs/limitations.md).",
                )
            _comment(out, table, mart)
            parquet = folder / f"{name}.parquet"
            out.execute(
                f"copy (from {table} order by all) to {literal(str(parquet))}"
                " (format parquet, compression zstd)"
            )
        out.execute("checkpoint release")
        out.execute("detach release")
    for path in sorted(folder.iterdir()):
        sync(path)
        files[path.name] = file_digest(path)
    body = {
        **asdict(release),
        "record": record,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
    }
    note = folder / RELEASE_FILE
    note.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    sync(note)
    sync(folder)


def _comment(out: duckdb.DuckDBPyConnection, table: str, mart: Node) -> None:
    out.execute(f"comment on table {table} is {literal(mart.description)}")
    for column in mart.columns.values():
        out.execute(
            f"comment on column {table}.{identifier(column.name)} is {literal(column.description)}"
        )
