"""Which devices are at work: a retired one says nothing any more, and nobody needs to look."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from server.queries import Alive, alive_at
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

    @property
    def is_unheard(self) -> bool:
        """Whether nothing was ever heard of it."""
        return self.alive is Alive.NEVER_SEEN


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
