"""How much one value says by itself: a social security number all, a first name little."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

LEAST = 6
"""Characters below which a value is short: it counts only in company."""
SHORT_NUMBER = 9
"""Digits below which a number is ordinary: counts, years, dates and times have up to eight."""
FREQUENT = 8
"""People above which a single word is no longer somebody's."""
LONGEST = 64
"""Letters and digits that are compared; of a longer value, the first ones."""

_SEPARATORS = re.compile(rb"[^a-z0-9\x80-\xff]+")
_MOMENT = re.compile(
    rb"(?:1[89]|20)\d\d(?:[-/. ]?[01]\d(?:[-/. ]?[0-3]\d)?)?"
    rb"|[0-3]?\d[-/.][0-3]?\d[-/.](?:\d\d){1,2}|\d\d?:\d\d(?::\d\d)?|-?\d+[.,]\d+"
)


class Weight(IntEnum):
    """What a value needs before it counts as found."""

    NOTHING = 0
    """Too short to mean anything: never looked for."""
    ORDINARY = 1
    """A word of the language: two other values of the same person nearby, or one that is not."""
    WEAK = 2
    """Another value of the same person nearby."""
    STRONG = 3
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A folded value as it is compared; lives only while fingerprints are made and confirmed.

    Attributes:
        exact: the text with separators as they are (numbers) or as single spaces (all else).
        squeezed: letters and digits alone, at most `LONGEST` of them.
        is_number: no letter in it.
        words: how many runs of letters and digits it has.
    """

    exact: bytes
    squeezed: bytes
    is_number: bool
    words: int


def shape(folded: bytes) -> Shape:
    """Shape of a value, or of a passage of text; `folded` comes from `fold`."""
    words = _SEPARATORS.split(folded)
    squeezed = b"".join(words)
    is_number = squeezed.isdigit()
    # Between digits the separators say what it is: 11:10:02 is no register number.
    exact = b" ".join(folded.split() if is_number else filter(None, words))
    return Shape(exact, squeezed[:LONGEST], is_number, len(words) - words.count(b""))


def weigh(value: Shape, ordinary: frozenset[bytes]) -> Weight:
    """Weight of a value; `ordinary` are the words that are nobody's.

    >>> weigh(shape(b"123-45-6789"), frozenset()).name, weigh(shape(b"1984"), frozenset()).name
    ('STRONG', 'WEAK')
    """
    count = len(value.squeezed)
    if count < (4 if value.is_number else 3):
        return Weight.NOTHING
    if value.is_number:
        if _MOMENT.fullmatch(value.exact):
            return Weight.WEAK
        separated = len(value.exact) > count
        return Weight.STRONG if count >= SHORT_NUMBER or _long(value, separated) else Weight.WEAK
    words = value.exact.split()
    if all(word in ordinary for word in words):
        return Weight.ORDINARY
    if len(value.exact) < LEAST or (len(words) > 1 and count < LEAST):
        return Weight.WEAK
    return Weight.STRONG


def _long(value: Shape, separated: bool) -> bool:
    """A register number such as `0_10027`: few digits, but a spelling of its own."""
    return separated and len(value.exact) >= LEAST
