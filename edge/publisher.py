"""Keeps the outbox flowing to the server, whatever the broker does.

    trying ──connected──► serving ──lost──► waiting ──jittered, doubling pause──► trying

A broker that cannot be reached is a state with a reason, never a crash. A broker's
acknowledgement only frees a slot; a message is settled by the server's signed word alone.
What the server has not settled is sent again after a pause that doubles, and after every
reconnection, from the oldest on: it drops what it has. Only what is made while a connection
stands leaves before that (`edge.in_flight`). One thread does all of it.

Whatever is sent is in the ledger first: window messages since they are in the outbox, everything
else is recorded here a moment before. Where it cannot be recorded (the disk is full) the connection
is given up with that reason, and nothing is sent until there is room again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from random import SystemRandom

from edge.broker_link import BrokerLink
from edge.clock import Clock
from edge.errors import AckError, EdgeError
from edge.in_flight import InFlight
from edge.ledger.entry import EntryKind
from edge.ledger.traffic import Meter
from edge.outbox import Outbox
from edge.punctual import MARK_S, Marks
from edge.timing import Timing
from firmware_cfg import __version__
from firmware_cfg.codec import decode, encode
from firmware_cfg.errors import MessageError
from firmware_cfg.messages import Ack, Desired, Health, Reported, State
from firmware_cfg.site import Broker
from firmware_cfg.topics import Kind

LOG = logging.getLogger(__name__)
_STEP_S = 0.2
_STOP_S = 15.0
_MOST_WISHES = 100


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the broker is connected, and a line that says so to a person."""

    connected: bool
    detail: str


class Publisher:
    """Sends what the outbox holds, and takes the server's acknowledgements.

    Args:
        device: this device's id.
        broker: where to publish.
        outbox: what to publish.
        clock: real time; monotonic seconds pace every pause.
        heartbeat: makes a heartbeat for now.
        reported: the configuration in force.
        timing: pauses.
        marks: windows close half-way between two of them (`edge.punctual`). Heartbeats then
            leave right after one: which of a window's entry and a heartbeat's comes first in
            the ledger must not tell how busy it was.
    """

    def __init__(
        self,
        device: str,
        broker: Broker,
        outbox: Outbox,
        clock: Clock,
        *,
        heartbeat: Callable[[], Health],
        reported: Callable[[], Reported],
        timing: Timing | None = None,
        marks: Marks | None = None,
    ) -> None:
        self._device = device
        self._broker = broker
        self._outbox = outbox
        self._ledger = outbox.ledger
        self._meter = Meter(broker.tls)
        self._counted_in: datetime | None = None
        self._counted_at_s = -(timing or Timing()).heartbeat_s
        self._clock = clock
        self._heartbeat = heartbeat
        self._reported = reported
        self._timing = timing or Timing()
        self._marks = marks
        self._where = f"broker {broker.host}:{broker.port}"
        self._random = SystemRandom()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._connected = False
        self._reason = "not tried yet"
        self._retry_at_s = 0.0
        self._failures = 0
        self._desired: deque[Desired] = deque(maxlen=_MOST_WISHES)
        self._beat_at_s = clock.monotonic_s()
        self._restored_at_s = -self._timing.restore_s
        self._in_flight = InFlight(outbox, broker.max_inflight, self._timing)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye, disconnect and end the thread; what is unsettled stays in the outbox."""
        self._stopping.set()
        self._thread.join(_STOP_S)

    def status(self) -> Status:
        """Connected or not, and why."""
        if self._connected:
            return Status(connected=True, detail=f"{self._where}: {self._reason}")
        if self._stopping.is_set():
            return Status(connected=False, detail=f"{self._where}: stopped")
        pause_s = round(self._retry_at_s - self._clock.monotonic_s())
        following = f"next try in {pause_s} s" if pause_s > 0 else "trying now"
        return Status(connected=False, detail=f"{self._where}: {self._reason}, {following}")

    def take_desired(self) -> Desired | None:
        """The oldest wish of the server that was not taken yet; None if there is none."""
        try:
            return self._desired.popleft()
        except IndexError:
            return None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except EdgeError as error:
                self._lost(str(error))
            except Exception:
                LOG.exception("publisher_failed")
                self._lost("failed, see the log")
            pause_s = self._retry_at_s - self._clock.monotonic_s()
            if not self._stopping.is_set():
                self._stopping.wait(max(0.0, pause_s))

    def _lost(self, reason: str) -> None:
        timing = self._timing
        pause_s = min(timing.retry_most_s, timing.retry_s * 2 ** min(self._failures, 16))
        pause_s *= self._random.uniform(0.5, 1.0)
        self._failures += 1
        self._reason = reason
        self._retry_at_s = self._clock.monotonic_s() + pause_s
        self._connected = False
        LOG.warning("broker_lost %s: %s, next try in %.1f s", self._where, reason, pause_s)

    def _serve(self) -> None:
        """One connection, until it is lost or this stops."""
        will, birth = self._state(online=False), self._state(online=True)
        self._record((EntryKind.WILL, will), (EntryKind.STATE, birth))
        link = BrokerLink(self._broker, self._device, will, self._ledger, self._meter)
        try:
            link.open()
            link.publish(Kind.STATE, birth)
            LOG.info("broker_connected %s", self._where)
            self._failures = 0
            self._in_flight.begin(self._clock.monotonic_s())
            told = b""
            while not self._stopping.is_set():
                told = self._report_configuration(link, told)
                self._read(link)
                self._in_flight.send(link, self._clock.monotonic_s())
                self._beat(link)
                self._count(link)
                self._reason = link.refusal or "connected"
                self._connected = True
                link.step(_STEP_S)
        finally:
            self._connected = False
            link.close(self._farewell() if self._stopping.is_set() else None)
            self._count()

    def _record(self, *payloads: tuple[EntryKind, bytes]) -> None:
        """Enter what is about to be sent into the ledger, in one commit."""
        self._ledger.record(self._clock.utc_now(), *payloads)

    def _farewell(self) -> bytes | None:
        """The last `state`; None if it cannot be recorded: the last will says the same."""
        payload = self._state(online=False)
        try:
            self._record((EntryKind.STATE, payload))
        except EdgeError as error:
            LOG.warning("farewell_not_recorded %s", error)
            return None
        return payload

    def _count(self, link: BrokerLink | None = None) -> None:
        """Enter what the connections carried: each window, and after a connection's end.

        Where connections end one after the other, once in the time of a heartbeat.
        """
        at_utc, now_s = self._clock.utc_now(), self._clock.monotonic_s()
        window = self._ledger.window_of(at_utc)
        if link is not None:
            self._counted_in = self._counted_in or window
            waits = not self._right_after_a_mark() or not link.idle()
            if window == self._counted_in or waits:
                return
        elif now_s - self._counted_at_s < self._timing.heartbeat_s and not self._stopping.is_set():
            return
        counts = self._meter.counts(time.monotonic())
        if counts is None:
            return
        try:
            self._ledger.note(at_utc, (EntryKind.TRAFFIC, asdict(counts)))
        except EdgeError as error:
            LOG.warning("traffic_not_recorded %s", error)
            return
        self._meter.reset()
        self._counted_in, self._counted_at_s = window, now_s

    def _read(self, link: BrokerLink) -> None:
        while link.inbox:
            kind, payload = link.inbox.popleft()
            try:
                if kind is Kind.ACK:
                    self._settle(link, decode(Ack, payload))
                else:
                    self._desired.append(decode(Desired, payload))
            except (AckError, MessageError) as error:
                LOG.warning("refused %s: %s", kind, error)

    def _settle(self, link: BrokerLink, ack: Ack) -> None:
        """Take the server's word; one that has lost something is told anew what is still here."""
        settled = self._outbox.settle(ack, self._clock.utc_now())
        now_s = self._clock.monotonic_s()
        if settled.newly:
            self._in_flight.settled(ack.up_to, now_s)
        if settled.behind and now_s - self._restored_at_s >= self._timing.restore_s:
            again = self._outbox.resend(ack.up_to)
            self._restored_at_s = now_s
            self._in_flight.again(now_s)
            LOG.warning("server_behind up_to=%d, %d messages again", ack.up_to, again)
            birth = self._state(online=True)
            self._record((EntryKind.STATE, birth))
            link.publish(Kind.STATE, birth)

    def _beat(self, link: BrokerLink) -> None:
        now_s = self._clock.monotonic_s()
        late_s = now_s - self._beat_at_s
        if late_s < 0 or not self._right_after_a_mark(late_s):
            return
        while self._beat_at_s <= now_s:
            self._beat_at_s += self._timing.heartbeat_s
        beat = self._heartbeat().model_copy(update={"ledger": self._ledger.head()})
        payload = encode(beat)
        self._record((EntryKind.HEALTH, payload))
        link.publish(Kind.HEALTH, payload)

    def _right_after_a_mark(self, late_s: float = 0.0) -> bool:
        """Whether no window closes about now.

        Args:
            late_s: what has missed a whole mark, since this looks too seldom, may come later
                after one; still before a window closes.
        """
        within_s = MARK_S / 4 if late_s < MARK_S else MARK_S / 2
        return self._marks is None or self._marks.since_s() < within_s

    def _report_configuration(self, link: BrokerLink, told: bytes) -> bytes:
        """Publish `reported` if it is not what was told; what is told now."""
        payload = encode(self._reported())
        if payload != told:
            self._record((EntryKind.REPORTED, payload))
            link.publish(Kind.REPORTED, payload)
        return payload

    def _state(self, *, online: bool) -> bytes:
        return encode(
            State(
                device=self._device,
                online=online,
                software=__version__,
                epoch=self._outbox.epoch,
                first=self._outbox.first_kept() if online else None,
            )
        )
