"""The route of what changed, and the shapes that it gives."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.changes import Change, changes
from server.standings import Kind
from server.web.needs import Figures
from server.web.parts import Parts
from server.web.v1.cursors import Cursor, Limit, page_of, parts_of


class ChangeOut(BaseModel):
    """A figure whose level shifted within the last twelve whole weeks."""

    kind: Kind
    subject_id: UUID
    organisation_id: UUID
    name: str
    figure: Annotated[str, Field(description="as in listStandings")]
    expected_s: Annotated[float | None, Field(description="the limit of a share within a time")]
    since: Annotated[date, Field(description="Monday of the first week of the new level")]
    before: Annotated[float, Field(description="mean of the weeks before: a share, or seconds")]
    after: Annotated[float, Field(description="mean of the weeks since then")]
    by: Annotated[
        float,
        Field(
            description="of shares the difference; of durations the change in proportion"
            " (0.25: a quarter longer)"
        ),
    ]
    low: Annotated[float, Field(description="95 % range of `by`, lower end")]
    high: Annotated[float, Field(description="its upper end")]
    weeks_before: int
    weeks_after: int
    worse: bool
    device_came: Annotated[
        bool,
        Field(description="a device began to watch there meanwhile: it may be one of measuring"),
    ]

    @classmethod
    def of(cls, one: Change) -> "ChangeOut":
        """From the domain."""
        return cls(
            kind=one.kind,
            subject_id=one.subject.subject_id,
            organisation_id=one.subject.org_id,
            name=one.subject.name,
            figure=one.figure,
            expected_s=one.expected_s,
            since=one.since,
            before=one.before,
            after=one.after,
            by=one.by,
            low=one.low,
            high=one.high,
            weeks_before=one.weeks_before,
            weeks_after=one.weeks_after,
            worse=one.worse,
            device_came=one.device_came,
        )


class ChangesOut(BaseModel):
    """A page of changes."""

    items: tuple[ChangeOut, ...]
    next_cursor: str | None


def change_routes(router: APIRouter, parts: Parts) -> None:
    """Add the route to `router`."""

    @router.get("/changes", operation_id="listChanges")
    def listed(caller: Figures, cursor: Cursor = None, limit: Limit = 100) -> ChangesOut:
        """Figures of stores, regions and organisations whose level shifted, and since when.

        Of all that are named, 5 % are chance at most. A region also changes when stores open or
        close in it.
        """
        with parts.engine.connect() as connection:
            found = sorted(changes(connection, caller.scope, parts.clock()), key=_key)
        after = None if cursor is None else tuple(parts_of(cursor, 2))
        left = [one for one in found if after is None or _key(one) > after]
        page = page_of(left, limit, _key)
        items = tuple(ChangeOut.of(one) for one in page.items)
        return ChangesOut(items=items, next_cursor=page.next_cursor)


def _key(one: Change) -> tuple[str, ...]:
    return str(one.subject.subject_id), one.figure
