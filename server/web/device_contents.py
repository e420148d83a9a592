"""What the page of a device shows, read in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from server import catalogue, queries
from server.catalogue import Assignment
from server.queries import DeviceView, PointView, StoreView, Which
from server.scope import Scope

ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class DevicePage:
    """A device, and the store to which it might be moved, once one is chosen.

    Attributes:
        device, store: the device and where it stands.
        now: the present.
        assignments: what it watched in stores that are seen, the latest first.
        stores: of its organisation, to which it could be moved; by name.
        labels: of points, also of those that it watched elsewhere.
        store_names: by store.
        to: the store that was chosen.
        points: of that store.
    """

    device: DeviceView
    store: StoreView
    now: datetime
    assignments: tuple[Assignment, ...]
    stores: tuple[StoreView, ...]
    labels: Mapping[UUID, str]
    store_names: Mapping[UUID, str]
    to: StoreView | None
    points: tuple[PointView, ...]

    def running(self, at: datetime) -> tuple[Assignment, ...]:
        """What it watches at an instant."""
        return tuple(
            one
            for one in self.assignments[::-1]
            if one.valid_from <= at and (one.valid_to is None or at < one.valid_to)
        )

    @property
    def local_ids(self) -> tuple[str, ...]:
        """Its local ids, as far as they ever stood for a point."""
        return tuple(sorted({one.local_id for one in self.assignments}))


def device_page(
    connection: Connection, now: datetime, scope: Scope, name: str, to: UUID | None
) -> DevicePage:
    """A device of a store in `scope`.

    Raises:
        NotFoundError: no such device there, or no such store to go to.
    """
    org_id, store_id = catalogue.store_of_device(connection, scope, name)
    store = queries.store_by_id(connection, scope, store_id)
    (device,) = queries.devices(connection, scope, now, store_id, Which(names=[name]))
    assignments = tuple(catalogue.assignments_of(connection, scope, name))
    every = [one for one in queries.stores(connection, scope, limit=ALL) if one.org_id == org_id]
    there = None if to is None else queries.store_by_id(connection, scope, to)
    points = () if there is None else tuple(queries.points(connection, there))
    shown = {one.store_id for one in assignments} | ({there.store_id} if there else set())
    labels = {
        point.ref.point_id: point.label
        for one in every
        if one.store_id in shown
        for point in queries.points(connection, one)
    }
    return DevicePage(
        device=device,
        store=store,
        now=now,
        assignments=assignments,
        stores=tuple(sorted(every, key=lambda one: one.name)),
        labels=labels,
        store_names={one.store_id: one.name for one in every},
        to=there,
        points=points,
    )
