"""The MQTT client of one connection: session kept, acknowledged by hand, held to a size.

paho speaks the protocol. Four things are done in its place here, since it does them byte by byte
and message by message: packets are read in large pieces, messages are handed on without paho's
slow reading of their properties, the PUBACKs of a batch go out in one write, and not all that is
on the way is looked through at each PUBACK that comes.
"""

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_cfg.packets import MOST_UP_BYTES, Cutter, Packet, framed, packet_bytes
from server.ingest.access import BrokerAccess
from server.ingest.worker import Delivery
from server.logs import event

log = logging.getLogger(__name__)
RECEIVE_MAXIMUM = 2048
MOST_PACKET_BYTES = packet_bytes(MOST_UP_BYTES)
SESSION_EXPIRY_S = 7 * 86_400
KEEPALIVE_S = 30
MOST_QUEUED = 100_000
MOST_INFLIGHT = 4096  # their PUBACKs come behind all windows that are on the way
PIECE_BYTES = 1 << 18
_FULL_BYTES = 1 << 14  # what a TLS record holds, and then more may wait
_PUBLISH = 3
_PUBACK = 0x40
GATHER_S = 0.002
"""Pause before a piece is read: a broker writes message by message, and each would be a turn."""


class IngestClient(mqtt.Client):
    """Takes no packet larger than the contract's.

    Args:
        access: the broker, and how to be let in.
        client_id: fixed for this worker.
        v5: whether to speak MQTT 5; 3.1.1 otherwise.
        deliver: takes each message.
    """

    def __init__(
        self,
        access: BrokerAccess,
        client_id: str,
        *,
        v5: bool,
        deliver: Callable[[Delivery], None],
    ) -> None:
        """Of one connection, and no other after it."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if v5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._access = access
        self._v5 = v5
        self._deliver = deliver
        self._cutter = Cutter(MOST_PACKET_BYTES, v5=v5, dropped=_dropped)
        self._settled: deque[int] = deque()
        self._for_paho = b""
        self._caught_up = True
        if access.tls is not None:
            self.tls_set_context(access.tls)
        if access.user is not None:
            self.username_pw_set(access.user, access.password)
        self.max_queued_messages_set(MOST_QUEUED)
        self.max_inflight_messages_set(MOST_INFLIGHT)

    def connect_to_broker(self) -> None:
        """Connect, to go on with the session that the broker keeps.

        Raises:
            OSError: it cannot be reached, or is not trusted.
        """
        host, port = self._access.host, self._access.port
        if not self._v5:
            self.connect(host, port, KEEPALIVE_S)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MOST_PACKET_BYTES
        self.connect(host, port, KEEPALIVE_S, clean_start=False, properties=properties)

    def settle(self, packet_id: int) -> None:
        """Tell the broker that a message is safe: soon, together with the others of its batch."""
        self._settled.append(packet_id)
        if len(self._settled) == 1 and self._sockpairW is not None:
            with contextlib.suppress(OSError):  # full: it wakes up anyway; closed: it is too late
                self._sockpairW.send(b"\0")

    def disconnect(
        self, reasoncode: ReasonCode | None = None, properties: Properties | None = None
    ) -> MQTTErrorCode:
        """Say what is settled, and disconnect."""
        self._queue_settled()
        return super().disconnect(reasoncode, properties)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 paho's
        """Read a piece, and handle the packets that end in it."""
        if self._caught_up:
            time.sleep(GATHER_S)
        try:
            piece = super()._sock_recv(PIECE_BYTES)
            packets = self._cutter.cut(piece)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError as error:
            event(log, logging.WARNING, "broker.read_failed", detail=str(error))
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        if not piece:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        self._caught_up = len(piece) < _FULL_BYTES
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        for packet in packets:
            code = self._handle(packet)
            if code > 0:
                return self._loop_rc_handle(code)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def loop_write(self) -> MQTTErrorCode:
        """Write what waits, and the PUBACKs of all that was settled."""
        self._queue_settled()
        return super().loop_write()

    def _handle(self, packet: Packet) -> MQTTErrorCode:
        """Hand a message on; any other packet is paho's, as if it had read it itself."""
        if packet[0] >> 4 != _PUBLISH:
            self._for_paho = framed(packet)
            return self._packet_read()
        try:
            delivery = self._delivery(packet)
        except IndexError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self._deliver(delivery)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _sock_recv(self, bufsize: int) -> bytes:
        """What paho reads: the packet that was cut out for it."""
        found, self._for_paho = self._for_paho[:bufsize], self._for_paho[bufsize:]
        return found

    def _update_inflight(self) -> MQTTErrorCode:
        """Send what waits for others to be settled; paho would look for it even if nothing does."""
        if self._inflight_messages >= len(self._out_messages):
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return super()._update_inflight()

    def _delivery(self, packet: Packet) -> Delivery:
        """A message, whatever properties it has.

        Raises:
            IndexError: it ends in its properties.
        """
        first, body = packet
        at = 2 + int.from_bytes(body[:2])
        topic, settle = body[2:at].decode(errors="replace"), _nothing
        if first & 0b0110:
            settle = partial(self.settle, int.from_bytes(body[at : at + 2]))
            at += 2
        if self._v5:
            at = _after_properties(body, at)
        return Delivery(topic, body[at:], settle, bool(first & 1))

    def _queue_settled(self) -> None:
        """One piece to write, of the PUBACKs of all that was settled."""
        written = bytearray()
        while self._settled:
            written += b"\x40\x02" + self._settled.popleft().to_bytes(2)
        if written and self.is_connected():
            self._packet_queue(_PUBACK, bytes(written), 0, 1)


def _after_properties(packet: bytes, at: int) -> int:
    """Where the payload begins, after properties whose length stands at `at`."""
    length, shift = 0, 0
    while True:
        byte = packet[at]
        length, shift, at = length | (byte & 0x7F) << shift, shift + 7, at + 1
        if not byte & 0x80:
            return at + length


def _nothing() -> None:
    """Nobody waits to hear that a message of QoS 0 is safe."""


def _dropped(size_bytes: int) -> None:
    limits = {"size_bytes": size_bytes, "most_bytes": MOST_PACKET_BYTES}
    event(log, logging.WARNING, "broker.packet_too_large", **limits)
