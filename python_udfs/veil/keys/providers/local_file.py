"""The key-encryption key in a file of its own: `file:PATH`, mode 0600 in a folder of mode 0700."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from veil.errors import VeilError
from veil.files import MissingFileError, check_private, private_dir, read_private, write_atomic
from veil.keys.envelope import KEK_BYTES
from veil.keys.errors import ProviderError
from veil.keys.providers.static import StaticKek, parse_hex

_FILE_BYTES = 2 * KEK_BYTES + 1


class LocalFileProvider(StaticKek):
    """A key-encryption key as 64 hexadecimal characters and a newline.

    Args:
        place: an absolute path, or one that begins with `~/`. A relative path would name another
            key in another working folder, so it is refused.

    Raises:
        ProviderError: the path is relative or empty.
    """

    def __init__(self, place: str) -> None:
        if not place.startswith(("/", "~/")) or not place.isprintable():
            raise ProviderError(
                "the key reference `file:` needs a path that begins with `/` or `~/`.",
                remedy="For example file:~/.config/veil/kek",
            )
        self._place = place

    def __repr__(self) -> str:
        return f"LocalFileProvider({self._place!r})"

    def describe(self) -> str:
        """Say where the key is, never what it is."""
        return f"local file `{self._place}`"

    def create(self) -> None:
        """Make a random key, and its folder where missing; never overwrites.

        Raises:
            VeilError: the file exists, the folder is open to others, or writing failed.
        """
        path = self._path()
        private_dir(path.parent)
        text = secrets.token_bytes(KEK_BYTES).hex() + "\n"
        write_atomic(path, text.encode("ascii"), overwrite=False)

    def destroy(self) -> None:
        """Overwrite the key and remove its file: whatever it wrapped is lost for good.

        Journals, snapshots, flash memory and backups may still hold it; that is for the operator.

        Raises:
            ProviderError: there is no such file, or it could not be removed.
        """
        self._kek()  # only a file that is a key may be destroyed
        path = self._path()
        try:
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(KEK_BYTES).hex().encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except OSError:
            raise ProviderError(
                f"the {self.describe()} cannot be removed.",
                remedy="Check owner and mode of the file and its folder.",
            ) from None

    def _path(self) -> Path:
        try:
            path = Path(self._place).expanduser()
            # An empty HOME would put the key at the root of the file system, a relative one beside
            # whatever folder the command runs in.
            if not path.is_absolute() or (
                self._place[0] == "~" and not os.environ.get("HOME", "/")
            ):
                raise RuntimeError
            return path
        except RuntimeError:
            raise ProviderError(
                "the home folder of this user is not known.",
                remedy="Set HOME, or give the key reference an absolute path.",
            ) from None

    def _kek(self) -> bytes:
        path = self._path()
        try:
            # resolve(): the folder itself may be reached over a link, the file may not.
            check_private(path.parent.resolve())
            data = read_private(path, limit=_FILE_BYTES)
        except MissingFileError:
            raise ProviderError(
                f"the key-encryption key is missing: {self.describe()}.",
                remedy="Mount it, or restore it from its backup. Remove nothing before:"
                " docs/runbooks/lost-keyring.md says what to do where there is no backup.",
            ) from None
        except VeilError as error:
            raise ProviderError(error.message, remedy=error.remedy) from None
        except (OSError, RuntimeError):  # resolve(): links in a circle
            raise ProviderError(
                f"the folder of the {self.describe()} cannot be reached.",
                remedy="Check the links on the way to it.",
            ) from None
        text = data.decode("ascii", errors="replace")
        # The newline is required: without it the file was cut short.
        return parse_hex(text[:-1] if text.endswith("\n") else "", where=self.describe())
