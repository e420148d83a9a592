"""The page of all devices."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from server.web.fleet import fleet_page
from server.web.needs import Figures
from server.web.pages import PageNumber, Renderer
from server.web.parts import Parts


def fleet_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The route of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/fleet", name="fleet")
    def fleet(request: Request, caller: Figures, page: PageNumber = 1) -> Response:
        shown = fleet_page(parts, caller.scope, page)
        return renderer.page(request, "fleet.html", page=shown)

    return router
