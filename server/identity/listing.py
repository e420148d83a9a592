"""Who is who, in lines to read: organisations, regions, stores, points, devices."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from server.schema.identity import assignment, device, point, region, store


def lines(connection: Connection, org_id: UUID, store_id: UUID | None = None) -> Iterator[str]:
    """The stores of an organisation, or one of them, each with its points and devices."""
    if store_id is None:
        yield from _regions(connection, org_id)
    query = select(store).where(store.c.org_id == org_id).order_by(store.c.slug)
    if store_id is not None:
        query = query.where(store.c.store_id == store_id)
    for row in connection.execute(query).all():
        yield f"store {row.slug}  {row.name!r}  {row.timezone}  {_state(row)}"
        yield from _exceptions(row)
        yield from _points(connection, org_id, row.store_id)
        yield from _devices(connection, org_id, row.store_id)


def _regions(connection: Connection, org_id: UUID) -> Iterator[str]:
    rows = connection.execute(
        select(region).where(region.c.org_id == org_id).order_by(region.c.slug)
    ).all()
    keys = {row.region_id: row.slug for row in rows}
    for row in rows:
        below = "" if row.parent_id is None else f"  in {keys[row.parent_id]}"
        yield f"region {row.slug}  {row.name!r}{below}"


def _state(row: Row[Any]) -> str:
    trial = "trial" if row.confirmed_at is None else f"confirmed from {_at(row.confirmed_at)}"
    return trial if row.ended_at is None else f"{trial}, closed for good at {_at(row.ended_at)}"


def _exceptions(row: Row[Any]) -> Iterator[str]:
    if row.closed:
        yield f"  closed on {', '.join(row.closed)}"
    for day, spans in row.special.items():
        yield f"  on {day} open {', '.join(spans) or 'at no time'}"


def _points(connection: Connection, org_id: UUID, store_id: UUID) -> Iterator[str]:
    rows = connection.execute(
        select(point)
        .where(point.c.org_id == org_id, point.c.store_id == store_id)
        .order_by(point.c.position, point.c.slug)
    ).all()
    keys = {row.point_id: row.slug for row in rows}
    for row in rows:
        merged = ""
        if row.merged_into is not None:
            since = "" if row.merged_since is None else f" from {_at(row.merged_since)}"
            merged = f"  counts under {keys[row.merged_into]}{since}"
        yield f"  {row.kind} {row.slug}  {row.label!r}{merged}"


def _devices(connection: Connection, org_id: UUID, store_id: UUID) -> Iterator[str]:
    query = select(device).where(device.c.org_id == org_id, device.c.store_id == store_id)
    for row in connection.execute(query.order_by(device.c.device)).all():
        gone = "" if row.retired_at is None else f"  retired at {_at(row.retired_at)}"
        yield f"  device {row.device}  {row.label!r}{gone}"
        yield from _assignments(connection, org_id, row.device)


def _assignments(connection: Connection, org_id: UUID, device_id: str) -> Iterator[str]:
    same = (point.c.org_id == assignment.c.org_id) & (point.c.point_id == assignment.c.point_id)
    of_store = (store.c.org_id == point.c.org_id) & (store.c.store_id == point.c.store_id)
    rows = connection.execute(
        select(assignment, point.c.slug.label("point"), store.c.slug.label("store"))
        .join(point, same)
        .join(store, of_store)
        .where(assignment.c.org_id == org_id, assignment.c.device == device_id)
        .order_by(assignment.c.valid_from, assignment.c.local_id)
    )
    for row in rows:
        until = "" if row.valid_to is None else f" to {_at(row.valid_to)}"
        yield f"    {row.local_id} = {row.store}/{row.point}  from {_at(row.valid_from)}{until}"


def _at(at: datetime) -> str:
    if at.year == 1970:
        return "the beginning"
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
