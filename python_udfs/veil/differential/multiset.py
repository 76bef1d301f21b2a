"""A keyed digest of what a query reads, for `privacy_refresh: on_change`.

It depends on how often each row occurs and on which rows belong to one person, and on neither the
order of rows nor the names of persons: a pseudonym under another key gives the same digest.

Rows are added up as MACs (the additive multiset hash of Clarke, Devadas, van Dijk, Gassend, Suh,
Incremental Multiset Hash Functions, 2003), first within each person, then over the MACs of these
sums.
"""

from __future__ import annotations

import hmac

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from veil.pseudonyms._hmac import HexHmac, check_plugin

_BATCH = 2**16
_CHARS = 40
_WORDS = 2
_LABEL = b"veil-change-v1"


def digest(key: bytes, people: npt.NDArray[np.int64], rows: pa.ChunkedArray) -> str:
    """The digest, 64 hexadecimal characters.

    Args:
        key: 32 bytes.
        people: shape (n,), whose each row is, as whole numbers from 0 on, none left out.
        rows: n canonical texts of what the rows hold beside the person, without NULL.
    """
    check_plugin()
    mac = HexHmac(hmac.digest(key, _LABEL, "sha256").hex())
    count = int(people.max(initial=-1)) + 1
    sums = np.zeros((count, _WORDS), dtype=np.uint64)
    for start in range(0, len(people), _BATCH):
        part = rows.slice(start, _BATCH).combine_chunks().cast(pa.binary())
        inputs = pc.binary_join_element_wise(b"row:", part, b"")
        # Unsigned words wrap around: a sum modulo 2**64 each.
        np.add.at(sums, people[start : start + len(part)], _words(mac, inputs))
    texts = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(8 * _WORDS), count, [None, pa.py_buffer(sums)]
    ).cast(pa.binary())
    total = 0
    for start in range(0, count, _BATCH):
        inputs = pc.binary_join_element_wise(b"person:", texts.slice(start, _BATCH), b"")
        for high, low in _words(mac, inputs).tolist():
            total += high << 64 | low
    head = f"{count}:{len(people)}:{total % 2**128:032x}"
    return hmac.digest(key, _LABEL + head.encode(), "sha256").hex()


def _words(mac: HexHmac, inputs: pa.Array) -> npt.NDArray[np.uint64]:
    """The first 128 bits of each MAC as two numbers, shape (n, 2)."""
    heads = bytes.fromhex(mac.heads(inputs, chars=_CHARS).tobytes().decode())
    own = np.frombuffer(heads, dtype=np.uint8).reshape(len(inputs), _CHARS // 2)
    return np.ascontiguousarray(own[:, : 8 * _WORDS]).view(">u8").astype(np.uint64)
