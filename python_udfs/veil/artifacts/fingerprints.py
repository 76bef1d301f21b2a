"""Fingerprints of personal values: keyed hashes in arrays, which say that a value is there.

The values themselves are read once, hashed and forgotten. The key is random and lives as long as
the object, so what is kept could not be compared with anything even if it were written down.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from veil.artifacts.fold import fold
from veil.artifacts.rolling import Places, Rolling, Words, slots
from veil.artifacts.weight import FREQUENT, LONGEST, Shape, Weight, shape, weigh

ANCHOR = 6
"""Letters and digits of a value that are looked up first."""
CHUNK = 1 << 20
"""Bytes of text that are searched at once, and over which window hashes reach."""
DENSE = 1e-4
"""Share of all numbers of a length that are somebody's, from which a bare number proves nothing."""
_BATCH = 1 << 18
_TABLE = (16, 27)


class Identifier(NamedTuple):
    """One value of a direct identifier, on its way into a fingerprint.

    Attributes:
        source: where it stands, `raw_people.ssn`.
        person: whose it is; the same text wherever the same person is meant.
        value: the value as text.
    """

    source: str
    person: str
    value: str

    def __repr__(self) -> str:
        return f"Identifier(source={self.source!r})"


@dataclass(repr=False)
class Fingerprints:
    """All fingerprints, sorted by window hash; row `v` of each array speaks of one value.

    Attributes:
        sources: names of the sources; a value that stands in several counts for the first.
        hashes: window hash of its letters and digits.
        exact: BLAKE2b of its folded text.
        squeezed: BLAKE2b of its letters and digits.
        weights: a `Weight`.
        numbers: whether it has no letter.
        words: how many words it has, 255 at most.
        source: index into `sources`.
        people: `people[starts[v] : starts[v + 1]]` are fingerprints of the persons that have it.
    """

    rolling: Rolling
    key: bytes
    sources: list[str]
    hashes: Words
    exact: Words
    squeezed: Words
    lengths: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.bool_]
    words: npt.NDArray[np.uint8]
    source: npt.NDArray[np.uint16]
    people: Words
    starts: Places
    dense: frozenset[int]
    anchors: Words = field(init=False)
    anchor_starts: Places = field(init=False)
    anchor_lengths: npt.NDArray[np.uint8] = field(init=False)
    table: npt.NDArray[np.bool_] = field(init=False)
    bits: int = field(init=False)

    def __len__(self) -> int:
        return len(self.hashes)

    def index(self, anchor_of: Words) -> None:
        """Make the lookup tables; `anchor_of` is each value's first window hash."""
        bits = int(np.ceil(np.log2(max(len(self), 1)))) + 4
        self.bits = min(max(bits, _TABLE[0]), _TABLE[1])
        self.table = np.zeros(1 << self.bits, dtype=np.bool_)
        self.table[slots(anchor_of, self.bits)] = True
        # One row for each pair of anchor and length: a text window is hashed once for each.
        order = np.lexsort((self.lengths, anchor_of))
        anchors, lengths = anchor_of[order], self.lengths[order]
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (anchors[1:] != anchors[:-1]) | (lengths[1:] != lengths[:-1])
        anchors, self.anchor_lengths = anchors[new], lengths[new]
        self.anchors, first = np.unique(anchors, return_index=True)
        self.anchor_starts = np.append(first, len(anchors)).astype(np.int64)

    def owners(self, value: int) -> Words:
        """Fingerprints of the persons that have a value, sorted."""
        return self.people[self.starts[value] : self.starts[value + 1]]

    def group(self, first: int) -> range:
        """The values that share the window hash of `first`, the first of them."""
        last = first + 1
        while last < len(self.hashes) and self.hashes[last] == self.hashes[first]:
            last += 1
        return range(first, last)

    def find(self, text: str) -> list[int]:
        """The values that are spelled exactly like `text`; for a cell, not for a passage."""
        value = shape(fold(text))
        if not value.squeezed:
            return []
        data = np.frombuffer(value.squeezed, dtype=np.uint8)
        start = np.zeros(1, dtype=np.int64)
        hashes = self.rolling.windows(self.rolling.prefix(data), start, len(data))
        first = int(np.searchsorted(self.hashes, hashes[0]))
        if first == len(self.hashes) or self.hashes[first] != hashes[0]:
            return []
        wanted = mark(self.key, value.exact)
        return [one for one in self.group(first) if int(self.exact[one]) == wanted]


def mark(key: bytes, data: bytes) -> int:
    """Keyed BLAKE2b of `data`, 8 bytes as a number."""
    return int.from_bytes(blake2b(data, digest_size=8, key=key).digest(), "little")


class _Builder:
    def __init__(self, ordinary: frozenset[bytes]) -> None:
        self._ordinary = ordinary
        self.key = secrets.token_bytes(32)
        self.rolling = Rolling(CHUNK + 1, key=self.key)
        self._rows: dict[int, int] = {}
        self.sources: dict[str, int] = {}
        self.exact, self.squeezed = array("Q"), array("Q")
        self.lengths, self.weights, self.numbers = array("B"), array("B"), array("B")
        self.words, self.source = array("B"), array("H")
        self.owned, self.owner = array("L"), array("Q")
        self.hashes: list[Words] = []
        self.anchors: list[Words] = []
        self._waiting: list[bytes] = []
        self._size = 0

    def add(self, one: Identifier) -> None:
        value = shape(fold(one.value))
        exact = mark(self.key, value.exact)
        row = self._rows.get(exact)
        if row is None:
            weight = weigh(value, self._ordinary)
            row = -1 if weight is Weight.NOTHING else len(self.exact)
            self._rows[exact] = row
            if row >= 0:
                self._new(one.source, value, exact, weight)
        if row >= 0:
            self.owned.append(row)
            self.owner.append(mark(self.key, one.person.encode("utf-8", "replace")))

    def _new(self, source: str, value: Shape, exact: int, weight: Weight) -> None:
        self.exact.append(exact)
        self.squeezed.append(mark(self.key, value.squeezed))
        self.lengths.append(len(value.squeezed))
        self.weights.append(weight)
        self.numbers.append(value.is_number)
        self.words.append(min(value.words, 255))
        self.source.append(self.sources.setdefault(source, len(self.sources)))
        self._waiting.append(value.squeezed)
        self._size += len(value.squeezed)
        if self._size > _BATCH:
            self.flush()

    def flush(self) -> None:
        """Hash the waiting values in one go, and drop them."""
        data = np.frombuffer(b"".join(self._waiting), dtype=np.uint8)
        lengths = np.array([len(value) for value in self._waiting], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        sums = self.rolling.prefix(data)
        self.hashes.append(self.rolling.windows(sums, starts, lengths))
        short = np.minimum(lengths, ANCHOR)
        self.anchors.append(self.rolling.windows(sums, starts, short))
        self._waiting.clear()
        self._size = 0


def fingerprint(
    identifiers: Iterable[Identifier], *, ordinary: frozenset[bytes] = frozenset()
) -> Fingerprints:
    """Read every identifier once and keep its fingerprint.

    Args:
        identifiers: values of one source after the other; of a value that stands in several, the
            first source is the one that is named.
        ordinary: words that are nobody's, see `words`.
    """
    made = _Builder(ordinary)
    for one in identifiers:
        made.add(one)
    made.flush()
    hashes = np.concatenate(made.hashes)
    order = np.argsort(hashes, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    owned = place[np.array(made.owned, dtype=np.int64)]
    owner = np.array(made.owner, dtype=np.uint64)
    by_value = np.lexsort((owner, owned))
    owned, owner = owned[by_value], owner[by_value]
    new = np.ones(len(owned), dtype=np.bool_)
    new[1:] = (owned[1:] != owned[:-1]) | (owner[1:] != owner[:-1])
    owned, owner = owned[new], owner[new]
    starts = np.searchsorted(owned, np.arange(len(order) + 1)).astype(np.int64)
    lengths = np.array(made.lengths, dtype=np.uint8)[order]
    numbers = np.array(made.numbers, dtype=np.bool_)[order]
    weights = np.array(made.weights, dtype=np.uint8)[order]
    # A word that many people carry is a given name or a common surname.
    many = (np.diff(starts) > FREQUENT) & ~numbers & (weights == Weight.STRONG) & (lengths < 12)
    weights[many] = Weight.WEAK
    counts = np.bincount(lengths[numbers], minlength=LONGEST + 1)
    dense = frozenset(
        size for size, count in enumerate(counts.tolist()) if count and count / 10.0**size > DENSE
    )
    found = Fingerprints(
        rolling=made.rolling,
        key=made.key,
        sources=list(made.sources),
        hashes=hashes[order],
        exact=np.array(made.exact, dtype=np.uint64)[order],
        squeezed=np.array(made.squeezed, dtype=np.uint64)[order],
        lengths=lengths,
        weights=weights,
        numbers=numbers,
        words=np.array(made.words, dtype=np.uint8)[order],
        source=np.array(made.source, dtype=np.uint16)[order],
        people=owner,
        starts=starts,
        dense=dense,
    )
    found.index(np.concatenate(made.anchors)[order])
    return found
