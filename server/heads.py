"""Heads of devices' ledgers, as they were kept: the latest of each, and one a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from firmware_cfg.messages import LedgerHead
from server.errors import NotFoundError
from server.queries import DeviceView
from server.schema.fleet import ledger_day, ledger_head
from server.schema.identity import device, device_owner
from server.scope import Scope


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head as a heartbeat brought it, signature and all, and when."""

    head: LedgerHead
    received_at: datetime

    @property
    def day(self) -> date:
        """The day (UTC) on which it came."""
        return self.received_at.astimezone(UTC).date()


def latest_heads(connection: Connection, devices: Sequence[DeviceView]) -> dict[str, KeptHead]:
    """The latest head of each device that sent one."""
    names = [one.device for one in devices]
    orgs = {one.org_id for one in devices}
    rows = connection.execute(
        select(ledger_head).where(ledger_head.c.org_id.in_(orgs), ledger_head.c.device.in_(names))
    )
    return {row.device: _kept(row) for row in rows}


def latest_head(connection: Connection, scope: Scope, name: str) -> KeptHead:
    """The latest head of a device.

    Raises:
        NotFoundError: no such device in `scope`, or it sent none.
    """
    mine = _of(ledger_head, _owner(connection, scope, name), name)
    row = connection.execute(select(ledger_head).where(*mine)).first()
    if row is None:
        raise NotFoundError(f"device {name} has sent no head of a ledger")
    return _kept(row)


def heads_by_day(connection: Connection, scope: Scope, name: str) -> list[KeptHead]:
    """For each day (UTC) the largest head of each ledger of a device, the latest first.

    Raises:
        NotFoundError: no such device in `scope`.
    """
    mine = _of(ledger_day, _owner(connection, scope, name), name)
    query = select(ledger_day).where(*mine).order_by(ledger_day.c.received_at.desc())
    return [_kept(row) for row in connection.execute(query)]


def head_of_day(connection: Connection, scope: Scope, name: str, day: date) -> KeptHead:
    """The largest head of a device on a day (UTC); where its ledger changed, of the last one.

    Raises:
        NotFoundError: no such device in `scope`, or no head of that day.
    """
    found = [one for one in heads_by_day(connection, scope, name) if one.day == day]
    if not found:
        raise NotFoundError(f"device {name} has no head of a ledger of {day}")
    return found[0]


def _owner(connection: Connection, scope: Scope, name: str) -> UUID:
    same = (device_owner.c.org_id == device.c.org_id) & (device_owner.c.device == device.c.device)
    owned = select(device.c.org_id).join(device_owner, same).where(device_owner.c.device == name)
    row = connection.execute(scope.limit(owned, device)).first()
    if row is None:
        raise NotFoundError(f"no device {name}")
    org_id: UUID = row.org_id
    return org_id


def _of(table: Table, org_id: UUID, name: str) -> tuple[ColumnElement[bool], ...]:
    return (table.c.org_id == org_id, table.c.device == name)


def _kept(row: Row[Any]) -> KeptHead:
    head = LedgerHead(
        ledger=row.ledger,
        size=row.size,
        root=row.root,
        window=row.window_at,
        signature=row.signature,
    )
    return KeptHead(head, row.received_at)
