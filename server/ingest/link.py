"""The connection to the broker: one paho client a connection, tried again with jitter.

A new client for each connection means that a PUBACK can only ever go to the connection that
delivered the message: packet ids of an old one would name other messages on a new one. The
client id is fixed and the session persistent, so the broker keeps what was not settled.
"""

import logging
import random
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paho.mqtt import client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from server.clock import Clock
from server.ingest.access import BrokerAccess, why
from server.ingest.client import IngestClient
from server.ingest.subscription import Sharing, filters
from server.ingest.worker import Delivery, IngestWorker
from server.logs import event

log = logging.getLogger(__name__)
CONNACK_WAIT_S = 5.0
BACKOFF_S = (0.5, 30.0)
RESUBSCRIBE_S = 30.0
BARRED = (0x86, 0x87)  # bad user name or password, not authorised


class LinkState(StrEnum):
    """Where the connection stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    STOPPED = "stopped"


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
        self._v5 = True
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
        try:
            client.connect_to_broker()
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

    def _make_client(self) -> IngestClient:
        client = IngestClient(self._access, self._client_id, v5=self._v5, deliver=self._deliver)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
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
        self._v5 = not self._v5

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
        self._wanted = filters(self._sharing, properties, v5=self._v5)
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
        protocol = "5" if self._v5 else "3.1.1"
        sharing = Sharing.SHARED if self._wanted[0].startswith("$share") else Sharing.PLAIN
        answers = zip(self._wanted, codes, strict=False)
        refused = [
            f"{one}: {code} (0x{code.value:02x})" for one, code in answers if code.is_failure
        ]
        if len(codes) < len(self._wanted):
            refused.append(f"{len(codes)} answers to {len(self._wanted)} filters")
        state = LinkState.REFUSED if refused else LinkState.CONNECTED
        self._say(state, "; ".join(refused), protocol, sharing.value)

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

    def _deliver(self, delivery: Delivery) -> None:
        if self._worker is not None:
            self._worker.deliver(delivery)

    def _say(
        self, state: LinkState, detail: str = "", protocol: str = "", subscription: str = ""
    ) -> None:
        changed = (state, detail) != (self.status.state, self.status.detail)
        if changed:
            self.status = LinkStatus(state, self._clock(), detail, protocol, subscription)
            level = logging.INFO if state is LinkState.CONNECTED else logging.WARNING
            fields = {"detail": detail, "protocol": protocol, "subscription": subscription}
            event(log, level, f"broker.{state.value}", **fields)
