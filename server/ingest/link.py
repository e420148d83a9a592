"""The connection to the broker: one paho client a connection, tried again with jitter.

A new client for each connection means that a PUBACK can only ever go to the connection that
delivered the message: packet ids of an old one would name other messages on a new one. The
client id is fixed and the session persistent, so the broker keeps what was not settled.

Subscriptions. Workers share the uplink (`$share/ingest/…`), and take the retained state and
report of each device beside it, since a shared subscription receives nothing retained.
rumqttd 0.20 (iotcore 0.4) dies when a client of a shared subscription leaves with unsettled
messages (`router/routing.rs`: "group must exists"), so there, and on MQTT 3.1.1, the worker
subscribes plainly; several such workers are correct, since storing is idempotent, and wasteful.
"""

import logging
import random
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware_cfg.topics import PREFIX, SHARED_UPLINK_FILTER
from server.clock import Clock
from server.ingest.access import BrokerAccess, why
from server.ingest.worker import Delivery, IngestWorker
from server.logs import event

log = logging.getLogger(__name__)
RECEIVE_MAXIMUM = 512
MAX_PACKET_BYTES = 131_072
SESSION_EXPIRY_S = 7 * 86_400
KEEPALIVE_S = 30
CONNACK_WAIT_S = 5.0
BACKOFF_S = (0.5, 30.0)
RESUBSCRIBE_S = 30.0
BARRED = (0x86, 0x87)  # bad user name or password, not authorised
PLAIN_UPLINK_FILTER = f"{PREFIX}/+/up/#"
RETAINED_FILTERS = (f"{PREFIX}/+/up/state", f"{PREFIX}/+/up/reported")


class LinkState(StrEnum):
    """Where the connection stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    STOPPED = "stopped"


class Sharing(StrEnum):
    """How the uplink is subscribed to."""

    AUTO = "auto"
    SHARED = "shared"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The connection's state, and since when."""

    state: LinkState
    since: datetime
    detail: str = ""
    protocol: str = ""
    subscription: str = ""


class BrokerLink:
    """A thread that keeps one connection to the broker.

    Args:
        access: the broker, and how to be let in.
        client_id: fixed for this worker.
        clock: stamps the state.
        sharing: how to subscribe.
    """

    def __init__(
        self, access: BrokerAccess, client_id: str, clock: Clock, sharing: Sharing = Sharing.AUTO
    ) -> None:
        self._access = access
        self._client_id = client_id
        self._clock = clock
        self._sharing = sharing
        self._worker: IngestWorker | None = None
        self._client: mqtt.Client | None = None
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._stood = False
        self._barred = ""
        self._wanted: tuple[str, ...] = ()
        self._answered = threading.Event()
        self._closed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-link", daemon=True)
        self.status = LinkStatus(LinkState.CONNECTING, clock())

    def start(self, worker: IngestWorker) -> None:
        """Begin to deliver to `worker`."""
        self._worker = worker
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Disconnect and end; the broker keeps the session."""
        self._stopping.set()
        self._closed.set()
        self._answered.set()
        self._thread.join(timeout_s)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1 on the present connection; lost with it, and then sent again."""
        client = self._client
        if client is not None and client.is_connected():
            client.publish(topic, payload, qos=1)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            connected = self._connect_once()
            failures = 0 if connected else failures + 1
            if not self._stopping.is_set():
                limit = min(BACKOFF_S[1], BACKOFF_S[0] * 2 ** min(failures, 10))
                self._stopping.wait(random.uniform(BACKOFF_S[0] / 2, limit))  # noqa: S311 jitter
        self._say(LinkState.STOPPED)

    def _connect_once(self) -> bool:
        """One connection from beginning to end; whether it stood at all."""
        self._answered.clear()
        self._closed.clear()
        self._stood = False
        self._barred = ""
        client = self._make_client()
        properties = None
        if self._protocol is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            properties.MaximumPacketSize = MAX_PACKET_BYTES
        clean = False if properties is not None else mqtt.MQTT_CLEAN_START_FIRST_ONLY
        try:
            client.connect(
                self._access.host,
                self._access.port,
                KEEPALIVE_S,
                clean_start=clean,
                properties=properties,
            )
        except OSError as error:
            self._say(LinkState.UNREACHABLE, why(error))
            return False
        self._client = client
        client.loop_start()
        self._answered.wait(CONNACK_WAIT_S)
        if self._stood:
            while not self._closed.wait(RESUBSCRIBE_S):
                if self.status.state is not LinkState.CONNECTED:
                    self._subscribe(client)
        else:
            self._give_up_protocol()
        self._client = None
        client.disconnect()
        client.loop_stop()
        return self._stood

    def _make_client(self) -> mqtt.Client:
        v5 = self._protocol is MQTTProtocolVersion.MQTTv5
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if v5 else False,
            protocol=self._protocol,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if self._access.tls is not None:
            client.tls_set_context(self._access.tls)
        if self._access.user is not None:
            client.username_pw_set(self._access.user, self._access.password)
        client.max_queued_messages_set(10_000)
        client.max_inflight_messages_set(64)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _give_up_protocol(self) -> None:
        """No CONNACK, or a refusal: the broker may speak the other version.

        Not after a refusal of the credentials: that one would be the same in any version.
        """
        if self._stopping.is_set():
            return
        if self._barred:
            self._say(LinkState.REFUSED, self._barred)
            return
        self._say(LinkState.REFUSED, self.status.detail or "closed before it answered")
        v5 = self._protocol is MQTTProtocolVersion.MQTTv5
        self._protocol = MQTTProtocolVersion.MQTTv311 if v5 else MQTTProtocolVersion.MQTTv5

    def _on_connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._barred = str(code) if code.value in BARRED else ""
            if not self._barred:
                self.status = LinkStatus(LinkState.REFUSED, self._clock(), str(code))
            self._closed.set()
            self._answered.set()
            return
        self._stood = True
        self._wanted = self._filters(properties)
        self._subscribe(client)
        self._answered.set()
        if self._worker is not None:
            self._worker.connected()

    def _subscribe(self, client: mqtt.Client) -> None:
        client.subscribe([(one, 1) for one in self._wanted])

    def _on_subscribe(
        self,
        client: mqtt.Client,
        _userdata: object,
        _mid: int,
        codes: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        """Connected once every filter is granted; what was refused is asked for again later."""
        if client is not self._client:
            return
        protocol = "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"
        sharing = Sharing.SHARED if self._wanted[0].startswith("$share") else Sharing.PLAIN
        answers = zip(self._wanted, codes, strict=False)
        refused = [
            f"{one}: {code} (0x{code.value:02x})" for one, code in answers if code.is_failure
        ]
        if len(codes) < len(self._wanted):
            refused.append(f"{len(codes)} answers to {len(self._wanted)} filters")
        state = LinkState.REFUSED if refused else LinkState.CONNECTED
        self._say(state, "; ".join(refused), protocol, sharing.value)

    def _filters(self, properties: Properties | None) -> tuple[str, ...]:
        shared = self._sharing is Sharing.SHARED
        if self._sharing is Sharing.AUTO and self._protocol is MQTTProtocolVersion.MQTTv5:
            shared = not looks_like_rumqttd(properties)
        return (SHARED_UPLINK_FILTER, *RETAINED_FILTERS) if shared else (PLAIN_UPLINK_FILTER,)

    def _on_disconnect(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if client is not self._client:
            return
        if self.status.state is LinkState.CONNECTED and not self._stopping.is_set():
            self._say(LinkState.CONNECTING, str(code))
        self._closed.set()
        self._answered.set()

    def _on_message(
        self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        mid, qos = message.mid, message.qos
        if self._worker is not None:
            payload, retained = bytes(message.payload), bool(message.retain)
            self._worker.deliver(
                Delivery(message.topic, payload, lambda: _settle(client, mid, qos), retained)
            )

    def _say(
        self, state: LinkState, detail: str = "", protocol: str = "", subscription: str = ""
    ) -> None:
        changed = (state, detail) != (self.status.state, self.status.detail)
        if changed:
            self.status = LinkStatus(state, self._clock(), detail, protocol, subscription)
            level = logging.INFO if state is LinkState.CONNECTED else logging.WARNING
            fields = {"detail": detail, "protocol": protocol, "subscription": subscription}
            event(log, level, f"broker.{state.value}", **fields)


def _settle(client: mqtt.Client, mid: int, qos: int) -> None:
    if qos and client.is_connected():
        client.ack(mid, qos)


def looks_like_rumqttd(properties: Properties | None) -> bool:
    """Whether a CONNACK is one of rumqttd 0.20, whose shared subscriptions are not safe.

    It answers with a topic alias maximum of 4096 and nothing else, unlike mosquitto, EMQX,
    HiveMQ and VerneMQ, which state a receive maximum or which features they have.
    """
    if properties is None:
        return False
    stated: dict[str, object] = properties.json()  # type: ignore[no-untyped-call]
    return stated == {"TopicAliasMaximum": 4096}
