"""Finding key material: the spellings of a key, and a fast search for all of them at once.

A text may break a key into pairs, lines or list items. Each chunk is therefore also read with all
but the characters of one alphabet taken out, and the key's spelling in that alphabet looked up.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

import numpy as np
import numpy.typing as npt

_HALF_BYTES = 16
_PREFIX = 8
_TABLE_BITS = 16
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Secret:
    """Key material, and what may be said about it: `name` is `zone key kabc2345` for example."""

    name: str
    data: bytes = field(repr=False)


def _kept(alphabet: bytes) -> bytes:
    return bytes(set(range(256)) - set(alphabet))


_HEX = b"0123456789abcdef"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LOWER = bytes.maketrans(b"ABCDEF", b"abcdef")
_UPPER = bytes.maketrans(_BASE32.lower(), _BASE32)
_STANDARD = bytes.maketrans(b"-_", b"+/")
_NO_HEX = _kept(_HEX + b"ABCDEF")
_NO_BASE64 = _kept(_BASE64 + b"-_")
_NO_BASE32 = _kept(_BASE32 + _BASE32.lower())
_DIGITS = bytes(code if 48 <= code <= 57 else 32 for code in range(256))


def _decimals(data: bytes) -> bytes:
    return b" " + b" ".join(data.translate(_DIGITS).split()) + b" "


_STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "raw bytes": lambda data: data,
    "hexadecimal": lambda data: data.translate(_LOWER, _NO_HEX),
    "base64": lambda data: data.translate(_STANDARD, _NO_BASE64),
    "base32": lambda data: data.translate(_UPPER, _NO_BASE32),
    "a list of numbers": _decimals,
}


def spellings(part: bytes) -> Iterator[tuple[str, bytes]]:
    """The forms in which `part` may be written: the name of the stream, and what to find there.

    Base64 and base32 are aligned to groups of three and five bytes, so a key that stands inside a
    longer text is spelled in three and five ways; only the characters that depend on nothing but
    the key are kept.
    """
    latin = part.decode("latin-1")
    yield from (
        ("raw bytes", part),
        ("raw bytes", latin.encode()),
        ("raw bytes", repr(part)[2:-1].encode()),
        ("raw bytes", repr(latin)[1:-1].encode()),
        ("raw bytes", json.dumps(latin)[1:-1].encode()),
        ("raw bytes", json.dumps(latin).upper()[1:-1].replace("\\U", "\\u").encode()),
        ("raw bytes", quote_from_bytes(part).encode()),
        ("raw bytes", quote_from_bytes(part).lower().encode()),
    )
    pairs = [f"{byte:02x}" for byte in part]
    # 0x1f, 0x2e and \u001f\u002e keep zeros once everything but digits is taken out.
    for before in ("", "0", "00"):
        yield "hexadecimal", (before + before.join(pairs)).encode()
    for offset in range(3):
        yield "base64", _aligned(base64.b64encode, part, offset, bits=6)
    for offset in range(5):
        yield "base32", _aligned(base64.b32encode, part, offset, bits=5)
    yield "a list of numbers", b" " + " ".join(map(str, part)).encode() + b" "


def _aligned(encode: Callable[[bytes], bytes], part: bytes, offset: int, *, bits: int) -> bytes:
    text = encode(bytes(offset) + part)
    first = -(-offset * 8 // bits)
    last = (offset + len(part)) * 8 // bits
    return text[first:last]


class KeySearch:
    """Looks for any half of any secret; a half of a key is as bad as the whole."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._needles: dict[str, dict[bytes, set[tuple[bytes, str]]]] = {}
        for secret in secrets:
            for part in _parts(secret.data):
                for stream, needle in spellings(part):
                    by_prefix = self._needles.setdefault(stream, {})
                    by_prefix.setdefault(needle[:_PREFIX], set()).add((needle, secret.name))
        self._tables = {stream: _table(found) for stream, found in self._needles.items()}

    def search(self, data: bytes) -> set[tuple[str, str]]:
        """The names of the secrets that `data` holds, each with the form that it has there."""
        found = set()
        for stream, by_prefix in self._needles.items():
            read = _STREAMS[stream](data)
            for start in _starts(read, self._tables[stream]):
                for needle, name in by_prefix.get(read[start : start + _PREFIX], ()):
                    if read.startswith(needle, start):
                        found.add((name, stream))
        return found


def _parts(data: bytes) -> Iterator[bytes]:
    if len(data) < 2 * _HALF_BYTES:
        yield data
        return
    yield data[:_HALF_BYTES]
    yield data[-_HALF_BYTES:]


def _slots(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return (words * _MIX) >> np.uint64(64 - _TABLE_BITS)


def _table(prefixes: dict[bytes, set[tuple[bytes, str]]]) -> npt.NDArray[np.bool_]:
    table = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
    words = np.frombuffer(b"".join(prefix.ljust(_PREFIX, b"\0") for prefix in prefixes), "<u8")
    table[_slots(words)] = True
    return table


def _starts(data: bytes, table: npt.NDArray[np.bool_]) -> Iterator[int]:
    """Positions at which eight bytes stand that may begin a needle."""
    for offset in range(min(_PREFIX, len(data))):
        count = (len(data) - offset) // _PREFIX
        words = np.frombuffer(data, "<u8", count=count, offset=offset) if count else _NONE
        for index in np.flatnonzero(table[_slots(words)]).tolist():
            yield offset + _PREFIX * index


_NONE: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
