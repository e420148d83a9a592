"""Reading again what was kept aside, once its reason may have gone.

After an identity file named a device or a point, or after an upgrade. What a device that
nobody had claimed sent moves to the organisation that claims it.
"""

import logging
import zlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Engine,
    Exists,
    Row,
    Table,
    delete,
    exists,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import InterfaceError, OperationalError

from server.database import writer
from server.identity import owner_of
from server.ingest import keeping
from server.ingest.directory import Devices, Directory
from server.ingest.placing import is_plausible
from server.ingest.reading import WindowReading, read_window
from server.logs import event
from server.schema.cells import window
from server.schema.columns import NO_ORGANISATION
from server.schema.fleet import device_status, device_terms, ledger_day, ledger_head
from server.schema.identity import device
from server.schema.messages import AsideReason, MessageStatus, aside, message, progress

log = logging.getLogger(__name__)
REREAD = (
    AsideReason.UNKNOWN_DEVICE,
    AsideReason.UNASSIGNED_POINT,
    AsideReason.OUTSIDE_ASSIGNMENT,
    AsideReason.WRONG_KIND,
    AsideReason.NEWER_VERSION,
    AsideReason.UNEXPECTED_ERROR,
)
STATUS: tuple[Table, ...] = (device_status, device_terms, ledger_head, ledger_day)
MOVED: tuple[Table, ...] = (message, window, progress, aside, *STATUS)


def requeue(engine: Engine, now: datetime, name: str | None = None) -> int:
    """Read again what can be (of one device, or of all); the number of asides that were resolved.

    Each in a savepoint of its own: one that still cannot be stored stays aside, and the others
    go on.
    """
    with writer(engine).begin() as connection:
        _adopt(connection, name)
        reasons = [reason.value for reason in REREAD]
        wanted = select(aside).where(aside.c.reason.in_(reasons), aside.c.org_id != NO_ORGANISATION)
        if name is not None:
            wanted = wanted.where(aside.c.device == name)
        order = (aside.c.device, aside.c.epoch, aside.c.sequence)
        rows = connection.execute(wanted.order_by(*order)).all()
        directory = Directory()
        return sum(_try(connection, row, directory, now) for row in rows)


def _try(connection: Connection, row: Row[Any], directory: Directory, now: datetime) -> int:
    """Try one aside again; 1 if it is resolved, 0 if not, whatever was the reason."""
    try:
        with connection.begin_nested():
            return _resolve(connection, row, directory, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # supervisor: one message must not stop all others
        log.exception("requeue.message_failed")
        fields = {"device": row.device, "epoch": row.epoch, "sequence": row.sequence}
        event(log, logging.WARNING, "requeue.left_aside", reason=row.reason, **fields)
        return 0


def _adopt(connection: Connection, alone: str | None) -> None:
    """Move the rows of claimed devices (of one, or of all) to their organisation.

    By insert and delete: the distribution column of a row never changes.
    """
    claimed = select(aside.c.device).where(aside.c.org_id == NO_ORGANISATION)
    seen = select(device_status.c.device).where(device_status.c.org_id == NO_ORGANISATION)
    adopted = select(device.c.device).where(device.c.device.in_(claimed.union(seen)))
    if alone is not None:
        adopted = adopted.where(device.c.device == alone)
    for name in list(connection.execute(adopted).scalars()):
        owner = owner_of(connection, name)
        if owner is None:
            continue
        for table in MOVED:
            _move(connection, table, name, owner.org_id)


def _move(connection: Connection, table: Table, name: str, org_id: UUID) -> None:
    mine = (table.c.org_id == NO_ORGANISATION) & (table.c.device == name)
    columns = [column for column in table.c if column.name != "org_id"]
    rows = select(literal(org_id, table.c.org_id.type), *columns).where(mine)
    names = ["org_id", *(column.name for column in columns)]
    if table is progress:
        _keep_further(connection, name, org_id)
    if table is not aside:
        connection.execute(delete(table).where(mine, _taken(table, org_id)))
    connection.execute(insert(table).from_select(names, rows))
    connection.execute(delete(table).where(mine))


def _keep_further(connection: Connection, name: str, org_id: UUID) -> None:
    """Of a stream that both have, drop the organisation's progress where it is behind."""
    nobodys = progress.alias()
    same = (nobodys.c.device == progress.c.device) & (nobodys.c.epoch == progress.c.epoch)
    further = exists().where(
        nobodys.c.org_id == NO_ORGANISATION, same, nobodys.c.up_to > progress.c.up_to
    )
    mine = (progress.c.org_id == org_id) & (progress.c.device == name)
    connection.execute(delete(progress).where(mine, further.correlate(progress)))


def _taken(table: Table, org_id: UUID) -> Exists:
    """Whether the organisation has a row of the same key, which is then the newer one."""
    other = table.alias()
    keys = [column.name for column in table.primary_key if column.name != "org_id"]
    same = [other.c[name] == table.c[name] for name in keys]
    return exists().where(other.c.org_id == org_id, *same).correlate(table)


def _resolve(connection: Connection, row: Row[Any], directory: Directory, now: datetime) -> int:
    """Try one aside again; 1 if it is resolved."""
    reading = read_window(row.device, zlib.decompress(row.payload))
    if not isinstance(reading, WindowReading):
        return 0
    devices = directory.find(connection, [row.device], now)
    org_id = row.org_id
    if row.cell_index is not None:
        wanted = [(org_id, reading, row.cell_index)]
        if keeping.keep_cells(connection, wanted, devices, now):
            return 0
    elif not _keep_whole(connection, org_id, reading, devices, now):
        return 0
    mine = (aside.c.org_id == org_id) & (aside.c.aside_id == row.aside_id)
    connection.execute(delete(aside).where(mine))
    return 1


def _keep_whole(
    connection: Connection, org_id: UUID, reading: WindowReading, devices: Devices, now: datetime
) -> bool:
    """Store a whole window that was kept aside; whether it is there now."""
    key, one = reading.key, reading.window
    here = [message.c.org_id == org_id, message.c.device == key.device]
    here += [message.c.epoch == key.epoch, message.c.sequence == key.sequence]
    found = connection.execute(select(*message.c["sha256", "status"]).where(*here)).first()
    if found is None or found.sha256 != reading.sha256:
        return False
    if found.status == MessageStatus.STORED:
        return True
    if not is_plausible(one.start, one.end, now):
        return False
    keeping.settle_message(connection, org_id, key)
    asides = keeping.keep_windows(connection, [(org_id, reading)], devices, now)
    keeping.keep_asides(connection, asides, now)
    return True
