"""The written form of a pseudonym."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veil.errors import VeilError
from veil.pseudonyms.token import Token, is_kid

KID = "kabcdefg"
PAYLOAD = "abcdefghijklmnopqrstuvwxyz234567"
GOOD = f"p1_{KID}_{PAYLOAD}"


def test_a_pseudonym_is_taken_apart_and_written_back() -> None:
    """Parsing and writing are each other's inverse."""
    token = Token.parse(GOOD)

    assert (token.kid, token.payload, str(token)) == (KID, PAYLOAD, GOOD)


@given(
    st.from_regex(r"k[a-z2-7]{7}", fullmatch=True),
    st.from_regex(r"[a-z2-7]{32}", fullmatch=True),
)
def test_every_well_formed_pseudonym_survives_the_round_trip(kid: str, payload: str) -> None:
    """No key id and no payload is confused with another."""
    text = str(Token(kid=kid, payload=payload))

    assert Token.parse(text) == Token(kid=kid, payload=payload)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.upper(),
        GOOD + "=",
        GOOD + "\n",
        " " + GOOD,
        GOOD[:-1],
        GOOD + "a",
        GOOD.replace("p1", "p2"),
        GOOD.replace("p1_", ""),
        GOOD.replace(KID, "kabcdef1"),
        GOOD.replace(KID, "xabcdefg"),
        GOOD.replace(KID, ""),
        GOOD.replace("_", "-"),
        GOOD + "_a",
        GOOD[:-1] + "1",
        GOOD[:-1] + "\u0430",
        GOOD[:-1] + "\uff41",
    ],
)
def test_anything_else_is_refused_and_not_shown(text: str) -> None:
    """Case, padding, white space, length, alphabet and look-alikes all count."""
    with pytest.raises(VeilError) as refused:
        Token.parse(text)

    assert text == "" or text not in str(refused.value)


@given(st.text())
def test_random_text_is_no_pseudonym(text: str) -> None:
    """A parser of something an attacker writes never answers anything but yes or VeilError."""
    with pytest.raises(VeilError):
        Token.parse(text)

    assert not is_kid(text) or len(text) == 8


def test_a_value_that_is_not_text_is_refused() -> None:
    """NULL from a query is no pseudonym."""
    with pytest.raises(VeilError, match="malformed"):
        Token.parse(None)  # type: ignore[arg-type]

    assert not is_kid(None)
