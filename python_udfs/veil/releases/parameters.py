"""Reads single parameters of a mart's YAML, and collects all that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, TypeVar

from veil.differential.exact import read_delta, read_number, read_positive
from veil.errors import VeilError
from veil.policy.graph import PARAMETERS, PREFIX

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
DECLARE_IT = "Declare it; it is never guessed from the data."
# Two keys this alike are one key and a slip of the finger: `pre_treshold`, `bin`.
_ALIKE = 0.82


@dataclass(frozen=True, slots=True)
class Place:
    """Where parameters stand: a model, or one of its columns.

    Attributes:
        title: of the place, for the messages.
        meta: its keys and values; one without a value counts as absent.
        found: what is wrong, in every place of the mart; a reader adds to it and goes on.
    """

    title: str
    meta: Mapping[str, Any]
    found: list[VeilError]

    def refuse(self, says: str, *, remedy: str) -> None:
        """Say what is wrong here; `says` goes on from the title and has no full stop."""
        self.found.append(VeilError(f"{self.title} {says}.", remedy=remedy))

    def take(self, read: Callable[[], T]) -> T | None:
        """What `read` gives; nothing, and its refusal on the list, where it refuses."""
        try:
            return read()
        except VeilError as error:
            self.found.append(VeilError(f"{self.title}: {error.message}", remedy=error.remedy))
            return None

    def has(self, key: str) -> bool:
        """Whether a parameter has a value."""
        return self.meta.get(key) is not None

    def given(self, keys: frozenset[str]) -> list[str]:
        """Which of some parameters have a value."""
        return sorted(key for key in keys if self.has(key))

    def needs(self, key: str, *, remedy: str = DECLARE_IT) -> bool:
        """Whether a parameter has a value; refused where it has none."""
        if not self.has(key):
            self.refuse(f"has no `{key}`", remedy=remedy)
        return self.has(key)

    def number(self, key: str) -> Fraction | None:
        """A number, exactly as written."""
        return self.take(lambda: read_number(self.meta[key], name=key))

    def positive(self, key: str) -> Fraction | None:
        """A number above 0, exactly as written."""
        return self.take(lambda: read_positive(self.meta[key], name=key))

    def share(self, key: str) -> Fraction | None:
        """A number above 0 and below 1, exactly as written."""
        return self.take(lambda: read_delta(self.meta[key], name=key))

    def whole(self, key: str, *, least: int) -> int | None:
        """A whole number; neither `true`, nor 4.0, nor a text."""
        value = self.meta[key]
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.refuse(f"has a `{key}` that is no whole number from {least}", remedy=DECLARE_IT)
        return None

    def name(self, key: str) -> str | None:
        """The plain name of a column."""
        value = self.meta[key]
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
        self.refuse(
            f"has a `{key}` that is no name of a column",
            remedy="Write the column's name alone: letters, digits and `_`.",
        )
        return None


def refuse_misspelt(place: Place, *metas: Mapping[str, Any] | None) -> None:
    """Refuse a key that is almost a parameter: what is misspelt would silently not be there."""
    for key in sorted({str(key) for meta in metas for key in meta or {}}):
        if key in PARAMETERS or key.startswith(PREFIX):
            continue
        for near in get_close_matches(key, sorted(PARAMETERS), n=1, cutoff=_ALIKE):
            place.refuse(
                f"has the unknown key `{key}`",
                remedy=f"If it is to be `{near}`, write it so; else give it a name less alike.",
            )
