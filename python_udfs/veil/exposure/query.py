"""Digests of a model's query: whether it changed, and whether it says something else."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from veil.check.models import TRUSTED
from veil.check.parsed import Parsed
from veil.policy.graph import Node

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \{\#.*?\#\} | \s+
    | \d+(?:\.\d+)? | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"--[^\n{]*|/\*[^{]*\*/|\{#.*\#\}", re.DOTALL)
"""A comment that holds no Jinja: a template runs inside a comment of SQL, too."""
_TELLING = frozenset(
    """+ - * / % < > = ! | & ^ ~ all and anti between case cross distinct else except exists false
    filter full group having ilike in inner intersect is join left like limit natural not null
    offset on or order outer over partition pivot positional qualify right sample semi similar
    tablesample true union unpivot using when where window if elif for set do call""".split()
)
_UNSURE = ("\\", "$$")
"""Text in which a string may end elsewhere than it seems to; there every character counts."""


def digest(value: Any) -> str:
    """The first 16 hexadecimal digits of SHA-256 over plain data."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tokens(text: str) -> list[str]:
    """The words of a template, white space and comments left out."""
    if any(one in text for one in _UNSURE):
        return [text]
    found = (match[0] for match in _TOKEN.finditer(text))
    return [one for one in found if not one.isspace() and not _COMMENT.fullmatch(one)]


def terms(words: list[str]) -> list[str]:
    """What a query computes with: its functions, numbers and texts, in whatever order.

    The names of columns and the steps in between may change without a change of what is shown.
    """
    if len(words) == 1:
        return words
    called = {at - 1 for at, word in enumerate(words) if word == "(" and at}
    kept = [
        word
        for at, word in enumerate(words)
        if at in called or word[0] in "'0123456789" or word.lower() in _TELLING
    ]
    return sorted(kept)


class Queries:
    """Digests of the models' queries, with the macros of the project that they call.

    Args:
        parsed: the parsed project.
        texts: SQL by file, where it is newer than the parse.
    """

    def __init__(self, parsed: Parsed, texts: Mapping[str, str]) -> None:
        self._parsed = parsed
        self._texts = texts
        self._trusted = TRUSTED - {parsed.project}

    def of(self, node: Node) -> tuple[str, str]:
        """Digest of the whole query, and of what it computes with."""
        parts = [tokens(self.code_of(node).strip())]
        for macro in sorted(self._macros(node.raw)):
            parts.append(tokens(str(self._parsed.macros[macro].get("macro_sql") or "")))
        return digest(parts), digest([terms(one) for one in parts])

    def code_of(self, node: Node) -> str:
        """The SQL of a node as written; that of its file, where it is newer than the parse."""
        if node.kind == "model" and node.raw.get("package_name") == self._parsed.project:
            return self._texts.get(node.file, node.code)
        return node.code

    def _macros(self, raw: Mapping[str, Any]) -> set[str]:
        """The macros that it calls, those of dbt and of veil left out: their packages have a
        version."""
        waiting, found = list(_called(raw)), set[str]()
        while waiting:
            name = waiting.pop()
            macro = self._parsed.macros.get(name)
            if macro is None or name in found or macro["package_name"] in self._trusted:
                continue
            found.add(name)
            waiting.extend(_called(macro))
        return found


def _called(raw: Mapping[str, Any]) -> Iterator[str]:
    return iter((raw.get("depends_on") or {}).get("macros") or ())
