"""The page of a device: how it is, what it watches, and for administrators how that changes.

Each change is first shown as what it will do, and done by a second button.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from firmware_cfg.topics import DEVICE_ID_PATTERN
from server.access.callers import Caller
from server.database import writer
from server.errors import IdentityError, PeriodError
from server.identity import Change, Subject, owner_of, rename, retire_device
from server.periods import StoreTime
from server.web import device_changes
from server.web.checks import Check, Lines, Refused, trying
from server.web.device_changes import change_of_device, read_again
from server.web.device_contents import DevicePage, device_page
from server.web.inputs import Line, instant
from server.web.needs import Figures, ForIdentity
from server.web.pages import Renderer
from server.web.parts import Parts
from server.web.v1.fields import DevicePath
from server.web.words import Words

PAGE = "/devices/{device}"
Local = Annotated[Line, StringConstraints(max_length=63)]


class What(StrEnum):
    """What can be done with a device."""

    NAME = "name"
    PLACE = "place"
    REPLACEMENT = "replacement"
    RETIREMENT = "retirement"


class Said(BaseModel):
    """What the forms of the page hold; times on the clock of the store where the device stands."""

    name: Line = ""
    at: datetime | None = None
    store: Line = ""
    local: list[Local] = []
    point: list[Local] = []
    new: Annotated[Line, StringConstraints(pattern=rf"^$|{DEVICE_ID_PATTERN}")] = ""
    new_local: list[Local] = []

    def instant(self, time: StoreTime) -> datetime:
        """When it holds from.

        Raises:
            PeriodError: not said, or at an end of the calendar.
        """
        if self.at is None:
            raise PeriodError("expected an instant")
        return instant(time, self.at)

    @property
    def watches(self) -> dict[str, UUID]:
        """The point of each local id for which one was chosen.

        Raises:
            IdentityError: not a point's id, or a local id twice.
        """
        pairs = zip(self.local, self.point, strict=False)
        chosen = [(local, point) for local, point in pairs if local and point]
        found = {local: _id(point) for local, point in chosen}
        if len(found) < len(chosen):
            raise IdentityError(("one local id would stand for two points",), "local_ids")
        return found

    @property
    def renamed(self) -> dict[str, str]:
        """The new device's local ids where they are others than the old one's."""
        pairs = zip(self.local, self.new_local, strict=False)
        return {old: new for old, new in pairs if new and new != old}

    @property
    def fields(self) -> dict[str, list[str]]:
        """The same once more, for the form that confirms it."""
        found = self.model_dump(mode="json", exclude_defaults=True)
        return {name: one if isinstance(one, list) else [one] for name, one in found.items()}


SaidForm = Annotated[Said, Form()]


@dataclass(frozen=True, slots=True)
class Asked:
    """A change of a device that somebody asks for, on the device's page as it stands."""

    change: Change
    caller: Caller
    page: DevicePage
    said: Said

    @property
    def name(self) -> str:
        """The device's id."""
        return self.page.device.device


def device_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(
        request: Request,
        caller: Caller,
        device: str,
        to: UUID | None,
        refused: Refused | None = None,
    ) -> Response:
        with parts.engine.connect() as connection:
            page = device_page(connection, parts.clock(), caller.scope, device, to)
        status = 200 if refused is None else 422
        return renderer.page(request, "device.html", status, page=page, refused=refused)

    def asked(connection: Connection, caller: Caller, device: str, said: Said) -> Asked:
        change = change_of_device(connection, parts, caller, device)
        to = _id(said.store) if said.store else None
        page = device_page(connection, change.now, caller.scope, device, to)
        return Asked(change, caller, page, said)

    @router.get(PAGE, name="device")
    def one_device(
        request: Request, caller: Figures, device: DevicePath, to: UUID | None = None
    ) -> Response:
        return shown(request, caller, device, to)

    @router.post(PAGE + "/{what}/check", name="checkDevice")
    def check(
        request: Request, caller: ForIdentity, device: DevicePath, what: What, said: SaidForm
    ) -> Response:
        try:
            with trying(parts) as connection:
                lines = DO[what](asked(connection, caller, device, said))
        except (IdentityError, PeriodError) as error:
            return shown(request, caller, device, None, Refused.of(error))
        action, back = f"/devices/{device}/{what}", f"/devices/{device}"
        waiting = Check(f"device_{what}", lines, action, said.fields, back)
        return renderer.page(request, "check.html", check=waiting)

    @router.post(PAGE + "/{what}", name="changeDevice")
    def change(
        request: Request, caller: ForIdentity, device: DevicePath, what: What, said: SaidForm
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                DO[what](asked(connection, caller, device, said))
        except (IdentityError, PeriodError) as error:
            return shown(request, caller, device, None, Refused.of(error))
        stands = said.new if what is What.REPLACEMENT else device
        if what in (What.PLACE, What.REPLACEMENT):
            read_again(parts, stands)
        return RedirectResponse(f"/devices/{stands}", 303)

    return router


def _rename(asked: Asked) -> Lines:
    rename(asked.change, Subject.DEVICE, asked.name, asked.said.name)
    old, new = asked.page.device.label, asked.said.name
    return lambda words: (words("check.rename", old=old, new=new), words("check.ids_stay"))


def _move(asked: Asked) -> Lines:
    page, at = asked.page, asked.said.instant(asked.page.store.time)
    watches = asked.said.watches
    if page.to is None:
        raise IdentityError(("a move: expected a store",), "no_store")
    device_changes.move(asked.change, asked.caller, asked.name, page.to.store_id, watches, at=at)
    told = {"device": page.device.label, "store": page.to.name}

    def lines(words: Words) -> Iterator[str]:
        yield words("check.move", **told, at=_moment(words, page, at))
        yield from _ends(words, page, at)
        for local_id, point_id in watches.items():
            yield words("check.begins", local=local_id, point=page.labels[point_id])
        if not watches:
            yield words("check.watches_nothing")
        yield words("check.released_stays")

    return lambda words: tuple(lines(words))


def _replace(asked: Asked) -> Lines:
    said, page, at = asked.said, asked.page, asked.said.instant(asked.page.store.time)
    if not said.new:
        raise IdentityError(("a replacement: expected a device",), "no_device")
    is_new = owner_of(asked.change.connection, said.new) is None
    device_changes.replace(
        asked.change, asked.caller, asked.name, said.new, renamed=said.renamed, at=at
    )
    told = {"old": page.device.label, "new": said.new}

    def lines(words: Words) -> Iterator[str]:
        yield words("check.replace", **told, at=_moment(words, page, at))
        for one in page.running(at):
            local_id = said.renamed.get(one.local_id, one.local_id)
            yield words("check.begins", local=local_id, point=page.labels[one.point_id])
        if is_new:
            yield words("check.claims", device=said.new, organisation=page.store.organisation)
        yield words("check.retires", device=page.device.label)
        yield words("check.released_stays")

    return lambda words: tuple(lines(words))


def _retire(asked: Asked) -> Lines:
    page, at = asked.page, asked.said.instant(asked.page.store.time)
    retire_device(asked.change, asked.name, at)
    told = {"device": page.device.label}
    return lambda words: (
        words("check.retire", **told, at=_moment(words, page, at)),
        *_ends(words, page, at),
        words("check.released_stays"),
    )


DO: dict[What, Callable[[Asked], Lines]] = {
    What.NAME: _rename,
    What.PLACE: _move,
    What.REPLACEMENT: _replace,
    What.RETIREMENT: _retire,
}


def _ends(words: Words, page: DevicePage, at: datetime) -> Iterator[str]:
    for one in page.running(at):
        yield words("check.ends", local=one.local_id, point=page.labels[one.point_id])


def _moment(words: Words, page: DevicePage, at: datetime) -> str:
    return words.moment(page.store.time.local(at))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise IdentityError((f"expected an id, found {text!r}",), "point_elsewhere") from None
