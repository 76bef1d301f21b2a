"""Deciding what counts: a value that stands in a text in its own right, or in the right company."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from veil.artifacts.fingerprints import Fingerprints, mark
from veil.artifacts.matching import candidates
from veil.artifacts.weight import SHORT_NUMBER, Weight, shape

NEARBY = 200
"""Characters within which two values are in company."""
_LONG = 8
_LEAST_CUT = 10
_WIDEST_GAP = 4
_GAPS = re.compile(rb"[^a-z0-9\x80-\xff]+")
_NUMBER_GAPS = re.compile(rb"[-./_ ]")
_PHONE_GAPS = re.compile(rb"[-./ ()+]{1,2}")
_PHONE_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """One value at one place of a text; `value` is a row of the fingerprints."""

    value: int
    start: int
    end: int
    weight: Weight


class Search:
    """Searches texts for one set of fingerprints."""

    def __init__(self, found: Fingerprints) -> None:
        self._found = found
        self._shared: dict[tuple[int, int], frozenset[int]] = {}

    def hits(
        self, text: bytes, *, is_start: bool = True, is_end: bool = True, anywhere: bool = False
    ) -> list[Hit]:
        """Every value in a folded text, those that need company included, by place."""
        if not len(self._found):
            return []
        seen = candidates(self._found, text, is_start=is_start, is_end=is_end, anywhere=anywhere)
        known: dict[tuple[int, bytes, int], list[tuple[int, Weight]]] = {}
        hits = []
        for row, start, end, bounds in zip(
            seen.rows.tolist(),
            seen.starts.tolist(),
            seen.ends.tolist(),
            seen.bounds.tolist(),
            strict=True,
        ):
            passage = (row, text[start:end], bounds)
            if passage not in known:
                known[passage] = list(self._confirm(*passage))
            hits += [Hit(value, start, end, weight) for value, weight in known[passage]]
        return sorted(hits, key=lambda hit: hit.start)

    def _confirm(self, first: int, raw: bytes, bounds: int) -> Iterable[tuple[int, Weight]]:
        found = self._found
        here = shape(raw)
        exact, squeezed = (mark(found.key, part) for part in (here.exact, here.squeezed))
        group = found.group(first)
        same = [row for row in group if int(found.exact[row]) == exact]
        for row in same or group:
            if int(found.squeezed[row]) != squeezed:
                continue
            weight = Weight(int(found.weights[row]))
            if not same:
                weight = self._loosely(row, raw, weight)
            if bounds < 2 and not self._stands_out(row, here.exact, weight, bounds, bool(same)):
                continue
            if weight > Weight.NOTHING:
                yield row, weight

    def _loosely(self, row: int, raw: bytes, weight: Weight) -> Weight:
        """Weight of a value that is spelled with other separators than its own."""
        size = int(self._found.lengths[row])
        gaps = _GAPS.findall(raw)
        if self._found.numbers[row]:
            if size < SHORT_NUMBER or not _number_gaps(gaps, size):
                return Weight.NOTHING
            return min(weight, Weight.WEAK) if size in self._found.dense else weight
        if any(len(gap) > _WIDEST_GAP for gap in gaps):
            return Weight.NOTHING
        # `ONeil` is O'Neil; a short word that something cuts in two is two other words.
        cut = len(gaps) + 1 > int(self._found.words[row])
        return Weight.NOTHING if cut and size < _LEAST_CUT else weight

    def _stands_out(self, row: int, exact: bytes, weight: Weight, bounds: int, same: bool) -> bool:
        """Whether a value can be told inside a longer word; in bytes, only its own spelling."""
        if weight < Weight.STRONG or len(exact) < _LONG:
            return False
        if bounds == 1:
            return True
        plain_number = bool(self._found.numbers[row]) and exact.isdigit()
        return same and not plain_number

    def counted(self, hits: Sequence[Hit], *, rows: Sequence[int] = ()) -> list[Hit]:
        """The hits that count: strong ones, and those that have company.

        Args:
            hits: by place, of one text.
            rows: ends of the rows, where the text is a table; company is then the same row.
        """
        counted = []
        low = 0
        for index, hit in enumerate(hits):
            if hit.weight is Weight.STRONG:
                counted.append(hit)
                continue
            while low < index and not _near(hits[low], hit, rows):
                low += 1
            around = [other for other in hits[low:index] if _near(other, hit, rows)]
            for other in hits[index + 1 :]:
                if not _near(hit, other, rows):
                    break
                around.append(other)
            if self._accompanied(hit, around):
                counted.append(hit)
        return counted

    def _accompanied(self, hit: Hit, around: Sequence[Hit]) -> bool:
        third: Counter[int] = Counter()
        seen = {hit.value}
        for other in around:
            apart = other.start >= hit.end or hit.start >= other.end
            if other.value in seen or not apart or self._same_text(hit, other):
                continue
            seen.add(other.value)
            people = self._people(hit.value, other.value)
            if not people:
                continue
            if max(hit.weight, other.weight) > Weight.ORDINARY:
                return True
            third.update(people)
        return any(count > 1 for count in third.values())

    def _same_text(self, one: Hit, other: Hit) -> bool:
        squeezed = self._found.squeezed
        return bool(squeezed[one.value] == squeezed[other.value])

    def _people(self, one: int, other: int) -> frozenset[int]:
        """The persons that have both values."""
        pair = (one, other) if one < other else (other, one)
        if pair not in self._shared:
            both = np.intersect1d(
                self._found.owners(one), self._found.owners(other), assume_unique=True
            )
            self._shared[pair] = frozenset(both.tolist())
        return self._shared[pair]


def _number_gaps(gaps: Sequence[bytes], size: int) -> bool:
    """Whether digits are grouped as people group them, and not a moment or a list of numbers."""
    if not gaps:
        return True
    if len(set(gaps)) == 1 and _NUMBER_GAPS.fullmatch(gaps[0]):
        return True
    return size >= _PHONE_DIGITS and all(_PHONE_GAPS.fullmatch(gap) for gap in gaps)


def _near(one: Hit, other: Hit, rows: Sequence[int]) -> bool:
    if rows:
        return bisect_left(rows, one.start) == bisect_left(rows, other.start)
    return other.start - one.end <= NEARBY
