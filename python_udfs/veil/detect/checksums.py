"""Kinds of values that carry check digits: cards, bank accounts, national ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from veil.detect.detector import Detector
from veil.detect.extras import library
from veil.luhn import luhn

_SEPARATORS = re.compile(r"[\s.\-]+")
CARD = r"(?:\d[ -]?){12,18}\d"
IBAN = r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}"

# First digits and lengths by network (ISO/IEC 7812-1; the networks' own published ranges).
CARD_RANGES = (
    (re.compile(r"4"), {13, 16, 19}),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"6011|64[4-9]|65|622"), {16, 17, 18, 19}),
    (re.compile(r"30[0-5]|309|3[689]"), {14, 16, 19}),
    (re.compile(r"35(?:2[89]|[3-8])"), {16, 17, 18, 19}),
)

NATIONAL_IDS = {
    # module of python-stdnum: how long it is and what of, without blanks, dots and dashes
    "at.vnr": r"\d{10}",
    "be.nn": r"\d{11}",
    "bg.egn": r"\d{10}",
    "br.cpf": r"\d{11}",
    "ca.sin": r"\d{9}",
    "ch.ssn": r"\d{13}",
    "cz.rc": r"\d{9,10}|\d{6}/\d{3,4}",
    "de.idnr": r"\d{11}",
    "dk.cpr": r"\d{10}",
    "ee.ik": r"\d{11}",
    "es.dni": r"\d{8}[A-Z]",
    "es.nie": r"[A-Z]\d{7}[A-Z]",
    "fi.hetu": r"\d{6}[+\-ABCDEFUVWXY]?\d{3}[0-9A-Y]",
    "fr.nir": r"\d{5}(?:\d{2}|\d[AB])\d{8}",
    "gb.nhs": r"\d{10}",
    "in_.aadhaar": r"\d{12}",
    "it.codicefiscale": r"[A-Z]{6}[0-9A-Z]{2}[A-Z][0-9A-Z]{2}[A-Z][0-9A-Z]{3}[A-Z]",
    "kr.rrn": r"\d{13}",
    "mx.curp": r"[A-Z]{4}\d{6}[A-Z]{6}[0-9A-Z]\d",
    "nl.bsn": r"\d{9}",
    "no.fodselsnummer": r"\d{11}",
    "pl.pesel": r"\d{11}",
    "pt.cc": r"\d{9}[0-9A-Z]{2}\d",
    "ro.cnp": r"\d{13}",
    "se.personnummer": r"(?:\d{2})?\d{6}[-+]?\d{4}",
    "tr.tckimlik": r"\d{11}",
    "us.itin": r"\d{9}",
    "za.idnr": r"\d{13}",
}

WITHOUT_CHECK = {"cz.rc", "dk.cpr", "us.itin"}
"""Of these some or all carry a date or a range and no check digit: the name must say the same."""


def is_card(value: str) -> bool:
    """A number in a network's range, of its length, with the check digit; not one digit only."""
    digits = _SEPARATORS.sub("", value)
    return (
        digits.isascii()
        and digits.isdigit()
        and len(set(digits)) > 1
        and any(len(digits) in sizes and start.match(digits) for start, sizes in CARD_RANGES)
        and luhn(digits)
    )


def _valid(module: Any) -> Callable[[str], bool]:
    def accepts(value: str) -> bool:
        try:
            return bool(module.is_valid(value))
        except Exception:
            # Some modules stumble over numbers of the right length (a KeyError, an IndexError).
            return False

    return accepts


def _written(pattern: str) -> Callable[[str], object]:
    form = re.compile(rf"(?:{pattern})\Z", re.IGNORECASE | re.ASCII)

    def fits(value: str) -> object:
        if len(value) > 30:
            return None
        return form.match(value) or form.match(_SEPARATORS.sub("", value))

    return fits


def checksum_detectors() -> tuple[Detector, ...]:
    """Cards, bank accounts and national ids.

    Raises:
        VeilError: where python-stdnum is not installed.
    """
    found = [
        Detector(
            "credit_card",
            "checksum",
            re.compile(CARD).fullmatch,
            is_card,
            inside=re.compile(rf"(?<![\w.-]){CARD}(?![\w-])"),
        ),
        Detector(
            "iban",
            "checksum",
            re.compile(IBAN, re.IGNORECASE).fullmatch,
            _valid(library("stdnum.iban")),
            inside=re.compile(rf"(?<!\w){IBAN}(?!\w)"),
        ),
    ]
    for name, pattern in NATIONAL_IDS.items():
        found.append(
            Detector(
                "national_id",
                "checksum",
                _written(pattern),
                _valid(library(f"stdnum.{name}")),
                alone=name not in WITHOUT_CHECK,
                recall=False,
                variant=name.replace("_", ""),
            )
        )
    return tuple(found)
