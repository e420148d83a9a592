"""What a route needs: every route names one right, and gets the caller who has it.

A route says it in its signature: `caller: Figures`. Before the route runs, the caller is found
by session or token, its turn is counted, the request is noted for the log of who
saw what, the right is checked, and, where something is changed with a session, the form token.
`check_rights` refuses an application with a route that names none.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIRouter
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from server.access.callers import Caller
from server.access.errors import FormTokenError, SignInNeededError
from server.access.gate import Gate
from server.access.log import LONGEST_SUBJECT, About, Kind
from server.access.roles import LOGGED, Right
from server.access.secret import is_form_token
from server.web.cookies import Cookies

API = "/api/"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_FIELD = "form"
FORM_HEADER = "X-Form-Token"
BEARER = "bearer "
NAMED = {
    "store_id": Kind.STORE,
    "point_id": Kind.POINT,
    "device": Kind.DEVICE,
    "region_id": Kind.REGION,
    "region": Kind.REGION,
    "organisation_id": Kind.ORGANISATION,
}
OF_STORES = frozenset({Right.FIGURES, Right.EVIDENCE})
UNTOLD = frozenset({"cursor", "after"})
"""Not written into the log: an answer about many is logged in each of their organisations, so
what leads to the next page must not carry one's ids to another."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be written into the log of who saw what.

    `of_stores`: what it shows is of stores, all that the caller may see unless it is `about` one.
    """

    caller: Caller
    operation: str
    subject: str
    about: About | None
    of_stores: bool


class Needs:
    """A dependency: the caller, who has `right`."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request) -> Caller:
        """The caller.

        Raises:
            SignInNeededError: nobody.
            ForbiddenError: somebody whose role does not include the right.
            FormTokenError: a change with a session, but without its form token.
            TooManyError: too many requests.
        """
        caller = await run_in_threadpool(_caller, request)
        request.state.caller = caller
        if self.right in LOGGED:
            request.state.asked = _asked(request, caller, self.right)
        caller.check(self.right)
        if caller.session is not None:
            request.state.form_secret = caller.session
            await _check_form(request, caller.session)
        return caller


class Open:
    """A dependency: nobody needs to be signed in; forms are bound to the visit."""

    right = Right.OPEN

    async def __call__(self, request: Request) -> None:
        """Check the form.

        Raises:
            FormTokenError: a change without the visit's form token.
        """
        cookies: Cookies = request.app.state.cookies
        request.state.form_secret = cookies.before(request)
        await _check_form(request, request.state.form_secret)


OPEN = Depends(Open())
BEARER_SCHEME = Security(
    HTTPBearer(auto_error=False, description="An API token; pages use a session instead.")
)
"""For the API's description alone: `Needs` reads the token itself."""
Own = Annotated[Caller, Depends(Needs(Right.OWN))]
Figures = Annotated[Caller, Depends(Needs(Right.FIGURES))]
Evidence = Annotated[Caller, Depends(Needs(Right.EVIDENCE))]
ForAccounts = Annotated[Caller, Depends(Needs(Right.ACCOUNTS))]
ToNote = Annotated[Caller, Depends(Needs(Right.NOTE))]
ToAmend = Annotated[Caller, Depends(Needs(Right.AMEND))]
ToConfirm = Annotated[Caller, Depends(Needs(Right.CONFIRM))]
ForIdentity = Annotated[Caller, Depends(Needs(Right.IDENTITY))]
ForLog = Annotated[Caller, Depends(Needs(Right.ACCESS_LOG))]
OWN = Depends(Needs(Right.OWN))


def gate_of(request: Request) -> Gate:
    """The application's gate."""
    found: Gate = request.app.state.gate
    return found


def address_of(request: Request) -> str:
    """The address that a request came from (the reverse proxy's word, where there is one)."""
    return request.client.host if request.client else "unknown"


def is_api(request: Request) -> bool:
    """Whether a request is one to the API: tokens are taken there, problems are JSON there."""
    return request.url.path.startswith(API)


def _caller(request: Request) -> Caller:
    gate = gate_of(request)
    cookies: Cookies = request.app.state.cookies
    sent = request.headers.get("authorization", "")
    secret = cookies.session(request)
    caller = None
    if is_api(request) and sent.lower().startswith(BEARER):
        caller = gate.by_token(sent[len(BEARER) :].strip(), address_of(request))
    elif not sent and secret is not None:
        caller = gate.by_session(secret)
    if caller is None:
        raise SignInNeededError("expected a signed-in account or a valid token")
    gate.take_turn(caller, page=not is_api(request))
    return caller


async def _check_form(request: Request, secret: str) -> None:
    if request.method in SAFE_METHODS:
        return
    given = request.headers.get(FORM_HEADER)
    kind = request.headers.get("content-type", "")
    if given is None and kind.startswith(("application/x-www-form-urlencoded", "multipart/")):
        field = (await request.form()).get(FORM_FIELD)
        given = field if isinstance(field, str) else None
    if given is None or not is_form_token(given, secret):
        raise FormTokenError("expected the form token of this session")


def _asked(request: Request, caller: Caller, right: Right) -> Asked:
    route = request.scope.get("route")
    operation = str(getattr(route, "operation_id", None) or getattr(route, "name", ""))
    known = route.dependant.query_params if isinstance(route, APIRoute) else []
    told = [one.alias for one in known if one.alias not in UNTOLD]
    given = {key: _plain(value) for key, value in request.path_params.items()}
    query = request.query_params
    asked = {key: _plain(query[key]) for key in told if key in query}
    said = asked | given
    named = [About(kind, _as_kept(said[key])) for key, kind in NAMED.items() if key in said]
    subject = "/".join(given.values())
    if asked:
        subject = f"{subject}?{urlencode(asked, safe=':/+')}"
    about = named[0] if named else None
    return Asked(caller, operation, subject[:LONGEST_SUBJECT], about, right in OF_STORES)


def _as_kept(name: str) -> str:
    """An id as the database writes it, however the caller did; other names as they are."""
    try:
        return str(UUID(name))
    except ValueError:
        return name


def _plain(value: object) -> str:
    """A value as it may stand in the database, which takes no NUL."""
    return str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")


def check_rights(router: APIRouter) -> None:
    """Refuse a router with a route that names no right, or several.

    Raises:
        TypeError: with the route's path.
    """
    for route in router.routes:
        rights = rights_of(route) if isinstance(route, APIRoute) else []
        if len(rights) != 1:
            raise TypeError(f"{getattr(route, 'path', route)}: expected one right, found {rights}")


def rights_of(route: APIRoute) -> list[Right]:
    """The rights that a route names."""
    return _rights_in(route.dependant)


def _rights_in(dependant: Dependant) -> list[Right]:
    found = []
    for one in dependant.dependencies:
        if isinstance(one.call, Needs | Open):
            found.append(one.call.right)
        found += _rights_in(one)
    return found
