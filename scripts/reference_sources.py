"""What the reference is written from: masks, profiles, keys, variables, macros, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from veil.cli.main import cli

ROOT = Path(__file__).resolve().parents[1]
DEFINITION = re.compile(r"{%-?\s*(macro|test)\s+([a-z]\w*)\(([^)]*)\)")
MATERIALIZATION = re.compile(r"{%-?\s*materialization\s+(\w+), adapter='(\w+)'")


@dataclass(frozen=True)
class Macro:
    """A public macro or generic test."""

    name: str
    folder: str
    signature: str
    text: str
    arguments: tuple[tuple[str, str, str], ...]


def _embedded_yaml(path: Path) -> dict[str, Any]:
    """The YAML that a macro holds as data, between `set` and `endset`."""
    found = re.search(r"{%- set \w+ -%}\n(.*?){%- endset -%}", path.read_text("utf-8"), re.S)
    if found is None:
        raise SystemExit(f"{path.name} holds no YAML block any more; mend build_reference.py")
    loaded: dict[str, Any] = yaml.safe_load(found.group(1))
    return loaded


def catalogue() -> dict[str, Any]:
    """The masks, by name."""
    return _embedded_yaml(ROOT / "macros/masking/_mask_catalogue.sql")


def profiles() -> dict[str, tuple[str, dict[str, Any]]]:
    """The profiles, by name: what the comment above says, and the rules."""
    found = {}
    for path in sorted((ROOT / "macros/masking").glob("_profile_*.sql")):
        body = re.search(r"{% macro \w+\(\) %}\n(.*?){% endmacro %}", path.read_text("utf-8"), re.S)
        if body is None:
            raise SystemExit(f"{path.name} holds no YAML any more; mend build_reference.py")
        rules = {k: v for k, v in yaml.safe_load(body.group(1)).items() if not k.startswith("_")}
        found[path.stem.removeprefix("_profile_")] = (comment_of(path), rules)
    return found


def known_keys() -> list[str]:
    """The `privacy_` keys that the YAML may hold."""
    text = (ROOT / "macros/_private/_known_keys.sql").read_text("utf-8")
    return re.findall(r"'(privacy_\w+)'", text)


def variables() -> dict[str, str]:
    """The variables that the macros read, with their defaults."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "macros").rglob("*.sql")):
        for name, default in re.findall(r"var\('(veil:\w+)', ([^)]+)\)", path.read_text("utf-8")):
            found[name] = default
    # Read by the plugin alone, from dbt_project.yml.
    found |= {"veil:anchor": "none", "veil:budgets": "{}"}
    return dict(sorted(found.items()))


def _described() -> dict[str, Any]:
    """What the YAML beside the macros says of each."""
    found = {}
    for path in sorted((ROOT / "macros").glob("*/_*.yml")):
        for macro in (yaml.safe_load(path.read_text("utf-8")) or {}).get("macros", []):
            found[macro["name"].removeprefix("test_")] = macro
    return found


def comment_of(path: Path) -> str:
    """The comment that opens a macro's file, without its indentation."""
    found = re.match(r"{#-?\s*(.*?)\s*-?#}", path.read_text("utf-8"), re.S)
    return "" if found is None else re.sub(r"\n {4}", "\n", found.group(1))


def macros() -> list[Macro]:
    """Every public macro and generic test, by folder and name."""
    described = _described()
    found = list(_materializations(described))
    for path in sorted((ROOT / "macros").glob("*/[a-z]*.sql")):
        for kind, name, arguments in DEFINITION.findall(path.read_text("utf-8")):
            if name.startswith("default__") or path.parent.name == "_private":
                continue
            entry = described.get(name, {})
            rows = tuple(
                (one["name"], str(one.get("type", "")), one_line(one.get("description", "")))
                for one in entry.get("arguments", [])
            )
            text = str(entry.get("description") or "").strip() or _from_comment(path)
            folder = "generic_tests" if kind == "test" else path.parent.name
            found.append(Macro(name, folder, f"{name}({arguments})", text, rows))
    return sorted(found, key=lambda one: one.folder)


def _materializations(described: dict[str, Any]) -> Iterator[Macro]:
    """Ways to write a table; dbt calls `private_release` of DuckDB by a longer name."""
    for path in sorted((ROOT / "macros/materializations").glob("*.sql")):
        for name, adapter in MATERIALIZATION.findall(path.read_text("utf-8")):
            entry = described.get(f"materialization_{name}_{adapter}", {})
            text = str(entry.get("description") or "").strip()
            yield Macro(
                name, path.parent.name, f"{{{{ config(materialized='{name}') }}}}", text, ()
            )


def _from_comment(path: Path) -> str:
    first, *rest = comment_of(path).split("\n\n")
    blocks = [one_line(first)]
    for block in rest:
        # Argument lists are aligned in columns.
        blocks.append(
            f"```text\n{block}\n```" if re.search(r"\S {2,}\S", block) else one_line(block)
        )
    return "\n\n".join(blocks)


def one_line(text: str) -> str:
    return " ".join(str(text).split())


def commands(group: click.Command = cli, *above: click.Context) -> Iterator[tuple[str, str]]:
    """Each command's full name and its `--help` text, 80 characters wide."""
    name = "veil" if not above else str(group.name)
    # click keeps the help option of whoever called the command first in this process.
    group._help_option = None
    context = click.Context(
        group,
        info_name=name,
        parent=above[-1] if above else None,
        terminal_width=80,
        max_content_width=80,
        **group.context_settings,
    )
    yield context.command_path, context.get_help()
    for child in sorted(getattr(group, "commands", {}).values(), key=lambda one: str(one.name)):
        yield from commands(child, *above, context)
