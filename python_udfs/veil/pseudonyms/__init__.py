"""Keyed pseudonyms: normalise a value, take its MAC, write it as a pseudonym."""

from __future__ import annotations

from veil.pseudonyms.mac import Pseudonymiser
from veil.pseudonyms.normalise import normaliser_for
from veil.pseudonyms.token import Token

__all__ = ["Pseudonymiser", "Token", "normaliser_for"]
