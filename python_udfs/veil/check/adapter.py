"""dbt's `adapter`, as far as it needs no database.

What reads or writes the warehouse stops the rendering: the SQL then depends on data, and it is
looked at when it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

from veil.check.relations import Column, NeedsWarehouse, Relation

READS = frozenset(
    "execute add_query run_sql_for_tests get_column_schema_from_query get_missing_columns"
    " list_relations list_relations_without_caching list_schemas check_schema_exists"
    " get_relations_by_pattern get_catalog get_catalog_for_single_relation location_exists"
    " calculate_freshness_from_metadata standardize_grants_dict get_rows_different_sql"
    " expand_target_column_types external_root store_relation".split()
)
"""Methods whose answer depends on what stands in the warehouse."""


class Unrenderable(Exception):  # noqa: N818  # what went wrong is the template, not this program
    """The template asks for something that dbt does not have either, or that veil does not know."""


Columns = Callable[[str], Sequence[tuple[str, str]] | None]
"""Name and type of each column of a node by unique id; None where nobody knows them."""


class Adapter:
    """What models call as `adapter`.

    Args:
        dispatch: dbt's search for an implementation.
        standing: type and unique id of every relation that stands when a model is built, by its
            rendered name in small letters.
        columns: where columns come from.
        config: what a macro may ask about the profile and the project.
        this: rendered name of the table that the model makes, in small letters.
        parents: unique ids of what the model reads.
        exists: whether its table stands already.
    """

    def __init__(
        self,
        *,
        dispatch: Callable[..., Any],
        standing: Mapping[str, tuple[str, str]],
        columns: Columns,
        config: SimpleNamespace,
        this: str,
        parents: Collection[str],
        exists: bool,
    ) -> None:
        self.dispatch = dispatch
        self.Relation, self.Column = Relation, Column
        self.config = config
        self._standing = standing
        self._columns = columns
        self._this = this
        self._parents = parents
        self._exists = exists
        self.asked = False
        """Whether the template asked if the table that it makes is there already."""
        self.asked_columns = False
        """Whether it asked for the columns of a relation."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
            raise NeedsWarehouse if name in READS else Unrenderable

        if name.startswith("_"):
            raise AttributeError(name)
        return refuse

    def type(self) -> str:
        return "duckdb"

    def quote(self, name: str) -> str:
        return f'"{name}"'

    def quote_as_configured(self, name: str, _key: str) -> str:
        return f'"{name}"'

    def is_motherduck(self) -> bool:
        return False

    def is_ducklake(self, _relation: Any = None) -> bool:
        return False

    def get_relation(self, database: Any, schema: Any, identifier: Any) -> Relation | None:
        """The relation, where it stands by the time that the model is built."""
        if not identifier:
            return None
        found = Relation(str(database), str(schema), str(identifier))
        key = found.render().lower()
        if key == self._this:
            self.asked = True
            return (
                Relation.create(found.database, found.schema, found.identifier, "table")
                if (self._exists)
                else None
            )
        if key not in self._standing:
            return None
        return Relation.create(
            found.database, found.schema, found.identifier, self._standing[key][0]
        )

    def get_columns_in_relation(self, relation: Any) -> list[Column]:
        """The columns that the lineage has found, or the YAML declares, in order."""
        self.asked_columns = True
        key = str(relation).lower()
        if key == self._this:
            self.asked = True
            if not self._exists:
                return []
        standing = self._standing.get(key)
        found = None
        if standing and (standing[1] in self._parents or key == self._this):
            found = self._columns(standing[1])
        if found is None:
            raise NeedsWarehouse
        return [Column(name, data_type.upper()) for name, data_type in found]
