"""Loading a simulated chain in bulk: identity, then store by store, then regions and devices.

Stores are drawn by several processes at the same time; this one writes, a transaction a store.
What a year of messages would have left behind is there in the end: windows, cells, roll-ups,
the figures of weeks, how far each device is settled, and the messages of the last days.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, select

from firmware_cfg.messages import Health, Queue, Reported, State
from server.at_once import insert_all
from server.database import writer
from server.errors import SimulationError
from server.identity import Change, apply_identity, end_store
from server.ingest import signs
from server.ingest.directory import Devices, Directory
from server.ingest.signs import Signs
from server.periods import monday_of
from server.queries import time_of
from server.rollups.calendar import Grain
from server.rollups.regions import label_of, roll_region, tree_of
from server.rollups.standing import Week, expectations_of, write_standing
from server.rollups.writing import read_rollups
from server.schema.cells import cell, store_week, window
from server.schema.identity import organisation, store
from server.schema.messages import message, progress, raw_message
from server.schema.rollups import rollup
from server.simulating.building import Built, Where, built
from server.simulating.chain import Chain, PlannedDevice, PlannedStore
from server.simulating.identity import ORGANISATION, identity_of
from server.simulating.service import EXPECTED
from server.simulating.stream import EXPECTATIONS_HASH, MODEL, Drawn, geometry_of

SOFTWARE = "0.1.0"
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
    """Load a chain into a database that has no simulated one yet; what was drawn, by store.

    Raises:
        SimulationError: the database has one.
    """
    with writer(target.engine).begin() as connection:
        places = _identity(connection, chain, target.now)
    drawn = {}
    for done, found in enumerate(_all_built(chain, places, target.processes), 1):
        with writer(target.engine).begin() as connection:
            _write(connection, found)
        drawn[found.key] = found.drawn
        if done % 25 == 0 or done == len(chain.stores):
            say(f"{done} of {len(chain.stores)} stores")
    org_id = places[chain.stores[0].key].org_id
    with writer(target.engine).begin() as connection:
        _say_hello(connection, chain, org_id, target.now)
    _stand(target.engine, chain, org_id)
    say("regions")
    return drawn


def _identity(connection: Connection, chain: Chain, now: datetime) -> dict[str, Where]:
    """Make the identity; where each store's rows go."""
    there = connection.execute(
        select(organisation.c.org_id).where(organisation.c.slug == ORGANISATION)
    )
    if there.first() is not None:
        raise SimulationError("the database has a simulated chain: expected another one, or none")
    apply_identity(connection, identity_of(chain), now)
    org_id: UUID = connection.execute(
        select(organisation.c.org_id).where(organisation.c.slug == ORGANISATION)
    ).scalar_one()
    rows = connection.execute(select(store).where(store.c.org_id == org_id)).all()
    names = {device.name for one in chain.stores for device in one.devices}
    devices = Directory().find(connection, names, now)
    change = Change(connection, org_id, "simulation", now)
    by_key = {one.key: one for one in chain.stores}
    found = {}
    for row in rows:
        one = by_key[row.slug]
        if one.ends < chain.end:
            end_store(change, row.store_id, one.day_begins(one.ends))
        mine: Devices = {d.name: devices[d.name] for d in one.devices}
        found[row.slug] = Where(org_id, row.store_id, time_of(row), mine, now)
    return found


def _all_built(chain: Chain, places: dict[str, Where], processes: int) -> Iterator[Built]:
    """The stores' rows as they are ready, of few stores at a time."""
    jobs = [(chain, one, places[one.key]) for one in chain.stores]
    if processes == 1 or len(jobs) == 1:
        yield from (built(*job) for job in jobs)
        return
    method = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, method) as pool:
        waiting = [pool.submit(built, *job) for job in jobs[: 2 * processes]]
        for number in range(len(jobs)):
            found = waiting.pop(0).result()
            if number + 2 * processes < len(jobs):
                waiting.append(pool.submit(built, *jobs[number + 2 * processes]))
            yield found


def _write(connection: Connection, found: Built) -> None:
    insert_all(connection, message, found.messages)
    insert_all(connection, raw_message, found.raw)
    insert_all(connection, window, found.windows)
    insert_all(connection, cell, found.cells)
    insert_all(connection, store_week, found.weeks)
    insert_all(connection, progress, found.progress)
    insert_all(connection, rollup, found.rollups)


def _say_hello(connection: Connection, chain: Chain, org_id: UUID, now: datetime) -> None:
    """What the devices that are there at the end say of themselves."""
    found = Signs()
    for one in chain.stores:
        for device in one.devices:
            if device.after is None:
                for said in _said(one, device, now):
                    found.take(org_id, device.name, said, now, retained=False)
    signs.keep_signs(connection, found.values)


def _said(
    one: PlannedStore, device: PlannedDevice, now: datetime
) -> Iterable[State | Reported | Health]:
    counters = tuple(p.key for p in one.points if p.key != "queue")
    queues = tuple(Queue(id=p.key, feeds=counters) for p in one.points if p.key == "queue")
    yield State(device=device.name, online=True, software=SOFTWARE, epoch=device.epoch)
    yield Reported(
        device=device.name,
        service_points=counters,
        queues=queues,
        timezone=one.hours.zone,
        k=one.k,
        window_s=one.hours.window_s,
        greet_within_s=EXPECTED.greet_within_s,
        serve_within_s=EXPECTED.serve_within_s,
        geometry_hash=geometry_of(device),
        expectations_hash=EXPECTATIONS_HASH,
    )
    yield Health(
        device=device.name,
        at=now.replace(microsecond=0),
        software=SOFTWARE,
        model=MODEL,
        uptime_s=86_400 * (1 + one.number % 40),
        disk_free_mb=2_000 + 37 * (one.number % 90),
        clock="synchronised",
    )


def _stand(engine: Engine, chain: Chain, org_id: UUID) -> None:
    """The weeks of regions, and the figures of all weeks as they may be shown."""
    first, last = monday_of(chain.start), monday_of(chain.end)
    mondays = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1, 7)]
    for monday in mondays:
        with writer(engine).begin() as connection:
            _stand_week(connection, org_id, monday)


def _stand_week(connection: Connection, org_id: UUID, monday: date) -> None:
    tree = tree_of(connection, org_id)
    times = {
        row.store_id: time_of(row)
        for row in connection.execute(select(store).where(store.c.org_id == org_id))
    }
    for store_id in tree.stores:
        week = Week(org_id, store_id, monday)
        period = times[store_id].week_of(monday)
        found = read_rollups(connection, org_id, [store_id], [Grain.WEEK], period)
        asked = expectations_of(connection, org_id, [store_id]) if found else set()
        write_standing(connection, week, found[0].union if found else None, asked)
    for subject_id in tree.from_below(tree.parents):
        roll_region(connection, tree, subject_id, monday)
        period = label_of(monday)
        found = read_rollups(connection, org_id, [subject_id], [Grain.WEEK], period)
        asked = expectations_of(connection, org_id, tree.stores_below(subject_id))
        write_standing(
            connection, Week(org_id, subject_id, monday), found[0].union if found else None, asked
        )
