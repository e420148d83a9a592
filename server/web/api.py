"""The API, `/api/v1`. Operation ids are stable: clients are generated from them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from server import queries
from server.answers import PointAnswer, answer
from server.course import LONGEST_COURSE
from server.errors import ExpectationError, PeriodError
from server.figures import Expectations
from server.health import Health
from server.periods import LONGEST, Period, StoreTime, check_years
from server.queries import Terms, terms_in_force
from server.scope import Scope
from server.totals import read_total
from server.web.device_api import device_routes
from server.web.figure_shapes import PeriodOut
from server.web.needs import BEARER_SCHEME, OPEN, OWN, Figures
from server.web.parts import Parts
from server.web.problems import MEDIA_TYPE, Problem
from server.web.shapes import (
    CourseOut,
    KeyOut,
    PointFiguresOut,
    PointOut,
    PointsOut,
    StepOut,
    StoreFiguresOut,
    StoreOut,
    StoresOut,
)
from server.web.week_shapes import StoreWeeksOut
from server.weeks import weeks_of

From = Annotated[AwareDatetime, Query(alias="from", description="RFC 3339, included")]
To = Annotated[AwareDatetime, Query(alias="to", description="RFC 3339, excluded")]
Limit = Annotated[int, Query(ge=1, le=200)]
AS_REPORTED = "as the device reports it, and so is none given; any other value is refused (422)"
Seconds = Annotated[float | None, Query(ge=1, le=3600, description=AS_REPORTED)]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
    for status in ("4XX", "5XX")
}


def api_router(parts: Parts) -> APIRouter:
    """The routes of `/api/v1`."""
    router = APIRouter(
        prefix="/api/v1", responses=PROBLEMS, tags=["v1"], dependencies=[BEARER_SCHEME]
    )
    _store_routes(router, parts)
    _week_routes(router, parts)
    _point_routes(router, parts)
    device_routes(router, parts)

    @router.get("/privacy/key", operation_id="getAcknowledgementKey", dependencies=[OWN])
    def privacy_key() -> KeyOut:
        """The public key with which devices check acknowledgements."""
        return KeyOut(public_key=parts.key.public_hex, fingerprint=parts.key.fingerprint)

    return router


def _store_routes(router: APIRouter, parts: Parts) -> None:
    @router.get("/stores", operation_id="listStores")
    def stores(caller: Figures, cursor: UUID | None = None, limit: Limit = 100) -> StoresOut:
        """Stores, a page at a time: pass `next_cursor` on as `cursor`."""
        with parts.engine.connect() as connection:
            found = queries.stores(connection, caller.scope, cursor, limit + 1)
        more = found[limit - 1].store_id if len(found) > limit else None
        return StoresOut(items=tuple(StoreOut.of(s) for s in found[:limit]), next_cursor=more)

    @router.get("/stores/{store_id}", operation_id="getStore")
    def store(caller: Figures, store_id: UUID) -> StoreOut:
        """One store."""
        with parts.engine.connect() as connection:
            return StoreOut.of(queries.store_by_id(connection, caller.scope, store_id))

    @router.get("/stores/{store_id}/points", operation_id="listPoints")
    def points(caller: Figures, store_id: UUID) -> PointsOut:
        """The service points and queues of a store."""
        with parts.engine.connect() as connection:
            one = queries.store_by_id(connection, caller.scope, store_id)
            found = queries.points(connection, one)
        return PointsOut(items=tuple(PointOut.of(point) for point in found))

    @router.get("/stores/{store_id}/figures", operation_id="getStoreFigures")
    def store_figures(
        *,
        caller: Figures,
        store_id: UUID,
        start: From,
        end: To,
        greet_within_s: Seconds = None,
        serve_within_s: Seconds = None,
    ) -> StoreFiguresOut:
        """The store's total: the whole released cells of all its points inside a period."""
        asked = _period(start, end)
        with parts.engine.connect() as connection:
            one = queries.store_by_id(connection, caller.scope, store_id)
            terms = terms_in_force(
                queries.devices(connection, caller.scope, parts.clock(), store_id)
            )
            wanted = _wanted(terms.expectations, greet_within_s, serve_within_s)
            total = read_total(connection, one, asked, Terms(wanted, terms.k))
        return StoreFiguresOut.of(one, asked, total)


def _week_routes(router: APIRouter, parts: Parts) -> None:
    @router.get("/stores/{store_id}/weeks", operation_id="listStoreWeeks")
    def weeks(caller: Figures, store_id: UUID, start: From, end: To) -> StoreWeeksOut:
        """What depends on staff of a team below three, and service patterns: per week only."""
        asked = _period(start, end)
        with parts.engine.connect() as connection:
            one = queries.store_by_id(connection, caller.scope, store_id)
            devices = queries.devices(connection, caller.scope, parts.clock(), store_id)
            return StoreWeeksOut.of(one, asked, weeks_of(connection, one, devices, asked))


def _point_routes(router: APIRouter, parts: Parts) -> None:
    @router.get("/points/{point_id}/figures", operation_id="getPointFigures")
    def figures(
        *,
        caller: Figures,
        point_id: UUID,
        start: From,
        end: To,
        greet_within_s: Seconds = None,
        serve_within_s: Seconds = None,
    ) -> PointFiguresOut:
        """The figures of the whole released cells inside a period."""
        within_s = (greet_within_s, serve_within_s)
        found, time = _ask(
            parts, caller.scope, point_id, _period(start, end), within_s, with_course=False
        )
        return PointFiguresOut.of(found, time)

    @router.get("/points/{point_id}/course", operation_id="getPointCourse")
    def course(caller: Figures, point_id: UUID, start: From, end: To) -> CourseOut:
        """The released cells inside a period, each alone, and the gaps between them."""
        if end - start > LONGEST_COURSE:
            raise PeriodError(f"expected at most {LONGEST_COURSE.days} days of a course")
        found, time = _ask(parts, caller.scope, point_id, _period(start, end), (None, None))
        return CourseOut(
            point_id=point_id,
            asked=PeriodOut.of(found.asked, time),
            steps=tuple(StepOut.of(step, time) for step in found.steps),
        )


def _ask(
    parts: Parts,
    scope: Scope,
    point_id: UUID,
    asked: Period,
    within_s: tuple[float | None, float | None],
    *,
    with_course: bool = True,
) -> tuple[PointAnswer, StoreTime]:
    now = parts.clock()
    with parts.engine.connect() as connection:
        point = queries.point_by_id(connection, scope, point_id)
        store = queries.store_by_id(connection, scope, point.store_id)
        wanted = _wanted(queries.terms_of(connection, point.ref, asked).expectations, *within_s)
        found = answer(
            connection, store, point, asked, now, expectations=wanted, with_course=with_course
        )
        return found, store.time


def _period(start: datetime, end: datetime) -> Period:
    check_years(start, end)
    if end - start > LONGEST:
        raise PeriodError(f"expected at most {LONGEST.days} days")
    return Period(start, end)


def _wanted(usual: Expectations, greet_s: float | None, serve_s: float | None) -> Expectations:
    """The expectations reported, which alone are answered: others would undo the steps."""
    wanted = Expectations(greet_s or usual.greet_within_s, serve_s or usual.serve_within_s)
    if wanted != usual:
        raise ExpectationError(
            f"expected greet_within_s {usual.greet_within_s:g} and serve_within_s "
            f"{usual.serve_within_s:g}, which the device reports: shares for other limits "
            "would undo the steps in which they come"
        )
    return usual


def health_router(parts: Parts) -> APIRouter:
    """`/healthz`."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", operation_id="getHealth", dependencies=[OPEN])
    def healthz(response: Response) -> Health:
        """How the server is; status 503 where the database fails."""
        health = parts.health()
        if health.status == "failing":
            response.status_code = 503
        return health

    return router
