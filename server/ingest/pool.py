"""Several ingest workers, each a process of its own, started again when they die.

    starting ──► running ──died──► waiting ──doubling pause──► starting
                    └──stop──► stopped

Each has its own connection to the database and to the broker, where they share the uplink. A word
in its pipe tells a worker to stop; the pipe's end, that its server is gone.
"""

import contextlib
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from server.clock import Clock
from server.ingest.committing import Tally
from server.ingest.link import LinkState, LinkStatus
from server.ingest.station import IngestPlan, Standing, serve
from server.ingest.worker import IngestState
from server.logs import event
from server.metrics.work import Work

log = logging.getLogger(__name__)
LOOK_EACH_S = 0.5
PAUSE_S = (0.5, 30.0)
STEADY_S = 60.0
STOP_WITHIN_S = 12.0
_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(slots=True)
class _Place:
    """A worker's place: its process, if there is one, and what it last said."""

    number: int
    process: SpawnProcess | None = None
    pipe: Pipe | None = None
    standing: Standing | None = None
    started_at_s: float = 0.0
    again_at_s: float = 0.0
    pause_s: float = PAUSE_S[0]
    before: Tally = field(default_factory=Tally)
    work_before: Work = field(default_factory=Work)


class IngestPool:
    """Keeps a number of workers running.

    Args:
        plan: what each is made of.
        workers: how many.
        clock: stamps what is said of workers that have said nothing yet.
        monotonic_s: paces the pauses.
    """

    def __init__(
        self,
        plan: IngestPlan,
        workers: int,
        clock: Clock,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._monotonic_s = monotonic_s
        self._silent = LinkStatus(LinkState.CONNECTING, clock(), "a worker is starting")
        self._places = [_Place(number) for number in range(workers)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-pool", daemon=True)

    def start(self) -> None:
        """Begin."""
        for place in self._places:
            self._start(place)
        self._thread.start()

    def stop(self) -> None:
        """Tell all to finish their batches, and wait; what does not end is killed."""
        self._stopping.set()
        self._thread.join()
        for place in self._places:
            if place.pipe is not None:
                with contextlib.suppress(OSError):  # it has just died
                    place.pipe.send(None)
        until_s = self._monotonic_s() + STOP_WITHIN_S
        for place in self._places:
            if place.process is not None:
                place.process.join(max(0.0, until_s - self._monotonic_s()))
                place.process.kill()
                place.process.join()
            if place.pipe is not None:
                place.pipe.close()

    def pids(self) -> list[int]:
        """The process ids of those that run."""
        running = (place.process for place in self._places if place.process is not None)
        return [one.pid for one in running if one.pid is not None and one.is_alive()]

    def standing(self) -> Standing:
        """All together: the worst connection, what all did, whether any fails."""
        told = [place.standing for place in self._places]
        links = [self._silent if one is None else one.link for one in told]
        away = [one for one in links if one.state is not LinkState.CONNECTED]
        total = Tally()
        for place in self._places:
            total += place.before
        states = [one.ingest for one in told if one is not None]
        commits = [one.last_commit_at for one in states if one.last_commit_at is not None]
        work = Work()
        for place in self._places:
            work += place.work_before
        for one in states:
            total += one.tally
            work += one.work
        latest = max(commits, default=None)
        busy = [one.busy_since for one in states if one.busy_since is not None]
        failing = any(one.failing for one in states)
        together = IngestState(total, latest, failing, min(busy, default=None), work)
        return Standing((away or links)[0], together)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._listen()
            for place in self._places:
                self._look(place)

    def _listen(self) -> None:
        """Take what workers say."""
        pipes = {place.pipe: place for place in self._places if place.pipe is not None}
        if not pipes:
            self._stopping.wait(LOOK_EACH_S)
            return
        for ready in wait(list(pipes), LOOK_EACH_S):
            place = next(one for pipe, one in pipes.items() if pipe is ready)
            try:
                place.standing = place.pipe.recv() if place.pipe is not None else None
            except (EOFError, OSError):
                place.pipe = None

    def _look(self, place: _Place) -> None:
        """Start a worker that died again, after a pause."""
        now_s = self._monotonic_s()
        if place.process is not None and not place.process.is_alive():
            self._mourn(place, place.process, now_s)
        if place.process is None and now_s >= place.again_at_s:
            self._start(place)

    def _mourn(self, place: _Place, process: SpawnProcess, now_s: float) -> None:
        steady = now_s - place.started_at_s >= STEADY_S
        place.pause_s = PAUSE_S[0] if steady else min(2 * place.pause_s, PAUSE_S[1])
        place.again_at_s = now_s + place.pause_s
        status, number = process.exitcode, place.number
        event(log, logging.ERROR, "worker.died", number=number, status=status)
        if place.standing is not None:
            place.before += place.standing.ingest.tally
            place.work_before += place.standing.ingest.work
        place.process, place.pipe, place.standing = None, None, None

    def _start(self, place: _Place) -> None:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(
            target=serve, args=(self._plan, place.number, theirs), name=f"ingest-{place.number}"
        )
        process.start()
        theirs.close()
        place.process, place.pipe = process, ours
        place.started_at_s = self._monotonic_s()
