"""Texts that look like a real person's: found by shape and checksum, made-up ones left alone.

What counts as made up: domains of RFC 2606 and RFC 6761; SSNs that are never issued (area 000, 666
or 9xx, group 00, serial 0000: 20 CFR 422.103); telephone numbers kept for fiction (555-0100 to
555-0199; Ofcom's 01632 960 and 07700 900); addresses that are not global (RFC 5737 and 3849 among
them); card numbers and IBANs that issuers and ISO 13616 publish for tests.
"""

from __future__ import annotations

import ipaddress
import re

from veil.luhn import luhn

_EMAIL = re.compile(r"[\w.+%-]+@([\w-]+(?:\.[\w-]+)+)")
_MADE_UP_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|net|org)|example|test|invalid|localhost)", re.IGNORECASE
)
_SSN = re.compile(r"(?<![\d-])(\d{3})([- ])(\d{2})\2(\d{4})(?![\d-])")
_NINE = re.compile(r"\s*(\d{3})(\d{2})(\d{4})\s*")
_CARD = re.compile(r"(?<![\d.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_NANP = re.compile(
    r"(?<![\d.-])(?:\+?1[-. ])?\(?([2-9]\d{2})\)?[-. ] ?([2-9]\d{2})[-. ](\d{4})(?!\d)"
)
_INTERNATIONAL = re.compile(r"(?<![\w+])\+(\d[\d ().-]{6,18}\d)(?!\d)")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:+){3,7}[0-9A-Fa-f]{1,4}(?![\w:])")
_SSN_KEY = re.compile(r"ssn|social_?sec", re.IGNORECASE)
_TEST_CARDS = frozenset(
    """
    4242424242424242 4111111111111111 4012888888881881 4000056655665556 5555555555554444
    5105105105105100 5200828282828210 378282246310005 371449635398431 6011111111111117
    6011000990139424 3530111333300000 30569309025904 38520000023237 2223003122003222
    """.split()
)
_TEST_IBANS = frozenset(
    """
    GB82WEST12345698765432 GB29NWBK60161331926819 DE89370400440532013000
    FR1420041010050500013M02606 NL91ABNA0417164300 ES9121000418450200051332
    CH9300762011623852957 BE68539007547034 IT60X0542811101000000123456
    """.split()
)


def personal_kind(value: object, *, key: str = "") -> str | None:
    """What kind of personal value a literal looks like; None for what is none or is made up.

    Args:
        value: a text or a number; anything else is none.
        key: the name that it stands under, which tells an SSN from any nine digits.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    if any(not _MADE_UP_DOMAIN.fullmatch(domain) for domain in _EMAIL.findall(text)):
        return "an e-mail address"
    plain = _NINE.fullmatch(text) if _SSN_KEY.search(key) else None
    ssns = [(one[0], one[2], one[3]) for one in _SSN.findall(text)]
    if any(_is_issued(*parts) for parts in [*ssns, *([plain.groups()] if plain else [])]):
        return "a social security number"
    if any(_is_iban(found[0]) for found in _IBAN.finditer(text)):
        return "a bank account number"
    if any(_is_card(found) for found in _CARD.findall(text)):
        return "a card number"
    if any(_is_address(one) for one in (*_IPV4.findall(text), *_IPV6.findall(text))):
        return "an IP address"
    if _has_phone(text):
        return "a telephone number"
    return None


def _is_issued(area: str, group: str, serial: str) -> bool:
    return area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"


def _is_card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return digits not in _TEST_CARDS and 13 <= len(digits) <= 19 and luhn(digits)


def _is_iban(text: str) -> bool:
    code = text.replace(" ", "")
    if code in _TEST_IBANS or not 15 <= len(code) <= 34:
        return False
    moved = code[4:] + code[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast


def _has_phone(text: str) -> bool:
    for area, exchange, line in _NANP.findall(text):
        if not (exchange == "555" and line.startswith("01")) and area[1:] != "11":
            return True
    for found in _INTERNATIONAL.findall(text):
        digits = re.sub(r"\D", "", found)
        fiction = digits.startswith(("441632960", "447700900")) or (
            re.fullmatch(r"1\d{3}55501\d\d", digits) is not None
        )
        if 8 <= len(digits) <= 15 and not fiction:
            return True
    return False
