"""What a column's values look like as a whole: numbers, dates, a few words, long texts."""

from __future__ import annotations

import re

from veil.detect.hints import Hint
from veil.detect.samples import ColumnSample
from veil.detect.shapes import parse_date

_NUMBER = re.compile(r"[-+]?\d{1,18}(?:[.,]\d{1,12})?(?:e[-+]?\d{1,3})?", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d")
_CODE_OF_DISEASE = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
"""ICD-10 and ICD-10-CM."""
_TRUTH = frozenset("0 1 true false yes no y n t f".split())
LOOKED_AT = 1000
FEW_WORDS = 50
LONG = 40


def _share(column: ColumnSample, pattern: re.Pattern[str]) -> float:
    values = column.values[:LOOKED_AT]
    return sum(pattern.fullmatch(value) is not None for value in values) / len(values)


def _is_between(column: ColumnSample, least: float, most: float) -> bool:
    try:
        return all(least <= float(value) <= most for value in column.values[:LOOKED_AT])
    except ValueError:
        return False


def agreement(column: ColumnSample, said: Hint) -> float:
    """How sure name and values are together, for types that no detector knows; 0 without both."""
    if not column.values or not _agrees(column, said.privacy_type):
        return 0.0
    # Codes of diseases and the numbers of persons are told by name and values together; an age or
    # an amount could be anybody's.
    return 0.95 if said.privacy_type in {"diagnosis", "person_id"} else 0.85


def _agrees(column: ColumnSample, kind: str) -> bool:
    if kind == "age":
        return _is_between(column, 0, 125)
    if kind in {"year", "birth_year"}:
        return _share(column, _YEAR) > 0.95
    if kind in {"amount", "measurement"}:
        return _share(column, _NUMBER) > 0.95
    if kind in {"sex", "race", "marital_status", "religion"}:
        return len(column.values) <= FEW_WORDS
    if kind == "diagnosis":
        return _share(column, _CODE_OF_DISEASE) > 0.8
    if kind in {"date", "event_date", "timestamp"}:
        return all(parse_date(value) is not None for value in column.values[:LOOKED_AT])
    if kind == "person_id" or kind.endswith("_number"):
        return column.filled >= 20 and len(column.values) * 10 >= column.filled
    return False


def fallback(column: ColumnSample) -> tuple[str, float]:
    """Type and confidence where neither a name nor a rule speaks; the cautious guess."""
    if not column.values:
        return "category", 0.0
    if {value.casefold() for value in column.values} <= _TRUTH:
        return "flag", 0.4
    if all(parse_date(value) is not None for value in column.values[:LOOKED_AT]):
        return "date", 0.6
    if _share(column, _YEAR) == 1:
        return "year", 0.5
    if _share(column, _NUMBER) > 0.95:
        return "number", 0.3
    mean = sum(map(len, column.values)) / len(column.values)
    spaced = sum(" " in value for value in column.values) * 2 > len(column.values)
    if mean >= LONG and spaced and len(column.values) > FEW_WORDS:
        return "free_text", 0.4
    return "category", 0.3
