"""Gathers what Prometheus asks for; what costs more than a moment is asked for now and then."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from server.backup import Place
from server.clock import Clock
from server.ingest.station import Standing
from server.logs import event
from server.metrics import families
from server.metrics.certificates import end_at_broker, end_of_file
from server.metrics.facts import Disk, Stored, backed_up_at, disk_of, stored
from server.metrics.families import Machine
from server.metrics.requests import RequestTimes

log = logging.getLogger(__name__)
DATABASE_EACH_S = 15.0
CERTIFICATES_EACH_S = 6 * 3600.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker's certificate, and this server's own, where TLS is spoken."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    own: Path | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked.

    Attributes:
        version: of this server.
        engine: the database.
        place: where state and database lie.
        standing: how ingest is.
        rolled_up_at: when the roll-up job last did not fail.
        requests: how long answers took.
        broker: whose certificate is looked at.
        clock: the present.
    """

    version: str
    engine: Engine
    place: Place
    standing: Callable[[], Standing]
    rolled_up_at: Callable[[], datetime | None]
    requests: RequestTimes
    broker: Broker
    clock: Clock


@dataclass(slots=True)
class Kept(Generic[T]):
    """The answer to a question that is put at most so often."""

    ask: Callable[[], T]
    each_s: float
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asked_at_s: float | None = None
    _answer: T | None = None

    def now(self) -> T | None:
        """The answer, not older than `each_s`."""
        with self._lock:
            now_s = time.monotonic()
            if self._asked_at_s is None or now_s - self._asked_at_s >= self.each_s:
                self._answer = self.ask()
                self._asked_at_s = now_s
            return self._answer


class ServerCollector(Collector):
    """Makes the families anew whenever they are asked for."""

    def __init__(self, sources: Sources) -> None:
        self._of = sources
        self._stored = Kept(self._ask_database, DATABASE_EACH_S)
        self._certificates = Kept(self._ask_certificates, CERTIFICATES_EACH_S)

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        of = self._of
        yield from families.of_version(of.version)
        yield from families.of_ingest(of.standing(), of.clock())
        yield from families.of_rollups(of.rolled_up_at())
        yield from families.of_database(self._stored.now())
        certificates = self._certificates.now() or {}
        yield from families.of_machine(
            Machine(_disk(of.place), backed_up_at(of.place), certificates)
        )
        yield from families.of_requests(of.requests.now())

    def _ask_database(self) -> Stored | None:
        try:
            with self._of.engine.connect() as connection:
                return stored(connection, self._of.place, self._of.clock())
        except SQLAlchemyError as error:
            event(log, logging.ERROR, "metrics.database_failed", error=type(error).__name__)
            return None

    def _ask_certificates(self) -> Mapping[str, datetime | None]:
        broker, found = self._of.broker, {}
        if broker.tls is not None:
            found["broker"] = end_at_broker(broker.host, broker.port, broker.tls)
        if broker.own is not None:
            found["own"] = end_of_file(broker.own)
        for name, ends in found.items():
            if ends.at is None:
                event(log, logging.WARNING, "metrics.no_certificate", of=name, why=ends.why_not)
        return {name: ends.at for name, ends in found.items()}


def registry_of(sources: Sources) -> CollectorRegistry:
    """Everything that is measured: this server's, and Python's about the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServerCollector(sources))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _disk(place: Place) -> Disk | None:
    try:
        return disk_of(place)
    except OSError:
        return None
