"""The API's routes about devices: how they are, what they watch, the heads of their ledgers."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from firmware_cfg.messages import LedgerHead
from server import catalogue, heads, queries
from server.access.callers import Caller
from server.errors import NotFoundError
from server.periods import StoreTime
from server.queries import DeviceView, Which
from server.stays import seen_stays
from server.web.device_shapes import (
    AssignmentOut,
    AssignmentsOut,
    DeviceOut,
    DevicesOut,
    KeptHeadOut,
    KeptHeadsOut,
)
from server.web.needs import Evidence, Figures
from server.web.parts import Parts
from server.web.v1.calendar import UTC_TIME
from server.web.v1.cursors import Cursor, Limit, after_name, page_of
from server.web.v1.fields import DevicePath

OfStore = Annotated[UUID | None, Query(description="of this store alone")]


def device_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _devices(router, parts)
    _heads(router, parts)


def _devices(router: APIRouter, parts: Parts) -> None:
    @router.get("/devices", operation_id="listDevices")
    def devices(
        caller: Figures, store_id: OfStore = None, cursor: Cursor = None, limit: Limit = 100
    ) -> DevicesOut:
        """Devices with their last sign of life and the latest head of their ledger."""
        after = after_name(cursor)
        with parts.engine.connect() as connection:
            part = Which(after=after, limit=limit + 1)
            found = queries.devices(connection, caller.scope, parts.clock(), store_id, part)
            page = page_of(found, limit, lambda one: [one.device])
            items = _outs(connection, caller, page.items)
        return DevicesOut(items=items, next_cursor=page.next_cursor)

    @router.get("/devices/{device}", operation_id="getDevice")
    def device(caller: Figures, device: DevicePath) -> DeviceOut:
        """One device."""
        with parts.engine.connect() as connection:
            return one_device(connection, parts, caller, device)

    @router.get("/devices/{device}/assignments", operation_id="listAssignments")
    def assignments(caller: Figures, device: DevicePath) -> AssignmentsOut:
        """What a device watched of the stores that the caller sees, and when."""
        with parts.engine.connect() as connection:
            found = catalogue.assignments_of(connection, caller.scope, device)
            stores = {one.store_id for one in found}
            times = catalogue.times_of(connection, caller.scope, stores)
        return AssignmentsOut(
            items=tuple(AssignmentOut.of(one, times[one.store_id]) for one in found)
        )


def one_device(connection: Connection, parts: Parts, caller: Caller, name: str) -> DeviceOut:
    """A device as the API shows it.

    Raises:
        NotFoundError: no such device in the caller's scope.
    """
    catalogue.store_of_device(connection, caller.scope, name)
    alone = Which(names=[name])
    views = queries.devices(connection, caller.scope, parts.clock(), which=alone)
    found = _outs(connection, caller, tuple(views))
    if not found:
        raise NotFoundError(f"no device {name}")
    return found[0]


def _outs(
    connection: Connection, caller: Caller, found: tuple[DeviceView, ...]
) -> tuple[DeviceOut, ...]:
    kept = heads.latest_heads(connection, found)
    times = catalogue.times_of(connection, caller.scope, {one.store_id for one in found})
    return tuple(
        DeviceOut.of(one, kept.get(one.device), times.get(one.store_id, UTC_TIME)) for one in found
    )


def _heads(router: APIRouter, parts: Parts) -> None:
    @router.get("/devices/{device}/ledger-head", operation_id="getLedgerHead")
    def ledger_head(caller: Evidence, device: DevicePath) -> LedgerHead:
        """The latest head, as a file for `encounter-edge ledger verify --head`."""
        with parts.engine.connect() as connection:
            return heads.latest_head(connection, caller.scope, device).head

    @router.get("/devices/{device}/ledger-heads", operation_id="listLedgerHeads")
    def ledger_heads(caller: Evidence, device: DevicePath) -> KeptHeadsOut:
        """One head a day and ledger, for 90 days."""
        with parts.engine.connect() as connection:
            found = heads.heads_by_day(connection, caller.scope, device)
            time = _clock(connection, caller, device)
        return KeptHeadsOut(items=tuple(KeptHeadOut.of(one, time) for one in found))

    @router.get("/devices/{device}/ledger-heads/{day}", operation_id="getLedgerHeadOfDay")
    def ledger_head_of_day(caller: Evidence, device: DevicePath, day: date) -> LedgerHead:
        """The head kept of a day, as a file for `encounter-edge ledger verify --head`."""
        with parts.engine.connect() as connection:
            return heads.head_of_day(connection, caller.scope, device, day).head


def _clock(connection: Connection, caller: Caller, name: str) -> StoreTime:
    """The clock of the store where a device last stood, of those that the caller sees."""
    _, seen = seen_stays(connection, caller.scope, name)
    store_id = seen[-1].store_id
    return catalogue.times_of(connection, caller.scope, [store_id]).get(store_id, UTC_TIME)
