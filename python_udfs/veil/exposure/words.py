"""How pictures are put into words: names in code, classes as a person says them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_LASTING = re.compile(r"(\d+)\s*(day|week|month|year)s?", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
RANKS = ("non_sensitive", "quasi_identifier", "sensitive", "pseudonym", "direct_identifier")
"""Privacy classes, the least telling first; a column without one counts as all of them."""
LAYERS = ("raw", "pseudonymized", "intermediate", "mart", "outside")
WORDS = frozenset((*RANKS, *LAYERS))
LONGEST = 120
"""Characters of a name that are shown."""


def code(name: str) -> str:
    """A name in backticks; the characters that would end them are left out."""
    return f"`{' '.join(name.replace('`', '').split())[:LONGEST]}`"


def codes(names: Iterable[str]) -> str:
    return ", ".join(code(one) for one in names)


def kind(word: str) -> str:
    """A class or layer as a person says it; another word of the YAML is quoted."""
    if not word:
        return "no class"
    return word.replace("_", " ") if word in WORDS else code(word)


def rank(word: str) -> int:
    """How much a class tells; what has none may tell everything."""
    return RANKS.index(word) if word in RANKS else len(RANKS)


def is_personal(word: str) -> bool:
    return rank(word) > 0


def plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def made_of(column: Mapping[str, Any]) -> str:
    """What a published column is made of, in words."""
    parts = []
    for key, how in (("shown", "made of"), ("counted", "aggregated from")):
        sources = column.get(key) or {}
        if sources:
            named = (f"{code(name)} ({kind(word)})" for name, word in sources.items())
            parts.append(f"{how} {', '.join(named)}")
    if not parts and "reach" in column:
        return "nobody's data" if column["reach"] == "public" else "a number of rows"
    return "; ".join(parts) or "nobody can say: it could not be followed"


def days(retention: str) -> int | None:
    """A retention such as `2 years` in days; None for what is no such text."""
    found = _LASTING.fullmatch(retention.strip())
    return int(found[1]) * _DAYS[found[2].lower()] if found else None


def title_of(node: Mapping[str, Any]) -> str:
    """What a node is called in a sentence."""
    word = "pseudonymized model" if node["layer"] == "pseudonymized" else node["kind"]
    return f"{'mart' if node['layer'] == 'mart' else word} {code(node['name'])}"


def place_of(node: Mapping[str, Any]) -> dict[str, str]:
    """Where a change of a node is shown."""
    return {"model": node["name"], "audience": node.get("audience", ""), "file": node["file"]}
