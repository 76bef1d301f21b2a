"""The project as the walk asks for it: macros by name, relations by `ref()`, what is public."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from veil.bypass.known import ADAPTERS, BUILT_IN
from veil.bypass.values import DATA, Const, Relation, Text, Value

IsPublic = Callable[[str, str | None], bool]
"""Whether a column of a relation, by unique id, is public; every column where it is None."""
_REFERABLE = frozenset({"model", "seed", "snapshot"})


class World:
    """Nodes and macros, indexed.

    Args:
        nodes: dbt's nodes by unique id, sources among them.
        macros: dbt's macros by unique id.
        is_public: see `IsPublic`.
        variables: the run's variables; None where they are not known, and then `var()` gives a
            text that nobody knows.
    """

    def __init__(
        self,
        nodes: Mapping[str, Mapping[str, Any]],
        macros: Mapping[str, Mapping[str, Any]],
        *,
        is_public: IsPublic,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self.nodes = nodes
        self.macros = macros
        self.is_public = is_public
        self._variables = variables
        self._named: dict[str, list[str]] = {}
        self._refs: dict[str, list[str]] = {}
        self._sources: dict[tuple[str, str], list[str]] = {}
        self.packages = {"dbt"}
        for unique_id, macro in macros.items():
            self._named.setdefault(str(macro["name"]), []).append(unique_id)
            self.packages.add(str(macro["package_name"]))
        for unique_id, node in nodes.items():
            kind, name = node["resource_type"], str(node["name"])
            if kind in _REFERABLE:
                self._refs.setdefault(name, []).append(unique_id)
            elif kind == "source":
                key = (str(node.get("source_name")), name)
                self._sources.setdefault(key, []).append(unique_id)

    def is_public_relation(self, unique_id: str) -> bool:
        return self.is_public(unique_id, None)

    def named(self, name: str) -> tuple[str, ...]:
        """Every macro of a name: an unqualified name may mean any of them."""
        return tuple(self._named.get(name, ()))

    def in_package(self, package: str, name: str) -> tuple[str, ...]:
        """The macro of a name in one package; `dbt` is dbt and its adapters."""
        packages = BUILT_IN if package == "dbt" else {package}
        return tuple(
            unique_id
            for unique_id in self._named.get(name, ())
            if self.macros[unique_id]["package_name"] in packages
        )

    def dispatched(self, name: str) -> tuple[str, ...]:
        """Every implementation that `adapter.dispatch` may choose on DuckDB, in any package."""
        return tuple(one for prefix in ADAPTERS for one in self.named(f"{prefix}__{name}"))

    def package_of(self, unique_id: str) -> str:
        return str(self.macros[unique_id]["package_name"])

    def name_of(self, unique_id: str) -> str:
        return str(self.macros[unique_id]["name"])

    def display(self, unique_id: str) -> str:
        return f"{self.package_of(unique_id)}.{self.name_of(unique_id)}"

    def ref(self, arguments: list[str]) -> Relation:
        """What `ref('name')` or `ref('package', 'name')` stands for, in any version."""
        found = self._refs.get(arguments[-1], []) if arguments else []
        if len(arguments) > 1:
            found = [one for one in found if self.nodes[one]["package_name"] == arguments[0]]
        return Relation(frozenset(found))

    def source(self, arguments: list[str]) -> Relation:
        """What `source('source', 'table')` stands for."""
        key = (arguments[0], arguments[1]) if len(arguments) == 2 else ("", "")
        return Relation(frozenset(self._sources.get(key, ())))

    def variable(self, name: str, default: Value | None) -> Value:
        """What `var()` gives, where the variables are known and it is a text or a number."""
        if self._variables is None:
            return DATA
        if name not in self._variables:
            return default if isinstance(default, Text | Const) else DATA
        value = self._variables[name]
        if isinstance(value, str):
            return Text((value,))
        return Const(value) if isinstance(value, int | float) or value is None else DATA
