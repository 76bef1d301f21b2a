"""The network of an IP address."""

from __future__ import annotations

import ipaddress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

NO_ADDRESS = "*"
LONGEST = 64
"""No textual address is longer, zone identifier left out; longer texts are not even parsed."""


def ip_prefix(text: str, *, v4: int, v6: int) -> str:
    """The network of one address, in CIDR form; `*` where the text is no address.

    An IPv4 address inside an IPv6 one counts as IPv4, mapped (`::ffff:192.0.2.1`, RFC 4291) as well
    as 6to4 (`2002:c000:201::`, RFC 3056): the first 48 bits of the latter are the whole IPv4
    address. A zone identifier (`fe80::1%eth0`) is left out.

    Args:
        text: an address in any usual notation, white space around it allowed.
        v4: length of the prefix of an IPv4 network, in bits.
        v6: the same for IPv6.

    >>> ip_prefix("192.0.2.77", v4=24, v6=48)
    '192.0.2.0/24'
    >>> ip_prefix("2001:db8:1:2::3", v4=24, v6=48)
    '2001:db8:1::/48'
    """
    try:
        address = ipaddress.ip_address(text.strip().split("%", 1)[0][:LONGEST])
    except ValueError:
        return NO_ADDRESS
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    length = v4 if address.version == 4 else v6
    return str(ipaddress.ip_network((address, length), strict=False))


def ip_prefixes(addresses: Any, *, v4: int, v6: int) -> pa.Array:
    """`ip_prefix` over an Arrow array of texts; each distinct text is parsed once."""
    if isinstance(addresses, pa.ChunkedArray):
        addresses = addresses.combine_chunks()
    encoded = pc.dictionary_encode(addresses)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    networks = [ip_prefix(text, v4=v4, v6=v6) for text in encoded.dictionary.to_pylist()]
    return pa.array(networks, type=pa.string()).take(encoded.indices)
