"""Routes of service points and queues: names, merging, and the gaps in their course."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from server import catalogue, queries
from server.access.callers import Caller
from server.answers import gaps_of
from server.course import LONGEST_COURSE, Gap
from server.identity import Subject, merge_points, rename, unmerge_point
from server.periods import StoreTime
from server.web.figure_shapes import PeriodOut
from server.web.inputs import Instant
from server.web.needs import Figures, ForIdentity
from server.web.parts import Parts
from server.web.shapes import PointOut
from server.web.v1.calendar import period_asked
from server.web.v1.changing import change_of, changing
from server.web.v1.fields import Asked, Named
from server.web.v1.periods import From, To


class Merge(Asked):
    """The point under which another one's cells count."""

    into: UUID
    merged_from: Annotated[
        Instant | None, Field(description="cells that begin then or later; null: all of them")
    ] = None


class GapOut(BaseModel):
    """A stretch of opening time without figures, and why."""

    period: PeriodOut
    gap: Gap


class GapsOut(BaseModel):
    """The gaps of a point's course, in order."""

    point_id: UUID
    asked: PeriodOut
    items: tuple[GapOut, ...]


def point_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _reads(router, parts)
    _changes(router, parts)


def _reads(router: APIRouter, parts: Parts) -> None:
    @router.get("/points/{point_id}", operation_id="getPoint")
    def point(caller: Figures, point_id: UUID) -> PointOut:
        """One service point or queue."""
        with parts.engine.connect() as connection:
            return _after(connection, caller, point_id)

    @router.get("/points/{point_id}/gaps", operation_id="listPointGaps")
    def gaps(caller: Figures, point_id: UUID, start: From, end: To) -> GapsOut:
        """Opening time without figures, and why, as far as the server knows; 35 days at most."""
        asked = period_asked(start, end, LONGEST_COURSE)
        with parts.engine.connect() as connection:
            one = queries.point_by_id(connection, caller.scope, point_id)
            store = queries.store_by_id(connection, caller.scope, one.store_id)
            found = gaps_of(connection, store, one, asked, parts.clock())
        items = tuple(
            GapOut(period=PeriodOut.of(step.period, store.time), gap=step.gap)
            for step in found
            if step.gap is not None
        )
        return GapsOut(point_id=point_id, asked=PeriodOut.of(asked, store.time), items=items)


def _changes(router: APIRouter, parts: Parts) -> None:
    @router.patch("/points/{point_id}", operation_id="renamePoint")
    def rename_it(caller: ForIdentity, point_id: UUID, asked: Named) -> PointOut:
        """Give a point another label."""
        with changing(parts) as connection:
            one = catalogue.point_card(connection, caller.scope, point_id)
            change = change_of(connection, parts, caller, one.org_id)
            rename(change, Subject.POINT, point_id, asked.name)
            return _after(connection, caller, point_id)

    @router.put("/points/{point_id}/merge", operation_id="mergePoint")
    def merge(caller: ForIdentity, point_id: UUID, asked: Merge) -> PointOut:
        """Let a point's cells count under another one of its store."""
        with changing(parts) as connection:
            one = catalogue.point_card(connection, caller.scope, point_id)
            catalogue.point_card(connection, caller.scope, asked.into)
            change = change_of(connection, parts, caller, one.org_id)
            merge_points(change, point_id, asked.into, asked.merged_from)
            return _after(connection, caller, point_id)

    @router.delete("/points/{point_id}/merge", operation_id="unmergePoint")
    def unmerge(caller: ForIdentity, point_id: UUID) -> PointOut:
        """Take a merge back."""
        with changing(parts) as connection:
            one = catalogue.point_card(connection, caller.scope, point_id)
            unmerge_point(change_of(connection, parts, caller, one.org_id), point_id)
            return _after(connection, caller, point_id)


def _after(connection: Connection, caller: Caller, point_id: UUID) -> PointOut:
    one = catalogue.point_card(connection, caller.scope, point_id)
    return PointOut.of(one, clock_of(connection, caller, one.store_id))


def clock_of(connection: Connection, caller: Caller, store_id: UUID) -> StoreTime:
    """The clock of a store within the caller's scope."""
    return queries.store_by_id(connection, caller.scope, store_id).time
