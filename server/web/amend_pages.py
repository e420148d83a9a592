"""What the page of a store lets people do: note, take out of the figures, withdraw, confirm."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, StringConstraints

from server import queries
from server.access.callers import Caller
from server.amending import Kind
from server.amending.making import Wish, amend, withdraw
from server.database import writer
from server.errors import AmendmentError, IdentityError, PeriodError
from server.identity import Change, confirm
from server.periods import Period, StoreTime, check_years
from server.web.contents import store_page
from server.web.inputs import Line, Lines
from server.web.needs import ToAmend, ToConfirm, ToNote
from server.web.pages import Renderer
from server.web.parts import Parts

STORE = "/stores/{store_id}"
Moment = Annotated[datetime, Form()]


class Said(BaseModel):
    """What the form of an amendment holds; times on the store's clock."""

    point: Annotated[Line, StringConstraints(max_length=40)] = ""
    start: datetime
    end: datetime
    reason: Lines


SaidForm = Annotated[Said, Form()]


def amending_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes behind the forms of a store's page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _amending_routes(router, parts, renderer)
    _confirming_routes(router, parts, renderer)
    return router


def _amending_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def made(request: Request, caller: Caller, store_id: UUID, kind: Kind, said: Said) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                period = Period(instant(store.time, said.start), instant(store.time, said.end))
                wish = Wish(kind, store_id, _point(said.point), period, said.reason)
                amend(Change(connection, store.org_id, caller.name, parts.clock()), wish)
        except (AmendmentError, PeriodError):
            return refused(request, caller, store_id)
        return RedirectResponse(f"/stores/{store_id}#amendments", 303)

    def refused(request: Request, caller: Caller, store_id: UUID) -> Response:
        page = store_page(parts, caller.scope, store_id, None, first=None, last=None)
        return renderer.page(request, "store.html", 422, page=page, refused="amendment")

    @router.post(STORE + "/notes", name="noteAmendment")
    def note(request: Request, caller: ToNote, store_id: UUID, said: SaidForm) -> Response:
        return made(request, caller, store_id, Kind.NOTE, said)

    @router.post(STORE + "/voids", name="voidFigures")
    def void(request: Request, caller: ToAmend, store_id: UUID, said: SaidForm) -> Response:
        return made(request, caller, store_id, Kind.VOID, said)

    @router.post(STORE + "/amendments/{amendment_id}/withdraw", name="withdrawAmendment")
    def take_back(
        request: Request, caller: ToAmend, store_id: UUID, amendment_id: UUID
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                change = Change(connection, store.org_id, caller.name, parts.clock())
                withdraw(change, store_id, [amendment_id])
        except AmendmentError:
            return refused(request, caller, store_id)
        return RedirectResponse(f"/stores/{store_id}#amendments", 303)


def _confirming_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    @router.post(STORE + "/confirm", name="confirmStore")
    def confirm_store(
        request: Request, caller: ToConfirm, store_id: UUID, since: Moment
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                change = Change(connection, store.org_id, caller.name, parts.clock())
                confirm(change, store_id, instant(store.time, since))
        except (IdentityError, PeriodError):
            page = store_page(parts, caller.scope, store_id, None, first=None, last=None)
            return renderer.page(request, "store.html", 422, page=page, refused="confirm")
        return RedirectResponse(f"/stores/{store_id}", 303)


def instant(time: StoreTime, at: datetime) -> datetime:
    """A moment of a form, on the store's clock, as an instant.

    Raises:
        PeriodError: at an end of the calendar.
    """
    check_years(at.date(), at.date())
    local = at if at.tzinfo is not None else at.replace(tzinfo=time.zone)
    return local.astimezone(UTC)


def _point(field: str) -> UUID | None:
    """The point that a form's field names; none: the whole store.

    Raises:
        AmendmentError: not an id.
    """
    try:
        return UUID(field) if field else None
    except ValueError:
        raise AmendmentError(f"a point: expected an id, found {field!r}") from None
