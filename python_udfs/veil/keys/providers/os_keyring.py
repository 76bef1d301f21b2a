"""The key-encryption key in the keyring of the operating system: `keyring:SERVICE/NAME`.

macOS Keychain, Windows Credential Locker, Secret Service (GNOME) and KWallet, by way of the library
`keyring`. That library also finds back-ends that keep passwords in clear; only the five that hand
the key to the operating system are taken.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

from veil.keys.envelope import KEK_BYTES
from veil.keys.errors import ProviderError
from veil.keys.providers.extras import library
from veil.keys.providers.static import StaticKek, parse_hex

BACKENDS = frozenset(
    {
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
    }
)
_CHAIN = "keyring.backends.chainer.ChainerBackend"
_NOWHERE = frozenset({"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"})
_REFERENCE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,99})/([A-Za-z0-9][A-Za-z0-9._-]{0,99})")


class OsKeyringProvider(StaticKek):
    """A key-encryption key as 64 hexadecimal characters under a service and a name.

    Args:
        place: `SERVICE/NAME`, letters, digits, `.`, `_` and `-`.

    Raises:
        ProviderError: another form. The message does not repeat it.
    """

    def __init__(self, place: str) -> None:
        match = _REFERENCE.fullmatch(place)
        if match is None:
            raise ProviderError(
                "the key reference `keyring:` needs a service and a name.",
                remedy="For example keyring:veil/my-project; letters, digits, `.`, `_` and `-`.",
            )
        self._service, self._name = match.groups()

    def __repr__(self) -> str:
        return f"OsKeyringProvider('{self._service}/{self._name}')"

    def describe(self) -> str:
        """Say where the key is, never what it is."""
        return f"OS keyring entry `{self._service}/{self._name}`"

    def exists(self) -> bool:
        """Say whether there is an entry, whatever it holds.

        Raises:
            ProviderError: there is no keyring, it is locked, or it keeps passwords in clear.
        """
        held = self._read()
        if isinstance(held, ProviderError):
            raise held
        return held is not None

    def create(self) -> None:
        """Make a random key; never overwrites.

        Raises:
            ProviderError: the entry exists, or the keyring did not keep it.
        """
        failure = self._store(secrets.token_bytes(KEK_BYTES).hex())
        if failure is not None:
            raise failure

    def destroy(self) -> None:
        """Delete the entry: whatever it wrapped is lost for good.

        A keyring that is synchronised or backed up may still hold it; that is for the operator.

        Raises:
            ProviderError: there is no such entry, it is no key, or it could not be deleted.
        """
        self._kek()  # only an entry that is a key may be destroyed
        failure = self._delete()
        if failure is not None:
            raise failure

    def _kek(self) -> bytes:
        held = self._read()
        if isinstance(held, ProviderError):
            raise held
        if held is None:
            raise ProviderError(
                f"the key-encryption key is missing: {self.describe()}.",
                remedy="Log in as the user who ran `veil init`, or restore the entry.",
            )
        return parse_hex(held, where=self.describe())

    # Each back-end raises errors of its own, some of them with the entry in their text, so these
    # three take every error and hand one of veil's back. They raise nothing: a traceback that
    # shows local variables would show the key.

    def _read(self) -> str | ProviderError | None:
        backend = _backend()
        if isinstance(backend, ProviderError):
            return backend
        try:
            held = backend.get_password(self._service, self._name)
        except Exception:
            return self._failed("read")
        return held if held is None else str(held)

    def _store(self, text: str) -> ProviderError | None:
        held = self._read()
        if isinstance(held, ProviderError):
            return held
        if held is not None:
            return ProviderError(
                f"the {self.describe()} exists already; it is never overwritten.",
                remedy="Use another name, or the key that is there.",
            )
        try:
            _backend().set_password(self._service, self._name, text)
        except Exception:
            return self._failed("written")
        return None if self._read() == text else self._failed("read back")

    def _delete(self) -> ProviderError | None:
        try:
            _backend().delete_password(self._service, self._name)
        except Exception:
            return self._failed("deleted")
        return None if self._read() is None else self._failed("deleted")

    def _failed(self, done: str) -> ProviderError:
        return ProviderError(
            f"the {self.describe()} cannot be {done}.",
            remedy="Unlock the keyring, and allow this program to use it.",
        )


def _backend() -> Any:
    """Return a back-end of `BACKENDS`, or the error that says why there is none."""
    try:
        keyring = library("keyring")
        found = keyring.get_keyring()
        # A chain also writes to, and reads from, what is not in the list: take the link itself.
        links: Sequence[Any] = list(found.backends) if _class(found) == _CHAIN else [found]
    except ProviderError as error:
        return error
    except Exception:
        return ProviderError(
            "the OS keyring cannot be opened.",
            remedy="Check PYTHON_KEYRING_BACKEND and the configuration of the library `keyring`.",
        )
    for link in links:
        if _class(link) in BACKENDS:
            return link
    names = [name for name in map(_class, links) if name not in _NOWHERE]
    if not names:
        return ProviderError(
            "this system has no OS keyring, or it is switched off.",
            remedy="Log in to a desktop session, or use another provider: file:, env:, aws-kms:,"
            " vault: or passphrase:.",
        )
    return ProviderError(
        f"the keyring back-end `{names[0]}` is not one that veil knows to keep keys encrypted.",
        remedy="Choose another in PYTHON_KEYRING_BACKEND (`keyring --list-backends`), or use"
        " another provider.",
    )


def _class(backend: object) -> str:
    kind = type(backend)
    return f"{kind.__module__}.{kind.__qualname__}"
