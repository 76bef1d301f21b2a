"""Personal values are found however they are written, and ordinary text is left alone."""

from __future__ import annotations

import gc
import html
import json
import random
import urllib.parse
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from veil.artifacts import Fingerprints, Identifier, Search, fingerprint
from veil.artifacts.fold import fold, texts
from veil.artifacts.weight import Weight

PERSON = {
    "people.ssn": "123-45-6789",
    "people.name": "Anna-Maria O'Neil",
    "people.email": "anna.oneil@example.org",
    "people.address": "1808 N. Möhawk Street",
    "people.phone": "+49 (555) 123-4567",
    "people.number": "0_10027",
    "people.last_name": "Wong",
    "people.first_name": "Carla",
    "people.born": "1961-01-29",
    "people.city": "Zürich-Oerlikon",
    "people.cjk": "張偉明",
}


def _prints(
    rows: Iterable[tuple[str, str, str]] = (), *, ordinary: frozenset[bytes] = frozenset()
) -> Fingerprints:
    own = [(source, "p1", value) for source, value in PERSON.items()]
    return fingerprint((Identifier(*row) for row in [*own, *rows]), ordinary=ordinary)


def _found(
    prints: Fingerprints, data: bytes | str, *, anywhere: bool = False, table: bool = False
) -> set[str]:
    """The sources whose values count in `data`."""
    search = Search(prints)
    sources = set()
    raw = data.encode() if isinstance(data, str) else data
    for text in texts(raw, "utf-8"):
        folded = fold(text)
        rows = [at for at, byte in enumerate(folded) if byte == 10] + [len(folded)]
        hits = search.hits(folded, anywhere=anywhere)
        for hit in search.counted(hits, rows=rows if table else ()):
            sources.add(prints.sources[int(prints.source[hit.value])].removeprefix("people."))
    return sources


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Could not convert string '123-45-6789' to INT32", "ssn"),
        ("ssn=123456789;", "ssn"),
        ("123 45 6789", "ssn"),
        ("123.45.6789", "ssn"),
        ("where ssn like '%123-45-6789%'", "ssn"),
        ("x123-45-6789y", "ssn"),
        (r'"msg": "a\n123-45-6789\nb"', "ssn"),
        ("Key (name)=(Anna-Maria O'Neil) already exists", "name"),
        ("ANNA MARIA ONEIL", "name"),
        ("anna_maria_o_neil.csv", "name"),
        ("Anna‑Maria O’Neil", "name"),
        ("mailto:Anna.ONeil@Example.ORG?x", "email"),
        ("anna.oneil%40example.org", "email"),
        ("anna.oneil%2540example.org", "email"),
        ("anna.oneil&#64;example.org", "email"),
        ("1808 n mohawk street", "address"),
        ("1808 N. Mo\u0308hawk Street", "address"),
        (r"1808 N. M\u00f6hawk Street", "address"),
        (r"1808 N. M\\u00f6hawk Street", "address"),
        (r"b'1808 N. M\xc3\xb6hawk Street'", "address"),
        (r"'1808 N. M\xf6hawk Street'", "address"),
        (r"1808 N. M\303\266hawk Street", "address"),
        ("1808 N. M&ouml;hawk Street", "address"),
        ("1808+N.+M%C3%B6hawk+Street", "address"),
        ("+49 555 123 4567", "phone"),
        ("495551234567", "phone"),
        ("person 0_10027, ", "number"),
        ("ZUERICH ZURICH-OERLIKON", "city"),
        ("客户張偉明已存在", "cjk"),
    ],
)
def test_value_is_found(text: str, source: str) -> None:
    """In a sentence, a log line, a URL, a page; escaped, encoded, in capitals."""
    assert source in _found(_prints(), text)


@pytest.mark.parametrize("source", ["ssn", "name", "email", "address", "phone", "city", "cjk"])
@pytest.mark.parametrize(
    "write",
    [
        lambda value: value.encode(),
        lambda value: json.dumps({"v": json.dumps({"v": value})}).encode(),
        lambda value: urllib.parse.quote_plus(value).encode(),
        lambda value: html.escape(value).encode("ascii", "xmlcharrefreplace"),
        lambda value: repr(value.encode()).encode(),
        lambda value: ascii(value).encode(),
        lambda value: b"\x00\x07" + value.upper().encode() + b"\x00",
        lambda value: value.encode("utf-16-le") if value.isascii() else value.encode(),
        lambda value: value.encode("utf-16-be") if value.isascii() else value.encode(),
        lambda value: value.encode("utf-8" if value == PERSON["people.cjk"] else "cp1252"),
    ],
    ids=["utf8", "json", "url", "html", "bytes", "ascii", "nul", "utf16le", "utf16be", "cp1252"],
)
def test_every_kind_is_found_in_every_encoding(source: str, write: Callable[[str], bytes]) -> None:
    """Each kind of value, in each way in which a program writes text."""
    data = write(PERSON[f"people.{source}"])

    assert source in _found(_prints(), data)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 12:34:56,789 [info]",
        "12:34:56.789",
        "1, 2, 3, 4, 5, 6, 7, 8, 9",
        "1234567890",
        "a0123456789b",
        "[123, 45, 6789]",
        "123-45-678",
        "0.10027 s",
        "10.10027",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08123456789",
        "***-**-6789",
        "Anna",
        "wong",
        "The Wong family has lived here for years, and Carlas are rare.",
        "Anna-Maria P. O'Neil",
        "anna.oneil@example.com",
        "1961-01-29",
        "",
    ],
)
def test_what_is_no_value_is_left_alone(text: str) -> None:
    """Moments, lists, hashes, masked values, single words, other people's values."""
    assert _found(_prints(), text) == set()


def test_word_counts_only_with_another_value_of_the_same_person() -> None:
    """A short name beside the same person's first name counts; beside another's, it does not."""
    prints = _prints([("people.first_name", "p2", "Petra"), ("people.last_name", "p2", "Lang")])

    assert _found(prints, "error at row 7: Wong, Carla") == {"first_name", "last_name"}
    assert _found(prints, "Wong, 1961-01-29") == {"last_name", "born"}
    assert _found(prints, "Wong, Petra") == set()
    assert _found(prints, "Wong" + " ." * 110 + " Carla") == set()


def test_row_of_a_table_is_its_own_company() -> None:
    """In a table, the neighbour's first name does not make a name of mine."""
    prints = _prints()

    assert _found(prints, "a|Wong\nCarla|b\n", table=True) == set()
    assert _found(prints, "x|y\nCarla|b|Wong\n", table=True) == {"first_name", "last_name"}


def test_words_of_the_language_need_two_others() -> None:
    """«will grant» is a name of somebody; with a third value of the same person it counts."""
    rows = [("p.first", "p2", "Will"), ("p.last", "p2", "Grant"), ("p.code", "p2", "Q7-x")]
    prints = _prints(rows, ordinary=frozenset({b"will", b"grant"}))

    assert _found(prints, "the role will grant access") == set()
    assert _found(prints, "row: will|grant|q7-x") == {"p.first", "p.last", "p.code"}


def test_word_that_many_people_carry_is_not_somebodys() -> None:
    """A surname of thirty people does not count alone; one that two carry does."""
    rows = [("p.last", f"q{number}", "Jaworski") for number in range(30)]
    rows += [("p.last", "r1", "Sobieraj"), ("p.last", "r2", "Sobieraj")]
    prints = _prints(rows)

    assert _found(prints, "value Jaworski") == set()
    assert _found(prints, "value Sobieraj") == {"p.last"}


def test_bare_number_proves_nothing_where_most_numbers_are_somebodys() -> None:
    """With one nine-digit number in a thousand taken, only the grouped spelling counts."""
    draw = random.Random(3)
    rows = (("p.ssn", f"q{number}", f"{draw.randrange(10**9):09d}") for number in range(120_000))
    spelled = ((source, who, f"{v[:3]}-{v[3:5]}-{v[5:]}") for source, who, v in rows)
    prints = _prints(spelled)

    assert _found(prints, "sum 123456789") == set()
    assert _found(prints, "sum 123-45-6789") == {"ssn"}


@pytest.mark.parametrize("at", [-10, -5, -1, 0, 1])
def test_value_at_the_edge_of_a_chunk(at: int) -> None:
    """Where a text is cut, no half of a word passes for a whole one."""
    prints = _prints()
    text = "x" * 50 + " 123-45-6789 " + "y" * 50
    cut = text.index("123") + 11 + at
    search = Search(prints)
    left = search.hits(fold(text[:cut]), is_end=False)
    right = search.hits(fold(text[cut:]), is_start=False)

    assert bool(left) == (at > 0)
    assert not right


def test_strings_side_by_side_in_a_binary_file() -> None:
    """DuckDB stores short strings without anything between them."""
    data = b"\x00987-65-4321123-45-6789555-55-5555anna.oneil@example.orgx\x00"

    assert _found(_prints(), data, anywhere=True) >= {"ssn", "email"}
    assert "ssn" not in _found(_prints(), data)


def test_no_values_at_all() -> None:
    """A project without a direct identifier is scanned for keys alone."""
    prints = fingerprint([])

    assert len(prints) == 0
    assert _found(prints, "123-45-6789") == set()


def test_fingerprints_hold_no_value() -> None:
    """Nothing that the fingerprints keep, in any of their parts, holds a value."""
    prints = _prints()
    seen: list[object] = list(gc.get_referents(prints.__dict__))
    kept = b"".join(
        part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode() for part in seen
    )

    for value in PERSON.values():
        for spelling in (value.encode(), fold(value), fold(value).replace(b"-", b"")):
            assert spelling not in kept
    assert "123-45" not in repr(prints) + repr(Identifier("people.ssn", "p1", "123-45-6789"))


def test_two_scans_share_no_fingerprint() -> None:
    """Each scan draws its own key, so that nothing written of one helps against another."""
    one, other = _prints(), _prints()

    assert not set(one.exact.tolist()) & set(other.exact.tolist())
    assert not set(one.hashes.tolist()) & set(other.hashes.tolist())


def test_weights_are_as_declared() -> None:
    """Short values, single words and numbers below nine digits are weak, the rest is strong."""
    prints = _prints()
    weights = {
        prints.sources[int(prints.source[row])]: Weight(int(prints.weights[row]))
        for row in range(len(prints))
    }
    weak = {name for name, weight in weights.items() if weight is Weight.WEAK}

    assert weak == {"people.last_name", "people.first_name", "people.born"}
