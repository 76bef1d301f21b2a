"""Exact numbers: read as they are written, stored as `p/q`, shown rounded to the safe side.

A budget that is added up in binary fractions is not the budget that was declared: ten times 0.1
gives 0.9999999999999999, and an eleventh charge passes. Here every number is a `Fraction`.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from veil.errors import VeilError

_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_RATIO = re.compile(r"[+-]?\d+/\d+", re.ASCII)
_STORED = re.compile(r"\d+/\d+", re.ASCII)
# A declared number is short; a stored one holds a float's exact value, at most 650 digits a side.
_DECLARED_LENGTH = 100
_STORED_LENGTH = 3000


def read_number(value: object, *, name: str) -> Fraction:
    """A declared number, exactly as the decimal or ratio that is written.

    YAML hands over a float for `0.1`; it is read by its shortest decimal, so that it is 1/10 and
    not the binary fraction beside it. A decimal with more than 17 digits must be quoted in YAML,
    because the float that YAML makes of it has already lost the rest. YAML's `1e-6` is a string,
    and is read too.

    Args:
        value: an int, a float, or a string such as "0.1", "1e-6" or "1/3".
        name: name of the parameter, for the message.

    Raises:
        VeilError: not a number, not finite, or written in another way; the message names the
            parameter and not the value.
    """
    text = ""
    if isinstance(value, float) and math.isfinite(value):
        text = float.__repr__(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return Fraction(int(value))
    elif isinstance(value, str) and len(value) <= _DECLARED_LENGTH:
        text = value
    if _DECIMAL.fullmatch(text):
        return Fraction(text)
    if _RATIO.fullmatch(text) and int(text.rpartition("/")[2]) != 0:
        return Fraction(text)
    raise VeilError(
        f"`{name}` is not a finite number.",
        remedy='Write a decimal such as 0.5 or 1e-6, or a ratio in quotes such as "1/3".',
    )


def read_positive(value: object, *, name: str) -> Fraction:
    """A declared number above 0; otherwise as `read_number`."""
    found = read_number(value, name=name)
    if found <= 0:
        raise VeilError(
            f"`{name}` is not above 0.",
            remedy="Declare a number above 0, or leave the parameter out where it is optional.",
        )
    return found


def read_delta(value: object, *, name: str = "delta") -> Fraction:
    """A declared probability, strictly between 0 and 1; otherwise as `read_number`."""
    found = read_positive(value, name=name)
    if found >= 1:
        raise VeilError(
            f"`{name}` is not below 1.",
            remedy="Declare a probability far below one in the number of people."
            if name.endswith("delta")
            else "Declare a number between 0 and 1, such as 0.95.",
        )
    return found


def exact_text(value: Fraction) -> str:
    """`p/q` in lowest terms, for a ledger's row of one charge.

    A long sum of unlike charges can outgrow what Python prints; sum the rows again instead.
    """
    return f"{value.numerator}/{value.denominator}"


def from_exact_text(text: str) -> Fraction:
    """What `exact_text` wrote.

    Raises:
        VeilError: anything else, also a ratio that is not in lowest terms.
    """
    if len(text) <= _STORED_LENGTH and _STORED.fullmatch(text):
        above, _, below = text.partition("/")
        if int(below) != 0 and exact_text(Fraction(int(above), int(below))) == text:
            return Fraction(int(above), int(below))
    raise VeilError(
        "a stored charge is not an exact ratio in lowest terms.",
        remedy="The ledger was changed by other hands; restore it from a copy.",
    )


def _rounded(value: Fraction, *, digits: int, rounding: str) -> Decimal:
    context = Context(prec=digits, rounding=rounding)
    found = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    return found.normalize(context)


def _shown(value: Decimal) -> str:
    # As long as it stays readable without an exponent.
    return f"{value:f}" if value.adjusted() >= -6 else str(value).lower()


def rounded_up(value: Fraction, *, digits: int) -> Fraction:
    """The smallest decimal of so many significant digits that is not below the value."""
    return Fraction(_rounded(value, digits=digits, rounding=ROUND_CEILING))


def shown_up(value: Fraction, *, digits: int = 6) -> str:
    """What was spent, never shown as less than it is.

    >>> shown_up(Fraction(1, 3), digits=3)
    '0.334'
    """
    return _shown(_rounded(value, digits=digits, rounding=ROUND_CEILING))


def shown_down(value: Fraction, *, digits: int = 6) -> str:
    """What is left, never shown as more than it is.

    >>> shown_down(Fraction(2, 3), digits=3)
    '0.666'
    """
    return _shown(_rounded(value, digits=digits, rounding=ROUND_FLOOR))
