"""Do the counts of an entry of traffic go together, and with the entries that it names?

    acknowledged <= MQTT <= packets of the entries named + acknowledgements + pings
    kernel <= MQTT                                              without TLS
    kernel <= MQTT + handshakes + records + ends + unwritten    under TLS

Each packet's size follows from its entry's kind and size and the device's id
(`edge.ledger.mqtt_bytes`). Unwritten is what was handed over and is not in the count of MQTT: of a
record that was on its way when a connection was lost, the kernel may have sent a part.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge.ledger.entry import EntryKind
from edge.ledger.mqtt_bytes import (
    ACK_BYTES,
    CONNECTION_PACKETS,
    DISCONNECT_BYTES,
    LONGEST_DEVICE,
    PING_BYTES,
    connection_bytes,
    packet_bytes,
)
from edge.ledger.traffic import TLS_RECORD_BYTES, TLS_RECORD_HOLDS_BYTES, Traffic
from edge.words import Words

TLS_HANDSHAKE_BYTES = 16_384  # with a chain of certificates
TLS_END_BYTES = 64  # an alert, or the frame of a record that was cut off
_UNKNOWN_BYTES = connection_bytes(LONGEST_DEVICE, 0)  # the most that any kind of payload needs


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a ledger has of the payloads that are sent.

    Attributes:
        entries: kind and size in bytes of each entry, by number, in order.
        first_kept: the first entry that is kept; those before were dropped.
        device: its id; the longest that there may be where it is not known.
    """

    entries: Mapping[int, tuple[EntryKind, int]]
    first_kept: int
    device: str = LONGEST_DEVICE


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed over, by the entries that the counts name.

    Attributes:
        messages: how often.
        payload_bytes: of it.
        packet_bytes: of it, with what MQTT adds.
    """

    messages: int
    payload_bytes: int
    packet_bytes: int


def shortcomings(counts: Traffic, recorded: Recorded) -> list[Words]:
    """Where the counts do not go together; empty if they do."""
    handed = _handed(counts, recorded)
    if handed is None:
        return [_OTHER_SUMS]
    most = (
        handed.packet_bytes
        + counts.received * ACK_BYTES
        + counts.pings * PING_BYTES
        + DISCONNECT_BYTES  # of a connection that was made before
    )
    return [*_of_mqtt(counts, most), *_of_kernel(counts, most)]


def most_records(counts: Traffic) -> int:
    """TLS records that the packets in these counts may fill."""
    packets = counts.messages + counts.received + counts.pings + 1
    packets += counts.attempts * CONNECTION_PACKETS
    return packets + counts.mqtt_bytes // TLS_RECORD_HOLDS_BYTES


def _handed(counts: Traffic, recorded: Recorded) -> Handed | None:
    """By the entries that are named; None if those that are kept do not add up to the counts.

    A range that is too long to be true costs nothing.
    """
    known = list(recorded.entries)
    again = dict(counts.again)
    named = messages = payload_bytes = packets_bytes = 0
    for first, last in counts.sent:
        if last < first or first < 1:
            return None
        named += last - first + 1
        for number in known[bisect_left(known, first) : bisect_right(known, last)]:
            kind, size_bytes = recorded.entries[number]
            times = 1 + again.pop(number, 0)
            if times < 1:
                return None
            messages += times
            payload_bytes += times * size_bytes
            packets_bytes += times * packet_bytes(recorded.device, kind, size_bytes)
            named -= 1
    if all(first >= recorded.first_kept for first, _ in counts.sent):
        same = (messages, payload_bytes) == (counts.messages, counts.payload_bytes)
        whole = same and not named and not again
        return Handed(messages, payload_bytes, packets_bytes) if whole else None
    more, more_bytes = counts.messages - messages, counts.payload_bytes - payload_bytes
    if min(more, more_bytes) < 0:
        return None
    packets_bytes += more_bytes + more * _UNKNOWN_BYTES
    return Handed(counts.messages, counts.payload_bytes, packets_bytes)


def _of_mqtt(counts: Traffic, most_bytes: int) -> Iterator[Words]:
    wrote, acked = counts.mqtt_bytes, counts.acknowledged_bytes
    if wrote > most_bytes:
        yield Words(
            f"{wrote:,} bytes of MQTT were written, at most {most_bytes:,} are accounted for",
            f"写出 MQTT {wrote:,} 字节，可解释的至多 {most_bytes:,} 字节",
        )
    if acked > wrote:
        yield Words(
            f"the broker acknowledged {acked:,} bytes of payload, {wrote:,} bytes of MQTT were"
            " written",
            f"代理确认收到载荷 {acked:,} 字节，而只写出 MQTT {wrote:,} 字节",
        )


def _of_kernel(counts: Traffic, most_bytes: int) -> Iterator[Words]:
    if counts.kernel is None:
        return
    sent, acked, wrote = counts.kernel.sent_bytes, counts.acknowledged_bytes, counts.mqtt_bytes
    shakes = counts.attempts * TLS_HANDSHAKE_BYTES if counts.tls else 0
    records = most_records(counts) * TLS_RECORD_BYTES if counts.tls else 0
    if counts.handshake_bytes > shakes or counts.record_bytes > records:
        added = counts.handshake_bytes + counts.record_bytes
        yield Words(
            f"states {added:,} bytes of TLS; {counts.attempts} connections and their records have"
            f" {shakes + records:,} at most",
            f"写明 TLS {added:,} 字节；{counts.attempts} 次连接及其记录至多"
            f" {shakes + records:,} 字节",
        )
    room = wrote
    if counts.tls:
        ends = (counts.attempts + 1) * TLS_END_BYTES
        room += counts.handshake_bytes + counts.record_bytes + ends + max(0, most_bytes - wrote)
    if sent > room:
        yield Words(
            f"the kernel sent {sent:,} bytes, at most {room:,} are accounted for",
            f"内核发送了 {sent:,} 字节，可解释的至多 {room:,} 字节",
        )
    if acked > sent:
        yield Words(
            f"the broker acknowledged {acked:,} bytes of payload, the kernel sent {sent:,} bytes",
            f"代理确认收到载荷 {acked:,} 字节，而内核只发送了 {sent:,} 字节",
        )


_OTHER_SUMS = Words(
    "the entries it names do not add up to the messages and bytes of payload that it states",
    "其所列条目之和与其写明的消息数和载荷字节数不符",
)
