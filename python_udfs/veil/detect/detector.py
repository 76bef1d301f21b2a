"""One detector, and what it says about the values of one column.

Two kinds. The *form* of an e-mail address hardly occurs by accident, so its chance is a small
constant. A *content* rule (a check digit, a valid date, a numbering plan) is passed by a known
share of random texts; that share is measured on the column's own candidates with every digit and
letter replaced by a random one, so that separators and lengths stay as they are. What a running
number has in front of it at every value stays too: all seconds of a year are `17…`.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from veil.detect.samples import ColumnSample
from veil.detect.statistics import precision, real_share, wilson

PLACES = 20
"""A form rule searched for inside texts has so many times the chance that it has on whole ones."""
CANDIDATES = 500
"""So many values of a column are put to a content rule; they are a random part of it."""
DRAWS = 500
"""So many random texts the chance of a content rule is measured on, at least."""


@dataclass(frozen=True)
class Detector:
    """A rule for one kind of value.

    Attributes:
        name: a word of the vocabulary of `privacy_type`.
        why: `shape` or `checksum`, what a hit rests on.
        fits: the cheap look: whether a value could be one at all.
        accepts: the rule itself, asked only where `fits` says yes.
        chance: probability that a random text is accepted, of printable ASCII and 16 to 24
            characters, rounded up; None where it is measured.
        alone: whether it counts without a column name that says the same.
        recall: whether nearly every real value is accepted, so that a column without a hit is
            none, whatever its name says.
        variant: which of several rules of the same name, `nl.bsn` for example.
        inside: where it can stand inside a longer text.
    """

    name: str
    why: str
    fits: Callable[[str], object]
    accepts: Callable[[str], bool] = lambda _value: True
    chance: float | None = None
    alone: bool = True
    recall: bool = True
    variant: str = ""
    inside: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Evidence:
    """What one detector found in one column: counts, never a value.

    Attributes:
        detector: the rule.
        hits: accepted candidates.
        candidates: values that fit, or all values for a rule of form.
        values: distinct values in the sample.
        fitting: values that fit, before the candidates were capped.
        chance: probability that a random candidate is accepted (95 % upper bound).
        is_inside: whether the hits stand inside longer texts.
    """

    detector: Detector
    hits: int
    candidates: int
    values: int
    fitting: int
    chance: float
    is_inside: bool = False

    @property
    def share(self) -> float:
        """Share of the column's values that are hits."""
        if not self.candidates or not self.values:
            return 0.0
        return self.hits / self.candidates * min(1.0, self.fitting / self.values)

    @property
    def precision(self) -> float:
        """Lower bound of the share of hits that are real."""
        return precision(self.hits, self.candidates, chance=self.chance)

    @property
    def real_share(self) -> float:
        """Lower bound of the share of candidates that are real."""
        return real_share(self.hits, self.candidates, chance=self.chance)


def scramble(value: str, draw: random.Random) -> str:
    """The value's skeleton: each digit, capital and small letter replaced by a random one.

    A number keeps its length: its first digit is zero only where it was.
    """
    letters: list[str] = []
    before = ""
    for sign in value:
        if sign.isdigit():
            starts = not before.isdigit() and sign != "0"
            letters.append(draw.choice(string.digits[1:] if starts else string.digits))
        elif sign.isalpha():
            pool = string.ascii_uppercase if sign.isupper() else string.ascii_lowercase
            letters.append(draw.choice(pool))
        else:
            letters.append(sign)
        before = sign
    return "".join(letters)


def _common(candidates: list[str]) -> int:
    """How many first digits all numbers share; 0 where there is one, or where not all are bare."""
    if len(candidates) < 2 or not all(map(str.isdigit, candidates)):
        return 0
    least, most = min(candidates), max(candidates)
    alike = (at for at, pair in enumerate(zip(least, most, strict=False)) if pair[0] != pair[1])
    return next(alike, min(len(least), len(most)))


def measured_chance(detector: Detector, candidates: list[str]) -> float:
    """Upper bound of the chance that a random text of the candidates' skeletons is accepted."""
    if not candidates:
        return 1.0
    # A fixed seed: the same sample gives the same verdict.
    draw = random.Random(len(candidates))  # noqa: S311 - not for secrets
    kept = _common(candidates)
    fitting = passed = 0
    for at in range(4 * DRAWS):
        value = candidates[at % len(candidates)]
        text = (
            value[:kept] + scramble("1" + value[kept:], draw)[1:] if kept else scramble(value, draw)
        )
        if detector.fits(text):
            fitting += 1
            passed += detector.accepts(text)
            if fitting == DRAWS:
                break
    return wilson(passed, fitting)[1]


def examine(detector: Detector, column: ColumnSample) -> list[Evidence]:
    """What a detector finds among whole values, and inside longer ones; empty for nothing."""
    fitting = [value for value in column.values if detector.fits(value)]
    found = []
    if fitting:
        if detector.chance is None:
            tried = fitting[:CANDIDATES]
            hits = sum(map(detector.accepts, tried))
            chance = measured_chance(detector, tried) if hits else 1.0
            candidates = len(tried)
        else:
            hits = sum(map(detector.accepts, fitting))
            chance, candidates = detector.chance, len(column.values)
        if hits:
            count = len(column.values)
            size = len(fitting) if detector.chance is None else count
            found.append(Evidence(detector, hits, candidates, count, size, chance))
    if detector.inside is not None:
        found.extend(_inside(detector, detector.inside, column))
    return found


def _inside(
    detector: Detector, pattern: re.Pattern[str], column: ColumnSample
) -> Iterable[Evidence]:
    texts = [value for value in column.values if not detector.fits(value)]
    parts = [
        [part for part in pattern.findall(value) if detector.fits(part)][:10] for value in texts
    ]
    holding = [found for found in parts if found]
    if not holding:
        return
    if detector.chance is None:
        tried = holding[:CANDIDATES]
        first = [found[0] for found in tried]
        hits = sum(map(detector.accepts, first))
        chance = measured_chance(detector, first)
        candidates, size = len(tried), len(holding)
    else:
        hits = sum(any(map(detector.accepts, found)) for found in holding)
        chance = min(1.0, PLACES * detector.chance)
        candidates = size = len(column.values)
    if hits:
        yield Evidence(detector, hits, candidates, len(column.values), size, chance, is_inside=True)
