"""The page of one's own API tokens: make one (shown once), revoke one."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from server.access import tokens
from server.access.callers import Caller
from server.access.errors import RefusedError
from server.access.reach import choices, reach_of_code
from server.access.roles import Role, roles_within
from server.access.tokens import Wanted
from server.database import writer
from server.web.needs import Own
from server.web.pages import Renderer
from server.web.parts import Parts
from server.web.sign_in import Text

DAYS = (7, 30, 90, 365)


def token_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of the page of tokens."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def page(request: Request, caller: Caller, status: int = 200, **values: object) -> Response:
        with parts.engine.connect() as connection:
            mine = tokens.seen_by(connection, caller)
            reaches = choices(connection, caller.scope)
        return renderer.page(
            request,
            "tokens.html",
            status,
            tokens=mine,
            reaches=reaches,
            named={one.reach: one for one in reaches},
            roles=roles_within(caller.role),
            days=DAYS,
            now=parts.clock(),
            **({"made": None, "refused": None} | values),
        )

    @router.get("/tokens")
    def show(request: Request, caller: Own) -> Response:
        return page(request, caller)

    @router.post("/tokens")
    def make(
        request: Request,
        *,
        caller: Own,
        label: Text,
        role: Annotated[Role, Form()],
        reach: Text,
        days: Annotated[int, Form(ge=1, le=365)],
    ) -> Response:
        now = parts.clock()
        try:
            wanted = Wanted(label, role, reach_of_code(reach), now + timedelta(days=days))
            with writer(parts.engine).begin() as connection:
                _, token = tokens.make(connection, caller, wanted, now)
        except RefusedError as error:
            return page(request, caller, 422, refused=error.reason)
        return page(request, caller, made=token)

    @router.post("/tokens/{token_id}/revoke")
    def revoke(caller: Own, token_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            tokens.end(connection, caller, token_id, parts.clock())
        return RedirectResponse("/tokens", 303)

    return router
