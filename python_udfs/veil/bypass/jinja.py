"""Parses Jinja as dbt does: the same tags, so that what dbt would run is what is walked."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.ext import Extension

from veil.errors import VeilError
from veil.jinja import BLOCKS, EXTENSIONS, DbtEnvironment

KEPT_TEMPLATES = 4096


class TemplateError(VeilError):
    """A template that cannot be parsed, and so cannot be judged."""


class _Blocks(Extension):
    """dbt's named blocks; each is read as a macro of its name."""

    tags = set(BLOCKS)  # noqa: RUF012  # Jinja's

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


_ENVIRONMENT = DbtEnvironment(extensions=[*EXTENSIONS, _Blocks], autoescape=False)


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
