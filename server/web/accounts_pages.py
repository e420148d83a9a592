"""The page of accounts, for administrators: invite, new link, role and reach, disable, enable.

An administrator sees and changes the accounts whose whole reach lies inside the own one, and
hands on nothing beyond it. Nobody changes the own role or disables the own account, so there
is always somebody who can undo it.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from server.access import accounts, links
from server.access.callers import Caller
from server.access.errors import RefusedError
from server.access.reach import Reach, check_handed_on, choices, reach_of_code
from server.access.roles import Role, roles_within
from server.database import writer
from server.web.needs import ForAccounts
from server.web.pages import Renderer
from server.web.parts import Parts
from server.web.sign_in import Text

Codes = Annotated[list[str], Form()]
RoleField = Annotated[Role, Form()]
PAGE = "/accounts"


def accounts_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _list_routes(router, parts, renderer)
    _change_routes(router, parts)
    return router


def _list_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def page(request: Request, caller: Caller, status: int = 200, **values: object) -> Response:
        with parts.engine.connect() as connection:
            found = accounts.within(connection, caller.scope)
            reaches = choices(connection, caller.scope)
        return renderer.page(
            request,
            "accounts.html",
            status,
            accounts=found,
            reaches=reaches,
            named={one.reach: one for one in reaches},
            roles=roles_within(caller.role),
            now=parts.clock(),
            **({"link": None, "link_of": "", "refused": None, "name": ""} | values),
        )

    def with_link(request: Request, caller: Caller, account_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            one = accounts.account_within(connection, caller.scope, account_id)
            secret = links.make(connection, one.account_id, parts.clock())
        base = parts.public_url or str(request.base_url)
        return page(request, caller, link=links.address(base, secret), link_of=one.name)

    @router.get(PAGE, name="accounts")
    def show(request: Request, caller: ForAccounts) -> Response:
        return page(request, caller)

    @router.post(PAGE, name="inviteAccount")
    def invite(
        request: Request, caller: ForAccounts, name: Text, role: RoleField, reach: Codes
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                wanted = _handed_on(connection, caller, role, reach)
                made = accounts.make(connection, name, role, wanted, parts.clock())
        except RefusedError as error:
            return page(request, caller, 422, refused=error.reason, name=name)
        return with_link(request, caller, made)

    @router.post(PAGE + "/{account_id}/link", name="makeAccountLink")
    def link(request: Request, caller: ForAccounts, account_id: UUID) -> Response:
        return with_link(request, caller, account_id)

    @router.post(PAGE + "/{account_id}/role", name="changeAccount")
    def role(
        request: Request, caller: ForAccounts, account_id: UUID, role: RoleField, reach: Codes
    ) -> Response:
        try:
            with writer(parts.engine).begin() as connection:
                _other(connection, caller, account_id)
                wanted = _handed_on(connection, caller, role, reach)
                accounts.set_role(connection, account_id, role)
                accounts.set_reaches(connection, account_id, wanted)
        except RefusedError as error:
            return page(request, caller, 422, refused=error.reason)
        return RedirectResponse(PAGE, 303)


def _change_routes(router: APIRouter, parts: Parts) -> None:
    @router.post(PAGE + "/{account_id}/disable", name="disableAccount")
    def disable(caller: ForAccounts, account_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            _other(connection, caller, account_id)
            accounts.disable(connection, account_id, parts.clock())
        return RedirectResponse(PAGE, 303)

    @router.post(PAGE + "/{account_id}/enable", name="enableAccount")
    def enable(caller: ForAccounts, account_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            _other(connection, caller, account_id)
            accounts.enable(connection, account_id)
        return RedirectResponse(PAGE, 303)


def _other(connection: Connection, caller: Caller, account_id: UUID) -> None:
    """Refuse accounts outside of one's own reach, and the own one.

    Raises:
        NotFoundError, RefusedError: it is one of these.
    """
    accounts.account_within(connection, caller.scope, account_id)
    if account_id == caller.account_id:
        raise RefusedError("self", "an account: expected another one than your own")


def _handed_on(
    connection: Connection, caller: Caller, role: Role, codes: Sequence[str]
) -> list[Reach]:
    """The reaches that are handed on, if they and the role may be.

    Raises:
        RefusedError: they may not.
    """
    if role not in roles_within(caller.role):
        raise RefusedError("role", "a role: expected one that includes no more than your own")
    found = [reach_of_code(code) for code in codes]
    for one in found:
        check_handed_on(connection, caller.scope, one)
    return found
