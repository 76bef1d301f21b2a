"""The masks of texts: what each hides, and exactly what it shows."""

from __future__ import annotations

import base64
import collections
import csv
import hashlib
import hmac
import ipaddress
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import ROOT
from mask_cases import CASES, FAST, HOSTILE_TEXTS, Masks, texts
from veil.keys import Keyring

pytestmark = pytest.mark.project

RESTRICTED = [
    "036",
    "059",
    "063",
    "102",
    "203",
    "556",
    "692",
    "790",
    "821",
    "823",
    "830",
    "831",
    "878",
    "879",
    "884",
    "890",
    "893",
]  # HHS, Guidance Regarding Methods for De-identification of PHI, 26 November 2012, page 24
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)  # Unicode's property White_Space, PropList-15.0.0.txt


def _fields(*fields: str) -> bytes:
    return b"".join(b"%d:%s" % (len(one.encode()), one.encode()) for one in fields)


def reference(masks: Masks, text: str, domain: str, privacy_type: str, normaliser: str) -> str:
    """The pseudonym by the standard library alone, over an already normalised text."""
    kid, key = Keyring.load(masks.project.veil.keyring).subkey("pseudonym", domain, use="mac")
    message = _fields("p1", privacy_type, normaliser) + text.encode()
    digest = hmac.new(key.hex().encode(), message, hashlib.sha256).digest()
    return f"p1_{kid}_" + base64.b32encode(digest[:20]).decode().rstrip("=").lower()


@given(values=st.lists(texts, max_size=50))
@FAST
def test_a_pseudonym_is_an_hmac_and_tells_two_values_apart(masks: Masks, values: list[str]) -> None:
    """Equal to the standard library's HMAC; as many pseudonyms as there are normalised values."""
    exact = [unicodedata.normalize("NFC", value).strip(WHITE_SPACE) for value in values]
    found = masks.run("pseudonym_text", values)

    assert found == [reference(masks, one, "person", "person_id", "exact@1") for one in exact]
    assert len(set(found)) == len(set(exact))


def test_pseudonyms_of_two_domains_or_two_types_share_nothing(masks: Masks) -> None:
    """The same text gives another pseudonym in another domain, and as another kind of thing."""
    values = ["a@b.example", *HOSTILE_TEXTS[2:]]
    found = [masks.run(f"pseudonym_{name}", values) for name in ("text", "elsewhere", "email")]

    assert len(set().union(*found)) == 3 * len(values)


@given(value=st.integers(min_value=-(2**63), max_value=2**63 - 1))
@FAST
def test_a_whole_number_has_the_pseudonym_of_its_digits(masks: Masks, value: int) -> None:
    """A key that is stored as a number links with the same key stored as a text."""
    assert masks.run("pseudonym_number", [str(value)]) == [
        reference(masks, str(value), "person", "account", "exact@1")
    ]


@given(values=st.lists(texts, max_size=50))
@FAST
def test_partial_shows_the_declared_ends_and_hides_the_length(
    masks: Masks, values: list[str]
) -> None:
    """Two first and three last characters of what has at least ten; else nothing of the text."""
    assert masks.run("partial_none", values) == ["****"] * len(values)
    assert masks.run("partial_ends", values) == [
        value[:2] + "****" + value[-3:] if len(value) >= 10 else "****" for value in values
    ]


def test_partial_results_of_two_lengths_are_equally_long(masks: Masks) -> None:
    """An attacker who sees the result cannot tell ten characters from a million."""
    short, long = masks.run("partial_ends", ["ab12345cde", "ab" + "x" * 1_000_000 + "cde"])

    assert short == long == "ab****cde"


addresses = st.tuples(
    st.sampled_from(["ann", "bob", "eve", "ANN", " ann", "zoe"]),
    st.sampled_from(["@x.org", "@X.org ", "@y.org", "@z.org", "", "@", "@@y.org"]),
).map("".join)


@given(values=st.lists(addresses, max_size=40))
@FAST
def test_no_domain_with_too_few_addresses_is_shown(masks: Masks, values: list[str]) -> None:
    """A domain appears where it has three distinct addresses, and nowhere else."""
    people = collections.defaultdict(set)
    for value in values:
        if "@" in value:
            address = value.strip(" ").lower()
            people[address.rsplit("@", 1)[1]].add(address)
    shown = {domain for domain, members in people.items() if domain and len(members) >= 3}
    expected = [
        domain
        if "@" in value and (domain := value.strip(" ").lower().rsplit("@", 1)[1]) in shown
        else "other"
        for value in values
    ]

    assert masks.run("email_domain", values) == expected


def _network(text: str, v4: int, v6: int) -> str:
    address = ipaddress.ip_address(text)
    if address.version == 6:
        address = address.ipv4_mapped or address.sixtofour or address
    length = v4 if address.version == 4 else v6
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


@given(values=st.lists(st.ip_addresses(), max_size=50))
@FAST
def test_an_address_becomes_its_network(masks: Masks, values: list[ipaddress.IPv4Address]) -> None:
    """As Python's ipaddress has it, for two lengths of prefix; IPv4 inside IPv6 as IPv4."""
    plain = [str(value) for value in values]
    mapped = [f"::ffff:{value}" for value in plain if ":" not in value]
    given_texts = [*plain, *mapped]

    assert masks.run("ip_prefix", given_texts) == [_network(one, 24, 48) for one in given_texts]
    assert masks.run("ip_prefix_short", given_texts) == [
        _network(one, 9, 31) for one in given_texts
    ]


def test_a_text_that_is_no_address_is_not_shown(masks: Masks) -> None:
    """Only `*` is left of it, whatever it holds."""
    values = [*HOSTILE_TEXTS, "192.0.2.256", "192.0.2.1 x", "1" * 64 + "1.1.1.1", "::ffff:1.2.3"]

    assert set(masks.run("ip_prefix", values)) == {"*"}


@given(value=st.from_regex(r"[0-9]{5}(-?[0-9]{4})?", fullmatch=True))
@FAST
def test_a_postcode_shows_three_digits_and_no_restricted_area(masks: Masks, value: str) -> None:
    """Five digits and ZIP+4 alike; the 17 areas of the guidance are `000`."""
    expected = "000" if value[:3] in RESTRICTED else value[:3]

    assert masks.run("postcode_prefix", [value, f" {value} "]) == [expected, expected]


def test_every_restricted_area_is_hidden(masks: Masks) -> None:
    """All 17, and none beside them, among all thousand prefixes."""
    prefixes = [f"{number:03d}" for number in range(1000)]
    found = masks.run("postcode_prefix", [one + "12" for one in prefixes])

    assert [one for one, got in zip(prefixes, found, strict=True) if got == "000"] == [
        "000",
        *RESTRICTED,
    ]


def test_a_census_decides_where_it_is_given(masks: Masks) -> None:
    """20,000 people or fewer, an unknown area or an unreadable population: `000`."""
    masks.conn.execute(
        "insert into zip_census values ('100', '20000'), ('101', '20001'), ('102', '9999999'),"
        " ('103', 'many'), ('104', null), ('105', '50000'), ('105', '7')"
    )
    values = ["10001", "10101", "10201", "10301", "10401", "10501", "99901"]
    found = masks.run("postcode_census", values)
    masks.conn.execute("delete from zip_census")

    assert found == ["000", "101", "102", "000", "000", "000", "000"]


def test_a_text_that_is_no_postcode_is_not_shown(masks: Masks) -> None:
    """Only `*` is left of it; digits of other scripts are no ZIP code."""
    values = [
        *HOSTILE_TEXTS,
        "1234",
        "123456",
        "12345-67",
        "12345\n",
        "\u0661\u0662\u0663\u0664\u0665",
    ]

    assert set(masks.run("postcode_prefix", values)) == {"*"}


@pytest.mark.parametrize(
    ("name", "seed"), [("generalize_race", "hierarchy_race"), ("generalize_age", "hierarchy_age")]
)
def test_a_value_becomes_its_group(masks: Masks, name: str, seed: str) -> None:
    """Every value of the hierarchy, each many times, becomes its group of the declared level."""
    with (ROOT / "seeds" / f"{seed}.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    level = rows[0].index(CASES[name].arguments["level"])
    groups = {row[0]: row[level] for row in rows[1:]}
    values = list(groups) * 3

    assert masks.run(name, values) == [groups[value] for value in values]


def test_a_value_that_the_hierarchy_lacks_is_not_shown(masks: Masks) -> None:
    """Only `*` is left of it: a new code in the source does not slip through."""
    assert set(masks.run("generalize_race", [*HOSTILE_TEXTS, "white"])) == {"*"}
    assert masks.run("generalize_age", ["-1", "2147483647"]) == ["*", "*"]


def test_no_part_of_a_direct_identifier_is_in_its_pseudonym(masks: Masks) -> None:
    """Format version, key id and 32 characters of base32: no text, no length."""
    found = masks.run("pseudonym_text", list(HOSTILE_TEXTS))

    assert all(re.fullmatch(r"p1_[a-z0-9]+_[a-z2-7]{32}", one or "") for one in found)
