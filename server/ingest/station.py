"""One ingest worker with its connection: in the server's own process, or in one of its own."""

import contextlib
import logging
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from sqlalchemy import Engine

from server.clock import now_utc
from server.collecting import collect_seldom
from server.database import open_engine
from server.ingest.access import AccessOptions, open_access
from server.ingest.link import BrokerLink, LinkStatus
from server.ingest.subscription import Sharing
from server.ingest.worker import IngestState, IngestWorker
from server.logs import event, set_up
from server.signing import SigningKey, open_key

log = logging.getLogger(__name__)
TOLD_EACH_S = 1.0
SERVER_GONE = 3


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What ingest is made of; it can be handed to another process.

    Attributes:
        database: its URL, the schema in place.
        state_dir: folder of the signing key.
        access: the broker.
        sharing: how to subscribe.
        client_id: of the first worker; the others' have a number behind it.
    """

    database: str
    state_dir: Path
    access: AccessOptions
    sharing: Sharing
    client_id: str

    def client_id_of(self, number: int) -> str:
        """The MQTT client id of a worker, always the same: the broker keeps its session.

        >>> plan = IngestPlan("", Path(), AccessOptions("", 0), Sharing.AUTO, "encounter-ingest-7")
        >>> plan.client_id_of(0), plan.client_id_of(1)
        ('encounter-ingest-7', 'encounter-ingest-7-1')
        """
        return f"{self.client_id}-{number}" if number else self.client_id


@dataclass(frozen=True, slots=True)
class Standing:
    """How a worker and its connection are."""

    link: LinkStatus
    ingest: IngestState


class Station:
    """A worker with its connection.

    Args:
        engine: the database.
        key: signs the acknowledgements.
        plan: broker and subscription.
        number: which of several workers, from 0.
    """

    def __init__(self, engine: Engine, key: SigningKey, plan: IngestPlan, number: int = 0) -> None:
        access = open_access(plan.access)
        self._link = BrokerLink(access, plan.client_id_of(number), now_utc, plan.sharing)
        self._worker = IngestWorker(engine, key, self._link, now_utc)

    def start(self) -> None:
        """Begin."""
        collect_seldom()
        self._worker.start()
        self._link.start(self._worker)

    def stop(self) -> None:
        """Finish the batch at hand and end; the broker keeps the session."""
        self._worker.stop()  # first: its acknowledgements go by the connection
        self._link.stop()

    def standing(self) -> Standing:
        """How it is."""
        return Standing(self._link.status, self._worker.state)


def serve(plan: IngestPlan, number: int, pipe: Pipe) -> None:
    """The main function of a worker's own process: it runs until the server says so.

    It ends at once when the server's process is gone, which closes the pipe: no worker outlives
    its server, and whatever was not settled is delivered again.
    """
    if pipe.poll():  # told to stop, or closed, while this process was loading its code
        return
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the server, which then says so
    threading.Thread(target=_listen, args=(pipe, stopping), daemon=True).start()
    set_up()
    engine = open_engine(plan.database)
    station = Station(engine, open_key(plan.state_dir), plan, number)
    station.start()
    event(log, logging.INFO, "worker.started", number=number)
    while not stopping.is_set():
        with contextlib.suppress(OSError):  # the server is gone: this process is about to be
            pipe.send(station.standing())
        stopping.wait(TOLD_EACH_S)
    station.stop()
    engine.dispose()
    event(log, logging.INFO, "worker.stopped", number=number)


def _listen(pipe: Pipe, stopping: threading.Event) -> None:
    """Wait for the server's word to stop, or for its end."""
    try:
        pipe.recv()
    except (EOFError, OSError):
        os._exit(SERVER_GONE)
    stopping.set()
