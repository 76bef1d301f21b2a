"""Random tokens: what the mask `random_token` puts in the place of a value.

A token is 160 bits from the operating system; no key and no value went into it, so that nothing
leads from it to a person but the table in which it stands. That table is sealed: it lies in the
identified zone, and knows a value only by its lookup, a MAC under the keyring's `token` key.

Tokens are drawn before a model runs, in a transaction of their own: a crash in between costs
nothing but tokens that nobody has. A token that was deleted is remembered by its SHA-256 and is
never given again.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from veil.errors import VeilError
from veil.keys import Keyring
from veil.keys.entry import USABLE, Status
from veil.policy.graph import Graph, Node
from veil.policy.rules.layers import JINJA_ASIDE, REF
from veil.pseudonyms.mac import Pseudonymiser
from veil.pseudonyms.token import PAYLOAD_CHARS
from veil.warehouse.messages import safe_message
from veil.warehouse.quoting import identifier
from veil.warehouse.token_table import (
    TABLE,
    TOKEN_CHARS,
    draw_unseen,
    in_transaction,
    rekey,
    spend,
    unseen,
)

MASK: Final = "random_token"

_LOOKUP: Final = np.dtype(f"S{PAYLOAD_CHARS}")
_TOKEN: Final = np.dtype(f"S{TOKEN_CHARS}")
_WRITING = threading.Lock()
"""Of two models that see a person for the first time, one draws. Another process cannot open the
zone at the same time."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The tokens of one domain: n lookups in rising order, and the token of each."""

    lookups: NDArray[np.bytes_]
    tokens: NDArray[np.bytes_]

    def find(self, wanted: NDArray[np.bytes_]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where each wanted lookup stands, and whether it does."""
        at = np.searchsorted(self.lookups, wanted)
        at[at == len(self.lookups)] = 0
        if not len(self.lookups):
            return at, np.zeros(len(wanted), dtype=np.bool_)
        return at, self.lookups[at] == wanted


class Tokens:
    """The sealed table behind one connection; shared by its threads.

    Args:
        conn: with the identified zone attached. It is used through cursors of its own, so that
            what is drawn is committed apart from whatever else is going on.
        keyring: with a key of purpose `token`.
    """

    def __init__(self, conn: duckdb.DuckDBPyConnection, keyring: Keyring) -> None:
        self._conn = conn
        self._keyring = keyring
        self._lock = threading.RLock()
        self._engines: dict[tuple[str, str | None], Pseudonymiser] = {}
        self._held: dict[str, _Held] = {}

    def prepare(self, graph: Graph, node: Node) -> None:
        """Draw the tokens that a model is about to look up; nothing where it has no such mask.

        Called before the model runs, for a model that the gates have let pass.

        Args:
            graph: dbt's graph.
            node: the model.

        Raises:
            VeilError: the raw model cannot be read, or tokens cannot be drawn.
        """
        for column in node.columns.values():
            if column.meta.get("privacy_mask") == MASK:
                raw = _raw_model(graph, node)
                source = raw.columns[str(column.meta.get("privacy_from", column.name))]
                self.draw(
                    _distinct(self._conn, raw, source.name),
                    domain=str(column.meta["privacy_domain"]),
                    privacy_type=str(source.meta["privacy_type"]),
                )

    def draw(self, values: pa.ChunkedArray, *, domain: str, privacy_type: str) -> int:
        """Give a token to each value that has none yet; committed when this returns.

        Args:
            values: texts; NULL gets no token.
            domain: linkage domain; each has tokens of its own.
            privacy_type: what the values are, which decides how they are normalised.

        Returns:
            How many tokens were drawn.

        Raises:
            VeilError: no usable key, or the table cannot be written. No value is shown.
        """
        values = values.drop_null()
        engine = self._engine(domain)
        lookups = _lookups(engine, values, privacy_type)

        def work(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int]:
            cursor.register("veil_wanted", pa.table({"lookup": lookups}))
            missing = unseen(cursor, domain, engine.kid)
            moved = 0
            for kid in self._older(cursor, domain, engine.kid) if len(missing) else ():
                was = _lookups(self._engine(domain, kid), values, privacy_type)
                pairs = pa.table({"lookup": lookups, "was": was})
                moved += rekey(cursor, pairs, missing, domain=domain, kids=(kid, engine.kid))
                missing = unseen(cursor, domain, engine.kid)
            draw_unseen(cursor, missing, domain=domain, kid=engine.kid)
            return len(missing), moved

        with _WRITING:
            drawn, moved = in_transaction(self._conn, work)
        with self._lock:
            if drawn or moved or domain not in self._held:
                self._held[domain] = self._load(domain)
        return drawn

    def look_up(self, values: Any, *, domain: str, privacy_type: str) -> pa.Array:
        """The token of each value.

        Args:
            values: n texts, as `pa.Array` or `pa.ChunkedArray`.
            domain: as in `draw`.
            privacy_type: as in `draw`.

        Returns:
            `string`, n tokens; NULL where the value is NULL. The empty text is a value.

        Raises:
            VeilError: a value has no token. No value is shown.
        """
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        values = values.cast(pa.string())
        count = len(values)
        absent = values.is_null().to_numpy(zero_copy_only=False)
        (made,) = _lookups(self._engine(domain), values.fill_null(""), privacy_type).chunks
        wanted = _fixed(made, _LOOKUP)
        held = self._held.get(domain)
        at, known = held.find(wanted) if held else (None, absent)
        if held is None or not (known | absent).all():
            # Another model may have drawn since; the table knows.
            with self._lock:
                held = self._held[domain] = self._load(domain)
            at, known = held.find(wanted)
            if not (known | absent).all():
                raise VeilError(
                    f"a value has no token in the domain `{domain}`; it is not shown.",
                    remedy="Tokens are drawn by `veil.check_model()` before a model runs: build it"
                    " with `dbt build`.",
                )
        if absent.all():
            return pa.nulls(count, pa.string())
        offsets = np.arange(0, (count + 1) * TOKEN_CHARS, TOKEN_CHARS, dtype=np.int32)
        valid = np.packbits(~absent, bitorder="little") if absent.any() else None
        return pa.StringArray.from_buffers(
            count,
            pa.py_buffer(offsets),
            pa.py_buffer(np.ascontiguousarray(held.tokens[at])),
            None if valid is None else pa.py_buffer(valid),
        )

    def forget(self, values: pa.ChunkedArray, *, domain: str, privacy_type: str) -> int:
        """Delete the tokens of values; none of them is ever given again, to nobody.

        Whoever is still in the raw model gets another token at the next build.

        Args:
            values: as in `draw`.
            domain: as in `draw`.
            privacy_type: as in `draw`.

        Returns:
            How many tokens were deleted.

        Raises:
            VeilError: it cannot be told which tokens are theirs, or the table cannot be written.
        """
        values = values.drop_null()
        primary = self._engine(domain)

        def work(cursor: duckdb.DuckDBPyConnection) -> int:
            gone = 0
            for kid in (primary.kid, *self._older(cursor, domain, primary.kid)):
                lookups = _lookups(self._engine(domain, kid), values, privacy_type)
                cursor.register("veil_gone", pa.table({"lookup": lookups}))
                which = " and lookup in (select lookup from veil_gone)"
                gone += spend(cursor, domain, kid, which)
            return gone

        with _WRITING:
            gone = in_transaction(self._conn, work)
        with self._lock:
            self._held.pop(domain, None)
        return gone

    def _engine(self, domain: str, kid: str | None = None) -> Pseudonymiser:
        """What makes the lookups of a domain: under the primary key, or an older one."""
        with self._lock:
            if (domain, kid) not in self._engines:
                used, key = self._keyring.subkey("token", domain, use="lookup", kid=kid)
                self._engines[domain, kid] = Pseudonymiser(key.hex(), used)
            return self._engines[domain, kid]

    def _older(self, cursor: duckdb.DuckDBPyConnection, domain: str, primary: str) -> list[str]:
        """The other keys under which tokens of a domain stand.

        Of a destroyed key nobody can tell any more whose they are: those tokens are let go.

        Raises:
            VeilError: a key is disabled. Its tokens cannot be matched, and to draw again would
                make two people of one.
        """
        found = cursor.execute(
            f"select distinct kid from {TABLE} where domain = ? and kid <> ? order by kid",
            [domain, primary],
        ).fetchall()
        usable = []
        for (kid,) in found:
            status = self._keyring.entry(kid).status
            if status is Status.DESTROYED:
                spend(cursor, domain, kid)
            elif status not in USABLE:
                raise VeilError(
                    f"the domain `{domain}` has tokens under the key `{kid}`, which is {status}:"
                    " whose they are cannot be told.",
                    remedy="Build once before a key of purpose `token` is disabled. To give those"
                    f" people new tokens: `veil keys destroy {kid}`.",
                )
            else:
                usable.append(str(kid))
        return usable

    def _load(self, domain: str) -> _Held:
        kid = self._engine(domain).kid
        rows = in_transaction(
            self._conn,
            lambda cursor: cursor.execute(
                f"select lookup, token from {TABLE} where domain = ? and kid = ? order by lookup",
                [domain, kid],
            ).to_arrow_table(),
        )
        return _Held(_column(rows["lookup"], _LOOKUP), _column(rows["token"], _TOKEN))


def _raw_model(graph: Graph, node: Node) -> Node:
    """What the one call of a pseudonymized model names first; hierarchies come after it."""
    call = re.search(REF, JINJA_ASIDE.sub("", node.code))
    names = re.findall(r"['\"]([^'\"]*)['\"]", call[0]) if call else []
    found = [
        parent
        for parent in (graph.node(one) for one in node.parents if graph.knows(one))
        if names and parent.name == names[-1]
        and (len(names) == 1 or parent.raw.get("package_name") == names[0])
    ]  # fmt: skip
    if len(found) != 1:
        raise VeilError(
            f"model `{node.name}` does not name one raw model.",
            remedy="Its SQL is one call: {{ veil.pseudonymize(ref('raw_…')) }}.",
        )
    return found[0]


def _distinct(conn: duckdb.DuckDBPyConnection, raw: Node, column: str) -> pa.ChunkedArray:
    """The distinct values of a column, written as the mask's SQL writes them."""
    cursor = conn.cursor()
    try:
        rows = cursor.execute(
            f"select distinct cast({identifier(column)} as varchar) as value from {raw.relation}"
        ).to_arrow_table()
    except duckdb.Error as error:
        problem = safe_message(error)
    else:
        return rows["value"]
    finally:
        cursor.close()
    raise VeilError(
        f"the values of `{raw.name}` cannot be read to draw their tokens: {problem}",
        remedy="Build it first.",
    )


def _lookups(engine: Pseudonymiser, values: Any, privacy_type: str) -> pa.ChunkedArray:
    """The lookup of each value: 32 characters of base32, without its kid."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    made = [engine.tokens(chunk, privacy_type=privacy_type) for chunk in chunks]
    return pa.chunked_array(
        [pc.utf8_slice_codeunits(one, start=-PAYLOAD_CHARS) for one in made], type=pa.string()
    )


def _fixed(texts: pa.Array, kind: np.dtype[np.bytes_]) -> NDArray[np.bytes_]:
    """Texts of one length, none NULL, as an array of bytes."""
    if not len(texts):
        return np.empty(0, kind)
    width = kind.itemsize
    fixed = texts.cast(pa.binary()).cast(pa.binary(width))
    return np.frombuffer(fixed.buffers()[1], kind, len(fixed), fixed.offset * width)


def _column(texts: pa.ChunkedArray, kind: np.dtype[np.bytes_]) -> NDArray[np.bytes_]:
    return np.concatenate([np.empty(0, kind), *(_fixed(one, kind) for one in texts.chunks)])
