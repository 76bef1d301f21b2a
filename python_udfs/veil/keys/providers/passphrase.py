"""A key-encryption key derived from a passphrase: `passphrase:DBT_ENV_SECRET_NAME?salt=…&…`.

Argon2id (RFC 9106) over a passphrase in the environment. Salt and cost stand in the reference, and
so in the keyring: whoever reads it can guess passphrases, each at the price of one derivation.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from veil.keys.envelope import KEK_BYTES
from veil.keys.errors import ProviderError
from veil.keys.providers.env import PREFIX
from veil.keys.providers.static import StaticKek

# RFC 9106, section 4, second recommended option; nothing weaker is taken.
LEAST_MEMORY = 64
LEAST_TIME = 3
DEFAULT_LANES = 4
# Above these a reference in an edited keyring would hold a machine up rather than protect a key.
MOST_MEMORY = 4096
MOST_TIME = 64
MOST_LANES = 64
LEAST_CHARACTERS = 20
SALT_BYTES = 16
_LEAST_DISTINCT = 10
# 16 random bytes have fewer than 8 distinct values about once in 10^11 salts.
_LEAST_DISTINCT_SALT = 8
_LEAST_STEPS = 6
_PURPOSE = b"veil-passphrase-v1"
_NAME = re.compile(PREFIX + r"[A-Z0-9_]+")
_REFERENCE = re.compile(
    rf"({_NAME.pattern})\?salt=((?:[0-9a-f]{{2}}){{{SALT_BYTES},64}})"
    r"&memory=([1-9][0-9]{0,5})&time=([1-9][0-9]{0,5})&lanes=([1-9][0-9]{0,5})"
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one guess costs: `memory` in MiB, `time` in passes over it, `lanes` in parallel."""

    memory: int = LEAST_MEMORY
    time: int = LEAST_TIME
    lanes: int = DEFAULT_LANES


def new_reference(variable: str, *, cost: Cost | None = None) -> str:
    """Return a reference with a new random salt.

    Args:
        variable: the environment variable of the passphrase; begins with `DBT_ENV_SECRET_`.
        cost: of one derivation; the least that is taken when not given.

    Raises:
        ProviderError: another name, or a cost that is refused. The name is not repeated.
    """
    cost = cost or Cost()
    rest = (
        f"{variable}?salt={secrets.token_hex(SALT_BYTES)}"
        f"&memory={cost.memory}&time={cost.time}&lanes={cost.lanes}"
    )
    PassphraseProvider(rest)
    return f"passphrase:{rest}"


def argon2id(
    password: bytes,
    *,
    salt: bytes,
    memory_kib: int,
    time: int,
    lanes: int,
    length: int = KEK_BYTES,
    ad: bytes | None = None,
    secret: bytes | None = None,
) -> bytes:
    """Return `length` bytes of Argon2id, RFC 9106; memory in KiB as there."""
    kdf = Argon2id(
        salt=salt,
        length=length,
        iterations=time,
        lanes=lanes,
        memory_cost=memory_kib,
        ad=ad,
        secret=secret,
    )
    return kdf.derive(password)


class DerivedKeys:
    """Keys derived in this process, so that a build pays for one derivation and not for each use.

    A key is found again by a MAC, under a key of this process, over salt, cost and passphrase: a
    passphrase that changes in the environment is derived anew. `repr` shows nothing.
    """

    __slots__ = ("_keys", "_lock", "_mac_key")

    def __init__(self) -> None:
        self._keys: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._mac_key = secrets.token_bytes(32)

    def get(self, text: bytes, passphrase: bytes, derive: Callable[[], bytes]) -> bytes:
        """Return the key of (text, passphrase), which `derive` makes the first time."""
        size = len(text).to_bytes(4, "big")
        tag = hmac.digest(self._mac_key, size + text + passphrase, "sha256")
        # Within the lock: threads that begin together would each take the memory.
        with self._lock:
            if tag not in self._keys:
                self._keys[tag] = derive()
            return self._keys[tag]

    def clear(self) -> None:
        """Forget every key."""
        with self._lock:
            self._keys.clear()


DERIVED = DerivedKeys()


class PassphraseProvider(StaticKek):
    """A key-encryption key derived from the passphrase in a variable.

    The provider holds no key; the process keeps the derived one, see `DerivedKeys`.

    Args:
        place: `NAME?salt=HEX&memory=MIB&time=PASSES&lanes=N`, in this order; see `new_reference`.

    Raises:
        ProviderError: another form, a salt that is not random, or a cost below 64 MiB and 3
            passes, or above 4096 MiB, 64 passes and 64 lanes. The reference is not repeated.
    """

    def __init__(self, place: str) -> None:
        match = _REFERENCE.fullmatch(place)
        if match is None:
            raise ProviderError(
                "the key reference `passphrase:` is malformed, or has no salt.",
                remedy=f"`veil init --provider passphrase:{PREFIX}NAME` makes a whole one, with a"
                " random salt. The name is in capitals, digits and `_`.",
            )
        name, salt, memory, time, lanes = match.groups()
        self._name = name
        self._salt = bytes.fromhex(salt)
        self._cost = Cost(memory=int(memory), time=int(time), lanes=int(lanes))
        _check_cost(self._cost)
        if len(set(self._salt)) < _LEAST_DISTINCT_SALT:
            raise ProviderError(
                "the salt of the key reference `passphrase:` is not random.",
                remedy="Make one with: openssl rand -hex 16",
            )

    def __repr__(self) -> str:
        return f"PassphraseProvider({self._name!r}, {self._cost})"

    def describe(self) -> str:
        """Say where the passphrase is, never what it is."""
        return f"passphrase in environment variable `{self._name}`"

    def destroy(self) -> NoReturn:
        """Refuse: a process cannot reach the place its environment came from, nor a memory."""
        raise ProviderError(
            f"veil cannot destroy the {self.describe()}.",
            remedy="Delete it in the secret store that sets the variable, and wherever it is"
            " written down.",
        )

    def _kek(self) -> bytes:
        passphrase = self._passphrase()
        cost = self._cost

        def derive() -> bytes:
            return argon2id(
                passphrase,
                salt=self._salt,
                memory_kib=cost.memory * 1024,
                time=cost.time,
                lanes=cost.lanes,
                ad=_PURPOSE,
            )

        try:
            return DERIVED.get(repr((self._salt, cost)).encode(), passphrase, derive)
        except MemoryError:
            raise ProviderError(
                f"there is not enough memory to derive a key: {cost.memory} MiB are needed.",
                remedy="Allow the process more memory.",
            ) from None
        except UnsupportedAlgorithm:
            raise ProviderError(
                "this build of `cryptography` has no Argon2id.",
                remedy="Install it from its wheel, or build it with OpenSSL 3.2 or later.",
            ) from None

    def _passphrase(self) -> bytes:
        text = os.environ.get(self._name, "").strip()
        if not text:
            raise ProviderError(
                f"the {self.describe()} is not set.",
                remedy="Set it to a passphrase from a generator (openssl rand -base64 24).",
            )
        try:
            # One spelling of accented letters, whichever keyboard they came from.
            passphrase = unicodedata.normalize("NFC", text).encode("utf-8")
        except UnicodeEncodeError:
            raise ProviderError(f"the {self.describe()} is not UTF-8 text.") from None
        if _is_weak(text):
            raise ProviderError(
                f"the {self.describe()} is too easy to guess.",
                remedy=f"Take at least {LEAST_CHARACTERS} characters that do not repeat, from a"
                " generator (openssl rand -base64 24) or as seven drawn words.",
            )
        return passphrase


def _check_cost(cost: Cost) -> None:
    if (
        not LEAST_MEMORY <= cost.memory <= MOST_MEMORY
        or not LEAST_TIME <= cost.time <= MOST_TIME
        or not 1 <= cost.lanes <= MOST_LANES
    ):
        raise ProviderError(
            "the cost in the key reference `passphrase:` is too low or too high.",
            remedy=f"memory is {LEAST_MEMORY} to {MOST_MEMORY} (MiB), time {LEAST_TIME} to"
            f" {MOST_TIME}, lanes 1 to {MOST_LANES}.",
        )


def _is_weak(text: str) -> bool:
    """Say whether a text is short, or long by repeating or counting only.

    This refuses placeholders and typing exercises. No program can tell how a passphrase was chosen.
    """
    # What does not repeat: the shortest beginning that, said over and over, gives the text.
    period = next(
        size for size in range(1, len(text) + 1) if text[size:] == text[: len(text) - size]
    )
    steps = {ord(right) - ord(left) for left, right in pairwise(text)}
    return (
        period < LEAST_CHARACTERS or len(set(text)) < _LEAST_DISTINCT or len(steps) < _LEAST_STEPS
    )
