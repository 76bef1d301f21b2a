"""What a known piece of SQL reads: asked of sqlglot, and refused where it cannot be told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from veil.bypass.values import Hole, Piece, Relation, Text
from veil.lineage.functions import BEHAVIOURS, Behaviour
from veil.lineage.parsing import VeilDuckDB
from veil.project import ZONES

_FAILURES = (
    SqlglotError, RecursionError, ValueError, TypeError, AttributeError, LookupError,
    AssertionError,
)  # fmt: skip
_DIALECT = VeilDuckDB()
_UNSAFE = frozenset({Behaviour.REFUSED, Behaviour.ERROR})
_STAND_IN = "veil_relation_"
THIS = "veil_this"
"""Stands for `{{ this }}` in a statement."""
_ZONE_WORD = re.compile(rf"\b({'|'.join(ZONES)})\b", re.IGNORECASE)
_DYNAMIC = re.compile(r"\b(?:from|join|into|table|update)\s+[\"']?\x00[\"']?\s*\.", re.IGNORECASE)
_STATEMENTS = (
    exp.Query,
    exp.Alter,
    exp.Analyze,
    exp.Comment,
    exp.Create,
    exp.Delete,
    exp.Grant,
    exp.Insert,
    exp.Merge,
    exp.Update,
)
"""Statements that a hook out of scope may hold; ATTACH, COPY, SET and unparsed ones are none."""
FILE_READERS = frozenset(
    {"delta_scan", "iceberg_scan", "parquet_scan", "read_csv", "read_csv_auto", "read_json",
     "read_json_auto", "read_ndjson", "read_parquet", "read_xlsx", "st_read"}
)  # fmt: skip
"""Calls that a source may stand for: they read a table out of a file."""
_CREATED = frozenset({"INDEX", "SCHEMA", "TABLE", "VIEW"})


@lru_cache(maxsize=1024)
def _statements(sql: str) -> tuple[exp.Expr, ...] | None:
    """The statements of a text; None where it does not parse."""
    try:
        found = sqlglot.parse(sql, dialect=_DIALECT)
    except _FAILURES:
        return None
    return tuple(one for one in found if one is not None and not isinstance(one, exp.Semicolon))


def _one(sql: str) -> exp.Expr | None:
    found = _statements(sql)
    return found[0] if found is not None and len(found) == 1 else None


def _is_followed(tree: exp.Expr) -> bool:
    """Whether every function and relation in it is known for what it is."""
    return (
        next(tree.find_all(exp.Command, exp.Into), None) is None
        and all(
            BEHAVIOURS.get(call.name.lower(), Behaviour.REFUSED) not in _UNSAFE
            for call in tree.find_all(exp.Anonymous)
        )
        and all(
            isinstance(table.this, exp.Identifier) or (table.this is None and table.db)
            for table in tree.find_all(exp.Table)
        )
    )


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """The relations that a statement names, without its own common table expressions."""
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if len(table.parts) > 1 or table.name.lower() not in own:
            yield table


def query_is_public(text: Text, is_public: Callable[[str], bool]) -> bool:
    """Whether a text is one query over public relations, each named by `ref()` or `source()`.

    Args:
        is_public: whether every column of a relation, by unique id, may be read.
    """
    relations: dict[str, Relation] = {}
    parts = []
    for piece in text.pieces:
        if isinstance(piece, Hole):
            return False
        if isinstance(piece, Relation):
            name = f"{_STAND_IN}{len(relations)}"
            relations[name] = piece
            parts.append(name)
        else:
            parts.append(piece)
    sql = "".join(parts)
    tree = _one(sql)
    if not isinstance(tree, exp.Query) or not _is_followed(tree):
        return False
    return all(
        len(table.parts) == 1
        and table.name in relations
        and relations[table.name].ids
        and all(is_public(unique_id) for unique_id in relations[table.name].ids)
        for table in _tables(tree)
    )


def is_plain_expression(sql: str, *, columns: bool = True) -> bool:
    """Whether a text is an expression that reads no relation, holding columns only if asked."""
    tree = _one(f"select {sql}")
    return (
        isinstance(tree, exp.Select)
        and _is_followed(tree)
        and len(tree.expressions) == 1
        and next(tree.find_all(exp.Table, exp.From, exp.Subquery), None) is None
        and len(list(tree.find_all(exp.Query))) == 1
        and (columns or next(tree.find_all(exp.Column), None) is None)
    )


def is_column(sql: str) -> bool:
    """Whether a text is the name of one column."""
    return re.fullmatch(r'\w+|"\w+"', sql) is not None


def reads_columns_of(sql: str, names: frozenset[str]) -> bool:
    """Whether an expression reads no columns but these, in lower case."""
    tree = _one(f"select {sql}")
    return tree is not None and all(
        not column.table and column.name.lower() in names for column in tree.find_all(exp.Column)
    )


def is_file(relation: str) -> bool:
    """Whether what stands for a source is a file's path or one call of a reader of tables."""
    # Text for a parser, never for a database.
    tree = _one(f"select * from {relation}")  # noqa: S608
    tables = list(tree.find_all(exp.Table)) if isinstance(tree, exp.Select) else []
    if tree is None or len(tables) != 1 or len(list(tree.find_all(exp.Query))) != 1:
        return False
    calls = [call.name.lower() for call in tree.find_all(exp.Anonymous)]
    is_path = re.fullmatch(r"'[^']*'", relation) is not None
    return is_path if not calls else calls[0] in FILE_READERS and len(calls) == 1


def is_empty(sql: str) -> bool:
    """Whether a text holds no statement: nothing but comments and blanks."""
    try:
        return not sqlglot.tokenize(sql, read="duckdb")
    except _FAILURES:
        return False


def touches_only_this(sql: str) -> bool:
    """Whether a text is one statement that reads no relation but `THIS` and touches no zone."""
    tree = _one(sql)
    if not isinstance(tree, _STATEMENTS) or not _is_followed(tree):
        return False
    if isinstance(tree, exp.Create) and tree.kind not in _CREATED:
        return False
    target = tree.this if isinstance(tree, (exp.Create, exp.Insert)) else None
    if isinstance(target, exp.Schema):
        target = target.this
    for table in _tables(tree):
        if any(part.name.lower() in ZONES for part in table.parts):
            return False
        if table is not target and (len(table.parts) > 1 or table.name != THIS):
            return False
    return True


def names_a_zone(rendered: str) -> bool:
    """Whether SQL with holes names a zone's database before a dot, or builds a name by holes.

    Args:
        rendered: what is known of the SQL; a piece that is not known is `\\x00`, a piece of the
            run's own place is `\\x01`.
    """
    if _DYNAMIC.search(rendered):
        return True
    if not _ZONE_WORD.search(rendered):
        return False
    try:
        tokens = sqlglot.tokenize(re.sub(r"[\x00\x01]", "_", rendered), read="duckdb")
    except _FAILURES:
        return True
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if _is_zone(token) and following is not None and following.token_type.name == "DOT":
            return True
        if token.token_type.name == "STRING" and _dotted(token.text):
            return True
    return False


def _is_zone(token: Any) -> bool:
    return token.token_type.name != "STRING" and token.text.lower() in ZONES


def _dotted(text: str) -> bool:
    found = _ZONE_WORD.search(text)
    return found is not None and text[found.end() :].lstrip("\"' ").startswith(".")


def rendered(pieces: tuple[Piece, ...] | list[Piece]) -> str:
    """Pieces as one text, with marks for what is not known."""
    return "".join(_mark(piece) for piece in pieces)


def _mark(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Relation) or piece.place:
        return "\x01"
    return "" if piece.flow else "\x00"
