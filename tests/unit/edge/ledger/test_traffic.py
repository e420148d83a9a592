"""The kernel's counts, and what goes together with them."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import asdict, replace

import pytest

from edge.ledger.entry import canonical
from edge.ledger.tcp_info import KernelBytes, Watched
from edge.ledger.traffic import Meter, Traffic, shortcomings, traffic_of

COUNTS = Traffic(
    tls=False,
    attempts=1,
    connections=1,
    sent=((3, 4), (6, 6)),
    messages=4,
    payload_bytes=1_400,
    again_bytes=400,
    acknowledged_bytes=1_400,
    received=2,
    pings=3,
    mqtt_bytes=1_700,
    kernel=KernelBytes(1_700, 0, 1_701, 60),
)
SIZES = {3: 400, 4: 500, 6: 100}


def pair() -> tuple[socket.socket, socket.socket, socket.socket]:
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    return listener, near, far


def test_the_kernel_counts_what_a_connection_carried() -> None:
    listener, near, far = pair()
    watched = Watched(near)
    near.sendall(b"x" * 5000)
    assert len(far.recv(5000, socket.MSG_WAITALL)) == 5000
    far.sendall(b"y" * 70)
    assert len(near.recv(70, socket.MSG_WAITALL)) == 70
    now = watched.read()
    assert now is not None
    assert (now.sent_bytes, now.received_bytes, now.again_bytes) == (5000, 70, 0)
    assert now.acked_bytes in (5000, 5001)
    assert watched.idle()
    near.close()  # its owner lets go first, as after a lost connection
    watched.close()
    assert watched.read() == now
    assert far.recv(1) == b""
    far.close()
    listener.close()


def test_what_the_kernel_holds_back_is_not_idle() -> None:
    listener, near, far = pair()
    watched = Watched(near)
    near.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            near.send(b"z" * 65536)
    assert not watched.idle()
    for one in (near, far, listener):
        one.close()
    watched.close()


def test_a_meter_counts_a_stretch_and_begins_anew() -> None:
    listener, near, far = pair()
    meter = Meter(tls=False)
    assert meter.counts(0.0) is None
    meter.made(Watched(near), 0.0)
    meter.taken()
    for entry, size in ((3, 40), (4, 50), (3, 40), (6, 10)):
        meter.hands_over(entry, size)
    meter.acknowledged(140)
    near.sendall(b"x" * 300)
    meter.wrote(300)
    far.recv(300, socket.MSG_WAITALL)
    first = meter.counts(60.0)
    assert first is not None
    assert (first.sent, first.messages) == (((3, 4), (6, 6)), 4)
    assert (first.payload_bytes, first.again_bytes) == (140, 40)
    assert first.kernel is not None
    assert first.kernel.sent_bytes == first.mqtt_bytes == 300
    assert first.pings >= 4
    assert shortcomings(first, {3: 40, 4: 50, 6: 10}, 1) == []
    meter.reset()
    assert meter.counts(61.0) is None
    near.sendall(b"x" * 7)
    meter.wrote(7)
    near.close()
    meter.ended(62.0)
    second = meter.counts(62.0)
    assert second is not None
    assert second.kernel is not None
    assert (second.kernel.sent_bytes, second.attempts) == (7, 0)
    far.close()
    listener.close()


def test_counts_read_back_as_they_were_written() -> None:
    for counts in (COUNTS, replace(COUNTS, kernel=None)):
        assert traffic_of(canonical(asdict(counts))) == counts
    with pytest.raises(ValueError, match="validation"):
        traffic_of(b'{"tls": false}')


MOST = COUNTS.payload_bytes + COUNTS.most_more_bytes()
FOUND: dict[str, tuple[Traffic, int]] = {
    "as it should be": (COUNTS, 0),
    "all that is allowed": (replace(COUNTS, kernel=KernelBytes(MOST)), 0),
    "a byte more": (replace(COUNTS, kernel=KernelBytes(MOST + 1)), 1),
    "acknowledged but never sent": (replace(COUNTS, kernel=KernelBytes(1_399)), 1),
    "another sum": (replace(COUNTS, payload_bytes=1_401), 1),
    "an entry that is not there": (replace(COUNTS, sent=((3, 6),)), 1),
    "an entry that was dropped": (replace(COUNTS, sent=((1, 1), (3, 4))), 0),
    "no count of the kernel's": (replace(COUNTS, kernel=None, acknowledged_bytes=9_999), 0),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_does_not_go_together_is_said(name: str) -> None:
    counts, wrong = FOUND[name]
    assert len(shortcomings(counts, SIZES, first_kept=3)) == wrong


def test_tls_may_add_more_but_not_without_bound() -> None:
    under_tls = replace(COUNTS, tls=True)
    assert COUNTS.most_more_bytes() < under_tls.most_more_bytes() < 60_000
    windows = replace(COUNTS, messages=48, payload_bytes=48 * 16_384, attempts=0)
    assert windows.most_more_bytes() < 0.02 * windows.payload_bytes
