"""The overview and the page of a store, and how pages are filled. Rendered on the server."""

from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.access.roles import Right
from server.access.secret import form_token
from server.course import Gap
from server.errors import PeriodError
from server.queries import Alive
from server.web.choices import Choice
from server.web.contents import store_page
from server.web.course_rows import course_rows
from server.web.needs import OPEN, Figures
from server.web.overview import overview_page
from server.web.parts import Parts
from server.web.words import LANGUAGES, Words, hidden, preferred

PACKAGE = Path(__file__).parent.parent
THEMES = ("auto", "light", "dark")
YEAR_S = 365 * 86_400
Day = Annotated[date | None, Query()]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


def pages_router(parts: Parts, renderer: "Renderer") -> APIRouter:
    """The routes of the pages."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/")
    def overview(
        request: Request, caller: Figures, region: UUID | None = None, page: PageNumber = 1
    ) -> Response:
        shown = overview_page(parts, caller.scope, region, page)
        return renderer.page(request, "overview.html", page=shown)

    @router.get("/stores/{store_id}")
    def store(
        request: Request,
        *,
        caller: Figures,
        store_id: UUID,
        period: Choice | None = None,
        first: Day = None,
        last: Day = None,
    ) -> Response:
        try:
            page = store_page(parts, caller.scope, store_id, period, first=first, last=last)
        except PeriodError:
            page = store_page(parts, caller.scope, store_id, None, first=None, last=None)
            return renderer.page(request, "store.html", 422, page=page, refused="period")
        return renderer.page(request, "store.html", page=page, refused=None)

    @router.get("/preferences", dependencies=[OPEN])
    def preferences(lang: str | None = None, theme: str | None = None, to: str = "/") -> Response:
        response = RedirectResponse(own_path(to), 303)
        for name, value, allowed in (("lang", lang, LANGUAGES), ("theme", theme, THEMES)):
            if value in allowed and value is not None:
                response.set_cookie(name, value, YEAR_S, httponly=True, samesite="lax")
        return response

    return router


def own_path(address: str) -> str:
    """A path of this server: anything that could lead elsewhere becomes `/`."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    safe = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    if not safe or "\\" in address or not address.isprintable() or address.startswith("//"):
        return "/"
    query = urlencode(parse_qsl(parts.query))
    return f"{parts.path}?{query}" if query else parts.path


class Renderer:
    """Fills templates, in the visitor's language and colours."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(PACKAGE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.tests["hidden"] = hidden
        self._templates.filters["cut_name"] = lambda name, words: words(f"cut.{name}")
        self._templates.globals.update(
            Gap=Gap,
            Choice=Choice,
            Alive=Alive,
            Right=Right,
            languages=LANGUAGES,
            themes=THEMES,
        )
        self._templates.globals.update(asset=asset, course_rows=course_rows)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page."""
        accepted = request.headers.get("accept-language", "")
        words = Words(preferred(accepted, request.cookies.get("lang")))
        theme = request.cookies.get("theme", "auto")
        query = f"?{request.url.query}" if request.url.query else ""
        html = self._templates.get_template(template).render(
            t=words,
            theme=theme if theme in THEMES else "auto",
            here=request.url.path + query,
            caller=getattr(request.state, "caller", None),
            form_token=form_token(getattr(request.state, "form_secret", "")),
            **values,
        )
        return HTMLResponse(html, status, headers={"Vary": "Cookie, Accept-Language"})


@cache
def asset(path: str) -> str:
    """Address of a static file that changes with its content, as it was when first asked for."""
    file = PACKAGE / "static" / path
    digest = sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "missing"
    return f"/static/{path}?v={digest}"
