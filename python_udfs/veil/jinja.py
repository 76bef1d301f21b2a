"""Jinja as dbt writes it: its tags, and macros with typed arguments.

dbt's tags beyond Jinja's own (`dbt_common.clients.jinja`, 1.11): `do`, `break`, `continue`, and the
blocks `materialization`, `test`, `data_test`, `docs`, `snapshot`.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.sandbox import SandboxedEnvironment

BLOCKS = frozenset({"materialization", "test", "data_test", "docs", "snapshot"})
EXTENSIONS = ("jinja2.ext.do", "jinja2.ext.loopcontrols")


class DbtParser(Parser):
    """Jinja's parser with typed arguments, `{% macro f(x: list[str]) %}`."""

    def parse_signature(self, node: Any) -> None:
        args: list[nodes.Name] = []
        defaults: list[nodes.Expr] = []
        node.args, node.defaults = args, defaults
        self.stream.expect("lparen")
        while self.stream.current.type != "rparen":
            if args:
                self.stream.expect("comma")
            name = self.parse_assign_target(name_only=True)
            name.set_ctx("param")
            if self.stream.skip_if("colon"):
                self._skip_type()
            if self.stream.skip_if("assign"):
                defaults.append(self.parse_expression())
            elif defaults:
                self.fail("non-default argument follows default argument")
            args.append(name)
        self.stream.expect("rparen")

    def _skip_type(self) -> None:
        self.stream.expect("name")
        if self.stream.skip_if("lbracket"):
            self._skip_type()
            while self.stream.skip_if("comma"):
                self._skip_type()
            self.stream.expect("rbracket")


class DbtEnvironment(SandboxedEnvironment):
    """A sandbox that parses with `parser`."""

    parser: type[DbtParser] = DbtParser

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return self.parser(self, source, name, filename).parse()
