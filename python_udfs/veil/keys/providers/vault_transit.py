"""The key-encryption key in Vault or OpenBao, which never hands it out: `vault:MOUNT/KEY`.

The transit engine is sent the 32 bytes of material and the SHA-256 of what they are bound to. The
address is in VAULT_ADDR; the token in DBT_ENV_SECRET_VAULT_TOKEN, VAULT_TOKEN or ~/.vault-token.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from pathlib import Path
from typing import Any

from veil.errors import VeilError
from veil.files import read_private
from veil.keys.errors import KeyringError, ProviderError
from veil.keys.providers.extras import library
from veil.keys.providers.remote import (
    bound,
    context_digest,
    does_not_open,
    is_loopback,
    is_private_line,
    opened,
)

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
# dbt hands a variable of the first name to no model; any other name a model can print.
TOKEN_VARIABLES = ("DBT_ENV_SECRET_VAULT_TOKEN", "VAULT_TOKEN")
TOKEN_FILE = "~/.vault-token"  # noqa: S105, where it is
_TOKEN_LIMIT = 64 * 1024
_TOKEN = re.compile(r"[!-~]+")
_PART = r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,99})"
_REFERENCE = re.compile(rf"({_PART}(?:/{_PART}){{0,9}})/({_PART})")
_SEALED = re.compile(rb"vault:v[1-9][0-9]{0,8}:([A-Za-z0-9+/]+={0,2})")
# What Vault says of a ciphertext, within answers 400 and (since 1.6, for a wrong tag) 500.
_NOT_OPENED = ("invalid ciphertext", "message authentication failed", "ciphertext or signature")

_DENIED = (
    "is denied to this token.",
    "Allow it `update` on MOUNT/encrypt/KEY and MOUNT/decrypt/KEY, or log in again.",
)
_MISSING = (
    "is not there.",
    "Check mount and key, and VAULT_NAMESPACE; make it with `vault write`.",
)
_SEALED_UP = ("is out of reach: Vault is sealed or not ready.", "Unseal it, or try again later.")
_UNFIT = (
    "refuses the request.",
    "Take a key of type aes256-gcm96 or chacha20-poly1305 that is not convergent.",
)
_ELSEWHERE = ("is behind a redirection, which is not followed.", "Set VAULT_ADDR to its target.")
_BUSY = ("is out of reach: Vault answers too many requests.", "Try again later.")
_SILENT = ("did not answer as it should.", "Check VAULT_ADDR, and the log of Vault.")
_NO_LINE = ("cannot be reached.", "Check VAULT_ADDR, the network, and VAULT_CACERT.")
_KEPT = (
    "may not be deleted.",
    "Allow it first: vault write MOUNT/keys/KEY/config deletion_allowed=true",
)
_STATUS = {
    "Unauthorized": _DENIED,
    "Forbidden": _DENIED,
    "InvalidPath": _MISSING,
    "InvalidRequest": _UNFIT,
    "RateLimitExceeded": _BUSY,
    "VaultNotInitialized": _SEALED_UP,
    "VaultDown": _SEALED_UP,
}


class VaultTransitProvider:
    """A key of the transit engine.

    Args:
        place: `MOUNT/KEY`; a mount may have several parts.

    Raises:
        ProviderError: another form. The message does not repeat it.
    """

    def __init__(self, place: str) -> None:
        match = _REFERENCE.fullmatch(place)
        if match is None:
            raise ProviderError(
                "the key reference `vault:` needs a mount and a key.",
                remedy="For example vault:transit/veil",
            )
        self._mount, self._key = match.groups()

    def __repr__(self) -> str:
        return f"VaultTransitProvider('{self._mount}/{self._key}')"

    def describe(self) -> str:
        """Name mount and key."""
        return f"Vault transit key `{self._mount}/{self._key}`"

    def wrap(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Encrypt 32 bytes of material, bound to `aad`; returns Vault's text, `vault:v1:…`."""
        answer = self._encrypted(bound(plaintext, aad=aad), aad=aad)
        del plaintext
        if isinstance(answer, KeyringError):
            raise answer
        return answer

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        """Decrypt; UnwrapError for another key, other `aad`, or edited bytes."""
        answer = self._decrypted(wrapped, aad=aad)
        if isinstance(answer, KeyringError):
            raise answer
        return answer

    def destroy(self) -> None:
        """Delete the key with all its versions: whatever it wrapped is lost for good.

        Backups of Vault still hold it; that is for the operator.

        Raises:
            ProviderError: Vault refuses; a key is deleted only where its own configuration says
                `deletion_allowed`, which veil does not change.
        """
        answer = self._ask("delete_key", name=self._key)
        if isinstance(answer, KeyringError):
            raise answer

    # The next three return their errors: the frames of an error that is raised in them would hold
    # material or token, and some tools print the local variables of a traceback.

    def _encrypted(self, plaintext: bytes, *, aad: bytes) -> bytes | KeyringError:
        answer = self._ask(
            "encrypt_data",
            name=self._key,
            plaintext=base64.b64encode(plaintext).decode("ascii"),
            **_context(aad),
        )
        if isinstance(answer, KeyringError):
            return answer
        sealed = answer.get("ciphertext")
        if isinstance(sealed, str) and _is_sealed(sealed.encode()):
            return sealed.encode()
        return self._refusal(_SILENT)

    def _decrypted(self, wrapped: bytes, *, aad: bytes) -> bytes | KeyringError:
        if not _is_sealed(wrapped):
            return does_not_open()
        answer = self._ask(
            "decrypt_data", name=self._key, ciphertext=wrapped.decode("ascii"), **_context(aad)
        )
        if isinstance(answer, KeyringError):
            return answer
        try:
            plaintext = base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, TypeError, ValueError):
            return self._refusal(_SILENT)
        return opened(plaintext, aad=aad)

    def _ask(self, action: str, **parameters: str) -> dict[str, Any] | KeyringError:
        """Return the `data` of Vault's answer; empty where an answer has none."""
        try:
            hvac, requests = library("hvac"), library("requests")
            address = _address()
        except ProviderError as error:
            return error
        token = _token()
        if isinstance(token, ProviderError):
            return token
        try:
            with requests.Session() as session:
                # Without this, a proxy from the environment would read what goes to this machine.
                session.trust_env = not is_loopback(address)
                session.verify = _authorities()
                client = hvac.Client(
                    url=address,
                    token=token,
                    session=session,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    # A redirection takes the token along, to whatever host and without https.
                    allow_redirects=False,
                    namespace=os.environ.get("VAULT_NAMESPACE") or None,
                )
                answer = getattr(client.secrets.transit, action)(
                    mount_point=self._mount, **parameters
                )
        except hvac.exceptions.VaultError as error:
            return self._told_apart(action, error)
        # OSError: a file of VAULT_CACERT that is not there.
        except (requests.exceptions.RequestException, OSError, ValueError):
            return self._refusal(_NO_LINE)
        if isinstance(answer, dict) and isinstance(answer.get("data"), dict):
            data: dict[str, Any] = answer["data"]
            return data
        status = getattr(answer, "status_code", 200)
        if status == 204:
            return {}
        return self._refusal(_ELSEWHERE if 300 <= status < 400 else _SILENT)

    def _told_apart(self, action: str, error: Any) -> KeyringError:
        said = " ".join(map(str, error.errors or ())).lower()
        if action == "decrypt_data" and any(words in said for words in _NOT_OPENED):
            return does_not_open()
        if "key not found" in said:
            return self._refusal(_MISSING)
        if action == "delete_key" and "deletion is not allowed" in said:
            return self._refusal(_KEPT)
        return self._refusal(_STATUS.get(type(error).__name__, _SILENT))

    def _refusal(self, why: tuple[str, str]) -> ProviderError:
        message, remedy = why
        remedy = remedy.replace("MOUNT", self._mount).replace("KEY", self._key)
        return ProviderError(f"the {self.describe()} {message}", remedy=remedy)


def _address() -> str:
    address = os.environ.get("VAULT_ADDR", "").strip()
    if not address:
        raise ProviderError(
            "VAULT_ADDR is not set.", remedy="Set it to the https address of Vault."
        )
    if not is_private_line(address):
        raise ProviderError(
            "VAULT_ADDR is no https address, or holds a password.",
            remedy="Token and keys would travel in clear. http is for this machine alone:"
            " 127.0.0.1, localhost.",
        )
    return address


def _token() -> str | ProviderError:
    """Return the token, or the error that says why there is none."""
    text = next(filter(None, (os.environ.get(name, "").strip() for name in TOKEN_VARIABLES)), "")
    if not text:
        try:
            path = Path(TOKEN_FILE).expanduser()
            text = read_private(path, limit=_TOKEN_LIMIT).decode("ascii", errors="replace").strip()
        except (VeilError, RuntimeError):
            return ProviderError(
                f"there is no token for Vault, or {TOKEN_FILE} is open to others.",
                remedy=f"Log in with `vault login`, or set {TOKEN_VARIABLES[0]}; chmod 600"
                f" {TOKEN_FILE}",
            )
    if not _TOKEN.fullmatch(text):
        return ProviderError(
            "the token for Vault is malformed.", remedy="Log in again with `vault login`."
        )
    return text


def _authorities() -> str | bool:
    """Return the certificates that Vault's is checked with; the check itself is never off."""
    return os.environ.get("VAULT_CACERT") or os.environ.get("VAULT_CAPATH") or True


def _context(aad: bytes) -> dict[str, str]:
    """Return the additional data; a derived key takes it as its context, another ignores that."""
    digest = base64.b64encode(context_digest(aad)).decode("ascii")
    return {"associated_data": digest, "context": digest}


def _is_sealed(text: bytes) -> bool:
    """Say whether this is a ciphertext of Vault in the one spelling that base64 should have.

    Vault takes several: the last character may carry unused bits.
    """
    match = _SEALED.fullmatch(text)
    if match is None:
        return False
    try:
        return base64.b64encode(base64.b64decode(match[1], validate=True)) == match[1]
    except binascii.Error:
        return False
