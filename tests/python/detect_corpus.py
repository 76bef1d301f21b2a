"""Labelled columns for the scanner: personal ones, with check digits by python-stdnum, and others.

Everything is drawn from a fixed seed. No column has a name that helps.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import random
import uuid
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

SEEDS = Path(__file__).parents[2] / "seeds"
Draw = Callable[[random.Random], str]


def _digits(draw: random.Random, size: int) -> str:
    return "".join(draw.choices("0123456789", k=size))


def _ssn(draw: random.Random) -> str:
    area = draw.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03}-{draw.randrange(1, 100):02}-{draw.randrange(1, 10000):04}"


def _card(draw: random.Random) -> str:
    start, size = draw.choice([("4", 16), ("51", 16), ("55", 16), ("34", 15), ("6011", 16)])
    body = start + _digits(draw, size - len(start) - 1)
    return body + str(import_module("stdnum.luhn").calc_check_digit(body))


def _grouped_card(draw: random.Random) -> str:
    body = "4" + _digits(draw, 14)
    number = body + str(import_module("stdnum.luhn").calc_check_digit(body))
    return " ".join(number[at : at + 4] for at in range(0, 16, 4))


def _iban(draw: random.Random) -> str:
    body = "DE00" + _digits(draw, 18)
    return "DE" + str(import_module("stdnum.iban").calc_check_digits(body)) + body[4:]


def _email(draw: random.Random) -> str:
    name = draw.choice(["anna", "j.smith", "mueller", "li_wei", "o'brien", "x"])
    host = draw.choice(["example.org", "mail.example.com", "example.co.uk", "uni.example.edu"])
    return f"{name}{draw.randrange(10000)}@{host}"


def _phone(draw: random.Random) -> str:
    return f"+1 {draw.choice(['212', '312', '415'])} {draw.randrange(200, 999)} {_digits(draw, 4)}"


def _us_phone(draw: random.Random) -> str:
    area = draw.choice(["212", "312", "415", "617", "702", "808", "907", "512", "303", "206"])
    return f"({area}) {draw.randrange(200, 999)}-{_digits(draw, 4)}"


def _ip(draw: random.Random) -> str:
    return ".".join(str(draw.randrange(1, 255)) for _ in range(4))


def _ipv6(draw: random.Random) -> str:
    return "2001:db8:" + ":".join(f"{draw.randrange(1, 65536):x}" for _ in range(6))


def _mac(draw: random.Random) -> str:
    return ":".join(f"{draw.randrange(256):02x}" for _ in range(6))


def _url(draw: random.Random) -> str:
    return f"https://example.org/u/{draw.randrange(10**6)}"


def _kept(name: str, make: Draw) -> Draw:
    """Numbers that python-stdnum finds valid, of those that `make` draws."""
    module = import_module(f"stdnum.{name}")

    def draw_valid(draw: random.Random) -> str:
        while True:
            number = make(draw)
            if module.is_valid(number):
                return number

    return draw_valid


def _with_check(name: str, make: Draw, function: str = "calc_check_digit") -> Draw:
    calculate = getattr(import_module(f"stdnum.{name}"), function)

    def draw_valid(draw: random.Random) -> str:
        body = make(draw)
        return body + str(calculate(body))

    return draw_valid


def _born(draw: random.Random, form: str) -> str:
    day = datetime.date(1930, 1, 1) + datetime.timedelta(days=draw.randrange(27_000))
    return day.strftime(form)


def _fiscal(draw: random.Random) -> str:
    letters = "".join(draw.choices("BCDFGLMNPRSTV", k=6))
    born = f"{draw.randrange(30, 99)}{draw.choice('ABCDEHLMPRST')}{draw.randrange(10, 29)}"
    body = f"{letters}{born}H501"
    return body + str(import_module("stdnum.it.codicefiscale").calc_check_digit(body))


def _of_seed(file: str, column: str) -> Draw:
    with (SEEDS / file).open(encoding="utf-8", newline="") as lines:
        found = sorted({row[column] for row in csv.DictReader(lines) if row[column]})
    return lambda draw: draw.choice(found)


PERSONAL: dict[str, tuple[str, Draw]] = {
    "ssn": ("ssn", _ssn),
    "card": ("credit_card", _card),
    "card, grouped": ("credit_card", _grouped_card),
    "iban": ("iban", _iban),
    "e-mail": ("email", _email),
    "phone, international": ("phone", _phone),
    "phone, US": ("phone", _us_phone),
    "ip": ("ip_address", _ip),
    "ip, version 6": ("ip_address", _ipv6),
    "mac": ("mac_address", _mac),
    "de.idnr": ("national_id", _kept("de.idnr", lambda draw: _digits(draw, 11))),
    "fr.nir": (
        "national_id",
        lambda draw: (lambda body: body + import_module("stdnum.fr.nir").calc_check_digits(body))(
            f"{draw.choice('12')}{_born(draw, '%y%m')}{draw.randrange(1, 96):02}{_digits(draw, 6)}"
        ),
    ),
    "es.dni": ("national_id", _with_check("es.dni", lambda draw: _digits(draw, 8))),
    "it.codicefiscale": ("national_id", _fiscal),
    "gb.nhs": ("national_id", _kept("gb.nhs", lambda draw: _digits(draw, 10))),
    "nl.bsn": ("national_id", _kept("nl.bsn", lambda draw: _digits(draw, 9))),
    "pl.pesel": (
        "national_id",
        _with_check("pl.pesel", lambda draw: _born(draw, "%y%m%d") + _digits(draw, 4)),
    ),
    "se.personnummer": (
        "national_id",
        _kept("se.personnummer", lambda draw: f"{_born(draw, '%y%m%d')}-{_digits(draw, 4)}"),
    ),
    "br.cpf": ("national_id", _kept("br.cpf", lambda draw: _digits(draw, 11))),
    "in_.aadhaar": ("national_id", _kept("in_.aadhaar", lambda draw: _digits(draw, 12))),
    "given name": ("person_name", _of_seed("seed_census.csv", "first_name")),
    "address": ("street_address", _of_seed("seed_census.csv", "street_address")),
}
"""Direct identifiers: the type, and how one is drawn."""


def _counter(start: int) -> Draw:
    state = [start]

    def following(_draw: random.Random) -> str:
        state[0] += 1
        return str(state[0])

    return following


OTHERS: dict[str, Draw] = {
    "6 digits": lambda draw: str(draw.randrange(10**5, 10**6)),
    "9 digits": lambda draw: str(draw.randrange(10**8, 10**9)),
    "10 digits": lambda draw: str(draw.randrange(10**9, 10**10)),
    "11 digits": lambda draw: str(draw.randrange(10**10, 10**11)),
    "12 digits": lambda draw: str(draw.randrange(10**11, 10**12)),
    "13 digits": lambda draw: str(draw.randrange(10**12, 10**13)),
    "16 digits": lambda draw: str(draw.randrange(10**15, 10**16)),
    "counter of 9 digits": _counter(123_000_000),
    "counter of 10 digits": _counter(3_125_550_100),
    "seconds since 1970": lambda draw: str(1_700_000_000 + draw.randrange(10**7)),
    "milliseconds since 1970": lambda draw: str(1_700_000_000_000 + draw.randrange(10**10)),
    "price": lambda draw: f"{draw.random() * 1000:.2f}",
    "float": lambda draw: repr(draw.random()),
    "version": lambda draw: ".".join(str(draw.randrange(20)) for _ in range(4)),
    "part number": lambda draw: f"{_digits(draw, 3)}-{_digits(draw, 3)}-{_digits(draw, 4)}",
    "part number 2": lambda draw: f"AB{_digits(draw, 5)}C",
    "order": lambda draw: f"ORD-2024-{_digits(draw, 6)}",
    "uuid": lambda draw: str(uuid.UUID(int=draw.getrandbits(128), version=4)),
    "sha-256": lambda draw: hashlib.sha256(draw.randbytes(8)).hexdigest(),
    "hex of 8": lambda draw: f"{draw.getrandbits(32):08x}",
    "hex of 12": lambda draw: f"{draw.getrandbits(48):012x}",
    "time": lambda draw: f"{draw.randrange(24):02}:{draw.randrange(60):02}",
    "percent": lambda draw: f"{draw.randrange(1000) / 10}%",
    "status": lambda draw: draw.choice(["active", "pending", "cancelled", "returned"]),
    "month": lambda draw: draw.choice(
        "January February March April May June July August September October".split()
    ),
    "colour": lambda draw: draw.choice(
        "red green blue black white brown gray violet orange pink olive navy teal gold".split()
    ),
    "state": lambda draw: draw.choice(
        "Alabama Arizona Florida Georgia Illinois Indiana Iowa Kansas Maine Nevada Ohio Oregon Utah"
        " Texas Vermont Virginia Washington Wyoming".split()
    ),
    "employer": _of_seed("seed_w2.csv", "employer_name"),
    "word": lambda draw: draw.choice(
        "order invoice desk lamp chair table report shipment contract budget delivery return box"
        " screen keyboard cable paper printer folder monitor".split()
    ),
    "sentence": lambda draw: (
        f"{draw.choice(['The order', 'A return', 'This delivery'])} was"
        f" {draw.choice(['late', 'early', 'complete'])} by {draw.randrange(90)} minutes"
    ),
    "garbage": lambda draw: "".join(chr(draw.randrange(1, 0x2FF)) for _ in range(30)),
}
"""What identifies nobody by itself."""


def values(draw: Draw, count: int, seed: int) -> list[str | None]:
    """`count` values, the same for the same seed."""
    numbers = random.Random(seed)
    return [draw(numbers) for _ in range(count)]
