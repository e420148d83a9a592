"""Which devices are at work: a retired one says nothing any more, and nobody needs to look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from server.queries import Alive, DeviceView, alive_at
from server.schema.fleet import NEVER, device_status
from server.schema.identity import device
from server.scope import Scope


@dataclass(frozen=True, slots=True)
class Sign:
    """Whether a device is heard of: the little that a list of hundreds of stores needs."""

    store_id: UUID
    label: str
    alive: Alive

    @property
    def is_gone(self) -> bool:
        """Whether it was heard of once, and is not any more."""
        return self.alive in (Alive.SILENT, Alive.OFFLINE)


def signs(connection: Connection, scope: Scope, now: datetime) -> list[Sign]:
    """The devices at work in `scope`."""
    same = (device_status.c.org_id == device.c.org_id) & (device_status.c.device == device.c.device)
    columns = (device.c.store_id, device.c.label, device_status.c.last_sign_at)
    query = (
        select(*columns, device_status.c.online)
        .select_from(device)
        .outerjoin(device_status, same)
        .where(device.c.retired_at.is_(None))
    )
    return [
        Sign(store_id, label, _alive(sign_at, now, said_goodbye=online is False))
        for store_id, label, sign_at, online in connection.execute(scope.limit(query, device))
    ]


def _alive(sign_at: datetime | None, now: datetime, *, said_goodbye: bool) -> Alive:
    heard_at = None if sign_at == NEVER else sign_at
    return alive_at(heard_at, now, said_goodbye=said_goodbye)


def working(
    connection: Connection, scope: Scope, devices: Iterable[DeviceView]
) -> list[DeviceView]:
    """Those of `devices`, all of them in `scope`, that are not retired."""
    found = list(devices)
    query = select(device.c.org_id, device.c.device).where(
        device.c.org_id.in_({one.org_id for one in found}), device.c.retired_at.is_not(None)
    )
    retired = {tuple(row) for row in connection.execute(scope.limit(query, device))}
    return [one for one in found if (one.org_id, one.device) not in retired]
