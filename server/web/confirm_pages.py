"""What the page of a store lets people do about its trial: end it, or amend that it ended."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel
from sqlalchemy import Connection

from server import queries
from server.access.callers import Caller
from server.database import writer
from server.errors import IdentityError, PeriodError
from server.identity import Change, amend_confirmation, confirm
from server.queries import StoreView
from server.web.checks import Check, Lines, Refused, trying
from server.web.contents import store_page
from server.web.inputs import Lines as Text
from server.web.inputs import instant
from server.web.needs import ToAmend, ToConfirm
from server.web.pages import Renderer
from server.web.parts import Parts

STORE = "/stores/{store_id}"
AMENDED = STORE + "/confirmation"


class Said(BaseModel):
    """What the form holds: an instant on the store's clock, or that it is a trial again."""

    since: datetime
    trial: bool = False
    reason: Text

    def at(self, store: StoreView) -> datetime | None:
        """From when on the store shall count; none: a trial."""
        return None if self.trial else instant(store.time, self.since)

    @property
    def fields(self) -> dict[str, list[str]]:
        """The same once more, for the form that confirms it."""
        found = {"since": self.since.isoformat(), "reason": self.reason}
        found |= {"trial": "true"} if self.trial else {}
        return {name: [value] for name, value in found.items()}


SaidForm = Annotated[Said, Form()]


def confirming_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes behind these forms."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def refused(
        request: Request, caller: Caller, store_id: UUID, error: IdentityError | PeriodError
    ) -> Response:
        page = store_page(parts, caller.scope, store_id, None, first=None, last=None)
        values = {"refused": "confirm", "why": Refused.of(error)}
        return renderer.page(request, "store.html", 422, page=page, **values)

    def amended(connection: Connection, caller: Caller, store_id: UUID, said: Said) -> StoreView:
        store = queries.store_by_id(connection, caller.scope, store_id)
        change = Change(connection, store.org_id, caller.name, parts.clock())
        amend_confirmation(change, store_id, said.at(store), said.reason)
        return store

    @router.post(STORE + "/confirm", name="confirmStore")
    def confirm_store(
        request: Request, caller: ToConfirm, store_id: UUID, since: Annotated[datetime, Form()]
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                change = Change(connection, store.org_id, caller.name, parts.clock())
                confirm(change, store_id, instant(store.time, since))
        except (IdentityError, PeriodError) as error:
            return refused(request, caller, store_id, error)
        return RedirectResponse(f"/stores/{store_id}", 303)

    @router.post(AMENDED + "/check", name="checkConfirmation")
    def check(request: Request, caller: ToAmend, store_id: UUID, said: SaidForm) -> Response:
        try:
            with trying(parts) as connection:
                store = amended(connection, caller, store_id, said)
        except (IdentityError, PeriodError) as error:
            return refused(request, caller, store_id, error)
        back = f"/stores/{store_id}"
        waiting = Check(
            "confirmation", _lines(store, said), f"{back}/confirmation", said.fields, back
        )
        return renderer.page(request, "check.html", check=waiting)

    @router.post(AMENDED, name="amendConfirmation")
    def amend(request: Request, caller: ToAmend, store_id: UUID, said: SaidForm) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                amended(connection, caller, store_id, said)
        except (IdentityError, PeriodError) as error:
            return refused(request, caller, store_id, error)
        return RedirectResponse(f"/stores/{store_id}#confirmations", 303)

    return router


def _lines(store: StoreView, said: Said) -> Lines:
    """What it will do."""
    at = said.at(store)
    if at is None:
        return lambda words: (words("check.trial_again"), words("check.on_record_too"))
    return lambda words: (
        words("check.counts_from", at=words.moment(store.time.local(at))),
        words("check.on_record_too"),
    )
