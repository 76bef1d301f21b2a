"""The rules of the scanner against known answers, and how often random text passes them."""

from __future__ import annotations

import random
import string
from importlib import import_module

import pytest

from veil.detect import extras
from veil.detect.checksums import NATIONAL_IDS, is_card, luhn
from veil.detect.detector import Detector, examine, measured_chance, scramble
from veil.detect.hints import hint
from veil.detect.people import CHANCE, is_name
from veil.detect.samples import ColumnSample
from veil.detect.shapes import is_ssn, parse_date
from veil.detect.statistics import precision, real_share, wilson
from veil.detect.verdict import detectors
from veil.errors import VeilError

DIGITS = random.Random(11)


def accepted(name: str, value: str) -> bool:
    """Whether a rule of this name takes the value."""
    return any(
        bool(one.fits(value)) and one.accepts(value) for one in detectors() if one.name == name
    )


@pytest.mark.parametrize(
    ("hits", "candidates", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    hits: int, candidates: int, low: float, high: float
) -> None:
    """Wilson's interval, to the four digits that Newcombe prints."""
    assert [round(end, 4) for end in wilson(hits, candidates)] == [low, high]


def test_luck_is_taken_out() -> None:
    """As many hits as chance gives are worth nothing; hits without chance are all real."""
    assert real_share(100, 1000, chance=0.1) == 0
    assert precision(100, 1000, chance=0.1) == 0
    assert precision(1000, 1000, chance=0.1) > 0.99
    assert precision(1, 1000, chance=0) == 1
    assert precision(0, 0, chance=0.5) == 0


GOOD = {
    # the card networks' published test numbers
    "credit_card": ["4111111111111111", "5555 5555 5555 4444", "378282246310005"],
    # the examples of the IBAN registry (ISO 13616)
    "iban": ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "NO9386011117947"],
    # RFC 2606 names; forms of RFC 5322
    "email": ["a@example.com", "first.last+tag@sub.example.co.uk", "o'brien@example.org"],
    # RFC 5737, RFC 3849
    "ip_address": ["192.0.2.1", "203.0.113.255", "2001:db8::1"],
    # RFC 7042
    "mac_address": ["00:00:5E:00:53:01", "00-00-5e-00-53-ff", "0000.5e00.5301"],
    # numbers set aside for drama by NANPA and Ofcom
    "phone": ["+44 20 7946 0958", "(212) 555-0123", "+12125550123"],
    "date": ["1984-02-29", "29.02.1984", "02/29/1984", "19840229", "1984-02-29T10:00:00Z"],
    "street_address": ["540 valleydale ln", "Hauptstraße 5a, 53111 Bonn", "P.O. Box 12"],
    "person_name": ["Carla Wong", "Müller", "Anna-Maria O'Neil", "Dr. John Smith"],
}
BAD = {
    "credit_card": ["4111111111111112", "0000000000000000", "9111111111111111", "411111111111"],
    "iban": ["DE89370400440532013001", "XX89370400440532013000", "DE89"],
    "email": ["a@b", "@example.com", "a b@example.com", "example.org", "a@@example.org"],
    "ip_address": ["256.1.1.1", "10.0.0.0/24", "1.2.3", "::::", "12:30"],
    "mac_address": ["00:00:5E:00:53", "00:00-5E:00:53:01", "zz:00:5e:00:53:01"],
    "phone": ["+1 000 000 0000", "2024-02-27", "1234.56", "12"],
    "date": ["1985-02-29", "2024-13-01", "1234-01-01", "99/99/2000", "noon"],
    "street_address": ["Tar River Elementary School", "12", "a street"],
    "person_name": ["xqzt", "12 Smith", "the order was late and incomplete", "[redacted]"],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, vs in GOOD.items() for v in vs])
def test_known_good_value_is_accepted(name: str, value: str) -> None:
    """Published examples of each kind pass."""
    assert accepted(name, value)


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, vs in BAD.items() for v in vs])
def test_known_bad_value_is_refused(name: str, value: str) -> None:
    """What only looks like one does not pass."""
    assert not accepted(name, value)


@pytest.mark.parametrize(
    ("number", "good"),
    [
        # SSA, RM 10201.035: no area 000, 666, 900-999, no group 00, no serial 0000
        ("001-01-0001", True),
        ("899-99-9999", True),
        ("772-12-3456", True),
        ("000-12-3456", False),
        ("666-12-3456", False),
        ("900-12-3456", False),
        ("123-00-4567", False),
        ("123-45-0000", False),
    ],
)
def test_ssn_rules(number: str, good: bool) -> None:
    """The rules of the Social Security Administration."""
    assert is_ssn(number) is good


# The examples in the documentation of each python-stdnum module, from the issuing offices.
EXAMPLES = {
    "be.nn": "85 07 30 033 28",
    "bg.egn": "8032056031",
    "br.cpf": "390.533.447-05",
    "ca.sin": "123-456-782",
    "ch.ssn": "7569217076985",
    "cz.rc": "710319/2745",
    "de.idnr": "36 574 261 809",
    "dk.cpr": "211062-5629",
    "ee.ik": "36805280109",
    "es.dni": "54362315-K",
    "es.nie": "X-2482300W",
    "fi.hetu": "131052-308T",
    "fr.nir": "2 95 10 99 126 111 93",
    "gb.nhs": "943-476-5870",
    "in_.aadhaar": "234123412346",
    "it.codicefiscale": "RCCMNL83S18D969H",
    "kr.rrn": "971013-9019902",
    "mx.curp": "BOXW310820HNERXN09",
    "nl.bsn": "111222333",
    "no.fodselsnummer": "151086 95088",
    "pl.pesel": "44051401359",
    "pt.cc": "00000000 0 ZZ4",
    "ro.cnp": "1630615123457",
    "se.personnummer": "880320-0016",
    "tr.tckimlik": "17291716060",
    "us.itin": "912-90-3456",
    "at.vnr": "1237 010180",
    "za.idnr": "7503305044089",
}


def test_every_national_id_has_an_example() -> None:
    """The list of examples is the list of ids."""
    assert sorted(EXAMPLES) == sorted(NATIONAL_IDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_national_id_is_accepted_and_a_wrong_digit_is_not(name: str) -> None:
    """The example passes as written; of its neighbours by one digit, most do not."""
    rule = next(one for one in detectors() if one.variant == name.replace("_", ""))
    example = EXAMPLES[name]
    last = next(at for at in reversed(range(len(example))) if example[at].isdigit())
    neighbours = [example[:last] + digit + example[last + 1 :] for digit in string.digits]
    passed = [text for text in neighbours if rule.fits(text) and rule.accepts(text)]

    assert rule.fits(example)
    assert rule.accepts(example)
    # Those without a check digit count only under a name that says the same.
    assert len(passed) < 3 or not rule.alone


def test_one_in_ten_random_numbers_passes_luhn() -> None:
    """Luhn by chance: 0.1. Wrongly flagged in one of a million drawings: 5 standard errors."""
    share = sum(luhn(f"{DIGITS.randrange(10**15):015}") for _ in range(20_000)) / 20_000

    assert abs(share - 0.1) < 5 * (0.1 * 0.9 / 20_000) ** 0.5


@pytest.mark.parametrize(
    ("variant", "size", "low", "high"),
    [("nl.bsn", 9, 0.06, 0.16), ("gb.nhs", 10, 0.06, 0.16), ("br.cpf", 11, 0.005, 0.04)],
)
def test_measured_chance_is_that_of_the_check_digits(
    variant: str, size: int, low: float, high: float
) -> None:
    """Modulo 11 lets 1 in 11 through, two such digits 1 in 100; measured as an upper bound."""
    rule = next(one for one in detectors() if one.variant == variant)
    numbers = [str(DIGITS.randrange(10 ** (size - 1), 10**size)) for _ in range(200)]

    assert low < measured_chance(rule, numbers) < high


def test_rules_of_form_keep_the_chance_that_they_state() -> None:
    """200,000 random printable texts of 16 to 24 characters: no more hits than stated.

    The bound is four expected hits above the stated chance; a true one at it fails below 1e-3, and
    the texts are the same at every run.
    """
    draw = random.Random(5)
    texts = [
        "".join(draw.choices(string.printable[:95], k=draw.randrange(16, 25)))
        for _ in range(200_000)
    ]
    rules = [
        one
        for one in detectors()
        if one.chance is not None and one.name not in {"person_name", "street_address"}
    ]
    hits = {
        (one.name, one.variant): sum(bool(one.fits(text)) and one.accepts(text) for text in texts)
        for one in rules
    }

    assert len(rules) >= 6
    assert all(hits[one.name, one.variant] <= (one.chance or 0) * len(texts) + 4 for one in rules)


def test_ordinary_words_pass_as_names_less_often_than_stated() -> None:
    """Of 971 frequent English words (Faker's list), the stated share or fewer are names too."""
    words = set(import_module("faker.providers.lorem.en_US").Provider.word_list)
    share = sum(is_name(word) for word in words) / len(words)

    assert 0.05 < share < CHANCE


def test_skeleton_keeps_length_and_separators() -> None:
    """Digits stay digits, letters letters of their kind, and a number keeps its length."""
    draw = random.Random(1)
    made = {scramble("AB-12 c.0", draw) for _ in range(50)}

    assert len(made) > 40
    assert all(
        text[:2].isupper() and text[2] == "-" and text[3] != "0" and text[6].islower()
        for text in made
    )


def test_what_all_values_begin_with_is_no_evidence() -> None:
    """Most seconds since 1970 begin with a date, as Danish ids do; so does random text then."""
    rule = next(one for one in detectors() if one.variant == "dk.cpr")
    seconds = [str(1_700_000_000 + DIGITS.randrange(10**7)) for _ in range(300)]
    numbers = [str(DIGITS.randrange(10**9, 10**10)) for _ in range(300)]

    assert sum(map(rule.accepts, seconds)) / 300 > 0.6
    assert measured_chance(rule, seconds) > 0.6
    assert measured_chance(rule, numbers) < 0.1


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_no_rule_breaks_on_any_text(size: int) -> None:
    """Random Unicode, digits of other scripts and lone marks end in a yes or a no."""
    draw = random.Random(size)
    pool = [chr(n) for n in (*range(0, 0x250), *range(0x660, 0x66A), 0x1F600, 0x200B, 0xFFFD)]
    texts = tuple({"".join(draw.choices(pool, k=size)) for _ in range(100)} | {"١٢٣٤٥٦٧٨٩", "²²²"})
    column = ColumnSample("x", "VARCHAR", texts, len(texts), len(texts))

    assert all(isinstance(examine(one, column), list) for one in detectors())


def test_search_in_a_hostile_cell_is_linear() -> None:
    """Long runs of what an address may begin with take no more steps than their length allows."""
    cell = ("a" * 63 + ".") * 60
    column = ColumnSample.of("x", [cell + str(n) for n in range(200)])

    assert [one for rule in detectors() for one in examine(rule, column) if one.is_inside] == []


@pytest.mark.parametrize(
    ("name", "privacy_type"),
    [
        ("dateOfBirth", "date_of_birth"),
        ("DOB", "date_of_birth"),
        ("Geburtsdatum", "date_of_birth"),
        ("birth_year", "birth_year"),
        ("emailAddress", "email"),
        ("customer_phone_number", "phone"),
        ("clientIP", "ip_address"),
        ("last name", "person_name"),
        ("name", "person_name"),
        ("chart_no", "chart_number"),
        ("patient_id", "person_id"),
        ("employer_id", "employer_id"),
        ("zip", "postcode"),
        ("wages", "amount"),
    ],
)
def test_column_name_hints_at_its_type(name: str, privacy_type: str) -> None:
    """Whatever the case and the separators."""
    found = hint(name)

    assert found is not None
    assert found.privacy_type == privacy_type


@pytest.mark.parametrize("name", ["product_name", "file_name", "chapter", "shipment", "x", "", "_"])
def test_other_column_name_says_nothing(name: str) -> None:
    """A name is a name of somebody only where nothing says of what else."""
    assert hint(name) is None


def test_date_is_read_in_every_order() -> None:
    """Day first where the month would not fit, month first where it does."""
    assert str(parse_date("31.12.1999")) == str(parse_date("12/31/1999")) == "1999-12-31"


def test_absent_library_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the message says what to install."""

    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(extras, "import_module", absent)

    with pytest.raises(VeilError, match=r"python-stdnum\..*dbt-veil\[scan\]"):
        extras.library("stdnum.iban")


def test_sample_and_rules_print_no_value() -> None:
    """The representation of a sample, which a traceback may hold, has counts alone."""
    column = ColumnSample.of("x", ["4111111111111111"])
    found = [
        repr(one)
        for rule in detectors()
        for one in examine(rule, column)
        if isinstance(rule, Detector)
    ]

    assert is_card("4111111111111111")
    assert found
    assert "4111111111111111" not in repr(column) + "".join(found)
