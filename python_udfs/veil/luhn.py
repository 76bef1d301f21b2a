"""The check digit of card numbers and many national ids."""

from __future__ import annotations


def luhn(digits: str) -> bool:
    """The check of ISO/IEC 7812-1, annex B; one random number in ten passes."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
