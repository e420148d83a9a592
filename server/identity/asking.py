"""Questions about who is who: owners, assignments, points, a store's time."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, or_, select

from server.errors import NotFoundError
from server.periods import Period, StoreTime
from server.schema.identity import assignment, device, device_owner, organisation, point, store


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


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point of a store, as operations need it."""

    point_id: UUID
    store_id: UUID
    key: str
    kind: str
    merged_into: UUID | None


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """An assignment of a device."""

    assignment_id: UUID
    device: str
    local_id: str
    point_id: UUID
    valid_from: datetime
    valid_to: datetime | None


def lock_organisation(connection: Connection, org_id: UUID) -> None:
    """Let changes of one organisation's identity and amendments wait for each other.

    Raises:
        NotFoundError: no such organisation.
    """
    row = select(organisation.c.org_id).where(organisation.c.org_id == org_id).with_for_update()
    if connection.execute(row).first() is None:
        raise NotFoundError(f"no organisation {org_id}")


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


def running(
    connection: Connection,
    org_id: UUID,
    at: datetime,
    *,
    device_id: str | None = None,
    point_id: UUID | None = None,
) -> list[AssignmentRow]:
    """Assignments of a device or to a point that hold at `at`, or begin later."""
    query = select(assignment).where(
        assignment.c.org_id == org_id,
        or_(assignment.c.valid_to.is_(None), assignment.c.valid_to > at),
    )
    if device_id is not None:
        query = query.where(assignment.c.device == device_id)
    if point_id is not None:
        query = query.where(assignment.c.point_id == point_id)
    rows = connection.execute(query.order_by(assignment.c.device, assignment.c.local_id))
    return [
        AssignmentRow(
            row.assignment_id, row.device, row.local_id, row.point_id, row.valid_from, row.valid_to
        )
        for row in rows
    ]


def points_of(connection: Connection, org_id: UUID, store_id: UUID) -> list[PointRow]:
    """The points of a store, merged ones too."""
    rows = connection.execute(
        select(point)
        .where(point.c.org_id == org_id, point.c.store_id == store_id)
        .order_by(point.c.position, point.c.slug)
    )
    return [
        PointRow(row.point_id, row.store_id, row.slug, row.kind, row.merged_into) for row in rows
    ]


def the_point(connection: Connection, org_id: UUID, point_id: UUID) -> PointRow:
    """One point.

    Raises:
        NotFoundError: none of that id.
    """
    row = connection.execute(
        select(point).where(point.c.org_id == org_id, point.c.point_id == point_id)
    ).first()
    if row is None:
        raise NotFoundError(f"no point {point_id}")
    return PointRow(row.point_id, row.store_id, row.slug, row.kind, row.merged_into)


def the_store(connection: Connection, org_id: UUID, store_id: UUID) -> ColumnElement[bool]:
    """The condition that finds a store.

    Raises:
        NotFoundError: no such store.
    """
    here = (store.c.org_id == org_id) & (store.c.store_id == store_id)
    if connection.execute(select(store.c.store_id).where(here)).first() is None:
        raise NotFoundError(f"no store {store_id}")
    return here


def store_time(connection: Connection, org_id: UUID, store_id: UUID) -> StoreTime:
    """A store's zone, beginning of day, opening hours and exceptions.

    Raises:
        NotFoundError: no such store.
    """
    row = connection.execute(
        select(store).where(store.c.org_id == org_id, store.c.store_id == store_id)
    ).first()
    if row is None:
        raise NotFoundError(f"no store {store_id}")
    return StoreTime(
        zone=ZoneInfo(row.timezone),
        day_starts=time.fromisoformat(row.day_starts),
        opening={day: tuple(spans) for day, spans in row.opening.items()},
        closed=frozenset(date.fromisoformat(day) for day in row.closed),
        special={date.fromisoformat(day): tuple(spans) for day, spans in row.special.items()},
    )
