"""Jinja as dbt compiles it: the same tags, the same names of macros, the same white space.

After `dbt_common.clients.jinja` of dbt 1.11: `do`, `break`, `continue`, macros with typed arguments
and the blocks `materialization`, `test` and `docs`; each macro gets the prefix `dbt_macro__`, so
that a name is looked up in dbt's own namespace and not in the file.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Template, nodes
from jinja2.ext import Extension
from jinja2.runtime import Context

from veil.jinja import BLOCKS, EXTENSIONS, DbtEnvironment, DbtParser

PREFIX = "dbt_macro__"
KEPT_TEMPLATES = 8192
_HAS_JINJA = re.compile(r"[{][{%#]|[#}%][}]")


class _Parser(DbtParser):
    """With dbt's names of macros."""

    def parse_macro(self) -> nodes.Macro:
        node = nodes.Macro(lineno=next(self.stream).lineno)
        node.name = PREFIX + self.parse_assign_target(name_only=True).name
        self.parse_signature(node)
        node.body = self.parse_statements(("name:endmacro",), drop_needle=True)
        return node


class _Blocks(Extension):
    """dbt's named blocks; each is a macro of a name of its own."""

    tags = set(BLOCKS)  # noqa: RUF012  # Jinja's

    def parse(self, parser: Any) -> nodes.Macro:
        token = next(parser.stream)
        node = nodes.Macro(lineno=token.lineno)
        kind = "test" if token.value == "data_test" else token.value
        name, adapter = parser.parse_assign_target(name_only=True).name, "default"
        node.args, node.defaults = [], []
        if kind == "test":
            parser.parse_signature(node)
        while parser.stream.skip_if("comma"):
            word = parser.parse_assign_target(name_only=True).name
            if parser.stream.skip_if("assign"):
                value = parser.parse_expression()
                adapter = value.value if word == "adapter" else adapter
        suffix = f"_{adapter}" if kind == "materialization" else ""
        node.name = f"{PREFIX}{kind}_{name}{suffix}"
        node.body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        return node


class _Template(Template):
    def new_context(
        self,
        vars: dict[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> Context:
        # A view over the context, not a copy of its thousand names: macros call macros.
        parent: Any = ChainMap(vars if vars is not None else {}, self.globals)
        return self.environment.context_class(self.environment, parent, self.name, self.blocks)


class _Environment(DbtEnvironment):
    parser = _Parser
    template_class = _Template


def _same(value: Any) -> Any:
    return value


_ENVIRONMENT = _Environment(extensions=[*EXTENSIONS, _Blocks], autoescape=False)
_ENVIRONMENT.filters.update(
    as_text=_same,
    as_bool=_same,
    as_native=_same,
    as_number=_same,
    is_list=lambda value: isinstance(value, list),
)


@lru_cache(maxsize=KEPT_TEMPLATES)
def template(text: str) -> Template:
    """A compiled template; the same text is compiled once.

    Raises:
        jinja2.TemplateSyntaxError: where it is none.
    """
    return _ENVIRONMENT.from_string(text)


def render(text: str, context: dict[str, Any]) -> str:
    """A text with its Jinja filled in.

    Raises:
        Exception: whatever the template raises.
    """
    if not _HAS_JINJA.search(text):
        return text
    made = template(text)
    return "".join(made.root_render_func(made.new_context(context)))


def macro_function(text: str, name: str, context: dict[str, Any]) -> Callable[..., Any]:
    """The macro of a name that a text defines, bound to a context.

    Raises:
        KeyError: where the text defines none of that name.
    """
    module = template(text).make_module(vars=context, shared=False)
    found: Callable[..., Any] = module.__dict__[PREFIX + name]
    return found
