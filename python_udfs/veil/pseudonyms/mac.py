"""The MAC of a value, and the pseudonym that it makes.

MAC input: `<n>:version <n>:privacy_type <n>:normaliser value`, without the blanks, where n is the
length in bytes, in decimal, of the field after it, and the value runs to the end. It is injective:
read from the left, the digits before a colon say where each of the three fields ends, and the rest
is the value. So two inputs are the same bytes only if all four fields are the same, whatever
characters the value holds; and the head is one constant per column, at no cost per row.

    >>> mac_head("email", "email").decode()
    '2:p15:email7:email@1'

The key of the MAC is the ASCII hex (64 characters) of the 32 derived bytes.
"""

from __future__ import annotations

import functools
import re
from typing import Final, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from veil.errors import VeilError
from veil.pseudonyms import normalise as rules
from veil.pseudonyms._base32 import payloads
from veil.pseudonyms._hmac import HexHmac, check_plugin
from veil.pseudonyms._polars import polars as pl
from veil.pseudonyms.token import FORMAT, PAYLOAD_CHARS, is_kid

_BLOCK: Final = 8192
"""Rows at a time: what a block touches stays in the processor's cache."""

_KEY = re.compile(r"[0-9a-f]{64}")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_EMPTY: Final = pa.scalar(b"", pa.binary())
_TEXTS: Final = (pa.string(), pa.large_string(), pa.string_view())


@functools.lru_cache(maxsize=1024)
def mac_head(privacy_type: str, normaliser: str) -> bytes:
    """Write the MAC input up to the value.

    Raises:
        VeilError: `privacy_type` is not a lower-case name, or the normaliser is unknown.
    """
    if not isinstance(privacy_type, str) or _TYPE.fullmatch(privacy_type) is None:
        raise VeilError("a `privacy_type` is malformed.", remedy="Write a name such as `email`.")
    fields = (FORMAT, privacy_type, rules.normaliser(normaliser).tag)
    return "".join(f"{len(each.encode())}:{each}" for each in fields).encode()


class Pseudonymiser:
    """Makes the pseudonyms of one key. Safe to share between threads; never shows its key.

    Args:
        key_hex: 32 derived bytes as 64 lower-case hex characters.
        kid: the key's id.

    Raises:
        VeilError: either is malformed, or the hashing plugin is not the one that veil knows.
    """

    __slots__ = ("_hmac", "_layout", "_offsets", "kid")

    def __init__(self, key_hex: str, kid: str) -> None:
        if not isinstance(key_hex, str) or _KEY.fullmatch(key_hex) is None:
            raise VeilError("a pseudonym key is not 64 lower-case hex characters.")
        if not is_kid(kid):
            raise VeilError("a key id is malformed.")
        check_plugin()
        self.kid = kid
        self._hmac = HexHmac(key_hex)
        head = f"{FORMAT}_{kid}_".encode()
        size = len(head) + PAYLOAD_CHARS
        row = np.dtype([("head", f"V{len(head)}"), ("payload", f"V{PAYLOAD_CHARS}")])
        self._layout = np.zeros(_BLOCK, dtype=row)
        self._layout["head"] = np.void(head)
        self._offsets = pa.py_buffer(np.arange(0, (_BLOCK + 1) * size, size, dtype=np.int32))

    def __repr__(self) -> str:
        return f"Pseudonymiser(kid={self.kid!r}, key=hidden)"

    def __reduce__(self) -> NoReturn:
        raise VeilError("a pseudonymiser holds a key and is not copied to disk or to a process.")

    def tokens(self, values: pa.Array | pa.ChunkedArray, *, privacy_type: str) -> pa.Array:
        """Replace each value by its pseudonym.

        Args:
            values: n strings, in any of Arrow's three layouts.
            privacy_type: what they are; decides the normaliser and is part of the MAC.

        Returns:
            `string`, n pseudonyms; NULL where the value is NULL. The empty string is a value.

        Raises:
            VeilError: not strings, a malformed `privacy_type`, or a failure; no value is shown.
        """
        try:
            parts = [self._tokens(block, privacy_type) for block in _blocks(values)]
            return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
        except VeilError:
            raise
        except Exception:
            problem = "a pseudonym could not be made; no value is shown."
        # Outside the handler: even `from None` would leave the cause, and its value, attached.
        raise VeilError(problem)

    def digest64(
        self, values: pa.Array | pa.ChunkedArray, *, privacy_type: str
    ) -> NDArray[np.uint64]:
        """Take the first 8 bytes of each MAC, as big-endian numbers, for keyed perturbation.

        They are the start of the pseudonym under the same key: derive a key for this use.

        Returns:
            n numbers; 0 where the value is NULL, which the caller's own NULLs tell apart.

        Raises:
            VeilError: as for `tokens`.
        """
        try:
            parts = [self._digests(block, privacy_type) for block in _blocks(values)]
            return np.concatenate(parts)
        except VeilError:
            raise
        except Exception:
            problem = "a keyed digest could not be made; no value is shown."
        raise VeilError(problem)

    def _tokens(self, block: pa.Array, privacy_type: str) -> pa.Array:
        heads = self._hmac.heads(_inputs(block, privacy_type), chars=40)
        count = len(block)
        out = self._layout[:count].copy()
        out["payload"] = payloads(heads).view(f"V{PAYLOAD_CHARS}")
        validity = None
        if block.null_count:
            null = block.is_null().to_numpy(zero_copy_only=False)
            out.view(np.uint8).reshape(count, -1)[null] = 0
            validity = pa.py_buffer(np.packbits(~null, bitorder="little"))
        offsets = self._offsets.slice(0, 4 * (count + 1))
        return pa.StringArray.from_buffers(count, offsets, pa.py_buffer(out), validity)

    def _digests(self, block: pa.Array, privacy_type: str) -> NDArray[np.uint64]:
        heads = self._hmac.heads(_inputs(block, privacy_type), chars=16)
        made = np.frombuffer(bytes.fromhex(heads.tobytes().decode()), dtype=">u8")
        made = made.astype(np.uint64)
        if block.null_count:
            made[block.is_null().to_numpy(zero_copy_only=False)] = 0
        return made


def _blocks(values: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    """Cut a column into `string` arrays of at most `_BLOCK` rows; one, if empty, for no row."""
    if not isinstance(values, pa.Array | pa.ChunkedArray) or values.type not in _TEXTS:
        raise VeilError("a pseudonym is made of text.", remedy="Cast the column to varchar.")
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    blocks = [
        chunk if len(chunk) <= _BLOCK else chunk.slice(start, _BLOCK)
        for chunk in chunks
        for start in range(0, len(chunk), _BLOCK)
    ]
    if not blocks:
        return [pa.array([], type=pa.string())]
    return blocks if values.type == pa.string() else [each.cast(pa.string()) for each in blocks]


def _inputs(block: pa.Array, privacy_type: str) -> pa.Array:
    """Write the MAC input of each value, as `binary`; NULL counts as the empty string here."""
    name = rules.normaliser_for(privacy_type)
    head = mac_head(privacy_type, name)
    if not block.null_count and _is_plain(block, name):
        plain = pc.ascii_lower(block) if name in rules.LOWERED else block
        return pc.binary_join_element_wise(head, plain.view(pa.binary()), _EMPTY)
    # polars trusts its input to be UTF-8; what DuckDB hands over is, another caller's may not be.
    block.validate(full=True)
    texts = rules.normalise(pl.Series("v", block.fill_null("")), name)
    other = rules.fell_back(texts, name)
    heads: pa.Array | bytes = head
    if other.any():
        fallback = mac_head(privacy_type, rules.TEXT.name)
        heads = pc.if_else(other.to_arrow(), pa.scalar(fallback), pa.scalar(head))
    normal = texts.to_arrow().cast(pa.string()).view(pa.binary())
    return pc.binary_join_element_wise(heads, normal, _EMPTY)


def _is_plain(block: pa.Array, name: str) -> bool:
    """Say whether the bytes of a block without NULL prove that at most its case changes."""
    _, offset_bytes, data = block.buffers()
    if data is None:
        return False
    offsets = np.frombuffer(offset_bytes, dtype=np.int32)
    offsets = offsets[block.offset : block.offset + len(block) + 1]
    if name == rules.DIGITS.name and not (offsets[1:] > offsets[:-1]).all():
        return False  # an empty value falls back
    start, end = int(offsets[0]), int(offsets[-1])
    return rules.is_plain(np.frombuffer(data, np.int8, end - start, start), name)
