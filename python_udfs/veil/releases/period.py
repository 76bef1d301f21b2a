"""`privacy_release_period`: how long a stored release is replayed before a new one is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from veil.errors import VeilError

_WORDS = ("once", "day", "month")
_FORMATS = {"day": "%Y-%m-%d", "month": "%Y-%m"}
# As the audit record writes it: at most six digits, none of them a leading zero.
_NUMBER = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """Decides when a release is drawn again; the clock or a person does, never the data.

    Attributes:
        text: `once`, `day`, `month`, or a whole number in digits, which a person raises.
    """

    text: str

    @classmethod
    def read(cls, value: object) -> Self:
        """What the YAML declares; nothing means `once`.

        Raises:
            VeilError: another word, or no whole number from 0 to 999999.
        """
        text = "once" if value is None else value
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text)
        if isinstance(text, str) and (text in _WORDS or _NUMBER.fullmatch(text)):
            return cls(text)
        raise VeilError(
            "`privacy_release_period` is no known period.",
            remedy="Use `once`, `day`, `month`, or a whole number from 0 to 999999.",
        )

    @property
    def follows_the_clock(self) -> bool:
        """Whether time alone makes a new release of it."""
        return self.text in _FORMATS

    def at(self, moment: datetime) -> str:
        """The period that holds a moment, by the calendar in UTC; as the audit record writes it.

        >>> Period("month").at(datetime(2026, 11, 21, tzinfo=UTC))
        '2026-11'

        Raises:
            VeilError: the moment has no time zone.
        """
        if moment.tzinfo is None:
            raise VeilError("a period is found from a moment with a time zone.")
        if self.follows_the_clock:
            return moment.astimezone(UTC).strftime(_FORMATS[self.text])
        return self.text
