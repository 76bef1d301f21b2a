"""Key wrapping: 32 bytes of material under a key-encryption key, bound to the entry it is for.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. A keyring wraps a few keys in its life,
far below the 2^32 messages that random nonces allow under one key.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from veil.keys.derive import MATERIAL_BYTES
from veil.keys.encoding import encode_fields
from veil.keys.errors import KeyringError, UnwrapError

KEK_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
VERSION = b"\x01"
WRAPPED_BYTES = len(VERSION) + NONCE_BYTES + MATERIAL_BYTES + TAG_BYTES
_LABEL = b"veil-entry-v1"


def binding(
    *, keyring_id: str, kid: str, purpose: str, domain: str, alg: str, created: str
) -> bytes:
    """Return the additional data of an entry: what must never change while its key lives.

    Wrapped material opens only with the same six fields, so it cannot be moved to another entry,
    purpose, algorithm or keyring. Status and dates change and stand under the file MAC instead.
    """
    return encode_fields(_LABEL, (keyring_id, kid, purpose, domain, alg, created))


def wrap(kek: bytes, material: bytes, *, aad: bytes) -> bytes:
    """Encrypt 32 bytes of material; returns version, nonce, ciphertext and tag (61 bytes).

    Raises:
        KeyringError: key or material has the wrong length.
    """
    _check_length(len(kek))
    if len(material) != MATERIAL_BYTES:
        raise KeyringError(f"key material is not {MATERIAL_BYTES} bytes long.")
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + AESGCM(kek).encrypt(nonce, material, aad)


def unwrap(kek: bytes, wrapped: bytes, *, aad: bytes) -> bytes:
    """Decrypt what `wrap` returned.

    Raises:
        UnwrapError: another key, other additional data, or edited bytes.
        KeyringError: the key has the wrong length.
    """
    _check_length(len(kek))
    if len(wrapped) != WRAPPED_BYTES or not wrapped.startswith(VERSION):
        raise UnwrapError(
            "wrapped key material has an unknown form.",
            remedy="Restore the keyring from a backup, or use the veil version that wrote it.",
        )
    nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
    try:
        return AESGCM(kek).decrypt(nonce, sealed, aad)
    except InvalidTag:
        del kek  # a traceback may show local variables
        raise UnwrapError(
            "wrapped key material does not open: the key-encryption key is another one, "
            "or the entry was edited.",
            remedy="Give the key-encryption key that the keyring was made with, or restore the "
            "keyring from a backup.",
        ) from None


def _check_length(length: int) -> None:
    if length != KEK_BYTES:
        raise KeyringError(f"the key-encryption key is not {KEK_BYTES} bytes long.")
