"""Parse a project with dbt, without its warehouse, and write down what `veil check` needs of it.

Runs as a process of its own, `python -m veil.warehouse.parsing`: dbt takes a few hundred megabytes
and changes the state of the process that it runs in. Nothing is opened: the profile that it is
given has a database in memory, no plugin and no secret, and dbt runs no SQL while parsing.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dbt.adapters.factory import get_adapter_package_names
from dbt.cli import requires
from dbt.cli.main import cli
from dbt.context import base as base_context
from dbt.context import macros
from dbt.version import __version__
from dbt_common.clients import jinja
from dbt_common.dataclass_schema import dbtClassMixin
from dbt_common.exceptions import base

ADAPTER = "duckdb"
SOURCE_KEYS = frozenset(
    "unique_id resource_type package_name name source_name columns config meta depends_on database"
    " schema identifier relation_name original_file_path tags loader fqn quoting external".split()
)
TEST_KEYS = frozenset(
    "unique_id resource_type package_name name raw_code language config depends_on column_name"
    " test_metadata attached_node original_file_path tags given expect overrides model"
    " tested_node_unique_id".split()
)
SHED_KEYS = frozenset(
    "created_at doc_blocks build_path compiled_path unrendered_config_call_dict patch_path docs"
    " checksum".split()
)
"""Of a model: what no macro asks for, and what changes with every parse."""
MACRO_KEYS = frozenset(
    "unique_id name package_name macro_sql depends_on original_file_path".split()
)

HEADER = re.compile(
    r"(?:Compilation|Parsing|Database|Runtime|Env var|Validation|Dependency) Error.*"
)
TELLING = tuple(
    re.compile(pattern)
    for pattern in (
        r"veil: .*",
        r"(?:Model|Snapshot|Test|Exposure) '[\w.]+' \([^()]*\) depends on .*",
        r"Node [\w.]+ attempted to reference node [\w.]+.*",
        r"Env var required but not provided: '\w+'",
        r"Could not find profile named '[^']*'",
        r"The profile '[^']*' does not have a target named '[^']*'\..*",
        r"The schema file at [^ ]+ is invalid.*",
        r"'\w+' is undefined.*",
        r"dbt found \d+ package\(s\) specified in .*",
        r"dbt found two \w+ with the name .*",
        r"This version of dbt is not supported with the '\w+' package\.",
        r"Unexpected end of template.*",
    )
)
"""Lines of dbt's errors that name files, nodes and variables, and never the text of one."""


def hasten() -> None:
    """Take out work that dbt does again and again with the same outcome.

    It compiles the template of a hook and validates the same configuration for every model, wraps
    Python's modules and every macro anew for each, reads the whole environment for each macro name
    that it does not find, and lets the garbage collector walk a tree that only grows: on a thousand
    models, together, nearly half of its time.
    """
    gc.freeze()
    gc.set_threshold(700_000, 10, 1_000)
    secrets = base.env_secrets()
    base.env_secrets = lambda: secrets
    modules = base_context.get_context_modules()
    base_context.get_context_modules = lambda: modules
    macros.MacroNamespaceBuilder.add_macros = _add_macros
    environment = jinja.MacroFuzzEnvironment
    compile_once = environment.compile
    compiled: dict[tuple[Any, ...], Any] = {}

    def compile_(self: Any, source: Any, *rest: Any, **more: Any) -> Any:
        if not isinstance(source, str) or rest or more:
            return compile_once(self, source, *rest, **more)
        key = (type(self), source)
        if key not in compiled:
            compiled[key] = compile_once(self, source)
        return compiled[key]

    environment.compile = compile_
    validate_once = dbtClassMixin.validate.__func__
    valid: set[tuple[type, str]] = set()

    def validate(cls: type, data: Any) -> None:
        key = (cls, json.dumps(data, sort_keys=True, default=repr))
        if key not in valid:
            validate_once(cls, data)
            valid.add(key)

    dbtClassMixin.validate = classmethod(validate)


def _add_macros(self: Any, added: Iterable[Any], ctx: Any) -> None:
    """What `MacroNamespaceBuilder.add_macros` does, looking at the package once and not per macro.

    dbt calls it with the macros of one package, whose names are the keys of a mapping.
    """
    generator, node, stack = macros.MacroGenerator, self.node, self.thread_ctx
    made = {macro.name: generator(macro, ctx, node, stack) for macro in added}
    if not made:
        return
    package = next(iter(made.values())).macro.package_name
    if package in self.internal_package_names:
        self.internal_packages[package] = made
        return
    self.packages[package] = made
    if package == self.search_package:
        self.locals.update(made)
    elif package == self.root_package:
        self.globals.update(made)


def message_of(text: str) -> str:
    """What of an error of dbt's may be shown: its first line, and lines known to hold no value."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = [
        line
        for number, line in enumerate(lines)
        if (number == 0 and HEADER.fullmatch(line))
        or any(pattern.fullmatch(line) for pattern in TELLING)
    ]
    return " ".join(shown)[:600]


def _plain(value: Any) -> Any:
    """What is no JSON, as text: dates and enumerations in `meta`."""
    return str(getattr(value, "value", value))


def _kept(raw: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: raw[key] for key in keys if raw.get(key) not in (None, [], {}, "")}


def _node(node: Any) -> dict[str, Any]:
    raw = node.to_dict(omit_none=True)
    if raw["resource_type"] in {"test", "unit_test"}:
        return _kept(raw, TEST_KEYS)
    slim = {key: value for key, value in raw.items() if key not in SHED_KEYS}
    # `config.get('x', default)` gives None, and not the default, where dbt knows `x`.
    slim["config"] = node.config.to_dict(omit_none=False)
    slim["columns"] = {
        name: {key: value for key, value in column.items() if key != "doc_blocks"}
        for name, column in (raw.get("columns") or {}).items()
    }
    return slim


def _document(config: Any, manifest: Any) -> dict[str, Any]:
    """The parsed project as plain data."""
    dependencies = config.load_dependencies()
    return {
        "dbt_version": __version__,
        "project": config.project_name,
        "internal": get_adapter_package_names(ADAPTER),
        "packages": sorted(dependencies),
        "vars": {name: one.vars.to_dict() for name, one in dependencies.items()},
        "dispatch": {str(one["macro_namespace"]): one["search_order"] for one in config.dispatch},
        "quoting": dict(config.quoting),
        "target": dict(config.to_target_dict()),
        "nodes": {unique_id: _node(node) for unique_id, node in manifest.nodes.items()},
        "sources": {
            unique_id: _kept(node.to_dict(omit_none=True), SOURCE_KEYS)
            for unique_id, node in manifest.sources.items()
        },
        "unit_tests": {
            unique_id: _kept(node.to_dict(omit_none=True), TEST_KEYS)
            for unique_id, node in manifest.unit_tests.items()
        },
        "macros": {
            unique_id: _kept(macro.to_dict(omit_none=True), MACRO_KEYS)
            for unique_id, macro in manifest.macros.items()
        },
        "exposures": {
            name: one.to_dict(omit_none=True) for name, one in manifest.exposures.items()
        },
        "groups": {name: one.to_dict(omit_none=True) for name, one in manifest.groups.items()},
    }


def parse(arguments: list[str], *, root: Path) -> dict[str, Any]:
    """Parse the project at `root`.

    Returns:
        The parsed project, or `{"error": message}` with what dbt said and may be shown.
    """
    os.chdir(root)  # dbt takes some paths from the working folder
    context = cli.make_context(cli.name, ["parse", *arguments])
    context.obj = {"manifest": None, "callbacks": [], "dbt_runner_command_args": arguments}
    try:
        cli.invoke(context)
    except requires.ExceptionExit as error:
        return {"error": message_of(str(error.exception))}
    except Exception as error:
        return {"error": message_of(str(error))}
    return _document(context.obj["runtime_config"], context.obj["manifest"])


def main() -> int:
    """`python -m veil.warehouse.parsing ROOT OUT DBT-ARGUMENTS…`; writes OUT as JSON."""
    root, out, *arguments = sys.argv[1:]
    hasten()
    document = parse(arguments, root=Path(root))
    Path(out).write_text(
        json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_plain),
        encoding="utf-8",
    )
    return 3 if "error" in document else 0


if __name__ == "__main__":
    sys.exit(main())
