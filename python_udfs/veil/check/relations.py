"""Relations and columns as models see them: dbt's `Relation` and `Column`, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

PARTS = ("database", "schema", "identifier")
LABELS = {"STRING": "TEXT"}
"""dbt's name of a type that the adapter calls otherwise."""


class NeedsWarehouse(Exception):  # noqa: N818  # not an error: a kind of answer
    """The SQL depends on data."""


@dataclass(frozen=True)
class Relation:
    """A relation, rendered as dbt-duckdb renders it: three quoted parts, or the file behind it.

    Attributes:
        database: its parts; None where it has none.
        schema: see `database`.
        identifier: see `database`.
        type: `table`, `view`, `cte`, `external`; None where nobody knows.
        quoted: the parts that stand in quotes.
        included: the parts that are shown.
        external: the file or call in its place, empty for none.
    """

    database: str | None = None
    schema: str | None = None
    identifier: str | None = None
    type: str | None = None
    quoted: frozenset[str] = frozenset(PARTS)
    included: frozenset[str] = frozenset(PARTS)
    external: str = ""

    Table: ClassVar[str] = "table"
    View: ClassVar[str] = "view"
    CTE: ClassVar[str] = "cte"
    External: ClassVar[str] = "external"

    def render(self) -> str:
        if self.external:
            return self.external
        shown = []
        for part in PARTS:
            text = getattr(self, part)
            if part in self.included and text is not None:
                shown.append(f'"{text}"' if part in self.quoted else str(text))
        return ".".join(shown)

    def __str__(self) -> str:
        return self.render()

    def __hash__(self) -> int:
        return hash(self.render())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Relation) and self.render() == other.render()

    @property
    def name(self) -> str | None:
        return self.identifier

    @property
    def table(self) -> str | None:
        return self.identifier

    @property
    def path(self) -> Mapping[str, str | None]:
        return {part: getattr(self, part) for part in PARTS}

    @property
    def is_table(self) -> bool:
        return self.type == "table"

    @property
    def is_view(self) -> bool:
        return self.type == "view"

    @property
    def is_cte(self) -> bool:
        return self.type == "cte"

    @property
    def metadata(self) -> Mapping[str, str]:
        """What dbt_utils asks for to tell a relation from a text."""
        return {"type": "DuckDBRelation"}

    def get(self, key: str, default: Any = None) -> Any:
        return getattr(self, key, default)

    def include(self, **parts: bool) -> Relation:
        return replace(self, included=_toggled(self.included, parts))

    def quote(self, **parts: bool) -> Relation:
        return replace(self, quoted=_toggled(self.quoted, parts))

    def without_identifier(self) -> Relation:
        return replace(self.include(identifier=False), identifier=None)

    def replace_path(self, **parts: str | None) -> Relation:
        return replace(self, **parts)  # type: ignore[arg-type]

    def incorporate(self, **more: Any) -> Relation:
        path = more.pop("path", {})
        return replace(self, **path, **{key: more[key] for key in ("type",) if key in more})

    @classmethod
    def create(
        cls,
        database: str | None = None,
        schema: str | None = None,
        identifier: str | None = None,
        type: str | None = None,
        **more: Any,
    ) -> Relation:
        """As `api.Relation.create`."""
        quoted = _toggled(frozenset(PARTS), dict(more.get("quote_policy") or {}))
        return cls(database, schema, identifier, type, quoted=quoted)

    @staticmethod
    def add_ephemeral_prefix(name: str) -> str:
        return f"__dbt__cte__{name}"


def _toggled(parts: frozenset[str], changed: Mapping[str, bool | None]) -> frozenset[str]:
    on = {part for part, is_on in changed.items() if is_on}
    off = {part for part, is_on in changed.items() if is_on is False}
    return (parts | on) - off


@dataclass(frozen=True)
class Column:
    """A column of a relation, as `adapter.get_columns_in_relation` gives it.

    Attributes:
        column: its name.
        known_type: its SQL type, in capitals, as DuckDB says it; empty where only the warehouse
            knows.
    """

    column: str
    known_type: str

    @classmethod
    def create(cls, name: str, label_or_dtype: str) -> Column:
        return cls(name, cls.translate_type(label_or_dtype))

    @classmethod
    def translate_type(cls, dtype: str) -> str:
        return LABELS.get(dtype.upper(), dtype)

    @property
    def dtype(self) -> str:
        """Its SQL type.

        Raises:
            NeedsWarehouse: where nobody declares it.
        """
        if not self.known_type:
            raise NeedsWarehouse
        return self.known_type

    @property
    def name(self) -> str:
        return self.column

    @property
    def quoted(self) -> str:
        return f'"{self.column}"'

    @property
    def data_type(self) -> str:
        return "character varying(256)" if self.is_string() else self.dtype

    def is_string(self) -> bool:
        return self.dtype.lower() in {"text", "character varying", "character", "varchar"}

    def is_integer(self) -> bool:
        return self.dtype.lower().lstrip("u") in {
            *("tinyint", "smallint", "integer", "bigint", "hugeint", "int", "int1", "int2"),
            *("int4", "int8", "short", "signed", "long"),
        }

    def is_float(self) -> bool:
        return self.dtype.lower() in {"real", "float", "float4", "float8", "double"}

    def is_numeric(self) -> bool:
        return self.dtype.lower() in {"numeric", "decimal"}

    def is_number(self) -> bool:
        return self.is_integer() or self.is_float() or self.is_numeric()

    def is_struct(self) -> bool:
        return self.dtype.lower().startswith("struct")
