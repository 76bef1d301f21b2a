"""The key-encryption key in the environment: `env:DBT_ENV_SECRET_NAME`."""

from __future__ import annotations

import os
import re
from typing import NoReturn

from veil.keys.errors import ProviderError
from veil.keys.providers.static import StaticKek, parse_hex_or_base64

PREFIX = "DBT_ENV_SECRET_"
_NAME = re.compile(PREFIX + r"[A-Z0-9_]+")


class EnvProvider(StaticKek):
    """A key-encryption key in a variable that dbt refuses to hand to a model.

    Args:
        name: begins with `DBT_ENV_SECRET_`; dbt gives any other variable to whoever asks for it
            with `env_var()` and writes its value into the manifest.

    Raises:
        ProviderError: another name. The message does not repeat it: it may be a key, pasted in
            the wrong place.
    """

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ProviderError(
                "the key reference `env:` names a variable that dbt does not keep secret.",
                remedy=f"Use a name that begins with {PREFIX}, in capitals, digits and `_`.",
            )
        self._name = name

    def __repr__(self) -> str:
        return f"EnvProvider({self._name!r})"

    def describe(self) -> str:
        """Say where the key is, never what it is."""
        return f"environment variable `{self._name}`"

    def destroy(self) -> NoReturn:
        """Refuse: a process cannot reach the place its environment came from."""
        raise ProviderError(
            f"veil cannot destroy the key in {self.describe()}.",
            remedy="Delete it in the secret store that sets the variable.",
        )

    def _kek(self) -> bytes:
        text = os.environ.get(self._name, "").strip()
        if not text:
            raise ProviderError(
                f"the key-encryption key is missing: {self.describe()} is not set.",
                remedy="Set it to 32 random bytes in hexadecimal (openssl rand -hex 32).",
            )
        return parse_hex_or_base64(text, where=self.describe())
