"""The provider for AWS KMS: moto encrypts, a stub says what moto never does."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber
from keys_support import spellings
from moto import mock_aws

from provider_cases import AAD, MATERIAL, flips, keyring_lives, opens_only_as_wrapped, shown_by
from veil.keys import ProviderError, UnwrapError, open_provider
from veil.keys.providers import aws_kms
from veil.keys.providers.first_use import prepare
from veil.keys.providers.remote import bound

REGION = "eu-central-1"
SECRET = "awsSecretThatNobodyMaySee0123456789abcdef"
ACCOUNT = "111122223333"
ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{ID}"
CONTEXT = {"veil": hashlib.sha256(AAD).hexdigest()}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Credentials that no account has, and none but them; one attempt in place of three."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(aws_kms, "ATTEMPTS", 1)
    # Taken here, as `stub` puts a plain function in the place of the cached one.
    clear = aws_kms._open_client.cache_clear
    clear()
    yield
    clear()


@pytest.fixture
def kms() -> Iterator[Any]:
    """A client of moto's KMS, which encrypts with AES-GCM and heeds the context."""
    with mock_aws():
        yield boto3.client("kms", region_name=REGION)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A KMS that answers what the test says, and checks what it is sent."""
    client = boto3.client("kms", region_name=REGION)
    monkeypatch.setattr(aws_kms, "_open_client", lambda region: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def new_key(kms: Any) -> str:
    """Make a key; returns its ARN."""
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


def sealed_by_stub(stub: Stubber, arn: str = ARN) -> bytes:
    """Wrap with a KMS that returns the ciphertext `sealed`."""
    stub.add_response("encrypt", {"KeyId": arn, "CiphertextBlob": b"sealed"})
    return open_provider(f"aws-kms:{arn}").wrap(MATERIAL, aad=AAD)


def test_it_opens_what_it_wrapped_and_nothing_else(kms: Any) -> None:
    """Other additional data, cut and prolonged blobs are refused."""
    arn = new_key(kms)
    wrapped = opens_only_as_wrapped(open_provider(f"aws-kms:{arn}"))

    assert arn.encode() in wrapped


def test_a_key_is_named_in_four_ways(kms: Any) -> None:
    """Id and alias with their region, or the two ARNs; each opens what the others wrapped."""
    arn = new_key(kms)
    key_id = arn.rsplit("/", 1)[1]
    kms.create_alias(AliasName="alias/veil", TargetKeyId=key_id)
    alias_arn = arn.replace(f"key/{key_id}", "alias/veil")
    refs = [arn, key_id, "alias/veil", alias_arn, f"{key_id}?region={REGION}",
            f"alias/veil?region={REGION}", f"{arn}?region={REGION}"]  # fmt: skip
    wrapped = [open_provider(f"aws-kms:{ref}").wrap(MATERIAL, aad=AAD) for ref in refs]

    for ref in refs:
        for each in wrapped:
            assert open_provider(f"aws-kms:{ref}").unwrap(each, aad=AAD) == MATERIAL


def test_every_changed_byte_is_refused_without_asking(stub: Stubber) -> None:
    """The stub answers nothing: a damaged entry is not mistaken for one that is denied."""
    wrapped = sealed_by_stub(stub)
    for changed in flips(wrapped):
        with pytest.raises(UnwrapError):
            open_provider(f"aws-kms:{ARN}").unwrap(changed, aad=AAD)

    assert len(wrapped) > 90


def test_every_byte_of_the_ciphertext_is_authenticated(kms: Any) -> None:
    """Also where an attacker mends the checksum; moto's own first 36 bytes name the key."""
    provider = open_provider(f"aws-kms:{new_key(kms)}")
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    start = 11 + int.from_bytes(wrapped[9:11], "big")
    for changed in list(flips(wrapped))[2 * (start + 36) :]:
        body = changed[9:]
        mended = b"\x01" + hashlib.sha256(body).digest()[:8] + body

        with pytest.raises(UnwrapError):
            provider.unwrap(mended, aad=AAD)


def test_another_key_of_the_same_account_does_not_open_it(kms: Any) -> None:
    """Also where the credentials may use both."""
    first, second = new_key(kms), new_key(kms)
    wrapped = open_provider(f"aws-kms:{first}").wrap(MATERIAL, aad=AAD)
    for ref in (second, second.rsplit("/", 1)[1], first.replace("123456789012", "210987654321")):
        with pytest.raises(UnwrapError):
            open_provider(f"aws-kms:{ref}").unwrap(wrapped, aad=AAD)


def test_an_alias_that_was_moved_still_opens_what_it_wrapped(kms: Any) -> None:
    """The ARN stands in the wrapped form; what is new goes under the new key."""
    first, second = new_key(kms), new_key(kms)
    kms.create_alias(AliasName="alias/veil", TargetKeyId=first)
    provider = open_provider("aws-kms:alias/veil")
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    kms.update_alias(AliasName="alias/veil", TargetKeyId=second)

    assert provider.unwrap(wrapped, aad=AAD) == MATERIAL
    assert second.encode() in provider.wrap(MATERIAL, aad=AAD)


def test_an_alias_does_not_open_what_is_under_another_account_or_region(stub: Stubber) -> None:
    """An attacker's entry under a key of his own is not sent to KMS at all."""
    wrapped = sealed_by_stub(stub, ARN.replace(ACCOUNT, "999999999999"))
    for ref in (f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/veil", "alias/veil?region=us-east-1"):
        with pytest.raises(UnwrapError):
            open_provider(f"aws-kms:{ref}").unwrap(wrapped, aad=AAD)


def test_init_pins_an_alias_to_the_arn_of_its_key(kms: Any) -> None:
    """What stands in the keyring then means one key for good."""
    arn = new_key(kms)
    kms.create_alias(AliasName="alias/veil", TargetKeyId=arn)

    assert prepare(f"aws-kms:alias/veil?region={REGION}").ref == f"aws-kms:{arn}"


def test_kms_is_sent_key_and_digest(stub: Stubber) -> None:
    """Key pinned on both ways; its log holds a digest in place of domain and keyring id."""
    sent = {"KeyId": ARN, "EncryptionContext": CONTEXT}
    plaintext = bound(MATERIAL, aad=AAD)
    stub.add_response(
        "encrypt", {"KeyId": ARN, "CiphertextBlob": b"c"}, {**sent, "Plaintext": plaintext}
    )
    stub.add_response(
        "decrypt", {"KeyId": ARN, "Plaintext": plaintext}, {**sent, "CiphertextBlob": b"c"}
    )
    provider = open_provider(f"aws-kms:{ARN}")

    assert provider.unwrap(provider.wrap(MATERIAL, aad=AAD), aad=AAD) == MATERIAL


@pytest.mark.parametrize("answer", [
    {"KeyId": ARN, "Plaintext": bound(MATERIAL, aad=b"another entry")},
    {"KeyId": ARN.replace("0f1e", "ffff"), "Plaintext": bound(MATERIAL, aad=AAD)},
    {"KeyId": ARN, "Plaintext": MATERIAL},
    {"KeyId": ARN, "Plaintext": b""},
    {"KeyId": ARN},
    {"Plaintext": bound(MATERIAL, aad=AAD)},
], ids=["context ignored", "another key", "unbound", "empty", "nothing", "no key"])  # fmt: skip
def test_a_kms_that_is_lax_does_not_loosen_the_binding(stub: Stubber, answer: Any) -> None:
    """Stand-ins for KMS ignore the context or the key they are asked for."""
    wrapped = sealed_by_stub(stub)
    stub.add_response("decrypt", answer)

    with pytest.raises(UnwrapError):
        open_provider(f"aws-kms:{ARN}").unwrap(wrapped, aad=AAD)


@pytest.mark.parametrize("answer", [
    {"KeyId": ARN.replace("0f1e", "ffff"), "CiphertextBlob": b"c"}, {"KeyId": ARN},
    {"KeyId": "key", "CiphertextBlob": b"c"}, {"CiphertextBlob": b"c"},
])  # fmt: skip
def test_a_kms_that_encrypts_under_another_key_is_refused(stub: Stubber, answer: Any) -> None:
    """Nothing is kept that the reference would not open."""
    stub.add_response("encrypt", answer)

    with pytest.raises(ProviderError, match="did not answer as it should"):
        open_provider(f"aws-kms:{ARN}").wrap(MATERIAL, aad=AAD)


@pytest.mark.parametrize(("code", "error", "says"), [
    ("AccessDeniedException", ProviderError, "denied to these credentials"),
    ("ExpiredTokenException", ProviderError, "credentials that AWS does not accept"),
    ("UnrecognizedClientException", ProviderError, "credentials that AWS does not accept"),
    ("NotFoundException", ProviderError, "is not there"),
    ("DisabledException", ProviderError, "is disabled"),
    ("KMSInvalidStateException", ProviderError, "waits for its deletion"),
    ("InvalidKeyUsageException", ProviderError, "cannot encrypt"),
    ("ThrottlingException", ProviderError, "did not answer as it should"),
    ("KMSInternalException", ProviderError, "did not answer as it should"),
    ("SomethingNew", ProviderError, "did not answer as it should"),
    ("InvalidCiphertextException", UnwrapError, "does not open"),
    ("IncorrectKeyException", UnwrapError, "does not open"),
])  # fmt: skip
def test_what_kms_refuses_is_told_apart_without_its_words(
    stub: Stubber, code: str, error: type[Exception], says: str
) -> None:
    """Account, request id and user name stay out of veil's messages."""
    wrapped = sealed_by_stub(stub)
    words = f"User: arn:aws:iam::{ACCOUNT}:user/jane is not authorized"
    stub.add_client_error("decrypt", code, words, response_meta={"RequestId": "req-42"})
    with pytest.raises(error, match=says) as caught:
        open_provider(f"aws-kms:{ARN}").unwrap(wrapped, aad=AAD)

    assert not any(part in str(caught.value) for part in (ACCOUNT, "jane", "req-42", "User"))


@pytest.mark.parametrize(("failure", "says"), [
    (ConnectTimeoutError(endpoint_url="https://kms"), "cannot be reached"),
    (ReadTimeoutError(endpoint_url="https://kms"), "cannot be reached"),
    (SSLError(endpoint_url="https://kms", error="bad"), "cannot be reached"),
    (NoCredentialsError(), "without AWS credentials"),
    (PartialCredentialsError(provider="env", cred_var="x"), "without AWS credentials"),
])  # fmt: skip
def test_a_kms_out_of_reach_is_a_provider_error(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, says: str
) -> None:
    """Network and login are told apart."""
    client = boto3.client("kms", region_name=REGION)

    def fail(**parameters: Any) -> None:
        raise failure

    monkeypatch.setattr(client, "encrypt", fail)
    monkeypatch.setattr(aws_kms, "_open_client", lambda region: client)

    with pytest.raises(ProviderError, match=says):
        open_provider(f"aws-kms:{ARN}").wrap(MATERIAL, aad=AAD)


def no_region(patch: pytest.MonkeyPatch) -> None:
    patch.delenv("AWS_DEFAULT_REGION")


def no_login(patch: pytest.MonkeyPatch) -> None:
    patch.delenv("AWS_ACCESS_KEY_ID")
    patch.delenv("AWS_SECRET_ACCESS_KEY")


def no_profile(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_PROFILE", "nobody")


def closed_port(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")


def clear_line(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_ENDPOINT_URL_KMS", "http://kms.example.com")


def bad_address(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_ENDPOINT_URL_KMS", "kms")


@pytest.mark.parametrize(("change", "says"), [
    (no_region, "without a region"), (no_login, "without AWS credentials"),
    (no_profile, "without AWS credentials"), (closed_port, "cannot be reached"),
    (clear_line, "a line that is not encrypted"), (bad_address, "cannot be reached"),
])  # fmt: skip
def test_a_configuration_that_leads_nowhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], says: str
) -> None:
    """With the real client, which fails before it sends anything."""
    change(monkeypatch)

    with pytest.raises(ProviderError, match=says):
        open_provider(f"aws-kms:{ID}").wrap(MATERIAL, aad=AAD)


def test_waiting_is_bounded(kms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attempts of at most 5 seconds to connect and 10 to answer."""
    monkeypatch.undo()
    config = aws_kms._open_client(REGION).meta.config

    assert (config.connect_timeout, config.read_timeout) == (5, 10)
    assert config.retries["total_max_attempts"] == 3


def test_a_keyring_lives_under_it_and_a_key_is_disabled_without_it(
    kms: Any, tmp_path: Path
) -> None:
    """Made, loaded, used, grown; where the key is gone, the emergency stop works."""
    arn = new_key(kms)

    def cut() -> None:
        del kms_backend().keys[arn.rsplit("/", 1)[1]]

    keyring_lives(tmp_path, f"aws-kms:{arn}", cut)

    assert arn in (tmp_path / "keyring.json").read_text()


def kms_backend() -> Any:
    """The keys that moto holds."""
    from moto.kms.models import kms_backends

    return kms_backends["123456789012"][REGION]


def test_destroy_schedules_the_deletion_at_the_earliest_day(kms: Any) -> None:
    """Seven days, the least that AWS allows."""
    arn = new_key(kms)
    # moto knows the key by its id alone here; see the next test for the ARN.
    open_provider(f"aws-kms:{arn.rsplit('/', 1)[1]}").destroy()

    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_destroy_is_sent_with_its_window_and_checks_the_answer(stub: Stubber) -> None:
    """Nobody should believe that a key waits for deletion that does not."""
    sent = {"KeyId": ARN, "PendingWindowInDays": 7}
    day = datetime(2026, 12, 1, tzinfo=UTC)
    answer = {"KeyState": "PendingDeletion", "DeletionDate": day}
    stub.add_response("schedule_key_deletion", answer, sent)
    open_provider(f"aws-kms:{ARN}").destroy()
    for wrong in ({"KeyState": "Enabled", "DeletionDate": day}, {}):
        stub.add_response("schedule_key_deletion", wrong, sent)

        with pytest.raises(ProviderError):
            open_provider(f"aws-kms:{ARN}").destroy()


def test_destroy_refuses_an_alias_and_a_key_with_replicas(stub: Stubber) -> None:
    """The first may name another key by now, the second lives on elsewhere. KMS is not asked."""
    with pytest.raises(ProviderError, match="alias"):
        open_provider(f"aws-kms:alias/veil?region={REGION}").destroy()
    with pytest.raises(ProviderError, match="replicas"):
        open_provider("aws-kms:mrk-" + "0" * 32).destroy()


@pytest.mark.parametrize("place", [
    "", "veil", "alias/", "alias/ve il", "AKIAIOSFODNN7EXAMPLE", ID.upper(), ID + "\n",
    f"{ID}?region=", f"{ID}?region=nowhere", f"{ID}?profile=x", f"{ARN}?region=us-east-1",
    ARN.replace("kms", "s3"), ARN.replace(ACCOUNT, "1"), ARN + "/x", "alias/v:x",
])  # fmt: skip
def test_a_malformed_reference_is_refused_and_not_repeated(place: str) -> None:
    """It may be a credential, pasted in the wrong place."""
    with pytest.raises(ProviderError, match="names no key") as caught:
        open_provider(f"aws-kms:{place}")

    assert len(place) < 10 or place not in str(caught.value)


def test_neither_credential_nor_material_shows(kms: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Not in a message, a `repr`, local variables, or a log at DEBUG, which botocore fills."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "botocore")
    caplog.set_level(logging.DEBUG, "botocore.endpoint")
    arn = new_key(kms)
    logging.getLogger("botocore").setLevel(logging.DEBUG)
    caplog.clear()
    provider = open_provider(f"aws-kms:{arn}")
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    assert provider.unwrap(wrapped, aad=AAD) == MATERIAL
    shown = [caplog.text, repr(provider), repr(vars(provider)), provider.describe()]
    with pytest.raises(UnwrapError) as caught:
        provider.unwrap(wrapped, aad=b"other")
    shown.append(shown_by(caught.value))
    del kms_backend().keys[arn.rsplit("/", 1)[1]]
    for use in (provider.wrap, provider.unwrap):
        with pytest.raises(ProviderError) as gone:
            use(MATERIAL if use == provider.wrap else wrapped, aad=AAD)
        shown.append(shown_by(gone.value))
    assert "123456789012" not in provider.describe()
    hidden = [SECRET, *spellings(MATERIAL), *spellings(bound(MATERIAL, aad=AAD))]

    assert [text for text in hidden for page in shown if text in page] == []


def test_the_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be pasted."""
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(ProviderError, match=r"pip install 'dbt-veil\[aws\]'"):
        open_provider(f"aws-kms:{ARN}").wrap(MATERIAL, aad=AAD)
