"""What names stand for at this moment, and who is asked for it."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path

from edge.audit.running.reading import PROC

_RESOLVER = Path("etc/resolv.conf")
_WITHOUT_ANY = "127.0.0.1"  # resolv.conf(5)


def addresses_of(host: str) -> frozenset[str]:
    """The addresses that a host's name stands for now; an address stands for itself."""
    found = set()
    with suppress(OSError, UnicodeError):
        for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            found.add(plain(str(place[0])))
    return frozenset(found)


def name_servers(pid: int) -> frozenset[str]:
    """The name servers that a process asks, by the resolv.conf that it sees."""
    found = set()
    with suppress(OSError):
        for line in (PROC / str(pid) / "root" / _RESOLVER).read_text("utf-8").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                with suppress(ValueError):
                    found.add(plain(words[1]))
    return frozenset(found or {_WITHOUT_ANY})


def plain(text: str) -> str:
    """An address as the kernel's tables are read: without its interface, IPv4 as IPv4.

    >>> plain("fe80::1%eth0"), plain("::ffff:192.0.2.7")
    ('fe80::1', '192.0.2.7')
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
