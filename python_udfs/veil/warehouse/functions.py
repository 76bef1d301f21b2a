"""The functions that masks call. Keys are bound in Python; no SQL text ever holds one."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from veil.errors import VeilError
from veil.keys import Keyring
from veil.masks.networks import ip_prefixes
from veil.masks.perturb import laplace, shift_days
from veil.pseudonyms.mac import Pseudonymiser
from veil.warehouse.messages import remember
from veil.warehouse.tokens import Tokens


class _Keyed:
    """Pseudonymisers by domain, derived once and shared by all threads."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, str], Pseudonymiser] = {}

    def get(self, purpose: str, domain: str, *, use: str) -> Pseudonymiser:
        with self._lock:
            wanted = (purpose, domain, use)
            if wanted not in self._made:
                kid, key = self._keyring.subkey(purpose, domain, use=use)
                self._made[wanted] = Pseudonymiser(key.hex(), kid)
            return self._made[wanted]


def _constant(argument: Any) -> Any:
    """The one value of an argument that a macro wrote as a literal; not empty."""
    return argument[0].as_py()


def register_functions(
    conn: duckdb.DuckDBPyConnection, keyring: Keyring, *, tokens: Tokens | None = None
) -> None:
    """Register the functions that masks call on `conn`.

    They go on the connection, never on a cursor: every dbt thread then sees them.

    Args:
        conn: the connection of the session.
        keyring: the keys.
        tokens: the session's random tokens; others are made where none are given.
    """
    keyed = _Keyed(keyring)
    sealed = tokens or Tokens(conn, keyring)

    def pseudonym(values: Any, domain: Any, privacy_type: Any) -> pa.Array:
        if len(values) == 0:
            return pa.array([], type=pa.string())
        engine = keyed.get("pseudonym", _constant(domain), use="mac")
        return engine.tokens(values, privacy_type=_constant(privacy_type))

    def random_token(values: Any, domain: Any, privacy_type: Any) -> pa.Array:
        if len(values) == 0:
            return pa.array([], type=pa.string())
        return sealed.look_up(
            values, domain=_constant(domain), privacy_type=_constant(privacy_type)
        )

    def shift(person: Any, domain: Any, privacy_type: Any, days: Any) -> pa.Array:
        if len(person) == 0:
            return pa.array([], type=pa.int32())
        engine = keyed.get("perturbation", _constant(domain), use="shift")
        draw = engine.digest64(person, privacy_type=_constant(privacy_type))
        return shift_days(draw, days=_constant(days), nulls=person)

    def noise(person: Any, domain: Any, privacy_type: Any, column: Any, scale: Any) -> pa.Array:
        if len(person) == 0:
            return pa.array([], type=pa.float64())
        # A column's name may hold any character; a use may not.
        use = "noise-" + hashlib.sha256(_constant(column).encode()).hexdigest()[:16]
        engine = keyed.get("perturbation", _constant(domain), use=use)
        draw = engine.digest64(person, privacy_type=_constant(privacy_type))
        return laplace(draw, scale=_constant(scale), nulls=person)

    def networks(addresses: Any, v4: Any, v6: Any) -> pa.Array:
        if len(addresses) == 0:
            return pa.array([], type=pa.string())
        return ip_prefixes(addresses, v4=_constant(v4), v6=_constant(v6))

    text = "VARCHAR"
    _register(conn, "veil_ip_prefix", networks, [text, "INTEGER", "INTEGER"], text)
    _register(conn, "veil_pseudonym", pseudonym, [text, text, text], text)
    _register(conn, "veil_random_token", random_token, [text, text, text], text)
    _register(conn, "veil_shift_days", shift, [text, text, text, "INTEGER"], "INTEGER")
    _register(conn, "veil_noise", noise, [text, text, text, text, "DOUBLE"], "DOUBLE")


def _register(
    conn: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., pa.Array],
    parameters: list[str],
    result: str,
) -> None:
    @functools.wraps(function)  # DuckDB counts parameters by the signature
    def guarded(*arguments: Any) -> pa.Array:
        try:
            return function(*arguments)
        except VeilError as error:
            problem = str(error)
        except Exception:
            # DuckDB prints a function's exception text, and with it whatever value is quoted there.
            problem = f"{name} failed on a value; no value is shown."
        raise VeilError(remember(problem))

    conn.create_function(name, guarded, parameters, result, type="arrow", null_handling="special")
