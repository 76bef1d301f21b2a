"""Whether what a release reads has changed, for `privacy_refresh: on_change`."""

from __future__ import annotations

import duckdb
import numpy as np

from veil.differential.multiset import digest
from veil.errors import VeilError
from veil.keys import Keyring
from veil.keys.entry import USABLE
from veil.warehouse.contributions import ROWS, UID, UNIT, UNITS, Query, canonical, open_rows
from veil.warehouse.messages import safe_message


def change_digests(conn: duckdb.DuckDBPyConnection, query: Query, keyring: Keyring) -> list[str]:
    """The digest of the rows under each key that may have made an earlier one, the newest first.

    So a rotation changes nothing. It covers exactly the columns that the query reads, the unit as
    what its rows share and not by its name.

    Raises:
        VeilError: the rows cannot be read; no value is shown.
    """
    try:
        open_rows(conn, query)
        text = canonical(query.columns)
        table = conn.execute(
            f"select {UID}, {text} from {ROWS} join {UNITS} using ({UNIT})"
        ).to_arrow_table()
    except duckdb.Error as error:
        problem = safe_message(error)
    else:
        newest = keyring.primary("bounding", "*")
        kids = [newest.kid] + [
            entry.kid
            for entry in keyring.entries
            if entry.purpose == "bounding" and entry.kid != newest.kid and entry.status in USABLE
        ]
        keys = [keyring.subkey("bounding", "*", use="change", kid=kid)[1] for kid in kids]
        people = table.column(0).to_numpy().astype(np.int64, copy=False)
        return [digest(key, people, table.column(1)) for key in keys]
    raise VeilError(f"the rows of the release cannot be read: {problem}")
