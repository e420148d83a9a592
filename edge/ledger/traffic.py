"""What went over the broker's connections, by three counts that an auditor holds together.

    payloads, by the ledger's own entries
      <= bytes of MQTT, as they were written
      <= bytes inside TCP, as the kernel counted them
      <= payloads + what MQTT and TLS may add (`most_more_bytes`)

An entry tells of a stretch between two moments at which nothing was on its way: at most of a
window, or up to a connection's end.

Bounds. MQTT: CONNECT, SUBSCRIBE and DISCONNECT of a connection; header and topic of a message; an
acknowledgement for each message received; a ping each half minute. TLS: handshake with this
device's certificates; a record's head, padding and tag for each packet, and for each 4 kB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from edge.ledger.problems import runs
from edge.ledger.tcp_info import KernelBytes, Watched
from edge.words import Words

KEEPALIVE_S = 30
MQTT_CONNECTION_BYTES, MQTT_MESSAGE_BYTES, MQTT_ANSWER_BYTES, MQTT_PING_BYTES = 640, 120, 8, 2
TLS_CONNECTION_BYTES, TLS_PACKET_BYTES, TLS_SHARE = 16_384, 90, 40


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts of a stretch of time.

    Attributes:
        tls: whether connections were under TLS.
        attempts: TCP connections made; those that the broker took are `connections`.
        sent: numbers of the entries whose payloads were handed over, as [first, last] ranges.
        messages: how often payloads were handed over, repetitions included.
        payload_bytes: of these, of which `again_bytes` repeat one of the same stretch.
        acknowledged_bytes: of these, which the broker acknowledged.
        received: messages that came in.
        pings: how many there may have been.
        mqtt_bytes: written to the socket, before TLS.
        kernel: bytes inside TCP; None where the kernel does not count them.
    """

    tls: bool
    attempts: int
    connections: int
    sent: tuple[tuple[int, int], ...]
    messages: int
    payload_bytes: int
    again_bytes: int
    acknowledged_bytes: int
    received: int
    pings: int
    mqtt_bytes: int
    kernel: KernelBytes | None

    def most_more_bytes(self) -> int:
        """What MQTT and TLS may add to the payloads in these counts."""
        connections = self.attempts + 1  # one may have been made before, and end here
        packets = 4 * connections + self.messages + self.received + self.pings
        mqtt = (
            connections * MQTT_CONNECTION_BYTES
            + self.messages * MQTT_MESSAGE_BYTES
            + self.received * MQTT_ANSWER_BYTES
            + self.pings * MQTT_PING_BYTES
        )
        if not self.tls:
            return mqtt
        tls = self.attempts * TLS_CONNECTION_BYTES + packets * TLS_PACKET_BYTES
        return mqtt + tls + self.payload_bytes // TLS_SHARE


_READER = TypeAdapter(Traffic)


@dataclass(slots=True)
class Meter:
    """Counts for one publisher, over all of its connections. One thread.

    Attributes:
        tls: whether connections are under TLS.
    """

    tls: bool
    _attempts: int = 0
    _connections: int = 0
    _numbers: dict[int, int] = field(default_factory=dict)
    _messages: int = 0
    _payload_bytes: int = 0
    _acknowledged_bytes: int = 0
    _received: int = 0
    _mqtt_bytes: int = 0
    _kernel: KernelBytes = field(default_factory=KernelBytes)
    _kernel_counts: bool = True
    _connected_s: float = 0.0
    _watched: Watched | None = None
    _counted: KernelBytes = field(default_factory=KernelBytes)
    _since_s: float = 0.0

    def made(self, watched: Watched, now_s: float) -> None:
        """A TCP connection was made."""
        self._attempts += 1
        self._watched, self._counted, self._since_s = watched, KernelBytes(), now_s

    def taken(self) -> None:
        """The broker took the connection."""
        self._connections += 1

    def hands_over(self, entry: int, size_bytes: int) -> None:
        """The payload of an entry goes to MQTT."""
        self._numbers[entry] = size_bytes
        self._messages += 1
        self._payload_bytes += size_bytes

    def acknowledged(self, size_bytes: int) -> None:
        """The broker acknowledged a payload."""
        self._acknowledged_bytes += size_bytes

    def received(self) -> None:
        """A message came in."""
        self._received += 1

    def wrote(self, size_bytes: int) -> None:
        """Bytes of MQTT went to the socket."""
        self._mqtt_bytes += size_bytes

    def idle(self) -> bool:
        """Whether the kernel holds nothing back."""
        return self._watched is None or self._watched.idle()

    def ended(self, now_s: float) -> None:
        """The connection is over."""
        if self._watched is not None:
            self._watched.close()
            self._look(now_s)
            self._watched = None

    def counts(self, now_s: float) -> Traffic | None:
        """What was counted since `reset`; None if nothing happened."""
        self._look(now_s)
        if not (self._attempts or self._messages or self._mqtt_bytes or self._received):
            return None
        return Traffic(
            tls=self.tls,
            attempts=self._attempts,
            connections=self._connections,
            sent=tuple(runs(sorted(self._numbers))),
            messages=self._messages,
            payload_bytes=self._payload_bytes,
            again_bytes=self._payload_bytes - sum(self._numbers.values()),
            acknowledged_bytes=self._acknowledged_bytes,
            received=self._received,
            pings=self._attempts + 1 + int(2 * self._connected_s / KEEPALIVE_S),
            mqtt_bytes=self._mqtt_bytes,
            kernel=self._kernel if self._kernel_counts else None,
        )

    def reset(self) -> None:
        """Begin to count anew; a connection goes on."""
        self._attempts = self._connections = self._messages = self._payload_bytes = 0
        self._acknowledged_bytes = self._received = self._mqtt_bytes = 0
        self._numbers, self._kernel, self._connected_s = {}, KernelBytes(), 0.0
        self._kernel_counts = True

    def _look(self, now_s: float) -> None:
        if self._watched is None:
            return
        seen = self._watched.read()
        self._connected_s += now_s - self._since_s
        self._since_s = now_s
        if seen is None:
            self._kernel_counts = False
            return
        self._kernel = self._kernel.plus(seen.since(self._counted))
        self._counted = seen


def traffic_of(text: bytes) -> Traffic:
    """The counts that an entry states.

    Raises:
        ValueError: it states something else.
    """
    return _READER.validate_json(text)


def shortcomings(counts: Traffic, sizes_bytes: Mapping[int, int], first_kept: int) -> list[Words]:
    """Where the counts do not go together; empty if they do.

    Args:
        counts: of an entry of traffic.
        sizes_bytes: of the payloads that were recorded before it, by their entries' numbers.
        first_kept: the first entry that is kept; those before were dropped.
    """
    wrong = []
    numbers = [number for first, last in counts.sent for number in range(first, last + 1)]
    if all(number >= first_kept for number in numbers):
        held = sum(sizes_bytes.get(number, -counts.payload_bytes) for number in numbers)
        stated = counts.payload_bytes - counts.again_bytes
        if held != stated:
            wrong.append(
                Words(
                    f"states {stated} bytes of payload; the entries it names do not add up to that",
                    f"写明载荷 {stated} 字节，与其所列条目之和不符",
                )
            )
    if counts.kernel is None:
        return wrong
    sent, most = counts.kernel.sent_bytes, counts.payload_bytes + counts.most_more_bytes()
    if sent > most:
        wrong.append(
            Words(
                f"the kernel sent {sent} bytes, at most {most} are accounted for",
                f"内核发送了 {sent} 字节，可解释的至多 {most} 字节",
            )
        )
    if counts.acknowledged_bytes > sent:
        acked = counts.acknowledged_bytes
        wrong.append(
            Words(
                f"the broker acknowledged {acked} bytes of payload, the kernel sent {sent} bytes",
                f"代理确认收到载荷 {acked} 字节，而内核只发送了 {sent} 字节",
            )
        )
    return wrong
