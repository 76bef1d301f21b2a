"""The optional libraries of the scanner, and what to say where they are absent."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from veil.errors import VeilError

LIBRARIES = {"phonenumbers": "phonenumbers", "stdnum": "python-stdnum", "faker": "Faker"}
"""What each holds: numbering plans, check digits of national ids, lists of names by country."""


def library(module: str) -> ModuleType:
    """A module of one of `LIBRARIES`.

    Raises:
        VeilError: where the library is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        name = LIBRARIES.get(module.split(".")[0], module)
        raise VeilError(
            f"`veil scan` needs the library {name}.",
            remedy='Run `pip install "dbt-veil[scan]"`.',
        ) from None


def require_all() -> None:
    """Import them all, so that a scan stops at its beginning and not in its middle."""
    for module in LIBRARIES:
        library(module)
