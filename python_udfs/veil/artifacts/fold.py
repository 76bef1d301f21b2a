"""Text in one spelling: case, accents, encodings and escapes undone before anything is compared."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_UTF16_RUNS = (
    (re.compile(rb"(?:[\x09\x0a\x0d\x20-\xff]\x00){3,}"), "utf-16-le"),
    (re.compile(rb"(?:\x00[\x09\x0a\x0d\x20-\xff]){3,}"), "utf-16-be"),
)
_JSON = re.compile(r"(?:\\+u[0-9a-fA-F]{4})+")
_HEX = re.compile(r"(?:\\+x[0-9a-fA-F]{2})+")
_OCTAL = re.compile(r"(?:\\+[0-3][0-7]{2})+")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_SPACE = re.compile(r"\\+[nrtbf]")
_QUOTED = re.compile(r"\\+([\"'/\\])")
_ESCAPE = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2}|%[0-9a-fA-F]{2}"
    r"|&(?:\#\d+|\#[xX][0-9a-fA-F]+|[a-zA-Z]+);"
)
_AROUND = 200
_ROUNDS = 3


def fold(text: str) -> bytes:
    """Lower case, compatibility forms and accents undone, as UTF-8.

    What is neither letter nor digit outside ASCII becomes a space; invisible marks go. ASCII
    characters stay where they are, so `fold` never joins two words.
    """
    if not text.isascii():
        text = _NON_ASCII.sub(_fold_run, text)
    return text.encode("utf-8", errors="replace").lower()


def _fold_run(found: re.Match[str]) -> str:
    return "".join(map(_fold_character, found[0]))


@lru_cache(maxsize=65536)
def _fold_character(character: str) -> str:
    plain = []
    for one in unicodedata.normalize("NFKD", character):
        kind = unicodedata.category(one)
        if kind in {"Mn", "Cf"}:
            continue
        plain.append(one.casefold() if kind[0] in "LN" or one.isascii() else " ")
    return "".join(plain)


def texts(data: bytes, encoding: str) -> Iterator[str]:
    """What `data` may say: the decoded text first, then what other encodings in it say.

    Bytes that are no text become U+FFFD, which separates words. UTF-16 inside other data, and
    single-byte encodings, are tried beside it; so are passages that hold escapes.
    """
    plain = data.decode(encoding, errors="replace")
    yield plain
    yield from _unescaped(plain)
    if encoding != "utf-8":
        return
    if b"\0" in data:
        for pattern, inner in _UTF16_RUNS:
            for run in pattern.finditer(data):
                wide = run[0].decode(inner, errors="replace")
                yield wide
                yield from _unescaped(wide)
    elif "\ufffd" in plain:
        yield data.decode("cp1252", errors="replace")


def _unescaped(text: str) -> Iterator[str]:
    """The passages around escapes, with the escapes undone."""
    start = end = -1
    for found in _ESCAPE.finditer(text):
        if start >= 0 and found.start() - _AROUND <= end:
            end = found.end() + _AROUND
            continue
        if start >= 0:
            yield unescape(text[start:end])
        start, end = max(0, found.start() - _AROUND), found.end() + _AROUND
    if start >= 0:
        yield unescape(text[start:end])


def unescape(text: str) -> str:
    r"""Undo JSON, Python, octal, percent and HTML escapes, also where they are nested.

    >>> unescape(r"Jos\u00e9 %41nna &Eacute;va")
    'José Anna Éva'
    """
    for _ in range(_ROUNDS):
        before = text
        text = _JSON.sub(_from_json, text)
        text = _HEX.sub(lambda run: _from_bytes(re.findall(r"x(..)", run[0])), text)
        text = _OCTAL.sub(_from_octal, text)
        text = _PERCENT.sub(lambda run: _from_bytes(run[0].split("%")[1:]), text)
        text = html.unescape(text)
        text = _QUOTED.sub(r"\1", _SPACE.sub(" ", text))
        if text == before:
            break
    return text


def _from_json(run: re.Match[str]) -> str:
    units = b"".join(bytes.fromhex(unit) for unit in re.findall(r"u(....)", run[0]))
    return units.decode("utf-16-be", errors="replace")


def _from_bytes(pairs: list[str]) -> str:
    return _text_of(bytes.fromhex("".join(pairs)))


def _from_octal(run: re.Match[str]) -> str:
    return _text_of(bytes(int(unit, 8) for unit in re.findall(r"[0-3][0-7]{2}", run[0])))


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
