"""Macros as dbt finds them: by name, by package and by `adapter.dispatch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from veil.check.adapter import Unrenderable
from veil.check.jinja import macro_function
from veil.check.parsed import Parsed, Raw

ADAPTERS = ("duckdb", "default")
INTERNAL = "dbt"
"""dbt and its adapter answer to one name."""


class MacroReturn(Exception):  # noqa: N818  # how `return()` leaves a macro
    """Carries a value out of a macro."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Macro:
    """A macro that can be called; bound to the context of the node that is rendered."""

    def __init__(self, raw: Raw, namespace: Namespace) -> None:
        self._raw = raw
        self._namespace = namespace
        self._function: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._namespace.called.add(str(self._raw["unique_id"]))
        if self._function is None:
            self._function = macro_function(
                str(self._raw["macro_sql"]), str(self._raw["name"]), self._namespace.context
            )
        try:
            return self._function(*args, **kwargs)
        except MacroReturn as done:
            return done.value


class Namespace:
    """The names that templates of one package see.

    Args:
        parsed: the project.
        package: the package whose nodes are rendered.

    Attributes:
        context: the names; one mapping for all nodes of the package, filled anew for each.
        called: unique ids of the macros that were called since it was last emptied.
    """

    def __init__(self, parsed: Parsed, package: str) -> None:
        self._parsed = parsed
        self.context: dict[str, Any] = {}
        self.called: set[str] = set()
        flat: dict[str, dict[str, Macro]] = {}
        for macro in parsed.macros.values():
            own = flat.setdefault(str(macro["package_name"]), {})
            own[str(macro["name"])] = Macro(macro, self)
        self._internal: dict[str, Macro] = {}
        for name in reversed(parsed.internal):
            self._internal |= flat.pop(name, {})
        self._packages = flat
        names: dict[str, Any] = {}
        # The later ones win: dbt looks into the node's package first.
        for layer in (
            self._internal,
            {INTERNAL: self._internal},
            self._packages,
            flat.get(parsed.project, {}) if package != parsed.project else {},
            flat.get(package, {}),
        ):
            names.update(layer)
        self._names = names

    def fill(self, builtins: dict[str, Any]) -> None:
        """Take the names of the next node; a macro of the same name wins, as in dbt."""
        self.context.clear()
        self.context.update(builtins)
        self.context["context"] = self.context
        self.context["builtins"] = builtins
        self.context.update(self._names)
        self.called.clear()

    def dispatch(self, macro_name: str, macro_namespace: str | None = None) -> Any:
        """The implementation for DuckDB, in dbt's order of packages."""
        packages: list[str | None] = [None]
        if macro_namespace is not None:
            order = self._parsed.document["dispatch"].get(macro_namespace)
            if order:
                packages = list(order)
            elif macro_namespace in self._parsed.document["packages"]:
                packages = [self._parsed.project, macro_namespace]
        for package in packages:
            for prefix in ADAPTERS:
                found = self._from(package, f"{prefix}__{macro_name}")
                if found is not None:
                    return found
        raise Unrenderable

    def _from(self, package: str | None, name: str) -> Any:
        if package is None:
            return self._names.get(name)
        if package == INTERNAL:
            return self._internal.get(name)
        return self._packages.get(package, {}).get(name)
