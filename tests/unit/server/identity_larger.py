"""What operations on who is who are tried on: the places and devices of the fixture `larger`."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from firmware_cfg.messages import Cell
from server.identity import Change, assigned_at
from server.identity.finding import point_by_key, store_by_key
from server.ingest.committing import commit
from server.ingest.reading import read
from server.testing import MONDAY, MessageFactory

NOW = MONDAY + timedelta(days=20)
AT = MONDAY + timedelta(hours=6)


def pudong(change: Change) -> UUID:
    return store_by_key(change.connection, change.org_id, "pudong-1")


def puxi(change: Change) -> UUID:
    return store_by_key(change.connection, change.org_id, "puxi-1")


def at_point(change: Change, key: str, store_id: UUID | None = None) -> UUID:
    return point_by_key(change.connection, change.org_id, store_id or pudong(change), key)


def watched(change: Change, device_id: str, local_id: str, at: datetime) -> UUID | None:
    found = assigned_at(change.connection, change.org_id, device_id, local_id, at)
    return None if found is None else found.point_id


def take(engine: Engine, *cells: Cell, device: str = "kiosk-1", sequence: int = 0) -> None:
    factory = MessageFactory(device=device, sequence=sequence)
    payload = factory.encoded(*cells, start=cells[0].start)
    commit(engine, [read(f"encounter/v1/{device}/up/window", payload)], NOW)
