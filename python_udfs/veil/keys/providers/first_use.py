"""What `veil init` does with a key reference before it makes a keyring under it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veil.keys.providers import open_provider
from veil.keys.providers.aws_kms import AwsKmsProvider
from veil.keys.providers.local_file import LocalFileProvider
from veil.keys.providers.os_keyring import OsKeyringProvider
from veil.keys.providers.passphrase import new_reference


@dataclass(frozen=True, kw_only=True)
class FirstUse:
    """A reference that is ready, and the provider whose key was made for it just now.

    `ref` is what belongs into the keyring; it may say more than what was given.
    """

    ref: str
    made: LocalFileProvider | OsKeyringProvider | None = None

    def undo(self) -> None:
        """Destroy the key that was made just now; one that was there before stays."""
        if self.made is not None:
            self.made.destroy()


def prepare(ref: str) -> FirstUse:
    """Make what a reference needs and does not have yet.

    `file:` and `keyring:` get a random key where there is none; `passphrase:NAME` gets a random
    salt and the least cost; an alias of `aws-kms:` becomes the ARN of its key. `env:` and `vault:`
    stay as they are: their keys are made by whoever runs that place.

    Raises:
        ProviderError: no such provider, a reference that it refuses, or a key out of reach.
        VeilError: the key file cannot be made.
    """
    scheme, _, rest = ref.partition(":")
    if scheme == "passphrase" and "?" not in rest:
        return FirstUse(ref=new_reference(rest))
    provider = open_provider(ref)
    if isinstance(provider, AwsKmsProvider):
        return FirstUse(ref=provider.pinned())
    if isinstance(provider, LocalFileProvider):
        there = Path(rest).expanduser().exists()
    elif isinstance(provider, OsKeyringProvider):
        there = provider.exists()
    else:
        return FirstUse(ref=ref)
    if there:
        return FirstUse(ref=ref)
    provider.create()
    return FirstUse(ref=ref, made=provider)
