"""Parses Jinja as dbt does: the same tags, so that what dbt would run is what is walked.

dbt's tags beyond Jinja's own (`dbt_common.clients.jinja`): `do`, `break` and `continue`, macros
with typed arguments, and the blocks `materialization`, `test`, `data_test`, `docs`, `snapshot`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import SandboxedEnvironment

from veil.errors import VeilError

KEPT_TEMPLATES = 4096


class TemplateError(VeilError):
    """A template that cannot be parsed, and so cannot be judged."""


class _Parser(Parser):
    """Jinja's parser with dbt's typed macro arguments, `{% macro f(x: list[str]) %}`."""

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


class _Environment(SandboxedEnvironment):
    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return _Parser(self, source, name, filename).parse()


class _Blocks(Extension):
    """dbt's named blocks; each is read as a macro of its name."""

    tags = {"materialization", "test", "data_test", "docs", "snapshot"}  # noqa: RUF012

    def parse(self, parser: Any) -> nodes.Macro:
        token = next(parser.stream)
        node = nodes.Macro(lineno=token.lineno)
        node.name = parser.parse_assign_target(name_only=True).name
        node.args, node.defaults = [], []
        if token.value in {"test", "data_test"}:
            parser.parse_signature(node)
        while parser.stream.skip_if("comma"):
            # `materialization x, adapter='duckdb', supported_languages=[…]`
            parser.parse_assign_target(name_only=True)
            if parser.stream.skip_if("assign"):
                parser.parse_expression()
        node.body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        return node


_ENVIRONMENT = _Environment(
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", _Blocks], autoescape=False
)


def is_plain(text: str) -> bool:
    """Whether a text holds no Jinja at all."""
    return "{{" not in text and "{%" not in text and "{#" not in text


@lru_cache(maxsize=KEPT_TEMPLATES)
def parse(text: str) -> nodes.Template:
    """The syntax tree of a template; the same text is parsed once.

    Raises:
        TemplateError: where it does not parse.
    """
    try:
        return _ENVIRONMENT.parse(text)
    except (TemplateSyntaxError, RecursionError):
        raise TemplateError("the Jinja does not parse.") from None
