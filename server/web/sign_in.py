"""The pages by which people come in: sign-in, one-time links, their own account, sign-out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import StringConstraints

from server.access import accounts
from server.access.errors import RefusedError, TooManyError
from server.access.reach import choices
from server.errors import NotFoundError
from server.web.cookies import Cookies
from server.web.inputs import LONGEST_TEXT, Line
from server.web.needs import OPEN, Own, address_of, gate_of
from server.web.pages import Renderer, own_path
from server.web.parts import Parts
from server.web.problems import retry_after

Text = Annotated[Line, Form()]
Password = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), Form()]
"""As it was typed; nothing keeps it."""


def sign_in_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of sign-in, links, one's own account, sign-out."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _sign_in_routes(router, parts, renderer)
    _link_routes(router, renderer)
    _account_routes(router, parts, renderer)
    return router


def _sign_in_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def form(request: Request, to: str, status: int = 200, **values: object) -> Response:
        with parts.engine.connect() as connection:
            nobody = accounts.count(connection) == 0
        shown = {"wrong": False, "wait_s": 0, "name": ""} | values
        response = renderer.page(
            request, "sign_in.html", status, to=own_path(to), nobody=nobody, **shown
        )
        return _with_visit(request, response)

    @router.get("/sign-in", dependencies=[OPEN])
    def sign_in_form(request: Request, to: str = "/") -> Response:
        return form(request, to)

    @router.post("/sign-in", dependencies=[OPEN])
    def sign_in(request: Request, name: Text, password: Password, to: Text = "/") -> Response:
        cookies: Cookies = request.app.state.cookies
        try:
            secret = gate_of(request).sign_in(
                name, password, address_of(request), cookies.session(request)
            )
        except TooManyError as error:
            headers = retry_after(error)
            response = form(request, to, 429, name=name, wait_s=int(headers["Retry-After"]))
            response.headers.update(headers)
            return response
        if secret is None:
            return form(request, to, 403, name=name, wrong=True)
        return _come_in(request, secret, own_path(to))

    @router.post("/sign-out")
    def sign_out(request: Request, caller: Own) -> Response:
        cookies: Cookies = request.app.state.cookies
        if caller.session is not None:
            gate_of(request).sign_out(caller.session)
        response = RedirectResponse("/sign-in", 303)
        cookies.forget_session(response)
        return response


def _link_routes(router: APIRouter, renderer: Renderer) -> None:
    def form(request: Request, status: int = 200, **values: object) -> Response:
        shown = {"gone": False, "account": None, "name": "", "refused": None} | values
        return _with_visit(request, renderer.page(request, "link.html", status, **shown))

    @router.get("/link/{secret}", dependencies=[OPEN])
    def link_form(request: Request, secret: str) -> Response:
        try:
            _, account = gate_of(request).link(secret, address_of(request))
        except NotFoundError:
            return form(request, 404, gone=True)
        return form(request, account=account)

    @router.post("/link/{secret}", dependencies=[OPEN])
    def use_link(
        request: Request, secret: str, password: Password, again: Password, name: Text = ""
    ) -> Response:
        gate = gate_of(request)
        account = None
        try:
            link, account = gate.link(secret, address_of(request))
            _check_same(password, again)
            session = gate.use_link(link, name, password)
        except NotFoundError:
            return form(request, 404, gone=True)
        except RefusedError as error:
            return form(request, 422, account=account, name=name, refused=error.reason)
        return _come_in(request, session, "/")


def _account_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def page(request: Request, caller: Own, status: int = 200, **values: object) -> Response:
        with parts.engine.connect() as connection:
            mine = accounts.by_id(connection, caller.account_id)
            named = {one.reach: one for one in choices(connection, caller.scope)}
        reaches = [named[one] for one in mine.reaches if one in named]
        shown = {"refused": None, "changed": False} | values
        return renderer.page(request, "account.html", status, mine=mine, reaches=reaches, **shown)

    @router.get("/account")
    def account(request: Request, caller: Own, *, changed: bool = False) -> Response:
        return page(request, caller, changed=changed)

    @router.post("/account/password")
    def change_password(
        request: Request, caller: Own, old: Password, password: Password, again: Password
    ) -> Response:
        try:
            _check_same(password, again)
            secret = gate_of(request).change_password(caller, old, password)
        except RefusedError as error:
            return page(request, caller, 422, refused=error.reason)
        return _come_in(request, secret, "/account?changed=true")


def _check_same(password: str, again: str) -> None:
    if password != again:
        raise RefusedError("again", "a password: expected the same one twice")


def _come_in(request: Request, secret: str, to: str) -> Response:
    cookies: Cookies = request.app.state.cookies
    response = RedirectResponse(to, 303)
    cookies.keep_session(response, secret)
    return response


def _with_visit(request: Request, response: Response) -> Response:
    """The response, with the cookie that its form is bound to."""
    cookies: Cookies = request.app.state.cookies
    cookies.keep_before(response, request.state.form_secret)
    return response
