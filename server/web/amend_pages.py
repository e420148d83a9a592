"""What the page of a store lets people do: amend, and withdraw.

What changes figures says first what it will change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from server import queries
from server.access.callers import Caller
from server.amending import Kind
from server.amending.making import Made, Wish, amend, withdraw
from server.database import writer
from server.errors import AmendmentError, PeriodError
from server.identity import Change
from server.periods import Period
from server.queries import StoreView
from server.web.checks import Check, Refused, trying
from server.web.contents import store_page
from server.web.inputs import Line, Lines, instant
from server.web.needs import ToAmend, ToNote
from server.web.pages import Renderer
from server.web.parts import Parts
from server.web.words import Words

STORE = "/stores/{store_id}"
Short = Annotated[Line, StringConstraints(max_length=40)]


class Said(BaseModel):
    """What the form of an amendment holds; times on the store's clock."""

    point: Short = ""
    to: Short = ""
    both_ways: bool = False
    start: datetime
    end: datetime
    reason: Lines

    def wish(self, kind: Kind, store: StoreView) -> Wish:
        """What is asked for.

        Raises:
            AmendmentError: not a point's id.
            PeriodError: no period.
        """
        is_relabel = kind is Kind.RELABEL
        return Wish(
            kind=kind,
            store_id=store.store_id,
            point_id=_point(self.point),
            period=Period(instant(store.time, self.start), instant(store.time, self.end)),
            reason=self.reason,
            to_point_id=_point(self.to) if is_relabel else None,
            both_ways=is_relabel and self.both_ways,
        )

    @property
    def fields(self) -> dict[str, Sequence[str]]:
        """The same once more, for the form that confirms it."""
        found = {"point": self.point, "to": self.to, "reason": self.reason}
        found |= {"start": self.start.isoformat(), "end": self.end.isoformat()}
        found |= {"both_ways": "true"} if self.both_ways else {}
        return {name: [value] for name, value in found.items()}


class Considered(Said):
    """The form together with what it would do."""

    kind: Literal[Kind.VOID, Kind.RELABEL]


SaidForm = Annotated[Said, Form()]
ConsideredForm = Annotated[Considered, Form()]
ACTIONS = {Kind.VOID: "voids", Kind.RELABEL: "relabels"}


def amending_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes behind the forms of a store's page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    forms = _Forms(parts, renderer)
    _amending_routes(router, forms)
    _withdrawing_routes(router, forms)
    return router


@dataclass(frozen=True, slots=True)
class _Forms:
    """What all of these forms need."""

    parts: Parts
    renderer: Renderer

    def change(self, connection: Connection, caller: Caller, store: StoreView) -> Change:
        """A change by somebody, of a store that was found within the scope."""
        return Change(connection, store.org_id, caller.name, self.parts.clock())

    def refused(
        self,
        request: Request,
        caller: Caller,
        store_id: UUID,
        error: AmendmentError | PeriodError,
        said: Said | None = None,
    ) -> Response:
        """The store's page, with why, and with what was written into the form."""
        page = store_page(self.parts, caller.scope, store_id, None, first=None, last=None)
        values = {"refused": "amendment", "why": Refused.of(error), "said": said}
        return self.renderer.page(request, "store.html", 422, page=page, **values)


def _amending_routes(router: APIRouter, forms: _Forms) -> None:
    def made(request: Request, caller: Caller, store_id: UUID, kind: Kind, said: Said) -> Response:
        try:
            with writer(forms.parts.engine).begin() as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                amend(forms.change(connection, caller, store), said.wish(kind, store))
        except (AmendmentError, PeriodError) as error:
            return forms.refused(request, caller, store_id, error, said)
        return RedirectResponse(f"/stores/{store_id}#amendments", 303)

    @router.post(STORE + "/notes", name="noteAmendment")
    def note(request: Request, caller: ToNote, store_id: UUID, said: SaidForm) -> Response:
        return made(request, caller, store_id, Kind.NOTE, said)

    @router.post(STORE + "/voids", name="voidFigures")
    def void(request: Request, caller: ToAmend, store_id: UUID, said: SaidForm) -> Response:
        return made(request, caller, store_id, Kind.VOID, said)

    @router.post(STORE + "/relabels", name="relabelFigures")
    def relabel(request: Request, caller: ToAmend, store_id: UUID, said: SaidForm) -> Response:
        return made(request, caller, store_id, Kind.RELABEL, said)

    @router.post(STORE + "/amendments/check", name="checkAmendment")
    def check(request: Request, caller: ToAmend, store_id: UUID, said: ConsideredForm) -> Response:
        try:
            with trying(forms.parts) as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                wish = said.wish(said.kind, store)
                tried = amend(forms.change(connection, caller, store), wish)
                labels = _labels(connection, store)
        except (AmendmentError, PeriodError) as error:
            return forms.refused(request, caller, store_id, error, said)
        shown = Check(
            what=said.kind,
            lines=lambda words: _lines(words, store, wish, tried, labels),
            action=f"/stores/{store_id}/{ACTIONS[said.kind]}",
            fields=said.fields,
            back=f"/stores/{store_id}#amendments",
        )
        return forms.renderer.page(request, "check.html", check=shown)


def _withdrawing_routes(router: APIRouter, forms: _Forms) -> None:
    path = STORE + "/amendments/{amendment_id}"

    @router.post(path + "/check", name="checkWithdrawal")
    def check(request: Request, caller: ToAmend, store_id: UUID, amendment_id: UUID) -> Response:
        try:
            with trying(forms.parts) as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                change = forms.change(connection, caller, store)
                tried = withdraw(change, store_id, [amendment_id])
        except AmendmentError as error:
            return forms.refused(request, caller, store_id, error)
        shown = Check(
            what="withdraw",
            lines=lambda words: (
                words("check.cells_back", cells=tried.cells),
                words("check.on_record", reason=tried.amendments[0].reason),
            ),
            action=f"/stores/{store_id}/amendments/{amendment_id}/withdraw",
            fields={},
            back=f"/stores/{store_id}#amendments",
        )
        return forms.renderer.page(request, "check.html", check=shown)

    @router.post(path + "/withdraw", name="withdrawAmendment")
    def take_back(
        request: Request, caller: ToAmend, store_id: UUID, amendment_id: UUID
    ) -> Response:
        try:
            with writer(forms.parts.engine).begin() as connection:
                store = queries.store_by_id(connection, caller.scope, store_id)
                withdraw(forms.change(connection, caller, store), store_id, [amendment_id])
        except AmendmentError as error:
            return forms.refused(request, caller, store_id, error)
        return RedirectResponse(f"/stores/{store_id}#amendments", 303)


def _labels(connection: Connection, store: StoreView) -> dict[UUID | None, str]:
    return {one.ref.point_id: one.label for one in queries.points(connection, store)}


def _lines(
    words: Words, store: StoreView, wish: Wish, tried: Made, labels: dict[UUID | None, str]
) -> list[str]:
    """What an amendment will do."""
    point = labels.get(wish.point_id) or words("amend.whole_store")
    to = labels.get(wish.to_point_id, "")
    first, last = (
        words.moment(store.time.local(at)) for at in (wish.period.start, wish.period.end)
    )
    told = {"point": point, "to": to, "first": first, "last": last, "cells": tried.cells}
    found = [words(f"check.{wish.kind}_cells", **told)]
    if wish.both_ways:
        found.append(words("check.both_ways", **told))
    if wish.kind is Kind.VOID:
        found += [words("check.void_gap"), words("check.void_weeks")]
    found.append(words("check.late_cells"))
    until = tried.amendments[0].can_be_withdrawn_until
    if until is not None:
        found.append(words("check.until", at=words.day(store.time.local(until))))
    return found


def _point(field: str) -> UUID | None:
    """The point that a form's field names; none: the whole store.

    Raises:
        AmendmentError: not an id.
    """
    try:
        return UUID(field) if field else None
    except ValueError:
        raise AmendmentError(
            f"a point: expected an id, found {field!r}", "point_elsewhere"
        ) from None
