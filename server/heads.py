"""Heads of devices' ledgers, as they were kept: the latest of each, and one a day and store.

A head belongs to the store where the device stood when it came (`server.stays`).
"""

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
from server.scope import Scope
from server.stays import Stay, seen_stays, stays_of


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
    """The latest head of each device that sent one from the store where it stands."""
    store_of = {one.device: one.store_id for one in devices}
    orgs = {one.org_id for one in devices}
    rows = connection.execute(
        select(ledger_head).where(
            ledger_head.c.org_id.in_(orgs), ledger_head.c.device.in_(store_of)
        )
    )
    found = {row.device: _kept(row) for row in rows}
    stays = stays_of(connection, orgs, found)
    return {
        name: one
        for name, one in found.items()
        if _came_in(one, [stay for stay in stays[name] if stay.store_id == store_of[name]])
    }


def latest_head(connection: Connection, scope: Scope, name: str) -> KeptHead:
    """The latest head that a device sent from stores in `scope`.

    Raises:
        NotFoundError: it never stood there, or sent none.
    """
    org_id, seen = seen_stays(connection, scope, name)
    row = connection.execute(select(ledger_head).where(*_of(ledger_head, org_id, name))).first()
    if row is not None and _came_in(_kept(row), seen):
        return _kept(row)
    by_day = heads_by_day(connection, scope, name)
    if not by_day:
        raise NotFoundError(f"device {name} has sent no head of a ledger")
    return by_day[0]


def heads_by_day(connection: Connection, scope: Scope, name: str) -> list[KeptHead]:
    """For each day (UTC) and store the largest head of each ledger of a device, the latest first.

    Those that it sent from stores in `scope`.

    Raises:
        NotFoundError: it never stood there.
    """
    org_id, seen = seen_stays(connection, scope, name)
    mine = _of(ledger_day, org_id, name)
    query = select(ledger_day).where(*mine).order_by(ledger_day.c.received_at.desc())
    found = [_kept(row) for row in connection.execute(query)]
    return [one for one in found if _came_in(one, seen)]


def head_of_day(connection: Connection, scope: Scope, name: str, day: date) -> KeptHead:
    """The largest head of a device on a day (UTC); where its ledger changed, of the last one.

    Raises:
        NotFoundError: it never stood in `scope`, or no head of that day.
    """
    found = [one for one in heads_by_day(connection, scope, name) if one.day == day]
    if not found:
        raise NotFoundError(f"device {name} has no head of a ledger of {day}")
    return found[0]


def _came_in(one: KeptHead, stays: Sequence[Stay]) -> bool:
    return any(stay.holds(one.received_at) for stay in stays)


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
