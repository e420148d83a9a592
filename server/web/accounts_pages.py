"""The pages of accounts, for administrators: invite, new link, role and reach, disable, enable.

An administrator sees and changes the accounts whose whole reach lies inside the own one, and
hands on nothing beyond it. Nobody changes the own role or disables the own account, so there
is always somebody who can undo it.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from server.access import accounts, links
from server.access.callers import Caller
from server.access.errors import RefusedError
from server.access.inviting import change_rights, check_other, new_link, realms
from server.access.inviting import invite as invite_somebody
from server.access.reach import choices, reach_of_code
from server.access.roles import Role, roles_within
from server.database import writer
from server.web.inputs import Line
from server.web.needs import ForAccounts
from server.web.pages import Renderer
from server.web.parts import Parts
from server.web.sign_in import Text

ACCOUNTS_A_PAGE = 50
Codes = Annotated[list[str], Form()]
RoleField = Annotated[Role, Form()]
After = Annotated[Line | None, Query(max_length=120)]
PAGE = "/accounts"


def accounts_router(parts: Parts, renderer: Renderer) -> APIRouter:
    """The routes of the pages."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _list_routes(router, parts, renderer)
    _rights_routes(router, parts, renderer)
    _change_routes(router, parts)
    return router


def _list_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def page(
        request: Request,
        caller: Caller,
        after: str | None = None,
        status: int = 200,
        **values: object,
    ) -> Response:
        with parts.engine.connect() as connection:
            found = accounts.within(
                connection, caller.scope, after=after, limit=ACCOUNTS_A_PAGE + 1
            )
            shown = found[:ACCOUNTS_A_PAGE]
            reaches = choices(connection, caller.scope)
            endings = realms(connection, caller)
        return renderer.page(
            request,
            "accounts.html",
            status,
            accounts=shown,
            next_after=shown[-1].name if len(found) > len(shown) else None,
            after=after,
            reaches=reaches,
            named={one.reach: one for one in reaches},
            endings=endings,
            roles=roles_within(caller.role),
            now=parts.clock(),
            **({"link": None, "link_of": "", "refused": None, "name": ""} | values),
        )

    def with_link(request: Request, caller: Caller, account_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            secret = new_link(connection, caller, account_id, parts.clock())
            one = accounts.by_id(connection, account_id)
        base = parts.public_url or str(request.base_url)
        return page(request, caller, link=links.address(base, secret), link_of=one.name)

    @router.get(PAGE, name="accounts")
    def show(request: Request, caller: ForAccounts, after: After = None) -> Response:
        return page(request, caller, after)

    @router.post(PAGE, name="inviteAccount")
    def invite(
        request: Request, caller: ForAccounts, name: Text, role: RoleField, reach: Codes
    ) -> Response:
        try:
            rights = role, [reach_of_code(code) for code in reach]
            with writer(parts.engine).begin() as connection:
                made = invite_somebody(connection, caller, name, rights, parts.clock())
        except RefusedError as error:
            return page(request, caller, status=422, refused=error.reason, name=name)
        return with_link(request, caller, made)

    @router.post(PAGE + "/{account_id}/link", name="makeAccountLink")
    def link(request: Request, caller: ForAccounts, account_id: UUID) -> Response:
        return with_link(request, caller, account_id)


def _rights_routes(router: APIRouter, parts: Parts, renderer: Renderer) -> None:
    def page(
        request: Request, caller: Caller, account_id: UUID, refused: str | None = None
    ) -> Response:
        with parts.engine.connect() as connection:
            one = accounts.account_within(connection, caller.scope, account_id)
            reaches = choices(connection, caller.scope)
        values = {"roles": roles_within(caller.role), "reaches": reaches, "refused": refused}
        status = 200 if refused is None else 422
        return renderer.page(request, "account_rights.html", status, one=one, **values)

    @router.get(PAGE + "/{account_id}", name="accountRights")
    def show(request: Request, caller: ForAccounts, account_id: UUID) -> Response:
        return page(request, caller, account_id)

    @router.post(PAGE + "/{account_id}/role", name="changeAccount")
    def role(
        request: Request, caller: ForAccounts, account_id: UUID, role: RoleField, reach: Codes
    ) -> Response:
        try:
            wanted = [reach_of_code(code) for code in reach]
            with writer(parts.engine).begin() as connection:
                change_rights(connection, caller, account_id, role, wanted)
        except RefusedError as error:
            return page(request, caller, account_id, error.reason)
        return RedirectResponse(PAGE, 303)


def _change_routes(router: APIRouter, parts: Parts) -> None:
    @router.post(PAGE + "/{account_id}/disable", name="disableAccount")
    def disable(caller: ForAccounts, account_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            check_other(connection, caller, account_id)
            accounts.disable(connection, account_id, parts.clock())
        return RedirectResponse(PAGE, 303)

    @router.post(PAGE + "/{account_id}/enable", name="enableAccount")
    def enable(caller: ForAccounts, account_id: UUID) -> Response:
        with writer(parts.engine).begin() as connection:
            check_other(connection, caller, account_id)
            accounts.enable(connection, account_id)
        return RedirectResponse(PAGE, 303)
