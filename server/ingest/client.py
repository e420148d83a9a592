"""The MQTT client of one connection: session kept, acknowledged by hand, held to a size."""

import logging

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_cfg.packets import MOST_UP_BYTES, Sieve, packet_bytes
from server.ingest.access import BrokerAccess
from server.logs import event

log = logging.getLogger(__name__)
RECEIVE_MAXIMUM = 2048
MOST_PACKET_BYTES = packet_bytes(MOST_UP_BYTES)
SESSION_EXPIRY_S = 7 * 86_400
KEEPALIVE_S = 30
MOST_QUEUED = 100_000
MOST_INFLIGHT = 4096  # their PUBACKs come behind all windows that are on the way


class IngestClient(mqtt.Client):
    """Takes no packet larger than the contract's.

    Args:
        access: the broker, and how to be let in.
        client_id: fixed for this worker.
        v5: whether to speak MQTT 5; 3.1.1 otherwise.
    """

    def __init__(self, access: BrokerAccess, client_id: str, *, v5: bool) -> None:
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
        self._sieve = Sieve(MOST_PACKET_BYTES, v5=v5, dropped=_dropped)
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

    def _handle_publish(self) -> MQTTErrorCode:
        """Hand a message on, whatever properties it has: paho's own reading of them is slow."""
        command, packet = self._in_packet["command"], bytes(self._in_packet["packet"])
        qos = (command >> 1) & 0b11
        if not self._v5 or qos > 1 or self.on_message is None:
            return super()._handle_publish()
        at = 2 + int.from_bytes(packet[:2])
        message = mqtt.MQTTMessage(topic=packet[2:at])
        if qos:
            message.mid = int.from_bytes(packet[at : at + 2])
            at += 2
        message.qos, message.retain = qos, bool(command & 1)
        message.payload = packet[_after_properties(packet, at) :]
        self.on_message(self, None, message)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _sock_recv(self, bufsize: int) -> bytes:
        return self._sieve.read(super()._sock_recv, bufsize)


def _after_properties(packet: bytes, at: int) -> int:
    """Where the payload begins, after properties whose length stands at `at`."""
    length, shift = 0, 0
    while True:
        byte = packet[at]
        length, shift, at = length | (byte & 0x7F) << shift, shift + 7, at + 1
        if not byte & 0x80:
            return at + length


def _dropped(size_bytes: int) -> None:
    limits = {"size_bytes": size_bytes, "most_bytes": MOST_PACKET_BYTES}
    event(log, logging.WARNING, "broker.packet_too_large", **limits)
