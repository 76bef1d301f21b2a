"""Names of people, after the lists by country that `Faker` carries.

The lists (about 31,000 given and 30,000 family names) have no common scale of frequency, so they
are used as a set. Ordinary words stand in them too (April, White, Hill): 11 % of a list of 971
frequent English words do. `CHANCE` is above that, and states (Georgia, Virginia) stay below what
counts as names.
"""

from __future__ import annotations

import re
from functools import cache
from pkgutil import iter_modules
from typing import Any

from veil.detect.detector import Detector
from veil.detect.extras import library

CHANCE = 0.15
"""Share of ordinary words that stand in the lists, rounded up."""
_LISTS = ("first_name", "last_name", "first_romanized", "last_romanized")
_NAME = re.compile(r"(?:[^\W\d_]|[ .,'\u2019-]){2,60}")
_PARTS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_TITLES = frozenset(
    "mr mrs ms miss dr prof sir jr sr ii iii iv van von de der da di la le y e".split()
)


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    package = library("faker.providers.person")
    given: set[str] = set()
    family: set[str] = set()
    for found in iter_modules(package.__path__):
        provider = library(f"faker.providers.person.{found.name}").Provider
        for attribute in dir(provider):
            if attribute.startswith(_LISTS):
                names: Any = getattr(provider, attribute)
                if isinstance(names, (tuple, list, dict)):
                    kept = family if attribute.startswith("last") else given
                    for name in names:
                        kept.update(_PARTS.findall(str(name).casefold()))
    return frozenset(given), frozenset(family)


def is_name(value: str) -> bool:
    """One to four words, all but one of them known names; of two and more, a given name too."""
    given, family = _names()
    parts = [part for part in _PARTS.findall(value.casefold()) if part not in _TITLES]
    parts = [part for part in parts if len(part) > 1] or parts
    if not 1 <= len(parts) <= 4:
        return False
    known = [part in given or part in family for part in parts]
    if len(parts) == 1:
        return known[0]
    return sum(known) >= max(2, len(parts) - 1) and any(part in given for part in parts)


def person_detectors() -> tuple[Detector, ...]:
    """Names of people.

    Raises:
        VeilError: where Faker is not installed.
    """
    _names()
    return (
        Detector("person_name", "shape", _NAME.fullmatch, is_name, chance=CHANCE, recall=False),
    )
