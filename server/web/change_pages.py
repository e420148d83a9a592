"""The page of what changed: figures whose level shifted, for the worse and for the better."""

from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from server.changes import WEEKS, Change, changes, last_whole_week
from server.scope import Scope
from server.web.needs import Figures
from server.web.pages import Renderer
from server.web.parts import Parts

SHOWN = 15
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """Changes of one direction: those that stand open, those below, how many are left out."""

    shown: tuple[Change, ...]
    more: tuple[Change, ...]
    left_out: int

    @classmethod
    def of(cls, found: list[Change]) -> "Changed":
        """The first of all are the most pressing."""
        more = tuple(found[SHOWN:MOST_SHOWN])
        return cls(tuple(found[:SHOWN]), more, max(0, len(found) - MOST_SHOWN))


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """What changed in the weeks from the Monday `first` to the Sunday `last`."""

    first: date
    last: date
    worse: Changed
    better: Changed


def changes_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The route of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/changes", name="changes")
    def changed(request: Request, caller: Figures) -> Response:
        return renderer.page(request, "changes.html", page=_page(parts, caller.scope))

    return router


def _page(parts: Parts, scope: Scope) -> ChangesPage:
    now = parts.clock()
    with parts.engine.connect() as connection:
        found = changes(connection, scope, now)
    monday = last_whole_week(now)
    worse = Changed.of([one for one in found if one.worse])
    better = Changed.of([one for one in found if not one.worse])
    first, last = monday - timedelta(weeks=WEEKS - 1), monday + timedelta(days=6)
    return ChangesPage(first, last, worse, better)
