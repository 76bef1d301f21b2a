"""What the tests of the keyring share: a provider in memory, and ways to edit a file."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from veil.keys import KeyEntry, Keyring, ProviderError
from veil.keys.document import Document
from veil.keys.providers.static import StaticKek

REF = "env:DBT_ENV_SECRET_TEST_KEK"


class Vault:
    """Opens providers that keep their keys in this object; counts what is unwrapped.

    Set `reachable` to False to let every provider fail like a service behind a cut network.
    """

    def __init__(self) -> None:
        self.keks: dict[str, bytes] = {}
        self.unwrapped = 0
        self.reachable = True

    def __call__(self, ref: str) -> MemoryProvider:
        self.keks.setdefault(ref, secrets.token_bytes(32))
        return MemoryProvider(self, ref)


class MemoryProvider(StaticKek):
    """A key-encryption key in memory."""

    def __init__(self, vault: Vault, ref: str) -> None:
        self._vault, self._ref = vault, ref

    def _kek(self) -> bytes:
        if not self._vault.reachable:
            raise ProviderError("the test provider cannot be reached.")
        return self._vault.keks[self._ref]

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        self._vault.unwrapped += 1
        return super().unwrap(wrapped, aad=aad)

    def describe(self) -> str:
        return "memory"

    def destroy(self) -> None:
        del self._vault.keks[self._ref]


def new_ring(folder: Path, *purposes: tuple[str, str]) -> tuple[Keyring, Vault, Path]:
    """Make a keyring of the given (purpose, domain) pairs in `folder`."""
    vault, path = Vault(), folder / "keyring.json"
    ring = Keyring.create(path, kek_ref=REF, purposes=purposes, providers=vault)
    return ring, vault, path


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit the file as an attacker would: well formed, in veil's spelling, without the MAC key."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2) + "\n")


def skip_the_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the file MAC off, to show what it alone stops."""
    monkeypatch.setattr(Document, "verify", lambda self, mac_key: None)


def skip_the_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrap and unwrap without additional data, to show what the binding alone stops."""
    nothing = lambda keyring_id, entry: b""  # noqa: E731
    monkeypatch.setattr("veil.keys.making.entry_binding", nothing)


def only(ring: Keyring, purpose: str, domain: str = "*") -> KeyEntry:
    """Return the one entry of (purpose, domain)."""
    (found,) = [e for e in ring.entries if (e.purpose, e.domain) == (purpose, domain)]
    return found


def row(value: dict[str, Any], kid: str) -> dict[str, Any]:
    """Return the JSON form of an entry within an edited file."""
    return next(entry for entry in value["entries"] if entry["kid"] == kid)


def spellings(secret: bytes) -> list[str]:
    """Return the texts in which a secret would show in a message, a `repr` or a file."""
    return [
        secret.hex(),
        secret.hex().upper(),
        base64.b64encode(secret).decode().rstrip("="),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
        repr(secret)[2:-1],
        repr(list(secret))[1:-1],
    ]
