"""The network of an IP address."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.masks.networks import LONGEST, ip_prefix, ip_prefixes

FAST = settings(deadline=None, database=None)


@given(address=st.ip_addresses(v=4), length=st.integers(0, 24))
@FAST
def test_an_ipv4_address_becomes_its_network(address: ipaddress.IPv4Address, length: int) -> None:
    """As Python's ipaddress has it; the host's bits are gone."""
    expected = ipaddress.ip_network((address, length), strict=False)

    assert ip_prefix(str(address), v4=length, v6=48) == str(expected)


@given(address=st.ip_addresses(v=6, network="2001:db8::/32"), length=st.integers(0, 48))
@FAST
def test_an_ipv6_address_becomes_its_network(address: ipaddress.IPv6Address, length: int) -> None:
    """In short or long notation, with a zone identifier or without."""
    expected = str(ipaddress.ip_network((address, length), strict=False))

    assert {
        ip_prefix(text, v4=24, v6=length)
        for text in (str(address), address.exploded, f" {address}%eth0 ", str(address).upper())
    } == {expected}


@given(address=st.ip_addresses(v=4))
@FAST
def test_an_ipv4_address_inside_an_ipv6_address_is_masked_as_ipv4(
    address: ipaddress.IPv4Address,
) -> None:
    """Mapped (RFC 4291, 2.5.5.2) and 6to4 (RFC 3056): both would show it whole within 48 bits."""
    expected = ip_prefix(str(address), v4=24, v6=48)
    digits = f"{int(address):08x}"

    assert ip_prefix(f"::ffff:{address}", v4=24, v6=48) == expected
    assert ip_prefix(f"2002:{digits[:4]}:{digits[4:]}::1", v4=24, v6=48) == expected


def test_the_prefix_of_a_6to4_address_would_be_the_whole_ipv4_address() -> None:
    """The twin: 48 bits of `2002:c000:201::` hold 192.0.2.1 (RFC 3056, section 2)."""
    network = ipaddress.ip_network(("2002:c000:201::", 48))

    assert str(network[0].sixtofour) == "192.0.2.1"


@pytest.mark.parametrize(
    "text",
    ["", " ", "*", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4/24", "::g", "%eth0",
     "\u0661.2.3.4", "1.2.3.4\x00", "1" * 1_000_000, ":" * 1_000_000, " " * 1_000_000],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_what_is_no_address_becomes_a_star(text: str) -> None:
    """Nothing of it is shown, and a long text costs nothing."""
    assert ip_prefix(text, v4=24, v6=48) == "*"


@given(text=st.text(max_size=60))
@FAST
def test_any_text_gives_a_network_or_a_star(text: str) -> None:
    """No text raises, so no error can quote one."""
    found = ip_prefix(text, v4=24, v6=48)

    assert found == "*" or ipaddress.ip_network(found).prefixlen in (24, 48)


def test_no_address_is_longer_than_what_is_read() -> None:
    """A cut-off text cannot become an address: the longest one is shorter than the cut."""
    assert len("ffff:" * 6 + "255.255.255.255") < LONGEST


@given(values=st.lists(st.one_of(st.none(), st.ip_addresses().map(str), st.text(max_size=5))))
@FAST
def test_a_column_is_masked_value_by_value(values: list[str | None]) -> None:
    """NULL stays NULL, in one chunk or in several, duplicates and empty columns included."""
    values = values * 2
    expected = [None if one is None else ip_prefix(one, v4=24, v6=48) for one in values]
    column = pa.array(values, type=pa.string())
    pieces = pa.chunked_array([column[:1], column[1:]], type=pa.string())

    assert ip_prefixes(column, v4=24, v6=48).to_pylist() == expected
    assert ip_prefixes(pieces, v4=24, v6=48).to_pylist() == expected
