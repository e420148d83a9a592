"""What went over the broker's connections, by counts that an auditor holds together.

    what the broker acknowledged
      <= bytes of MQTT, as they were written
      <= payloads, by the ledger's own entries + what MQTT adds, by the protocol
    bytes inside TCP, as the kernel counted them
      <= bytes of MQTT + what TLS added: each handshake, and a record's frame for each write

An entry tells of a stretch between two moments at which nothing was on its way: at most of a
window, or up to a connection's end. `edge.ledger.reconciling` holds the counts together.

What TLS added is measured at each write, by what the kernel was given since the one before: of
more than a record's frame (29 bytes: head 5, of TLS 1.2 nonce 8, of TLS 1.3 content type 1, tag 16)
nothing is put down to TLS. All that the kernel got before the first write is the handshake.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from edge.ledger.mqtt_bytes import PING_BYTES
from edge.ledger.problems import runs
from edge.ledger.tcp_info import KernelBytes, Watched

KEEPALIVE_S = 30
TLS_RECORD_BYTES, TLS_RECORD_HOLDS_BYTES = 29, 16_384


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts of a stretch of time.

    Attributes:
        tls: whether connections were under TLS.
        attempts: TCP connections made; those that the broker took are `connections`.
        sent: numbers of the entries whose payloads were handed over, as [first, last] ranges.
        again: of these, which were handed over more than once, and how many times more.
        messages: how often payloads were handed over, repetitions included.
        payload_bytes: of all of these.
        acknowledged_bytes: of these, which the broker acknowledged.
        received: messages that came in.
        pings: writes of a ping's size; no more than the keep-alive's time permits.
        mqtt_bytes: written to the socket, before TLS.
        handshake_bytes: given to the kernel before a connection's first byte of MQTT.
        record_bytes: what TLS added to the writes of MQTT.
        kernel: bytes inside TCP; None where the kernel does not count them.
    """

    tls: bool
    attempts: int
    connections: int
    sent: tuple[tuple[int, int], ...]
    again: tuple[tuple[int, int], ...]
    messages: int
    payload_bytes: int
    acknowledged_bytes: int
    received: int
    pings: int
    mqtt_bytes: int
    handshake_bytes: int
    record_bytes: int
    kernel: KernelBytes | None


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
    _times: dict[int, int] = field(default_factory=dict)
    _payload_bytes: int = 0
    _acknowledged_bytes: int = 0
    _received: int = 0
    _pings: int = 0
    _mqtt_bytes: int = 0
    _handshake_bytes: int = 0
    _record_bytes: int = 0
    _kernel: KernelBytes = field(default_factory=KernelBytes)
    _kernel_counts: bool = True
    _connected_s: float = 0.0
    _watched: Watched | None = None
    _counted: KernelBytes = field(default_factory=KernelBytes)
    _since_s: float = 0.0
    _silent: bool = False
    _held: list[tuple[int, int]] = field(default_factory=list)
    _given_bytes: int = 0

    def made(self, watched: Watched, now_s: float) -> None:
        """A TCP connection was made; nothing was written to it yet."""
        self._attempts += 1
        self._watched, self._counted, self._since_s = watched, KernelBytes(), now_s
        self._silent, self._given_bytes = True, 0
        self._held.clear()

    def taken(self) -> None:
        """The broker took the connection."""
        self._connections += 1
        self._speaks()

    def hands_over(self, entry: int, size_bytes: int) -> None:
        """The payload of an entry goes to MQTT.

        A will goes with the first bytes of a connection, or not at all.
        """
        if self._silent:
            self._held.append((entry, size_bytes))
            return
        self._times[entry] = self._times.get(entry, 0) + 1
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
        self._pings += size_bytes == PING_BYTES
        if self.tls and self._watched is not None:
            self._add_tls(size_bytes, self._watched.given_bytes())
        self._speaks()

    def idle(self) -> bool:
        """Whether the kernel holds nothing back."""
        return self._watched is None or self._watched.idle()

    def ended(self, now_s: float) -> None:
        """The connection is over."""
        if self._watched is None:
            return
        if self.tls and self._silent:
            self._handshake_bytes += self._watched.given_bytes()
        self._watched.close()
        self._look(now_s)
        self._watched, self._silent = None, False
        self._held.clear()

    def counts(self, now_s: float) -> Traffic | None:
        """What was counted since `reset`; None if nothing happened."""
        self._look(now_s)
        if not (self._attempts or self._times or self._mqtt_bytes or self._received):
            return None
        most_pings = self._attempts + 1 + int(self._connected_s / KEEPALIVE_S)
        again = ((number, times - 1) for number, times in sorted(self._times.items()) if times > 1)
        return Traffic(
            tls=self.tls,
            attempts=self._attempts,
            connections=self._connections,
            sent=tuple(runs(sorted(self._times))),
            again=tuple(again),
            messages=sum(self._times.values()),
            payload_bytes=self._payload_bytes,
            acknowledged_bytes=self._acknowledged_bytes,
            received=self._received,
            pings=min(self._pings, most_pings),
            mqtt_bytes=self._mqtt_bytes,
            handshake_bytes=self._handshake_bytes,
            record_bytes=self._record_bytes,
            kernel=self._kernel if self._kernel_counts else None,
        )

    def reset(self) -> None:
        """Begin to count anew; a connection goes on."""
        self._attempts = self._connections = self._payload_bytes = self._pings = 0
        self._acknowledged_bytes = self._received = self._mqtt_bytes = 0
        self._handshake_bytes = self._record_bytes = 0
        self._times, self._kernel, self._connected_s = {}, KernelBytes(), 0.0
        self._kernel_counts = True

    def _speaks(self) -> None:
        """MQTT was written: what was handed over for it has gone."""
        self._silent = False
        held, self._held = self._held, []
        for entry, size_bytes in held:
            self.hands_over(entry, size_bytes)

    def _add_tls(self, size_bytes: int, given_bytes: int) -> None:
        """Put down to TLS what a write of MQTT grew by, up to a record's frame."""
        grown_bytes = max(0, given_bytes - self._given_bytes - size_bytes)
        self._given_bytes = given_bytes
        records = -(-size_bytes // TLS_RECORD_HOLDS_BYTES)
        added_bytes = min(grown_bytes, records * TLS_RECORD_BYTES)
        self._record_bytes += added_bytes
        if self._silent:
            self._handshake_bytes += grown_bytes - added_bytes

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
