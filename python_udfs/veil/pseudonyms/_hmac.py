"""HMAC-SHA256 of a batch of values, in one call without the interpreter's lock.

`polars_hash` computes it in native code. Its expression goes through polars' query engine, which
costs as much as a third of the MAC for a batch of 2,048; this module calls the same function by
polars' plugin interface (C structures of the Arrow C data interface, version 0.1 of the plugin
interface). `polars-hash` is pinned exactly, the interface's version is checked, and a known answer
is computed before the first value: anything else is refused.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import hmac
import pickle
from collections.abc import Callable
from typing import Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from veil.errors import VeilError
from veil.pseudonyms._polars import polars_hash

HEX_CHARS: Final = 64
_INTERFACE: Final = 0 << 16 | 1
_ROW: Final = {chars: np.dtype([("head", f"V{chars}"), ("tail", f"V{HEX_CHARS - chars}")])
               for chars in (16, 40)}  # fmt: skip
_SCHEMA_BYTES: Final = 72
_ARRAY_BYTES: Final = 80


class _Series(ctypes.Structure):
    """`SeriesExport` of polars' plugin interface: a field and its Arrow arrays."""

    _fields_ = (
        ("field", ctypes.c_void_p),
        ("arrays", ctypes.POINTER(ctypes.c_void_p)),
        ("length", ctypes.c_size_t),
        # Null in what is passed in: the plugin takes the array and only reads the field.
        ("release", ctypes.c_void_p),
        ("private", ctypes.c_void_p),
    )


# Keeps the interpreter's lock: it frees three small allocations.
_Release = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


class HexHmac:
    """HMAC-SHA256 under one text key. The key is hidden in `repr`."""

    __slots__ = ("_call", "_field", "_kwargs")

    def __init__(self, key: str) -> None:
        self._call = _plugin()
        self._kwargs = pickle.dumps({"key": key}, protocol=4)
        self._field = ctypes.create_string_buffer(_SCHEMA_BYTES)
        pa.field("v", pa.binary())._export_to_c(ctypes.addressof(self._field))

    def __repr__(self) -> str:
        return "HexHmac(key=hidden)"

    def heads(self, values: pa.Array, *, chars: int) -> NDArray[np.uint8]:
        """Take the MAC of each value and keep the first `chars` hex characters of it.

        Args:
            values: `binary`, n values, no NULL.
            chars: 16 or 40.

        Returns:
            n * chars bytes of lower-case hex, one MAC after the other.

        Raises:
            VeilError: the plugin failed; nothing of its own message is shown.
        """
        macs = self._macs(values)
        if len(macs) != HEX_CHARS * len(values):
            raise VeilError("the MAC of a batch came out short.", remedy="Report it.")
        heads = np.frombuffer(macs, dtype=_ROW[chars])["head"].copy()
        return heads.view(np.uint8)

    def _macs(self, values: pa.Array) -> bytes:
        """Call the plugin. It returns string views over buffers that it filled row by row."""
        array = ctypes.create_string_buffer(_ARRAY_BYTES)
        values._export_to_c(ctypes.addressof(array))
        pointer = ctypes.c_void_p(ctypes.addressof(array))
        given = _Series(ctypes.addressof(self._field), ctypes.pointer(pointer), 1, None, None)
        made, context = _Series(), ctypes.c_uint64(0)
        self._call(
            ctypes.byref(given), 1, self._kwargs, len(self._kwargs),
            ctypes.byref(made), ctypes.byref(context),
        )  # fmt: skip
        if made.private is None:
            raise VeilError("the MAC of a batch failed.", remedy="Run `veil doctor`.")
        try:
            if made.length != 1:
                raise VeilError("the MAC of a batch came out in parts.", remedy="Report it.")
            macs = pa.Array._import_from_c(made.arrays[0], made.field)
        finally:
            _Release(made.release)(ctypes.addressof(made))
        if macs.type != pa.string_view() or len(macs) != len(values) or macs.null_count:
            raise VeilError("the MAC of a batch has another shape.", remedy="Report it.")
        return b"".join(macs.buffers()[2:])


@functools.cache
def _plugin() -> Callable[..., None]:
    """Load the plugin's HMAC function and check its interface."""
    library = ctypes.CDLL(polars_hash._internal.__file__)
    version = library._polars_plugin_get_version
    version.argtypes, version.restype = [], ctypes.c_uint32
    if version() != _INTERFACE:
        raise VeilError(
            "the hashing plugin speaks another version of its interface.",
            remedy="Install the version of polars-hash that veil pins.",
        )
    function = library._polars_plugin_hmac_sha256
    function.restype = None
    function.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    return cast("Callable[..., None]", function)


@functools.cache
def check_plugin() -> None:
    """Compare a few hundred MACs with the standard library's, once per process.

    More than 128 values, so that the result spans several buffers.

    Raises:
        VeilError: they differ.
    """
    key = "00" * 32
    values = [b"x" * length for length in range(300)]
    mine = HexHmac(key).heads(pa.array(values, type=pa.binary()), chars=40).tobytes()
    theirs = [hmac.new(key.encode(), each, hashlib.sha256).hexdigest()[:40] for each in values]
    if mine != "".join(theirs).encode():
        raise VeilError(
            "the hashing plugin computes another HMAC-SHA256 than the standard library.",
            remedy="Install the version of polars-hash that veil pins.",
        )
