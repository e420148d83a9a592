"""The judges of Part A: whom a process may be connected to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.audit.finding import Status
from edge.audit.running.socket_tables import Socket, internet, other
from edge.audit.running.sockets import Reach, sockets
from edge.audit.running.values import Descriptor, Role
from tests.unit.edge.audit.judged import BOTH, FAILS, HOLDS, UNSEEN, process


def test_one_connection_may_have_two_descriptors() -> None:
    broker = Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.7", 8883), "01")
    other = replace(broker, inode=6)
    ends = [Descriptor(number, "socket:[5]", BOTH) for number in (4, 7)]
    twice = replace(process(Role.EDGE), descriptors=tuple(ends))
    assert sockets(twice, {5: broker}, REACH).status is HOLDS
    second = replace(twice, descriptors=(*ends, Descriptor(8, "socket:[6]", BOTH)))
    assert sockets(second, {5: broker, 6: other}, REACH).status is FAILS


ANY = "0.0.0.0"  # noqa: S104 - as the tables have it
REACH = Reach(
    broker=("192.0.2.7", 8883),
    page_port=8765,
    camera=("10.0.0.7", 554),
    name_servers=frozenset({"10.1.1.2"}),
)
NAMED = Reach(broker=("broker.example", 8883))
RESOLVED = replace(NAMED, addresses={"broker.example": frozenset({"192.0.2.8"})})
MOVED = replace(NAMED, addresses={"broker.example": frozenset({"192.0.2.9", "::1"})})


@pytest.mark.parametrize(
    ("role", "found", "reach", "status"),
    [
        (Role.VISION, Socket(5, "unix"), REACH, FAILS),
        (Role.VISION, None, REACH, FAILS),
        (Role.EDGE, Socket(5, "unix"), REACH, UNSEEN),  # whose other end nobody tells
        (Role.EDGE, Socket(5, "unix", peer=0), REACH, FAILS),
        (Role.EDGE, Socket(5, "unix", peer=77), REACH, FAILS),
        (Role.EDGE, Socket(5, "unix", peer=77), replace(REACH, launcher=frozenset({77})), HOLDS),
        (Role.EDGE, Socket(5, "unix", path="@somebody"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.7", 8883), "01"), REACH, HOLDS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), NAMED, UNSEEN),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), RESOLVED, HOLDS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01"), MOVED, UNSEEN),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 443), "01"), RESOLVED, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.7", 443), "01"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("127.0.0.1", 8765), (ANY, 0), "0A"), REACH, HOLDS),
        (Role.EDGE, Socket(5, "tcp", (ANY, 8765), (ANY, 0), "0A"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("127.0.0.1", 80), (ANY, 0), "0A"), REACH, FAILS),
        (Role.EDGE, Socket(5, "tcp", ("127.0.0.1", 8765), (ANY, 0), "0A"), NAMED, FAILS),
        (Role.EDGE, Socket(5, "tcp6", ("::1", 8765), ("::1", 999), "01"), REACH, HOLDS),
        (Role.EDGE, Socket(5, "udp", ("10.1.1.1", 5), ("10.1.1.2", 53)), REACH, HOLDS),
        (Role.EDGE, Socket(5, "udp", ("10.1.1.1", 5), ("10.1.1.2", 123)), REACH, FAILS),
        (Role.EDGE, Socket(5, "udp", ("10.1.1.1", 5), ("198.51.100.7", 53)), REACH, FAILS),
        (Role.EDGE, Socket(5, "netlink"), REACH, FAILS),
        (Role.EDGE, Socket(5, "raw", (ANY, 1), (ANY, 0)), REACH, FAILS),
        (Role.RELAY, Socket(5, "tcp", ("10.0.0.2", 5), ("10.0.0.7", 554), "01"), REACH, HOLDS),
        (Role.RELAY, Socket(5, "tcp", ("10.0.0.2", 5), ("10.0.0.9", 554), "01"), REACH, FAILS),
        (Role.RELAY, Socket(5, "udp", ("10.0.0.2", 5), ("10.0.0.7", 554), "01"), REACH, FAILS),
    ],
)
def test_sockets(role: Role, found: Socket | None, reach: Reach, status: Status) -> None:
    held = replace(process(role), descriptors=(Descriptor(5, "socket:[5]", BOTH),))
    table = {} if found is None else {5: found}
    assert sockets(held, table, reach).status is status


def test_two_connections_to_the_broker_are_one_too_many() -> None:
    line = ("10.1.1.1", 5), ("192.0.2.7", 8883), "01"
    both = (Descriptor(5, "socket:[5]", BOTH), Descriptor(6, "socket:[6]", BOTH))
    held = replace(process(Role.EDGE), descriptors=both)
    table = {5: Socket(5, "tcp", *line), 6: Socket(6, "tcp", *line)}
    assert sockets(held, table, REACH).status is FAILS


JOURNAL = Socket(9, "unix", path="/run/systemd/journal/stdout")


@pytest.mark.parametrize(
    ("found", "end", "status"),
    [
        (Socket(5, "unix", peer=9), JOURNAL, HOLDS),
        (Socket(5, "unix", peer=9), replace(JOURNAL, path="/run/systemd/journals"), FAILS),
        (Socket(5, "unix", peer=9), replace(JOURNAL, path=""), FAILS),
        (Socket(5, "unix", peer=5), JOURNAL, FAILS),  # vision has no pair of its own
        (Socket(5, "unix"), JOURNAL, UNSEEN),
        (Socket(5, "tcp"), JOURNAL, FAILS),
    ],
)
def test_the_journal_is_the_only_socket_of_vision(
    found: Socket, end: Socket, status: Status
) -> None:
    held = replace(process(), descriptors=(Descriptor(2, "socket:[5]", BOTH),))
    assert sockets(held, {5: found, 9: end}, REACH).status is status
    elsewhere = replace(held, descriptors=(Descriptor(4, "socket:[5]", BOTH),))
    assert sockets(elsewhere, {5: found, 9: end}, REACH).status is FAILS


def test_a_pair_of_edge_leads_back_to_itself() -> None:
    pair = tuple(Descriptor(number, f"socket:[{number}]", BOTH) for number in (5, 6))
    held = replace(process(Role.EDGE), descriptors=pair)
    table = {5: Socket(5, "unix", peer=6), 6: Socket(6, "unix", peer=5)}
    assert sockets(held, table, REACH).status is HOLDS
    half = replace(held, descriptors=pair[:1])
    assert sockets(half, table, REACH).status is FAILS


def test_an_address_that_the_name_does_not_stand_for_is_shown() -> None:
    held = replace(process(Role.EDGE), descriptors=(Descriptor(5, "socket:[5]", BOTH),))
    stranger = Socket(5, "tcp", ("10.1.1.1", 5), ("192.0.2.8", 8883), "01")
    found = sockets(held, {5: stranger}, MOVED)
    assert "stands for 192.0.2.9, ::1 now, and not for 192.0.2.8" in found.evidence[0]
    assert "192.0.2.8" in found.found.en


def test_lines_of_the_kernels_tables_are_read() -> None:
    tcp = "  0: 0100007F:1F90 0200A8C0:22B3 01 00000000:00000000 00:00000000 00000000 0 0 777 1"
    assert internet("tcp", tcp) == Socket(
        777, "tcp", ("127.0.0.1", 8080), ("192.168.0.2", 8883), "01"
    )
    six = tcp.replace("0100007F", "00000000000000000000000001000000")
    assert internet("tcp6", six.replace("0200A8C0", 24 * "0" + "0200A8C0")).local[0] == "::1"
    unix = "ffff: 00000003 00000000 00000000 0001 03 42 /run/x"
    assert other("unix", unix) == Socket(42, "unix", path="/run/x")
