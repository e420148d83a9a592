"""Loading a simulated chain in bulk: identity, then store by store, then regions and devices.

Stores are drawn by several processes at the same time; this one writes, a transaction a store.
What a year of messages would have left behind is there in the end: windows, cells, roll-ups,
the figures of weeks, how far each device is settled, and the messages of the last days.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from server.at_once import insert_all
from server.database import writer
from server.schema.cells import cell, store_week, window
from server.schema.messages import message, progress, raw_message
from server.schema.rollups import rollup
from server.simulating.building import Built, built
from server.simulating.chain import Chain
from server.simulating.fleet import say_hello
from server.simulating.standing import stand
from server.simulating.stream import Drawn
from server.simulating.where import Where, make_identity, placed_stores

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a chain is loaded.

    Attributes:
        engine: the database.
        processes: how many draw stores.
        now: the present.
    """

    engine: Engine
    processes: int
    now: datetime


def load_chain(chain: Chain, target: Target, say: Say) -> dict[str, Drawn]:
    """Load a chain into a database; what was drawn, by store.

    Raises:
        SimulationError: its organisation has a simulated chain already.
    """
    with writer(target.engine).begin() as connection:
        make_identity(connection, chain, target.now)
        places = placed_stores(connection, chain, target.now)
    drawn = {}
    for done, found in enumerate(_all_built(chain, places, target.processes), 1):
        with writer(target.engine).begin() as connection:
            _write(connection, found)
        drawn[found.key] = found.drawn
        if done % 25 == 0 or done == len(chain.stores):
            say(f"{done} of {len(chain.stores)} stores")
    org_id = places[chain.stores[0].key].org_id
    with writer(target.engine).begin() as connection:
        say_hello(connection, chain, org_id, target.now)
    stand(target.engine, chain, org_id, target.now)
    say("weeks of stores and regions")
    return drawn


def _all_built(chain: Chain, places: Mapping[str, Where], processes: int) -> Iterator[Built]:
    """The stores' rows as they are ready, of few stores at a time."""
    jobs = [(chain, one, places[one.key]) for one in chain.stores]
    if processes == 1 or len(jobs) == 1:
        yield from (built(*job) for job in jobs)
        return
    method = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, method, _end_with_parent) as pool:
        ahead = processes + 2  # what is ready waits in memory until it is written
        waiting = deque(pool.submit(built, *job) for job in jobs[:ahead])
        for job in (*jobs[ahead:], *[None] * len(waiting)):
            found = waiting.popleft().result()
            if job is not None:
                waiting.append(pool.submit(built, *job))
            yield found


def _end_with_parent() -> None:
    """A process that draws ends with the one that writes, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _write(connection: Connection, found: Built) -> None:
    insert_all(connection, message, found.messages)
    insert_all(connection, raw_message, found.raw)
    insert_all(connection, window, found.windows)
    insert_all(connection, cell, found.cells)
    insert_all(connection, store_week, found.weeks)
    insert_all(connection, progress, found.progress)
    insert_all(connection, rollup, found.rollups)
