"""A broker that does nothing but listen: enough of MQTT 5 to take what a device publishes.

It acknowledges connections, subscriptions, publications (QoS 1) and pings, keeps every byte
that came in, and hands each new subscriber one wish of the server: whatever the audit wants
to try. The device's own broker could hide a message; this one is the auditor's.

Packets (MQTT 5.0, section 2): a type in the high four bits, flags in the low four, a length
of up to four groups of seven bits, then the body.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PING, PONG = 1, 2, 3, 4, 8, 9, 12, 13
_LOOK_S = 0.2
_CHUNK_BYTES = 65536
_WILL, _WILL_RETAINED = 0x04, 0x20


@dataclass(frozen=True, slots=True)
class Published:
    """A message of the device.

    Attributes:
        at_s: when it came, seconds since the epoch.
        topic: where it was published.
        payload: its bytes.
        retained: whether the broker is to keep it.
        properties: the MQTT 5 properties that came with it, as they came.
    """

    at_s: float
    topic: str
    payload: bytes
    retained: bool
    properties: bytes = b""


class Reader:
    """Reads the fields of a packet's body, one after another."""

    def __init__(self, data: bytes) -> None:
        """Read from the beginning of `data`."""
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        part = self._data[self._at : self._at + count]
        self._at += count
        return part

    def number(self, count: int) -> int:
        """A number of `count` bytes."""
        return int.from_bytes(self.take(count), "big")

    def text(self) -> bytes:
        """Bytes with their length before them."""
        return self.take(self.number(2))

    def variable(self) -> int:
        """A number in groups of seven bits."""
        value = shift = 0
        while True:
            group = self.number(1)
            value |= (group & 0x7F) << shift
            shift += 7
            if group < 0x80 or shift > 21:
                return value

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A packet of MQTT.

    >>> packet(PONG, b"").hex()
    'd000'
    """
    length, size = len(body), bytearray()
    while True:
        length, group = length >> 7, length & 0x7F
        size.append(group | (0x80 if length else 0))
        if not length:
            return bytes([kind << 4 | flags]) + bytes(size) + body


class Listener:
    """Listens on a free port of 127.0.0.1. A context manager: leaving stops it.

    Attributes:
        port: where.
        messages: what was published, last wills included, in the order of its coming.
        raw: every byte that came in, one entry a connection.
    """

    def __init__(self, wish: tuple[str, bytes] | None = None) -> None:
        """Listen; `wish` is a topic and a payload for whoever subscribes."""
        self.messages: list[Published] = []
        self.raw: list[bytearray] = []
        self._wish = wish
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(_LOOK_S)
        self.port: int = self._server.getsockname()[1]
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        """Begin."""
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for what is under way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._server.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                connection, _ = self._server.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        raw = bytearray()
        self.raw.append(raw)
        done = 0
        connection.settimeout(_LOOK_S)
        with connection, suppress(OSError):
            while not self._stopping.is_set():
                try:
                    data = connection.recv(_CHUNK_BYTES)
                except TimeoutError:
                    continue
                if not data:
                    return
                raw += data
                while (end := _end_of_packet(raw, done)) is not None:
                    connection.sendall(self._answer(bytes(raw[done:end])))
                    done = end

    def _answer(self, whole: bytes) -> bytes:
        kind, flags, reader = whole[0] >> 4, whole[0] & 15, Reader(whole[1:])
        reader.variable()
        if kind == CONNECT:
            self._take_will(reader)
            return packet(CONNACK, b"\0\0\0")
        if kind == PUBLISH:
            return self._take(reader, flags)
        if kind == SUBSCRIBE:
            answer = packet(SUBACK, reader.take(2) + b"\0\1")
            return answer + self._wish_packet(reader)
        return packet(PONG, b"") if kind == PING else b""

    def _take(self, reader: Reader, flags: int) -> bytes:
        topic = reader.text().decode("utf-8", "replace")
        number = reader.take(2) if flags & 6 else b""
        properties = reader.take(reader.variable())
        one = Published(time.time(), topic, reader.rest(), bool(flags & 1), properties)
        self.messages.append(one)
        return packet(PUBACK, number) if number else b""

    def _take_will(self, reader: Reader) -> None:
        """The last will is a message, too: the broker would publish it."""
        reader.text()
        reader.take(1)
        flags = reader.number(1)
        reader.take(2)
        reader.take(reader.variable())
        reader.text()
        if flags & _WILL:
            properties = reader.take(reader.variable())
            topic, payload = reader.text().decode("utf-8", "replace"), reader.text()
            retained = bool(flags & _WILL_RETAINED)
            self.messages.append(Published(time.time(), topic, payload, retained, properties))

    def _wish_packet(self, reader: Reader) -> bytes:
        """The wish, where what is subscribed to names its topic."""
        reader.take(reader.variable())
        if self._wish is None or reader.text() != self._wish[0].encode():
            return b""
        topic = self._wish[0].encode()
        return packet(PUBLISH, len(topic).to_bytes(2, "big") + topic + b"\0" + self._wish[1])


def _end_of_packet(raw: bytearray, begin: int) -> int | None:
    """Where the packet that begins at `begin` ends; None: it is not all there."""
    length = shift = 0
    for at in range(begin + 1, min(begin + 5, len(raw))):
        length |= (raw[at] & 0x7F) << shift
        shift += 7
        if raw[at] < 0x80:
            end = at + 1 + length
            return end if end <= len(raw) else None
    return None
