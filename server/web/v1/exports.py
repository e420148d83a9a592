"""Routes of exports: released cells, and figures of a period or of weeks, as CSV.

They pass the same layer as every other answer. Stores on trial are in none of them.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from server import queries
from server.answers import answer, cells_of
from server.catalogue import Slice
from server.course import LONGEST_COURSE
from server.periods import LONGEST, Period
from server.queries import PointView, StoreView
from server.scope import Scope
from server.standings import Kind, standings, subjects
from server.totals import read_total
from server.web.needs import Figures
from server.web.parts import Parts
from server.web.v1.calendar import FirstWeek, LastWeek, period_asked, weeks_asked
from server.web.v1.periods import From, To
from server.web.v1.tables import (
    HEADER,
    STANDING_HEADER,
    Field,
    cell_row,
    lines_of,
    point_row,
    standing_rows,
    total_row,
)

CSV = "text/csv"
AT_ONCE = 100
CSV_ANSWER: dict[int | str, dict[str, object]] = {
    200: {"description": "A table (RFC 4180)", "content": {CSV: {"schema": {"type": "string"}}}}
}


def export_routes(router: APIRouter, parts: Parts) -> None:
    """Add the routes to `router`."""
    _of_store(router, parts)

    @router.get(
        "/exports/standings.csv",
        operation_id="exportStandings",
        response_class=Response,
        responses=CSV_ANSWER,
    )
    def weeks(caller: Figures, first_week: FirstWeek, last_week: LastWeek) -> Response:
        """Headline figures of all stores of the caller's reach, week by week."""
        found = _standings(parts, caller.scope, *weeks_asked(first_week, last_week))
        return StreamingResponse(found, media_type=CSV, headers=_named("standings"))


def _of_store(router: APIRouter, parts: Parts) -> None:
    @router.get(
        "/stores/{store_id}/cells.csv",
        operation_id="exportStoreCells",
        response_class=Response,
        responses=CSV_ANSWER,
    )
    def cells(caller: Figures, store_id: UUID, start: From, end: To) -> Response:
        """The released cells of a store's points inside a period of at most 35 days."""
        asked = period_asked(start, end, LONGEST_COURSE)
        with parts.engine.connect() as connection:
            store = queries.store_by_id(connection, caller.scope, store_id)
            points = [] if store.is_trial else queries.points(connection, store)
        found = _cells(parts, store, points, asked)
        return StreamingResponse(found, media_type=CSV, headers=_named(f"cells-{store_id}"))

    @router.get(
        "/stores/{store_id}/figures.csv",
        operation_id="exportStoreFigures",
        response_class=Response,
        responses=CSV_ANSWER,
    )
    def figures(caller: Figures, store_id: UUID, start: From, end: To) -> Response:
        """The figures of a store's points, and of all together, over one period."""
        asked = period_asked(start, end, LONGEST)
        now = parts.clock()
        rows: list[tuple[Field, ...]] = [HEADER]
        with parts.engine.connect() as connection:
            store = queries.store_by_id(connection, caller.scope, store_id)
            if not store.is_trial:
                for one in queries.points(connection, store):
                    found = answer(connection, store, one, asked, now, with_course=False)
                    rows.append(point_row(store, found))
                total = read_total(connection, store, asked, now)
                rows.append(total_row(store, asked, total))
        return _table(rows, f"figures-{store_id}")


def _cells(
    parts: Parts, store: StoreView, points: Sequence[PointView], asked: Period
) -> Iterator[str]:
    """A point's cells at a time are in memory, and their figures as they are sent."""
    yield lines_of([HEADER])
    for one in points:
        with parts.engine.connect() as connection:
            steps = cells_of(connection, store, one, asked, parts.clock())
        for first in range(0, len(steps), AT_ONCE):
            yield lines_of(cell_row(store, one, each) for each in steps[first : first + AT_ONCE])


def _standings(parts: Parts, scope: Scope, first: date, last: date) -> Iterator[str]:
    """A page of stores at a time, so that the largest chain is never in memory as a whole."""
    yield lines_of([STANDING_HEADER])
    after: UUID | None = None
    while True:
        with parts.engine.connect() as connection:
            found = subjects(connection, scope, Kind.STORE, Slice(after, AT_ONCE))
            weeks = standings(connection, found, first, last)
        yield lines_of(row for one in weeks for row in standing_rows(one))
        if len(found) < AT_ONCE:
            return
        after = found[-1].subject_id


def _table(rows: list[tuple[Field, ...]], name: str) -> Response:
    return Response(lines_of(rows), media_type=CSV, headers=_named(name))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.csv"'}
