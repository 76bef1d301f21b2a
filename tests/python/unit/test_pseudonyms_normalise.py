"""One spelling per person: the column agrees with the definition, character by character."""

from __future__ import annotations

import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.errors import VeilError
from veil.pseudonyms.normalise import (
    AGREED,
    LOWERED,
    WHITE_SPACE,
    fell_back,
    is_plain,
    normalise,
    normalise_one,
    normaliser,
    normaliser_for,
)

NAMES = ("exact", "text", "email", "digits")
# What the rules turn on, so that random text meets it often.
AWKWARD = "AaZz09 \t\x00\x1c\x1f\x85\xa0\u200b\u3000\u0130\u0131\u03a3\u03c2\u03c3\u1e9e\u00df"
MARKS = "\u0301\u0323\u0345\u0308\u0331\u3099\u0654\u0e38"
TEXTS = st.text(
    st.one_of(st.sampled_from(AWKWARD + MARKS + "-.@\u0667\uff15"), st.characters(codec="utf-8"))
)


def column(texts: list[str | None], name: str) -> list[str | None]:
    """Normalise as a column does."""
    return normalise(pl.Series(texts, dtype=pl.String), name).to_list()


@pytest.mark.parametrize(
    ("name", "text", "normal"),
    [
        ("digits", "078-05-1120", "078051120"),
        ("digits", "(078) 05 1120 ", "078051120"),
        ("digits", "\u0660\u0661\uff15", "015"),
        ("digits", " N/A ", "n/a"),
        ("digits", "", ""),
        ("email", " Ann.Lee@Example.ORG\n", "ann.lee@example.org"),
        ("email", "a  b@c", "a  b@c"),
        ("email", "\u212b@x", "\u00e5@x"),
        ("text", " Ann\u00a0\t LEE ", "ann lee"),
        ("text", "Zoe\u0308", "zo\u00eb"),
        ("text", "\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"),
        ("text", "\u0130x", "i\u0307x"),
        ("text", "H\u0331", "\u1e96"),
        ("text", "Stra\u00dfe", "stra\u00dfe"),
        ("exact", " Ab 1 ", "Ab 1"),
        ("exact", "\x1fa\x00", "\x1fa\x00"),
    ],
)
def test_a_value_has_one_spelling(name: str, text: str, normal: str) -> None:
    """The rule of each normaliser, in the definition and over a column."""
    assert (normalise_one(text, name), column([text], name)) == (normal, [normal])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.none() | TEXTS, max_size=30))
def test_a_column_agrees_with_the_definition(name: str, texts: list[str | None]) -> None:
    """Random text of all planes gives the same value by value as over a column."""
    expected = [None if each is None else normalise_one(each, name) for each in texts]

    assert column(texts, name) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("around", ["{}", "a{}\u0323", "A\u0301{}", " {} \u03a3"])
def test_polars_agrees_for_every_character_left_to_it(name: str, around: str) -> None:
    """Each character of the agreed blocks: alone, between marks, beside white space and sigma."""
    chars = [chr(each) for first, last in AGREED for each in range(first, last + 1)]
    texts = [around.format(each) for each in chars]
    differing = [
        f"U+{ord(char):04X}"
        for char, text, normal in zip(chars, texts, column(list(texts), name), strict=True)
        if normal != normalise_one(text, name)
    ]

    assert differing == []


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_a_normal_value_stays_as_it_is(name: str, text: str) -> None:
    """Normalising twice is normalising once, so a value copied from a report still matches."""
    once = normalise_one(text, name)

    assert normalise_one(once, "text" if name == "digits" else name) == once


def test_white_space_is_the_unicode_property() -> None:
    """The 25 characters of White_Space (Unicode PropList.txt); Python's str.strip has 4 more."""
    python = {chr(each) for each in range(0x110000) if chr(each).isspace()}

    assert (len(set(WHITE_SPACE)), python - set(WHITE_SPACE)) == (25, set("\x1c\x1d\x1e\x1f"))


def test_values_without_a_digit_do_not_become_one_person() -> None:
    """`N/A` and `unknown` in a column of numbers stay apart, and are marked."""
    normal = normalise(pl.Series(["N/A", "unknown", "", None, "12"]), "digits")

    assert normal.to_list() == ["n/a", "unknown", "", None, "12"]
    assert fell_back(normal, "digits").to_list() == [True, True, True, None, False]
    assert not fell_back(normal, "text").any()


def test_no_fallback_can_look_like_a_number() -> None:
    """No character without a decimal value turns into an ASCII digit, so the mark is exact."""
    every = (chr(each) for each in range(0x110000))
    texts = "".join(each for each in every if unicodedata.decimal(each, None) is None)

    assert not set("0123456789") & set(normalise_one(texts, "text"))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(st.characters(max_codepoint=0x7F), min_size=1), min_size=1))
def test_bytes_called_plain_need_lower_case_at_most(name: str, texts: list[str]) -> None:
    """The shortcut never skips a value that the rule would change otherwise."""
    data = np.frombuffer("".join(texts).encode(), dtype=np.int8)
    short = [each.lower() if name in LOWERED else each for each in texts]

    assert not is_plain(data, name) or [normalise_one(each, name) for each in texts] == short


def test_the_shortcut_knows_plain_values() -> None:
    """Common values take it: otherwise it would be worth nothing."""
    plain = np.frombuffer(b"Person-1@example.org", dtype=np.int8)
    digits = np.frombuffer(b"078051120", dtype=np.int8)
    umlaut = np.frombuffer("\u00fc@example.org".encode(), dtype=np.int8)

    assert is_plain(plain, "email") and is_plain(plain, "text") and is_plain(plain, "exact")
    assert is_plain(digits, "digits") and not is_plain(plain, "digits")
    assert not is_plain(umlaut, "email")


def test_a_type_chooses_its_normaliser() -> None:
    """Numbers, addresses, names; anything unknown is left as it is."""
    types = ("ssn", "phone", "email", "person_name", "passport", "no_such_type")

    assert [normaliser_for(each) for each in types] == [
        "digits", "digits", "email", "text", "exact", "exact",
    ]  # fmt: skip


def test_an_unknown_normaliser_is_refused_by_what_is_known() -> None:
    """The message lists the names that exist."""
    with pytest.raises(VeilError, match=r"Known: digits, email, exact, text\."):
        normaliser("soundex")
    with pytest.raises(VeilError):
        normalise(pl.Series(["a"]), "soundex")
