"""The types that a field of an audit entry can have: each so narrow that no value fits into it.

A kind is a name and a test. There is no kind for free text, and none that a person's name, address
or pseudonym would pass: a number with letters missing, a sentence, or a token of `veil.pseudonyms`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from math import gcd

from veil.keys.names import is_name

WHOLE_LIMIT = 2**53 - 1
"""The largest whole number that every JSON reader takes exactly (RFC 8785, section 3.2.2.3)."""

LIST_LIMIT = 256
"""Keys that one entry can name."""

_PSEUDONYM = re.compile(r"p\d+_k[a-z2-7]{7}_[a-z2-7]{32}")
_NAME = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_.-]{1,200}")
_NODE = re.compile(
    r"(?:model|seed|snapshot|source|test|unit_test|function|operation|exposure)(?:\.[A-Za-z0-9_-]+)+"
)
_NODE_LIMIT = 300
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_COUNT = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)
_FRACTION = re.compile(r"(0|[1-9]\d{0,39})/([1-9]\d{0,39})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kind:
    """What fits into a field: `name` for messages and documentation, `fits` for values."""

    name: str
    fits: Callable[[object], bool]


def spelled(name: str, pattern: str) -> Kind:
    """A text of one spelling, given as an anchored regular expression over ASCII."""
    found = re.compile(pattern, re.ASCII)
    return Kind(name, lambda value: isinstance(value, str) and found.fullmatch(value) is not None)


def one_of(name: str, words: Iterable[str]) -> Kind:
    """One word of a fixed list."""
    allowed = frozenset(words)
    return Kind(name, lambda value: isinstance(value, str) and value in allowed)


def many(kind: Kind) -> Kind:
    """A list of distinct values of one kind, at most `LIST_LIMIT`."""

    def fits(value: object) -> bool:
        return (
            isinstance(value, list)
            and len(value) <= LIST_LIMIT
            and all(kind.fits(one) for one in value)
            and len(set(value)) == len(value)
        )

    return Kind(f"list of {kind.name}", fits)


def counts(name: str, words: Iterable[str]) -> Kind:
    """A whole number for each of some words of a fixed list."""
    allowed = frozenset(words)

    def fits(value: object) -> bool:
        return (
            isinstance(value, dict)
            and value.keys() <= allowed
            and all(WHOLE.fits(number) for number in value.values())
        )

    return Kind(name, fits)


def is_moment(value: object) -> bool:
    """Say whether `value` is a UTC second, `2026-11-21T08:00:00Z`."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None and _exists(value[:-1])


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_whole(value: object) -> bool:
    # `True` is an int to Python and not to JSON.
    return type(value) is int and 0 <= value <= WHOLE_LIMIT


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and _NAME.fullmatch(value) is not None
        and _PSEUDONYM.search(value) is None
    )


def _is_node(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= _NODE_LIMIT
        and _NODE.fullmatch(value) is not None
        and _PSEUDONYM.search(value) is None
    )


def _is_word(value: object) -> bool:
    return isinstance(value, str) and is_name(value) and _PSEUDONYM.search(value) is None


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_period(value: object) -> bool:
    """`once`, a month, a day, or a number that a person raises."""
    if not isinstance(value, str):
        return False
    return (
        value == "once"
        or _COUNT.fullmatch(value) is not None
        or _is_date(value)
        or _is_date(f"{value}-01")
    )


def _is_fraction(value: object) -> bool:
    found = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    # One number has one spelling: lowest terms, and zero is 0/1.
    return found is not None and gcd(int(found[1]), int(found[2])) == 1


DIGEST = spelled("SHA-256 in hexadecimal", r"[0-9a-f]{64}")
EVENT_ID = spelled("random event id", r"[0-9a-f]{32}")
RELEASE_ID = spelled("release id", r"[0-9a-f]{16}")
INVOCATION = spelled("dbt invocation id", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COMMIT = spelled("git commit", r"[0-9a-f]{40}|[0-9a-f]{64}")
VERSION = spelled("version", r"\d{1,6}(\.\d{1,6}){1,3}((a|b|rc|\.dev|\.post)\d{1,6})*")
KID = spelled("key id", r"k[a-z2-7]{7}")
NAME = Kind("name", _is_name)
NODE = Kind("dbt unique id", _is_node)
WORD = Kind("word", _is_word)
DATE = Kind("date", _is_date)
PERIOD = Kind("release period", _is_period)
WHOLE = Kind("whole number", _is_whole)
FRACTION = Kind("exact fraction", _is_fraction)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
