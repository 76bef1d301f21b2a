"""What providers share that ask a service: what is sent, over which line, what is logged."""

from __future__ import annotations

import hashlib
import hmac
import logging
from urllib.parse import urlsplit

from veil.keys.derive import MATERIAL_BYTES
from veil.keys.errors import KeyringError, UnwrapError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def context_digest(aad: bytes) -> bytes:
    """Return what stands for `aad` (SHA-256, 32 bytes) in a service and so in the service's log."""
    return hashlib.sha256(aad).digest()


def bound(material: bytes, *, aad: bytes) -> bytes:
    """Return what the service encrypts: the digest of `aad`, then the 32 bytes of material.

    The service is given the digest as additional data too. Not every one heeds it: older Vaults
    and stand-ins for KMS take the parameter and ignore it.

    Raises:
        KeyringError: the material has the wrong length.
    """
    if len(material) != MATERIAL_BYTES:
        raise KeyringError(f"key material is not {MATERIAL_BYTES} bytes long.")
    return context_digest(aad) + material


def opened(plaintext: object, *, aad: bytes) -> bytes | UnwrapError:
    """Take the material out of what `bound` made; the error comes back instead of being raised."""
    digest = context_digest(aad)
    if (
        isinstance(plaintext, bytes)
        and len(plaintext) == len(digest) + MATERIAL_BYTES
        and hmac.compare_digest(plaintext[: len(digest)], digest)
    ):
        return plaintext[len(digest) :]
    return does_not_open()


def does_not_open() -> UnwrapError:
    """The error for another key, other additional data, or edited bytes."""
    return UnwrapError(
        "wrapped key material does not open: the key-encryption key is another one, "
        "or the entry was edited.",
        remedy="Give the key-encryption key that the keyring was made with, or restore the "
        "keyring from a backup.",
    )


def is_private_line(address: str) -> bool:
    """Say whether an address is https, or does not leave this machine, and holds no password."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(address))


def is_loopback(address: str) -> bool:
    """Say whether an address names this machine by one of its three usual names."""
    return urlsplit(address).hostname in _LOOPBACK


def keep_quiet(name: str) -> None:
    """Stop the loggers of a library at INFO: at DEBUG they write what was sent and answered.

    For good, not for one call: another thread may be in the middle of one.
    """
    for known, logger in list(logging.root.manager.loggerDict.items()):
        if not isinstance(logger, logging.Logger) or not known.startswith(name + "."):
            continue
        if logging.NOTSET < logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
    top = logging.getLogger(name)
    if top.getEffectiveLevel() < logging.INFO:
        top.setLevel(logging.INFO)
