"""The ingest worker: takes deliveries in batches, commits, acknowledges, settles.

Order is everything: commit → publish the acknowledgements → PUBACK. A worker that dies
between any two of these is followed by one that receives the same deliveries again, and
finds them in the database.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from firmware_cfg.codec import encode
from firmware_cfg.topics import Kind
from firmware_cfg.topics import topic as topic_of
from server.clock import Clock
from server.ingest import acks
from server.ingest.committing import Committed, Tally, commit
from server.ingest.directory import Directory
from server.ingest.known import Stream
from server.ingest.pacing import Pacing
from server.ingest.reading import (
    MessageKey,
    Reading,
    Refusal,
    WindowReading,
    key_of,
    read,
    unexpected,
)
from server.logs import event
from server.metrics.work import Work
from server.schema.messages import AsideReason
from server.signing import SigningKey

log = logging.getLogger(__name__)
MAX_BATCH = 1024
MAX_WAITING = 4096
LINGER_S = 0.02
FULL_WAIT_S = 0.05
RETRY_S = (0.2, 10.0)
# Refusals of the database that pass: away, busy, or another worker was first.
PASSING = (OperationalError, InterfaceError, IntegrityError, PoolTimeoutError)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An MQTT message, and how to tell the broker that it is safe."""

    topic: str
    payload: bytes
    settle: Callable[[], None]
    retained: bool = False


class Publisher(Protocol):
    """Sends to the broker; what cannot be sent now is sent again on the next connection."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send once, QoS 1."""


@dataclass(slots=True)
class IngestState:
    """What the worker last did, for health."""

    tally: Tally = field(default_factory=Tally)
    last_commit_at: datetime | None = None
    failing: bool = False
    busy_since: datetime | None = None
    work: Work = field(default_factory=Work)


class IngestWorker:
    """A thread that drains deliveries into the database.

    Args:
        engine: the database.
        key: signs the acknowledgements.
        publisher: where they go.
        clock: stamps what is received.
    """

    def __init__(self, engine: Engine, key: SigningKey, publisher: Publisher, clock: Clock) -> None:
        self._engine = engine
        self._key = key
        self._publisher = publisher
        self._clock = clock
        self._waiting: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._repeat_due = threading.Event()
        self._directory = Directory()
        self._pacing = Pacing()
        self.state = IngestState()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the batch at hand, send the acknowledgements that are held, and end."""
        self._stopping.set()
        self._waiting.put(None)
        self._thread.join(timeout_s)

    def deliver(self, delivery: Delivery) -> None:
        """Take a delivery; blocks while too many wait (the broker then holds back)."""
        while self._waiting.qsize() >= MAX_WAITING and not self._stopping.is_set():
            self._stopping.wait(FULL_WAIT_S)
        self._waiting.put(delivery)

    def connected(self) -> None:
        """A new connection: tell every device how far it is settled."""
        self._repeat_due.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            batch = self._take()
            if self._repeat_due.is_set():
                self._repeat_due.clear()
                self._retrying(self._repeat_acks)
            if batch:
                self.state.busy_since = self._clock()
                self._retrying(partial(self._handle, batch))
                self.state.busy_since = None
            due = self._pacing.due(time.monotonic(), idle=not batch)
            if due:
                self._retrying(partial(self._send_present, due))
        self._flush()

    def _flush(self) -> None:
        """Send what is still held, before the end; what fails is told at the next start."""
        held = self._pacing.due(time.monotonic(), idle=True)
        if not held:
            return
        try:
            self._send_present(held)
        except Exception:  # supervisor: a stop goes on whatever happens
            log.exception("ingest.failed")

    def _take(self) -> list[Delivery]:
        """The deliveries of the next batch; empty after half a second without any."""
        batch: list[Delivery] = []
        until = time.monotonic() + 0.5
        while len(batch) < MAX_BATCH:
            try:
                one = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if one is None:
                break
            if not batch:
                until = time.monotonic() + LINGER_S
            batch.append(one)
        return batch

    def _retrying(self, work: Callable[[], None]) -> None:
        """Do `work`; while it fails, wait and try again, until the end."""
        wait_s = RETRY_S[0]
        while True:
            try:
                work()
            except Exception:  # supervisor: nothing else keeps this thread alive
                self.state.failing = True
                log.exception("ingest.failed")
                if self._stopping.wait(wait_s * random.uniform(0.5, 1.0)):  # noqa: S311 jitter
                    return
                wait_s = min(wait_s * 2, RETRY_S[1])
            else:
                self.state.failing = False
                return

    def _handle(self, batch: list[Delivery]) -> None:
        readings = [_read(one) for one in batch]
        began_s = time.monotonic()
        try:
            done = commit(self._engine, readings, self._clock(), self._directory)
        except PASSING:
            raise
        except Exception:  # supervisor: one message must not stop all others
            log.exception("ingest.batch_failed")
            done = self._one_by_one(readings)
        took_s = time.monotonic() - began_s
        self._publish(done)
        for one in batch:
            one.settle()
        self.state.tally += done.tally
        now = self._clock()
        self.state.last_commit_at = now
        windows = (one.window for one in readings if isinstance(one, WindowReading))
        ages_s = ((now - one.end).total_seconds() for one in windows)
        self.state.work.committed(len(batch), took_s, ages_s)
        counts = {"stored": done.tally.stored, "repeated": done.tally.repeated}
        counts |= {"rejected": done.tally.rejected, "aside": done.tally.aside}
        event(log, logging.INFO, "ingest.committed", messages=len(batch), **counts)

    def _one_by_one(self, readings: Sequence[Reading]) -> Committed:
        """Commit each alone; what fails for a reason of ours is kept aside raw."""
        drafts: list[acks.AckDraft] = []
        tally = Tally()
        for reading in readings:
            try:
                done = commit(self._engine, [reading], self._clock())
            except PASSING:
                raise
            except Exception:  # supervisor: as above
                log.exception("ingest.message_failed")
                done = self._set_aside(reading)
            drafts += done.acks
            tally += done.tally
        return Committed(tuple(drafts), tally)

    def _set_aside(self, reading: Reading) -> Committed:
        if not isinstance(reading, WindowReading):
            return Committed((), Tally())
        detail = "failed while it was being stored"
        unexpected = AsideReason.UNEXPECTED_ERROR
        refusal = Refusal(
            reading.key.device, reading.key, reading.sha256, reading.payload, unexpected, detail
        )
        return commit(self._engine, [refusal], self._clock())

    def _publish(self, done: Committed) -> None:
        self._send(self._pacing.now(done.acks, time.monotonic()))

    def _send(self, drafts: Sequence[acks.AckDraft]) -> None:
        for draft in drafts:
            ack = self._key.acknowledge(
                draft.device, draft.epoch, draft.up_to, draft.sha256, draft.rejected
            )
            self._publisher.publish(topic_of(draft.device, Kind.ACK), encode(ack))

    def _send_present(self, streams: Sequence[Stream]) -> None:
        with self._engine.connect() as connection:
            drafts = acks.present(connection, streams)
        self._send(drafts)

    def _repeat_acks(self) -> None:
        with self._engine.connect() as connection:
            drafts = acks.repeat_all(connection, self._clock())
        self._send(drafts)
        event(log, logging.INFO, "ingest.acknowledged_again", streams=len(drafts))


def _read(one: Delivery) -> Reading:
    """What a delivery turns out to be; one on which a reader fails is to be kept raw."""
    try:
        return read(one.topic, one.payload, retained=one.retained)
    except Exception:  # supervisor: one message must not stop all others
        log.exception("ingest.read_failed")
    return unexpected(one.topic, one.payload, _key_of(one), retained=one.retained)


def _key_of(one: Delivery) -> MessageKey | None:
    try:
        return key_of(one.topic, one.payload)
    except Exception:  # supervisor: as above; its device is not told, and sends it again
        log.exception("ingest.key_failed")
        return None
