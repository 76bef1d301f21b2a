"""The masks as declassifiers: the class that each leaves, as data, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from veil.lineage.classes import PrivacyClass

_C = PrivacyClass
_DIRECT, _SENSITIVE = _C.DIRECT_IDENTIFIER, _C.SENSITIVE
_QUASI, _PSEUDONYM = _C.QUASI_IDENTIFIER, _C.PSEUDONYM


@dataclass(frozen=True, slots=True)
class Declassifier:
    """What a mask makes of a class; a class that `leaves` does not name stays as it is."""

    leaves: Mapping[PrivacyClass, PrivacyClass]
    reason: str


_TO_PSEUDONYM = {_QUASI: _PSEUDONYM, _SENSITIVE: _PSEUDONYM, _DIRECT: _PSEUDONYM}

MASKS: dict[str, Declassifier] = {
    "pseudonym": Declassifier(_TO_PSEUDONYM, "a keyed code: links, and does not name"),
    "random_token": Declassifier(_TO_PSEUDONYM, "a code from a vault: links, and does not name"),
    "encrypt": Declassifier(
        _TO_PSEUDONYM, "reversible with the key, so no better than a pseudonym"
    ),
    "drop": Declassifier(dict.fromkeys(_C, _C.NON_SENSITIVE), "nothing is left"),
    "constant": Declassifier(
        {_DIRECT: _QUASI, _SENSITIVE: _QUASI}, "tells only that there was a value"
    ),
    "redact": Declassifier(
        {_DIRECT: _QUASI, _SENSITIVE: _QUASI}, "tells only that there was a value"
    ),
    "partial": Declassifier({_DIRECT: _QUASI}, "a few characters, shared by many"),
    "email_domain": Declassifier({_DIRECT: _QUASI}, "a domain that many addresses share"),
    "ip_prefix": Declassifier({_DIRECT: _QUASI}, "a network, not an address"),
    "postcode_prefix": Declassifier({_DIRECT: _QUASI}, "an area of many people"),
    "generalize": Declassifier(
        {_DIRECT: _QUASI, _SENSITIVE: _QUASI}, "a group of a reviewed hierarchy"
    ),
    "bucket": Declassifier({_SENSITIVE: _QUASI}, "a band between declared edges"),
    "age_band": Declassifier({_SENSITIVE: _QUASI}, "a band of years"),
    "truncate_date": Declassifier({_SENSITIVE: _QUASI}, "a period, not a day"),
    "shift_date": Declassifier({}, "still a date of the person, moved"),
    "round_to": Declassifier({}, "still the value, less exact"),
    "top_code": Declassifier({}, "still the value, but for the largest"),
    "bottom_code": Declassifier({}, "still the value, but for the smallest"),
    "noise": Declassifier({}, "still close to the value"),
    "keep": Declassifier({}, "the value itself"),
}

KEYED_FUNCTIONS: dict[str, PrivacyClass | None] = {
    # What the plugin's functions leave of a direct identifier; None: the person only seeds a draw.
    "veil_pseudonym": _PSEUDONYM,
    "veil_random_token": _PSEUDONYM,
    "veil_ip_prefix": _QUASI,
    "veil_shift_days": None,
    "veil_noise": None,
}


def left_by(mask: str, found: PrivacyClass) -> PrivacyClass:
    """The class that a mask leaves of a class; an unknown mask leaves it as it is."""
    declassifier = MASKS.get(mask)
    return declassifier.leaves.get(found, found) if declassifier else found
