"""The written form of a pseudonym: `p1_<kid>_<payload>`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from veil.errors import VeilError

FORMAT = "p1"
"""Format version; it stands in the pseudonym and in the MAC input."""

PAYLOAD_BYTES = 20
PAYLOAD_CHARS = 32

_KID = re.compile(r"k[a-z2-7]{7}")
_PAYLOAD = re.compile(r"[a-z2-7]{32}")


def is_kid(value: object) -> bool:
    """Say whether `value` is a key id: `k` and seven characters of lower-case base32."""
    return isinstance(value, str) and _KID.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Token:
    """A pseudonym taken apart.

    Args:
        kid: id of the key that made it.
        payload: 32 characters of lower-case base32 (RFC 4648, section 6): 20 bytes, no padding.

    Raises:
        VeilError: a part is malformed.
    """

    kid: str
    payload: str

    def __post_init__(self) -> None:
        if not is_kid(self.kid) or _PAYLOAD.fullmatch(self.payload) is None:
            raise VeilError("a pseudonym is malformed.", remedy="Its form is p1_<kid>_<payload>.")

    @classmethod
    def parse(cls, text: str) -> Token:
        """Read a pseudonym.

        >>> Token.parse("p1_kabcdefg_" + "a" * 32).kid
        'kabcdefg'

        Raises:
            VeilError: `text` is anything else, be it by case, length, padding or white space.
        """
        parts = text.split("_") if isinstance(text, str) else []
        if len(parts) != 3 or parts[0] != FORMAT:
            raise VeilError("a pseudonym is malformed.", remedy="Its form is p1_<kid>_<payload>.")
        return cls(kid=parts[1], payload=parts[2])

    def __str__(self) -> str:
        return f"{FORMAT}_{self.kid}_{self.payload}"
