"""The optional libraries of the providers, and what to say where they are absent."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from veil.keys.errors import ProviderError

EXTRAS = {
    "boto3": "aws",
    "botocore": "aws",
    "hvac": "vault",
    "requests": "vault",
    "keyring": "os-keyring",
}
"""The extra of `dbt-veil` that brings each library."""


def library(module: str) -> Any:
    """Import a module of one of `EXTRAS`; it has no types that mypy could follow.

    Raises:
        ProviderError: the library is not installed.
    """
    name = module.split(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError:
        failure = ProviderError(
            f"this key provider needs the library {name}.",
            remedy=f"Run: pip install 'dbt-veil[{EXTRAS[name]}]'",
        )
    raise failure
