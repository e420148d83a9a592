"""Counts that do not go together are named; what MQTT and TLS add is known to the byte."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from edge.ledger.entry import EntryKind, canonical
from edge.ledger.mqtt_bytes import LONGEST_DEVICE, connection_bytes, packet_bytes
from edge.ledger.reconciling import TLS_END_BYTES, Recorded, shortcomings
from edge.ledger.tcp_info import KernelBytes
from edge.ledger.traffic import TLS_RECORD_BYTES, Traffic, traffic_of

KIOSK = "kiosk-7"
WINDOW, BEAT, WILL = 4096, 1024, 180
ENTRIES = {
    3: (EntryKind.WILL, WILL),
    4: (EntryKind.WINDOW, WINDOW),
    **dict.fromkeys(range(5, 65), (EntryKind.HEALTH, BEAT)),
}
RECORDED = Recorded(ENTRIES, 3, KIOSK)
MQTT = packet_bytes(KIOSK, EntryKind.WINDOW, WINDOW) + 30 * packet_bytes(
    KIOSK, EntryKind.HEALTH, BEAT
)
PINGS, ACKS = 30, 1
WROTE = MQTT + 2 * PINGS + 4 * ACKS
RECORDS = 31 + PINGS + ACKS
QUIET = Traffic(  # a window of half an hour, a heartbeat each minute, no reconnection
    tls=False,
    attempts=0,
    connections=0,
    sent=((4, 34),),
    again=(),
    messages=31,
    payload_bytes=WINDOW + 30 * BEAT,
    acknowledged_bytes=WINDOW + 30 * BEAT,
    received=ACKS,
    pings=PINGS,
    mqtt_bytes=WROTE,
    handshake_bytes=0,
    record_bytes=0,
    kernel=KernelBytes(WROTE, 0, WROTE, 90),
)
BY_TLS = replace(
    QUIET, tls=True, record_bytes=22 * RECORDS, kernel=KernelBytes(WROTE + 22 * RECORDS)
)
SHOOK = 1_950
JOINED = connection_bytes(KIOSK, WILL)
AGAIN = replace(  # the same, with a connection made anew
    BY_TLS,
    attempts=1,
    connections=1,
    sent=((3, 34),),
    messages=32,
    payload_bytes=QUIET.payload_bytes + WILL,
    mqtt_bytes=WROTE + JOINED,
    handshake_bytes=SHOOK,
    record_bytes=22 * (RECORDS + 4),
    kernel=KernelBytes(WROTE + JOINED + SHOOK + 22 * (RECORDS + 4)),
)


def more(counts: Traffic, mqtt: int, kernel: int | None = None) -> Traffic:
    """The same with more bytes of MQTT, and more that the kernel sent."""
    assert counts.kernel is not None
    sent = counts.kernel.sent_bytes + (mqtt if kernel is None else kernel)
    seen = replace(counts.kernel, sent_bytes=sent)
    return replace(counts, mqtt_bytes=counts.mqtt_bytes + mqtt, kernel=seen)


HONEST: dict[str, Traffic] = {
    "without TLS": QUIET,
    "under TLS": BY_TLS,
    "a connection made anew": AGAIN,
    "version 3.1.1": more(QUIET, -31),
    "TLS 1.2": replace(BY_TLS, record_bytes=29 * RECORDS, kernel=KernelBytes(WROTE + 29 * RECORDS)),
    "no count of the kernel's": replace(BY_TLS, kernel=None, record_bytes=0),
    "no ping": more(replace(QUIET, pings=0), -2 * PINGS),
    "one sent twice": replace(
        more(QUIET, packet_bytes(KIOSK, EntryKind.WINDOW, WINDOW)),
        again=((4, 1),),
        messages=32,
        payload_bytes=QUIET.payload_bytes + WINDOW,
    ),
    "lost before the last was written": replace(
        more(BY_TLS, -2_000, 0), acknowledged_bytes=QUIET.payload_bytes - WINDOW
    ),
    "an entry of it was dropped": replace(
        QUIET, sent=((1, 1), *QUIET.sent), messages=32, payload_bytes=QUIET.payload_bytes + 90
    ),
}
FOUND: dict[str, tuple[Traffic, str]] = {
    "a heartbeat more": (more(QUIET, BEAT + 38), "bytes of MQTT were written"),
    "1,024 bytes more": (more(QUIET, 1_024), "bytes of MQTT were written"),
    "1,024 bytes more under TLS": (more(BY_TLS, 1_024), "bytes of MQTT were written"),
    "1,024 bytes more, and reconnected": (more(AGAIN, 1_024), "bytes of MQTT were written"),
    "200 bytes more": (more(BY_TLS, 200), "bytes of MQTT were written"),
    "1,024 bytes beside MQTT": (more(QUIET, 0, 1_024), "the kernel sent"),
    "a byte beside MQTT": (more(QUIET, 0, 1), "the kernel sent"),
    "1,024 bytes beside it under TLS": (more(BY_TLS, 0, 1_024), "the kernel sent"),
    "1,024 bytes beside it, and reconnected": (more(AGAIN, 0, 1_024), "the kernel sent"),
    "5,000 bytes more": (more(BY_TLS, 5_000), "bytes of MQTT were written"),
    "16,000 bytes more, and reconnected": (more(AGAIN, 16_000), "bytes of MQTT were written"),
    "more is TLS than it can be": (
        replace(more(BY_TLS, 0, 5_000), record_bytes=BY_TLS.record_bytes + 5_000),
        "bytes of TLS",
    ),
    "a handshake without a connection": (
        replace(more(BY_TLS, 0, 5_000), handshake_bytes=5_000),
        "bytes of TLS",
    ),
    "a handshake without TLS": (replace(QUIET, attempts=1, handshake_bytes=5), "bytes of TLS"),
    "acknowledged but never written": (more(QUIET, -3_000), "bytes of MQTT were written"),
    "acknowledged but never sent": (more(QUIET, 0, -3_000), "the kernel sent"),
    "another sum": (replace(QUIET, payload_bytes=QUIET.payload_bytes + 1), "do not add up"),
    "another count": (replace(QUIET, messages=32), "do not add up"),
    "an entry that is not there": (replace(QUIET, sent=((4, 34), (65, 65))), "do not add up"),
    "a range without end": (replace(QUIET, sent=((4, 10**15),)), "do not add up"),
    "a range backwards": (replace(QUIET, sent=((34, 4),)), "do not add up"),
    "a repetition of another entry": (replace(QUIET, again=((50, 1),)), "do not add up"),
    "less than none": (replace(QUIET, again=((4, -1),)), "do not add up"),
    "less than was kept": (
        replace(QUIET, sent=((1, 1), *QUIET.sent), payload_bytes=9),
        "do not add up",
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_counts_that_go_together_hold(name: str) -> None:
    assert [one.en for one in shortcomings(HONEST[name], RECORDED)] == []


@pytest.mark.parametrize("name", FOUND)
def test_what_does_not_go_together_is_said(name: str) -> None:
    counts, said = FOUND[name]
    found = shortcomings(counts, RECORDED)
    assert any(said in one.en for one in found)
    assert all(one.zh != one.en for one in found)


def test_how_much_room_is_left_in_a_window() -> None:
    """The largest that goes unseen: without TLS, under it, and with a connection made anew."""
    room = []
    for counts in (QUIET, BY_TLS, AGAIN):
        mqtt = (size for size in range(2_000) if shortcomings(more(counts, size), RECORDED))
        beside = (size for size in range(2_000) if shortcomings(more(counts, 0, size), RECORDED))
        room.append((next(mqtt) - 1, next(beside) - 1))
    assert room == [(2, 0), (2, 2 + TLS_END_BYTES), (2, 2 + 2 * TLS_END_BYTES)]


def test_counts_read_back_as_they_were_written() -> None:
    for counts in (QUIET, AGAIN, replace(QUIET, kernel=None)):
        assert traffic_of(canonical(asdict(counts))) == counts
    with pytest.raises(ValueError, match="validation"):
        traffic_of(b'{"tls": false}')


def test_a_device_that_is_not_known_has_the_longest_id() -> None:
    bare = replace(RECORDED, device=LONGEST_DEVICE)
    assert shortcomings(QUIET, bare) == []
    assert connection_bytes(LONGEST_DEVICE, 0) == connection_bytes(KIOSK, 0) + 5 * 56 + 1
    assert TLS_RECORD_BYTES == 5 + 8 + 16
