"""One connection to the broker, from connecting to its loss. Nothing of it outlives it.

A thin shell over paho: it is driven by `step` from one thread, raises `LinkError` with a
reason in words, and queues nothing beyond the broker's receive maximum. A payload goes through
`publish` or is the will; both ask the ledger for its entry, and what has none is not sent.
"""

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.broker_client import CONNECT_S, BrokerClient, tls_context, why
from edge.errors import LinkError
from edge.ledger.tcp_info import Watched
from edge.ledger.traffic import Meter
from firmware_cfg.errors import MessageError
from firmware_cfg.site import Broker
from firmware_cfg.topics import RETAINED, Kind, parse_topic, topic

RECEIVES = (Kind.ACK, Kind.DESIRED)
_STEP_S = 0.1


class Gate(Protocol):
    """Knows what was recorded; see `edge.ledger.ledger.Ledger`."""

    def demand(self, kind: Kind, payload: bytes) -> int:
        """The entry of a payload; raises where there is none."""
        ...


class BrokerLink:
    """A connection as a device, with its last will.

    Args:
        broker: where, and by which protocol and certificates.
        device: device id: client id and user name.
        will: payload of the retained `state` that the broker publishes if this dies.
        gate: asked for the entry of each payload before it is sent.
        meter: counts what goes over the connection.

    Attributes:
        inbox: (kind, payload) of what came in, oldest first.
        unacknowledged: messages sent that the broker has not acknowledged.
        limit: how many of those there may be.
        refusal: why the broker last refused a message; None if it did not.
    """

    def __init__(self, broker: Broker, device: str, will: bytes, gate: Gate, meter: Meter) -> None:
        self.inbox: deque[tuple[Kind, bytes]] = deque()
        self.unacknowledged: set[int] = set()
        self.limit = broker.max_inflight
        self.refusal: str | None = None
        self._broker = broker
        self._device = device
        self._will = will
        self._gate = gate
        self._meter = meter
        self._sizes: dict[int, int] = {}
        self._connected = False
        self._failure: str | None = None
        self._client = self._make_client(will)

    def open(self) -> None:
        """Connect, and subscribe to this device's own `down` topics.

        Raises:
            LinkError: no answer, a certificate or a name that is not accepted, or a refusal.
            UnledgeredError: the will has no entry; nothing was sent.
        """
        entry = self._gate.demand(Kind.STATE, self._will)
        self._client.made = lambda made: self._made(made, entry)
        try:
            if self._broker.tls:
                self._client.tls_set_context(tls_context(self._broker))
            self._client.connect_to(self._broker.host, self._broker.port)
        except (OSError, ValueError) as error:
            raise LinkError(why(error)) from error
        self._until(lambda: self._connected, "no answer to CONNECT")
        awaited = {self._subscribe(kind) for kind in RECEIVES}
        self._client.on_subscribe = self._subscribed(awaited)
        self._until(lambda: not awaited, "no answer to SUBSCRIBE")

    def step(self, timeout_s: float) -> None:
        """Let the network work for up to `timeout_s` seconds.

        Raises:
            LinkError: the connection is lost.
        """
        status = self._work(timeout_s)
        if self._failure is not None:
            raise LinkError(self._failure)
        if status != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkError("connection lost")

    def publish(self, kind: Kind, payload: bytes) -> None:
        """Send with QoS 1, retained where the kind is.

        Raises:
            LinkError: the connection is lost.
            UnledgeredError: the payload has no entry; it was not sent.
        """
        self._meter.hands_over(self._gate.demand(kind, payload), len(payload))
        info = self._client.publish(
            topic(self._device, kind), payload, qos=1, retain=kind in RETAINED
        )
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkError("connection lost")
        self.unacknowledged.add(info.mid)
        self._sizes[info.mid] = len(payload)

    def idle(self) -> bool:
        """Whether all that was handed over has been sent, and acknowledged."""
        waits = self._client.want_write() or bool(self.unacknowledged)
        return not waits and self._meter.idle()

    def close(self, final: bytes | None = None) -> None:
        """Disconnect; with `final`, leave that `state` behind if the broker takes it in time."""
        try:
            if final is not None and self._connected:
                self.publish(Kind.STATE, final)
                self._until(lambda: not self.unacknowledged, "no acknowledgement")
        except LinkError:
            pass  # the last will says the same
        finally:
            self._client.disconnect()
            self._work(0)
            self._meter.ended(time.monotonic())

    def _work(self, timeout_s: float) -> MQTTErrorCode:
        """Read, write and keep alive, waiting up to `timeout_s` for something to do.

        paho's own `loop` would open a listening socket of its own to wake itself from another
        thread; there is none here, and the jail permits none.
        """
        connection = self._client.socket()
        if connection is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        waits = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        writers = [connection] if self._client.want_write() else []
        readable, writable, _ = select.select(
            [connection], writers, [], 0.0 if waits else timeout_s
        )
        status = MQTTErrorCode.MQTT_ERR_SUCCESS
        if readable or waits:
            status = self._client.loop_read()
        if status == MQTTErrorCode.MQTT_ERR_SUCCESS and writable:
            status = self._client.loop_write()
        if status == MQTTErrorCode.MQTT_ERR_SUCCESS:
            status = self._client.loop_misc()
        return status

    def _made(self, connection: socket.socket, entry: int) -> None:
        """A TCP connection stands, and the will is about to be sent."""
        self._meter.made(Watched(connection), time.monotonic())
        self._meter.hands_over(entry, len(self._will))

    def _make_client(self, will: bytes) -> BrokerClient:
        client = BrokerClient(self._device, v5=self._broker.protocol == "5")
        client.wrote = self._meter.wrote
        client.max_inflight_messages_set(self._broker.max_inflight)
        client.will_set(topic(self._device, Kind.STATE), will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _subscribe(self, kind: Kind) -> int:
        status, mid = self._client.subscribe(topic(self._device, kind), qos=1)
        if status != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise LinkError("connection lost")
        return mid

    def _until(self, done: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + CONNECT_S
        while not done():
            if time.monotonic() > deadline:
                raise LinkError(otherwise)
            self.step(_STEP_S)

    def _subscribed(self, awaited: set[int]) -> Callable[..., None]:
        def on_subscribe(
            _client: Client, _data: object, mid: int, codes: list[ReasonCode], _properties: Any
        ) -> None:
            awaited.discard(mid)
            for code in codes:
                if code.is_failure:
                    self._failure = f"subscription refused: {code}"

        return on_subscribe

    def _on_connect(
        self,
        _client: Client,
        _data: object,
        _flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._failure = f"refused: {code}"
            return
        self._connected = True
        self._meter.taken()
        self._meter.acknowledged(len(self._will))
        self.limit = min(self.limit, getattr(properties, "ReceiveMaximum", self.limit))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._meter.received()
        try:
            _, kind = parse_topic(message.topic)
        except MessageError:
            return
        if kind in RECEIVES:
            self.inbox.append((kind, bytes(message.payload)))

    def _on_publish(
        self, _client: Client, _data: object, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        self.unacknowledged.discard(mid)
        self._meter.acknowledged(self._sizes.pop(mid, 0))
        self.refusal = f"message refused: {code}" if code.is_failure else None

    def _on_disconnect(
        self, _client: Client, _data: object, flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        if self._failure is None:
            said = getattr(flags, "is_disconnect_packet_from_server", False)
            self._failure = f"broker disconnected: {code}" if said else "connection lost"
