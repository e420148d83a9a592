"""Addresses as failed attempts are counted: by the network that one party holds."""

import ipaddress

IPV6_NETWORK_BITS = 64
"""The smallest network that a connection is given (RFC 6177): who has one has 2^64 addresses."""


def network_of(address: str) -> str:
    """The network of an address, or itself where it is of IPv4 or none at all.

    >>> network_of("2001:db8::7"), network_of("::ffff:192.0.2.7"), network_of("192.0.2.7")
    ('2001:db8::/64', '192.0.2.7', '192.0.2.7')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK_BITS), strict=False))
