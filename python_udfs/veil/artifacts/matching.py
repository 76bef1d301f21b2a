"""Places in a text where the letters and digits of a value stand, whatever stands between them.

The text is squeezed to letters and digits; at each word the hash of the next few characters is
looked up, and where it is known, the hash of each whole length that begins so. All of it is array
arithmetic: 100 MB of log take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from veil.artifacts.fingerprints import ANCHOR, Fingerprints
from veil.artifacts.rolling import Bytes, Places, Words, slots
from veil.artifacts.weight import LONGEST

_BLOB = 24
"""A longer run of letters and digits is a hash, a token or a key: only its ends are bounds."""


def _kinds() -> Bytes:
    kinds = np.zeros(256, dtype=np.uint8)
    kinds[ord("a") : ord("z") + 1] = 1
    kinds[ord("0") : ord("9") + 1] = 2
    kinds[0x80:] = 3
    return kinds


_KINDS = _kinds()
_ESCAPED = np.zeros(256, dtype=np.bool_)
_ESCAPED[list(b"nrtbf")] = True
_IDEOGRAPH = 0xE3
_HARD, _SOFT = 2, 1


@dataclass(frozen=True, slots=True, repr=False)
class Candidates:
    """Windows whose hash is known: first row of the fingerprints, bounds in the text, how bounded.

    `bounds` is 2 where both ends are ends of words, 1 where one is a change between letters and
    digits, 0 where one is neither.
    """

    rows: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, repr=False)
class _Squeezed:
    places: Places
    sums: Words
    bounds: Bytes


def candidates(
    found: Fingerprints, text: bytes, *, is_start: bool, is_end: bool, anywhere: bool
) -> Candidates:
    """Look up every window of `text` that may be a value.

    Args:
        found: the fingerprints.
        text: folded, at most `CHUNK` bytes.
        is_start: whether the text begins here, or goes on from somewhere else.
        is_end: the same for its end.
        anywhere: look at every byte, not only where words begin and end.
    """
    squeezed = _squeeze(found, text, is_start=is_start, is_end=is_end)
    count = len(squeezed.places)
    starts = np.arange(count) if anywhere else np.flatnonzero(squeezed.bounds[:count])
    groups = [_long(found, squeezed, starts)]
    hard = np.flatnonzero(squeezed.bounds[:count] == _HARD)
    shortest = int(found.lengths.min()) if len(found) else ANCHOR
    groups += [_short(found, squeezed, hard, size) for size in range(shortest, ANCHOR)]
    first = np.concatenate([one[0] for one in groups])
    lengths = np.concatenate([one[1] for one in groups])
    rows = np.concatenate([one[2] for one in groups])
    bounds = np.minimum(squeezed.bounds[first], squeezed.bounds[first + lengths])
    # A value that was cut to `LONGEST` goes on in the text.
    bounds = np.where(lengths == LONGEST, squeezed.bounds[first], bounds)
    keep = slice(None) if anywhere else np.flatnonzero(bounds)
    places = squeezed.places
    return Candidates(
        rows=rows[keep],
        starts=places[first[keep]],
        ends=places[(first + lengths)[keep] - 1] + 1,
        bounds=bounds[keep],
    )


def _squeeze(found: Fingerprints, text: bytes, *, is_start: bool, is_end: bool) -> _Squeezed:
    data = np.frombuffer(text, dtype=np.uint8)
    kinds = _KINDS[data]
    places = np.flatnonzero(kinds)
    kept, kinds = data[places], kinds[places]
    bounds = np.zeros(len(places) + 1, dtype=np.uint8)
    if len(places):
        gap = np.diff(places) > 1
        soft = (kinds[1:] != kinds[:-1]) | (kept[1:] >= _IDEOGRAPH)
        bounds[1:-1] = np.where(gap, _HARD, soft)
        bounds[0] = _HARD if is_start or places[0] > 0 else 0
        bounds[-1] = _HARD if is_end or places[-1] + 1 < len(data) else 0
        _join_blobs(bounds)
        _open_escapes(bounds, data, places, kept)
    return _Squeezed(places, found.rolling.prefix(kept), bounds)


def _join_blobs(bounds: Bytes) -> None:
    ends = np.flatnonzero(bounds == _HARD)
    for at in np.flatnonzero(np.diff(ends) > _BLOB).tolist():
        bounds[ends[at] + 1 : ends[at + 1]] = 0


def _open_escapes(bounds: Bytes, data: Bytes, places: Places, kept: Bytes) -> None:
    r"""In `\nAnna` a word begins behind the `n`."""
    before = np.flatnonzero(_ESCAPED[kept] & (bounds[:-1] == _HARD))
    before = before[places[before] > 0]
    before = before[data[places[before] - 1] == ord("\\")]
    bounds[before + 1] = _HARD


_Found = tuple[Places, Places, Places]


def _long(found: Fingerprints, squeezed: _Squeezed, starts: Places) -> _Found:
    """Windows of `ANCHOR` bytes and more."""
    starts = starts[starts + ANCHOR < len(squeezed.sums)]
    hashes = found.rolling.windows(squeezed.sums, starts, ANCHOR)
    known = np.flatnonzero(found.table[slots(hashes, found.bits)])
    starts, hashes = starts[known], hashes[known]
    rows, same = _lookup(found.anchors, hashes)
    starts, rows = starts[same], rows[same]
    # Each start is taken once for each length that a value with this anchor has.
    low = found.anchor_starts[rows]
    counts = found.anchor_starts[rows + 1] - low
    starts = np.repeat(starts, counts)
    within = np.arange(len(starts)) - np.repeat(np.cumsum(counts) - counts, counts)
    lengths = found.anchor_lengths[np.repeat(low, counts) + within].astype(np.int64)
    inside = np.flatnonzero(starts + lengths < len(squeezed.sums))
    starts, lengths = starts[inside], lengths[inside]
    rows, same = _lookup(found.hashes, found.rolling.windows(squeezed.sums, starts, lengths))
    return starts[same], lengths[same], rows[same]


def _short(found: Fingerprints, squeezed: _Squeezed, starts: Places, size: int) -> _Found:
    """Windows of fewer bytes: whole words alone."""
    starts = starts[starts + size < len(squeezed.sums)]
    starts = starts[squeezed.bounds[starts + size] == _HARD]
    hashes = found.rolling.windows(squeezed.sums, starts, size)
    known = np.flatnonzero(found.table[slots(hashes, found.bits)])
    starts = starts[known]
    rows, same = _lookup(found.hashes, hashes[known])
    starts = starts[same]
    return starts, np.full(len(starts), size, dtype=np.int64), rows[same]


def _lookup(sorted_hashes: Words, wanted: Words) -> tuple[Places, Places]:
    """The first row of each wanted hash, and which of the wanted are there at all."""
    if not len(sorted_hashes):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(0, dtype=np.int64)
    rows = np.searchsorted(sorted_hashes, wanted)
    rows = np.minimum(rows, len(sorted_hashes) - 1)
    return rows, np.flatnonzero(sorted_hashes[rows] == wanted)
