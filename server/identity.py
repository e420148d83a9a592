"""Who is who: applying an identity file, and finding the point behind a device's local id.

Applying is idempotent: what stands there already keeps its UUID, names and labels follow the
file, and nothing is deleted (a closed assignment is one with `valid_to`).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, insert, or_, select, update

from server import identity_file as file
from server.errors import IdentityError
from server.periods import Period
from server.schema.identity import (
    assignment,
    device,
    device_owner,
    organisation,
    point,
    region,
    store,
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The organisation and store that a device belongs to."""

    org_id: UUID
    store_id: UUID


@dataclass(frozen=True, slots=True)
class Assigned:
    """A point that a local id stood for, and until when."""

    point_id: UUID
    kind: str
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Watch:
    """A stretch of time in which a device watched a point of a store."""

    store_id: UUID
    period: Period


def apply_identity(connection: Connection, identity: file.Identity) -> None:
    """Bring the tables in line with `identity`.

    Raises:
        IdentityError: a device that another organisation has, or an assignment that would
            overlap one that is already kept.
    """
    orgs = {
        one.key: _keep(connection, organisation, "org_id", {"slug": one.key}, {"name": one.name})
        for one in identity.organisation
    }
    regions = _apply_regions(connection, identity, orgs)
    stores: dict[tuple[UUID, str], UUID] = {}
    points: dict[tuple[UUID, str], UUID] = {}
    for one in identity.store:
        org_id = orgs[one.organisation]
        values: dict[str, object] = {
            "name": one.name,
            "region_id": None if one.region is None else regions[org_id, one.region],
            "timezone": one.timezone,
            "day_starts": one.day_starts,
            "opening": {day: list(spans) for day, spans in one.opening.items()},
            "closed": [day.isoformat() for day in one.closed],
        }
        store_id = _keep(connection, store, "store_id", {"org_id": org_id, "slug": one.key}, values)
        stores[org_id, one.key] = store_id
        for position, each in enumerate(one.point):
            key: dict[str, object] = {"org_id": org_id, "store_id": store_id, "slug": each.key}
            values = {"label": each.label, "kind": each.kind.value, "position": position}
            points[store_id, each.key] = _keep(connection, point, "point_id", key, values)
    for each_device in identity.device:
        _apply_device(connection, each_device, orgs[each_device.organisation], stores, points)


def _apply_regions(
    connection: Connection, identity: file.Identity, orgs: dict[str, UUID]
) -> dict[tuple[UUID, str], UUID]:
    """Regions first without their parents, then the tree."""
    ids = {}
    for one in identity.region:
        key: dict[str, object] = {"org_id": orgs[one.organisation], "slug": one.key}
        region_id = _keep(connection, region, "region_id", key, {"name": one.name})
        ids[orgs[one.organisation], one.key] = region_id
    for one in identity.region:
        org_id = orgs[one.organisation]
        parent_id = None if one.parent is None else ids[org_id, one.parent]
        here = (region.c.org_id == org_id) & (region.c.region_id == ids[org_id, one.key])
        connection.execute(update(region).where(here).values(parent_id=parent_id))
    return ids


def _keep(
    connection: Connection,
    table: Table,
    id_column: str,
    key: dict[str, object],
    values: dict[str, object],
) -> UUID:
    """Update the row of `key`, or insert it with a new UUID; return its UUID."""
    here = [table.c[name] == value for name, value in key.items()]
    found: UUID | None = connection.execute(select(table.c[id_column]).where(*here)).scalar()
    if found is None:
        found = uuid4()
        connection.execute(insert(table).values({id_column: found, **key, **values}))
    else:
        connection.execute(update(table).where(*here).values(values))
    return found


def _apply_device(
    connection: Connection,
    one: file.Device,
    org_id: UUID,
    stores: dict[tuple[UUID, str], UUID],
    points: dict[tuple[UUID, str], UUID],
) -> None:
    store_id = stores[org_id, one.store]
    owner = owner_of(connection, one.id)
    values = {"label": one.label or one.id, "store_id": store_id}
    if owner is None:
        connection.execute(insert(device_owner).values(device=one.id, org_id=org_id))
        connection.execute(insert(device).values(org_id=org_id, device=one.id, **values))
    elif owner.org_id != org_id:
        raise IdentityError((f"device {one.id!r}: belongs to another organisation already",))
    else:
        here = (device.c.org_id == org_id) & (device.c.device == one.id)
        connection.execute(update(device).where(here).values(values))
    for each in one.assignment:
        where = stores[org_id, each.store or one.store]
        _apply_assignment(connection, org_id, one.id, each, points[where, each.point])


def _apply_assignment(
    connection: Connection, org_id: UUID, device_id: str, one: file.Assignment, point_id: UUID
) -> None:
    mine = [
        assignment.c.org_id == org_id,
        assignment.c.device == device_id,
        assignment.c.local_id == one.local,
    ]
    same = [*mine, assignment.c.valid_from == one.valid_from]
    clash = [*mine, assignment.c.valid_from != one.valid_from]
    clash.append(or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > one.valid_from))
    if one.valid_to is not None:
        clash.append(assignment.c.valid_from < one.valid_to)
    found = connection.execute(select(assignment.c.point_id).where(*same)).scalar()
    if found is not None and found != point_id:
        raise IdentityError(
            (
                (
                    f"device {device_id!r}: local id {one.local!r} stood for another point since "
                    f"{one.valid_from}; close that assignment and open one from a later instant"
                ),
            )
        )
    if found is not None:
        connection.execute(update(assignment).where(*same).values(valid_to=one.valid_to))
    if connection.execute(select(assignment.c.assignment_id).where(*clash)).first():
        raise IdentityError(
            (f"device {device_id!r}: local id {one.local!r}: overlaps an earlier assignment",)
        )
    if found is None:
        row = {"org_id": org_id, "assignment_id": uuid4(), "device": device_id}
        row |= {"local_id": one.local, "point_id": point_id}
        row |= {"valid_from": one.valid_from, "valid_to": one.valid_to}
        connection.execute(insert(assignment).values(row))


def owner_of(connection: Connection, device_id: str) -> Owner | None:
    """Who has a device; none if nobody has claimed it."""
    same = (device.c.org_id == device_owner.c.org_id) & (device.c.device == device_owner.c.device)
    row = connection.execute(
        select(device.c.org_id, device.c.store_id)
        .join(device_owner, same)
        .where(device_owner.c.device == device_id)
    ).first()
    return None if row is None else Owner(row.org_id, row.store_id)


def assigned_at(
    connection: Connection, org_id: UUID, device_id: str, local_id: str, at: datetime
) -> Assigned | None:
    """The point that `local_id` of a device stood for at an instant."""
    row = connection.execute(
        select(assignment.c.point_id, assignment.c.valid_to, point.c.kind)
        .join(
            point,
            (point.c.org_id == assignment.c.org_id) & (point.c.point_id == assignment.c.point_id),
        )
        .where(
            assignment.c.org_id == org_id,
            assignment.c.device == device_id,
            assignment.c.local_id == local_id,
            assignment.c.valid_from <= at,
            or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > at),
        )
    ).first()
    return None if row is None else Assigned(row.point_id, row.kind, row.valid_to)


def assignments_during(
    connection: Connection, org_id: UUID, device_id: str, period: Period
) -> list[Watch]:
    """What a device watched during `period`, cut to it; one entry an assignment."""
    same_point = (point.c.org_id == assignment.c.org_id) & (
        point.c.point_id == assignment.c.point_id
    )
    rows = connection.execute(
        select(point.c.store_id, assignment.c.valid_from, assignment.c.valid_to)
        .join(point, same_point)
        .where(
            assignment.c.org_id == org_id,
            assignment.c.device == device_id,
            assignment.c.valid_from < period.end,
            or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > period.start),
        )
    )
    return [
        Watch(
            row.store_id,
            Period(max(row.valid_from, period.start), min(row.valid_to or period.end, period.end)),
        )
        for row in rows
    ]
