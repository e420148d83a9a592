"""What a caller may see of who is who, in pages: organisations, regions, stores, devices.

Names of what lies above somebody's reach are not told: a store manager's store has no region
here, a regional manager's uppermost region no parent.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from server.errors import NotFoundError
from server.periods import StoreTime
from server.queries import StoreView, point_row, point_rows, time_of
from server.schema.identity import (
    assignment,
    device,
    device_owner,
    organisation,
    point,
    region,
    store,
)
from server.scope import Scope


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a list: what comes after `after`, at most `limit` things."""

    after: UUID | None
    limit: int


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation; `whole`: all of it is seen, not single stores or regions alone."""

    org_id: UUID
    key: str
    name: str
    whole: bool


@dataclass(frozen=True, slots=True)
class RegionView:
    """A region; `parent_id` is none at the top, and where the parent is not seen."""

    org_id: UUID
    region_id: UUID
    key: str
    name: str
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class StoreCard:
    """A store and where it stands; `region_id` is none where the region is not seen."""

    view: StoreView
    key: str
    region_id: UUID | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class PointCard:
    """A point, and the one that its cells count under; none: under itself."""

    org_id: UUID
    point_id: UUID
    store_id: UUID
    key: str
    label: str
    kind: str
    merged_into: UUID | None
    merged_since: datetime | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a device's local id stands for, and when."""

    local_id: str
    point_id: UUID
    store_id: UUID
    valid_from: datetime
    valid_to: datetime | None


def organisations(connection: Connection, scope: Scope, part: Slice) -> list[OrganisationView]:
    """Organisations of which anything is seen, in the order of their ids."""
    query = scope.limit(select(organisation), organisation).order_by(organisation.c.org_id)
    if part.after is not None:
        query = query.where(organisation.c.org_id > part.after)
    return [_organisation(row, scope) for row in connection.execute(query.limit(part.limit))]


def organisation_by_id(connection: Connection, scope: Scope, org_id: UUID) -> OrganisationView:
    """One organisation.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    query = scope.limit(select(organisation), organisation)
    row = connection.execute(query.where(organisation.c.org_id == org_id)).first()
    if row is None:
        raise NotFoundError(f"no organisation {org_id}")
    return _organisation(row, scope)


def _organisation(row: Row[Any], scope: Scope) -> OrganisationView:
    return OrganisationView(row.org_id, row.slug, row.name, scope.sees_organisation(row.org_id))


def regions(
    connection: Connection, scope: Scope, part: Slice, org_id: UUID | None = None
) -> list[RegionView]:
    """Regions that are seen whole, in the order of their ids."""
    query = _regions(scope).order_by(region.c.region_id).limit(part.limit)
    if org_id is not None:
        query = query.where(region.c.org_id == org_id)
    if part.after is not None:
        query = query.where(region.c.region_id > part.after)
    return [_region(row, scope) for row in connection.execute(query)]


def region_by_id(connection: Connection, scope: Scope, region_id: UUID) -> RegionView:
    """One region.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    row = connection.execute(_regions(scope).where(region.c.region_id == region_id)).first()
    if row is None:
        raise NotFoundError(f"no region {region_id}")
    return _region(row, scope)


def _regions(scope: Scope) -> Select[Any]:
    query = select(region).join(organisation, organisation.c.org_id == region.c.org_id)
    return scope.limit(query, region)


def _region(row: Row[Any], scope: Scope) -> RegionView:
    parent_id = _seen_region(scope, row.org_id, row.parent_id)
    return RegionView(row.org_id, row.region_id, row.slug, row.name, parent_id)


def _seen_region(scope: Scope, org_id: UUID, region_id: UUID | None) -> UUID | None:
    if region_id is None or not scope.sees_region(org_id, region_id):
        return None
    return region_id


def stores(
    connection: Connection,
    scope: Scope,
    part: Slice,
    *,
    org_id: UUID | None = None,
    region_id: UUID | None = None,
) -> list[StoreCard]:
    """Stores in the order of their ids; `region_id`: those right in it, not below."""
    query = _stores(scope).order_by(store.c.store_id).limit(part.limit)
    if org_id is not None:
        query = query.where(store.c.org_id == org_id)
    if region_id is not None:
        query = query.where(store.c.region_id == region_id)
    if part.after is not None:
        query = query.where(store.c.store_id > part.after)
    return [_store(row, scope) for row in connection.execute(query)]


def store_card(connection: Connection, scope: Scope, store_id: UUID) -> StoreCard:
    """One store.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    row = connection.execute(_stores(scope).where(store.c.store_id == store_id)).first()
    if row is None:
        raise NotFoundError(f"no store {store_id}")
    return _store(row, scope)


def _stores(scope: Scope) -> Select[Any]:
    query = select(store, organisation.c.name.label("organisation")).join(
        organisation, organisation.c.org_id == store.c.org_id
    )
    return scope.limit(query, store)


def _store(row: Row[Any], scope: Scope) -> StoreCard:
    view = StoreView(
        org_id=row.org_id,
        store_id=row.store_id,
        name=row.name,
        organisation=row.organisation,
        time=time_of(row),
        confirmed_at=row.confirmed_at,
    )
    return StoreCard(view, row.slug, _seen_region(scope, row.org_id, row.region_id), row.ended_at)


def points_of_store(connection: Connection, of: StoreView) -> list[PointCard]:
    """The points of a store, merged ones too, in the order of the identity file."""
    return [_point(row) for row in point_rows(connection, of)]


def point_card(connection: Connection, scope: Scope, point_id: UUID) -> PointCard:
    """One point.

    Raises:
        NotFoundError: none of that id in `scope`.
    """
    return _point(point_row(connection, scope, point_id))


def _point(row: Row[Any]) -> PointCard:
    return PointCard(
        org_id=row.org_id,
        point_id=row.point_id,
        store_id=row.store_id,
        key=row.slug,
        label=row.label,
        kind=row.kind,
        merged_into=row.merged_into,
        merged_since=row.merged_since,
    )


def store_of_device(connection: Connection, scope: Scope, name: str) -> tuple[UUID, UUID]:
    """Organisation and store of a device.

    Raises:
        NotFoundError: no such device in `scope`.
    """
    owned = (device_owner.c.org_id == device.c.org_id) & (device_owner.c.device == device.c.device)
    query = select(device).join(device_owner, owned).where(device.c.device == name)
    row = connection.execute(scope.limit(query, device)).first()
    if row is None:
        raise NotFoundError(f"no device {name}")
    return row.org_id, row.store_id


def assignments_of(connection: Connection, scope: Scope, name: str) -> list[Assignment]:
    """What a device watched of the stores in `scope`, the latest first.

    Raises:
        NotFoundError: no such device in `scope`.
    """
    org_id, _ = store_of_device(connection, scope, name)
    same = (point.c.org_id == assignment.c.org_id) & (point.c.point_id == assignment.c.point_id)
    query = (
        select(assignment, point.c.store_id)
        .join(point, same)
        .where(assignment.c.org_id == org_id, assignment.c.device == name)
        .order_by(assignment.c.valid_from.desc(), assignment.c.local_id)
    )
    return [
        Assignment(row.local_id, row.point_id, row.store_id, row.valid_from, row.valid_to)
        for row in connection.execute(scope.limit(query, point))
    ]


def times_of(
    connection: Connection, scope: Scope, store_ids: Collection[UUID]
) -> dict[UUID, StoreTime]:
    """The clocks of stores, of those that lie in `scope`."""
    rows = connection.execute(_stores(scope).where(store.c.store_id.in_(store_ids)))
    return {row.store_id: time_of(row) for row in rows}
