"""The key-encryption key in AWS KMS, which never hands it out: `aws-kms:KEY[?region=REGION]`.

KMS is sent the 32 bytes of material and the SHA-256 of what they are bound to, over https alone.
Credentials come from where AWS looks for them; veil takes none and names none.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache
from typing import Any

from veil.keys.derive import MATERIAL_BYTES
from veil.keys.errors import KeyringError, ProviderError
from veil.keys.providers.extras import library
from veil.keys.providers.remote import (
    bound,
    context_digest,
    does_not_open,
    is_private_line,
    keep_quiet,
    opened,
)

CONNECT_SECONDS = 5
READ_SECONDS = 10
ATTEMPTS = 3
DELETION_DAYS = 7
"""The least that AWS allows. The key is of no use from the first of them on; until the last, an
administrator can take the deletion back."""
VERSION = b"\x01"
_CHECK_BYTES = 8
_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}"
_KEY = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_ARN = re.compile(rf"(arn:aws(?:-[a-z]+)*:kms:({_REGION}):[0-9]{{12}}:)(?:key/({_KEY})|({_ALIAS}))")
_REFERENCE = re.compile(rf"((?:{_ARN.pattern})|{_KEY}|{_ALIAS})(?:\?region=({_REGION}))?")

_DENIED = ("is denied to these credentials.", "Allow them kms:Encrypt and kms:Decrypt on this key.")
_LOGIN = ("was asked for with credentials that AWS does not accept.", "Log in to AWS again.")
_MISSING = ("is not there.", "Check the key reference, its region, and the account of the login.")
_STOPPED = (
    "is disabled, or waits for its deletion.",
    "Enable it (aws kms enable-key), or take the deletion back (aws kms cancel-key-deletion).",
)
_UNFIT = ("cannot encrypt.", "Take a symmetric key for ENCRYPT_DECRYPT.")
_SILENT = ("did not answer as it should.", "Try again; see the health of AWS KMS in this region.")
_NO_LOGIN = ("was asked for without AWS credentials.", "Log in to AWS, or give the machine a role.")
_NO_REGION = ("was asked for without a region.", "Add ?region=… to the key reference.")
_NO_LINE = ("cannot be reached.", "Check the network, proxy and region, and try again.")
_CODES = {
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    "UnrecognizedClientException": _LOGIN,
    "InvalidClientTokenId": _LOGIN,
    "ExpiredTokenException": _LOGIN,
    "ExpiredToken": _LOGIN,
    "RequestExpired": _LOGIN,
    "InvalidSignatureException": _LOGIN,
    "SignatureDoesNotMatch": _LOGIN,
    "IncompleteSignature": _LOGIN,
    "MissingAuthenticationTokenException": _LOGIN,
    "NotFoundException": _MISSING,
    "InvalidArnException": _MISSING,
    "DisabledException": _STOPPED,
    "KMSInvalidStateException": _STOPPED,
    "InvalidKeyUsageException": _UNFIT,
    "UnsupportedOperationException": _UNFIT,
    "ValidationException": _UNFIT,
}
_NOT_OPENED = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class AwsKmsProvider:
    """A symmetric key of AWS KMS.

    The wrapped form names the key by its ARN and opens with that key alone. A reference that is an
    alias is followed when wrapping; when unwrapping, it bounds region and account as far as it
    names them. `pinned` turns it into the ARN of the key, which leaves nothing open.

    Args:
        place: key id, key ARN, `alias/NAME` or alias ARN; then, if need be, `?region=REGION`.

    Raises:
        ProviderError: another form. The message does not repeat it.
    """

    def __init__(self, place: str) -> None:
        match = _REFERENCE.fullmatch(place)
        if match is None or (match[3] and match[6] not in (None, match[3])):
            raise ProviderError(
                "the key reference `aws-kms:` names no key.",
                remedy="Give a key id, an ARN or alias/NAME; add ?region=REGION to what is no ARN.",
            )
        self._key = match[1]
        self._region = match[3] or match[6]

    def __repr__(self) -> str:
        return f"AwsKmsProvider({self._short()!r}, region={self._region!r})"

    def describe(self) -> str:
        """Name the key without the account that it is in."""
        return f"AWS KMS key `{self._short()}`"

    def wrap(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Encrypt 32 bytes of material, bound to `aad`.

        Returns:
            Version, 8 bytes of a checksum, length of the ARN (2 bytes), ARN, ciphertext of KMS.
        """
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

    def pinned(self) -> str:
        """Return the reference with the key's ARN in it, having tried the key out.

        Raises:
            ProviderError: the key cannot be used.
        """
        wrapped = self.wrap(secrets.token_bytes(MATERIAL_BYTES), aad=b"")
        self.unwrap(wrapped, aad=b"")
        return f"aws-kms:{_parts(wrapped)[0]}"

    def destroy(self) -> None:
        """Have KMS delete the key in 7 days; it opens nothing from now on.

        Raises:
            ProviderError: the reference is an alias, which may have been moved to another key; the
                key has replicas in other regions; or KMS refuses.
        """
        if "alias/" in self._key:
            raise ProviderError(
                "an alias is not enough to destroy a key: it may name another one by now.",
                remedy="Give the key id or the ARN of the key.",
            )
        if "mrk-" in self._key:
            raise ProviderError(
                f"the {self.describe()} may have replicas in other regions.",
                remedy="Delete the replicas and then the key with: aws kms schedule-key-deletion",
            )
        answer = self._ask(
            "schedule_key_deletion", KeyId=self._key, PendingWindowInDays=DELETION_DAYS
        )
        if isinstance(answer, KeyringError):
            raise answer
        state = answer.get("KeyState", "PendingDeletion")
        if state != "PendingDeletion" or "DeletionDate" not in answer:
            raise self._refusal(_SILENT)

    def _encrypted(self, plaintext: bytes, *, aad: bytes) -> bytes | KeyringError:
        answer = self._ask(
            "encrypt", KeyId=self._key, Plaintext=plaintext, EncryptionContext=_context(aad)
        )
        if isinstance(answer, KeyringError):
            return answer
        arn, sealed = answer.get("KeyId"), answer.get("CiphertextBlob")
        if not isinstance(arn, str) or not isinstance(sealed, bytes) or not self._allows(arn):
            return self._refusal(_SILENT)
        name = arn.encode("ascii")
        body = len(name).to_bytes(2, "big") + name + sealed
        return VERSION + _check(body) + body

    # Returns its errors: the frame of an error that is raised here would hold the material.
    def _decrypted(self, wrapped: bytes, *, aad: bytes) -> bytes | KeyringError:
        arn, sealed = _parts(wrapped)
        if not self._allows(arn):
            return does_not_open()
        # A bare key id goes to KMS as it is, which looks for it in the caller's account alone.
        key = arn if "alias/" in self._key else self._key
        answer = self._ask(
            "decrypt", KeyId=key, CiphertextBlob=sealed, EncryptionContext=_context(aad)
        )
        if isinstance(answer, KeyringError):
            return answer
        if answer.get("KeyId") != arn:
            return does_not_open()
        return opened(answer.get("Plaintext"), aad=aad)

    def _allows(self, arn: str) -> bool:
        """Say whether `arn` is a key that the reference may mean."""
        match = _ARN.fullmatch(arn)
        if match is None or match[3] is None:
            return False
        wanted = _ARN.fullmatch(self._key)
        if wanted is not None:
            return arn == self._key if wanted[3] else match[1] == wanted[1]
        named = "alias/" in self._key or match[3] == self._key
        return named and self._region in (None, match[2])

    def _ask(self, action: str, **parameters: Any) -> dict[str, Any] | KeyringError:
        client = self._client()
        if isinstance(client, ProviderError):
            return client
        errors = library("botocore.exceptions")
        try:
            answer: dict[str, Any] = getattr(client, action)(**parameters)
            return answer
        except errors.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            return does_not_open() if code in _NOT_OPENED else self._refusal(_CODES.get(code))
        except (errors.BotoCoreError, ValueError) as error:
            return self._unreachable(error)

    def _client(self) -> Any:
        """Return the client of the region, or the error that says why there is none."""
        try:
            errors = library("botocore.exceptions")
            client = _open_client(self._region)
        except ProviderError as error:
            return error
        except (errors.BotoCoreError, errors.ClientError, ValueError) as error:
            return self._unreachable(error)
        keep_quiet("botocore")
        # AWS_ENDPOINT_URL_KMS and the like may name any address.
        if not is_private_line(client.meta.endpoint_url):
            return self._refusal(
                ("would be asked over a line that is not encrypted.", "Name an https endpoint.")
            )
        return client

    def _unreachable(self, error: Exception) -> ProviderError:
        kind = type(error).__name__
        if kind == "NoRegionError":
            return self._refusal(_NO_REGION)
        # NoCredentialsError, PartialCredentialsError, TokenRetrievalError, SSOTokenLoadError, …
        if re.search("Credential|Token|SSO|ProfileNotFound|Login", kind):
            return self._refusal(_NO_LOGIN)
        return self._refusal(_NO_LINE)

    def _refusal(self, why: tuple[str, str] | None) -> ProviderError:
        message, remedy = why or _SILENT
        return ProviderError(f"the {self.describe()} {message}", remedy=remedy)

    def _short(self) -> str:
        return self._key.rsplit(":", 1)[-1]


@lru_cache(maxsize=8)
def _open_client(region: str | None) -> Any:
    """Return the client of a region, or of the region that AWS's own configuration names.

    One a process: it holds a connection, and credentials that it renews by itself.
    """
    # Loading its description of KMS is what takes long; a session of its own, as the default one
    # is not made for threads.
    session = library("boto3").session.Session()
    config = library("botocore.config").Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return session.client("kms", region_name=region, config=config)


def _context(aad: bytes) -> dict[str, str]:
    return {"veil": context_digest(aad).hex()}


def _check(body: bytes) -> bytes:
    """Return a checksum: KMS answers «denied» to some damaged bytes, which would mislead."""
    return hashlib.sha256(body).digest()[:_CHECK_BYTES]


def _parts(wrapped: bytes) -> tuple[str, bytes]:
    """Split the wrapped form into ARN and ciphertext; an ARN of no key where it is damaged."""
    start = len(VERSION) + _CHECK_BYTES
    body = wrapped[start:]
    if wrapped[:start] != VERSION + _check(body):
        return "", b""
    end = 2 + int.from_bytes(body[:2], "big")
    return body[2:end].decode("ascii", errors="replace"), body[end:]
