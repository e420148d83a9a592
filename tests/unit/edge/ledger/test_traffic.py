"""The kernel's counts, and what goes together with them."""

from __future__ import annotations

import socket
from contextlib import suppress

from edge.ledger.entry import EntryKind
from edge.ledger.reconciling import Recorded, shortcomings
from edge.ledger.tcp_info import Watched
from edge.ledger.traffic import TLS_RECORD_BYTES, Meter


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
    assert (first.payload_bytes, first.again) == (140, ((3, 1),))
    assert first.kernel is not None
    assert first.kernel.sent_bytes == first.mqtt_bytes == 300
    sizes = {3: 40, 4: 50, 6: 10}
    recorded = {number: (EntryKind.STATE, size) for number, size in sizes.items()}
    assert shortcomings(first, Recorded(recorded, 1)) == []
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


def test_a_will_of_a_connection_on_which_nothing_was_written_was_not_sent() -> None:
    listener, near, far = pair()
    meter = Meter(tls=True)
    meter.made(Watched(near), 0.0)
    meter.hands_over(3, 200)
    near.sendall(b"h" * 500)  # a handshake that fails
    meter.ended(1.0)
    found = meter.counts(1.0)
    assert found is not None
    assert (found.sent, found.messages, found.payload_bytes) == ((), 0, 0)
    assert (found.handshake_bytes, found.record_bytes) == (500, 0)
    assert shortcomings(found, Recorded({3: (EntryKind.WILL, 200)}, 1)) == []
    for one in (near, far, listener):
        one.close()


def test_of_what_tls_adds_no_more_than_a_records_frame_is_put_down_to_it() -> None:
    listener, near, far = pair()
    meter = Meter(tls=True)
    meter.made(Watched(near), 0.0)
    meter.hands_over(3, 200)
    for added, size, beside in ((22, 300, 700), (22, 40, 0), (22, 20_000, 22), (22, 40, 1024)):
        near.sendall(b"x" * (added + size + beside))
        meter.wrote(size)
        far.recv(added + size + beside, socket.MSG_WAITALL)
    near.close()
    meter.ended(1.0)
    found = meter.counts(1.0)
    assert found is not None
    assert found.handshake_bytes == 700 + 22 - TLS_RECORD_BYTES
    assert found.record_bytes == TLS_RECORD_BYTES + 22 + 44 + TLS_RECORD_BYTES
    assert found.mqtt_bytes == 20_380
    assert found.kernel is not None
    beside_tls = found.kernel.sent_bytes - found.mqtt_bytes
    assert beside_tls - found.handshake_bytes - found.record_bytes == 1024 + 22 - TLS_RECORD_BYTES
    far.close()
    listener.close()


def test_pings_are_counted_by_their_size_and_bounded_by_time() -> None:
    listener, near, far = pair()
    meter = Meter(tls=False)
    meter.made(Watched(near), 0.0)
    for size in (50, 2, 2, 4, 2):
        meter.wrote(size)
    found = meter.counts(1800.0)
    assert found is not None
    assert found.pings == 3
    for _ in range(500):
        meter.wrote(2)
    found = meter.counts(1800.0)
    assert found is not None
    assert found.pings == 62
    near.close()
    meter.ended(1800.0)
    far.close()
    listener.close()
