"""Wrapping and derivation: what is bound cannot be moved, what is separate stays separate."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keys_support import spellings

from veil.keys import KeyringError, UnwrapError
from veil.keys.derive import derive
from veil.keys.encoding import encode_fields
from veil.keys.envelope import WRAPPED_BYTES, binding, unwrap, wrap

KEK = bytes(range(32))
FIELDS = {
    "keyring_id": "0" * 32,
    "kid": "kabcdef7",
    "purpose": "pseudonym",
    "domain": "person",
    "alg": "HMAC-SHA256",
    "created": "2026-11-21T08:00:00Z",
}
fields = st.lists(st.text(st.characters(codec="utf-8")), max_size=4).map(tuple)


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100))
def test_what_was_wrapped_opens_again(material: bytes, aad: bytes) -> None:
    """Any material and any additional data come back, in 61 bytes that do not show it."""
    wrapped = wrap(KEK, material, aad=aad)

    assert unwrap(KEK, wrapped, aad=aad) == material
    assert len(wrapped) == WRAPPED_BYTES == 61
    assert material not in wrapped


def test_the_nonce_is_new_each_time() -> None:
    """The same material wrapped twice shares nothing."""
    material = secrets.token_bytes(32)
    first, second = wrap(KEK, material, aad=b""), wrap(KEK, material, aad=b"")

    assert first[1:13] != second[1:13]
    assert first[13:] != second[13:]


def test_every_flipped_bit_of_the_wrapped_form_is_refused() -> None:
    """All 488 bits: version, nonce, ciphertext and tag."""
    wrapped = wrap(KEK, secrets.token_bytes(32), aad=b"aad")
    for position in range(8 * len(wrapped)):
        edited = bytearray(wrapped)
        edited[position // 8] ^= 1 << position % 8

        with pytest.raises(UnwrapError):
            unwrap(KEK, bytes(edited), aad=b"aad")


def test_another_length_of_the_wrapped_form_is_refused() -> None:
    """Cut short, empty or longer."""
    wrapped = wrap(KEK, secrets.token_bytes(32), aad=b"")
    for edited in (*(wrapped[:length] for length in range(len(wrapped))), wrapped + b"\0"):
        with pytest.raises(UnwrapError):
            unwrap(KEK, edited, aad=b"")


def test_another_kek_is_refused_and_the_message_shows_nothing() -> None:
    """The refusal says both possible causes and neither key nor material."""
    material, other = secrets.token_bytes(32), secrets.token_bytes(32)
    wrapped = wrap(KEK, material, aad=b"")
    with pytest.raises(UnwrapError) as caught:
        unwrap(other, wrapped, aad=b"")

    for secret in (material, other, KEK, wrapped):
        assert not any(text in str(caught.value) for text in spellings(secret))
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_each_bound_field_alone_keeps_the_material_closed(name: str) -> None:
    """Material wrapped for one entry does not open for one that differs in a single field."""
    wrapped = wrap(KEK, secrets.token_bytes(32), aad=binding(**FIELDS))
    other = {**FIELDS, name: FIELDS[name] + "x"}

    assert unwrap(KEK, wrapped, aad=binding(**FIELDS))
    with pytest.raises(UnwrapError):
        unwrap(KEK, wrapped, aad=binding(**other))


def test_the_binding_has_these_bytes() -> None:
    """Pinned: another encoding would make every keyring unreadable."""

    assert binding(**FIELDS).hex() == (
        "0000000d" + b"veil-entry-v1".hex() + "00000020" + b"0".hex() * 32
        + "00000008" + b"kabcdef7".hex() + "00000009" + b"pseudonym".hex()
        + "00000006" + b"person".hex() + "0000000b" + b"HMAC-SHA256".hex()
        + "00000014" + b"2026-11-21T08:00:00Z".hex()
    )  # fmt: skip


@settings(deadline=None)
@given(fields, fields)
def test_two_lists_of_fields_never_share_an_encoding(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    """Injective on random texts, separators and NUL included."""

    assert (encode_fields(b"v", first) == encode_fields(b"v", second)) == (first == second)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_boundary_between_fields_cannot_be_moved(left: str, right: str) -> None:
    """(`a`, `bc`) is not (`ab`, `c`): joined without lengths they would be one."""
    moved = (left + right[0], right[1:])

    assert encode_fields(b"v", (left, right)) != encode_fields(b"v", moved)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_or_material_of_another_length_is_refused(length: int) -> None:
    """No shorter key is ever accepted: 16 bytes would silently be AES-128."""
    with pytest.raises(KeyringError, match="32 bytes"):
        wrap(bytes(length), bytes(32), aad=b"")
    with pytest.raises(KeyringError, match="32 bytes"):
        wrap(KEK, bytes(length), aad=b"")
    with pytest.raises(KeyringError, match="32 bytes"):
        unwrap(bytes(length), bytes(61), aad=b"")
    with pytest.raises(KeyringError, match="32 bytes"):
        derive(bytes(length), purpose="zone", domain="marts", use="file")


def test_sub_keys_of_all_names_differ_and_none_is_the_material() -> None:
    """Purpose, domain and use each separate, swapped names too."""
    material = secrets.token_bytes(32)
    names = [
        ("pseudonym", "person", "mac"),
        ("pseudonym", "household", "mac"),
        ("pseudonym", "*", "mac"),
        ("pseudonym", "person", "digest"),
        ("perturbation", "person", "mac"),
        ("person", "pseudonym", "mac"),
        ("mac", "person", "pseudonym"),
        ("pseudonymp", "erson", "mac"),
    ]
    keys = [derive(material, purpose=p, domain=d, use=u) for p, d, u in names]

    assert len({material, *keys}) == len(names) + 1
    assert {len(key) for key in keys} == {32}


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_a_sub_key_is_the_same_each_time(material: bytes) -> None:
    """A rebuild gives the same pseudonyms."""
    first = derive(material, purpose="pseudonym", domain="person", use="mac")

    assert first == derive(material, purpose="pseudonym", domain="person", use="mac")


@pytest.mark.parametrize("bad", ["", "Person", "per son", "*x", "a" * 64, "é", "\ud800", "a\n"])
def test_a_malformed_name_is_refused_by_derivation_without_being_repeated(bad: str) -> None:
    """A column value in place of a name does not reach the message."""
    for names in (
        {"purpose": bad, "domain": "person", "use": "mac"},
        {"purpose": "pseudonym", "domain": bad, "use": "mac"},
        {"purpose": "pseudonym", "domain": "person", "use": bad},
    ):
        with pytest.raises(KeyringError) as caught:
            derive(bytes(32), **names)

        assert str(caught.value) == "a sub-key's purpose, domain or use is malformed."
