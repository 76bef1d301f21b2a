"""Where DuckDB and sqlglot see other words in the same text: such SQL is refused, and not argued
about."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlglot import TokenType
from sqlglot.errors import SqlglotError

from veil.lineage.parsing import VeilDuckDB

_NUMBER = re.compile(r"\d+(_\d+)*(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_GLUED = re.compile(r"[\w.$@\"']")
_OPENERS = {
    TokenType.SELECT,
    TokenType.DISTINCT,
    TokenType.ALL,
    TokenType.COMMA,
    TokenType.L_PAREN,
    TokenType.PLUS,
    TokenType.COLON,
}
_DISTINCT_ON = [TokenType.DISTINCT, TokenType.ON]


def is_ambiguous(sql: str) -> bool:
    """Whether a text has characters, numbers or signs that the two read in different ways.

    To DuckDB a zero-width space is a space and NUL is an end; `5._1` is `5. as _1`, `9e` is
    `9 as e`, `@8. from people` has a FROM, and `+x` is not named `x`. sqlglot sees names, no FROM,
    and `x`.
    """
    if any(map(_is_invisible, sql)):
        return True
    try:
        tokens = VeilDuckDB().tokenize(sql)
    except SqlglotError:
        return True
    return any(
        (token.token_type is TokenType.NUMBER and _is_glued(sql, token.start, token.end + 1))
        or (token.token_type is TokenType.PLUS and _begins(tokens[:index]))
        for index, token in enumerate(tokens)
    )


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ" and character not in " \t\n\r"


def _is_glued(sql: str, start: int, end: int) -> bool:
    """Whether a number is not plainly one, or touches a word."""
    around = sql[max(start - 1, 0) : start], sql[end : end + 1]
    return _NUMBER.fullmatch(sql[start:end]) is None or any(map(_GLUED.match, around))


def _begins(tokens: Sequence[Any]) -> bool:
    """Whether a column of a SELECT list may begin after some tokens."""
    kinds = [token.token_type for token in tokens]
    if not kinds or kinds[-1] in _OPENERS:
        return True
    depth = 0
    for index in range(len(kinds) - 1, -1, -1):
        depth += (kinds[index] is TokenType.R_PAREN) - (kinds[index] is TokenType.L_PAREN)
        if depth == 0:  # the bracket that the last token closes, or the last token itself
            is_closed = kinds[-1] is TokenType.R_PAREN
            return is_closed and kinds[max(index - 2, 0) : index] == _DISTINCT_ON
    return True
