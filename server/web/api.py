"""The API, `/api/v1`. Operation ids are stable: clients are generated from them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from server import queries
from server.answers import PointAnswer, answer
from server.course import LONGEST_COURSE
from server.errors import ExpectationError
from server.figures import Expectations
from server.health import Health
from server.periods import LONGEST, Period
from server.queries import StoreView
from server.scope import Scope
from server.totals import read_total
from server.web.device_api import device_routes
from server.web.figure_shapes import PeriodOut
from server.web.needs import BEARER_SCHEME, OPEN, OWN, Figures
from server.web.parts import Parts
from server.web.problems import PROBLEMS
from server.web.shapes import CourseOut, KeyOut, PointFiguresOut, StepOut, StoreFiguresOut
from server.web.v1.accounts import account_routes
from server.web.v1.amendments import amendment_routes
from server.web.v1.calendar import period_asked
from server.web.v1.changes import change_routes
from server.web.v1.conditional import Conditional
from server.web.v1.devices import device_change_routes
from server.web.v1.evidence import evidence_routes
from server.web.v1.exports import export_routes
from server.web.v1.periods import From, To
from server.web.v1.places import place_routes
from server.web.v1.points import point_routes
from server.web.v1.stores import store_routes
from server.web.week_shapes import StoreWeeksOut
from server.weeks import weeks_of

AS_REPORTED = "as it was in force then, and so is none given; any other value is refused (422)"
Seconds = Annotated[float | None, Query(ge=1, le=3600, description=AS_REPORTED)]


def api_router(parts: Parts) -> APIRouter:
    """The routes of `/api/v1`."""
    router = APIRouter(
        prefix="/api/v1",
        responses=PROBLEMS,
        tags=["v1"],
        dependencies=[BEARER_SCHEME],
        route_class=Conditional,
    )
    place_routes(router, parts)
    change_routes(router, parts)
    store_routes(router, parts)
    point_routes(router, parts)
    _store_figures(router, parts)
    _point_figures(router, parts)
    amendment_routes(router, parts)
    device_routes(router, parts)
    device_change_routes(router, parts)
    evidence_routes(router, parts)
    export_routes(router, parts)
    account_routes(router, parts)

    @router.get("/privacy/key", operation_id="getAcknowledgementKey", dependencies=[OWN])
    def privacy_key() -> KeyOut:
        """The public key with which devices check acknowledgements."""
        return KeyOut(public_key=parts.key.public_hex, fingerprint=parts.key.fingerprint)

    return router


def _store_figures(router: APIRouter, parts: Parts) -> None:
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
        asked = period_asked(start, end, LONGEST)
        with parts.engine.connect() as connection:
            one = queries.store_by_id(connection, caller.scope, store_id)
            total = read_total(connection, one, asked, parts.clock())
        _check_wanted(total.expectations, greet_within_s, serve_within_s)
        return StoreFiguresOut.of(one, asked, total)

    @router.get("/stores/{store_id}/weeks", operation_id="listStoreWeeks")
    def weeks(caller: Figures, store_id: UUID, start: From, end: To) -> StoreWeeksOut:
        """What depends on staff of a team below three, and service patterns: per week only."""
        asked = period_asked(start, end, LONGEST)
        with parts.engine.connect() as connection:
            one = queries.store_by_id(connection, caller.scope, store_id)
            devices = queries.devices(connection, caller.scope, parts.clock(), store_id)
            return StoreWeeksOut.of(one, asked, weeks_of(connection, one, devices, asked))


def _point_figures(router: APIRouter, parts: Parts) -> None:
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
        asked = period_asked(start, end, LONGEST)
        found, store = _ask(parts, caller.scope, point_id, asked, within_s, with_course=False)
        return PointFiguresOut.of(found, store)

    @router.get("/points/{point_id}/course", operation_id="getPointCourse")
    def course(caller: Figures, point_id: UUID, start: From, end: To) -> CourseOut:
        """The released cells inside a period, each alone, and the gaps between them."""
        asked = period_asked(start, end, LONGEST_COURSE)
        found, store = _ask(parts, caller.scope, point_id, asked, (None, None))
        return CourseOut(
            point_id=point_id,
            asked=PeriodOut.of(found.asked, store.time),
            trial=store.is_trial,
            steps=tuple(StepOut.of(step, store.time) for step in found.steps),
        )


def _ask(
    parts: Parts,
    scope: Scope,
    point_id: UUID,
    asked: Period,
    within_s: tuple[float | None, float | None],
    *,
    with_course: bool = True,
) -> tuple[PointAnswer, StoreView]:
    now = parts.clock()
    with parts.engine.connect() as connection:
        point = queries.point_by_id(connection, scope, point_id)
        store = queries.store_by_id(connection, scope, point.store_id)
        found = answer(connection, store, point, asked, now, with_course=with_course)
    _check_wanted(found.expectations, *within_s)
    return found, store


def _check_wanted(usual: Expectations, greet_s: float | None, serve_s: float | None) -> None:
    """Refuse other expectations than those in force then: they would undo the steps."""
    wanted = greet_s or usual.greet_within_s, serve_s or usual.serve_within_s
    if wanted != (usual.greet_within_s, usual.serve_within_s):
        raise ExpectationError(
            f"expected greet_within_s {usual.greet_within_s:g} and serve_within_s "
            f"{usual.serve_within_s:g}, which were in force then: shares for other limits "
            "would undo the steps in which they come"
        )


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
