"""What the database, files and certificates tell about this server; counts alone.

What depends on cells is told so that it follows none: a cell that is kept aside by the device
that it is of, roll-ups that are overdue and the database's size in coarse steps.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, and_, exists, func, select, text

from server.backup import Place, last_backup
from server.queries import Alive, devices
from server.schema.cells import window
from server.schema.fleet import device_status
from server.schema.identity import device
from server.schema.messages import AsideReason, aside
from server.schema.rollups import rollup_due
from server.scope import Scope

LATE: Final = timedelta(hours=4)
"""A device that is online has sent a window younger than this: they are at most an hour long,
and come at most two hours after their end."""
LONGEST_WINDOW: Final = timedelta(hours=1)
OVERDUE: Final = timedelta(minutes=10)
EXPIRING_DAYS: Final = 30
OVERDUE_STEP: Final = 100
SIZE_STEP_BYTES: Final = 16 * 1024 * 1024
OF_CELLS: Final[tuple[AsideReason, ...]] = (
    AsideReason.UNASSIGNED_POINT,
    AsideReason.OUTSIDE_ASSIGNMENT,
    AsideReason.WRONG_KIND,
    AsideReason.OVERLAPPING_CELL,
)
"""Reasons for which a single cell is kept aside, not a whole message."""
OF_MESSAGES: Final = tuple(one for one in AsideReason if one not in OF_CELLS)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database tells.

    Attributes:
        by_state: devices in service, by whether they are heard of.
        late: of those online, how many sent no window of the last hours.
        faulty: how many say that they have a fault.
        expiring: how many say that their certificate ends within 30 days.
        aside_messages: whole messages kept aside, by reason.
        aside_devices: devices with cells kept aside, by reason.
        overdue: roll-ups that have been due for too long, in whole hundreds: a single one would
            tell that a cell came.
        size_bytes: the database's size, rounded up to whole steps.
    """

    by_state: Mapping[Alive, int]
    late: int
    faulty: int
    expiring: int
    aside_messages: Mapping[AsideReason, int]
    aside_devices: Mapping[AsideReason, int]
    overdue: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of the state folder."""

    free_bytes: int
    size_bytes: int


def stored(connection: Connection, place: Place, now: datetime) -> Stored:
    """Ask the database."""
    retired = _retired(connection)
    fleet = [
        one
        for one in devices(connection, Scope.everything(), now)
        if (one.org_id, one.device) not in retired
    ]
    by_state = {state: sum(one.alive is state for one in fleet) for state in Alive}
    online = {(one.org_id, one.device) for one in fleet if one.alive is Alive.ONLINE}
    messages, of_devices = _asides(connection)
    return Stored(
        by_state=by_state,
        late=len(online - _in_time(connection, now)),
        faulty=sum(bool(one.faults) for one in fleet),
        expiring=_expiring(connection),
        aside_messages=messages,
        aside_devices=of_devices,
        overdue=_overdue(connection, now),
        size_bytes=_size_bytes(connection, place),
    )


def disk_of(place: Place) -> Disk:
    """How full the disk of the state folder is."""
    usage = shutil.disk_usage(place.state_dir)
    return Disk(usage.free, usage.total)


def backed_up_at(place: Place) -> datetime | None:
    """When the last backup of this server was made."""
    return last_backup(place.state_dir)


def _retired(connection: Connection) -> set[tuple[object, str]]:
    query = select(device.c.org_id, device.c.device).where(device.c.retired_at.is_not(None))
    return {(row.org_id, row.device) for row in connection.execute(query)}


def _in_time(connection: Connection, now: datetime) -> set[tuple[object, str]]:
    """The devices that sent a window of the last hours."""
    recent = exists().where(
        window.c.org_id == device.c.org_id,
        window.c.device == device.c.device,
        window.c.start_at > now - LATE - LONGEST_WINDOW,
        window.c.end_at > now - LATE,
    )
    query = select(device.c.org_id, device.c.device).where(recent)
    return {(row.org_id, row.device) for row in connection.execute(query)}


def _expiring(connection: Connection) -> int:
    status = device_status.c
    same = and_(status.org_id == device.c.org_id, status.device == device.c.device)
    soon = status.certificate_days < EXPIRING_DAYS
    query = select(func.count()).select_from(device).join(device_status, same)
    return connection.execute(query.where(soon, device.c.retired_at.is_(None))).scalar_one()


def _asides(
    connection: Connection,
) -> tuple[dict[AsideReason, int], dict[AsideReason, int]]:
    """Whole messages by reason; and devices, by the reason for which a cell is kept aside."""
    of_cells = [one.value for one in OF_CELLS]
    rows = connection.execute(
        select(aside.c.reason, func.count())
        .where(aside.c.reason.not_in(of_cells))
        .group_by(aside.c.reason)
    )
    messages: dict[AsideReason, int] = dict.fromkeys(OF_MESSAGES, 0)
    messages |= {AsideReason(reason): count for reason, count in rows}
    whose = (
        select(aside.c.reason, aside.c.org_id, aside.c.device)
        .where(aside.c.reason.in_(of_cells))
        .distinct()
        .subquery()
    )
    rows = connection.execute(select(whose.c.reason, func.count()).group_by(whose.c.reason))
    of_devices: dict[AsideReason, int] = dict.fromkeys(OF_CELLS, 0)
    of_devices |= {AsideReason(reason): count for reason, count in rows}
    return messages, of_devices


def _overdue(connection: Connection, now: datetime) -> int:
    late = rollup_due.c.marked_at < now - OVERDUE
    count = connection.execute(select(func.count()).select_from(rollup_due).where(late))
    return count.scalar_one() // OVERDUE_STEP * OVERDUE_STEP


def _size_bytes(connection: Connection, place: Place) -> int:
    if place.is_sqlite:
        files = [place.sqlite_file, Path(f"{place.sqlite_file}-wal")]
        size = sum(path.stat().st_size for path in files if path.exists())
    else:
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return -(-size // SIZE_STEP_BYTES) * SIZE_STEP_BYTES
