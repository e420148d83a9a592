"""Where the rows of simulated stores go: the identity in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from server.errors import SimulationError
from server.identity import Change, apply_identity, end_store, retire_device
from server.ingest.directory import Devices, Directory
from server.periods import StoreTime
from server.queries import time_of
from server.schema.identity import organisation, store
from server.simulating.chain import Chain
from server.simulating.fleet import gone
from server.simulating.identity import identity_of


@dataclass(frozen=True, slots=True)
class Where:
    """Where a store's rows go, and what its devices watched when."""

    org_id: UUID
    store_id: UUID
    time: StoreTime
    devices: Devices
    now: datetime


def make_identity(connection: Connection, chain: Chain, now: datetime) -> None:
    """Make the identity; stores that closed for good are ended, devices that went are retired.

    Raises:
        SimulationError: a store of that organisation has the key of a simulated one.
    """
    there = {row.slug for row in _stores(connection, chain)}
    taken = sorted(there & {one.key for one in chain.stores})
    if taken:
        known = f"organisation {chain.organisation!r} has a store {taken[0]!r}"
        raise SimulationError(f"{known}: expected a database without a simulated chain")
    apply_identity(connection, identity_of(chain), now)
    places = placed_stores(connection, chain, now)
    for one in chain.stores:
        if one.ends < chain.end:
            where = places[one.key]
            change = Change(connection, where.org_id, "simulation", now)
            end_store(change, where.store_id, one.day_begins(one.ends))
    org_id = places[chain.stores[0].key].org_id
    change = Change(connection, org_id, "simulation", now)
    for name, at in gone(chain).items():
        retire_device(change, name, at)


def placed_stores(connection: Connection, chain: Chain, now: datetime) -> dict[str, Where]:
    """Where the rows of each store go, by its key; its identity is there."""
    names = {device.name for one in chain.stores for device in one.devices}
    devices = Directory().find(connection, names, now)
    rows = {row.slug: row for row in _stores(connection, chain)}
    found = {}
    for one in chain.stores:
        row, mine = rows[one.key], {each.name: devices[each.name] for each in one.devices}
        found[one.key] = Where(row.org_id, row.store_id, time_of(row), mine, now)
    return found


def _stores(connection: Connection, chain: Chain) -> Sequence[Row[Any]]:
    """The stores of the chain's organisation."""
    slug = chain.organisation
    query = select(organisation.c.org_id).where(organisation.c.slug == slug)
    org_id: UUID | None = connection.execute(query).scalar()
    return connection.execute(select(store).where(store.c.org_id == org_id)).all()
