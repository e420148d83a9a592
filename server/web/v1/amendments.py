"""Routes of amendments: taking released cells out of the figures, or under another point."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from server import queries
from server.access.callers import Caller
from server.amending import Amendment, Kind, amendments_after
from server.amending.making import LONGEST_REASON, Made, Wish, amend, withdraw
from server.periods import Period, StoreTime
from server.web.figure_shapes import PeriodOut
from server.web.inputs import Instant
from server.web.needs import Figures, ToAmend, ToNote
from server.web.parts import Parts
from server.web.shapes import local_or_none
from server.web.v1.changing import change_of, changing
from server.web.v1.cursors import Cursor, Limit, after_id, page_of
from server.web.v1.fields import Asked

REASON = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=LONGEST_REASON, pattern=REASON
    ),
]


class NoteIn(Asked):
    """A note about a time; it changes no figure."""

    point_id: Annotated[UUID | None, Field(description="null: the whole store")] = None
    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    reason: Reason


class AmendmentIn(NoteIn):
    """A change of where released cells count.

    A void takes the cells that meet the time out of the figures; a relabel lets those inside
    of it count under another point.
    """

    kind: Literal[Kind.VOID, Kind.RELABEL]
    to_point_id: Annotated[UUID | None, Field(description="for a relabel alone")] = None
    both_ways: Annotated[bool, Field(description="relabel: the two points were swapped")] = False


class AmendmentOut(BaseModel):
    """An amendment; a withdrawn one has no effect."""

    amendment_id: UUID
    kind: Kind
    store_id: UUID
    point_id: UUID | None
    to_point_id: UUID | None
    period: PeriodOut
    reason: str
    made_by: str
    made_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    can_be_withdrawn_until: Annotated[
        datetime | None,
        Field(description="then the first of its cells may be gone; null: at any time"),
    ]

    @classmethod
    def of(cls, one: Amendment, time: StoreTime) -> "AmendmentOut":
        """With the store's times."""
        return cls(
            amendment_id=one.amendment_id,
            kind=one.kind,
            store_id=one.store_id,
            point_id=one.point_id,
            to_point_id=one.to_point_id,
            period=PeriodOut.of(one.period, time),
            reason=one.reason,
            made_by=one.made_by,
            made_at=time.local(one.made_at),
            withdrawn_by=one.withdrawn_by,
            withdrawn_at=local_or_none(one.withdrawn_at, time),
            can_be_withdrawn_until=local_or_none(one.can_be_withdrawn_until, time),
        )


class AmendmentsOut(BaseModel):
    """A page of a store's amendments, in the order of their ids."""

    items: tuple[AmendmentOut, ...]
    next_cursor: str | None


class MadeOut(BaseModel):
    """What an amendment or its withdrawal did."""

    items: tuple[AmendmentOut, ...]
    cells: Annotated[int, Field(description="released cells that count differently from now on")]


def amendment_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""

    @router.get("/stores/{store_id}/amendments", operation_id="listAmendments")
    def listed(
        caller: Figures, store_id: UUID, cursor: Cursor = None, limit: Limit = 100
    ) -> AmendmentsOut:
        """All amendments of a store, withdrawn ones too."""
        after = after_id(cursor)
        with parts.engine.connect() as connection:
            store = queries.store_by_id(connection, caller.scope, store_id)
            found = amendments_after(connection, store.org_id, store_id, after, limit + 1)
        page = page_of(found, limit, lambda one: [one.amendment_id])
        items = tuple(AmendmentOut.of(one, store.time) for one in page.items)
        return AmendmentsOut(items=items, next_cursor=page.next_cursor)

    @router.post("/stores/{store_id}/notes", operation_id="createNote", status_code=201)
    def note(caller: ToNote, store_id: UUID, asked: NoteIn) -> MadeOut:
        """Write a note about a time, which is shown beside the figures."""
        wish = Wish(Kind.NOTE, store_id, asked.point_id, _period(asked), asked.reason)
        return _amended(parts, caller, wish)

    @router.post("/stores/{store_id}/amendments", operation_id="createAmendment", status_code=201)
    def create(caller: ToAmend, store_id: UUID, asked: AmendmentIn) -> MadeOut:
        """Take released cells out of the figures, or under another point."""
        wish = Wish(
            kind=asked.kind,
            store_id=store_id,
            point_id=asked.point_id,
            period=_period(asked),
            reason=asked.reason,
            to_point_id=asked.to_point_id,
            both_ways=asked.both_ways,
        )
        return _amended(parts, caller, wish)

    @router.delete("/stores/{store_id}/amendments/{amendment_id}", operation_id="withdrawAmendment")
    def take_back(caller: ToAmend, store_id: UUID, amendment_id: UUID) -> MadeOut:
        """Withdraw an amendment: what was there before is there again; the record stays.

        Not once cells of its time may be gone (`can_be_withdrawn_until`).
        """
        with changing(parts) as connection:
            store = queries.store_by_id(connection, caller.scope, store_id)
            change = change_of(connection, parts, caller, store.org_id)
            return _made(withdraw(change, store_id, [amendment_id]), store.time)


def _period(asked: NoteIn) -> Period:
    return Period(asked.start, asked.end)


def _amended(parts: Parts, caller: Caller, wish: Wish) -> MadeOut:
    with changing(parts) as connection:
        store = queries.store_by_id(connection, caller.scope, wish.store_id)
        change = change_of(connection, parts, caller, store.org_id)
        return _made(amend(change, wish), store.time)


def _made(made: Made, time: StoreTime) -> MadeOut:
    items = tuple(AmendmentOut.of(one, time) for one in made.amendments)
    return MadeOut(items=items, cells=made.cells)
