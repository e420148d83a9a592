"""Devices that send windows, for the benchmarks of ingest: plain sockets, MQTT 5, one process.

A device behaves as the real publisher does: at most `SLOTS` messages wait for the broker's
PUBACK, at most `OUT` for the server's acknowledgement, and what nobody settles is sent again.
Acknowledgements are parsed as they come; their signatures are checked at the end, so that this
does not take time from those that are measured. For the same reason a device answers after
`TURN_S`, as one does over a network, and then to all that came, with a single write.
"""

import json
import random
import select
import socket
import time
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from firmware_cfg.codec import decode, encode
from firmware_cfg.messages import Ack, State, ack_signed_bytes
from firmware_cfg.sealing import window_bytes
from server.testing import MessageFactory

SLOTS, OUT = 8, 32
TURN_S = 0.02
MOST_PARTS = 512
RESEND_S = 30.0
WINDOW = timedelta(minutes=30)
SIZE_BYTES = window_bytes(48)
TEMPLATES = 64
EPOCH = "00000000000000b1"
ZEROS = memoryview(bytes(SIZE_BYTES))


class Payloads:
    """Realistic windows of half an hour: a cell of a counter with a team of three, sealed.

    Args:
        first: start of each device's window 1.
    """

    def __init__(self, first: datetime) -> None:
        rng = random.Random(1)  # noqa: S311 plausible, not secret
        self._first = first
        self._texts = []
        for _ in range(TEMPLATES):
            factory = MessageFactory("device", EPOCH, seed=1)
            one = factory.window(factory.cell(visits=rng.randrange(10, 60)))
            text = one.model_dump_json()
            start, end = (json.loads(text)[key] for key in ("start", "end"))
            text = text.replace(start, "%(start)s").replace(end, "%(end)s")
            text = text.replace('"sequence":1,', '"sequence":%(sequence)d,')
            self._texts.append(text.replace('"device":"device"', '"device":"%(device)s"'))

    def of(self, device: str, sequence: int) -> bytes:
        """The window `sequence` of a device, as it travels."""
        return self.packed(device, sequence).ljust(SIZE_BYTES, b"\0")

    def packed(self, device: str, sequence: int) -> bytes:
        """The same, before it is filled up with zeros."""
        start = self._first + (sequence - 1) * WINDOW
        text = self._texts[(sequence * 31 + len(device) + int(device[-4:])) % TEMPLATES] % {
            "device": device,
            "sequence": sequence,
            "start": start.isoformat().replace("+00:00", "Z"),
            "end": (start + WINDOW).isoformat().replace("+00:00", "Z"),
        }
        return zlib.compress(text.encode(), 6)


def name_of(number: int) -> str:
    """A device's id."""
    return f"bench-{number:04d}"


@dataclass(slots=True)
class Sender:
    """One device: its connection, what it has sent, and how far that is settled.

    Attributes:
        made: its first messages, packed, where they were made before.
        outbox: parts of packets that are to be written.
    """

    name: str
    total: int
    payloads: Payloads
    made: list[bytes]
    stream: socket.socket | None = None
    inbox: bytes = b""
    outbox: list[bytes | memoryview] = field(default_factory=list)
    connected: bool = False
    unconfirmed: int = 0
    sent: int = 0
    settled: int = 0
    connected_at_s: float = 0.0
    progress_at_s: float = 0.0
    packet_id: int = 0
    resend_s: float = RESEND_S
    acks: list[tuple[float, bytes]] = field(default_factory=list)

    def connect(self, port: int, *, birth: bool) -> None:
        """Open the connection, ask for acknowledgements, and say that it is there, where asked."""
        self.stream = socket.create_connection(("127.0.0.1", port))
        self.stream.setblocking(False)
        name = self.name.encode()
        body = b"\x00\x04MQTT\x05\x00\x00\x3c\x05\x11\x00\x00\x00\x3c" + _text(name)
        self.outbox = [b"\x10" + _length(len(body)) + body]
        topic = f"encounter/v1/{self.name}/down/ack".encode()
        body = b"\x00\x01\x00" + _text(topic) + b"\x01"
        self.outbox.append(b"\x82" + _length(len(body)) + body)
        self.inbox = b""
        self.connected, self.unconfirmed, self.sent = False, 0, self.settled
        if birth:
            self._say_birth()

    def _say_birth(self) -> None:
        """The retained message by which the server knows what this device still has."""
        said = State(device=self.name, online=True, epoch=EPOCH, first=1)
        body = _text(f"encounter/v1/{self.name}/up/state".encode()) + b"\xff\xff\0" + encode(said)
        self.outbox.append(b"\x33" + _length(len(body)) + body)
        self.unconfirmed += 1

    def fill(self, now_s: float) -> None:
        """Send as much as may be out."""
        if not self.connected:
            return
        if self.sent > self.settled and now_s - self.progress_at_s > self.resend_s:
            self.sent, self.progress_at_s = self.settled, now_s
        while self.unconfirmed < SLOTS and self.sent < min(self.total, self.settled + OUT):
            if self.sent == self.settled:
                self.progress_at_s = now_s
            self.sent += 1
            self.unconfirmed += 1
            self.packet_id = self.packet_id % 65_000 + 1
            self._publish(self.sent)

    def _publish(self, sequence: int) -> None:
        """A window's packet into the outbox: the part that differs, and the zeros behind it."""
        made = sequence <= len(self.made)
        packed = self.made[sequence - 1] if made else self.payloads.packed(self.name, sequence)
        topic = _text(f"encounter/v1/{self.name}/up/window".encode())
        head = b"\x32" + _length(len(topic) + 3 + SIZE_BYTES) + topic
        self.outbox.append(head + self.packet_id.to_bytes(2) + b"\0" + packed)
        self.outbox.append(ZEROS[len(packed) :])

    def receive(self, data: bytes, now_s: float) -> int:
        """Take bytes; how many windows are newly settled."""
        data, at, before = self.inbox + data, 0, self.settled
        while (found := _body(data, at)) is not None:
            starts, ends = found
            kind = data[at] >> 4
            if kind == 2:
                self.connected, self.progress_at_s, self.connected_at_s = True, now_s, now_s
            elif kind == 4:
                self.unconfirmed = max(0, self.unconfirmed - 1)
            elif kind == 3:
                self._take_ack(data[at], data[starts:ends], now_s)
            at = ends
        self.inbox = data[at:]
        if self.settled > before:
            self.progress_at_s = now_s
        return self.settled - before

    def _take_ack(self, first: int, body: bytes, now_s: float) -> None:
        at = 2 + int.from_bytes(body[:2])
        if first & 0b0110:
            self.outbox.append(b"\x40\x02" + body[at : at + 2])
            at += 2
        payload = body[at + 1 + body[at] :]
        up_to = int(payload.partition(b'"up_to":')[2].partition(b",")[0])
        self.acks.append((now_s, payload))
        self.settled = max(self.settled, up_to)

    def write(self) -> None:
        """Write what the connection takes.

        Raises:
            OSError: it is gone.
        """
        while self.stream is not None and self.outbox:
            parts, self.outbox = self.outbox[:MOST_PARTS], self.outbox[MOST_PARTS:]
            try:
                sent = self.stream.sendmsg(parts)
            except BlockingIOError:
                sent = 0
            if sent < sum(map(len, parts)):
                self.outbox.insert(0, b"".join(parts)[sent:])
                return


@dataclass(slots=True)
class Load:
    """Many devices, driven from one loop.

    Attributes:
        births: whether devices say that they are there when they connect.
        spent_s: processor time of the loop.
    """

    port: int
    senders: list[Sender]
    settled: int = 0
    lost: int = 0
    open_ended: bool = False
    give_up: bool = False
    births: bool = False
    spent_s: float = 0.0
    _open: dict[int, Sender] = field(default_factory=dict)
    _poll: select.epoll = field(default_factory=select.epoll)

    def connect_all(self) -> None:
        """Open every connection."""
        for one in self.senders:
            self._connect(one)

    def _connect(self, one: Sender) -> None:
        one.connect(self.port, birth=self.births)
        if one.stream is not None:
            self._open[one.stream.fileno()] = one
            self._poll.register(one.stream, select.EPOLLIN)
            self._write(one)

    def run(self, until_s: float) -> bool:
        """Send and take until all is settled, or the time is over; whether all is.

        While it is `open_ended`, somebody adds to what there is to be sent.
        """
        began_s, looked_s, whole = time.thread_time(), 0.0, False
        wanted = sum(one.total for one in self.senders)
        while not whole and time.monotonic() < until_s and not self.give_up:
            now_s = time.monotonic()
            for file, _ in self._poll.poll(0.2):
                self._read(self._open[file], now_s)
            if now_s - looked_s > 1.0:
                looked_s = now_s
                for one in self.senders:
                    self._tend(one, now_s)
                wanted = sum(one.total for one in self.senders)
            if not self.open_ended and self.settled >= wanted:
                wanted = sum(one.total for one in self.senders)  # more, just before the end
                whole = self.settled >= wanted
            time.sleep(0 if whole else TURN_S)
        self.spent_s += time.thread_time() - began_s
        return whole

    def _tend(self, one: Sender, now_s: float) -> None:
        if one.stream is None:
            try:
                self._connect(one)
            except OSError:
                return
        one.fill(now_s)
        self._write(one)

    def _read(self, one: Sender, now_s: float) -> None:
        if one.stream is None:
            return
        try:
            data = one.stream.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(one)
            return
        self.settled += one.receive(data, now_s)
        one.fill(now_s)
        self._write(one)

    def _write(self, one: Sender) -> None:
        try:
            one.write()
        except OSError:
            self._close(one)

    def _close(self, one: Sender) -> None:
        if one.stream is not None:
            self.lost += 1
            self._poll.unregister(one.stream)
            del self._open[one.stream.fileno()]
            one.stream.close()
            one.stream = None
            one.connected = False

    def close(self) -> None:
        """Close every connection."""
        for one in self.senders:
            self._close(one)


def check_signatures(senders: list[Sender], public_hex: str) -> int:
    """Check every acknowledgement as a device does; how many there were.

    Raises:
        InvalidSignature: one was not signed by the server.
    """
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_hex))
    count = 0
    for sender in senders:
        for _, payload in sender.acks:
            ack = decode(Ack, payload)
            signed = ack_signed_bytes(sender.name, ack.epoch, ack.up_to, ack.sha256, ack.rejected)
            public.verify(bytes.fromhex(ack.signature), signed)
            count += 1
    return count


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text


def _length(count: int) -> bytes:
    written = bytearray()
    while True:
        count, low = count >> 7, count & 0x7F
        written.append(low | (0x80 if count else 0))
        if not count:
            return bytes(written)


def _body(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet at `at` has its body: from, to; None if it is not complete."""
    remaining, shift, starts = 0, 0, at + 1
    while starts < len(data):
        byte = data[starts]
        remaining |= (byte & 0x7F) << shift
        shift, starts = shift + 7, starts + 1
        if not byte & 0x80:
            ends = starts + remaining
            return (starts, ends) if ends <= len(data) else None
    return None
