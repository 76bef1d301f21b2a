"""Sub-keys: no purpose, domain or use ever sees the key of another, nor the material itself."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from veil.keys.encoding import encode_fields
from veil.keys.errors import KeyringError
from veil.keys.names import is_domain, is_name

MATERIAL_BYTES = 32
_LABEL = b"veil-derive-v1"


def derive(material: bytes, *, purpose: str, domain: str, use: str) -> bytes:
    """Derive the 32-byte sub-key of `material` for one purpose, domain and use.

    HKDF-SHA256 (RFC 5869) without salt, which the RFC allows for uniformly random material; info
    is the versioned, length-prefixed list (purpose, domain, use).

    Raises:
        KeyringError: the material is not 32 bytes long, or a name is malformed.
    """
    if not (is_name(purpose) and is_domain(domain) and is_name(use)):
        del material  # a traceback may show local variables
        raise KeyringError("a sub-key's purpose, domain or use is malformed.")
    if len(material) != MATERIAL_BYTES:
        raise KeyringError(f"key material is not {MATERIAL_BYTES} bytes long.")
    info = encode_fields(_LABEL, (purpose, domain, use))
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(material)
