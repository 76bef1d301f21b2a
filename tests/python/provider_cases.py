"""What the tests of every provider share: what it must refuse, and what no error may show."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from veil.keys import KekProvider, Keyring, ProviderError, Status, UnwrapError, disable

MATERIAL = bytes(range(100, 132))
AAD = b"the entry"


def opens_only_as_wrapped(provider: KekProvider) -> bytes:
    """Wrap, open, and be refused for other additional data and for what was cut or prolonged."""
    wrapped = provider.wrap(MATERIAL, aad=AAD)
    assert provider.unwrap(wrapped, aad=AAD) == MATERIAL
    assert provider.wrap(MATERIAL, aad=AAD) != wrapped
    with pytest.raises(UnwrapError):
        provider.unwrap(wrapped, aad=AAD + b"x")
    for other in (b"", wrapped[:-1], wrapped[1:], wrapped + b"\n", secrets.token_bytes(61)):
        with pytest.raises(UnwrapError):
            provider.unwrap(other, aad=AAD)
    return wrapped


def flips(wrapped: bytes) -> Iterable[bytes]:
    """Every text that differs from `wrapped` in the lowest or the highest bit of one byte."""
    for at in range(len(wrapped)):
        for bit in (1, 128):
            changed = bytearray(wrapped)
            changed[at] ^= bit
            yield bytes(changed)


def keyring_lives(folder: Path, ref: str, cut: Callable[[], None]) -> None:
    """A keyring is made, loaded, used, grown; `cut` takes the provider away, `disable` works on."""
    path = folder / "keyring.json"
    made = Keyring.create(path, kek_ref=ref, purposes=[("pseudonym", "*")])
    key = made.subkey("pseudonym", "person", "mac")
    ring = Keyring.load(path, kek_ref=ref)
    assert ring.subkey("pseudonym", "person", "mac") == key
    ring.add("zone", "marts", Status.PRIMARY)
    ring.save()
    kid = ring.primary("pseudonym", "person").kid

    cut()
    with pytest.raises(ProviderError):
        Keyring.load(path)
    assert disable(path, kid) is False
    assert kid in path.read_text().split('"pending_disable"')[1]


def shown_by(error: BaseException) -> str:
    """All that a tool could print of an error: its chain, and the local variables on its way."""
    texts = []
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(vars(seen))]
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            # The tests themselves know every secret.
            if not Path(frame.f_code.co_filename).is_relative_to(Path(__file__).parent):
                texts += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(texts)
