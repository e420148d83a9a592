"""Where a device stood when: what it sent then is evidence about that store, and stays with it.

Told by its assignments, since points belong to stores. Between two of one store it stood there;
before the first it is counted to the first; after the last, to the store it belongs to now.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from sqlalchemy import Connection, select

from server.errors import NotFoundError
from server.schema.identity import assignment, device, device_owner, point
from server.scope import Scope


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in a store, from `start` (none: always) to before `end` (none: still)."""

    store_id: UUID
    start: datetime | None
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


def stays_of(
    connection: Connection, org_ids: Collection[UUID], names: Collection[str]
) -> dict[str, tuple[Stay, ...]]:
    """Where each of some devices of some organisations stood, in order."""
    same = (point.c.org_id == assignment.c.org_id) & (point.c.point_id == assignment.c.point_id)
    watched: dict[str, list[Stay]] = {}
    rows = connection.execute(
        select(assignment, point.c.store_id)
        .join(point, same)
        .where(assignment.c.org_id.in_(org_ids), assignment.c.device.in_(names))
        .order_by(assignment.c.valid_from)
    )
    for row in rows:
        one = Stay(row.store_id, row.valid_from, row.valid_to)
        watched.setdefault(row.device, []).append(one)
    known = connection.execute(
        select(device.c.device, device.c.store_id).where(
            device.c.org_id.in_(org_ids), device.c.device.in_(names)
        )
    )
    return {row.device: stays(watched.get(row.device, ()), row.store_id) for row in known}


def stays(watched: Sequence[Stay], now_in: UUID) -> tuple[Stay, ...]:
    """Stays by what a device watched, in the order of the beginnings, and by its store now."""
    joined: list[Stay] = []
    for one in watched:
        if joined and joined[-1].store_id == one.store_id:
            joined[-1] = replace(one, start=joined[-1].start, end=_later(joined[-1].end, one.end))
        else:
            joined.append(one)
    if not joined:
        return (Stay(now_in, None, None),)
    found = [replace(one, end=_earlier(one.end, after.start)) for one, after in pairwise(joined)]
    last = joined[-1]
    if last.store_id == now_in:
        found.append(replace(last, end=None))
    else:
        found.append(last)
        if last.end is not None:
            found.append(Stay(now_in, last.end, None))
    return (replace(found[0], start=None), *found[1:])


def seen_stays(connection: Connection, scope: Scope, name: str) -> tuple[UUID, tuple[Stay, ...]]:
    """The organisation of a device, and when it stood in stores of `scope`.

    Raises:
        NotFoundError: it never did, or there is none of that name.
    """
    owner = select(device_owner.c.org_id).where(device_owner.c.device == name)
    org_id = connection.execute(owner).scalar()
    if org_id is not None:
        every = stays_of(connection, [org_id], [name]).get(name, ())
        seen = tuple(one for one in every if scope.sees_store(org_id, one.store_id))
        if seen:
            return org_id, seen
    raise NotFoundError(f"no device {name}")


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    ends = [at for at in (one, other) if at is not None]
    return min(ends, default=None)
