"""One spelling per person: how a value is written before its MAC is taken.

`normalise_one` is the definition. `normalise` is the same over a column; it leaves to polars the
values whose characters all stand in `AGREED`, blocks in which Python and polars are tested to
agree on NFC and lower case for every character, and takes the rest one by one. So the result
never depends on polars' release. A character that a later Unicode gives a lower case or a
combining class changes with Python's release; assigned characters are stable by Unicode's policy.

The normalisers (name, version; a version changes whenever any value would come out differently):

- `exact`: NFC, white space trimmed. For ids and everything not listed.
- `text`: as `exact`, runs of white space become one space, lower case. For names and addresses.
- `email`: as `exact`, lower case; white space inside stays.
- `digits`: decimal digits of any script as 0-9, all else dropped. A value without one falls back
  to `text`, and its MAC says so: `N/A` and `unknown` are not one person, nor is either a number.

Lower case is Unicode's full mapping without its one context rule: a final sigma is written like
any other. It is not case folding: `ß` stays apart from `ss`. White space is Unicode's White_Space
property, written out; the control characters U+001C to U+001F, which Python alone trims, stay.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from veil.errors import VeilError
from veil.pseudonyms._polars import polars as pl

WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

AGREED: Final = (
    (0x0000, 0x052F),  # Latin, combining marks, Greek, Cyrillic
    (0x0600, 0x06FF),  # Arabic
    (0x0E00, 0x0E7F),  # Thai
    (0x1E00, 0x206F),  # Latin and Greek extended, punctuation
    (0x3000, 0x30FF),  # CJK punctuation, kana
    (0x4E00, 0x9FFF),  # Han
    (0xAC00, 0xD7A3),  # Hangul
)
"""Code points (first, last) that polars may normalise; tested one by one against Python."""


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A rule and its version, both part of the MAC input."""

    name: str
    version: int

    @property
    def tag(self) -> str:
        """How the MAC input names it."""
        return f"{self.name}@{self.version}"


EXACT: Final = Normaliser("exact", 1)
TEXT: Final = Normaliser("text", 1)
EMAIL: Final = Normaliser("email", 1)
DIGITS: Final = Normaliser("digits", 1)

LOWERED: Final = frozenset({TEXT.name, EMAIL.name})
"""The normalisers that write lower case."""

_BY_NAME: Final = {each.name: each for each in (EXACT, TEXT, EMAIL, DIGITS)}

_BY_TYPE: Final = {
    **dict.fromkeys(("ssn", "itin", "phone", "fax", "credit_card", "npi"), DIGITS),
    "email": EMAIL,
    **dict.fromkeys(
        (
            "person_name",
            "first_name",
            "middle_name",
            "last_name",
            "street_address",
            "city",
            "employer",
        ),
        TEXT,
    ),
}

_SPACES = re.compile(f"[{WHITE_SPACE}]+")
_NOT_ASCII = r"[^\x00-\x7f]"
_NOT_AGREED = "[^{}]".format("".join(rf"\x{{{a:x}}}-\x{{{b:x}}}" for a, b in AGREED))
_SPACES_RUST = "[{}]+".format("".join(rf"\x{{{ord(each):x}}}" for each in WHITE_SPACE))


def normaliser_for(privacy_type: str) -> str:
    """Name the normaliser of a `privacy_type`; `exact` where none is listed.

    >>> normaliser_for("ssn"), normaliser_for("passport")
    ('digits', 'exact')
    """
    return _BY_TYPE.get(privacy_type, EXACT).name


def normaliser(name: str) -> Normaliser:
    """Look a normaliser up.

    Raises:
        VeilError: there is none of that name.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(sorted(_BY_NAME))
        raise VeilError("a normaliser is unknown.", remedy=f"Known: {known}.") from None


def normalise_one(text: str, name: str) -> str:
    """Normalise one value: the definition, in plain Python.

    >>> normalise_one(" Ann  LEE ", "text"), normalise_one("078-05-1120", "digits")
    ('ann lee', '078051120')
    """
    rule = normaliser(name)
    if rule is DIGITS:
        digits = [unicodedata.decimal(each, None) for each in text]
        kept = "".join(str(each) for each in digits if each is not None)
        return kept or normalise_one(text, TEXT.name)
    text = unicodedata.normalize("NFC", text).strip(WHITE_SPACE)
    if rule is EXACT:
        return text
    if rule is TEXT:
        text = _SPACES.sub(" ", text)
    # Lower case can leave NFC: a second pass makes the rule idempotent.
    return unicodedata.normalize("NFC", text.lower().replace("\u03c2", "\u03c3"))


def normalise(series: pl.Series, name: str) -> pl.Series:
    """Normalise a column of strings: `normalise_one` of each value, NULL where it is NULL.

    Raises:
        VeilError: there is no normaliser of that name.
    """
    rule = normaliser(name)
    frame = series.alias("v").to_frame()
    # A digit outside ASCII may belong to any script, so only ASCII is left to polars there.
    rare = frame.select_seq(pl.col("v").str.contains(_NOT_ASCII)).to_series()
    ascii_only = not rare.any()
    if not ascii_only and rule is not DIGITS:
        rare = frame.select_seq(pl.col("v").str.contains(_NOT_AGREED)).to_series()
    result = frame.select_seq(_EXPRESSIONS[rule.name, ascii_only]).to_series()
    if rare.any():
        at = rare.fill_null(False).arg_true()
        one_by_one = [normalise_one(each, name) for each in series.gather(at).to_list()]
        result = result.scatter(at, pl.Series(one_by_one, dtype=pl.String))
    return result


def fell_back(normalised: pl.Series, name: str) -> pl.Series:
    """Say which values of `normalise(..., name)` are `text` because they held no digit.

    What the fallback returns holds no ASCII digit, and what `digits` keeps is one or more of them.
    """
    if normaliser(name) is not DIGITS:
        return pl.repeat(False, len(normalised), eager=True)
    return ~normalised.str.contains("^[0-9]")


def is_plain(data: NDArray[np.int8], name: str) -> bool:
    """Say whether bytes prove that lower case is all that normalising can change.

    Args:
        data: the bytes of values, none empty, one after the other; signed, so that those of
            characters outside ASCII are negative.
        name: of a normaliser. For `digits` and `exact` not even case changes.

    False means only that it is not proven.
    """
    least = np.minimum.reduce(data, initial=127)
    if name == DIGITS.name:
        return bool(least >= 48 and np.maximum.reduce(data, initial=48) <= 57)
    return bool(least > 32)


def _expression(rule: Normaliser, *, ascii_only: bool) -> pl.Expr:
    """`normalise_one` as a polars expression, for the characters in `AGREED`."""
    text = pl.col("v")
    if rule is DIGITS:
        kept = text.str.replace_all("[^0-9]+", "")
        fallback = _expression(TEXT, ascii_only=ascii_only)
        return pl.when(kept == "").then(fallback).otherwise(kept)
    if not ascii_only:
        text = text.str.normalize("NFC")
    text = text.str.strip_chars(WHITE_SPACE)
    if rule is EXACT:
        return text
    if rule is TEXT:
        text = text.str.replace_all(_SPACES_RUST, " ")
    text = text.str.to_lowercase()
    if ascii_only:
        return text
    return text.str.replace_all("\u03c2", "\u03c3", literal=True).str.normalize("NFC")


_EXPRESSIONS: Final = {
    (rule.name, ascii_only): _expression(rule, ascii_only=ascii_only)
    for rule in _BY_NAME.values()
    for ascii_only in (True, False)
}
