"""The noisy cells of a release as bytes that hold these cells and nothing else.

Arrow tables carry more than they show: a dictionary keeps the keys that were filtered out, a null
may cover the value that it replaced. Parquet without dictionaries and statistics writes the values
that are there.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from veil.warehouse.ledger_rows import LedgerError


def cells_to_bytes(cells: pa.Table) -> bytes:
    """The bytes of a table, the same for the same table.

    Raises:
        LedgerError: it does not come back from them as it was: nested or unusual types, NaN.
    """
    try:
        plain = _plain(cells)
        sink = pa.BufferOutputStream()
        pq.write_table(
            plain, sink, use_dictionary=False, write_statistics=False, compression="zstd"
        )
        data: bytes = sink.getvalue().to_pybytes()
        same = cells_from_bytes(data).equals(plain)
    except pa.ArrowException:
        same = False
    if not same:
        raise LedgerError(
            "the cells of a release cannot be stored without loss.",
            remedy="Give its columns plain types: text, whole numbers, decimals, dates; no NaN.",
        )
    return data


def cells_from_bytes(data: bytes) -> pa.Table:
    """The table that `cells_to_bytes` was given, dictionaries decoded."""
    return pq.read_table(pa.BufferReader(data))


def _plain(cells: pa.Table) -> pa.Table:
    columns = []
    for column in cells.columns:
        while pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns.append(_list(column) if pa.types.is_list(column.type) else _flat(column))
    # Without metadata: pandas leaves samples of an index in it.
    return pa.table(columns, names=cells.column_names)


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type):
        raise pa.ArrowTypeError("nested")
    return column


def _list(column: pa.ChunkedArray) -> pa.ListArray:
    """A column of lists over the values that it shows, whatever lies beside or under them."""
    lists = column.combine_chunks()
    if lists.null_count or lists.values.null_count:
        raise pa.ArrowTypeError("a list that is NULL or holds one")
    values = _flat(pa.chunked_array([lists.flatten()])).combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy())])
    return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), values)
