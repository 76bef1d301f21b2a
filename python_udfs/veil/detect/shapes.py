"""Kinds of values that are known by how they are written."""

from __future__ import annotations

import ipaddress
import re
from datetime import date

from veil.detect.detector import Detector

# Bounded repetition everywhere: a search over a hostile cell stays linear.
EMAIL = r"[\w.+'%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
INSIDE_EMAIL = (
    r"(?<![^\s<(\[\"',;:=])[\w.+-]{3,64}@(?:[\w-]{1,63}\.){0,7}[\w-]{3,63}\.[^\W\d_]{2,24}(?![\w@])"
)
URL = r"(?:https?|ftp)://[^\s/?#]{3,255}(?:[/?#]\S{0,2000})?"
MAC = r"[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}"
PSEUDONYM = r"p1_[a-z0-9]+_[a-z2-7]{32}"
ISO_DATE = r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ]\d{1,2}:\d{2}\S{0,20})?"
OTHER_DATE = r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})"
YEARS = range(1850, 2101)
ADDRESS = re.compile(
    r"""
    \d{1,6}[a-z]?(?:-\d{1,5})?[,]?\s+\S.{1,80}          # 1808 n. mohawk street
    | \D{3,60}\s\d{1,5}\s?[a-z]?(?:,.{0,60})?            # Hauptstrasse 5a, Bonn
    | (?:p\.?\s?o\.?\s?)box\s\d{1,6}.{0,60}
    """,
    re.VERBOSE | re.IGNORECASE,
)
STREET = re.compile(
    r"""
    \b(?: st | str | street | ave | avenue | rd | road | ln | lane | dr | drive | ct | court | pl
      | place | blvd | boulevard | hwy | highway | way | ter | terrace | cir | circle | trl | pkwy
      | sq | square | rue | calle | avenida | via | viale | piazza | rua | ulica | ul | chemin
      | box )\b\.?
    | (?: stra(?:ss|ß)e | str\. | weg | gasse | platz | allee | straat | laan | gatan | vägen
      | gade | vej | katu | utca )\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
POSTCODE = re.compile(
    r"\d{3,6}(?:-\d{3,4})?|\d{3}\s\d{2}|[a-z]{1,2}\d[a-z\d]?\s?\d[a-z]{2}|[a-z]\d[a-z]\s?\d[a-z]\d"
    r"|\d{4}\s?[a-z]{2}|[a-z]{1,2}-\d{4,5}",
    re.IGNORECASE,
)
USERNAME = re.compile(r"@?(?=.*[^\W\d_])[\w][\w.\-]{1,38}")
COORDINATE = re.compile(r"[+-]?\d{1,3}\.\d{2,}")
_DIGITS = re.compile(r"\D+")


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})\Z", re.IGNORECASE)


def _is_address(value: str) -> bool:
    """An IP address, not a network and not four short numbers with dots between them."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def parse_date(value: str) -> date | None:
    """The day that a text writes, in any common order; None where it writes none."""
    found = _ISO.match(value)
    if found:
        parts = [(int(found[1]), int(found[3]), int(found[4]))]
    elif found := _OTHER.match(value):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        year += 1900 if len(found[4]) == 2 else 0
        parts = [(year, first, second), (year, second, first)]
    else:
        return None
    for year, month, day in parts:
        if year in YEARS:
            try:
                return date(year, month, day)
            except ValueError:
                continue
    return None


def is_ssn(value: str) -> bool:
    """The rules of the Social Security Administration (RM 10201.035 and 20 CFR 422).

    No area 000, 666 or 900 to 999, no group 00, no serial 0000; of all numbers of nine digits,
    89 % pass.
    """
    digits = _DIGITS.sub("", value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        len(digits) == 9
        and area not in {"000", "666"}
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
    )


def _is_latitude(value: str) -> bool:
    return abs(float(value)) <= 90


def _is_longitude(value: str) -> bool:
    return abs(float(value)) <= 180


def _has_street(value: str) -> bool:
    return STREET.search(value) is not None


_EMAIL, _URL, _MAC = _whole(EMAIL), _whole(URL), _whole(MAC)
_ISO, _OTHER, _PSEUDONYM = _whole(ISO_DATE), _whole(OTHER_DATE), _whole(PSEUDONYM)
_DASHED_SSN = re.compile(r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}")
_BARE_SSN = re.compile(r"\d{9}")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_IPV6 = re.compile(r"(?=.*:.*:)[0-9a-f:.]{3,45}", re.IGNORECASE)

SHAPES = (
    Detector("pseudonym", "shape", _PSEUDONYM.match, chance=1e-9),
    Detector("email", "shape", _EMAIL.match, chance=1e-5, inside=re.compile(INSIDE_EMAIL)),
    Detector("url", "shape", _URL.match, chance=1e-6),
    Detector("mac_address", "shape", _MAC.match, chance=1e-7),
    Detector("ip_address", "shape", _IPV4.fullmatch, _is_address),
    Detector("ip_address", "shape", _IPV6.fullmatch, _is_address, chance=1e-7),
    Detector(
        "ssn",
        "shape",
        _DASHED_SSN.fullmatch,
        is_ssn,
        chance=1e-7,
        variant="AAA-GG-SSSS",
        inside=re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
    ),
    # Nearly every number of nine digits passes: the name must say the same.
    Detector("ssn", "shape", _BARE_SSN.fullmatch, is_ssn, alone=False),
    Detector(
        "date",
        "shape",
        lambda value: _ISO.match(value) or _OTHER.match(value),
        lambda value: parse_date(value) is not None,
    ),
    Detector(
        "street_address",
        "shape",
        ADDRESS.fullmatch,
        _has_street,
        # Half of all addresses carry a word that names a street; titles of books do so too.
        chance=0.05,
        recall=False,
    ),
    # What many other things look like: their chance is near 1, and the name must say the same.
    Detector("postcode", "shape", POSTCODE.fullmatch, alone=False, recall=False),
    Detector("username", "shape", USERNAME.fullmatch, alone=False, recall=False),
    Detector("latitude", "shape", COORDINATE.fullmatch, _is_latitude, alone=False),
    Detector("longitude", "shape", COORDINATE.fullmatch, _is_longitude, alone=False),
)
