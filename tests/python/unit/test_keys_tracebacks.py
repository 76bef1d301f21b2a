"""No key in a traceback, not even in one that shows local variables."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import TracebackException

import pytest
from keys_support import MemoryProvider, Vault, edit, new_ring, only, spellings

from veil.errors import VeilError
from veil.keys import Keyring, LocalFileProvider, ProviderError, UnwrapError, replace_mac, rewrap
from veil.keys.derive import derive
from veil.keys.envelope import unwrap

SHARED = ("pseudonym", "*")


def everything_shown(error: BaseException) -> str:
    """All that a debugger would print of an error and what it came from, this file's frame aside.

    Suppressed contexts are followed too: a crash reporter may do so.
    """

    def chain(one: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
        if one is not None and id(one) not in seen:
            yield one
            yield from chain(one.__cause__, {*seen, id(one)})
            yield from chain(one.__context__, {*seen, id(one)})

    parts = []
    for one in chain(error, set()):
        trace = one.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        shown = TracebackException(type(one), one, trace, capture_locals=True)
        parts += [*shown.format(), repr(one), repr(one.args)]
    return "\n".join(parts)


def raised(call: Callable[[], object]) -> str:
    with pytest.raises(VeilError) as caught:
        call()
    return everything_shown(caught.value)


def local_ring(folder: Path) -> tuple[Path, Path, list[bytes]]:
    """A keyring under a key file; returns its path, the key file, and all secrets."""
    kek = folder / "private" / "kek"
    LocalFileProvider(str(kek)).create()
    path = folder / "keyring.json"
    ring = Keyring.create(path, kek_ref=f"file:{kek}", purposes=[SHARED, ("receipt", "*")])
    known = [ring._unwrap(entry) for entry in ring.entries]
    known.append(derive(known[0], purpose="keyring-mac", domain="*", use="file-mac"))
    return path, kek, [*known, bytes.fromhex(kek.read_text())]


def test_errors_of_loading_show_no_key(tmp_path: Path) -> None:
    """An edited body, an edited wrapping, another key file: all frames, all local variables."""
    path, kek, known = local_ring(tmp_path)
    whole, right = path.read_bytes(), kek.read_text()
    texts = []
    edit(path, lambda value: value.update(generation=9))
    texts.append(raised(lambda: Keyring.load(path)))
    path.write_bytes(whole)
    edit(path, lambda value: value["entries"][0].update(wrapped=value["entries"][1]["wrapped"]))
    texts.append(raised(lambda: Keyring.load(path)))
    path.write_bytes(whole)
    kek.write_text(secrets.token_hex(32) + "\n")
    known.append(bytes.fromhex(kek.read_text()))
    texts.append(raised(lambda: Keyring.load(path)))
    kek.write_text(right)
    ring = Keyring.load(path)

    assert ring.generation == 1
    assert ["load" in text and "making.py" in text for text in texts[1:]] == [True, True]
    for text in texts:
        assert not any(part in text for secret in known for part in spellings(secret))


def test_errors_of_using_and_rewrapping_show_no_key(tmp_path: Path) -> None:
    """A malformed use, a key file that is gone, a new one that is missing."""
    path, kek, known = local_ring(tmp_path)
    ring = Keyring.load(path)
    entry = only(ring, *SHARED)
    texts = [
        raised(lambda: ring.subkey("pseudonym", "person", "Not A Name")),
        raised(lambda: derive(known[1], purpose="pseudonym", domain="person", use="Not A Name")),
        raised(lambda: rewrap(ring, f"file:{tmp_path}/private/missing")),
        raised(lambda: unwrap(known[-1], b"\x01" + bytes(60), aad=b"")),
    ]
    kek.rename(kek.with_name("away"))
    texts += [
        raised(lambda: ring.material(entry)),
        raised(ring.save),
        raised(ring.rendered_digest),
        raised(lambda: replace_mac(ring)),
    ]

    for text in texts:
        assert not any(part in text for secret in known for part in spellings(secret))


class Talkative(MemoryProvider):
    """Fails like a careless provider: the keys stand in its local variables and in its cause."""

    def wrap(self, plaintext: bytes, *, aad: bytes) -> bytes:
        kek = self._kek()
        raise ProviderError(f"wrapping {len(aad)} bytes failed.") from ValueError(kek, plaintext)

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        material, kek = super().unwrap(wrapped, aad=aad), self._kek()
        raise UnwrapError(f"unwrapping {len(aad)} bytes failed.") from ValueError(material, kek)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_careless_provider_is_kept_from_telling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Its frames and its cause stay behind; with the guard off they would show the keys."""
    ring, vault, _ = new_ring(tmp_path, SHARED)
    entry = only(ring, *SHARED)
    good: Vault = vault
    good("env:DBT_ENV_SECRET_NEW")
    known = [ring.material(entry), *vault.keks.values()]
    if not guarded:
        monkeypatch.setattr("veil.keys.making._bare", lambda error: error)
    ring._providers = lambda ref: Talkative(good, ref)
    shown = raised(lambda: ring.material(entry))
    ring._providers = lambda ref: Talkative(good, ref) if "NEW" in ref else good(ref)
    shown += raised(lambda: rewrap(ring, "env:DBT_ENV_SECRET_NEW"))
    found = [any(part in shown for part in spellings(secret)) for secret in known]

    assert found == [not guarded] * 3
