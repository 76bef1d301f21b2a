"""One spelling of a query: what its author means, and not how, where or for whom it is built.

A differential release is known by its canonical query, so that another target, path, schema or
layout of the same SQL replays what was drawn, and another query draws anew. Only spelling is taken
away; nothing is rewritten, because two queries of one meaning cost a budget at most, while two
meanings under one text would be one release.

DuckDB's lexer is followed (`scan.l`, which is PostgreSQL's): names have no case over ASCII, quotes
around a name say nothing unless it is a keyword, an operator is a run of its characters.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence

from veil.errors import VeilError

_SPACE = re.compile(r"(?:\s+|--[^\n\r]*)+")
_TOKEN = re.compile(
    r"""
      (?P<text>    [eE]'(?:[^'\\]|\\.|'')*' | (?:[nN])?'(?:[^']|'')*'
                 | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$ .*? \$(?P=tag)\$ )
    | (?P<name>    "(?:[^"]|"")+" )
    | (?P<number>  (?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)? )
    | (?P<word>    (?:[A-Za-z_]|[^\x00-\x7f\s])(?:[\w$]|[^\x00-\x7f\s])* | \$\w+ )
    | (?P<run>     [~!@#^&|`?+\-*/%<>=]+ )
    | (?P<sign>    :: | := | [()\[\]{}.,;:] )
    """,
    re.VERBOSE | re.DOTALL,
)
_KEEPS_ENDING = re.compile(r"[~!@#^&|`?%]")
"""An operator with one of these may end in `+` or `-`; from any other they are cut off."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BEFORE_FILE = frozenset({"from", "join"})
KEYWORDS = frozenset(
    """
    abort absolute access action add admin after aggregate all also alter always analyse analyze and
    anti any array as asc asof assertion assignment asymmetric at attach attribute authorization
    backward before begin between bigint binary bit boolean both by cache call called cascade
    cascaded case cast catalog centuries century chain char character characteristics check
    checkpoint class close cluster coalesce collate collation column columns comment comments commit
    committed compression concurrently configuration conflict connection constraint constraints
    content continue conversion copy cost create cross csv cube current cursor cycle data database
    day days deallocate dec decade decades decimal declare default defaults deferrable deferred
    definer delete delimiter delimiters depends desc describe detach dictionary disable discard
    distinct do document domain double drop each else enable encoding encrypted end enum error
    escape event except exclude excluding exclusive execute exists explain export export_state
    extension extensions external extract false family fetch filter first float following for force
    foreign forward freeze from full function functions generated glob global grant granted group
    grouping grouping_id groups handler having header hold hour hours identity if ignore ilike
    immediate immutable implicit import in include including increment index indexes inherit
    inherits initially inline inner inout input insensitive insert install instead int integer
    intersect interval into invoker is isnull isolation join json key label lambda language large
    last lateral leading leakproof left level like limit listen load local location lock locked
    logged macro map mapping match matched materialized maxvalue merge method microsecond
    microseconds millennia millennium millisecond milliseconds minute minutes minvalue mode month
    months move name names national natural nchar new next no none not nothing notify notnull nowait
    null nullif nulls numeric object of off offset oids old on only operator option options or order
    ordinality others out outer over overlaps overlay overriding owned owner parallel parser partial
    partition partitioned passing password percent persistent pivot pivot_longer pivot_wider placing
    plans policy position positional pragma preceding precision prepare prepared preserve primary
    prior privileges procedural procedure program publication qualify quarter quarters quote range
    read real reassign recheck recursive ref references referencing refresh reindex relative release
    rename repeatable replace replica reset respect restart restrict returning returns revoke right
    role rollback rollup row rows rule sample savepoint schema schemas scope scroll search second
    seconds secret security select semi sequence sequences serializable server session set setof
    sets share show similar simple skip smallint snapshot some sorted source sql stable standalone
    start statement statistics stdin stdout storage stored strict strip struct subscription
    substring summarize symmetric sysid system table tables tablesample tablespace target temp
    template temporary text then ties time timestamp to trailing transaction transform treat trigger
    trim true truncate trusted try_cast type types unbounded uncommitted unencrypted union unique
    unknown unlisten unlogged unpack unpivot until update use user using vacuum valid validate
    validator value values varchar variable variadic varying verbose version view views virtual
    volatile week weeks when where whitespace window with within without work wrapper write xml
    xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
    xmlserialize xmltable year years yes zone
    """.split()
)
"""DuckDB's keywords (`duckdb_keywords()`): quoted, each may mean something else than bare."""


def canonical_query(sql: str, relations: Mapping[str, str]) -> str:
    """The one spelling of a compiled row query.

    Comments, white space, the case of names and words, and quotes that say nothing are gone; a
    relation is its dbt unique id in braces. Literals stand as they are written.

    Args:
        sql: one query; a semicolon may end it.
        relations: dbt unique id of each relation by its text in compiled SQL:
            `"database"."schema"."identifier"`, or the file or call behind a source.

    Raises:
        VeilError: something in it is not closed, or it is several statements.
    """
    tokens = _tokens(sql)
    while tokens and tokens[-1] == ";":
        tokens.pop()
    if not tokens or ";" in tokens:
        raise VeilError("a row query is one statement.", remedy="Write one SELECT.")
    known: dict[tuple[str, ...], str] = {}
    for text, unique_id in sorted(relations.items(), key=lambda one: one[1], reverse=True):
        known[tuple(_tokens(text))] = unique_id
    known.pop((), None)
    return " ".join(_named(tokens, known))


def _named(tokens: Sequence[str], known: Mapping[tuple[str, ...], str]) -> list[str]:
    """The tokens with each relation in one piece, under its unique id."""
    lengths = sorted({len(one) for one in known}, reverse=True)
    found: list[str] = []
    at = 0
    while at < len(tokens):
        before = tokens[at - 1] if at else ""
        for length in (one for one in lengths if at + one <= len(tokens)):
            unique_id = known.get(tuple(tokens[at : at + length]))
            # A path in quotes is a relation behind `from`, and a literal everywhere else.
            if unique_id and (before != "." if length > 1 else before in _BEFORE_FILE):
                found.append(f"{{{unique_id}}}")
                at += length
                break
        else:
            found.append(tokens[at])
            at += 1
    return found


def _tokens(sql: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(sql):
        space = _SPACE.match(sql, at)
        if space is not None:
            at = space.end()
        elif sql.startswith("/*", at):
            at = _behind_comment(sql, at)
        else:
            match = _TOKEN.match(sql, at)
            if match is None:
                raise VeilError("the SQL of a row query cannot be read.")
            token = _operator(match["run"]) if match["run"] else match[0]
            found.append(_spelled(match.lastgroup or "", token))
            at += len(token)
    return found


def _behind_comment(sql: str, at: int) -> int:
    """The place behind a comment; comments hold comments."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", sql[at:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return at + mark.end()
    raise VeilError("a comment in the SQL of a row query is not closed.")


def _operator(run: str) -> str:
    """The first operator of a run of its characters: `=-` is two."""
    starts = [place for place in (run.find("--", 1), run.find("/*", 1)) if place > 0]
    run = run[: min(starts, default=len(run))]
    if not _KEEPS_ENDING.search(run):
        run = run[0] + run[1:].rstrip("+-")
    return run


def _spelled(kind: str, token: str) -> str:
    if kind == "word":
        return token.translate(_LOWER)
    if kind == "name":
        inner = token[1:-1].translate(_LOWER)
        return inner if _PLAIN.fullmatch(inner) and inner not in KEYWORDS else f'"{inner}"'
    if kind == "text" and token[0] in "EN":
        return token[0].lower() + token[1:]
    return token
