"""Routes of stores: lists, names, where they stand, confirmation, closing, hours, points."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from server import catalogue
from server.access.callers import Caller
from server.catalogue import Slice
from server.identity import (
    Subject,
    amend_confirmation,
    confirm,
    confirmations,
    end_store,
    hours_of,
    move_store,
    rename,
    reopen_store,
    set_hours,
)
from server.web.needs import Figures, ForIdentity, ToAmend, ToConfirm
from server.web.parts import Parts
from server.web.shapes import PointOut, PointsOut, StoreOut, StoresOut
from server.web.v1.changing import change_of_store, changing, check_whole
from server.web.v1.cursors import Cursor, Limit, after_id, page_of
from server.web.v1.fields import Named
from server.web.v1.store_shapes import (
    Closing,
    Confirmation,
    ConfirmationAmended,
    ConfirmationOut,
    ConfirmationsOut,
    HoursIn,
    HoursOut,
    StoreRegion,
)

InOrganisation = Annotated[UUID | None, Query(description="of this organisation alone")]
InRegion = Annotated[UUID | None, Query(description="right in this region, not below it")]


def store_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _lists(router, parts)
    _changes(router, parts)
    _confirmation(router, parts)
    _closing(router, parts)
    _hours(router, parts)


def _lists(router: APIRouter, parts: Parts) -> None:
    @router.get("/stores", operation_id="listStores")
    def stores(
        caller: Figures,
        organisation_id: InOrganisation = None,
        region_id: InRegion = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> StoresOut:
        """Stores, a page at a time."""
        part = Slice(after_id(cursor), limit + 1)
        with parts.engine.connect() as connection:
            if region_id is not None:
                catalogue.region_by_id(connection, caller.scope, region_id)
            found = catalogue.stores(
                connection, caller.scope, part, org_id=organisation_id, region_id=region_id
            )
        page = page_of(found, limit, lambda one: [one.view.store_id])
        items = tuple(StoreOut.of(one) for one in page.items)
        return StoresOut(items=items, next_cursor=page.next_cursor)

    @router.get("/stores/{store_id}", operation_id="getStore")
    def store(caller: Figures, store_id: UUID) -> StoreOut:
        """One store."""
        with parts.engine.connect() as connection:
            return StoreOut.of(catalogue.store_card(connection, caller.scope, store_id))

    @router.get("/stores/{store_id}/points", operation_id="listPoints")
    def points(caller: Figures, store_id: UUID) -> PointsOut:
        """The service points and queues of a store."""
        with parts.engine.connect() as connection:
            one = catalogue.store_card(connection, caller.scope, store_id).view
            found = catalogue.points_of_store(connection, one)
        return PointsOut(items=tuple(PointOut.of(point, one.time) for point in found))


def _changes(router: APIRouter, parts: Parts) -> None:
    @router.patch("/stores/{store_id}", operation_id="renameStore")
    def rename_it(caller: ForIdentity, store_id: UUID, asked: Named) -> StoreOut:
        """Give a store another name."""
        with changing(parts) as connection:
            change = change_of_store(connection, parts, caller, store_id)
            rename(change, Subject.STORE, store_id, asked.name)
            return _after(connection, caller, store_id)

    @router.put("/stores/{store_id}/region", operation_id="moveStore")
    def move(caller: ForIdentity, store_id: UUID, asked: StoreRegion) -> StoreOut:
        """Put a store into another region, with all its history."""
        with changing(parts) as connection:
            change = change_of_store(connection, parts, caller, store_id)
            if asked.region_id is None:
                check_whole(caller, change.org_id)
            else:
                catalogue.region_by_id(connection, caller.scope, asked.region_id)
            move_store(change, store_id, asked.region_id)
            return _after(connection, caller, store_id)


def _confirmation(router: APIRouter, parts: Parts) -> None:
    @router.put("/stores/{store_id}/confirmation", operation_id="confirmStore")
    def confirm_it(caller: ToConfirm, store_id: UUID, asked: Confirmation) -> StoreOut:
        """Confirm the commissioning, once: from then on, the store's figures count."""
        with changing(parts) as connection:
            change = change_of_store(connection, parts, caller, store_id)
            confirm(change, store_id, asked.confirmed_from)
            return _after(connection, caller, store_id)

    @router.post("/stores/{store_id}/confirmations", operation_id="amendConfirmation")
    def amend_it(caller: ToAmend, store_id: UUID, asked: ConfirmationAmended) -> StoreOut:
        """Move the instant from which a store counts, or make it a trial again, with a reason."""
        with changing(parts) as connection:
            change = change_of_store(connection, parts, caller, store_id)
            amend_confirmation(change, store_id, asked.confirmed_from, asked.reason)
            return _after(connection, caller, store_id)

    @router.get("/stores/{store_id}/confirmations", operation_id="listConfirmations")
    def listed(caller: Figures, store_id: UUID) -> ConfirmationsOut:
        """When the store's figures began to count, each time that this changed."""
        with parts.engine.connect() as connection:
            one = catalogue.store_card(connection, caller.scope, store_id).view
            found = confirmations(connection, one.org_id, store_id)
        return ConfirmationsOut(items=tuple(ConfirmationOut.of(each, one.time) for each in found))


def _closing(router: APIRouter, parts: Parts) -> None:
    @router.put("/stores/{store_id}/closing", operation_id="closeStore")
    def close(caller: ForIdentity, store_id: UUID, asked: Closing) -> StoreOut:
        """Close a store for good: its devices' assignments end, its figures stay."""
        with changing(parts) as connection:
            change = change_of_store(connection, parts, caller, store_id)
            end_store(change, store_id, asked.closed_at)
            return _after(connection, caller, store_id)

    @router.delete("/stores/{store_id}/closing", operation_id="reopenStore")
    def reopen(caller: ForIdentity, store_id: UUID) -> StoreOut:
        """Take back that a store closed; what ended with it runs on."""
        with changing(parts) as connection:
            reopen_store(change_of_store(connection, parts, caller, store_id), store_id)
            return _after(connection, caller, store_id)


def _hours(router: APIRouter, parts: Parts) -> None:
    @router.get("/stores/{store_id}/hours", operation_id="getStoreHours")
    def hours(caller: Figures, store_id: UUID) -> HoursOut:
        """Opening hours and exceptions."""
        with parts.engine.connect() as connection:
            return _hours_out(connection, caller, store_id)

    @router.put("/stores/{store_id}/hours", operation_id="setStoreHours")
    def set_them(caller: ForIdentity, store_id: UUID, asked: HoursIn) -> HoursOut:
        """Say the opening hours and exceptions anew."""
        with changing(parts) as connection:
            change = change_of_store(connection, parts, caller, store_id)
            set_hours(change, store_id, asked.hours())
            return _hours_out(connection, caller, store_id)


def _after(connection: Connection, caller: Caller, store_id: UUID) -> StoreOut:
    return StoreOut.of(catalogue.store_card(connection, caller.scope, store_id))


def _hours_out(connection: Connection, caller: Caller, store_id: UUID) -> HoursOut:
    one = catalogue.store_card(connection, caller.scope, store_id).view
    found = hours_of(connection, one.org_id, store_id)
    return HoursOut(
        timezone=one.time.zone.key,
        day_starts=f"{one.time.day_starts:%H:%M}",
        opening={day: tuple(spans) for day, spans in found.opening.items()},
        closed=tuple(sorted(found.closed)),
        special={day: tuple(spans) for day, spans in sorted(found.special.items())},
    )
