"""The page of a store's names and points, for administrators: rename, merge, take a merge back.

Each change is first shown as what it will do, and done by a second button.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator
from sqlalchemy import Connection

from server import catalogue, queries
from server.access.callers import Caller
from server.catalogue import PointCard
from server.database import writer
from server.errors import AmendmentError, IdentityError, NotFoundError, PeriodError
from server.identity import Change, Subject, merge_points, rename, unmerge_point
from server.queries import DeviceView, StoreView
from server.web.checks import Check, Lines, Refused, trying
from server.web.inputs import Line, instant
from server.web.needs import ForIdentity
from server.web.pages import Renderer
from server.web.parts import Parts
from server.web.words import Words

PAGE = "/stores/{store_id}/setup"
Since = Annotated[datetime | None, BeforeValidator(lambda text: text or None)]


class What(StrEnum):
    """What can be done here."""

    STORE_NAME = "store_name"
    POINT_NAME = "point_name"
    MERGE = "merge"
    UNMERGE = "unmerge"


class Said(BaseModel):
    """What the forms of the page hold; `since` on the store's clock, none: from the beginning."""

    name: Line = ""
    point: UUID | None = None
    into: UUID | None = None
    since: Since = None

    @property
    def fields(self) -> dict[str, list[str]]:
        """The same once more, for the form that confirms it."""
        found = self.model_dump(mode="json", exclude_defaults=True)
        return {name: [str(one)] for name, one in found.items()}


SaidForm = Annotated[Said, Form()]


@dataclass(frozen=True, slots=True)
class SetupPage:
    """A store, its points (merged ones too) and its devices (retired ones too)."""

    store: StoreView
    points: tuple[PointCard, ...]
    devices: tuple[DeviceView, ...]

    def point(self, point_id: UUID | None) -> PointCard:
        """One of the points.

        Raises:
            NotFoundError: none of that id.
        """
        for one in self.points:
            if one.point_id == point_id:
                return one
        raise NotFoundError(f"no point {point_id}")

    def like(self, other: PointCard) -> tuple[PointCard, ...]:
        """The points into which another one may be merged."""
        return tuple(
            one
            for one in self.points
            if one.kind == other.kind and one is not other and one.merged_into is None
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that somebody asks for, on the page as it stands."""

    change: Change
    page: SetupPage
    said: Said


def setup_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def page_of(connection: Connection, caller: Caller, store_id: UUID) -> SetupPage:
        store = queries.store_by_id(connection, caller.scope, store_id)
        points = tuple(catalogue.points_of_store(connection, store))
        devices = queries.devices(connection, caller.scope, parts.clock(), store_id)
        return SetupPage(store, points, tuple(devices))

    def shown(
        request: Request, caller: Caller, store_id: UUID, refused: Refused | None = None
    ) -> Response:
        with parts.engine.connect() as connection:
            page = page_of(connection, caller, store_id)
        status = 200 if refused is None else 422
        return renderer.page(request, "setup.html", status, page=page, refused=refused)

    def asked(connection: Connection, caller: Caller, store_id: UUID, said: Said) -> Asked:
        page = page_of(connection, caller, store_id)
        change = Change(connection, page.store.org_id, caller.name, parts.clock())
        return Asked(change, page, said)

    @router.get(PAGE, name="storeSetup")
    def setup(request: Request, caller: ForIdentity, store_id: UUID) -> Response:
        return shown(request, caller, store_id)

    @router.post(PAGE + "/{what}/check", name="checkSetup")
    def check(
        request: Request, caller: ForIdentity, store_id: UUID, what: What, said: SaidForm
    ) -> Response:
        try:
            with trying(parts) as connection:
                lines = DO[what](asked(connection, caller, store_id, said))
        except (IdentityError, AmendmentError, PeriodError) as error:
            return shown(request, caller, store_id, Refused.of(error))
        back = f"/stores/{store_id}/setup"
        waiting = Check(what, lines, f"{back}/{what}", said.fields, back)
        return renderer.page(request, "check.html", check=waiting)

    @router.post(PAGE + "/{what}", name="changeSetup")
    def change(
        request: Request, caller: ForIdentity, store_id: UUID, what: What, said: SaidForm
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                DO[what](asked(connection, caller, store_id, said))
        except (IdentityError, AmendmentError, PeriodError) as error:
            return shown(request, caller, store_id, Refused.of(error))
        return RedirectResponse(f"/stores/{store_id}/setup", 303)

    return router


def _rename_store(asked: Asked) -> Lines:
    store = asked.page.store
    rename(asked.change, Subject.STORE, store.store_id, asked.said.name)
    return _renamed(store.name, asked.said.name)


def _rename_point(asked: Asked) -> Lines:
    one = asked.page.point(asked.said.point)
    rename(asked.change, Subject.POINT, one.point_id, asked.said.name)
    return _renamed(one.label, asked.said.name)


def _renamed(old: str, new: str) -> Lines:
    return lambda words: (words("check.rename", old=old, new=new), words("check.ids_stay"))


def _merge(asked: Asked) -> Lines:
    one, into = asked.page.point(asked.said.point), asked.page.point(asked.said.into)
    time, said = asked.page.store.time, asked.said.since
    since = None if said is None else instant(time, said)
    cells = merge_points(asked.change, one.point_id, into.point_id, since)
    told = {"point": one.label, "into": into.label, "cells": cells}

    def lines(words: Words) -> list[str]:
        if since is None:
            first = words("check.merge_all", **told)
        else:
            first = words("check.merge_since", **told, at=words.moment(time.local(since)))
        return [first, words("check.cells_elsewhere", **told), words("check.merge_back")]

    return lines


def _unmerge(asked: Asked) -> Lines:
    one = asked.page.point(asked.said.point)
    cells = unmerge_point(asked.change, one.point_id)
    return lambda words: (
        words("check.unmerge_point", point=one.label),
        words("check.cells_back", cells=cells),
    )


DO: dict[What, Callable[[Asked], Lines]] = {
    What.STORE_NAME: _rename_store,
    What.POINT_NAME: _rename_point,
    What.MERGE: _merge,
    What.UNMERGE: _unmerge,
}
