"""Which of a person's contributions stay, where there are more than the bounds allow.

Each contribution has a rank, and the lowest ones stay. A rank is a pseudo-random function of the
bounding key, the release, the person, the group, and (for rows) the row's content with the number
of the copy that it is, so that of ten rows each is as likely to stay as any, however many of them
are alike: nobody without the key can say which ones stay, no row number or order enters, and no
other person's rows do. See
docs/decisions/0017-ranks.md for why a group's rank ends in AES.

    person  = HMAC-SHA256(K, "u" person)          first 64 bits
    group   = HMAC-SHA256(K, "g" group)           first 64 bits
    rank of a group for a person = AES-256(A, person group)   first 64 bits
    rank of a row                = HMAC-SHA256(K, "r" person group content)   first 64 bits

K = HMAC-SHA256(bounding key, release id), in hexadecimal; A = HMAC-SHA256(K, "groups").
"""

from __future__ import annotations

import hmac

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from veil.keys.encoding import encode_fields
from veil.pseudonyms._hmac import HexHmac, check_plugin

Ranks = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LABEL = b"veil-bounding-v1"
_BATCH = 2**16
"""Rows at a time: the intermediate texts stay small."""


class Ranking:
    """The ranks of one release; never shows its key.

    Args:
        key: 32 bytes, of the purpose `bounding`.
        release_id: what the release is known by in the ledger.
    """

    __slots__ = ("_groups", "_hmac")

    def __init__(self, key: bytes, release_id: str) -> None:
        check_plugin()
        own = hmac.digest(key, encode_fields(_LABEL, (release_id,)), "sha256").hex()
        self._hmac = HexHmac(own)
        self._groups = hmac.digest(own.encode(), b"groups", "sha256")

    def __repr__(self) -> str:
        return "Ranking(key=hidden)"

    def people(self, units: pa.ChunkedArray) -> Ranks:
        """64 bits of each person's MAC; n texts without NULL in, shape (n,) out."""
        return self._macs(units, b"u")

    def groups(self, keys: pa.ChunkedArray) -> Ranks:
        """64 bits of each group's MAC; n canonical texts without NULL in, shape (n,) out."""
        return self._macs(keys, b"g")

    def of_groups(self, people: Ranks, groups: Ranks) -> Ranks:
        """The rank of each group for each person.

        Args:
            people: from `people`, one for each pair, shape (n,).
            groups: from `groups`, one for each pair, shape (n,).
        """
        # One block a pair, all blocks different where the pairs' MACs are: no mode is needed.
        cipher = Cipher(algorithms.AES(self._groups), modes.ECB()).encryptor()  # noqa: S305
        ranks = np.empty(len(people), dtype=np.uint64)
        for start in range(0, len(people), _BATCH):
            part = slice(start, start + _BATCH)
            blocks = np.stack([people[part], groups[part]], axis=1)
            made = cipher.update(blocks.tobytes())
            ranks[part] = np.frombuffer(made, dtype=np.uint64)[::2]
        return ranks

    def of_rows(self, people: Ranks, groups: Ranks, contents: pa.ChunkedArray) -> Ranks:
        """The rank of each row within its person and group.

        Args:
            people, groups: as for `of_groups`, one for each row, shape (n,).
            contents: n canonical texts of what the rows hold, without NULL; copies of a row within
                a person and group are told apart by a number.
        """
        heads = np.stack([people, groups], axis=1)
        width = heads.dtype.itemsize * 2
        prefix = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(width), len(heads), [None, pa.py_buffer(np.ascontiguousarray(heads))]
        ).cast(pa.binary())
        ranks = np.empty(len(heads), dtype=np.uint64)
        for start in range(0, len(heads), _BATCH):
            part = contents.slice(start, _BATCH).combine_chunks().cast(pa.binary())
            texts = pc.binary_join_element_wise(prefix.slice(start, len(part)), part, b"")
            ranks[start : start + len(part)] = self._macs(pa.chunked_array([texts]), b"r")
        return ranks

    def _macs(self, texts: pa.ChunkedArray, label: bytes) -> Ranks:
        found = np.empty(len(texts), dtype=np.uint64)
        for start in range(0, len(texts), _BATCH):
            part = texts.slice(start, _BATCH).combine_chunks().cast(pa.binary())
            inputs = pc.binary_join_element_wise(label, part, b"")
            heads = self._hmac.heads(inputs, chars=16).tobytes().decode()
            found[start : start + len(part)] = np.frombuffer(bytes.fromhex(heads), dtype=">u8")
        return found


def choose(owners: Codes, ranks: Ranks, *, at_most: int) -> Flags:
    """Which contributions stay: at most so many of each owner, those of the lowest ranks.

    Args:
        owners: shape (n,), whose each contribution is, as whole numbers from 0 on.
        ranks: shape (n,).
        at_most: at least 1.

    Returns:
        shape (n,). What belongs to an owner alone decides about it.
    """
    counts = np.bincount(owners)
    if not len(owners) or counts.max() <= at_most:
        return np.ones(len(owners), dtype=np.bool_)
    # Owner and the leading bits of the rank in one number: one plain sort, and no sorted indices.
    bits = max(1, int(owners.max()).bit_length())
    codes = (owners.astype(np.uint64) << np.uint64(64 - bits)) | (ranks >> np.uint64(bits))
    ordered = np.sort(codes)
    over = np.flatnonzero(counts > at_most)
    starts = np.cumsum(counts) - counts
    last = np.full(len(counts), np.iinfo(np.uint64).max)
    last[over] = ordered[starts[over] + at_most - 1]
    kept: Flags = codes <= last[owners]
    # Where leading bits tie at the edge, more than `at_most` passed: all bits decide among those.
    tied = np.bincount(owners[kept], minlength=len(counts)) > at_most
    if tied.any():
        places = np.flatnonzero(tied[owners])
        order = np.lexsort((ranks[places], owners[places]))
        sorted_owners = owners[places][order]
        first = np.searchsorted(sorted_owners, sorted_owners)
        kept[places[order]] = np.arange(len(order)) - first < at_most
    return kept
