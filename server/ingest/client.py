"""The MQTT client of one connection: session kept, acknowledged by hand, held to a size."""

import logging

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_cfg.packets import MOST_UP_BYTES, Sieve, packet_bytes
from server.ingest.access import BrokerAccess
from server.logs import event

log = logging.getLogger(__name__)
RECEIVE_MAXIMUM = 512
MOST_PACKET_BYTES = packet_bytes(MOST_UP_BYTES)
SESSION_EXPIRY_S = 7 * 86_400
KEEPALIVE_S = 30
MOST_QUEUED = 10_000
MOST_INFLIGHT = 64


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

    def _sock_recv(self, bufsize: int) -> bytes:
        return self._sieve.read(super()._sock_recv, bufsize)


def _dropped(size_bytes: int) -> None:
    limits = {"size_bytes": size_bytes, "most_bytes": MOST_PACKET_BYTES}
    event(log, logging.WARNING, "broker.packet_too_large", **limits)
