"""Renders a model's Jinja to the SQL that dbt would compile, without dbt and without a warehouse.

After dbt 1.11 (`dbt.context.providers`, `dbt.compilation`). A model is rendered as `dbt build`
would: everything that it reads stands already. Where a template asks whether its own table stands,
as `is_incremental()` does, it is rendered both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from jinja2 import TemplateError

from veil.check.adapter import Adapter, Columns, Unrenderable
from veil.check.builtins import Config, Refused, common, env_var, variable
from veil.check.jinja import render
from veil.check.namespace import MacroReturn, Namespace
from veil.check.parsed import Parsed, Raw
from veil.check.relations import Column, NeedsWarehouse, Relation

VOLATILE = re.compile(
    r"\b(?:run_started_at|invocation_id|thread_id|context|builtins)\b"
    r"|\bmodules\s*(?:\.\s*datetime|\[)"
)
"""Words of templates whose SQL may differ from run to run."""
_WITH = re.compile(r"(?is)\A((?:\s|--[^\n]*\n|/\*.*?\*/)*)with\b(\s+recursive\b)?")


@dataclass(frozen=True, slots=True)
class Rendered:
    """The SQL of a model.

    Attributes:
        sqls: as it is first built, and, where that differs, as it is built over itself.
        refused: what its own template, or veil's macros in it, say against it; empty for nothing.
        problem: `needs_build` where its SQL depends on data, `unrenderable` where veil cannot
            render it, else empty.
        calls: what it called while parsing: `ref`, `source` and `config` with their arguments.
        macros: unique ids of the macros that it called.
        ephemeral: unique ids of the ephemeral models that it reads, in the order of its SQL.
        asked_columns: whether it depends on the columns of what it reads.
    """

    sqls: tuple[str, ...] = ()
    refused: str = ""
    problem: str = ""
    calls: frozenset[str] = frozenset()
    macros: frozenset[str] = frozenset()
    ephemeral: tuple[str, ...] = ()
    asked_columns: bool = False


def with_ephemeral(sql: str, parts: Iterable[tuple[str, str]]) -> str:
    """The SQL with the ephemeral models that it names put in front, as dbt does.

    Args:
        sql: a model's SQL.
        parts: name and SQL of each ephemeral model above it, in dbt's order.
    """
    ctes = ", ".join(
        f" {Relation.add_ephemeral_prefix(name)} as (\n{text}\n)" for name, text in parts
    )
    if not ctes:
        return sql
    found = _WITH.match(sql)
    if found is None:
        return f"with{ctes} {sql}"
    return f"{sql[: found.end()]}{ctes}, {sql[found.end() :]}"


class Renderer:
    """Renders the models of one project.

    Args:
        parsed: the project.
        columns: columns of a node by unique id, for templates that loop over them.
        environ: the environment that `env_var` reads.
        plugins: plugins of the profile, `module` and `alias` of each.
        dbt_version: what `dbt_version` shows.
    """

    def __init__(
        self,
        parsed: Parsed,
        *,
        columns: Columns,
        environ: Mapping[str, str],
        plugins: list[dict[str, str]] | None = None,
        dbt_version: str = "",
    ) -> None:
        self._parsed = parsed
        self._columns = columns
        self._namespaces: dict[str, Namespace] = {}
        self._ephemeral: dict[str, None] = {}
        self._asked = False
        self._relations = {str(one["unique_id"]): parsed.relation(one) for one in parsed}
        self._standing = {
            self._relations[str(one["unique_id"])].render().lower(): (
                self._relations[str(one["unique_id"])].type or "table",
                str(one["unique_id"]),
            )
            for one in parsed
            if one["resource_type"] in {"model", "seed", "snapshot", "source"}
            and (one.get("config") or {}).get("materialized") != "ephemeral"
        }
        self._common = common(dbt_version)
        self._env_var = env_var(environ)
        target = {**parsed.document["target"]}
        self._common |= {
            "env_var": self._env_var,
            "target": target,
            "env": target,
            "project_name": parsed.project,
            "graph": parsed.flat_graph,
            "selected_resources": sorted(parsed.nodes),
        }
        self._config = SimpleNamespace(
            credentials=SimpleNamespace(**{**target, "plugins": plugins or []}),
            quoting=parsed.document.get("quoting", {}),
            project_name=parsed.project,
        )

    def render(self, node: Raw) -> Rendered:
        """The SQL of a model or snapshot, ephemeral models not yet put into it."""
        code = str(node.get("raw_code") or "")
        first = self._once(node, code, exists=False)
        sqls = list(first.sqls)
        if first.sqls and self._asked:
            second = self._once(node, code, exists=True)
            if not second.sqls:
                return second
            sqls += [sql for sql in second.sqls if sql not in sqls]
            return replace(
                first,
                sqls=tuple(sqls),
                macros=first.macros | second.macros,
                ephemeral=tuple(dict.fromkeys((*first.ephemeral, *second.ephemeral))),
            )
        return first

    def calls(self, node: Raw, code: str) -> frozenset[str] | None:
        """What some SQL would tell dbt while it is parsed; None where it cannot be rendered."""
        done = self._once(node, code, exists=False, parsing=True)
        if not done.sqls:
            return None
        return done.calls | {f"macro {one}" for one in done.macros}

    def _once(self, node: Raw, code: str, *, exists: bool, parsing: bool = False) -> Rendered:
        calls: set[str] = set()
        namespace = self._namespace(str(node["package_name"]))
        adapter = Adapter(
            dispatch=namespace.dispatch,
            standing=self._standing,
            columns=self._columns,
            config=self._config,
            this=self._relations[str(node["unique_id"])].render().lower(),
            parents=frozenset((node.get("depends_on") or {}).get("nodes") or ()),
            exists=exists,
        )
        self._ephemeral = {}
        self._fill(namespace, node, adapter, calls, parsing=parsing)
        problem, refused = "", ""
        sqls: tuple[str, ...] = ()
        try:
            sqls = (render(code, namespace.context),)
        except NeedsWarehouse:
            problem = "needs_build"
        except Refused as said:
            refused = said.message
            problem = "" if refused.startswith("veil: ") else "unrenderable"
        except (
            Unrenderable,
            MacroReturn,
            TemplateError,
            RecursionError,
            ArithmeticError,
            AssertionError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):
            problem = "unrenderable"
        self._asked = adapter.asked
        return Rendered(
            sqls,
            refused,
            problem,
            frozenset(calls),
            frozenset(namespace.called),
            tuple(self._ephemeral),
            adapter.asked_columns,
        )

    def _namespace(self, package: str) -> Namespace:
        if package not in self._namespaces:
            self._namespaces[package] = Namespace(self._parsed, package)
        return self._namespaces[package]

    def _fill(
        self,
        namespace: Namespace,
        node: Raw,
        adapter: Adapter,
        calls: set[str],
        *,
        parsing: bool,
    ) -> None:
        config = node.get("config") or {}
        shown = {key: value for key, value in config.items() if value is not None}

        def configured(given: Any) -> None:
            calls.add(f"config {sorted(given.items()) if isinstance(given, Mapping) else given}")

        def again(text: str) -> str:
            return render(text, namespace.context)

        namespace.fill(
            {
                **self._common,
                "execute": not parsing,
                "adapter": adapter,
                "api": {"Relation": Relation, "Column": Column},
                "column": Column,
                "ref": self._ref(node, calls, parsing=parsing),
                "source": self._source(node, calls),
                "config": Config(config, configured),
                "var": variable(self._parsed.variables(str(node["package_name"])), again),
                "render": again,
                "this": self._relations[str(node["unique_id"])],
                "model": {**node, "config": shown},
                "database": node.get("database"),
                "schema": node.get("schema"),
            }
        )

    def _ref(self, node: Raw, calls: set[str], *, parsing: bool) -> Callable[..., Relation]:
        parents = set((node.get("depends_on") or {}).get("nodes") or ())

        def ref(*args: str, **kwargs: Any) -> Relation:
            version = kwargs.get("version") or kwargs.get("v")
            calls.add(f"ref {args} {version}")
            package, name = (None, *args) if len(args) == 1 else args
            target = self._parsed.ref(node, str(name), package, version)
            if target is None or (not parsing and target["unique_id"] not in parents):
                raise Unrenderable
            if (target.get("config") or {}).get("materialized") == "ephemeral":
                self._ephemeral.setdefault(str(target["unique_id"]))
                identifier = Relation.add_ephemeral_prefix(str(target.get("alias") or name))
                return Relation(None, None, identifier, "cte", quoted=frozenset())
            return self._relations[str(target["unique_id"])]

        return ref

    def _source(self, node: Raw, calls: set[str]) -> Callable[[str, str], Relation]:
        def source(name: str, table: str) -> Relation:
            calls.add(f"source {name} {table}")
            target = self._parsed.source(name, table)
            if target is None:
                raise Unrenderable
            return self._relations[str(target["unique_id"])]

        return source
