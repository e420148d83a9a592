"""Applying an identity file: as often as one likes.

What stands there already keeps its UUID; names, labels and places follow the file, but for what
an operation holds; nothing is deleted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, insert, or_, select, update

from server import identity_file as file
from server.errors import IdentityError
from server.identity.asking import lock_organisation, owner_of, store_time
from server.identity.confirming import BY_FILE, Confirmation, write_down
from server.identity.holding import Kept, keep_held
from server.identity.tree import mark_move, refuse_circles, stores_below
from server.rollups.trial import leave_regions
from server.schema.identity import (
    assignment,
    device,
    device_owner,
    organisation,
    point,
    region,
    store,
)

ID_COLUMNS = {"organisation": "org_id", "region": "region_id"} | {
    "store": "store_id",
    "point": "point_id",
}
DECISIVE = ("timezone", "day_starts", "confirmed_at", "region_id")
"""What of a store decides which cells enter which figures."""


@dataclass(slots=True)
class _Found:
    """The UUIDs behind the keys of a file, and what was kept against it."""

    now: datetime
    orgs: dict[str, UUID] = field(default_factory=dict)
    regions: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    stores: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    points: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)


def apply_identity(
    connection: Connection, identity: file.Identity, now: datetime = file.ALWAYS
) -> tuple[Kept, ...]:
    """Bring the tables in line with `identity`.

    Args:
        connection: a transaction that writes.
        identity: the file.
        now: the present; it stands beside the roll-ups that have to be made anew.

    Returns:
        what stayed as an operation had set it, though the file says otherwise.

    Raises:
        IdentityError: a device that another organisation has, an assignment that would overlap
            one that is already kept, or regions that would run in a circle.
    """
    found = _Found(now)
    for one in identity.organisation:
        found.orgs[one.key] = _keep(
            connection, organisation, {"slug": one.key}, {"name": one.name}, found.kept
        )
    for org_id in sorted(set(found.orgs.values())):
        lock_organisation(connection, org_id)
    _apply_regions(connection, identity.region, found)
    for each in identity.store:
        _apply_store(connection, each, found)
    for each_device in identity.device:
        _apply_device(connection, each_device, found)
    return tuple(found.kept)


def _apply_regions(connection: Connection, regions: Iterable[file.Region], found: _Found) -> None:
    """Regions first without their parents, then the tree."""
    regions = list(regions)
    for one in regions:
        org_id = found.orgs[one.organisation]
        key: dict[str, object] = {"org_id": org_id, "slug": one.key}
        region_id = _keep(connection, region, key, {"name": one.name}, found.kept)
        found.regions[org_id, one.key] = region_id
    for one in regions:
        org_id = found.orgs[one.organisation]
        parent_id = None if one.parent is None else found.regions[org_id, one.parent]
        region_id = found.regions[org_id, one.key]
        here = (region.c.org_id == org_id) & (region.c.region_id == region_id)
        parent = select(region.c.parent_id).where(here)
        left = connection.execute(parent).scalar()
        values = {"parent_id": parent_id}
        found.kept += keep_held(connection, region, here, values, f"region {one.key!r}")
        if connection.execute(parent).scalar() != left:
            for store_id in stores_below(connection, org_id, region_id):
                mark_move(connection, org_id, store_id, left, now=found.now)
    for org_id in sorted(set(found.orgs.values())):
        refuse_circles(connection, org_id)


def _apply_store(connection: Connection, one: file.Store, found: _Found) -> None:
    org_id = found.orgs[one.organisation]
    values: dict[str, object] = {
        "name": one.name,
        "region_id": None if one.region is None else found.regions[org_id, one.region],
        "timezone": one.timezone,
        "day_starts": one.day_starts,
        "opening": {day: list(spans) for day, spans in one.opening.items()},
        "closed": [day.isoformat() for day in one.closed],
        "special": {day.isoformat(): list(spans) for day, spans in one.special.items()},
    }
    if one.confirmed is not None:
        values["confirmed_at"] = one.confirmed_at
    key: dict[str, object] = {"org_id": org_id, "slug": one.key}
    days = select(*(store.c[name] for name in DECISIVE)).where(
        store.c.org_id == org_id, store.c.slug == one.key
    )
    before = connection.execute(days).first()
    store_id = _keep(connection, store, key, values, found.kept)
    found.stores[org_id, one.key] = store_id
    for position, each in enumerate(one.point):
        point_key: dict[str, object] = {"org_id": org_id, "store_id": store_id, "slug": each.key}
        label = {"label": each.label, "kind": each.kind.value, "position": position}
        point_id = _keep(connection, point, point_key, label, found.kept)
        found.points[store_id, each.key] = point_id
    after = connection.execute(days).one()
    counted = None if before is None else before.confirmed_at
    if counted != after.confirmed_at:
        made = Confirmation(counted, after.confirmed_at, None, BY_FILE, found.now)
        write_down(connection, org_id, store_id, made)
    if before is not None and counted != after.confirmed_at:
        mine = (store.c.org_id == org_id) & (store.c.store_id == store_id)
        connection.execute(update(store).where(mine).values(confirmed_by=None))
        if counted is not None:
            time = store_time(connection, org_id, store_id)
            leave_regions(connection, org_id, store_id, time, found.now)
    if before is not None and before != after:
        mark_move(connection, org_id, store_id, before.region_id, now=found.now)


def _keep(
    connection: Connection,
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
    kept: list[Kept],
) -> UUID:
    """Update the row of `key`, or insert it with a new UUID; return its UUID."""
    id_column = ID_COLUMNS[table.name]
    here = [table.c[name] == value for name, value in key.items()]
    found: UUID | None = connection.execute(select(table.c[id_column]).where(*here)).scalar()
    if found is None:
        found = uuid4()
        connection.execute(insert(table).values({id_column: found, **key, **values}))
        return found
    whole = here[0]
    for part in here[1:]:
        whole &= part
    kept += keep_held(connection, table, whole, values, f"{table.name} {key['slug']!r}")
    return found


def _apply_device(connection: Connection, one: file.Device, found: _Found) -> None:
    org_id = found.orgs[one.organisation]
    owner = owner_of(connection, one.id)
    values = {"label": one.label or one.id, "store_id": found.stores[org_id, one.store]}
    if owner is None:
        connection.execute(insert(device_owner).values(device=one.id, org_id=org_id))
        connection.execute(insert(device).values(org_id=org_id, device=one.id, **values))
    elif owner.org_id != org_id:
        raise IdentityError((f"device {one.id!r}: belongs to another organisation already",))
    else:
        here = (device.c.org_id == org_id) & (device.c.device == one.id)
        found.kept += keep_held(connection, device, here, values, f"device {one.id!r}")
    for each in one.assignment:
        where = found.stores[org_id, each.store or one.store]
        point_id = found.points[where, each.point]
        found.kept += _apply_assignment(connection, org_id, one.id, each, point_id)


def _apply_assignment(
    connection: Connection, org_id: UUID, device_id: str, one: file.Assignment, point_id: UUID
) -> list[Kept]:
    mine = (
        (assignment.c.org_id == org_id)
        & (assignment.c.device == device_id)
        & (assignment.c.local_id == one.local)
    )
    same = mine & (assignment.c.valid_from == one.valid_from)
    where = f"device {device_id!r}: local id {one.local!r}"
    stands = connection.execute(select(assignment.c.point_id).where(same)).scalar()
    if stands is None:
        row = {"org_id": org_id, "assignment_id": uuid4(), "device": device_id}
        row |= {"local_id": one.local, "point_id": point_id}
        row |= {"valid_from": one.valid_from, "valid_to": one.valid_to}
        connection.execute(insert(assignment).values(row))
        kept = []
    elif stands != point_id:
        raise IdentityError(
            (
                (
                    f"{where} stood for another point since {one.valid_from}; close that "
                    "assignment and open one from a later instant"
                ),
            )
        )
    else:
        kept = keep_held(connection, assignment, same, {"valid_to": one.valid_to}, where)
    valid_to = connection.execute(select(assignment.c.valid_to).where(same)).scalar_one()
    clash = mine & (assignment.c.valid_from != one.valid_from)
    clash &= or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > one.valid_from)
    if valid_to is not None:
        clash &= assignment.c.valid_from < valid_to
    if connection.execute(select(assignment.c.assignment_id).where(clash)).first():
        raise IdentityError((f"{where}: overlaps an earlier assignment",))
    return kept
