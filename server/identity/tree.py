"""The tree of regions, where stores stand in it, and stores that close for good."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from server.errors import IdentityError, NotFoundError
from server.identity.asking import lock_organisation, points_of, store_time, the_store
from server.identity.devices import continue_assignments, end_assignments
from server.identity.holding import Change, hold
from server.periods import monday_of
from server.rollups_due import days_of, mark_days, mark_due
from server.schema.identity import assignment, point, region, store


def move_region(change: Change, region_id: UUID, parent_id: UUID | None) -> None:
    """Put a region below another one, or (none) at the top.

    Raises:
        IdentityError: the tree would run in a circle.
    """
    lock_organisation(change.connection, change.org_id)
    for one in (region_id, parent_id):
        _refuse_unknown_region(change.connection, change.org_id, one)
    here = (region.c.org_id == change.org_id) & (region.c.region_id == region_id)
    left = change.connection.execute(select(region.c.parent_id).where(here)).scalar()
    hold(change, region, here, {"parent_id": parent_id})
    refuse_circles(change.connection, change.org_id)
    for store_id in stores_below(change.connection, change.org_id, region_id):
        mark_move(change.connection, change.org_id, store_id, left, now=change.now)


def move_store(change: Change, store_id: UUID, region_id: UUID | None) -> None:
    """Put a store into another region, or (none) into no region, with all its history.

    Raises:
        NotFoundError: no such store or region.
    """
    lock_organisation(change.connection, change.org_id)
    _refuse_unknown_region(change.connection, change.org_id, region_id)
    here = the_store(change.connection, change.org_id, store_id)
    left = change.connection.execute(select(store.c.region_id).where(here)).scalar()
    hold(change, store, here, {"region_id": region_id})
    mark_move(change.connection, change.org_id, store_id, left, now=change.now)


def end_store(change: Change, store_id: UUID, at: datetime) -> int:
    """Close a store for good at an instant: its assignments end there; its figures stay.

    Returns:
        how many assignments ended.

    Raises:
        IdentityError: something was released there after `at`.
    """
    lock_organisation(change.connection, change.org_id)
    here = the_store(change.connection, change.org_id, store_id)
    points = select(point.c.point_id).where(
        point.c.org_id == change.org_id, point.c.store_id == store_id
    )
    found = change.connection.execute(
        select(assignment.c.device)
        .where(assignment.c.org_id == change.org_id, assignment.c.point_id.in_(points))
        .distinct()
    ).scalars()
    ended = 0
    for name in sorted(found):
        ended += end_assignments(change, name, at, store_id=store_id)
    hold(change, store, here, {"ended_at": at})
    return ended


def reopen_store(change: Change, store_id: UUID) -> int:
    """Take back that a store closed for good; what ended with it runs on.

    Returns:
        how many assignments run on; a device that went elsewhere since stays there.

    Raises:
        NotFoundError: no such store.
        IdentityError: it did not close.
    """
    lock_organisation(change.connection, change.org_id)
    here = the_store(change.connection, change.org_id, store_id)
    ended_at = change.connection.execute(select(store.c.ended_at).where(here)).scalar()
    if ended_at is None:
        raise IdentityError((f"store {store_id}: did not close for good",))
    hold(change, store, here, {"ended_at": None})
    points = [one.point_id for one in points_of(change.connection, change.org_id, store_id)]
    return continue_assignments(change, points, ended_at)


def stores_below(connection: Connection, org_id: UUID, region_id: UUID) -> list[UUID]:
    """The stores of a region and of all regions below it."""
    rows = connection.execute(select(region).where(region.c.org_id == org_id)).all()
    inside = {region_id}
    for _ in rows:
        inside |= {row.region_id for row in rows if row.parent_id in inside}
    found = connection.execute(
        select(store.c.store_id).where(store.c.org_id == org_id, store.c.region_id.in_(inside))
    )
    return sorted(found.scalars())


def mark_store_due(connection: Connection, org_id: UUID, store_id: UUID, now: datetime) -> None:
    """Mark every trading day of a store that has cells."""
    points = [one.point_id for one in points_of(connection, org_id, store_id)]
    time = store_time(connection, org_id, store_id)
    mark_due(connection, org_id, points, None, time, now=now)


def mark_move(
    connection: Connection, org_id: UUID, store_id: UUID, left: UUID | None, *, now: datetime
) -> None:
    """Mark a store's days, and the weeks of the region that it left (none: the organisation's)."""
    mark_store_due(connection, org_id, store_id, now)
    points = [one.point_id for one in points_of(connection, org_id, store_id)]
    days = days_of(connection, org_id, points, None, store_time(connection, org_id, store_id))
    mark_days(connection, org_id, ((left or org_id, monday_of(day)) for day in days), now)


def refuse_circles(connection: Connection, org_id: UUID) -> None:
    """Refuse a tree of regions that runs in a circle.

    Raises:
        IdentityError: it does.
    """
    rows = connection.execute(select(region).where(region.c.org_id == org_id)).all()
    above = {row.region_id: row.parent_id for row in rows}
    for row in rows:
        seen, here = set(), row.region_id
        while here is not None and here not in seen:
            seen.add(here)
            here = above.get(here)
        if here is not None:
            raise IdentityError((f"region {row.slug!r}: its parents would run in a circle",))


def _refuse_unknown_region(connection: Connection, org_id: UUID, region_id: UUID | None) -> None:
    if region_id is None:
        return
    here = (region.c.org_id == org_id) & (region.c.region_id == region_id)
    if connection.execute(select(region.c.region_id).where(here)).first() is None:
        raise NotFoundError(f"no region {region_id}")
