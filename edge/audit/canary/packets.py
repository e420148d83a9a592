"""Whose a packet is: read from its own headers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from edge.audit.instruments.network import Packet

_ETHERNET_BYTES = 14
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP = 6


def other_packets(packets: Sequence[Packet], port: int) -> Iterator[str]:
    """A line for each kind of packet that is not TCP from or to `port` of this machine."""
    seen = set()
    for one in packets:
        kind, ports, line = _read(one.data)
        if (kind != _TCP or port not in ports) and line not in seen:
            seen.add(line)
            yield line


def _read(data: bytes) -> tuple[int, tuple[int, int], str]:
    """Protocol, ports, and a line that says so."""
    ether = int.from_bytes(data[12:14], "big")
    body = data[_ETHERNET_BYTES:]
    if ether == _IPV4 and len(body) >= 20:
        kind, head = body[9], 4 * (body[0] & 15)
        ends = ipaddress.ip_address(body[12:16]), ipaddress.ip_address(body[16:20])
    elif ether == _IPV6 and len(body) >= 40:
        kind, head = body[6], 40
        ends = ipaddress.ip_address(body[8:24]), ipaddress.ip_address(body[24:40])
    else:
        return -1, (0, 0), f"a packet of type {ether:#06x}"
    ports = int.from_bytes(body[head : head + 2], "big"), int.from_bytes(body[head + 2 : head + 4])
    return kind, ports, f"protocol {kind} from {ends[0]} to {ends[1]}, port {ports[1]}"
