"""Telephone numbers, after the numbering plans in `phonenumbers`."""

from __future__ import annotations

import re
from collections.abc import Callable

from veil.detect.detector import Detector
from veil.detect.extras import library
from veil.detect.shapes import parse_date

REGIONS = ("US", "GB", "FR", "ES", "NL", "BR", "IN", "IT", "DE")
"""Plans that a number without a country code is read in. The share of random numbers that a plan
takes is measured, so that a loose one (Germany: three in four) says little by itself."""
INTERNATIONAL = r"\+\d(?:[ .()/-]{0,2}\d){6,14}"
_INTERNATIONAL = re.compile(INTERNATIONAL)
_NATIONAL = re.compile(r"[(]?\d(?:[ .()/-]{0,2}\d){6,13}")
_DECIMAL = re.compile(r"\d+\.\d+")
_BARE = re.compile(r"\d{7,14}")


def _fits(value: str) -> bool:
    return (
        _NATIONAL.fullmatch(value) is not None
        and not value.isdigit()
        and _DECIMAL.fullmatch(value) is None
        and parse_date(value) is None
    )


def phone_detectors() -> tuple[Detector, ...]:
    """Numbers with a country code, and numbers as written inside each of `REGIONS`.

    Raises:
        VeilError: where phonenumbers is not installed.
    """
    plans = library("phonenumbers")

    def valid(region: str | None) -> Callable[[str], bool]:
        def accepts(value: str) -> bool:
            try:
                return bool(plans.is_valid_number(plans.parse(value, region)))
            except plans.NumberParseException:
                return False

        return accepts

    return (
        Detector(
            "phone",
            "shape",
            _INTERNATIONAL.fullmatch,
            valid(None),
            chance=1e-6,
            variant="international",
            inside=re.compile(rf"(?<![\w+]){INTERNATIONAL}(?!\w)"),
        ),
        *(
            Detector(
                "phone",
                "shape",
                fits,
                valid(region),
                # Test and invented numbers are in no plan.
                recall=False,
                # Counters and seconds since 1970 are in a plan too: digits alone need the name.
                alone=alone,
                variant=region,
            )
            for region in REGIONS
            for fits, alone in ((_fits, True), (_BARE.fullmatch, False))
        ),
    )
