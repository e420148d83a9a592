"""MQTT packets as they come in, held to a size before anything of them is kept.

    socket ──► Sieve or Cutter ──► MQTT client

Under MQTT 5 each end states its Maximum Packet Size, and the broker keeps from it what is larger.
Under 3.1.1 nothing can be stated, and a broker of version 5 may send it all the same (rumqttd
does). So the bytes pass through here. A message that is too large reaches the client without its
payload, which is read and dropped piece by piece: the client acknowledges it as any other, and the
broker does not send it again. Another packet of that size ends the connection.

A device's client asks the `Sieve` for a few bytes at a time. The server's takes thousands of
packets a second: it reads large pieces, and the `Cutter` cuts the packets out of them.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_cfg.sealing import MOST_TEXT_BYTES

MOST_UP_BYTES = MOST_TEXT_BYTES
"""Payload that a device may send: what no reader would open is not taken in either."""
MOST_DOWN_BYTES = 81_920
"""Payload that a device takes: an acknowledgement with 64 refusals of 200 control characters."""
_BESIDE_BYTES = 512  # fixed header, topic of at most 96, packet id, properties
_PUBLISH = 3
_MOST_LENGTH_BYTES = 4
_PIECE_BYTES = 4096
Receive = Callable[[int], bytes]
Packet = tuple[int, bytes]
"""The first byte of a packet, and what follows its length."""


def packet_bytes(payload_bytes: int) -> int:
    """Largest packet that carries a payload of this size.

    >>> packet_bytes(MOST_UP_BYTES), packet_bytes(MOST_DOWN_BYTES)
    (262656, 82432)
    """
    return payload_bytes + _BESIDE_BYTES


class Sieve:
    """Passes the packets of one connection on, without the payload of those that are too large.

    Args:
        most_bytes: of a packet, its fixed header included.
        v5: whether the connection speaks MQTT 5.
        dropped: is told the size in bytes of each message whose payload was dropped.
    """

    def __init__(self, most_bytes: int, *, v5: bool, dropped: Callable[[int], None]) -> None:
        self._most_bytes = most_bytes
        self._v5 = v5
        self._dropped = dropped
        self._head = bytearray()  # of the packet at hand, before it is passed on
        self._ready = bytearray()  # may be passed on
        self._passing_bytes = 0  # of the packet at hand, which follow unseen
        self._dropping_bytes = 0
        self._size_bytes = 0

    def read(self, receive: Receive, most_bytes: int) -> bytes:
        """Up to `most_bytes` for the client; empty at the end of the stream.

        `receive` gives up to as many bytes as it is asked for, and is never asked for one beyond
        the packet at hand. What it raises goes through, and reading goes on where it stopped.

        Raises:
            ConnectionError: a packet that is too large and no message, or not MQTT.
        """
        while not self._ready:
            if self._passing_bytes:
                data = receive(min(most_bytes, self._passing_bytes))
                self._passing_bytes -= len(data)
                return data
            if not (self._drop(receive) if self._dropping_bytes else self._take(receive)):
                return b""
        data = bytes(self._ready[:most_bytes])
        del self._ready[:most_bytes]
        return data

    def _drop(self, receive: Receive) -> bool:
        """Drop a piece of a payload; False at the end of the stream."""
        data = receive(min(_PIECE_BYTES, self._dropping_bytes))
        self._dropping_bytes -= len(data)
        if not self._dropping_bytes:
            self._ready, self._head = self._head, bytearray()
            self._dropped(self._size_bytes)
        return bool(data)

    def _take(self, receive: Receive) -> bool:
        """Take a piece of a packet's head; False at the end of the stream."""
        wanted = self._wanted_bytes()
        data = receive(wanted)
        self._head += data
        if len(data) == wanted and not self._wanted_bytes():
            self._decide()
        return bool(data)

    def _wanted_bytes(self) -> int:
        """How many bytes are still needed to decide; 0 if none.

        One at a time up to the packet's length. Of a message that is too large, all before its
        properties as well: the topic's length, the topic, the packet id.
        """
        found = _remaining(self._head)
        if found is None:
            return 1
        at, remaining = found
        self._size_bytes = at + remaining
        if self._size_bytes <= self._most_bytes:
            return 0
        if self._head[0] >> 4 != _PUBLISH:
            most = f"expected {self._most_bytes} at most"
            raise ConnectionError(f"packet of {self._size_bytes} bytes, {most}")
        if len(self._head) < at + 2:
            return at + 2 - len(self._head)
        return at + _variable_bytes(self._head, at) - len(self._head)

    def _decide(self) -> None:
        """The head is complete: the rest passes, or is dropped."""
        found = _remaining(self._head)
        if found is None:
            return
        at, remaining = found
        if self._size_bytes <= self._most_bytes:
            self._ready, self._head = self._head, bytearray()
            self._passing_bytes = remaining
            return
        self._dropping_bytes = remaining - _variable_bytes(self._head, at)
        if self._dropping_bytes <= 0:
            raise ConnectionError(f"message of {self._size_bytes} bytes with a longer topic")
        kept = self._head[at:] + (b"\0" if self._v5 else b"")
        self._head = self._head[:1] + _length(len(kept)) + kept


class Cutter:
    """Cuts the packets of one connection out of the pieces in which they come.

    Beside the piece at hand it keeps a part of one packet, never more than a packet may have.

    Args:
        most_bytes: of a packet, its fixed header included.
        v5: whether the connection speaks MQTT 5.
        dropped: is told the size in bytes of each message whose payload was dropped.
    """

    def __init__(self, most_bytes: int, *, v5: bool, dropped: Callable[[int], None]) -> None:
        self._most_bytes = most_bytes
        self._v5 = v5
        self._dropped = dropped
        self._held = bytearray()  # the beginning of a packet
        self._dropping_bytes = 0
        self._shortened: Packet = (0, b"")  # comes once its payload is dropped
        self._size_bytes = 0

    def cut(self, piece: bytes) -> list[Packet]:
        """The packets that end in this piece, in order.

        Raises:
            ConnectionError: a packet that is too large and no message, or not MQTT.
        """
        found: list[Packet] = []
        self._held += piece[self._drop(len(piece), found) :]
        at = 0
        while (head := _remaining(self._held[at : at + 1 + _MOST_LENGTH_BYTES])) is not None:
            starts, remaining = at + head[0], head[1]
            if starts - at + remaining > self._most_bytes:
                del self._held[:at]
                at = 0
                if not self._shorten(*head, found):
                    break
                continue
            if len(self._held) < starts + remaining:
                break
            found.append((self._held[at], bytes(self._held[starts : starts + remaining])))
            at = starts + remaining
        del self._held[:at]
        return found

    def _shorten(self, at: int, remaining: int, found: list[Packet]) -> bool:
        """Begin to drop a payload; False while more is needed to know where it begins."""
        self._size_bytes = at + remaining
        if self._held[0] >> 4 != _PUBLISH:
            most = f"expected {self._most_bytes} at most"
            raise ConnectionError(f"packet of {self._size_bytes} bytes, {most}")
        if len(self._held) < at + 2 or len(self._held) < at + _variable_bytes(self._held, at):
            return False
        variable_bytes = _variable_bytes(self._held, at)
        self._dropping_bytes = remaining - variable_bytes
        if self._dropping_bytes <= 0:
            raise ConnectionError(f"message of {self._size_bytes} bytes with a longer topic")
        kept = bytes(self._held[at : at + variable_bytes])
        self._shortened = (self._held[0], kept + b"\0" if self._v5 else kept)
        del self._held[: at + variable_bytes]
        del self._held[: self._drop(len(self._held), found)]
        return True

    def _drop(self, there_bytes: int, found: list[Packet]) -> int:
        """How many of the bytes that are there belong to the payload that is dropped."""
        if not self._dropping_bytes:
            return 0
        dropped = min(there_bytes, self._dropping_bytes)
        self._dropping_bytes -= dropped
        if not self._dropping_bytes:
            found.append(self._shortened)
            self._dropped(self._size_bytes)
        return dropped


def framed(packet: Packet) -> bytes:
    r"""A packet's bytes.

    >>> framed((0xD0, b""))
    b'\xd0\x00'
    """
    first, body = packet
    return bytes((first,)) + _length(len(body)) + body


def _variable_bytes(head: bytearray, at: int) -> int:
    """Length of a message's topic and packet id, their own lengths included, from `at` on."""
    packet_id = 2 if head[0] & 0b0110 else 0
    return 2 + int.from_bytes(head[at : at + 2]) + packet_id


def _remaining(head: bytearray) -> tuple[int, int] | None:
    """Where a packet's fixed header ends, and how many bytes follow; None if it is incomplete."""
    remaining = 0
    for place, byte in enumerate(head[1:]):
        if place == _MOST_LENGTH_BYTES:
            break
        remaining |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return place + 2, remaining
    if len(head) > _MOST_LENGTH_BYTES:
        raise ConnectionError(f"expected a packet's length in {_MOST_LENGTH_BYTES} bytes")
    return None


def _length(count: int) -> bytes:
    """A length as MQTT writes it: seven bits a byte, the lowest first."""
    written = bytearray()
    while True:
        count, low = count >> 7, count & 0x7F
        written.append(low | (0x80 if count else 0))
        if not count:
            return bytes(written)
