"""What a column's name says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from veil.detect.vocabulary import (
    CLASS_OF,
    DIRECT,
    HINTS,
    NON_SENSITIVE,
    NUMBER_WORDS,
    ORGANISATION,
    PERSON,
    QUASI,
    THING,
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[^\W_]+")
_NAME_OF_A_THING = frozenset("file table product item street city company column brand".split())


@dataclass(frozen=True)
class Hint:
    """What a name hints at.

    Attributes:
        privacy_type: a word of the vocabulary, or one made after the column (`chart_number`).
        privacy_class: the class that goes with it.
        weight: how much the name alone is worth, between 0 and 1.
    """

    privacy_type: str
    privacy_class: str
    weight: float


def words(name: str) -> tuple[str, ...]:
    """The words of a column name: `dateOfBirth`, `date_of_birth` and `Date of birth` are alike."""
    return tuple(_WORDS.findall(_CAMEL.sub(" ", name).casefold()))


@cache
def _phrases() -> list[tuple[tuple[str, ...], str]]:
    found = [
        (tuple(phrase.split()), name)
        for name, phrases in HINTS.items()
        for phrase in phrases.split("|")
    ]
    return sorted(found, key=lambda pair: (-len(pair[0]), -sum(map(len, pair[0]))))


def hint(name: str) -> Hint | None:
    """What a column's name hints at; None where it says nothing."""
    parts = words(name)
    exact = "_".join(parts)
    if exact in CLASS_OF:
        return Hint(exact, CLASS_OF[exact], 0.8)
    number = _number(parts)
    for phrase, privacy_type in _phrases():
        size = len(phrase)
        # `dateofbirth` is `date of birth`; a single word is only ever a whole word.
        joined = size > 1 and "".join(phrase) in parts
        at = next((i for i in range(len(parts) - size + 1) if parts[i : i + size] == phrase), None)
        if at is None and not joined:
            continue
        # A long phrase says more than `_id` at the end, and that more than a single word before it.
        if number is not None and size == 1 and parts != phrase:
            return number
        where = len(parts) - size if at is None else at
        # The last word is what the column holds: `birth_year` is a year, `phone_type` a type.
        last = joined or where + size == len(parts)
        return Hint(privacy_type, CLASS_OF[privacy_type], 0.8 if last else 0.6)
    if number is not None:
        return number
    if parts and parts[-1] == "name" and not _NAME_OF_A_THING & set(parts):
        return Hint("person_name", DIRECT, 0.5)
    if len(parts) > 1 and parts[-1] in {"at", "ts", "time"}:
        return Hint("timestamp", QUASI, 0.6)
    if len(parts) > 1 and parts[-1] == "on":
        return Hint("date", QUASI, 0.6)
    return None


def _number(parts: tuple[str, ...]) -> Hint | None:
    """A register number: whose it is says the word before."""
    if not parts or parts[-1] not in NUMBER_WORDS:
        return None
    entity = [part for part in parts[:-1] if part not in NUMBER_WORDS]
    ending = "number" if parts[-1] in {"no", "nr", "num", "number"} else "id"
    if not entity:
        return Hint("record_id", DIRECT, 0.5)
    label = f"{'_'.join(entity)}_{ending}"
    if PERSON & set(entity):
        return Hint("person_id" if ending == "id" else label, DIRECT, 0.8)
    if THING & set(entity):
        return Hint(label, NON_SENSITIVE, 0.5)
    if ORGANISATION & set(entity):
        return Hint(label, QUASI, 0.7)
    return Hint(label, DIRECT, 0.6)
